/* SPDX-License-Identifier: Apache-2.0
 *
 * The payload of a default SGX token, for tests and fuzz targets of those who read tokens. How the service itself
 * writes it is apps/attestation/appraise.
 */
#pragma once

#include "base/encoding.h"
#include "token/attestation_token.h"

#include <stdlib.h>

struct test_token {
    const char *issuer, *policy_hash;
    int64_t issued_s;
    struct slice nonce;   /* or empty */
    struct slice runtime; /* JSON */
    uint8_t mrenclave[32], mrsigner[32];
    uint16_t product_id, svn;
};

static inline void test_token_set(json_t *payload, const char *name, json_t *value)
{
    if (json_object_set_new(payload, name, value) != 0) abort();
}

static inline json_t *test_token_collateral(void)
{
    static const char *const names[] = {"qeidcertshash",    "qeidcrlhash",    "qeidhash",   "quotehash",
                                        "tcbinfocertshash", "tcbinfocrlhash", "tcbinfohash"};
    const uint8_t digest[32] = {};
    json_t *const collateral = json_object();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        test_token_set(collateral, names[i], json_string(hex_of_32(digest).text));
    return collateral;
}

static inline void test_token_add_enclave(json_t *payload, const struct test_token *token)
{
    const uint8_t nothing[32] = {};
    test_token_set(payload, "x-ms-sgx-is-debuggable", json_false());
    test_token_set(payload, "x-ms-sgx-product-id", json_integer(token->product_id));
    test_token_set(payload, "x-ms-sgx-svn", json_integer(token->svn));
    test_token_set(payload, "x-ms-sgx-mrenclave", json_string(hex_of_32(token->mrenclave).text));
    test_token_set(payload, "x-ms-sgx-mrsigner", json_string(hex_of_32(token->mrsigner).text));
    test_token_set(payload, "x-ms-sgx-report-data",
                   json_sprintf("%s%s", hex_of_32(nothing).text, hex_of_32(nothing).text));
    test_token_set(payload, "x-ms-sgx-collateral", test_token_collateral());
    test_token_set(payload, "maa-attestationcollateral", test_token_collateral());
}

/* The caller owns it. */
static inline json_t *test_token_payload(const struct test_token *token)
{
    json_t *const payload = json_object();
    json_t *runtime = NULL;
    if (json_parse(token->runtime, ATTESTATION_RUNTIME_MAX_BYTES, NULL, &runtime) != OK) abort();
    test_token_set(payload, "iss", json_string(token->issuer));
    test_token_set(payload, "iat", json_integer(token->issued_s));
    test_token_set(payload, "nbf", json_integer(token->issued_s));
    test_token_set(payload, "exp", json_integer(token->issued_s + ATTESTATION_TOKEN_LIFE_S));
    test_token_set(payload, "jti", json_string("00"));
    test_token_set(payload, "x-ms-ver", json_string("1.0"));
    test_token_set(payload, "x-ms-attestation-type", json_string("sgx"));
    test_token_set(payload, "x-ms-policy-hash", json_string(token->policy_hash));
    test_token_set(payload, "x-ms-runtime", runtime);
    if (token->nonce.size > 0)
        test_token_set(payload, "nonce", json_stringn((const char *)token->nonce.bytes, token->nonce.size));
    test_token_add_enclave(payload, token);
    return payload;
}
