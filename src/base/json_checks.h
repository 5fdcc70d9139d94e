/* SPDX-License-Identifier: Apache-2.0
 *
 * What the getters of json.h and of json_tree.h check and how they say it, so that both use the same words; and which
 * bytes stand for themselves in a string. Private to src/base.
 */
#pragma once

#include "base/json.h"

enum status json_check_text_size(size_t size, const char *field, size_t max_size, struct refusal *why);
enum status json_refuse_missing(const char *path, const char *name, const char *expected, struct refusal *why);
enum status json_refuse_type(json_type type, const char *path, const char *name, const char *expected,
                             struct refusal *why);
enum status json_check_string(size_t size, const char *path, const char *name, size_t max_size, struct refusal *why);
enum status json_check_integer(int64_t number, const char *path, const char *name, int64_t minimum, int64_t maximum,
                               struct refusal *why);
enum status json_check_count(size_t count, const char *path, const char *name, size_t max_count, struct refusal *why);
enum status json_check_hex(struct slice text, const char *path, const char *name, size_t size, struct refusal *why,
                           uint8_t *bytes_out);
enum status json_check_known(const char *member, const char *path, const char *const *names, struct refusal *why);

/* Strings are looked at eight bytes at a time: nearly all are plain ASCII. */
#define JSON_EACH_BYTE (UINT64_MAX / 255) /* 1 in each of the eight */
#define JSON_TOP_BITS (JSON_EACH_BYTE * 128)

/* Whether a byte of the eight is a quote, a backslash or a control character. */
static inline bool json_has_special(uint64_t eight)
{
    const uint64_t quotes = eight ^ JSON_EACH_BYTE * '"', escapes = eight ^ JSON_EACH_BYTE * '\\';
    return (((quotes - JSON_EACH_BYTE) & ~quotes) | ((escapes - JSON_EACH_BYTE) & ~escapes) |
            ((eight - JSON_EACH_BYTE * 0x20) & ~eight)) &
           JSON_TOP_BITS;
}
