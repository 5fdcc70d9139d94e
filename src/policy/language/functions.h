/* SPDX-License-Identifier: Apache-2.0
 *
 * The six functions of version 1.2.
 */
#pragma once

#include "policy/language/program.h"

struct run;

/* What an expression comes to: one value, none (JSON's null) or several. */
struct values {
    struct claim_value one;
    const struct claim_value *many; /* NULL: `one` */
    size_t count;
    bool read_only;
};
static inline const struct claim_value *values_at(const struct values *values, size_t index)
{
    return values->many != NULL ? &values->many[index] : &values->one;
}

struct function {
    const char *name;
    size_t argument_count;
    bool takes_set[ARGUMENT_MAX_COUNT]; /* that argument may be none, one or several; the others must be one */
    bool takes_query;                   /* the second argument is a JMESPath query, compiled early if it is a literal */
    enum status (*evaluate)(struct run *run, const struct expression *call, const struct values *arguments,
                            struct values *result_out);
};

/* NULL if there is none of that name. */
const struct function *policy_function_find(struct slice name);

/* In functions_json.c. */
enum status policy_function_jmespath(struct run *run, const struct expression *call, const struct values *arguments,
                                     struct values *result_out);
enum status policy_function_json_to_claim_value(struct run *run, const struct expression *call,
                                                const struct values *arguments, struct values *result_out);
