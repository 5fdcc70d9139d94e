/* SPDX-License-Identifier: Apache-2.0 */
#include "limit.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum { SIGNATURE_MAX_BYTES = 512, OPERATIONS_PER_LOOK = 32 };

static const uint8_t digest[32] = {1, 2, 3};

static void need(bool is_good)
{
    if (!is_good) abort();
}

static double processor_s(void)
{
    struct timespec used;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static EVP_PKEY_CTX *context_for(EVP_PKEY *key, int (*begin)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *const context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    need(context != NULL && begin(context) == 1);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) need(EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1);
    return context;
}

static void sign(EVP_PKEY *key, uint8_t *signature, size_t *size)
{
    EVP_PKEY_CTX *const context = context_for(key, EVP_PKEY_sign_init);
    *size = SIGNATURE_MAX_BYTES;
    need(EVP_PKEY_sign(context, signature, size, digest, sizeof(digest)) == 1);
    EVP_PKEY_CTX_free(context);
}

static void verify(EVP_PKEY *key, uint8_t *signature, size_t *size)
{
    EVP_PKEY_CTX *const context = context_for(key, EVP_PKEY_verify_init);
    need(EVP_PKEY_verify(context, signature, *size, digest, sizeof(digest)) == 1);
    EVP_PKEY_CTX_free(context);
}

/* `operation` on a signature that `key` made. */
static double measure(EVP_PKEY *key, void (*operation)(EVP_PKEY *, uint8_t *, size_t *), double seconds)
{
    uint8_t signature[SIGNATURE_MAX_BYTES];
    size_t size = 0, count = 0;
    need(key != NULL);
    sign(key, signature, &size);
    const double begin = processor_s();
    double now = begin;
    for (; now - begin < seconds; now = processor_s()) {
        for (int i = 0; i < OPERATIONS_PER_LOOK; i++, count++) operation(key, signature, &size);
    }
    return (now - begin) * 1e6 / (double)count;
}

struct limit limit_measure(double seconds)
{
    EVP_PKEY *const p256 = EVP_EC_gen("P-256"), *const rsa = EVP_RSA_gen(2048);
    const struct limit limit = {.verify_p256 = measure(p256, verify, seconds),
                                .sign_rsa_2048 = measure(rsa, sign, seconds),
                                .sign_p256 = measure(p256, sign, seconds)};
    EVP_PKEY_free(p256);
    EVP_PKEY_free(rsa);
    return limit;
}
