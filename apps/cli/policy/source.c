/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/policy/source.h"

#include "base/encoding.h"
#include "base/file.h"
#include "policy/policy_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SIGNER_DER_MAX_BYTES = CERTIFICATE_MAX_BYTES };

void policy_source_done(struct policy_source *source)
{
    buffer_done(&source->text);
    buffer_done(&source->jws);
    certificate_free(source->signer);
    *source = (struct policy_source){};
}

/* ---- the signature ---- */

static enum status refuse_algorithm(const struct jws *jws, const char *expected, struct refusal *why)
{
    return refuse(why, ERR_TOKEN_ALGORITHM, "header.alg", expected, "%.*s", (int)jws->algorithm.size,
                  (const char *)jws->algorithm.bytes);
}

static enum status read_signer(const struct jws *jws, struct refusal *why, struct certificate **signer_out)
{
    static const char expected[] = "the signer's certificate, in base64";
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(SIGNER_DER_MAX_BYTES);
    json_t *chain;
    TRY(refuse_as(why, json_get_array(jws->header, "header", "x5c", CERTIFICATE_CHAIN_MAX_COUNT, why, &chain),
                  ERR_TOKEN_MALFORMED));
    const json_t *const first = json_array_get(chain, 0);
    if (!json_is_string(first)) return refuse(why, ERR_TOKEN_MALFORMED, "header.x5c[0]", expected, "something else");
    if (base64_decode(slice_of(json_string_value(first), json_string_length(first)), &der) != OK)
        return refuse(why, ERR_TOKEN_MALFORMED, "header.x5c[0]", expected, "something else");
    const enum status status = certificate_from_der(buffer_slice(&der), signer_out);
    if (status == OK) return OK;
    return refuse(why, status, "header.x5c[0]", "an X.509 certificate of an RSA or P-256 key", "other bytes");
}

/* Microsoft's .NET library writes RSA256 for RS256. */
static bool is_algorithm_of(const struct key *key, struct slice algorithm)
{
    if (key_kind(key) == KEY_P256) return slice_equal_text(algorithm, "ES256");
    return key_kind(key) == KEY_RSA && (slice_equal_text(algorithm, "RS256") || slice_equal_text(algorithm, "RSA256"));
}

static enum status check_signature(const struct jws *jws, struct refusal *why, struct certificate **signer_out)
{
    CLEANUP(certificate_cleanup) struct certificate *signer = NULL;
    if (slice_equal_text(jws->algorithm, "none")) {
        if (jws->signature.size == 0) return OK;
        return refuse(why, ERR_TOKEN_MALFORMED, "signature", "nothing behind alg none", "%zu bytes",
                      jws->signature.size);
    }
    TRY(read_signer(jws, why, &signer));
    const struct key *const key = certificate_key(signer);
    if (!is_algorithm_of(key, jws->algorithm))
        return refuse_algorithm(jws, key_kind(key) == KEY_RSA ? "RS256 with an RSA key" : "ES256 with a P-256 key",
                                why);
    const enum status status = key_verify(key, jws->signing_input, buffer_slice(&jws->signature));
    if (status == ERR_NO_MEMORY) return status;
    if (status != OK)
        return refuse(why, ERR_TOKEN_SIGNATURE, "signature", "one by the key of header.x5c[0]",
                      "%zu bytes that are not", jws->signature.size);
    *signer_out = certificate_share(signer);
    return OK;
}

/* ---- the text ---- */

static enum status refuse_size(const char *field, size_t maximum, const char *seen, struct refusal *why)
{
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "at most %zu bytes", maximum);
    return refuse(why, ERR_TOO_LARGE, field, expected, "%s", seen);
}

static struct slice without_line_ends(struct slice text)
{
    while (text.size > 0 && (text.bytes[text.size - 1] == '\n' || text.bytes[text.size - 1] == '\r')) text.size--;
    return text;
}

enum status policy_source_parse(struct slice given, struct refusal *why, struct policy_source *source_out)
{
    CLEANUP(policy_source_done)
    struct policy_source source = {.text = buffer_of_maximum(POLICY_MAX_BYTES),
                                   .jws = buffer_of_maximum(JWS_MAX_BYTES)};
    CLEANUP(jws_done) struct jws jws = {};
    const struct slice trimmed = without_line_ends(given);
    if (policy_text_is_jws(trimmed)) {
        TRY(jws_parse(trimmed, why, &jws));
        TRY(policy_text_of_jws(&jws, why, &source.text));
        TRY(check_signature(&jws, why, &source.signer));
        TRY(buffer_append(&source.jws, trimmed));
    } else {
        TRY(policy_text_of_draft(given, why, &source.text)); /* with its line ends: its hash is over every byte */
    }
    *source_out = source;
    source = (struct policy_source){};
    return OK;
}

enum status policy_input_read(const char *path, struct refusal *why, struct buffer *bytes)
{
    if (strcmp(path, "-") != 0) return file_read(path, why, bytes);
    for (;;) {
        uint8_t chunk[16384];
        const ssize_t got = read(STDIN_FILENO, chunk, sizeof(chunk));
        if (got == 0) return OK;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return refuse(why, ERR_IO, "standard input", "bytes", "%s", strerror(errno));
        const enum status status = buffer_append(bytes, slice_of(chunk, (size_t)got));
        if (status == ERR_TOO_LARGE) return refuse_size("standard input", bytes->maximum, "more", why);
        TRY(status);
    }
}

enum status policy_source_read(const char *path, struct refusal *why, struct policy_source *source_out)
{
    CLEANUP(buffer_done) struct buffer given = buffer_of_maximum(JWS_MAX_BYTES + 2);
    TRY(policy_input_read(path, why, &given));
    return policy_source_parse(buffer_slice(&given), why, source_out);
}
