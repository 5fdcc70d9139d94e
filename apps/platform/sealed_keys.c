/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/sealed_keys.h"

#include "base/encoding.h"
#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Owned by the ring until it is forgotten, then by whoever uses it last. */
struct sealed_key_place {
    struct key *key;
    struct replay_window *window;
    char thumbprint[THUMBPRINT_TEXT_BYTES + 1];
    int64_t replaced_ms; /* when another was shown; not of the present one */
    bool is_forgotten;
    unsigned users;
};

struct sealed_keys {
    struct sealed_keys_options options;
    pthread_mutex_t mutex;
    struct sealed_key_place *places[SEALED_KEYS_MAX_COUNT]; /* the present one first */
    size_t count;
};

static void place_free(struct sealed_key_place *place)
{
    key_cleanup(&place->key);
    replay_window_free(place->window);
    free(place);
}

static void place_cleanup(struct sealed_key_place **place)
{
    if (*place != NULL) place_free(*place);
}

enum status sealed_keys_new(const struct sealed_keys_options *options, struct sealed_keys **keys_out)
{
    struct sealed_keys *const keys = calloc(1, sizeof(*keys));
    if (keys == NULL) return ERR_NO_MEMORY;
    keys->options = *options;
    (void)pthread_mutex_init(&keys->mutex, NULL);
    *keys_out = keys;
    return OK;
}

/* Under the mutex, as all that follows up to the calls. */
static void forget_last(struct sealed_keys *keys)
{
    struct sealed_key_place *const place = keys->places[--keys->count];
    keys->places[keys->count] = NULL;
    place->is_forgotten = true;
    if (place->users == 0) place_free(place);
}

void sealed_keys_free(struct sealed_keys *keys)
{
    if (keys == NULL) return;
    while (keys->count > 0) forget_last(keys);
    (void)pthread_mutex_destroy(&keys->mutex);
    free(keys);
}

/* They were replaced one after the other, so the last one is the first to go. */
static void forget_old(struct sealed_keys *keys, int64_t now_ms)
{
    const int64_t limit_ms = keys->options.accept_ms + keys->options.hold_ms;
    while (keys->count > 1 && now_ms - keys->places[keys->count - 1]->replaced_ms >= limit_ms) forget_last(keys);
}

static enum status new_place(const struct sealed_keys *keys, const struct key *key, struct sealed_key_place **place_out)
{
    CLEANUP(place_cleanup) struct sealed_key_place *place = calloc(1, sizeof(*place));
    if (place == NULL) return ERR_NO_MEMORY;
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    TRY(key_thumbprint(key, thumbprint));
    memcpy(place->thumbprint, base64url_of_32(thumbprint).text, sizeof(place->thumbprint));
    TRY(replay_window_new(keys->options.window_count, &place->window));
    place->key = key_share(key);
    *place_out = place;
    place = NULL;
    return OK;
}

static void put_first(struct sealed_keys *keys, struct sealed_key_place *place, int64_t now_ms)
{
    if (keys->count == SEALED_KEYS_MAX_COUNT) forget_last(keys);
    if (keys->count > 0) keys->places[0]->replaced_ms = now_ms;
    memmove(&keys->places[1], &keys->places[0], keys->count * sizeof(struct sealed_key_place *));
    keys->places[0] = place;
    keys->count++;
}

enum status sealed_keys_show(struct sealed_keys *keys, const struct key *key, int64_t now_ms)
{
    CLEANUP(place_cleanup) struct sealed_key_place *place = NULL;
    TRY(new_place(keys, key, &place));
    (void)pthread_mutex_lock(&keys->mutex);
    forget_old(keys, now_ms);
    const bool is_new = keys->count == 0 || strcmp(keys->places[0]->thumbprint, place->thumbprint) != 0;
    if (is_new) {
        put_first(keys, place, now_ms);
        place = NULL;
    }
    const size_t count = keys->count;
    (void)pthread_mutex_unlock(&keys->mutex);
    if (is_new) log_event(LOG_INFO, "sealed_key.shown", log_number(LOG_COUNT, (int64_t)count));
    return OK;
}

void sealed_keys_present(struct sealed_keys *keys, char thumbprint_out[static THUMBPRINT_TEXT_BYTES + 1])
{
    (void)pthread_mutex_lock(&keys->mutex);
    thumbprint_out[0] = '\0';
    if (keys->count > 0) memcpy(thumbprint_out, keys->places[0]->thumbprint, THUMBPRINT_TEXT_BYTES + 1);
    (void)pthread_mutex_unlock(&keys->mutex);
}

static enum status take(struct sealed_keys *keys, struct slice thumbprint, int64_t now_ms, struct sealed_key *key_out)
{
    forget_old(keys, now_ms);
    for (size_t i = 0; i < keys->count; i++) {
        struct sealed_key_place *const place = keys->places[i];
        if (!slice_equal_text(thumbprint, place->thumbprint)) continue;
        place->users++;
        *key_out = (struct sealed_key){
            .key = place->key,
            .window = place->window,
            .is_retired = i > 0 && now_ms - place->replaced_ms >= keys->options.accept_ms,
            .place = place,
        };
        return OK;
    }
    return ERR_OHTTP_KEY;
}

enum status sealed_keys_take(struct sealed_keys *keys, struct slice thumbprint, int64_t now_ms,
                             struct sealed_key *key_out)
{
    (void)pthread_mutex_lock(&keys->mutex);
    const enum status status = take(keys, thumbprint, now_ms, key_out);
    (void)pthread_mutex_unlock(&keys->mutex);
    return status;
}

void sealed_key_release(struct sealed_keys *keys, struct sealed_key *key)
{
    if (key->place == NULL) return;
    (void)pthread_mutex_lock(&keys->mutex);
    const bool is_last = --key->place->users == 0 && key->place->is_forgotten;
    if (is_last) place_free(key->place);
    (void)pthread_mutex_unlock(&keys->mutex);
    *key = (struct sealed_key){};
}
