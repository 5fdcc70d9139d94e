/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON from outside, over jansson: bounded size and depth, duplicate members refused, and getters that name the field
 * in a refusal. Values are jansson's `json_t`, so its own functions build and walk documents; parsing goes through
 * here.
 *
 * Getters take the dotted `path` of the object for the refusal ("manifest.roles"), and the member's `name`. Their
 * errors: ERR_FIELD_MISSING, ERR_FIELD_TYPE, ERR_FIELD_VALUE. What they return is borrowed from the object.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"

#include <jansson.h>

enum { JSON_MAX_DEPTH = 32 };

/* "path.name" and "path.name[index]" for refusals, cut to fit; without the dot if `path` is empty. */
struct json_path {
    char text[REFUSAL_FIELD_BYTES];
};
struct json_path json_path(const char *path, const char *name);
struct json_path json_path_at(const char *path, const char *name, size_t index);

/* From now on every value's memory is wiped as it is freed: what a program parses are passwords, sessions and patients.
 * For main functions, before the first value and the first thread. */
void json_wipe_what_is_freed(void);

/* For CLEANUP: drops the reference. */
void json_done(json_t **value);

/* Parses one JSON object or array that fills `text`. ERR_TOO_LARGE over `max_size`, ERR_JSON_SYNTAX (also for duplicate
 * members, depth over JSON_MAX_DEPTH, invalid UTF-8, NUL anywhere). On OK the caller owns `value_out`. */
enum status json_parse(struct slice text, size_t max_size, struct refusal *why, json_t **value_out);

/* The same for any JSON value. */
enum status json_parse_value(struct slice text, size_t max_size, struct refusal *why, json_t **value_out);

/* Appends compact text, members sorted by name: the same value always gives the same bytes. */
enum status json_write(const json_t *value, struct buffer *text);

/* Appends text as a JSON string, quotes included, in the same bytes as json_write. ERR_ENCODING if it is not UTF-8. */
enum status json_append_string(struct slice utf8, struct buffer *text);

/* Required members. Strings: at most `max_size` bytes, at least one. Integers: `minimum` to `maximum`. */
enum status json_get_string(const json_t *object, const char *path, const char *name, size_t max_size,
                            struct refusal *why, struct slice *text_out);
enum status json_get_integer(const json_t *object, const char *path, const char *name, int64_t minimum, int64_t maximum,
                             struct refusal *why, int64_t *value_out);
enum status json_get_bool(const json_t *object, const char *path, const char *name, struct refusal *why,
                          bool *value_out);
enum status json_get_object(const json_t *object, const char *path, const char *name, struct refusal *why,
                            json_t **value_out);
enum status json_get_array(const json_t *object, const char *path, const char *name, size_t max_count,
                           struct refusal *why, json_t **value_out);

/* Hexadecimal text of exactly `size` bytes. */
enum status json_get_hex(const json_t *object, const char *path, const char *name, size_t size, struct refusal *why,
                         uint8_t *bytes_out);

/* base64url text of at most `max_size` bytes, appended to `bytes`. */
enum status json_get_base64url(const json_t *object, const char *path, const char *name, size_t max_size,
                               struct refusal *why, struct buffer *bytes);

/* Whether the member is there and not null. */
bool json_has(const json_t *object, const char *name);

/* Refuses members that are not in `names` (NULL-terminated): ERR_FIELD_UNKNOWN. For configuration and manifests, where
 * a misspelt name must not be passed over. */
enum status json_only(const json_t *object, const char *path, const char *const *names, struct refusal *why);
