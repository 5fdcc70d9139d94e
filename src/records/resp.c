/* SPDX-License-Identifier: Apache-2.0 */
#include "records/resp.h"

enum { NUMBER_MAX_DIGITS = 18 };

/* The bytes before CR LF. No other CR or LF may stand in a line. */
static enum status read_line(struct reader *reader, struct slice *line_out)
{
    const struct slice rest = reader->rest;
    for (size_t i = 0; i < rest.size; i++) {
        if (rest.bytes[i] == '\n' || i > RESP_LINE_MAX_BYTES) return ERR_CACHE;
        if (rest.bytes[i] != '\r') continue;
        if (i + 1 == rest.size) return ERR_TRUNCATED;
        if (rest.bytes[i + 1] != '\n') return ERR_CACHE;
        *line_out = slice_part(rest, 0, i);
        return reader_skip(reader, i + 2);
    }
    return ERR_TRUNCATED;
}

static enum status parse_number(struct slice digits, int64_t *number_out)
{
    const bool is_negative = digits.size > 0 && digits.bytes[0] == '-';
    if (is_negative) digits = slice_part(digits, 1, digits.size);
    if (digits.size == 0 || digits.size > NUMBER_MAX_DIGITS) return ERR_CACHE;
    int64_t number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.bytes[i] < '0' || digits.bytes[i] > '9') return ERR_CACHE;
        number = number * 10 + (digits.bytes[i] - '0');
    }
    *number_out = is_negative ? -number : number;
    return OK;
}

static enum status read_number(struct reader *reader, int64_t *number_out)
{
    struct slice line;
    TRY(read_line(reader, &line));
    return parse_number(line, number_out);
}

static enum status read_bulk(struct reader *reader, struct resp_value *value)
{
    int64_t size;
    TRY(read_number(reader, &size));
    value->kind = size == -1 ? RESP_NULL : RESP_BULK;
    if (size == -1) return OK;
    if (size < 0 || size > RESP_BULK_MAX_BYTES) return ERR_CACHE;
    struct slice end;
    TRY(reader_slice(reader, (size_t)size, &value->text));
    TRY(reader_slice(reader, 2, &end));
    return slice_equal_text(end, "\r\n") ? OK : ERR_CACHE;
}

static enum status read_value(struct reader *reader, size_t depth, struct resp_reply *reply);

static enum status read_array(struct reader *reader, size_t depth, struct resp_value *value, struct resp_reply *reply)
{
    TRY(read_number(reader, &value->number));
    value->kind = value->number == -1 ? RESP_NULL : RESP_ARRAY;
    if (value->number == -1) return OK;
    const size_t room = 1 + RESP_ARRAY_MAX_COUNT - reply->count;
    if (depth == RESP_MAX_DEPTH || value->number < 0 || (uint64_t)value->number > room) return ERR_CACHE;
    for (int64_t i = 0; i < value->number; i++) TRY(read_value(reader, depth + 1, reply));
    return OK;
}

static enum status read_value(struct reader *reader, size_t depth, struct resp_reply *reply)
{
    uint8_t sign;
    TRY(reader_u8(reader, &sign));
    if (reply->count > RESP_ARRAY_MAX_COUNT) return ERR_CACHE;
    struct resp_value *const value = &reply->values[reply->count++];
    *value = (struct resp_value){};
    switch (sign) {
    case '+': value->kind = RESP_STATUS; return read_line(reader, &value->text);
    case '-': value->kind = RESP_ERROR; return read_line(reader, &value->text);
    case ':': value->kind = RESP_INTEGER; return read_number(reader, &value->number);
    case '$': return read_bulk(reader, value);
    case '*': return read_array(reader, depth, value, reply);
    default: return ERR_CACHE;
    }
}

enum status resp_read(struct reader *reader, struct resp_reply *reply_out)
{
    struct reader ahead = *reader;
    struct resp_reply reply = {};
    TRY(read_value(&ahead, 0, &reply));
    *reader = ahead;
    *reply_out = reply;
    return OK;
}

enum status resp_write_command(const struct slice *arguments, size_t count, struct buffer *command)
{
    TRY(buffer_append_format(command, "*%zu\r\n", count));
    for (size_t i = 0; i < count; i++) {
        TRY(buffer_append_format(command, "$%zu\r\n", arguments[i].size));
        TRY(buffer_append(command, arguments[i]));
        TRY(buffer_append_text(command, "\r\n"));
    }
    return OK;
}
