/* SPDX-License-Identifier: Apache-2.0 */
#include "limit.h"

#include "stop.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdio.h>

enum { DIGEST_BYTES = 32, SIGNATURE_MAX_BYTES = 512 };

struct prepared {
    EVP_PKEY *key;
    uint8_t signature[SIGNATURE_MAX_BYTES];
    size_t signature_size;
};

static struct prepared prepared[SIGNATURE_KIND_COUNT];
static const uint8_t digest[DIGEST_BYTES] = {1, 2, 3};

/* ---- counting ---- */

static _Thread_local bool is_counting;
static _Thread_local struct signatures counted;

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
int __real_EVP_PKEY_verify(EVP_PKEY_CTX *, const unsigned char *, size_t, const unsigned char *, size_t);
int __wrap_EVP_PKEY_verify(EVP_PKEY_CTX *, const unsigned char *, size_t, const unsigned char *, size_t);
int __real_EVP_PKEY_sign(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);
int __wrap_EVP_PKEY_sign(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);
/* NOLINTEND(bugprone-reserved-identifier) */

static enum signature_kind kind_of(EVP_PKEY_CTX *context)
{
    const EVP_PKEY *const key = EVP_PKEY_CTX_get0_pkey(context);
    const int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) return bits == 256 ? VERIFY_P256 : VERIFY_P384;
    if (bits != 4096) stop("an RSA key of another size verifies", ERR_UNSUPPORTED, NULL);
    return VERIFY_RSA_4096;
}

int __wrap_EVP_PKEY_verify(EVP_PKEY_CTX *context, const unsigned char *signature, size_t signature_size,
                           const unsigned char *signed_digest, size_t size)
{
    if (is_counting) counted.count[kind_of(context)]++;
    return __real_EVP_PKEY_verify(context, signature, signature_size, signed_digest, size);
}

int __wrap_EVP_PKEY_sign(EVP_PKEY_CTX *context, unsigned char *signature, size_t *signature_size,
                         const unsigned char *signed_digest, size_t size)
{
    if (is_counting) counted.count[SIGN_RSA_2048]++;
    return __real_EVP_PKEY_sign(context, signature, signature_size, signed_digest, size);
}

void limit_count_begin(void)
{
    counted = (struct signatures){};
    is_counting = true;
}

struct signatures limit_count_end(void)
{
    is_counting = false;
    return counted;
}

/* ---- OpenSSL alone ---- */

static void need_openssl(bool is_good)
{
    if (!is_good) stop("OpenSSL", ERR_CRYPTO, NULL);
}

static EVP_PKEY_CTX *context_for(const struct prepared *with, int (*begin)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *const context = EVP_PKEY_CTX_new_from_pkey(NULL, with->key, NULL);
    need_openssl(context != NULL && begin(context) == 1);
    if (EVP_PKEY_get_base_id(with->key) == EVP_PKEY_RSA)
        need_openssl(EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1);
    return context;
}

static void sign(const struct prepared *with, uint8_t *signature_out, size_t *size_out)
{
    EVP_PKEY_CTX *const context = context_for(with, EVP_PKEY_sign_init);
    *size_out = SIGNATURE_MAX_BYTES;
    need_openssl(__real_EVP_PKEY_sign(context, signature_out, size_out, digest, sizeof(digest)) == 1);
    EVP_PKEY_CTX_free(context);
}

static void verify(const struct prepared *with)
{
    EVP_PKEY_CTX *const context = context_for(with, EVP_PKEY_verify_init);
    need_openssl(__real_EVP_PKEY_verify(context, with->signature, with->signature_size, digest, sizeof(digest)) == 1);
    EVP_PKEY_CTX_free(context);
}

void limit_set_up(void)
{
    prepared[VERIFY_P256].key = EVP_EC_gen("P-256");
    prepared[VERIFY_P384].key = EVP_EC_gen("P-384");
    prepared[VERIFY_RSA_4096].key = EVP_RSA_gen(4096);
    prepared[SIGN_RSA_2048].key = EVP_RSA_gen(2048);
    for (size_t i = 0; i < SIGNATURE_KIND_COUNT; i++) {
        need_openssl(prepared[i].key != NULL);
        sign(&prepared[i], prepared[i].signature, &prepared[i].signature_size);
    }
}

void limit_run(const struct signatures *signatures)
{
    uint8_t made[SIGNATURE_MAX_BYTES];
    size_t size;
    for (size_t kind = 0; kind < SIGNATURE_KIND_COUNT; kind++) {
        for (unsigned i = 0; i < signatures->count[kind]; i++) {
            if (kind == SIGN_RSA_2048)
                sign(&prepared[kind], made, &size);
            else
                verify(&prepared[kind]);
        }
    }
}

void limit_describe(const struct signatures *signatures, char *text_out, size_t size)
{
    static const char *const names[SIGNATURE_KIND_COUNT] = {"P-256", "P-384", "RSA-4096", "RSA-2048 signed"};
    size_t at = 0;
    text_out[0] = '\0';
    for (size_t kind = 0; kind < SIGNATURE_KIND_COUNT; kind++) {
        if (signatures->count[kind] == 0 || at >= size) continue;
        at += (size_t)snprintf(text_out + at, size - at, "%s%u %s", at > 0 ? ", " : "", signatures->count[kind],
                               names[kind]);
    }
}
