/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/run.h"

#include <string.h>

static struct values boolean_of(bool boolean)
{
    return (struct values){.one = {.type = CLAIM_BOOLEAN, .boolean = boolean}, .count = 1};
}

static enum status append_string(struct run *run, const struct expression *call, const struct values *arguments,
                                 struct values *result_out)
{
    const struct claim_value *const head = values_at(&arguments[0], 0), *const tail = values_at(&arguments[1], 0);
    if (head->type != CLAIM_STRING || tail->type != CLAIM_STRING)
        return run_refuse_value(run, call, "two strings for AppendString", "another type of value");
    const size_t size = head->text.size + tail->text.size;
    if (size > CLAIM_TEXT_MAX_BYTES)
        return refuse(run->why, ERR_POLICY_LIMIT, "CLAIM_TEXT_MAX_BYTES", "at most 524288 bytes of a value",
                      "%zu, at policy line %u", size, call->place.line);
    void *memory;
    TRY(run_step(run, size / STEP_BYTES));
    TRY(run_take(run, size, &memory));
    uint8_t *const text = memory;
    if (head->text.size > 0) memcpy(text, head->text.bytes, head->text.size);
    if (tail->text.size > 0) memcpy(text + head->text.size, tail->text.bytes, tail->text.size);
    *result_out = (struct values){.one = {.type = CLAIM_STRING, .text = slice_of(text, size)},
                                  .count = 1,
                                  .read_only = arguments[0].read_only || arguments[1].read_only};
    return OK;
}
static_assert(CLAIM_TEXT_MAX_BYTES == 524288);

static enum status negate_bool(struct run *run, const struct expression *call, const struct values *arguments,
                               struct values *result_out)
{
    const struct claim_value *const value = values_at(&arguments[0], 0);
    if (value->type != CLAIM_BOOLEAN)
        return run_refuse_value(run, call, "a boolean for NegateBool", "another type of value");
    *result_out = boolean_of(!value->boolean);
    result_out->read_only = arguments[0].read_only;
    return OK;
}

static enum status set_has(struct run *run, const struct values *set, const struct claim_value *value, bool *has_out)
{
    *has_out = false;
    for (size_t i = 0; i < set->count && !*has_out; i++) {
        TRY(run_step(run, 1 + value->text.size / STEP_BYTES));
        *has_out = claim_value_equal(values_at(set, i), value);
    }
    return OK;
}

static enum status is_subset_of(struct run *run, const struct expression *, const struct values *arguments,
                                struct values *result_out)
{
    bool is_subset = true;
    for (size_t i = 0; i < arguments[0].count && is_subset; i++)
        TRY(set_has(run, &arguments[1], values_at(&arguments[0], i), &is_subset));
    *result_out = boolean_of(is_subset);
    return OK;
}

static enum status contains_only_value(struct run *run, const struct expression *, const struct values *arguments,
                                       struct values *result_out)
{
    const struct claim_value *const value = values_at(&arguments[1], 0);
    const struct values only = {.one = *value, .count = 1};
    bool is_only = arguments[0].count > 0;
    for (size_t i = 0; i < arguments[0].count && is_only; i++)
        TRY(set_has(run, &only, values_at(&arguments[0], i), &is_only));
    *result_out = boolean_of(is_only);
    return OK;
}

const struct function *policy_function_find(struct slice name)
{
    static const struct function functions[] = {
        {.name = "JmesPath", .argument_count = 2, .takes_query = true, .evaluate = policy_function_jmespath},
        {.name = "JsonToClaimValue", .argument_count = 1, .evaluate = policy_function_json_to_claim_value},
        {.name = "IsSubsetOf", .argument_count = 2, .takes_set = {true, true}, .evaluate = is_subset_of},
        {.name = "AppendString", .argument_count = 2, .evaluate = append_string},
        {.name = "NegateBool", .argument_count = 1, .evaluate = negate_bool},
        {.name = "ContainsOnlyValue", .argument_count = 2, .takes_set = {true}, .evaluate = contains_only_value},
    };
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (slice_equal_text(name, functions[i].name)) return &functions[i];
    }
    return NULL;
}
