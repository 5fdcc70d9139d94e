/* SPDX-License-Identifier: Apache-2.0
 *
 * RESP2, the protocol of Redis: one command written, one reply read. Redis stands outside the trust boundary, so every
 * size that it may claim has a maximum here, and what goes beyond is refused before memory is taken for it. Pure.
 */
#pragma once

#include "base/buffer.h"
#include "base/reader.h"

enum {
    RESP_BULK_MAX_BYTES = 1024 * 1024,
    RESP_ARRAY_MAX_COUNT = 64, /* elements of all arrays of one reply together */
    RESP_LINE_MAX_BYTES = 128, /* status, error and number lines, without CR LF */
    RESP_MAX_DEPTH = 2,        /* arrays in arrays */
    RESP_REPLY_MAX_BYTES = RESP_BULK_MAX_BYTES + 4096,
};

enum resp_kind { RESP_STATUS, RESP_ERROR, RESP_INTEGER, RESP_BULK, RESP_NULL, RESP_ARRAY };

struct resp_value {
    enum resp_kind kind;
    struct slice text; /* status, error, bulk: borrowed */
    int64_t number;    /* integer; array: how many elements */
};

/* The reply and its elements, each array before what it holds. */
struct resp_reply {
    struct resp_value values[1 + RESP_ARRAY_MAX_COUNT];
    size_t count;
};

/* Reads one reply. ERR_TRUNCATED: more bytes are needed; ERR_CACHE: out of protocol or over a maximum. The reader moves
 * only on OK. */
enum status resp_read(struct reader *reader, struct resp_reply *reply_out);

/* Appends a command: an array of bulk strings. */
enum status resp_write_command(const struct slice *arguments, size_t count, struct buffer *command);
