/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/appraise/request_fields.h"

#include "base/encoding.h"

#include <stdio.h>
#include <strings.h>

/* NULL if there is none. */
static enum status find(const struct request_fields *fields, const char *name, struct refusal *why,
                        const struct json_node **member_out)
{
    const struct json_node *found = NULL, *member = json_node_first(fields->object);
    const uint32_t count = fields->object->type == JSON_OBJECT ? fields->object->size : 0;
    for (uint32_t i = 0; i < count; i++, member = json_node_next(member)) {
        if (strcasecmp(member->name, name) != 0) continue;
        if (found != NULL)
            return refuse(why, ERR_FIELD_VALUE, json_path(fields->path, name).text, "the member once", "%s and %s",
                          found->name, member->name);
        found = member;
    }
    *member_out = found;
    return OK;
}

/* The name as it stands there, so that the getters of json_tree.h find the member; `name` itself if it is not there. */
static enum status spelling(const struct request_fields *fields, const char *name, struct refusal *why,
                            const char **spelling_out)
{
    const struct json_node *member;
    TRY(find(fields, name, why, &member));
    *spelling_out = member != NULL ? member->name : name;
    return OK;
}

enum status request_has(const struct request_fields *fields, const char *name, struct refusal *why, bool *has_out)
{
    const struct json_node *member;
    TRY(find(fields, name, why, &member));
    *has_out = member != NULL && member->type != JSON_NULL;
    return OK;
}

enum status request_is_empty(const struct request_fields *fields, const char *name, struct refusal *why,
                             bool *is_empty_out)
{
    const struct json_node *member;
    TRY(find(fields, name, why, &member));
    *is_empty_out = member != NULL && (member->type == JSON_NULL || (member->type == JSON_STRING && member->size == 0));
    return OK;
}

enum status request_text_or_number(const struct request_fields *fields, struct slice body, const char *name,
                                   size_t max_size, struct refusal *why, struct slice *text_out)
{
    const struct json_node *member;
    TRY(find(fields, name, why, &member));
    if (member == NULL || (member->type != JSON_INTEGER && member->type != JSON_REAL))
        return request_text(fields, name, max_size, why, text_out);
    *text_out = json_node_text(member, body);
    if (text_out->size <= max_size) return OK;
    return refuse(why, ERR_FIELD_VALUE, json_path(fields->path, name).text, "a shorter number", "%zu characters",
                  text_out->size);
}

enum status request_text(const struct request_fields *fields, const char *name, size_t max_size, struct refusal *why,
                         struct slice *text_out)
{
    const char *as_spelt;
    TRY(spelling(fields, name, why, &as_spelt));
    return json_node_get_string(fields->object, fields->path, as_spelt, max_size, why, text_out);
}

enum status request_base64(const struct request_fields *fields, const char *name, struct refusal *why,
                           struct buffer *bytes)
{
    struct slice text;
    const char *as_spelt;
    const struct json_path field = json_path(fields->path, name);
    TRY(spelling(fields, name, why, &as_spelt));
    const enum status found = json_node_get_string(fields->object, fields->path, as_spelt, SIZE_MAX, why, &text);
    if (found == ERR_FIELD_VALUE) return refuse(why, found, field.text, "base64url", "an empty text");
    TRY(found);
    const enum status status = base64_decode_lenient(text, bytes);
    if (status == ERR_TOO_LARGE) {
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "at most %zu bytes", bytes->maximum);
        return refuse(why, status, field.text, expected, "%zu characters of base64", text.size);
    }
    if (status == ERR_ENCODING) return refuse(why, ERR_FIELD_VALUE, field.text, "base64url", "other characters");
    return status;
}

enum status request_object(const struct request_fields *fields, const char *name, struct refusal *why,
                           struct request_fields *object_out, bool *has_out)
{
    const char *as_spelt;
    TRY(request_has(fields, name, why, has_out));
    if (!*has_out) return OK;
    TRY(spelling(fields, name, why, &as_spelt));
    object_out->path = name;
    return json_node_get_object(fields->object, fields->path, as_spelt, why, &object_out->object);
}
