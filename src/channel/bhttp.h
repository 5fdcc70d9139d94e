/* SPDX-License-Identifier: Apache-2.0
 *
 * Binary HTTP messages (RFC 9292), known-length form, in and out. Field names are lower case (section 3.6), values
 * visible ASCII with spaces and tabs; pseudo-field names, trailers other than empty ones and informational responses
 * are refused. Zero bytes of padding at the end are allowed (section 3.8).
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"

enum {
    BHTTP_FIELD_MAX_COUNT = 32,
    BHTTP_FIELD_NAME_MAX_BYTES = 64,
    BHTTP_FIELD_VALUE_MAX_BYTES = 8 * 1024,
    BHTTP_CONTROL_MAX_BYTES = 2048, /* each of method, scheme, authority, path */
};

struct bhttp_field {
    struct slice name, value;
};

struct bhttp_request {
    struct slice method, scheme, authority, path; /* path with its query, as sent */
    struct bhttp_field fields[BHTTP_FIELD_MAX_COUNT];
    size_t field_count;
    struct slice body;
};

struct bhttp_response {
    unsigned status; /* 200 to 599 */
    struct bhttp_field fields[BHTTP_FIELD_MAX_COUNT];
    size_t field_count;
    struct slice body;
};

/* Everything in the result is borrowed from `message`. ERR_BHTTP, ERR_TRUNCATED, ERR_TOO_LARGE. */
enum status bhttp_read_request(struct slice message, struct refusal *why, struct bhttp_request *request_out);
enum status bhttp_read_response(struct slice message, struct refusal *why, struct bhttp_response *response_out);

/* Appends. ERR_BHTTP for fields that could not be read back. */
enum status bhttp_write_request(const struct bhttp_request *request, struct buffer *message);
enum status bhttp_write_response(const struct bhttp_response *response, struct buffer *message);

/* The value of the only field of that name; empty slice if absent. A field that stands there twice is as if absent, so
 * that nobody can choose which one is read. */
struct slice bhttp_field(const struct bhttp_field *fields, size_t count, const char *name);
