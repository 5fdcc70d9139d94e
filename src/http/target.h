/* SPDX-License-Identifier: Apache-2.0
 *
 * Strict reading of the texts of an HTTP request: path and query of the request target, names and values of fields.
 * Pure. What is refused is never echoed: a path or query may name a patient.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"

enum { HTTP_QUERY_MAX_COUNT = 32 };

/* Appends the decoded path. It must begin with '/', hold visible ASCII with valid percent escapes, decode to UTF-8
 * without control characters, and have no encoded '/' and no segment "." or "..", which two readers could understand
 * differently. ERR_HTTP_MALFORMED; ERR_TOO_LARGE past the buffer's maximum. */
enum status http_path_decode(struct slice raw, struct refusal *why, struct buffer *path);

/* The parameters of a query, in order of appearance. */
struct http_query {
    struct {
        size_t name, value; /* offsets of NUL-terminated texts in `text` */
    } items[HTTP_QUERY_MAX_COUNT];
    size_t count;
    struct buffer text;
};
void http_query_done(struct http_query *query);

/* "a=1&b=2", form-encoded ('+' is a space). `query_out->text` is bounded by the size of `raw`. A parameter that stands
 * there twice is refused. ERR_HTTP_MALFORMED, ERR_TOO_LARGE (more than HTTP_QUERY_MAX_COUNT). */
enum status http_query_parse(struct slice raw, struct refusal *why, struct http_query *query_out);
const char *http_query_value(const struct http_query *query, const char *name); /* NULL if absent */

/* RFC 9110 section 5.6.2: a method or a field's name. */
bool http_is_token(struct slice text);
/* Section 5.5: visible characters, spaces, tabs and bytes above 127. */
bool http_is_field_value(struct slice text);
/* 1 to 18 digits and nothing else. ERR_HTTP_MALFORMED. */
enum status http_content_length(struct slice text, uint64_t *size_out);
/* Whether a Content-Type field names this type, whatever its parameters: "application/json; charset=utf-8". */
bool http_media_type_is(const char *field, const char *type);
