/* SPDX-License-Identifier: Apache-2.0
 *
 * JMESPath (jmespath.org specification, complete) over JSON, with Azure Attestation's own function
 * equals_ignore_case(string, string), in which ASCII letters are equal in either case. Compiles once; a search takes
 * bounded steps, depth and memory. An expression is immutable: several threads may search with it. Pure.
 *
 * Where the specification leaves room: `!a.b` is `!(a.b)`, as its order of precedence suggests (others read `(!a).b`,
 * which is always null); strings are ordered, reversed and counted by code points; members keep the document's order;
 * 1 and 1.0 are equal; a literal must be JSON (the form without quotes of before 2014 is refused).
 */
#pragma once

#include "base/json.h"

enum {
    JMESPATH_MAX_BYTES = 8 * 1024,
    JMESPATH_NESTING_MAX = 256, /* a[*].b[*].c: one in another for each [*] */
    JMESPATH_NODE_MAX_COUNT = 2048,
    JMESPATH_RESULT_MAX_COUNT = 100000 /* of values that one search makes */
};

struct jmespath;

/* ERR_JMESPATH with "column C" and what could stand there, unknown functions and wrong numbers of arguments among it;
 * ERR_POLICY_LIMIT with the maximum's name. */
enum status jmespath_compile(struct slice text, struct refusal *why, struct jmespath **expression_out);
void jmespath_free(struct jmespath *expression);
void jmespath_cleanup(struct jmespath **expression);

/* `steps` is what is left of the caller's budget; each node that is visited takes one, each element that is looked at
 * one more: ERR_POLICY_LIMIT at 0. ERR_JMESPATH for a value of the wrong type in a function. The caller owns
 * `result_out`, which is JSON null where nothing is found. `document` is not changed, nor may the result be: it shares
 * values with document and expression (and may outlive both). */
enum status jmespath_search(const struct jmespath *expression, json_t *document, uint64_t *steps, struct refusal *why,
                            json_t **result_out);

/* Appends a result's compact JSON, members in their order, numbers in the fewest digits that read back as the same. A
 * result may hold one value many times over and so be far longer than what it was found in: writing takes a step for
 * each value and for every 64 bytes of strings, ERR_POLICY_LIMIT at 0, and ends at the buffer's maximum
 * (ERR_TOO_LARGE). */
enum status jmespath_write(const json_t *result, uint64_t *steps, struct refusal *why, struct buffer *text);
