/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/collateral.h"

#include "base/log.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MS_PER_S = 1000, IDLE_MS = 60 * MS_PER_S };

/* One platform. Present once it was asked for; `collateral` is NULL until something was verified. */
struct entry {
    bool is_used, is_loaded; /* loaded: the disk was asked */
    struct collateral_platform platform;
    struct collateral *collateral;
    struct collateral_facts facts;
    int64_t due_ms;         /* when the thread goes for it next, on the monotonic clock */
    int64_t asked_ms;       /* when it was last asked for */
    struct refusal failure; /* of the last attempt; OK before the first and after a success */
    unsigned attempts;      /* to notice the end of one */
};

struct collateral_feed {
    struct collateral_feed_options options;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake, changed;
    bool stopping;
    struct entry entries[COLLATERAL_PLATFORM_MAX_COUNT];
};

static bool is_platform(const struct entry *entry, const struct collateral_platform *platform)
{
    return entry->is_used && memcmp(entry->platform.fmspc, platform->fmspc, sizeof(platform->fmspc)) == 0 &&
           strcmp(entry->platform.ca, platform->ca) == 0;
}

static struct entry *find(struct collateral_feed *feed, const struct collateral_platform *platform)
{
    for (size_t i = 0; i < COLLATERAL_PLATFORM_MAX_COUNT; i++) {
        if (is_platform(&feed->entries[i], platform)) return &feed->entries[i];
    }
    return NULL;
}

/* A free place, or that of the failure that was asked for longest ago. Platforms that are known to exist, and those
 * that are being fetched, keep theirs. */
static struct entry *place_for_new(struct collateral_feed *feed)
{
    struct entry *oldest = NULL;
    for (size_t i = 0; i < COLLATERAL_PLATFORM_MAX_COUNT; i++) {
        struct entry *const entry = &feed->entries[i];
        if (!entry->is_used) return entry;
        const bool is_failure = entry->collateral == NULL && entry->failure.status != OK;
        if (is_failure && (oldest == NULL || entry->asked_ms < oldest->asked_ms)) oldest = entry;
    }
    return oldest;
}

static struct entry *add(struct collateral_feed *feed, const struct collateral_platform *platform)
{
    struct entry *const entry = place_for_new(feed);
    if (entry == NULL) return NULL;
    *entry = (struct entry){.is_used = true, .platform = *platform, .due_ms = clock_monotonic_ms()};
    return entry;
}

static bool is_valid_now(const struct collateral_feed *feed, const struct entry *entry)
{
    return entry->collateral != NULL && clock_now_s(feed->options.clock) < entry->facts.expires_s;
}

/* Time until the next attempt: a day, or three quarters of what is left. */
static int64_t refresh_pause_ms(int64_t left_s)
{
    const int64_t pause_s = left_s * 3 / 4 < COLLATERAL_REFRESH_S ? left_s * 3 / 4 : COLLATERAL_REFRESH_S;
    return (pause_s > COLLATERAL_FAILURE_S ? pause_s : COLLATERAL_FAILURE_S) * MS_PER_S;
}

static enum status check_age(const struct entry *entry, const struct collateral_facts *facts, int64_t now_s,
                             struct refusal *why)
{
    if (facts->expires_s <= now_s)
        return refuse(why, ERR_COLLATERAL_EXPIRED, "collateral.nextUpdate", time_iso8601(now_s).text, "%s",
                      time_iso8601(facts->expires_s).text);
    if (entry->collateral == NULL) return OK;
    if (facts->tcb_evaluation < entry->facts.tcb_evaluation || facts->issued_s < entry->facts.issued_s)
        return refuse(why, ERR_FEED_STALE, "collateral.issueDate", time_iso8601(entry->facts.issued_s).text, "%s",
                      time_iso8601(facts->issued_s).text);
    return OK;
}

static enum status check_platform(const struct collateral_platform *platform, const struct collateral_facts *facts,
                                  struct refusal *why)
{
    const struct collateral_platform seen = {.fmspc = {facts->fmspc[0], facts->fmspc[1], facts->fmspc[2],
                                                       facts->fmspc[3], facts->fmspc[4], facts->fmspc[5]}};
    if (memcmp(seen.fmspc, platform->fmspc, sizeof(seen.fmspc)) == 0 && strcmp(facts->ca, platform->ca) == 0) return OK;
    return refuse(why, ERR_COLLATERAL_MISMATCH, "collateral", collateral_platform_name(platform).text, "%s%s",
                  collateral_platform_name(&seen).text, facts->ca);
}

/* What was fetched, verified. The clock's floor rises first: a signed date lies in the past whatever the host says. */
static enum status verify(struct collateral_feed *feed, const struct collateral_platform *platform,
                          const struct collateral_files *files, struct refusal *why, struct collateral **collateral_out,
                          struct collateral_facts *facts_out)
{
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    const struct collateral_texts texts = collateral_files_texts(files);
    TRY(collateral_new(&texts, feed->options.roots, why, &collateral));
    collateral_facts(collateral, facts_out);
    TRY(check_platform(platform, facts_out, why));
    clock_raise_floor(feed->options.clock, facts_out->issued_s);
    *collateral_out = collateral;
    collateral = NULL;
    return OK;
}

/* Under the mutex. Takes the collateral over. */
static enum status install(struct collateral_feed *feed, struct entry *entry, struct collateral *collateral,
                           const struct collateral_facts *facts, struct refusal *why)
{
    const int64_t now_s = clock_now_s(feed->options.clock);
    const enum status status = check_age(entry, facts, now_s, why);
    if (status != OK) {
        collateral_free(collateral);
        return status;
    }
    collateral_free(entry->collateral);
    entry->collateral = collateral;
    entry->facts = *facts;
    entry->failure = (struct refusal){};
    entry->due_ms = clock_monotonic_ms() + refresh_pause_ms(facts->expires_s - now_s);
    return OK;
}

static enum status cache_path(const struct collateral_feed *feed, const struct collateral_platform *platform,
                              char path_out[static PATH_MAX])
{
    const int wanted =
        snprintf(path_out, PATH_MAX, "%s/%s", feed->options.cache, collateral_platform_name(platform).text);
    return wanted < 0 || wanted >= PATH_MAX ? ERR_IO : OK;
}

static void keep_on_disk(const struct collateral_feed *feed, const struct collateral_platform *platform,
                         const struct collateral_files *files)
{
    char path[PATH_MAX];
    struct refusal why = {};
    if (feed->options.cache == NULL || cache_path(feed, platform, path) != OK) return;
    if (collateral_files_write(path, files, &why) != OK) log_refusal(LOG_WARNING, "collateral.not_kept", &why);
}

/* From disk: a restart does not depend on the source. */
static enum status load_kept(struct collateral_feed *feed, const struct collateral_platform *platform,
                             struct collateral **collateral_out, struct collateral_facts *facts_out)
{
    char path[PATH_MAX];
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    if (feed->options.cache == NULL) return ERR_NOT_FOUND;
    TRY(cache_path(feed, platform, path));
    TRY(collateral_files_read(path, NULL, &files));
    return verify(feed, platform, &files, NULL, collateral_out, facts_out);
}

static enum status attempt(struct collateral_feed *feed, const struct collateral_platform *platform,
                           struct refusal *why, struct collateral **collateral_out, struct collateral_facts *facts_out)
{
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    TRY(feed->options.fetch(feed->options.fetch_context, platform, why, &files));
    TRY(verify(feed, platform, &files, why, collateral_out, facts_out));
    keep_on_disk(feed, platform, &files);
    return OK;
}

static void remember_failure(struct entry *entry, enum status status, const struct refusal *why)
{
    const bool is_new = entry->failure.status != status;
    entry->failure = *why;
    if (why->status == OK) (void)!refuse(&entry->failure, status, "collateral", "collateral of this platform", "none");
    entry->due_ms = clock_monotonic_ms() + COLLATERAL_FAILURE_S * MS_PER_S;
    /* A platform that nobody knows is a stranger's invention more often than news. */
    if (is_new)
        log_refusal(status == ERR_NOT_FOUND ? LOG_DEBUG : LOG_WARNING, "collateral.not_fetched", &entry->failure);
}

/* What an attempt brought, under the mutex. */
static void finish(struct collateral_feed *feed, struct entry *entry, enum status status, struct collateral *collateral,
                   const struct collateral_facts *facts, struct refusal *why)
{
    if (status == OK) status = install(feed, entry, collateral, facts, why);
    if (status == OK)
        log_event(LOG_INFO, "collateral.fresh", log_number(LOG_TIME, facts->expires_s));
    else
        remember_failure(entry, status, why);
    entry->attempts++;
    (void)pthread_cond_broadcast(&feed->changed);
}

/* Called and left with the mutex held, which is free while disk and source are asked. The entry keeps its place
 * meanwhile, because only failures lose theirs. */
static void go_for(struct collateral_feed *feed, struct entry *entry)
{
    const struct collateral_platform platform = entry->platform;
    const bool is_first = entry->collateral == NULL && !entry->is_loaded;
    struct collateral *collateral = NULL;
    struct collateral_facts facts;
    struct refusal why = {};
    entry->due_ms = INT64_MAX;
    (void)pthread_mutex_unlock(&feed->mutex);
    const bool is_kept = is_first && load_kept(feed, &platform, &collateral, &facts) == OK;
    enum status status = is_kept ? OK : attempt(feed, &platform, &why, &collateral, &facts);
    (void)pthread_mutex_lock(&feed->mutex);
    entry->is_loaded = true;
    if (!is_kept) {
        finish(feed, entry, status, collateral, &facts, &why);
        return;
    }
    /* What was kept serves while something newer is fetched; what has expired on disk is passed over. */
    (void)!install(feed, entry, collateral, &facts, NULL);
    entry->due_ms = clock_monotonic_ms();
    (void)pthread_cond_broadcast(&feed->changed);
}

/* A failure without collateral waits until somebody asks again: nobody may want that platform any more. */
static bool is_due(const struct entry *entry, int64_t now_ms)
{
    if (!entry->is_used || entry->due_ms > now_ms) return false;
    return entry->collateral != NULL || entry->failure.status == OK;
}

static struct entry *find_due(struct collateral_feed *feed, int64_t now_ms)
{
    struct entry *first = NULL;
    for (size_t i = 0; i < COLLATERAL_PLATFORM_MAX_COUNT; i++) {
        struct entry *const entry = &feed->entries[i];
        if (is_due(entry, now_ms) && (first == NULL || entry->due_ms < first->due_ms)) first = entry;
    }
    return first;
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

static int64_t pause_until_next(const struct collateral_feed *feed, int64_t now_ms)
{
    int64_t pause_ms = IDLE_MS;
    for (size_t i = 0; i < COLLATERAL_PLATFORM_MAX_COUNT; i++) {
        const struct entry *const entry = &feed->entries[i];
        const bool waits = entry->is_used && (entry->collateral != NULL || entry->failure.status == OK);
        if (waits && entry->due_ms - now_ms < pause_ms) pause_ms = entry->due_ms - now_ms;
    }
    return pause_ms > 0 ? pause_ms : 0;
}

static void *keep_fresh(void *context)
{
    struct collateral_feed *const feed = context;
    (void)pthread_mutex_lock(&feed->mutex);
    while (!feed->stopping) {
        const int64_t now_ms = clock_monotonic_ms();
        struct entry *const due = find_due(feed, now_ms);
        if (due != NULL) {
            go_for(feed, due);
            continue;
        }
        const struct timespec until = in_ms(pause_until_next(feed, now_ms));
        (void)pthread_cond_timedwait(&feed->wake, &feed->mutex, &until);
    }
    (void)pthread_mutex_unlock(&feed->mutex);
    return NULL;
}

static void init_locks(struct collateral_feed *feed)
{
    pthread_condattr_t monotonic;
    (void)pthread_mutex_init(&feed->mutex, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&feed->wake, &monotonic);
    (void)pthread_cond_init(&feed->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

static void destroy(struct collateral_feed *feed)
{
    for (size_t i = 0; i < COLLATERAL_PLATFORM_MAX_COUNT; i++) collateral_free(feed->entries[i].collateral);
    (void)pthread_cond_destroy(&feed->wake);
    (void)pthread_cond_destroy(&feed->changed);
    (void)pthread_mutex_destroy(&feed->mutex);
    free(feed);
}

enum status collateral_feed_start(const struct collateral_feed_options *options, struct collateral_feed **feed_out)
{
    struct collateral_feed *const feed = calloc(1, sizeof(*feed));
    if (feed == NULL) return ERR_NO_MEMORY;
    feed->options = *options;
    init_locks(feed);
    if (pthread_create(&feed->thread, NULL, keep_fresh, feed) != 0) {
        destroy(feed);
        return ERR_NO_MEMORY;
    }
    *feed_out = feed;
    return OK;
}

void collateral_feed_free(struct collateral_feed *feed)
{
    if (feed == NULL) return;
    (void)pthread_mutex_lock(&feed->mutex);
    feed->stopping = true;
    (void)pthread_cond_signal(&feed->wake);
    (void)pthread_cond_broadcast(&feed->changed);
    (void)pthread_mutex_unlock(&feed->mutex);
    (void)pthread_join(feed->thread, NULL);
    destroy(feed);
}

/* Under the mutex: the entry, made if it is new, and due again if its failure is old. */
static struct entry *want(struct collateral_feed *feed, const struct collateral_platform *platform)
{
    struct entry *entry = find(feed, platform);
    const int64_t now_ms = clock_monotonic_ms();
    if (entry == NULL) {
        entry = add(feed, platform);
        if (entry == NULL) return NULL;
        (void)pthread_cond_signal(&feed->wake);
    } else if (entry->failure.status != OK && entry->due_ms <= now_ms) {
        entry->failure = (struct refusal){};
        (void)pthread_cond_signal(&feed->wake);
    }
    entry->asked_ms = now_ms;
    return entry;
}

/* Under the mutex: until the thread has made an attempt, or the time is over. */
static void wait_for_attempt(struct collateral_feed *feed, const struct entry *entry, int wait_ms)
{
    const struct timespec until = in_ms(wait_ms);
    const unsigned attempts = entry->attempts;
    int result = 0;
    while (!feed->stopping && result == 0 && entry->attempts == attempts && !is_valid_now(feed, entry))
        result = pthread_cond_timedwait(&feed->changed, &feed->mutex, &until);
}

static enum status hand_out(struct collateral_feed *feed, const struct entry *entry, struct refusal *why,
                            struct collateral **collateral_out)
{
    if (is_valid_now(feed, entry)) {
        *collateral_out = collateral_share(entry->collateral);
        return OK;
    }
    if (entry->failure.status != OK) {
        if (why != NULL) *why = entry->failure;
        return entry->failure.status;
    }
    (void)!refuse(why, ERR_COLLATERAL_MISSING, "collateral", collateral_platform_name(&entry->platform).text,
                  "not fetched yet");
    return refuse_fix(why, ERR_COLLATERAL_MISSING, "ask again in a second");
}

static enum status get(struct collateral_feed *feed, const struct collateral_platform *platform, int wait_ms,
                       struct refusal *why, struct collateral **collateral_out)
{
    const struct entry *entry = want(feed, platform);
    if (entry == NULL)
        return refuse(why, ERR_BUSY, "collateral", "fewer platforms at the same time", "%d",
                      COLLATERAL_PLATFORM_MAX_COUNT);
    const bool is_pending = !is_valid_now(feed, entry) && entry->failure.status == OK;
    if (wait_ms > 0 && is_pending) {
        wait_for_attempt(feed, entry, wait_ms);
        /* A failure may have lost its place to another platform meanwhile. */
        entry = find(feed, platform);
        if (entry == NULL)
            return refuse(why, ERR_COLLATERAL_MISSING, "collateral", collateral_platform_name(platform).text, "none");
    }
    return hand_out(feed, entry, why, collateral_out);
}

enum status collateral_feed_get(struct collateral_feed *feed, const struct collateral_platform *platform, int wait_ms,
                                struct refusal *why, struct collateral **collateral_out)
{
    (void)pthread_mutex_lock(&feed->mutex);
    const enum status status = get(feed, platform, wait_ms, why, collateral_out);
    (void)pthread_mutex_unlock(&feed->mutex);
    return status;
}
