/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls that fail on demand: memory, digests and locks, which no input can make fail. A test that includes this is
 * linked with the `failing_link_args` of tests/meson.build, which lead the product's calls here. JSON is allocated
 * through them too; what OpenSSL allocates is not.
 */
#pragma once

#include "testing.h"

#include "crypto/hash.h"

#include <errno.h>
#include <pthread.h>

/* The call that fails, counted down from what `failing_begin` was given; 0: none does. */
static size_t failing_left;
static bool failing_happened;

static inline void failing_begin(size_t number)
{
    failing_left = number;
    failing_happened = false;
}

/* Whether there was a call of that number. */
static inline bool failing_end(void)
{
    failing_left = 0;
    return failing_happened;
}

/* Counts the calls instead: begin, then how many there were. */
static inline void failing_count_begin(void)
{
    failing_begin(SIZE_MAX);
}

static inline size_t failing_count_end(void)
{
    const size_t count = SIZE_MAX - failing_left;
    (void)failing_end();
    return count;
}

static inline bool failing_now(void)
{
    if (failing_left == 0 || --failing_left > 0) return false;
    failing_happened = true;
    return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return failing_now() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return failing_now() ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size)
{
    return failing_now() ? NULL : __real_realloc(memory, size);
}

int __real_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    return failing_now() ? ENOMEM : __real_pthread_mutex_init(mutex, attributes);
}

enum status __real_sha256(struct slice bytes, uint8_t digest_out[static SHA256_BYTES]);
enum status __wrap_sha256(struct slice bytes, uint8_t digest_out[static SHA256_BYTES]);
enum status __wrap_sha256(struct slice bytes, uint8_t digest_out[static SHA256_BYTES])
{
    return failing_now() ? ERR_CRYPTO : __real_sha256(bytes, digest_out);
}

enum status __real_sha256_parts(const struct slice *parts, size_t count, uint8_t digest_out[static SHA256_BYTES]);
enum status __wrap_sha256_parts(const struct slice *parts, size_t count, uint8_t digest_out[static SHA256_BYTES]);
enum status __wrap_sha256_parts(const struct slice *parts, size_t count, uint8_t digest_out[static SHA256_BYTES])
{
    return failing_now() ? ERR_CRYPTO : __real_sha256_parts(parts, count, digest_out);
}
