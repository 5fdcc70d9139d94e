/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aead.h"

#include "crypto/algorithms.h"

#include <limits.h>

static void context_cleanup(EVP_CIPHER_CTX **context)
{
    EVP_CIPHER_CTX_free(*context);
}

static enum status choose(struct slice key, struct slice nonce, const EVP_CIPHER **cipher_out)
{
    const struct algorithms *algorithms;
    TRY(algorithms_get(&algorithms));
    if (nonce.size != AEAD_NONCE_BYTES) return ERR_KEY_INVALID;
    if (key.size != 16 && key.size != 32) return ERR_KEY_INVALID;
    *cipher_out = key.size == 16 ? algorithms->aes_128_gcm : algorithms->aes_256_gcm;
    return OK;
}

/* The library counts in int. */
static bool fits(struct slice bytes)
{
    return bytes.size <= INT_MAX;
}

static enum status seal_into(EVP_CIPHER_CTX *context, struct slice associated_data, struct slice plaintext,
                             uint8_t *out)
{
    int size = 0;
    if (associated_data.size > 0 &&
        EVP_EncryptUpdate(context, NULL, &size, associated_data.bytes, (int)associated_data.size) != 1)
        return ERR_CRYPTO;
    if (plaintext.size > 0 && EVP_EncryptUpdate(context, out, &size, plaintext.bytes, (int)plaintext.size) != 1)
        return ERR_CRYPTO;
    uint8_t *const tag = out + plaintext.size;
    if (EVP_EncryptFinal_ex(context, tag, &size) != 1) return ERR_CRYPTO;
    return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES, tag) == 1 ? OK : ERR_CRYPTO;
}

enum status aead_seal(struct slice key, struct slice nonce, struct slice associated_data, struct slice plaintext,
                      struct buffer *sealed)
{
    const EVP_CIPHER *cipher;
    TRY(choose(key, nonce, &cipher));
    if (!fits(associated_data) || !fits(plaintext)) return ERR_TOO_LARGE;
    CLEANUP(context_cleanup) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context == NULL || EVP_EncryptInit_ex2(context, cipher, key.bytes, nonce.bytes, NULL) != 1)
        return crypto_failed(ERR_CRYPTO);
    const size_t before = sealed->size;
    uint8_t *out;
    TRY(buffer_extend(sealed, plaintext.size + AEAD_TAG_BYTES, &out));
    if (seal_into(context, associated_data, plaintext, out) == OK) return OK;
    buffer_truncate(sealed, before);
    return crypto_failed(ERR_CRYPTO);
}

static enum status open_into(EVP_CIPHER_CTX *context, struct slice associated_data, struct slice sealed, uint8_t *out)
{
    int size = 0;
    const size_t text_size = sealed.size - AEAD_TAG_BYTES;
    uint8_t tag[AEAD_TAG_BYTES];
    for (size_t i = 0; i < AEAD_TAG_BYTES; i++) tag[i] = sealed.bytes[text_size + i];
    if (associated_data.size > 0 &&
        EVP_DecryptUpdate(context, NULL, &size, associated_data.bytes, (int)associated_data.size) != 1)
        return ERR_CRYPTO;
    if (text_size > 0 && EVP_DecryptUpdate(context, out, &size, sealed.bytes, (int)text_size) != 1) return ERR_CRYPTO;
    if (EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_BYTES, tag) != 1) return ERR_CRYPTO;
    return EVP_DecryptFinal_ex(context, out + text_size, &size) == 1 ? OK : ERR_AUTHENTICATION;
}

enum status aead_open(struct slice key, struct slice nonce, struct slice associated_data, struct slice sealed,
                      struct buffer *plaintext)
{
    const EVP_CIPHER *cipher;
    TRY(choose(key, nonce, &cipher));
    if (sealed.size < AEAD_TAG_BYTES) return ERR_TRUNCATED;
    if (!fits(associated_data) || !fits(sealed)) return ERR_TOO_LARGE;
    CLEANUP(context_cleanup) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context == NULL || EVP_DecryptInit_ex2(context, cipher, key.bytes, nonce.bytes, NULL) != 1)
        return crypto_failed(ERR_CRYPTO);
    const size_t before = plaintext->size;
    uint8_t *out;
    TRY(buffer_extend(plaintext, sealed.size - AEAD_TAG_BYTES, &out));
    const enum status status = open_into(context, associated_data, sealed, out);
    if (status == OK) return OK;
    buffer_truncate(plaintext, before);
    return crypto_failed(status);
}
