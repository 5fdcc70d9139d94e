/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include "crypto/algorithms.h"

#include <stdlib.h>
#include <string.h>

static void digest_context_cleanup(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

static void mac_context_cleanup(EVP_MAC_CTX **context)
{
    EVP_MAC_CTX_free(*context);
}

static enum status digest_parts(const EVP_MD *digest, const struct slice *parts, size_t count, uint8_t *digest_out)
{
    CLEANUP(digest_context_cleanup) EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex2(context, digest, NULL) != 1) return crypto_failed(ERR_CRYPTO);
    for (size_t i = 0; i < count; i++) {
        if (EVP_DigestUpdate(context, parts[i].bytes, parts[i].size) != 1) return crypto_failed(ERR_CRYPTO);
    }
    return EVP_DigestFinal_ex(context, digest_out, NULL) == 1 ? OK : crypto_failed(ERR_CRYPTO);
}

size_t hash_bytes(enum hash hash)
{
    switch (hash) {
    case HASH_SHA1: return SHA1_BYTES;
    case HASH_SHA256: return SHA256_BYTES;
    case HASH_SHA384: return SHA384_BYTES;
    case HASH_SHA512: return SHA512_BYTES;
    }
    return 0;
}

enum status hash_parts(enum hash hash, const struct slice *parts, size_t count, uint8_t digest_out[static SHA1_BYTES])
{
    const struct algorithms *algorithms;
    TRY(algorithms_get(&algorithms));
    return digest_parts(algorithms->hashes[hash], parts, count, digest_out);
}

enum status sha256_parts(const struct slice *parts, size_t count, uint8_t digest_out[static SHA256_BYTES])
{
    const struct algorithms *algorithms;
    TRY(algorithms_get(&algorithms));
    return digest_parts(algorithms->hashes[HASH_SHA256], parts, count, digest_out);
}

enum status sha256(struct slice bytes, uint8_t digest_out[static SHA256_BYTES])
{
    return sha256_parts(&bytes, 1, digest_out);
}

enum status sha384(struct slice bytes, uint8_t digest_out[static SHA384_BYTES])
{
    const struct algorithms *algorithms;
    TRY(algorithms_get(&algorithms));
    return digest_parts(algorithms->hashes[HASH_SHA384], &bytes, 1, digest_out);
}

struct sha256_stream {
    EVP_MD_CTX *context;
};

void sha256_stream_cleanup(struct sha256_stream **stream)
{
    if (*stream == NULL) return;
    EVP_MD_CTX_free((*stream)->context);
    free(*stream);
    *stream = NULL;
}

enum status sha256_stream_new(struct sha256_stream **stream_out)
{
    const struct algorithms *algorithms;
    TRY(algorithms_get(&algorithms));
    CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) return ERR_NO_MEMORY;
    stream->context = EVP_MD_CTX_new();
    if (stream->context == NULL || EVP_DigestInit_ex2(stream->context, algorithms->hashes[HASH_SHA256], NULL) != 1)
        return crypto_failed(ERR_CRYPTO);
    *stream_out = stream;
    stream = NULL;
    return OK;
}

enum status sha256_stream_add(struct sha256_stream *stream, struct slice bytes)
{
    return EVP_DigestUpdate(stream->context, bytes.bytes, bytes.size) == 1 ? OK : crypto_failed(ERR_CRYPTO);
}

enum status sha256_stream_end(struct sha256_stream *stream, uint8_t digest_out[static SHA256_BYTES])
{
    return EVP_DigestFinal_ex(stream->context, digest_out, NULL) == 1 ? OK : crypto_failed(ERR_CRYPTO);
}

static enum status hmac_parts(struct slice key, const struct slice *parts, size_t count,
                              uint8_t mac_out[static SHA256_BYTES])
{
    const struct algorithms *algorithms;
    TRY(algorithms_get(&algorithms));
    CLEANUP(mac_context_cleanup) EVP_MAC_CTX *context = EVP_MAC_CTX_dup(algorithms->hmac_sha256);
    /* A NULL key would mean "the key of before", so the empty key gets an address. */
    const uint8_t *const key_bytes = key.size > 0 ? key.bytes : (const uint8_t *)"";
    if (context == NULL || EVP_MAC_init(context, key_bytes, key.size, NULL) != 1) return crypto_failed(ERR_CRYPTO);
    for (size_t i = 0; i < count; i++) {
        if (EVP_MAC_update(context, parts[i].bytes, parts[i].size) != 1) return crypto_failed(ERR_CRYPTO);
    }
    size_t size = 0;
    if (EVP_MAC_final(context, mac_out, &size, SHA256_BYTES) != 1 || size != SHA256_BYTES)
        return crypto_failed(ERR_CRYPTO);
    return OK;
}

enum status hmac_sha256(struct slice key, struct slice bytes, uint8_t mac_out[static SHA256_BYTES])
{
    return hmac_parts(key, &bytes, 1, mac_out);
}

enum status hkdf_extract(struct slice salt, struct slice input_key, uint8_t pseudo_random_key_out[static SHA256_BYTES])
{
    return hmac_parts(salt, &input_key, 1, pseudo_random_key_out);
}

/* T(1) | T(2) | ... with T(i) = HMAC(key, T(i-1) | info | i), RFC 5869 section 2.3. */
static enum status expand_blocks(struct slice key, struct slice info, struct secret *output)
{
    uint8_t block[SHA256_BYTES];
    size_t block_size = 0;
    uint8_t counter = 0;
    enum status status = OK;
    for (size_t at = 0; at < output->size && status == OK; at += SHA256_BYTES) {
        counter++;
        const struct slice parts[] = {slice_of(block, block_size), info, slice_of(&counter, 1)};
        status = hmac_parts(key, parts, 3, block);
        block_size = SHA256_BYTES;
        const size_t left = output->size - at;
        if (status == OK) memcpy(output->bytes + at, block, left < SHA256_BYTES ? left : SHA256_BYTES);
    }
    secret_wipe(block, sizeof(block));
    return status;
}

enum status hkdf_expand(struct slice pseudo_random_key, struct slice info, size_t size, uint8_t *key_out)
{
    if (size > (size_t)255 * SHA256_BYTES) return ERR_TOO_LARGE;
    CLEANUP(secret_done) struct secret output = {};
    TRY(secret_alloc(size, &output));
    TRY(expand_blocks(pseudo_random_key, info, &output));
    memcpy(key_out, output.bytes, size);
    return OK;
}

enum status hkdf_derive(struct slice input_key, struct slice salt, struct slice info, size_t size,
                        struct secret *key_out)
{
    if (size > (size_t)255 * SHA256_BYTES) return ERR_TOO_LARGE;
    CLEANUP(secret_done) struct secret pseudo_random_key = {};
    CLEANUP(secret_done) struct secret key = {};
    TRY(secret_alloc(SHA256_BYTES, &pseudo_random_key));
    TRY(hkdf_extract(salt, input_key, pseudo_random_key.bytes));
    TRY(secret_alloc(size, &key));
    TRY(expand_blocks(secret_slice(&pseudo_random_key), info, &key));
    *key_out = secret_take(&key);
    return OK;
}
