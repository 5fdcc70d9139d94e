/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/collateral.h"

#include "base/file.h"
#include "base/log.h"
#include "feeds/collateral_memory.h"
#include "feeds/collateral_wire.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SET_NAME_BYTES = 24 };

/* "4c5a52540001-platform-n18": the platform, and the set if it is not the enforced one. */
struct place_name {
    char text[KEEPER_NAME_MAX_BYTES + 1];
};

/* The newest issue that was seen of one platform. */
struct highest {
    struct place_name name; /* "": a free place */
    struct collateral_issue issue;
};

/* What the keeper holds: verified, and the texts that it was made of. Immutable but for the number of its owners. */
struct kept_platform {
    _Atomic unsigned owners;
    struct collateral *collateral;
    struct buffer texts;
};

struct collateral_feed {
    struct collateral_feed_options options;
    struct keeper *keeper;
    _Atomic uint64_t generation;
    _Atomic int64_t minimum_evaluation;
    struct collateral_memory *carried;
    pthread_mutex_t mutex;
    struct highest highest[COLLATERAL_PLATFORM_MAX_COUNT];
};

static struct place_name place_of(const struct collateral_feed *feed, const struct collateral_platform *platform)
{
    const struct collateral_set *const set = &feed->options.set;
    char suffix[SET_NAME_BYTES] = "";
    struct place_name name;
    if (set->evaluation > 0)
        (void)snprintf(suffix, sizeof(suffix), "-n%lld", (long long)set->evaluation);
    else if (set->is_early)
        (void)snprintf(suffix, sizeof(suffix), "-early");
    (void)snprintf(name.text, sizeof(name.text), "%s%s", collateral_platform_name(platform).text, suffix);
    return name;
}

struct path {
    char text[PATH_MAX];
};

static enum status path_of(const struct collateral_feed *feed, const struct place_name *name, const char *file,
                           struct path *path_out)
{
    if (feed->options.cache == NULL) return ERR_NOT_FOUND;
    const int wanted =
        snprintf(path_out->text, sizeof(path_out->text), "%s/%s%s", feed->options.cache, name->text, file);
    return wanted < 0 || (size_t)wanted >= sizeof(path_out->text) ? ERR_IO : OK;
}

/* ---- what never goes back ---- */

/* Under the mutex: the place of this name, or a free one; NULL if there is neither. */
static struct highest *find_highest(struct collateral_feed *feed, const struct place_name *name)
{
    struct highest *found = NULL;
    for (size_t i = 0; i < COLLATERAL_PLATFORM_MAX_COUNT; i++) {
        struct highest *const place = &feed->highest[i];
        if (strcmp(place->name.text, name->text) == 0) return place;
        if (found == NULL && place->name.text[0] == '\0') found = place;
    }
    return found;
}

static enum status read_highest(const struct collateral_feed *feed, const struct place_name *name, struct refusal *why,
                                struct collateral_issue *issue_out)
{
    struct path path;
    *issue_out = (struct collateral_issue){};
    if (path_of(feed, name, "/highest.json", &path) != OK || !file_exists(path.text)) return OK;
    const enum status status = collateral_issue_read(path.text, why, issue_out);
    if (status == OK || status == ERR_NO_MEMORY) return status;
    (void)!refuse_as(why, status, ERR_COLLATERAL_OLD);
    return refuse_fix(why, ERR_COLLATERAL_OLD,
                      "highest.json says how new collateral must be: mend it, or begin anew "
                      "without this platform's folder");
}

/* From memory, or from disk before anything was seen in this run; all zero if nothing ever was. */
static enum status highest_of(struct collateral_feed *feed, const struct place_name *name, struct refusal *why,
                              struct collateral_issue *issue_out)
{
    (void)pthread_mutex_lock(&feed->mutex);
    const struct highest *const place = find_highest(feed, name);
    const bool is_known = place != NULL && place->name.text[0] != '\0';
    if (is_known) *issue_out = place->issue;
    (void)pthread_mutex_unlock(&feed->mutex);
    return is_known ? OK : read_highest(feed, name, why, issue_out);
}

static void keep_highest(struct collateral_feed *feed, const struct place_name *name,
                         const struct collateral_issue *issue)
{
    struct path path;
    struct refusal why = {};
    (void)pthread_mutex_lock(&feed->mutex);
    struct highest *const place = find_highest(feed, name);
    if (place != NULL) *place = (struct highest){.name = *name, .issue = *issue};
    (void)pthread_mutex_unlock(&feed->mutex);
    if (path_of(feed, name, "/highest.json", &path) != OK) return;
    if (collateral_issue_write(path.text, issue, &why) != OK) log_refusal(LOG_WARNING, "collateral.not_kept", &why);
}

/* ---- what is taken ---- */

/* The clock's floor rises first: a signed date lies in the past whatever the host says. */
static enum status check(struct collateral_feed *feed, const struct collateral_platform *platform,
                         const struct collateral *collateral, struct refusal *why, struct collateral_facts *facts_out,
                         struct collateral_issue *highest_out)
{
    const struct place_name name = place_of(feed, platform);
    collateral_facts(collateral, facts_out);
    TRY(collateral_check_platform(platform, facts_out, why));
    clock_raise_floor(feed->options.clock, facts_out->issued_s);
    TRY(collateral_issue_check_minimum(&facts_out->issue, feed->minimum_evaluation, why));
    TRY(highest_of(feed, &name, why, highest_out));
    TRY(collateral_issue_check(&facts_out->issue, highest_out, why));
    return collateral_check_time(collateral, clock_now_s(feed->options.clock), why);
}

static void drop(void *object)
{
    struct kept_platform *const kept = object;
    if (kept == NULL || atomic_fetch_sub(&kept->owners, 1) != 1) return;
    collateral_free(kept->collateral);
    buffer_done(&kept->texts);
    free(kept);
}

static void drop_kept(struct kept_platform **kept)
{
    drop(*kept);
}

static void *share(void *object)
{
    struct kept_platform *const kept = object;
    (void)atomic_fetch_add(&kept->owners, 1);
    return kept;
}

static enum status make_kept(const struct collateral_texts *texts, const struct trust_roots *roots, struct refusal *why,
                             struct kept_platform **kept_out)
{
    CLEANUP(drop_kept) struct kept_platform *kept = calloc(1, sizeof(*kept));
    if (kept == NULL) return ERR_NO_MEMORY;
    kept->owners = 1;
    kept->texts = buffer_of_maximum(COLLATERAL_WIRE_MAX_BYTES);
    TRY(collateral_new(texts, roots, why, &kept->collateral));
    TRY(collateral_wire_write(texts, why, &kept->texts));
    *kept_out = kept;
    kept = NULL;
    return OK;
}

/* What a folder or the source brought: verified, current, of the set that was asked for, and not older than what was
 * seen before. */
struct accepted {
    struct kept_platform *kept;
    struct collateral_facts facts;
    struct collateral_issue highest; /* as it was */
};

static enum status accept(struct collateral_feed *feed, const struct collateral_platform *platform,
                          const struct collateral_files *files, struct refusal *why, struct accepted *accepted_out)
{
    CLEANUP(drop_kept) struct kept_platform *kept = NULL;
    const struct collateral_texts texts = collateral_files_texts(files);
    TRY(make_kept(&texts, feed->options.roots, why, &kept));
    TRY(check(feed, platform, kept->collateral, why, &accepted_out->facts, &accepted_out->highest));
    TRY(collateral_check_set(&feed->options.set, &accepted_out->facts, why));
    accepted_out->kept = kept;
    kept = NULL;
    return OK;
}

/* From now on nothing older is accepted. */
static void settle(struct collateral_feed *feed, const struct place_name *name, const struct accepted *accepted,
                   struct keeper_thing *thing_out)
{
    struct collateral_issue highest = accepted->highest;
    collateral_issue_raise(&highest, &accepted->facts.issue);
    keep_highest(feed, name, &highest);
    (void)atomic_fetch_add(&feed->generation, 1);
    *thing_out = (struct keeper_thing){
        .object = accepted->kept, .expires_s = accepted->facts.expires_s, .refresh_s = COLLATERAL_REFRESH_S};
}

/* ---- what the keeper calls ---- */

/* From disk: a restart does not depend on the source. */
static enum status load(void *context, const void *request, struct keeper_thing *thing_out)
{
    struct collateral_feed *const feed = context;
    const struct place_name name = place_of(feed, request);
    struct path path;
    struct accepted accepted;
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    TRY(path_of(feed, &name, "", &path));
    TRY(collateral_files_read(path.text, NULL, &files));
    TRY(accept(feed, request, &files, NULL, &accepted));
    settle(feed, &name, &accepted, thing_out);
    return OK;
}

static void keep_on_disk(const struct collateral_feed *feed, const struct place_name *name,
                         const struct collateral_files *files)
{
    struct path path;
    struct refusal why = {};
    if (path_of(feed, name, "", &path) != OK) return;
    if (collateral_files_write(path.text, files, &why) != OK) log_refusal(LOG_WARNING, "collateral.not_kept", &why);
}

static enum status fetch(void *context, const void *request, const void *, struct refusal *why,
                         struct pacing_hint *hint, struct keeper_thing *thing_out)
{
    struct collateral_feed *const feed = context;
    const struct place_name name = place_of(feed, request);
    struct accepted accepted;
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    TRY(feed->options.fetch(feed->options.fetch_context, request, why, hint, &files));
    TRY(accept(feed, request, &files, why, &accepted));
    keep_on_disk(feed, &name, &files);
    settle(feed, &name, &accepted, thing_out);
    return OK;
}

static const struct keeper_kind kind = {
    .what = "collateral",
    .fresh_event = "collateral.fresh",
    .failed_event = "collateral.not_fetched",
    .request_bytes = sizeof(struct collateral_platform),
    .max_count = COLLATERAL_PLATFORM_MAX_COUNT,
    .load = load,
    .fetch = fetch,
    .share = share,
    .drop = drop,
};

/* ---- the feed ---- */

static enum status begin(struct collateral_feed *feed)
{
    const struct collateral_feed_options *const options = &feed->options;
    const struct keeper_options keeper = {
        .kind = &kind,
        .context = feed,
        .clock = options->clock,
        .timing = options->timing,
    };
    TRY(collateral_memory_new(COLLATERAL_CARRIED_MAX_COUNT, options->roots, &feed->carried));
    return keeper_start(&keeper, &feed->keeper);
}

enum status collateral_feed_start(const struct collateral_feed_options *options, struct collateral_feed **feed_out)
{
    struct collateral_feed *const feed = calloc(1, sizeof(*feed));
    if (feed == NULL) return ERR_NO_MEMORY;
    feed->options = *options;
    feed->minimum_evaluation = options->minimum_evaluation;
    (void)pthread_mutex_init(&feed->mutex, NULL);
    const enum status status = begin(feed);
    if (status != OK)
        collateral_feed_free(feed);
    else
        *feed_out = feed;
    return status;
}

void collateral_feed_free(struct collateral_feed *feed)
{
    if (feed == NULL) return;
    keeper_free(feed->keeper);
    collateral_memory_free(feed->carried);
    (void)pthread_mutex_destroy(&feed->mutex);
    free(feed);
}

static enum status get_kept(struct collateral_feed *feed, const struct collateral_platform *platform, int wait_ms,
                            struct refusal *why, struct kept_platform **kept_out)
{
    const struct place_name name = place_of(feed, platform);
    void *object = NULL;
    TRY(keeper_get(feed->keeper, name.text, platform, wait_ms, why, &object));
    CLEANUP(drop_kept) struct kept_platform *kept = object;
    struct collateral_facts facts;
    collateral_facts(kept->collateral, &facts);
    TRY(collateral_issue_check_minimum(&facts.issue, feed->minimum_evaluation, why));
    *kept_out = kept;
    kept = NULL;
    return OK;
}

enum status collateral_feed_get(struct collateral_feed *feed, const struct collateral_platform *platform, int wait_ms,
                                struct refusal *why, struct collateral **collateral_out)
{
    CLEANUP(drop_kept) struct kept_platform *kept = NULL;
    TRY(get_kept(feed, platform, wait_ms, why, &kept));
    *collateral_out = collateral_share(kept->collateral);
    return OK;
}

enum status collateral_feed_texts(struct collateral_feed *feed, const struct collateral_platform *platform, int wait_ms,
                                  struct refusal *why, struct buffer *texts)
{
    CLEANUP(drop_kept) struct kept_platform *kept = NULL;
    TRY(get_kept(feed, platform, wait_ms, why, &kept));
    return buffer_append(texts, buffer_slice(&kept->texts));
}

void collateral_feed_set_minimum(struct collateral_feed *feed, int64_t minimum_evaluation)
{
    feed->minimum_evaluation = minimum_evaluation;
    (void)atomic_fetch_add(&feed->generation, 1);
    keeper_renew(feed->keeper);
}

uint64_t collateral_feed_generation(const struct collateral_feed *feed)
{
    return atomic_load(&feed->generation);
}

enum status collateral_feed_carried(struct collateral_feed *feed, const struct collateral_platform *platform,
                                    const struct collateral_texts *texts, struct refusal *why,
                                    struct collateral **collateral_out)
{
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    struct collateral_facts facts;
    struct collateral_issue highest;
    TRY(collateral_memory_get(feed->carried, texts, why, &collateral));
    TRY(check(feed, platform, collateral, why, &facts, &highest));
    *collateral_out = collateral;
    collateral = NULL;
    return OK;
}

int64_t collateral_feed_turn(struct collateral_feed *feed)
{
    return keeper_turn(feed->keeper);
}
