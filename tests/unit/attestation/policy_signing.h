/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of management sign: policies and requests about certificates, in every form that clients send, and
 * forms that none should.
 */
#pragma once

#include "testing.h"

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/x509.h"
#include "crypto/x509_issue.h"

enum { SIGNED_MAX_BYTES = 512 * 1024 };

/* Somebody with a key and a certificate. */
struct policy_signer {
    struct key *key;
    struct buffer der;
};

static inline void policy_signer_done(struct policy_signer *signer)
{
    key_free(signer->key);
    buffer_done(&signer->der);
}

/* `issuer` NULL: signed by itself. */
static inline void policy_signer_make(enum key_kind kind, const char *name, const struct policy_signer *issuer,
                                      bool is_ca, struct policy_signer *signer)
{
    enum { BITS = 2048, NOT_BEFORE_S = 1600000000, NOT_AFTER_S = 2000000000 };
    CLEANUP(certificate_cleanup) struct certificate *above = NULL;
    *signer = (struct policy_signer){.der = buffer_of_maximum(CERTIFICATE_MAX_BYTES)};
    assert_ok(key_generate(kind, BITS, &signer->key));
    if (issuer != NULL) assert_ok(certificate_from_der(buffer_slice(&issuer->der), &above));
    const struct certificate_text text = {
        .subject = {.common_name = name},
        .subject_key = signer->key,
        .issuer_name = above != NULL ? certificate_subject_der(above) : (struct slice){},
        .issuer_key = issuer != NULL ? issuer->key : signer->key,
        .not_before_s = NOT_BEFORE_S,
        .not_after_s = NOT_AFTER_S,
        .is_ca = is_ca,
        .path_length = CERTIFICATE_NO_PATH_LIMIT,
        .usage = CERTIFICATE_USAGE_SIGN_DATA | (is_ca ? CERTIFICATE_USAGE_SIGN_CERTIFICATES : 0),
    };
    assert_ok(certificate_issue(&text, &signer->der));
}

static inline const char *text_of(struct buffer *buffer)
{
    const char *text;
    assert_ok(buffer_text(buffer, &text));
    return text;
}

/* The certificates as a JSON array of x5c. */
static inline struct buffer x5c_of(const struct policy_signer *const *chain, size_t count)
{
    struct buffer text = buffer_of_maximum(SIGNED_MAX_BYTES);
    for (size_t i = 0; i < count; i++) {
        assert_ok(buffer_append_text(&text, i == 0 ? "[\"" : "\",\""));
        assert_ok(base64_encode(buffer_slice(&chain[i]->der), &text));
    }
    assert_ok(buffer_append_text(&text, "\"]"));
    return text;
}

/* A JWS of any header and payload, signed by `key` (NULL: an empty signature). */
static inline struct buffer sign_text(const char *header, const char *payload, const struct key *key)
{
    struct buffer jws = buffer_of_maximum(SIGNED_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(1024);
    assert_ok(base64url_encode(slice_of_text(header), &jws));
    assert_ok(buffer_append_u8(&jws, '.'));
    assert_ok(base64url_encode(slice_of_text(payload), &jws));
    if (key != NULL) assert_ok(key_sign(key, buffer_slice(&jws), &signature));
    assert_ok(buffer_append_u8(&jws, '.'));
    assert_ok(base64url_encode(buffer_slice(&signature), &jws));
    return jws;
}

/* As clients sign: {"alg","x5c"}. */
static inline struct buffer sign_as(const struct policy_signer *signer, const char *algorithm, const char *payload)
{
    const struct policy_signer *const chain[] = {signer};
    CLEANUP(buffer_done) struct buffer x5c = x5c_of(chain, 1);
    CLEANUP(buffer_done) struct buffer header = buffer_of_maximum(SIGNED_MAX_BYTES);
    assert_ok(buffer_append_format(&header, "{\"alg\":\"%s\",\"x5c\":%s}", algorithm, text_of(&x5c)));
    return sign_text(text_of(&header), payload, signer->key);
}

static inline struct buffer policy_payload(const char *policy)
{
    struct buffer payload = buffer_of_maximum(SIGNED_MAX_BYTES);
    assert_ok(buffer_append_text(&payload, "{\"AttestationPolicy\":\""));
    assert_ok(base64url_encode(slice_of_text(policy), &payload));
    assert_ok(buffer_append_text(&payload, "\"}"));
    return payload;
}

static inline struct buffer unsigned_policy(const char *policy)
{
    CLEANUP(buffer_done) struct buffer payload = policy_payload(policy);
    return sign_text("{\"alg\":\"none\"}", text_of(&payload), NULL);
}

/* {"<name>": {"kty","x5c"}} about a certificate. */
static inline struct buffer certificate_payload(const char *name, const struct policy_signer *about)
{
    struct buffer payload = buffer_of_maximum(SIGNED_MAX_BYTES);
    const struct policy_signer *const chain[] = {about};
    CLEANUP(buffer_done) struct buffer x5c = x5c_of(chain, 1);
    assert_ok(buffer_append_format(&payload, "{\"%s\":{\"kty\":\"RSA\",\"x5c\":%s}}", name, text_of(&x5c)));
    return payload;
}
