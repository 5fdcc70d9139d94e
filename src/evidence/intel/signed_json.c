/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/signed_json.h"

#include "base/clock.h"
#include "base/encoding.h"

#include <stdio.h>

void signed_json_done(struct signed_json *json)
{
    json_tree_done(&json->tree);
    *json = (struct signed_json){};
}

enum status json_node_get_time(const struct json_node *object, const char *path, const char *name, struct refusal *why,
                               int64_t *time_s_out)
{
    struct slice text;
    TRY(json_node_get_string(object, path, name, SIZE_MAX, why, &text));
    if (time_parse_iso8601(text, time_s_out) == OK) return OK;
    char field[REFUSAL_FIELD_BYTES];
    (void)snprintf(field, sizeof(field), "%s.%s", path, name);
    return refuse(why, ERR_FIELD_VALUE, field, "a time such as 2026-11-21T10:00:00Z", "%.40s",
                  (const char *)text.bytes);
}

static enum status read_signature(const struct json_node *document, const char *field, struct refusal *why,
                                  struct signed_json *json)
{
    struct slice digits;
    TRY(json_node_get_hex(document, field, "signature", sizeof(json->signature), why, json->signature));
    TRY(json_node_get_string(document, field, "signature", SIZE_MAX, why, &digits));
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
    TRY(json_node_only(json->tree.nodes, field, members, why));
    TRY(json_node_get_object(json->tree.nodes, field, name, why, &json->body));
    json->signed_text = json_node_text(json->body, text);
    return read_signature(json->tree.nodes, field, why, json);
}

enum status signed_json_parse(struct slice text, uint32_t max_size, const char *name, const char *field,
                              struct refusal *why, struct signed_json *json_out)
{
    CLEANUP(signed_json_done) struct signed_json json = {};
    TRY(refuse_as(why, json_tree_parse(text, max_size, field, why, &json.tree), ERR_COLLATERAL_MALFORMED));
    if (json.tree.nodes->type != JSON_OBJECT)
        return refuse(why, ERR_COLLATERAL_MALFORMED, field, "a JSON object", "an array");
    TRY(refuse_as(why, parse(text, name, field, why, &json), ERR_COLLATERAL_MALFORMED));
    *json_out = json;
    json = (struct signed_json){};
    return OK;
}
