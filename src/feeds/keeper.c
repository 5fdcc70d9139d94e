/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/keeper.h"

#include "base/log.h"
#include "crypto/random.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MS_PER_S = 1000, IDLE_MS = 60 * MS_PER_S };

/* One name. Present once it was asked for; its object is NULL until something was verified. */
struct entry {
    bool is_used, is_loaded; /* loaded: the disk was asked */
    bool is_busy;            /* the thread is at it */
    uint64_t hash;
    char name[KEEPER_NAME_MAX_BYTES + 1];
    max_align_t request[KEEPER_REQUEST_MAX_BYTES / sizeof(max_align_t)];
    struct keeper_thing thing;
    int64_t due_ms;         /* when the thread goes for it next */
    int64_t asked_ms;       /* when it was last asked for */
    struct refusal failure; /* of the last attempt; OK before the first, after a success and when it is due again */
    unsigned failures;      /* in a row */
    unsigned attempts;      /* to notice the end of one */
};

struct keeper {
    struct keeper_options options;
    const struct keeper_kind *kind;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake, changed;
    bool stopping;
    struct pacing_random random;
    int64_t quiet_until_ms;         /* the source asked for a pause */
    int64_t new_count, new_from_ms; /* misses that may still be gone for, and since when that is so */
    struct entry *entries;          /* kind->max_count */
};

static int64_t now_ms(const struct keeper *keeper)
{
    const struct keeper_timing *const timing = &keeper->options.timing;
    return timing->monotonic_ms != NULL ? timing->monotonic_ms(timing->time) : clock_monotonic_ms();
}

static int64_t now_s(const struct keeper *keeper)
{
    return clock_now_s(keeper->options.clock);
}

/* FNV-1a: only to look at fewer names. */
static uint64_t hash_of(const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *name != '\0'; name++) hash = (hash ^ (uint8_t)*name) * UINT64_C(1099511628211);
    return hash;
}

/* ---- places ---- */

static struct entry *find(struct keeper *keeper, const char *name)
{
    const uint64_t hash = hash_of(name);
    for (size_t i = 0; i < keeper->kind->max_count; i++) {
        struct entry *const entry = &keeper->entries[i];
        if (entry->is_used && entry->hash == hash && strcmp(entry->name, name) == 0) return entry;
    }
    return NULL;
}

static bool is_at_hand(const struct keeper *keeper, const struct entry *entry)
{
    return entry->thing.object != NULL && now_s(keeper) < entry->thing.expires_s;
}

/* Which of two gives its place first: failures before things, then what was asked for longest ago. */
static bool goes_before(const struct entry *a, const struct entry *b)
{
    if ((a->thing.object == NULL) != (b->thing.object == NULL)) return a->thing.object == NULL;
    return a->asked_ms < b->asked_ms;
}

/* A free place, or one that may be taken: what is being fetched keeps its own. */
static struct entry *place_for_new(struct keeper *keeper)
{
    struct entry *first = NULL;
    for (size_t i = 0; i < keeper->kind->max_count; i++) {
        struct entry *const entry = &keeper->entries[i];
        if (!entry->is_used) return entry;
        const bool may_go = entry->thing.object != NULL ? keeper->kind->may_forget : entry->failure.status != OK;
        if (!entry->is_busy && may_go && (first == NULL || goes_before(entry, first))) first = entry;
    }
    return first;
}

/* Whether what is not at hand may be gone for because somebody asked, which strangers do as often as they like. */
static bool may_ask(struct keeper *keeper)
{
    const int64_t now = now_ms(keeper), more = (now - keeper->new_from_ms) / KEEPER_NEW_INTERVAL_MS;
    keeper->new_count += more;
    keeper->new_from_ms += more * KEEPER_NEW_INTERVAL_MS;
    if (keeper->new_count > KEEPER_NEW_BURST) keeper->new_count = KEEPER_NEW_BURST;
    if (keeper->new_count <= 0) return false;
    keeper->new_count--;
    return true;
}

static struct entry *add(struct keeper *keeper, const char *name, const void *request)
{
    struct entry *const entry = place_for_new(keeper);
    if (entry == NULL || !may_ask(keeper)) return NULL;
    if (entry->thing.object != NULL) keeper->kind->drop(entry->thing.object);
    *entry = (struct entry){.is_used = true, .hash = hash_of(name), .due_ms = now_ms(keeper)};
    (void)snprintf(entry->name, sizeof(entry->name), "%s", name);
    memcpy(entry->request, request, keeper->kind->request_bytes);
    return entry;
}

/* ---- what an attempt brought; all under the mutex ---- */

static void install(struct keeper *keeper, struct entry *entry, const struct keeper_thing *thing)
{
    if (entry->thing.object != NULL) keeper->kind->drop(entry->thing.object);
    entry->thing = *thing;
    entry->failure = (struct refusal){};
    entry->failures = 0;
    entry->due_ms =
        now_ms(keeper) + pacing_refresh_ms(&keeper->random, thing->expires_s - now_s(keeper), thing->refresh_s);
}

static void remember_failure(struct keeper *keeper, struct entry *entry, enum status status, const struct refusal *why,
                             const struct pacing_hint *hint)
{
    const bool is_new = entry->failure.status != status;
    const int64_t left_s = entry->thing.object != NULL ? entry->thing.expires_s - now_s(keeper) : 0;
    entry->failure = *why;
    entry->failure.status = status;
    if (why->status == OK) (void)!refuse(&entry->failure, status, keeper->kind->what, entry->name, "none");
    if (entry->failures < UINT16_MAX) entry->failures++;
    entry->due_ms = now_ms(keeper) + pacing_retry_ms(&keeper->random, entry->failures, left_s, hint);
    if (hint->is_limited) keeper->quiet_until_ms = now_ms(keeper) + pacing_limited_ms(&keeper->random, hint);
    /* What nobody knows is a stranger's invention more often than news. */
    if (is_new)
        log_refusal(status == ERR_NOT_FOUND ? LOG_DEBUG : LOG_WARNING, keeper->kind->failed_event, &entry->failure);
}

/* The source had asked for a pause, which holds for every name. */
static void stay_quiet(struct keeper *keeper, struct entry *entry)
{
    const int64_t left_s = (keeper->quiet_until_ms - now_ms(keeper)) / MS_PER_S + 1;
    if (entry->failure.status == OK)
        (void)!refuse(&entry->failure, ERR_BUSY, keeper->kind->what, "a source that answers",
                      "one that has had too many calls and asked for a pause of %lld s more", (long long)left_s);
    entry->due_ms = keeper->quiet_until_ms;
}

/* ---- the thread's work ---- */

struct attempt {
    bool is_kept, is_quiet; /* it came from disk; the source was not asked */
    enum status status;
    struct keeper_thing thing;
    struct refusal why;
    struct pacing_hint hint;
};

/* Without the mutex: disk and source may take their time. The entry keeps its place meanwhile. */
static void make_attempt(const struct keeper *keeper, const struct entry *entry, bool is_first, struct attempt *attempt)
{
    const struct keeper_kind *const kind = keeper->kind;
    void *const context = keeper->options.context;
    attempt->is_kept = is_first && kind->load != NULL && kind->load(context, entry->request, &attempt->thing) == OK;
    if (attempt->is_kept || attempt->is_quiet) return;
    attempt->status =
        kind->fetch(context, entry->request, entry->thing.object, &attempt->why, &attempt->hint, &attempt->thing);
}

/* What was kept on disk serves while something newer is fetched, unless that is never newer. */
static void take_kept(struct keeper *keeper, struct entry *entry, const struct attempt *attempt)
{
    install(keeper, entry, &attempt->thing);
    if (attempt->thing.refresh_s != INT64_MAX) entry->due_ms = now_ms(keeper);
    keeper->new_count++;
}

static void finish(struct keeper *keeper, struct entry *entry, const struct attempt *attempt)
{
    if (attempt->is_kept) {
        take_kept(keeper, entry, attempt);
    } else if (attempt->is_quiet) {
        stay_quiet(keeper, entry);
    } else if (attempt->status != OK) {
        remember_failure(keeper, entry, attempt->status, &attempt->why, &attempt->hint);
    } else {
        install(keeper, entry, &attempt->thing);
        log_event(LOG_INFO, keeper->kind->fresh_event, log_number(LOG_TIME, attempt->thing.expires_s));
    }
    entry->attempts++;
    (void)pthread_cond_broadcast(&keeper->changed);
}

/* Called and left with the mutex held, which is free while disk and source are asked. */
static void go_for(struct keeper *keeper, struct entry *entry)
{
    const bool is_first = !entry->is_loaded;
    struct attempt attempt = {.is_quiet = now_ms(keeper) < keeper->quiet_until_ms};
    entry->is_busy = true;
    (void)pthread_mutex_unlock(&keeper->mutex);
    make_attempt(keeper, entry, is_first, &attempt);
    (void)pthread_mutex_lock(&keeper->mutex);
    entry->is_busy = false;
    entry->is_loaded = true;
    finish(keeper, entry, &attempt);
}

/* A failure without a thing waits until somebody asks again: nobody may want it any more. */
static bool is_waiting(const struct entry *entry)
{
    return entry->is_used && (entry->thing.object != NULL || entry->failure.status == OK);
}

static struct entry *find_first(struct keeper *keeper)
{
    struct entry *first = NULL;
    for (size_t i = 0; i < keeper->kind->max_count; i++) {
        struct entry *const entry = &keeper->entries[i];
        if (is_waiting(entry) && (first == NULL || entry->due_ms < first->due_ms)) first = entry;
    }
    return first;
}

/* Under the mutex: as keeper_turn. */
static int64_t turn(struct keeper *keeper)
{
    struct entry *first = find_first(keeper);
    if (first != NULL && first->due_ms <= now_ms(keeper)) {
        go_for(keeper, first);
        first = find_first(keeper);
    }
    const int64_t left_ms = first != NULL ? first->due_ms - now_ms(keeper) : IDLE_MS;
    return left_ms > 0 ? left_ms : 0;
}

void keeper_renew(struct keeper *keeper)
{
    (void)pthread_mutex_lock(&keeper->mutex);
    for (size_t i = 0; i < keeper->kind->max_count; i++) {
        struct entry *const entry = &keeper->entries[i];
        if (entry->is_used && entry->thing.object != NULL) entry->due_ms = now_ms(keeper);
    }
    (void)pthread_cond_signal(&keeper->wake);
    (void)pthread_mutex_unlock(&keeper->mutex);
}

int64_t keeper_turn(struct keeper *keeper)
{
    (void)pthread_mutex_lock(&keeper->mutex);
    const int64_t left_ms = turn(keeper);
    (void)pthread_mutex_unlock(&keeper->mutex);
    return left_ms;
}

static struct timespec in_ms(int64_t pause_ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += pause_ms / MS_PER_S;
    until.tv_nsec += pause_ms % MS_PER_S * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

static void *keep_fresh(void *context)
{
    struct keeper *const keeper = context;
    (void)pthread_mutex_lock(&keeper->mutex);
    while (!keeper->stopping) {
        const int64_t pause_ms = turn(keeper);
        if (keeper->stopping || pause_ms == 0) continue;
        const struct timespec until = in_ms(pause_ms < IDLE_MS ? pause_ms : IDLE_MS);
        (void)pthread_cond_timedwait(&keeper->wake, &keeper->mutex, &until);
    }
    (void)pthread_mutex_unlock(&keeper->mutex);
    return NULL;
}

/* ---- start and end ---- */

static void init_locks(struct keeper *keeper)
{
    pthread_condattr_t monotonic;
    (void)pthread_mutex_init(&keeper->mutex, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&keeper->wake, &monotonic);
    (void)pthread_cond_init(&keeper->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

static void destroy(struct keeper *keeper)
{
    for (size_t i = 0; i < keeper->kind->max_count; i++) {
        if (keeper->entries[i].thing.object != NULL) keeper->kind->drop(keeper->entries[i].thing.object);
    }
    (void)pthread_cond_destroy(&keeper->wake);
    (void)pthread_cond_destroy(&keeper->changed);
    (void)pthread_mutex_destroy(&keeper->mutex);
    free(keeper->entries);
    free(keeper);
}

static enum status begin(struct keeper *keeper)
{
    keeper->random.state = keeper->options.timing.seed;
    if (keeper->options.timing.seed == 0)
        TRY(random_bytes(sizeof(keeper->random.state), (uint8_t *)&keeper->random.state));
    if (keeper->options.timing.by_hand) return OK;
    return pthread_create(&keeper->thread, NULL, keep_fresh, keeper) == 0 ? OK : ERR_NO_MEMORY;
}

enum status keeper_start(const struct keeper_options *options, struct keeper **keeper_out)
{
    struct keeper *const keeper = calloc(1, sizeof(*keeper));
    struct entry *const entries = calloc(options->kind->max_count, sizeof(*entries));
    if (keeper == NULL || entries == NULL) {
        free(keeper);
        free(entries);
        return ERR_NO_MEMORY;
    }
    *keeper =
        (struct keeper){.options = *options, .kind = options->kind, .entries = entries, .new_count = KEEPER_NEW_BURST};
    keeper->new_from_ms = now_ms(keeper);
    init_locks(keeper);
    const enum status status = begin(keeper);
    if (status != OK)
        destroy(keeper);
    else
        *keeper_out = keeper;
    return status;
}

void keeper_free(struct keeper *keeper)
{
    if (keeper == NULL) return;
    (void)pthread_mutex_lock(&keeper->mutex);
    keeper->stopping = true;
    (void)pthread_cond_signal(&keeper->wake);
    (void)pthread_cond_broadcast(&keeper->changed);
    (void)pthread_mutex_unlock(&keeper->mutex);
    if (!keeper->options.timing.by_hand) (void)pthread_join(keeper->thread, NULL);
    destroy(keeper);
}

/* ---- who asks; all under the mutex ---- */

/* The entry, made if it is new, and due again if its failure is old or what it holds has expired unnoticed. */
static struct entry *want(struct keeper *keeper, const char *name, const void *request)
{
    struct entry *entry = find(keeper, name);
    const int64_t now = now_ms(keeper);
    if (entry == NULL) {
        entry = add(keeper, name, request);
        if (entry == NULL) return NULL;
        (void)pthread_cond_signal(&keeper->wake);
    } else if (entry->failure.status != OK && entry->due_ms <= now && !entry->is_busy && may_ask(keeper)) {
        entry->failure = (struct refusal){};
        (void)pthread_cond_signal(&keeper->wake);
    } else if (entry->failure.status == OK && entry->due_ms > now && !is_at_hand(keeper, entry)) {
        entry->due_ms = now;
        (void)pthread_cond_signal(&keeper->wake);
    }
    entry->asked_ms = now;
    return entry;
}

/* Until the thread has made an attempt, or the time is over. */
static void wait_for_attempt(struct keeper *keeper, const struct entry *entry, int wait_ms)
{
    const struct timespec until = in_ms(wait_ms);
    const unsigned attempts = entry->attempts;
    int result = 0;
    while (!keeper->stopping && result == 0 && entry->attempts == attempts && !is_at_hand(keeper, entry))
        result = pthread_cond_timedwait(&keeper->changed, &keeper->mutex, &until);
}

static enum status refuse_for_now(enum status status, int64_t retry_s, struct refusal *why)
{
    char fix[REFUSAL_TEXT_BYTES];
    (void)snprintf(fix, sizeof(fix), "ask again in %lld s", (long long)(retry_s > 0 ? retry_s : KEEPER_RETRY_AFTER_S));
    return refuse_fix(why, status, fix);
}

static enum status refuse_missing(const struct keeper *keeper, const char *name, struct refusal *why)
{
    (void)!refuse(why, ERR_COLLATERAL_MISSING, keeper->kind->what, name, "not fetched yet");
    return refuse_for_now(ERR_COLLATERAL_MISSING, KEEPER_RETRY_AFTER_S, why);
}

static enum status refuse_entry(const struct keeper *keeper, const struct entry *entry, struct refusal *why)
{
    const int64_t retry_s = (entry->due_ms - now_ms(keeper)) / MS_PER_S + 1;
    if (entry->failure.status == OK) return refuse_missing(keeper, entry->name, why);
    if (entry->thing.object == NULL) {
        if (why != NULL) *why = entry->failure;
        if (entry->failure.fix[0] != '\0') return entry->failure.status;
        return refuse_for_now(entry->failure.status, retry_s, why);
    }
    char reason[REFUSAL_TEXT_BYTES];
    refusal_text(&entry->failure, reason, sizeof(reason));
    (void)!refuse(why, ERR_COLLATERAL_EXPIRED, keeper->kind->what, time_iso8601(now_s(keeper)).text,
                  "valid until %s, and nothing newer came: %s", time_iso8601(entry->thing.expires_s).text, reason);
    return refuse_for_now(ERR_COLLATERAL_EXPIRED, retry_s, why);
}

static enum status get(struct keeper *keeper, const char *name, const void *request, int wait_ms, struct refusal *why,
                       void **object_out)
{
    const struct entry *entry = want(keeper, name, request);
    if (entry == NULL) {
        (void)!refuse(why, ERR_BUSY, keeper->kind->what, "fewer names at the same time", "%zu at most",
                      keeper->kind->max_count);
        return refuse_for_now(ERR_BUSY, KEEPER_RETRY_AFTER_S, why);
    }
    if (wait_ms > 0 && !is_at_hand(keeper, entry) && entry->failure.status == OK) {
        wait_for_attempt(keeper, entry, wait_ms);
        entry = find(keeper, name); /* a failure may have lost its place to another name meanwhile */
        if (entry == NULL) return refuse_missing(keeper, name, why);
    }
    if (!is_at_hand(keeper, entry)) return refuse_entry(keeper, entry, why);
    *object_out = keeper->kind->share(entry->thing.object);
    return OK;
}

enum status keeper_get(struct keeper *keeper, const char *name, const void *request, int wait_ms, struct refusal *why,
                       void **object_out)
{
    if (strlen(name) > KEEPER_NAME_MAX_BYTES || keeper->kind->request_bytes > KEEPER_REQUEST_MAX_BYTES)
        return refuse(why, ERR_INTERNAL, keeper->kind->what, "a shorter name", "%zu bytes", strlen(name));
    (void)pthread_mutex_lock(&keeper->mutex);
    const enum status status = get(keeper, name, request, wait_ms, why, object_out);
    (void)pthread_mutex_unlock(&keeper->mutex);
    return status;
}
