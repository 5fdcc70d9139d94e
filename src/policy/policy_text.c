/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_text.h"

#include "base/encoding.h"

#include <stdio.h>

/* In the words of the compiler, which never sees so long a text. */
static enum status check_size(enum status appended, size_t size, struct refusal *why)
{
    if (appended != ERR_TOO_LARGE) return appended;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "at most %d bytes", POLICY_MAX_BYTES);
    return refuse(why, ERR_POLICY_LIMIT, "POLICY_MAX_BYTES", expected, "%zu bytes", size);
}

enum status policy_text_of_jws(const struct jws *jws, struct refusal *why, struct buffer *text)
{
    static const char field[] = "AttestationPolicy";
    struct slice encoded;
    TRY(refuse_as(why, json_get_string(jws->payload, "", field, JWS_MAX_BYTES, why, &encoded), ERR_TOKEN_MALFORMED));
    const enum status status = base64_decode_lenient(encoded, text);
    if (status == ERR_ENCODING) return refuse(why, ERR_TOKEN_MALFORMED, field, "base64url", "other characters");
    return check_size(status, encoded.size / 4 * 3, why);
}

bool policy_text_is_jws(struct slice text)
{
    size_t dots = 0;
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.bytes[i];
        const bool is_digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (c == '.') dots++;
        if (c != '.' && !is_digit && c != '-' && c != '_') return false;
    }
    return dots == 2;
}

enum status policy_text_of_draft(struct slice draft, struct refusal *why, struct buffer *text)
{
    if (!policy_text_is_jws(draft)) return check_size(buffer_append(text, draft), draft.size, why);
    CLEANUP(jws_done) struct jws jws = {};
    TRY(jws_parse(draft, why, &jws));
    return policy_text_of_jws(&jws, why, text);
}
