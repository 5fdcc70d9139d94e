/* SPDX-License-Identifier: Apache-2.0
 *
 * A manifest payload that is accepted: the good case from which each test departs.
 */
#pragma once

#include "base/encoding.h"
#include "policy/manifest.h"
#include "testing.h"

#define MANIFEST_TEST_HEX "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
#define MANIFEST_TEST_DIGEST "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define MANIFEST_TEST_POINT                                                                                            \
    "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","                          \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\""

static inline struct base64url32 manifest_test_thumbprint(const struct key *key)
{
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    assert_ok(key_thumbprint(key, thumbprint));
    return base64url_of_32(thumbprint);
}

/* A payload for the deployment of `key`; the caller drops it. */
static inline json_t *manifest_test_payload(const struct key *key)
{
    static const char text[] =
        "{\"version\":2,\"issued\":1763700000,\"name\":\"Demo hospital\",\"token_max_age\":3600,"
        "\"minimum_tcb_evaluation\":1,"
        "\"roles\":{\"platform\":{\"identities\":[{\"tee\":\"sgx\",\"mrenclave\":\"" MANIFEST_TEST_HEX "\"}]},"
        "\"diagnosis\":{\"deployment\":\"" MANIFEST_TEST_DIGEST "\",\"identities\":[{\"tee\":\"sgx\",\"mrsigner\":"
        "\"" MANIFEST_TEST_HEX "\",\"product_id\":3,\"minimum_svn\":1,\"debug\":true}]}},"
        "\"issuers\":[{\"issuer\":\"https://localhost:7443\",\"policy_hashes\":[\"" MANIFEST_TEST_DIGEST "\"],"
        "\"keys\":{\"keys\":[{\"kid\":\"k\"," MANIFEST_TEST_POINT "}]}}],"
        "\"administrator\":{\"user\":\"admin\",\"password_hash\":\"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAA\"},"
        "\"recovery\":{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo\"}}";
    json_t *payload = NULL;
    assert_ok(json_parse(SLICE_LITERAL(text), MANIFEST_MAX_BYTES, NULL, &payload));
    assert_int_equal(json_object_set_new(payload, "deployment", json_string(manifest_test_thumbprint(key).text)), 0);
    return payload;
}
