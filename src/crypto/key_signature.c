/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/algorithms.h"
#include "crypto/key.h"
#include "crypto/key_openssl.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <string.h>

enum { ECDSA_DER_MAX_BYTES = 2 * (P384_COORDINATE_BYTES + 3) + 2 };

static void context_cleanup(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static void signature_cleanup(ECDSA_SIG **signature)
{
    ECDSA_SIG_free(*signature);
}

static bool is_ecdsa(const struct key *key)
{
    return key_kind(key) == KEY_P256 || key_kind(key) == KEY_P384;
}

static size_t coordinate_bytes(const struct key *key)
{
    return key_kind(key) == KEY_P384 ? P384_COORDINATE_BYTES : P256_COORDINATE_BYTES;
}

static enum status check_scheme(const struct key *key, enum hash hash)
{
    const bool is_known = (is_ecdsa(key) || key_kind(key) == KEY_RSA) && (hash == HASH_SHA256 || hash == HASH_SHA384);
    return is_known ? OK : ERR_UNSUPPORTED;
}

static int salt_length(enum hash hash, enum key_padding padding)
{
    return padding == KEY_PSS ? (int)hash_bytes(hash) : RSA_PSS_SALTLEN_AUTO;
}

static enum status set_up(const struct key *key, enum hash hash, enum key_padding padding, EVP_PKEY_CTX *context)
{
    const struct algorithms *algorithms;
    if (context == NULL) return ERR_CRYPTO;
    if (is_ecdsa(key)) return OK; /* takes any digest, and does not name it in the signature */
    TRY(algorithms_get(&algorithms));
    const bool is_pss = padding != KEY_PKCS1;
    if (EVP_PKEY_CTX_set_rsa_padding(context, is_pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1 ||
        EVP_PKEY_CTX_set_signature_md(context, algorithms->hashes[hash]) != 1)
        return ERR_CRYPTO;
    if (is_pss && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt_length(hash, padding)) != 1) return ERR_CRYPTO;
    return OK;
}

static enum status append_raw_signature(struct slice der, size_t coordinate, struct buffer *signature)
{
    const uint8_t *at = der.bytes;
    CLEANUP(signature_cleanup) ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der.size);
    if (pair == NULL) return crypto_failed(ERR_CRYPTO);
    uint8_t raw[P384_SIGNATURE_BYTES];
    if (BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, (int)coordinate) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + coordinate, (int)coordinate) < 0)
        return crypto_failed(ERR_CRYPTO);
    return buffer_append(signature, slice_of(raw, 2 * coordinate));
}

enum status key_sign_with(const struct key *key, enum hash hash, enum key_padding padding, struct slice message,
                          struct buffer *signature)
{
    if (!key_is_private(key)) return ERR_KEY_INVALID;
    TRY(check_scheme(key, hash));
    uint8_t digest[HASH_MAX_BYTES];
    TRY(hash_parts(hash, &message, 1, digest));
    CLEANUP(context_cleanup) EVP_PKEY_CTX *context = key_context(key, KEY_SIGN);
    const enum status status = set_up(key, hash, padding, context);
    if (status != OK) return crypto_failed(status);
    uint8_t made[RSA_MAX_BYTES];
    size_t size = sizeof(made);
    if (EVP_PKEY_sign(context, made, &size, digest, hash_bytes(hash)) != 1) return crypto_failed(ERR_CRYPTO);
    if (is_ecdsa(key)) return append_raw_signature(slice_of(made, size), coordinate_bytes(key), signature);
    return buffer_append(signature, slice_of(made, size));
}

/* A number as a DER INTEGER: no leading zeros but the one that keeps it from being negative. */
static size_t put_integer(struct slice number, uint8_t *out)
{
    size_t skipped = 0;
    while (skipped < number.size - 1 && number.bytes[skipped] == 0) skipped++;
    const size_t size = number.size - skipped;
    const size_t sign = number.bytes[skipped] >= 0x80 ? 1 : 0;
    out[0] = 0x02;
    out[1] = (uint8_t)(size + sign);
    out[2] = 0;
    memcpy(out + 2 + sign, number.bytes + skipped, size);
    return 2 + sign + size;
}

/* r || s as the DER sequence that the library takes; short enough for a length of one byte. */
static enum status der_of_raw(struct slice raw, size_t coordinate, uint8_t der_out[static ECDSA_DER_MAX_BYTES],
                              size_t *size_out)
{
    if (raw.size != 2 * coordinate) return ERR_SIGNATURE;
    size_t size = put_integer(slice_part(raw, 0, coordinate), der_out + 2);
    size += put_integer(slice_part(raw, coordinate, coordinate), der_out + 2 + size);
    der_out[0] = 0x30;
    der_out[1] = (uint8_t)size;
    *size_out = 2 + size;
    return OK;
}

enum status key_verify_with(const struct key *key, enum hash hash, enum key_padding padding, struct slice message,
                            struct slice signature)
{
    TRY(check_scheme(key, hash));
    uint8_t digest[HASH_MAX_BYTES];
    TRY(hash_parts(hash, &message, 1, digest));
    uint8_t der[ECDSA_DER_MAX_BYTES];
    if (is_ecdsa(key)) {
        size_t size;
        TRY(der_of_raw(signature, coordinate_bytes(key), der, &size));
        signature = slice_of(der, size);
    }
    CLEANUP(context_cleanup) EVP_PKEY_CTX *context = key_context(key, KEY_VERIFY);
    const enum status status = set_up(key, hash, padding, context);
    if (status != OK) return crypto_failed(status);
    if (EVP_PKEY_verify(context, signature.bytes, signature.size, digest, hash_bytes(hash)) != 1)
        return crypto_failed(ERR_SIGNATURE);
    return OK;
}

enum status key_sign(const struct key *key, struct slice message, struct buffer *signature)
{
    if (key_is_private(key) && key_kind(key) == KEY_P384) return ERR_UNSUPPORTED;
    return key_sign_with(key, HASH_SHA256, KEY_PKCS1, message, signature);
}

enum status key_verify(const struct key *key, struct slice message, struct slice signature)
{
    if (key_kind(key) == KEY_P384) return ERR_UNSUPPORTED;
    return key_verify_with(key, HASH_SHA256, KEY_PKCS1, message, signature);
}

enum status key_verify_pss(const struct key *key, struct slice message, struct slice signature)
{
    if (key_kind(key) != KEY_RSA) return ERR_UNSUPPORTED;
    return key_verify_with(key, HASH_SHA256, KEY_PSS, message, signature);
}
