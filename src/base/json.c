/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/encoding.h"
#include "base/json_checks.h"
#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_wipe_what_is_freed(void)
{
    json_set_alloc_funcs(malloc, secret_free);
}

void json_done(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

/* jansson's own depth limit is 2048; ours is checked on the text, before any of it is built. */
static bool is_deeper_than(struct slice text, size_t maximum)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.bytes[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > maximum) return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

enum status json_check_text_size(size_t size, const char *field, size_t max_size, struct refusal *why)
{
    if (size <= max_size) return OK;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "at most %zu bytes", max_size);
    return refuse(why, ERR_TOO_LARGE, field, expected, "%zu bytes", size);
}

/* `expected` is what `flags` let stand for the whole text. */
static enum status parse(struct slice text, size_t max_size, size_t flags, const char *expected, struct refusal *why,
                         json_t **value_out)
{
    TRY(json_check_text_size(text.size, "json", max_size, why));
    /* jansson takes a NUL right behind a number for the end of its own buffer, and passes over it. */
    if (text.size > 0 && memchr(text.bytes, 0, text.size) != NULL)
        return refuse(why, ERR_JSON_SYNTAX, "json", expected, "a NUL byte");
    if (is_deeper_than(text, JSON_MAX_DEPTH))
        return refuse(why, ERR_JSON_SYNTAX, "json", "at most 32 levels", "more levels");
    if (text.size == 0) return refuse(why, ERR_JSON_SYNTAX, "json", expected, "an empty text");
    json_error_t error;
    json_t *const value = json_loadb((const char *)text.bytes, text.size, JSON_REJECT_DUPLICATES | flags, &error);
    if (value == NULL) {
        /* The library's message can quote the text, which may be a patient's: only the place is told. */
        return refuse(why, ERR_JSON_SYNTAX, "json",
                      json_error_code(&error) == json_error_duplicate_key ? "each member once" : expected,
                      "a fault at line %d, column %d", error.line, error.column);
    }
    *value_out = value;
    return OK;
}

enum status json_parse(struct slice text, size_t max_size, struct refusal *why, json_t **value_out)
{
    return parse(text, max_size, 0, "one JSON object or array", why, value_out);
}

enum status json_parse_value(struct slice text, size_t max_size, struct refusal *why, json_t **value_out)
{
    return parse(text, max_size, JSON_DECODE_ANY, "one JSON value", why, value_out);
}

static int append_dump(const char *bytes, size_t size, void *context)
{
    return buffer_append(context, slice_of(bytes, size)) == OK ? 0 : -1;
}

enum status json_write(const json_t *value, struct buffer *text)
{
    const int result = json_dump_callback(value, append_dump, text, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    return result == 0 ? OK : ERR_TOO_LARGE;
}

static bool stands_for_itself(uint8_t c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

/* The escape of a character that does not stand for itself, as jansson writes it. */
static size_t escape_of(uint8_t c, char escape_out[static 8])
{
    static const char letters[] = "\"\\\b\f\n\r\t", meanings[] = "\"\\bfnrt";
    const char *const letter = c == 0 ? NULL : strchr(letters, c);
    if (letter == NULL) return (size_t)snprintf(escape_out, 8, "\\u%04X", c);
    return (size_t)snprintf(escape_out, 8, "\\%c", meanings[letter - letters]);
}

/* How much at the front is ASCII and stands for itself. */
static size_t plain_prefix(struct slice text)
{
    size_t at = 0;
    for (uint64_t eight; text.size - at >= sizeof(eight); at += sizeof(eight)) {
        memcpy(&eight, text.bytes + at, sizeof(eight));
        if (json_has_special(eight) || (eight & JSON_TOP_BITS) != 0) break;
    }
    while (at < text.size && text.bytes[at] < 0x80 && stands_for_itself(text.bytes[at])) at++;
    return at;
}

enum status json_append_string(struct slice utf8, struct buffer *text)
{
    const size_t plain = plain_prefix(utf8);
    if (!utf8_is_valid(slice_part(utf8, plain, SIZE_MAX), true)) return ERR_ENCODING;
    size_t from = 0;
    TRY(buffer_append_u8(text, '"'));
    for (size_t i = plain; i < utf8.size; i++) {
        if (stands_for_itself(utf8.bytes[i])) continue;
        char escape[8];
        const size_t size = escape_of(utf8.bytes[i], escape);
        TRY(buffer_append(text, slice_part(utf8, from, i - from)));
        TRY(buffer_append(text, slice_of(escape, size)));
        from = i + 1;
    }
    TRY(buffer_append(text, slice_part(utf8, from, utf8.size)));
    return buffer_append_u8(text, '"');
}

struct json_path json_path(const char *path, const char *name)
{
    struct json_path full;
    (void)snprintf(full.text, sizeof(full.text), "%s%s%s", path, path[0] == '\0' ? "" : ".", name);
    return full;
}

struct json_path json_path_at(const char *path, const char *name, size_t index)
{
    struct json_path full;
    (void)snprintf(full.text, sizeof(full.text), "%s%s%s[%zu]", path, path[0] == '\0' ? "" : ".", name, index);
    return full;
}

static const char *type_name(json_type type)
{
    switch (type) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER: return "an integer";
    case JSON_REAL: return "a fraction";
    case JSON_TRUE:
    case JSON_FALSE: return "a boolean";
    case JSON_NULL: return "null";
    }
    return "something else";
}

enum status json_refuse_missing(const char *path, const char *name, const char *expected, struct refusal *why)
{
    return refuse(why, ERR_FIELD_MISSING, json_path(path, name).text, expected, "nothing");
}

enum status json_refuse_type(json_type type, const char *path, const char *name, const char *expected,
                             struct refusal *why)
{
    return refuse(why, ERR_FIELD_TYPE, json_path(path, name).text, expected, "%s", type_name(type));
}

static enum status get(const json_t *object, const char *path, const char *name, json_type type, const char *expected,
                       struct refusal *why, json_t **value_out)
{
    json_t *const value = json_object_get(object, name);
    if (value == NULL) return json_refuse_missing(path, name, expected, why);
    const bool matches = json_typeof(value) == type || (type == JSON_TRUE && json_is_false(value));
    if (!matches) return json_refuse_type(json_typeof(value), path, name, expected, why);
    *value_out = value;
    return OK;
}

enum status json_check_string(size_t size, const char *path, const char *name, size_t max_size, struct refusal *why)
{
    if (size > 0 && size <= max_size) return OK;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "1 to %zu bytes of text", max_size);
    return refuse(why, ERR_FIELD_VALUE, json_path(path, name).text, expected, "%zu bytes", size);
}

enum status json_get_string(const json_t *object, const char *path, const char *name, size_t max_size,
                            struct refusal *why, struct slice *text_out)
{
    json_t *value;
    TRY(get(object, path, name, JSON_STRING, "a string", why, &value));
    const size_t size = json_string_length(value);
    TRY(json_check_string(size, path, name, max_size, why));
    *text_out = slice_of(json_string_value(value), size);
    return OK;
}

enum status json_check_integer(int64_t number, const char *path, const char *name, int64_t minimum, int64_t maximum,
                               struct refusal *why)
{
    if (number >= minimum && number <= maximum) return OK;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "%lld to %lld", (long long)minimum, (long long)maximum);
    return refuse(why, ERR_FIELD_VALUE, json_path(path, name).text, expected, "%lld", (long long)number);
}

enum status json_get_integer(const json_t *object, const char *path, const char *name, int64_t minimum, int64_t maximum,
                             struct refusal *why, int64_t *value_out)
{
    json_t *value;
    TRY(get(object, path, name, JSON_INTEGER, "an integer", why, &value));
    const int64_t number = json_integer_value(value);
    TRY(json_check_integer(number, path, name, minimum, maximum, why));
    *value_out = number;
    return OK;
}

enum status json_get_bool(const json_t *object, const char *path, const char *name, struct refusal *why,
                          bool *value_out)
{
    json_t *value;
    TRY(get(object, path, name, JSON_TRUE, "true or false", why, &value));
    *value_out = json_is_true(value);
    return OK;
}

enum status json_get_object(const json_t *object, const char *path, const char *name, struct refusal *why,
                            json_t **value_out)
{
    return get(object, path, name, JSON_OBJECT, "an object", why, value_out);
}

enum status json_check_count(size_t count, const char *path, const char *name, size_t max_count, struct refusal *why)
{
    if (count <= max_count) return OK;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "at most %zu elements", max_count);
    return refuse(why, ERR_FIELD_VALUE, json_path(path, name).text, expected, "%zu", count);
}

enum status json_get_array(const json_t *object, const char *path, const char *name, size_t max_count,
                           struct refusal *why, json_t **value_out)
{
    json_t *value;
    TRY(get(object, path, name, JSON_ARRAY, "an array", why, &value));
    TRY(json_check_count(json_array_size(value), path, name, max_count, why));
    *value_out = value;
    return OK;
}

enum status json_check_hex(struct slice text, const char *path, const char *name, size_t size, struct refusal *why,
                           uint8_t *bytes_out)
{
    if (hex_decode_exact(text, size, bytes_out) == OK) return OK;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "%zu hexadecimal digits", size * 2);
    return refuse(why, ERR_FIELD_VALUE, json_path(path, name).text, expected, "%zu characters", text.size);
}

enum status json_get_hex(const json_t *object, const char *path, const char *name, size_t size, struct refusal *why,
                         uint8_t *bytes_out)
{
    struct slice text;
    TRY(json_get_string(object, path, name, SIZE_MAX, why, &text));
    return json_check_hex(text, path, name, size, why, bytes_out);
}

enum status json_get_base64url(const json_t *object, const char *path, const char *name, size_t max_size,
                               struct refusal *why, struct buffer *bytes)
{
    struct slice text;
    TRY(json_get_string(object, path, name, SIZE_MAX, why, &text));
    /* The last group of letters may be one too many: then the buffer, which is no larger, says so. */
    const enum status status = text.size / 4 * 3 > max_size ? ERR_TOO_LARGE : base64url_decode(text, bytes);
    if (status == ERR_TOO_LARGE)
        return refuse(why, ERR_TOO_LARGE, json_path(path, name).text, "less", "%zu characters", text.size);
    if (status == ERR_ENCODING)
        return refuse(why, ERR_FIELD_VALUE, json_path(path, name).text, "base64url without padding",
                      "other characters");
    return status;
}

bool json_has(const json_t *object, const char *name)
{
    const json_t *const value = json_object_get(object, name);
    return value != NULL && !json_is_null(value);
}

enum status json_check_known(const char *member, const char *path, const char *const *names, struct refusal *why)
{
    for (const char *const *name = names; *name != NULL; name++) {
        if (strcmp(*name, member) == 0) return OK;
    }
    const char *const shown = member[0] == '\0' ? "\"\"" : member; /* so that the refusal names something */
    return refuse(why, ERR_FIELD_UNKNOWN, json_path(path, shown).text, "a known member name", "%s", member);
}

enum status json_only(const json_t *object, const char *path, const char *const *names, struct refusal *why)
{
    const char *member;
    json_t *value;
    json_object_foreach ((json_t *)object, member, value) TRY(json_check_known(member, path, names, why));
    return OK;
}
