/* SPDX-License-Identifier: Apache-2.0
 *
 * What JMESPath says of JSON values: truth, equality, order, text. Work that depends on a value's size is charged to
 * `struct work`, because one expression can hand the same large value to many others.
 */
#pragma once

#include "policy/jmespath.h"

enum {
    JMESPATH_TEXT_MAX_BYTES = 4 * 1024 * 1024, /* of strings that one search makes */
    WORK_BYTES_PER_STEP = 64,                  /* of texts that are compared, searched or made */
};

struct work {
    uint64_t *steps;
    size_t made;  /* values */
    size_t texts; /* bytes */
    struct refusal *why;
};

/* ERR_POLICY_LIMIT if fewer steps are left. */
enum status work_steps(struct work *work, uint64_t steps);
enum status work_bytes(struct work *work, size_t bytes);
enum status work_made(struct work *work); /* one more value */

/* Moves a fresh value out, counted. A NULL is ERR_NO_MEMORY. */
enum status value_made(struct work *work, json_t *value, json_t **value_out);
enum status value_made_text(struct work *work, struct slice text, json_t **value_out);
enum status value_made_number(struct work *work, double number, json_t **value_out); /* an integer where it is one */

json_t *json_of_text(struct slice text); /* valid UTF-8; NULL without memory */
struct slice value_text(const json_t *string);
const char *value_type(const json_t *value); /* "number", ... as the function type() says */

/* False are: null, false, "", [] and {}. */
bool value_is_true(const json_t *value);

/* Deep; numbers are equal by value: 1 and 1.0. */
enum status values_equal(struct work *work, const json_t *one, const json_t *other, bool *equal_out);

/* Of two numbers, or of two strings by code points. Less than, equal to or greater than 0. */
int numbers_order(const json_t *one, const json_t *other);
int texts_order(struct slice one, struct slice other);

/* Appends compact JSON, numbers in the fewest digits that read back as the same. */
enum status value_write(struct work *work, const json_t *value, struct buffer *text);

/* Code points of valid UTF-8. */
size_t utf8_count(struct slice text);
