/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/signed_json.h"

#include "base/clock.h"
#include "base/encoding.h"

#include <stdio.h>

void signed_json_done(struct signed_json *json)
{
    json_done(&json->document);
    *json = (struct signed_json){};
}

enum status json_get_time(const json_t *object, const char *path, const char *name, struct refusal *why,
                          int64_t *time_s_out)
{
    struct slice text;
    TRY(json_get_string(object, path, name, SIZE_MAX, why, &text));
    if (time_parse_iso8601(text, time_s_out) == OK) return OK;
    char field[REFUSAL_FIELD_BYTES];
    (void)snprintf(field, sizeof(field), "%s.%s", path, name);
    return refuse(why, ERR_FIELD_VALUE, field, "a time such as 2026-11-21T10:00:00Z", "%.40s",
                  (const char *)text.bytes);
}

static enum status read_signature(const json_t *document, const char *field, struct refusal *why,
                                  struct signed_json *json)
{
    struct slice digits;
    TRY(json_get_hex(document, field, "signature", sizeof(json->signature), why, json->signature));
    TRY(json_get_string(document, field, "signature", SIZE_MAX, why, &digits));
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.bytes[i] < 'A' || digits.bytes[i] > 'F') continue;
        return refuse(why, ERR_FIELD_VALUE, "signature", "lower-case hexadecimal digits", "%c", digits.bytes[i]);
    }
    return OK;
}

static enum status parse(struct slice text, const char *name, const char *field, struct refusal *why,
                         struct signed_json *json)
{
    const char *const members[] = {name, "signature", NULL};
    TRY(json_only(json->document, field, members, why));
    TRY(json_get_object(json->document, field, name, why, &json->body));
    TRY(read_signature(json->document, field, why, json));
    if (json_member_text(text, name, &json->signed_text) == OK) return OK;
    return refuse(why, ERR_FIELD_MISSING, field, "the member's name without escapes", "%s", name);
}

enum status signed_json_parse(struct slice text, size_t max_size, const char *name, const char *field,
                              struct refusal *why, struct signed_json *json_out)
{
    CLEANUP(signed_json_done) struct signed_json json = {};
    struct refusal syntax = {};
    (void)json_parse(text, max_size, &syntax, &json.document);
    if (!json_is_object(json.document))
        return refuse(why, ERR_COLLATERAL_MALFORMED, field, syntax.status == OK ? "a JSON object" : syntax.expected,
                      "%s", syntax.status == OK ? "an array" : syntax.seen);
    TRY(refuse_as(why, parse(text, name, field, why, &json), ERR_COLLATERAL_MALFORMED));
    *json_out = json;
    json = (struct signed_json){};
    return OK;
}
