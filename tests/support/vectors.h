/* SPDX-License-Identifier: Apache-2.0
 *
 * Test vectors in JSON with hexadecimal members, as Project Wycheproof publishes them.
 */
#pragma once

#include "base/encoding.h"
#include "base/json.h"
#include "testing.h"

enum { VECTOR_MAX_BYTES = 8 << 20 };

static inline json_t *vectors_load(const char *relative)
{
    CLEANUP(buffer_done) struct buffer text = read_whole(shared_path(relative));
    json_t *value = NULL;
    assert_ok(json_parse(buffer_slice(&text), VECTOR_MAX_BYTES, NULL, &value));
    return value;
}

/* The bytes that hexadecimal text stands for; the caller frees the buffer. */
static inline struct buffer bytes_of_hex(const char *text)
{
    struct buffer bytes = buffer_of_maximum(VECTOR_MAX_BYTES);
    assert_ok(hex_decode(slice_of_text(text), &bytes));
    return bytes;
}

static inline struct buffer vector_bytes(const json_t *vector, const char *name)
{
    const json_t *const member = json_object_get(vector, name);
    assert_true(json_is_string(member));
    return bytes_of_hex(json_string_value(member));
}

static inline bool vector_is(const json_t *vector, const char *result)
{
    return slice_equal_text(slice_of_text(json_string_value(json_object_get(vector, "result"))), result);
}

/* Calls `check(group, test)` for every test of a Wycheproof file; returns how many there were. */
static inline size_t wycheproof_each(const json_t *file, void (*check)(const json_t *group, const json_t *test))
{
    size_t count = 0, i, j;
    const json_t *group, *test;
    json_array_foreach (json_object_get(file, "testGroups"), i, group) {
        json_array_foreach (json_object_get(group, "tests"), j, test) {
            check(group, test);
            count++;
        }
    }
    return count;
}
