/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/management/body_jws.h"

#include "base/encoding.h"
#include "policy/policy_text.h"

enum { ALGORITHM_MAX_BYTES = 32, X5C_MAX_BYTES = 4 * (CERTIFICATE_MAX_BYTES + 2) / 3 };

/* The parts, decoded but for the payload's meaning. */
struct parts {
    struct slice signing_input, algorithm; /* borrowed */
    json_t *header;
    struct buffer signature;
};

static void parts_done(struct parts *parts)
{
    json_done(&parts->header);
    buffer_done(&parts->signature);
}

void body_jws_done(struct body_jws *body)
{
    for (size_t i = 0; i < body->chain_count; i++) certificate_free(body->chain[i]);
    json_done(&body->payload);
    *body = (struct body_jws){};
}

static enum status malformed(struct refusal *why, const char *field, const char *expected)
{
    return refuse(why, ERR_TOKEN_MALFORMED, field, expected, "something else");
}

static enum status parse(struct slice text, struct refusal *why, struct parts *parts, json_t **payload_out)
{
    struct slice texts[3];
    if (text.size > BODY_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "jws", "at most 180224 bytes", "%zu bytes", text.size);
    TRY(jws_split(text, why, texts));
    parts->signing_input = slice_part(text, 0, texts[0].size + 1 + texts[1].size);
    TRY(jws_decode_object(texts[0], "header", JWS_HEADER_MAX_BYTES, why, &parts->header));
    TRY(refuse_as(why, json_get_string(parts->header, "header", "alg", ALGORITHM_MAX_BYTES, why, &parts->algorithm),
                  ERR_TOKEN_MALFORMED));
    if (json_object_get(parts->header, "crit") != NULL) return malformed(why, "header.crit", "no critical extension");
    TRY(jws_decode_signature(texts[2], why, &parts->signature));
    return texts[1].size == 0 ? OK : jws_decode_object(texts[1], "payload", JWS_MAX_BYTES, why, payload_out);
}

/* ---- certificates ---- */

static enum status read_certificate(const json_t *text, const char *field, struct refusal *why,
                                    struct certificate **certificate_out)
{
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    const struct slice encoded = slice_of(json_string_value(text), json_string_length(text));
    if (!json_is_string(text) || encoded.size == 0 || encoded.size > X5C_MAX_BYTES)
        return malformed(why, field, "certificates in base64");
    const enum status decoded = base64_decode_lenient(encoded, &der);
    if (decoded == ERR_NO_MEMORY) return decoded;
    if (decoded != OK) return malformed(why, field, "certificates in base64");
    const enum status status = certificate_from_der(buffer_slice(&der), certificate_out);
    if (status == OK || status == ERR_NO_MEMORY) return status;
    return refuse(why, status, field, "an X.509 certificate of version 3 with an RSA key of 2048 to 4096 bits or P-256",
                  "%zu bytes that are none", der.size);
}

static enum status find_x5c(const json_t *header, struct refusal *why, json_t **x5c_out)
{
    const json_t *holder = header;
    const char *path = "header";
    if (json_has(header, "jwk")) {
        if (json_has(header, "x5c")) return malformed(why, "header", "one of x5c and jwk");
        holder = json_object_get(header, "jwk");
        path = "header.jwk";
        if (!json_is_object(holder)) return malformed(why, path, "a JWK with x5c");
    }
    return refuse_as(why, json_get_array(holder, path, "x5c", CERTIFICATE_CHAIN_MAX_COUNT, why, x5c_out),
                     ERR_TOKEN_MALFORMED);
}

static enum status read_chain(const json_t *header, struct refusal *why, struct body_jws *body)
{
    json_t *x5c;
    TRY(find_x5c(header, why, &x5c));
    for (size_t i = 0; i < json_array_size(x5c); i++) {
        TRY(read_certificate(json_array_get(x5c, i), "header.x5c", why, &body->chain[i]));
        body->chain_count++;
    }
    return body->chain_count > 0 ? OK : malformed(why, "header.x5c", "the signer's certificate");
}

/* A certificate by itself is its own root, and says nothing of others. */
static enum status check_chain(const struct body_jws *body, struct refusal *why)
{
    for (size_t i = 0; i + 1 < body->chain_count; i++) {
        const struct certificate *const issuer = body->chain[i + 1];
        if (!slice_equal(certificate_issuer_der(body->chain[i]), certificate_subject_der(issuer)) ||
            !certificate_is_ca(issuer) || certificate_verify_signature(body->chain[i], certificate_key(issuer)) != OK)
            return refuse(why, ERR_CHAIN, "header.x5c",
                          "each certificate signed by the next, which has BasicConstraints CA=TRUE",
                          "certificate %zu of %zu is not", i + 1, body->chain_count);
    }
    return OK;
}

/* ---- the signature ---- */

static bool fits(struct slice algorithm, const struct key *key)
{
    switch (key_kind(key)) {
    case KEY_RSA: return slice_equal_text(algorithm, "RS256") || slice_equal_text(algorithm, "RSA256");
    case KEY_P256: return slice_equal_text(algorithm, "ES256");
    case KEY_P384:
    case KEY_X25519: break;
    }
    return false;
}

static bool is_known(struct slice algorithm)
{
    return slice_equal_text(algorithm, "RS256") || slice_equal_text(algorithm, "RSA256") ||
           slice_equal_text(algorithm, "ES256");
}

static enum status verify(const struct parts *parts, struct refusal *why, struct body_jws *body)
{
    if (!is_known(parts->algorithm))
        return refuse(why, ERR_TOKEN_ALGORITHM, "header.alg", "none, RS256 or ES256", "%.*s",
                      (int)parts->algorithm.size, (const char *)parts->algorithm.bytes);
    TRY(read_chain(parts->header, why, body));
    const struct key *const key = certificate_key(body->chain[0]);
    if (!fits(parts->algorithm, key))
        return refuse(why, ERR_TOKEN_ALGORITHM, "header.alg", "RS256 with an RSA key, or ES256 with a P-256 key",
                      "%.*s", (int)parts->algorithm.size, (const char *)parts->algorithm.bytes);
    const enum status status = key_verify(key, parts->signing_input, buffer_slice(&parts->signature));
    if (status == ERR_NO_MEMORY) return status;
    if (status != OK)
        return refuse(why, ERR_TOKEN_SIGNATURE, "signature", "a signature by the first certificate",
                      "%zu bytes that are not", parts->signature.size);
    return check_chain(body, why);
}

static enum status check_unsigned(const struct parts *parts, struct refusal *why)
{
    return parts->signature.size == 0 ? OK : malformed(why, "signature", "none after alg none");
}

enum status body_jws_open(struct slice text, struct refusal *why, struct body_jws *body_out)
{
    CLEANUP(parts_done) struct parts parts = {.signature = buffer_of_maximum(JWS_SIGNATURE_MAX_BYTES)};
    CLEANUP(body_jws_done) struct body_jws body = {};
    TRY(parse(text, why, &parts, &body.payload));
    body.is_signed = !slice_equal_text(parts.algorithm, "none");
    TRY(body.is_signed ? verify(&parts, why, &body) : check_unsigned(&parts, why));
    *body_out = body;
    body = (struct body_jws){};
    return OK;
}

/* ---- payloads ---- */

enum status body_policy(const struct body_jws *body, struct refusal *why, struct buffer *text)
{
    if (body->payload == NULL) return malformed(why, "payload", "{\"AttestationPolicy\": base64url}");
    const struct jws jws = {.payload = body->payload};
    return policy_text_of_jws(&jws, why, text);
}

static json_t *find_certificate(const json_t *payload)
{
    static const char *const names[] = {"policyCertificate", "maa-policyCertificate", "aas-policyCertificate",
                                        "x-ms-policyCertificate"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        json_t *const found = json_object_get(payload, names[i]);
        if (found != NULL) return found;
    }
    return NULL;
}

enum status body_certificate(const struct body_jws *body, struct refusal *why, struct certificate **certificate_out)
{
    const json_t *const jwk = find_certificate(body->payload);
    if (!json_is_object(jwk)) return malformed(why, "payload.policyCertificate", "a JWK with kty and x5c");
    json_t *x5c;
    TRY(refuse_as(why, json_get_array(jwk, "payload.policyCertificate", "x5c", 1, why, &x5c), ERR_TOKEN_MALFORMED));
    return read_certificate(json_array_get(x5c, 0), "payload.policyCertificate.x5c", why, certificate_out);
}

enum status body_of_certificates(struct slice body, const char *name, struct refusal *why, struct buffer *jws)
{
    CLEANUP(json_done) json_t *value = NULL;
    struct slice text;
    TRY(json_parse_value(body, MANAGEMENT_BODY_MAX_BYTES, why, &value));
    if (json_is_string(value)) return buffer_append(jws, slice_of(json_string_value(value), json_string_length(value)));
    if (!json_is_object(value)) return malformed(why, "body", "a JSON string, or an object");
    TRY(json_get_string(value, "", name, BODY_MAX_BYTES, why, &text));
    return buffer_append(jws, text);
}
