/* SPDX-License-Identifier: Apache-2.0 */
#include "http/target.h"

#include "base/encoding.h"

#include <string.h>
#include <strings.h>

static enum status refuse_target(struct refusal *why, const char *field, const char *expected, const char *seen)
{
    return refuse(why, ERR_HTTP_MALFORMED, field, expected, "%s", seen);
}

static bool is_target_character(uint8_t c)
{
    return c > ' ' && c < 0x7f && strchr("#<>\"\\", c) == NULL;
}

/* One character of a target, or one escape; `encoded_out` tells which. */
static enum status next_byte(struct slice *rest, uint8_t *byte_out, bool *encoded_out)
{
    const uint8_t first = rest->bytes[0];
    if (!is_target_character(first)) return ERR_HTTP_MALFORMED;
    const size_t size = first == '%' ? 3 : 1;
    if (size > rest->size) return ERR_HTTP_MALFORMED;
    uint8_t byte = first;
    if (size == 3 && hex_decode_exact(slice_part(*rest, 1, 2), 1, &byte) != OK) return ERR_HTTP_MALFORMED;
    *rest = slice_part(*rest, size, rest->size);
    *byte_out = byte;
    *encoded_out = size == 3;
    return OK;
}

static bool has_dot_segment(struct slice path)
{
    struct slice rest = slice_part(path, 1, path.size);
    for (bool more = true; more;) {
        struct slice segment = rest, after = {};
        more = slice_split(rest, '/', &segment, &after);
        if (slice_equal_text(segment, ".") || slice_equal_text(segment, "..")) return true;
        rest = after;
    }
    return false;
}

enum status http_path_decode(struct slice raw, struct refusal *why, struct buffer *path)
{
    static const char field[] = "request.path";
    if (raw.size == 0 || raw.bytes[0] != '/') return refuse_target(why, field, "a path that begins with /", "another");
    const size_t before = path->size;
    for (struct slice rest = raw; rest.size > 0;) {
        uint8_t byte;
        bool encoded;
        if (next_byte(&rest, &byte, &encoded) != OK)
            return refuse_target(why, field, "visible ASCII and percent escapes of two hexadecimal digits", "another");
        if (encoded && byte == '/') return refuse_target(why, field, "no encoded /", "%2F");
        TRY(buffer_append_u8(path, byte));
    }
    const struct slice decoded = slice_part(buffer_slice(path), before, path->size);
    if (!utf8_is_valid(decoded, false)) return refuse_target(why, field, "UTF-8 without controls", "another");
    if (has_dot_segment(decoded)) return refuse_target(why, field, "no segment . or ..", "one");
    return OK;
}

void http_query_done(struct http_query *query)
{
    buffer_done(&query->text);
}

/* Appends one decoded text and a NUL. */
static enum status decode_query_text(struct slice raw, struct refusal *why, struct buffer *text, size_t *offset_out)
{
    const size_t offset = text->size;
    for (struct slice rest = raw; rest.size > 0;) {
        uint8_t byte;
        bool encoded;
        if (next_byte(&rest, &byte, &encoded) != OK)
            return refuse_target(why, "request.query", "visible ASCII and percent escapes", "another");
        TRY(buffer_append_u8(text, byte == '+' && !encoded ? ' ' : byte));
    }
    if (!utf8_is_valid(slice_part(buffer_slice(text), offset, text->size), false))
        return refuse_target(why, "request.query", "UTF-8 without controls", "another");
    *offset_out = offset;
    return buffer_append_u8(text, 0);
}

static const char *query_text(const struct http_query *query, size_t offset)
{
    return (const char *)query->text.bytes + offset;
}

static enum status parse_parameter(struct slice raw, struct refusal *why, struct http_query *query)
{
    if (query->count == HTTP_QUERY_MAX_COUNT)
        return refuse(why, ERR_TOO_LARGE, "request.query", "at most 32 parameters", "more");
    struct slice name = raw, value = {};
    (void)slice_split(raw, '=', &name, &value);
    size_t name_offset, value_offset;
    TRY(decode_query_text(name, why, &query->text, &name_offset));
    TRY(decode_query_text(value, why, &query->text, &value_offset));
    if (http_query_value(query, query_text(query, name_offset)) != NULL)
        return refuse_target(why, "request.query", "each parameter once", "one twice");
    query->items[query->count].name = name_offset;
    query->items[query->count].value = value_offset;
    query->count++;
    return OK;
}

enum status http_query_parse(struct slice raw, struct refusal *why, struct http_query *query_out)
{
    CLEANUP(http_query_done) struct http_query query = {};
    /* Each parameter adds two NULs and loses at least nothing: an upper bound that the input alone decides. */
    query.text = buffer_of_maximum(raw.size + 2 * (HTTP_QUERY_MAX_COUNT + 1));
    for (struct slice rest = raw; rest.size > 0;) {
        struct slice parameter = rest, after = {};
        (void)slice_split(rest, '&', &parameter, &after);
        if (parameter.size > 0) TRY(parse_parameter(parameter, why, &query));
        rest = after;
    }
    *query_out = query;
    query.text = (struct buffer){};
    return OK;
}

const char *http_query_value(const struct http_query *query, const char *name)
{
    for (size_t i = 0; i < query->count; i++) {
        if (strcmp(query_text(query, query->items[i].name), name) == 0) return query_text(query, query->items[i].value);
    }
    return NULL;
}

static bool is_token_character(uint8_t c)
{
    const bool is_alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return is_alphanumeric || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool http_is_token(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is_token_character(text.bytes[i])) return false;
    }
    return text.size > 0;
}

bool http_is_field_value(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.bytes[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) return false;
    }
    return true;
}

enum status http_content_length(struct slice text, uint64_t *size_out)
{
    enum { MAX_DIGITS = 18 };
    if (text.size == 0 || text.size > MAX_DIGITS) return ERR_HTTP_MALFORMED;
    uint64_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') return ERR_HTTP_MALFORMED;
        size = size * 10 + (uint64_t)(text.bytes[i] - '0');
    }
    *size_out = size;
    return OK;
}

bool http_media_type_is(const char *field, const char *type)
{
    if (field == NULL) return false;
    const size_t size = strcspn(field, "; \t");
    return size == strlen(type) && strncasecmp(field, type, size) == 0;
}
