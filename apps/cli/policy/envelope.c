/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/policy/envelope.h"

#include "base/encoding.h"
#include "base/json.h"
#include "token/jws.h"

#include <stdio.h>

static enum status append_part(json_t *part, struct buffer *jws)
{
    CLEANUP(json_done) json_t *owned = part;
    CLEANUP(buffer_done) struct buffer json = buffer_of_maximum(JWS_MAX_BYTES);
    if (owned == NULL) return ERR_NO_MEMORY;
    TRY(json_write(owned, &json));
    return base64url_encode(buffer_slice(&json), jws);
}

static enum status append_policy(struct slice text, struct buffer *jws)
{
    CLEANUP(buffer_done) struct buffer encoded = buffer_of_maximum(JWS_MAX_BYTES);
    TRY(buffer_append_u8(jws, '.'));
    if (text.size == 0) return OK;
    TRY(base64url_encode(text, &encoded));
    return append_part(
        json_pack("{s:s%}", "AttestationPolicy", encoded.bytes == NULL ? "" : (char *)encoded.bytes, encoded.size),
        jws);
}

enum status policy_wrap(struct slice text, struct buffer *jws)
{
    TRY(append_part(json_pack("{s:s}", "alg", "none"), jws));
    TRY(append_policy(text, jws));
    return buffer_append_u8(jws, '.');
}

static enum status append_certificate(const struct certificate *certificate, json_t *chain)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(2 * CERTIFICATE_MAX_BYTES);
    TRY(base64_encode(certificate_der(certificate), &text));
    const int result = json_array_append_new(chain, json_stringn((const char *)text.bytes, text.size));
    return result == 0 ? OK : ERR_NO_MEMORY;
}

static enum status append_header(const char *algorithm, const struct certificate_list *chain, struct buffer *jws)
{
    CLEANUP(json_done) json_t *certificates = json_array();
    for (size_t i = 0; i < chain->count; i++) TRY(append_certificate(chain->items[i], certificates));
    return append_part(json_pack("{s:s, s:O}", "alg", algorithm, "x5c", certificates), jws);
}

static enum status check_chain(const struct key *key, const struct certificate_list *chain, struct refusal *why)
{
    if (chain->count == 0) return refuse(why, ERR_CHAIN, "certificates", "the signer's, in PEM", "none");
    if (!key_equal(key, certificate_key(chain->items[0]))) {
        (void)!refuse(why, ERR_KEY_INVALID, "key", "the key of the first certificate", "another");
        return refuse_fix(why, ERR_KEY_INVALID, "put the signer's own certificate first, then its issuers");
    }
    for (size_t i = 1; i < chain->count; i++) {
        if (certificate_verify_signature(chain->items[i - 1], certificate_key(chain->items[i])) == OK) continue;
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "the issuer of certificate %zu", i);
        return refuse(why, ERR_CHAIN, "certificates", expected, "%s", certificate_subject_common_name(chain->items[i]));
    }
    return OK;
}

enum status policy_wrap_signed(struct slice text, const struct key *key, const struct certificate_list *chain,
                               struct refusal *why, struct buffer *jws)
{
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(JWS_SIGNATURE_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer input = buffer_of_maximum(JWS_MAX_BYTES);
    const bool is_rsa = key_kind(key) == KEY_RSA;
    if (!is_rsa && key_kind(key) != KEY_P256)
        return refuse(why, ERR_UNSUPPORTED, "key", "an RSA or P-256 key", "another kind");
    TRY(check_chain(key, chain, why));
    TRY(append_header(is_rsa ? "RS256" : "ES256", chain, &input));
    TRY(append_policy(text, &input));
    TRY(key_sign(key, buffer_slice(&input), &signature));
    TRY(buffer_append(jws, buffer_slice(&input)));
    TRY(buffer_append_u8(jws, '.'));
    return base64url_encode(buffer_slice(&signature), jws);
}
