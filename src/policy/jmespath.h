/* SPDX-License-Identifier: Apache-2.0
 *
 * JMESPath (jmespath.org specification, complete) over JSON, with Azure Attestation's own function
 * equals_ignore_case(string, string). Compiles once; a search takes bounded steps, depth and memory. Pure.
 */
#pragma once

#include "base/json.h"

enum {
    JMESPATH_MAX_BYTES = 8 * 1024,
    JMESPATH_NESTING_MAX = 64,
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
 * `result_out`, which is JSON null where nothing is found. `document` is not changed. */
enum status jmespath_search(const struct jmespath *expression, json_t *document, uint64_t *steps, struct refusal *why,
                            json_t **result_out);
