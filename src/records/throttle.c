/* SPDX-License-Identifier: Apache-2.0 */
#include "records/throttle.h"

#include "crypto/hash.h"
#include "crypto/random.h"

#include <pthread.h>
#include <stdlib.h>

enum { BUCKETS = 8192 };

struct bucket {
    int64_t since_s;
    unsigned count;
};

struct throttle {
    pthread_mutex_t mutex;
    unsigned limit;
    int64_t window_s;
    uint8_t key[SHA256_BYTES];
    struct bucket buckets[BUCKETS];
};

enum status throttle_new(unsigned limit, int64_t window_s, struct throttle **throttle_out)
{
    struct throttle *const throttle = calloc(1, sizeof(*throttle));
    if (throttle == NULL) return ERR_NO_MEMORY;
    const enum status status = random_bytes(sizeof(throttle->key), throttle->key);
    if (status != OK || pthread_mutex_init(&throttle->mutex, NULL) != 0) {
        free(throttle);
        return status != OK ? status : ERR_NO_MEMORY;
    }
    throttle->limit = limit;
    throttle->window_s = window_s;
    *throttle_out = throttle;
    return OK;
}

void throttle_free(struct throttle *throttle)
{
    if (throttle == NULL) return;
    (void)pthread_mutex_destroy(&throttle->mutex);
    free(throttle);
}

void throttle_cleanup(struct throttle **throttle)
{
    throttle_free(*throttle);
    *throttle = NULL;
}

static enum status bucket_of(struct throttle *throttle, struct slice name, struct bucket **bucket_out)
{
    uint8_t mac[SHA256_BYTES];
    TRY(hmac_sha256(SLICE_ARRAY(throttle->key), name, mac));
    *bucket_out = &throttle->buckets[((unsigned)mac[0] << 8 | mac[1]) % BUCKETS];
    return OK;
}

enum status throttle_take(struct throttle *throttle, struct slice name, int64_t now_s, int64_t *retry_after_s_out)
{
    struct bucket *bucket;
    TRY(bucket_of(throttle, name, &bucket));
    (void)pthread_mutex_lock(&throttle->mutex);
    if (bucket->count == 0 || now_s - bucket->since_s >= throttle->window_s)
        *bucket = (struct bucket){.since_s = now_s};
    const bool is_over = bucket->count >= throttle->limit;
    if (is_over)
        *retry_after_s_out = bucket->since_s + throttle->window_s - now_s;
    else
        bucket->count++;
    (void)pthread_mutex_unlock(&throttle->mutex);
    return is_over ? ERR_THROTTLED : OK;
}

void throttle_forgive(struct throttle *throttle, struct slice name)
{
    struct bucket *bucket;
    if (bucket_of(throttle, name, &bucket) != OK) return;
    (void)pthread_mutex_lock(&throttle->mutex);
    *bucket = (struct bucket){};
    (void)pthread_mutex_unlock(&throttle->mutex);
}
