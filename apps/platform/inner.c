/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/inner.h"

#include "base/encoding.h"
#include "records/fhir_outcome.h"

#include <stdio.h>
#include <string.h>

void inner_response_done(struct inner_response *response)
{
    buffer_done(&response->body);
}

static struct slice next_segment(struct slice *path)
{
    if (path->size > 0 && path->bytes[0] == '/') *path = slice_part(*path, 1, path->size);
    struct slice segment = *path, rest = {};
    if (slice_split(*path, '/', &segment, &rest))
        *path = slice_of(rest.bytes - 1, rest.size + 1);
    else
        *path = (struct slice){};
    return segment;
}

static bool matches(const char *pattern, struct slice path, struct slice *segments)
{
    struct slice wanted = slice_of_text(pattern);
    size_t count = 0;
    while (wanted.size > 0 && path.size > 0) {
        const struct slice wanted_segment = next_segment(&wanted);
        const struct slice segment = next_segment(&path);
        if (slice_equal_text(wanted_segment, "{}")) {
            if (segment.size == 0 || segment.size > INNER_SEGMENT_MAX_BYTES || count == INNER_SEGMENT_MAX_COUNT)
                return false;
            segments[count++] = segment;
        } else if (!slice_equal(wanted_segment, segment)) {
            return false;
        }
    }
    return wanted.size == 0 && path.size == 0;
}

const struct inner_route *inner_route_find(const struct inner_route *routes, size_t count, struct slice method,
                                           struct slice path, struct slice segments_out[static INNER_SEGMENT_MAX_COUNT],
                                           bool *is_path_known_out)
{
    *is_path_known_out = false;
    for (size_t i = 0; i < count; i++) {
        struct slice segments[INNER_SEGMENT_MAX_COUNT] = {};
        if (!matches(routes[i].pattern, path, segments)) continue;
        *is_path_known_out = true;
        if (!slice_equal_text(method, routes[i].method)) continue;
        memcpy(segments_out, segments, sizeof(segments));
        return &routes[i];
    }
    return NULL;
}

static enum status decode_query_value(struct slice text, struct buffer *value)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.bytes[i];
        if (byte == '+') {
            byte = ' ';
        } else if (byte == '%') {
            if (hex_decode_exact(slice_part(text, i + 1, 2), 1, &byte) != OK) return ERR_ENCODING;
            i += 2;
        }
        TRY(buffer_append_u8(value, byte));
    }
    return utf8_is_valid(buffer_slice(value), false) ? OK : ERR_ENCODING;
}

enum status inner_query(const struct inner_request *request, const char *name, struct buffer *value)
{
    struct slice rest = request->query;
    while (rest.size > 0) {
        struct slice pair = rest, after = {};
        if (!slice_split(rest, '&', &pair, &after)) after = (struct slice){};
        rest = after;
        struct slice key = pair, text = {};
        (void)slice_split(pair, '=', &key, &text);
        if (!slice_equal_text(key, name)) continue;
        CLEANUP(buffer_done) struct buffer decoded = buffer_of_maximum(INNER_QUERY_VALUE_MAX_BYTES);
        if (decode_query_value(text, &decoded) != OK) return ERR_FIELD_VALUE;
        return buffer_append(value, buffer_slice(&decoded));
    }
    return ERR_FIELD_MISSING;
}

static void reset(struct inner_response *response, unsigned status, const char *content_type)
{
    buffer_done(&response->body);
    response->body = buffer_of_maximum(INNER_ANSWER_MAX_BYTES);
    response->status = status;
    response->content_type = content_type;
}

enum status inner_json(struct inner_response *response, unsigned status, json_t *value)
{
    CLEANUP(json_done) json_t *owned = value;
    if (owned == NULL) return ERR_NO_MEMORY;
    reset(response, status, "application/json");
    return json_write(owned, &response->body);
}

enum status inner_text(struct inner_response *response, unsigned status, const char *content_type, struct slice body)
{
    reset(response, status, content_type);
    return buffer_append(&response->body, body);
}

void inner_empty(struct inner_response *response, unsigned status)
{
    reset(response, status, NULL);
}

enum status inner_field(struct inner_response *response, const char *name, const char *value)
{
    if (response->field_count == INNER_FIELD_MAX_COUNT || strlen(value) >= INNER_FIELD_VALUE_MAX_BYTES)
        return ERR_TOO_LARGE;
    response->fields[response->field_count].name = name;
    (void)snprintf(response->fields[response->field_count].value, INNER_FIELD_VALUE_MAX_BYTES, "%s", value);
    response->field_count++;
    return OK;
}

void inner_forget_fields(struct inner_response *response)
{
    response->field_count = 0;
}

static void keep_only_retry_after(struct inner_response *response)
{
    const size_t count = response->field_count;
    inner_forget_fields(response);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(response->fields[i].name, "retry-after") == 0)
            response->fields[response->field_count++] = response->fields[i];
    }
}

unsigned inner_status_of(enum status status)
{
    switch (status) {
    case OK: return 200;
    case ERR_SIGN_IN:
    case ERR_SESSION: return 401;
    case ERR_FORBIDDEN: return 403;
    case ERR_NOT_FOUND: return 404;
    case ERR_CONFLICT:
    case ERR_REPLAY: return 409;
    case ERR_PRECONDITION: return 412;
    case ERR_TOO_LARGE: return 413;
    case ERR_HTTP_TYPE: return 415;
    case ERR_FHIR:
    case ERR_IMAGE_FORMAT:
    case ERR_IMAGE_MALFORMED:
    case ERR_IMAGE_UNSUPPORTED:
    case ERR_IMAGE_UNSUITABLE:
    case ERR_CHILD_DIED: return 422;
    case ERR_THROTTLED:
    case ERR_BUSY: return 429;
    case ERR_INTERNAL:
    case ERR_NO_MEMORY:
    case ERR_CRYPTO:
    case ERR_STORE_CORRUPT: return 500;
    case ERR_REPLAY_FULL:
    case ERR_CACHE:
    case ERR_STORE:
    case ERR_STORE_LOCKED:
    case ERR_STORE_IN_USE:
    case ERR_FEED_STALE:
    case ERR_IO: return 503;
    case ERR_PEER_REFUSED:
    case ERR_CONNECT:
    case ERR_TLS:
    case ERR_CLOSED:
    case ERR_INFERENCE:
    case ERR_HTTP_STATUS: return 502;
    case ERR_TIMEOUT: return 504;
    case ERR_STORE_FULL: return 507;
    default: return 400;
    }
}

static void set_if_told(json_t *object, const char *name, const char *text)
{
    if (text[0] != '\0') (void)json_object_set_new(object, name, json_string(text));
}

static json_t *problem_document(unsigned http_status, enum status status, const struct refusal *why)
{
    json_t *const document =
        json_pack("{s:s, s:s, s:i, s:s}", "type", status == ERR_REPLAY ? "urn:lazaret:problem:replay" : "about:blank",
                  "title", status_text(status), "status", (int)http_status, "code", status_name(status));
    if (document == NULL) return NULL;
    set_if_told(document, "field", why->field);
    set_if_told(document, "seen", why->seen);
    set_if_told(document, "expected", why->expected);
    set_if_told(document, "fix", why->fix);
    return document;
}

static json_t *operation_outcome(enum status status, const struct refusal *why)
{
    struct refusal told = *why;
    told.status = status;
    json_t *outcome = NULL;
    return fhir_outcome(&told, &outcome) == OK ? outcome : NULL;
}

void inner_problem(struct inner_response *response, enum status status, const struct refusal *why, bool is_fhir)
{
    const unsigned http_status = inner_status_of(status);
    keep_only_retry_after(response);
    json_t *const document = is_fhir ? operation_outcome(status, why) : problem_document(http_status, status, why);
    if (inner_json(response, http_status, document) != OK)
        inner_empty(response, 500);
    else
        response->content_type = is_fhir ? "application/fhir+json" : "application/problem+json";
}
