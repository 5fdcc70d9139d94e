/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/key_sets.h"

#include "base/file.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct key_set {
    atomic_uint owners;
    struct jwk_set keys;
};

struct key_set_feed {
    struct key_set_feed_options options;
    struct keeper *keeper;
};

static void *share(void *object)
{
    struct key_set *const set = object;
    (void)atomic_fetch_add(&set->owners, 1);
    return set;
}

static void drop(void *object)
{
    struct key_set *const set = object;
    if (set == NULL || atomic_fetch_sub(&set->owners, 1) != 1) return;
    jwk_set_done(&set->keys);
    free(set);
}

void key_set_cleanup(struct key_set **set)
{
    drop(*set);
    *set = NULL;
}

const struct jwk_set *key_set_keys(const struct key_set *set)
{
    return &set->keys;
}

static enum status fetch_url(const struct key_set_source *source, struct refusal *why, struct buffer *text)
{
    enum { HTTP_OK = 200 };
    CLEANUP(http_answer_done) struct http_answer answer = {};
    const struct http_exchange exchange = {.method = "GET", .path = source->url_path, .max_answer = JWK_SET_MAX_BYTES};
    TRY(http_client_exchange(source->client, &exchange, why, &answer));
    if (answer.status != HTTP_OK)
        return refuse(why, ERR_HTTP_STATUS, source->name, "a key set with status 200", "%u", answer.status);
    return buffer_append(text, buffer_slice(&answer.body));
}

static enum status make_set(struct slice text, struct refusal *why, struct key_set **set_out)
{
    CLEANUP(json_done) json_t *json = NULL;
    TRY(json_parse(text, JWK_SET_MAX_BYTES, why, &json));
    CLEANUP(key_set_cleanup) struct key_set *set = calloc(1, sizeof(*set));
    if (set == NULL) return ERR_NO_MEMORY;
    set->owners = 1;
    TRY(jwk_set_from_json(json, "", why, &set->keys));
    *set_out = set;
    set = NULL;
    return OK;
}

static enum status fetch(void *context, const void *request, const void *, struct refusal *why, struct pacing_hint *,
                         struct keeper_thing *thing_out)
{
    const struct key_set_feed *const feed = context;
    const struct key_set_source *const source = &feed->options.sources[*(const size_t *)request];
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(JWK_SET_MAX_BYTES);
    TRY(source->path != NULL ? file_read(source->path, why, &text) : fetch_url(source, why, &text));
    struct key_set *set;
    TRY(make_set(buffer_slice(&text), why, &set));
    *thing_out = (struct keeper_thing){
        .object = set,
        .expires_s = clock_now_s(feed->options.clock) + KEY_SET_LIFETIME_S,
        .refresh_s = source->path != NULL ? KEY_SET_FILE_REFRESH_S : KEY_SET_URL_REFRESH_S,
    };
    return OK;
}

static const struct keeper_kind kind = {
    .what = "key set",
    .fresh_event = "key_set.fresh",
    .failed_event = "key_set.failed",
    .request_bytes = sizeof(size_t),
    .max_count = KEY_SET_SOURCE_MAX_COUNT,
    .fetch = fetch,
    .share = share,
    .drop = drop,
};

static enum status get(struct key_set_feed *feed, size_t source, int wait_ms, struct refusal *why,
                       struct key_set **set_out)
{
    if (source >= feed->options.source_count || feed->options.sources[source].name == NULL)
        return refuse(why, ERR_NOT_FOUND, "key set", "a source of this number", "none");
    char name[KEEPER_NAME_MAX_BYTES + 1];
    void *object;
    (void)snprintf(name, sizeof(name), "%zu %.64s", source, feed->options.sources[source].name);
    TRY(keeper_get(feed->keeper, name, &source, wait_ms, why, &object));
    *set_out = object;
    return OK;
}

enum status key_set_feed_get(struct key_set_feed *feed, size_t source, struct refusal *why, struct key_set **set_out)
{
    return get(feed, source, 0, why, set_out);
}

/* The keeper takes up what was asked for once. */
static void ask_for_all(struct key_set_feed *feed)
{
    const int wait_ms = feed->options.timing.by_hand ? 0 : KEY_SET_FIRST_WAIT_MS;
    for (size_t i = 0; i < feed->options.source_count; i++) {
        CLEANUP(key_set_cleanup) struct key_set *set = NULL;
        struct refusal why = {};
        (void)!get(feed, i, wait_ms, &why, &set);
    }
}

enum status key_set_feed_start(const struct key_set_feed_options *options, struct key_set_feed **feed_out)
{
    if (options->source_count > KEY_SET_SOURCE_MAX_COUNT) return ERR_TOO_LARGE;
    struct key_set_feed *const feed = calloc(1, sizeof(*feed));
    if (feed == NULL) return ERR_NO_MEMORY;
    feed->options = *options;
    const struct keeper_options keeping = {
        .kind = &kind, .context = feed, .clock = options->clock, .timing = options->timing};
    const enum status status = keeper_start(&keeping, &feed->keeper);
    if (status != OK) {
        free(feed);
        return status;
    }
    ask_for_all(feed);
    *feed_out = feed;
    return OK;
}

void key_set_feed_free(struct key_set_feed *feed)
{
    if (feed == NULL) return;
    keeper_free(feed->keeper);
    free(feed);
}

int64_t key_set_feed_turn(struct key_set_feed *feed)
{
    return keeper_turn(feed->keeper);
}
