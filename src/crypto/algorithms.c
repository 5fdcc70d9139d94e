/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/algorithms.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <threads.h>

enum status crypto_failed(enum status status)
{
    ERR_clear_error();
    return status;
}

static EVP_MAC_CTX *hmac_template(void)
{
    EVP_MAC *const mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *const context = EVP_MAC_CTX_new(mac); /* takes a reference of its own */
    EVP_MAC_free(mac);
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    if (context != NULL && EVP_MAC_CTX_set_params(context, parameters) == 1) return context;
    EVP_MAC_CTX_free(context);
    return NULL;
}

/* A key on this curve without a point: a copy that is given one costs a quarter of a key built from its parameters. */
static EVP_PKEY *curve_template(char *group)
{
    EVP_PKEY_CTX *const context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *object = NULL;
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &object, EVP_PKEY_KEY_PARAMETERS, parameters) != 1)
        object = NULL;
    EVP_PKEY_CTX_free(context);
    return object;
}

/* The one static of this module: written once, then only read. */
static struct algorithms fetched;

static void fetch(void)
{
    char p256[] = SN_X9_62_prime256v1, p384[] = SN_secp384r1;
    fetched = (struct algorithms){
        .hashes = {[HASH_SHA1] = EVP_MD_fetch(NULL, "SHA1", NULL),
                   [HASH_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL),
                   [HASH_SHA384] = EVP_MD_fetch(NULL, "SHA384", NULL),
                   [HASH_SHA512] = EVP_MD_fetch(NULL, "SHA512", NULL)},
        .aes_128_gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL),
        .aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL),
        .hmac_sha256 = hmac_template(),
        .p256_without_point = curve_template(p256),
        .p384_without_point = curve_template(p384),
    };
}

enum status algorithms_get(const struct algorithms **algorithms_out)
{
    static once_flag once = ONCE_FLAG_INIT;
    call_once(&once, fetch);
    for (size_t i = 0; i < HASH_COUNT; i++) {
        if (fetched.hashes[i] == NULL) return crypto_failed(ERR_CRYPTO);
    }
    if (fetched.aes_128_gcm == NULL || fetched.aes_256_gcm == NULL || fetched.hmac_sha256 == NULL ||
        fetched.p256_without_point == NULL || fetched.p384_without_point == NULL)
        return crypto_failed(ERR_CRYPTO);
    *algorithms_out = &fetched;
    return OK;
}
