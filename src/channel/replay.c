/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/replay.h"

#include "base/reader.h"
#include "crypto/random.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Entries live in one pool and are linked twice by index: into the chain of their hash, and into the list of the last
 * second in which their date is within the window, modulo SLOT_COUNT, so that forgetting costs no search. Index 0 means
 * "none". */
enum {
    HASH_WORDS = REPLAY_KEY_BYTES / 8,
    /* More seconds than a remembered entry can have left: a slot holds one second only, but for a clock that jumps. */
    SLOT_COUNT = 1024,
};
static_assert(SLOT_COUNT > 2 * REPLAY_WINDOW_S + 1);

struct entry {
    int64_t last_s; /* in which its date is within the window */
    uint8_t key[REPLAY_KEY_BYTES];
    uint32_t next_in_chain, next_in_slot;
};

struct replay_window {
    pthread_mutex_t mutex;
    struct entry *entries; /* [1] to [max_count] */
    uint32_t *chains;      /* chain_mask + 1 heads */
    uint32_t slots[SLOT_COUNT];
    uint32_t max_count, used_count, free_list, chain_mask;
    uint64_t multipliers[HASH_WORDS];
    int64_t swept_s;     /* no entry is left whose last second is before it */
    int64_t forgotten_s; /* the latest date of an entry that was forgotten */
};

void replay_window_free(struct replay_window *window)
{
    if (window == NULL) return;
    (void)pthread_mutex_destroy(&window->mutex);
    free(window->entries);
    free(window->chains);
    free(window);
}

static void window_cleanup(struct replay_window **window)
{
    replay_window_free(*window);
}

static uint32_t mask_for(size_t count)
{
    uint32_t size = 1;
    while (size < count) size <<= 1;
    return size - 1;
}

/* Random odd multipliers: a sender, who chooses its keys, cannot aim at one chain (multiply-shift hashing). */
static enum status choose_hash(struct replay_window *window)
{
    uint8_t bytes[sizeof(window->multipliers)];
    TRY(random_bytes(sizeof(bytes), bytes));
    struct reader reader = reader_over(SLICE_ARRAY(bytes));
    for (size_t i = 0; i < HASH_WORDS; i++) {
        TRY(reader_u64(&reader, &window->multipliers[i]));
        window->multipliers[i] |= 1;
    }
    return OK;
}

enum status replay_window_new(size_t max_count, struct replay_window **window_out)
{
    if (max_count == 0 || max_count > REPLAY_MAX_COUNT) return ERR_FIELD_VALUE;
    CLEANUP(window_cleanup) struct replay_window *window = calloc(1, sizeof(*window));
    if (window == NULL || pthread_mutex_init(&window->mutex, NULL) != 0) return ERR_NO_MEMORY;
    window->max_count = (uint32_t)max_count;
    window->forgotten_s = INT64_MIN;
    window->chain_mask = mask_for(max_count);
    window->entries = calloc(max_count + 1, sizeof(*window->entries));
    window->chains = calloc((size_t)window->chain_mask + 1, sizeof(*window->chains));
    if (window->entries == NULL || window->chains == NULL) return ERR_NO_MEMORY;
    TRY(choose_hash(window));
    *window_out = window;
    window = NULL;
    return OK;
}

static uint32_t *chain_of(struct replay_window *window, const uint8_t *key)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < HASH_WORDS; i++) {
        uint64_t word;
        memcpy(&word, key + 8 * i, sizeof(word));
        sum += word * window->multipliers[i];
    }
    return &window->chains[(uint32_t)(sum >> 32) & window->chain_mask];
}

static uint32_t *slot_of(struct replay_window *window, int64_t second)
{
    return &window->slots[(uint64_t)second % SLOT_COUNT];
}

static void unlink_from_chain(struct replay_window *window, uint32_t index)
{
    uint32_t *link = chain_of(window, window->entries[index].key);
    while (*link != index) link = &window->entries[*link].next_in_chain;
    *link = window->entries[index].next_in_chain;
}

/* Forgets the entries of one slot whose last second is before `now_s`. */
static void sweep_slot(struct replay_window *window, uint32_t *slot, int64_t now_s)
{
    uint32_t *link = slot;
    while (*link != 0) {
        const uint32_t index = *link;
        struct entry *const entry = &window->entries[index];
        if (entry->last_s >= now_s) {
            link = &entry->next_in_slot;
            continue;
        }
        const int64_t date_s = entry->last_s - REPLAY_WINDOW_S;
        if (date_s > window->forgotten_s) window->forgotten_s = date_s;
        *link = entry->next_in_slot;
        unlink_from_chain(window, index);
        entry->next_in_slot = window->free_list;
        window->free_list = index;
    }
}

/* Forgets what the window has left behind at `now_s`. A clock that went back has nothing to sweep. */
static void sweep(struct replay_window *window, int64_t now_s)
{
    const int64_t first_s = window->swept_s > now_s - SLOT_COUNT ? window->swept_s : now_s - SLOT_COUNT;
    for (int64_t second = first_s; second < now_s; second++) sweep_slot(window, slot_of(window, second), now_s);
    window->swept_s = now_s;
}

static bool is_remembered(struct replay_window *window, const uint8_t *key)
{
    for (uint32_t index = *chain_of(window, key); index != 0; index = window->entries[index].next_in_chain) {
        if (slice_equal(slice_of(window->entries[index].key, REPLAY_KEY_BYTES), slice_of(key, REPLAY_KEY_BYTES)))
            return true;
    }
    return false;
}

static enum status take_entry(struct replay_window *window, uint32_t *index_out)
{
    if (window->free_list != 0) {
        *index_out = window->free_list;
        window->free_list = window->entries[*index_out].next_in_slot;
        return OK;
    }
    if (window->used_count == window->max_count) return ERR_REPLAY_FULL;
    *index_out = ++window->used_count;
    return OK;
}

static enum status remember(struct replay_window *window, const uint8_t *key, int64_t date_s)
{
    uint32_t index;
    TRY(take_entry(window, &index));
    struct entry *const entry = &window->entries[index];
    entry->last_s = date_s + REPLAY_WINDOW_S;
    uint32_t *const chain = chain_of(window, key), *const slot = slot_of(window, entry->last_s);
    memcpy(entry->key, key, REPLAY_KEY_BYTES);
    entry->next_in_chain = *chain;
    entry->next_in_slot = *slot;
    *chain = *slot = index;
    return OK;
}

static enum status admit(struct replay_window *window, const uint8_t *key, int64_t date_s, int64_t now_s)
{
    sweep(window, now_s);
    if (date_s < now_s - REPLAY_WINDOW_S || date_s > now_s + REPLAY_WINDOW_S) return ERR_DATE;
    if (date_s <= window->forgotten_s) return ERR_DATE;
    if (is_remembered(window, key)) return ERR_REPLAY;
    return remember(window, key, date_s);
}

enum status replay_window_admit(struct replay_window *window, const uint8_t key[static REPLAY_KEY_BYTES],
                                int64_t date_s, int64_t now_s)
{
    if (now_s < 0 || now_s > INT64_MAX / 2) return ERR_DATE;
    (void)pthread_mutex_lock(&window->mutex);
    const enum status status = admit(window, key, date_s, now_s);
    (void)pthread_mutex_unlock(&window->mutex);
    return status;
}
