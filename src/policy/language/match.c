/* SPDX-License-Identifier: Apache-2.0
 *
 * Which claims satisfy a rule's conditions. Conditions are tried in their order; a name whose claims matter one by one
 * stands for each of them in turn, everything else need only hold.
 */
#include "policy/language/run.h"

#include <string.h>

/* ---- one condition ---- */

uint16_t run_first_claim(const struct run *run, const struct condition *condition)
{
    const uint16_t claim = condition->type == TYPE_NONE ? 0 : run->index.first[condition->type];
    return claim < run->visible ? claim : INDEX_NONE;
}

uint16_t run_next_claim(const struct run *run, const struct condition *condition, uint16_t claim)
{
    const uint16_t next = condition->type == TYPE_NONE ? (uint16_t)(claim + 1) : run->index.next[claim];
    return next < run->visible ? next : INDEX_NONE;
}

static bool is_ordered_so(enum relation relation, int64_t left, int64_t right)
{
    switch (relation) {
    case LESS: return left < right;
    case LESS_OR_EQUAL: return left <= right;
    case GREATER: return left > right;
    case GREATER_OR_EQUAL: return left >= right;
    case EQUAL:
    case NOT_EQUAL: break;
    }
    return false;
}

/* Values of different types are not equal, and have no order. */
static bool relation_holds(enum relation relation, const struct claim_value *left, const struct claim_value *right)
{
    if (relation == EQUAL) return claim_value_equal(left, right);
    if (relation == NOT_EQUAL) return !claim_value_equal(left, right);
    return left->type == CLAIM_INTEGER && right->type == CLAIM_INTEGER &&
           is_ordered_so(relation, left->integer, right->integer);
}

static enum status find_operand(struct run *run, const struct expression *operand, struct operands *operands,
                                struct claim_value *value_out)
{
    struct values values;
    TRY(run_expression(run, operand, &values));
    if (values.count > 1) return run_refuse_value(run, operand, "one value to compare with", "several");
    if (values.count == 0)
        operands->is_missing = true;
    else
        *value_out = *values_at(&values, 0);
    return OK;
}

static enum status find_operands(struct run *run, const struct condition *condition, struct operands *operands)
{
    operands->are_known = true;
    if (condition->is_literal) return OK;
    void *held;
    TRY(run_take(run, condition->test_count * sizeof(struct claim_value), &held));
    operands->held = held;
    for (size_t i = 0; i < condition->test_count && !operands->is_missing; i++) {
        const struct expression *const operand = condition->tests[i].operand;
        if (operand->kind != EXPRESSION_LITERAL) TRY(find_operand(run, operand, operands, &operands->held[i]));
    }
    return OK;
}

static enum status test_holds(struct run *run, const struct test *test, const struct claim_value *held, uint16_t claim,
                              bool *holds_out)
{
    const struct claim_value value = claim_property_value(claim_set_at(run->incoming, claim), test->property);
    const struct claim_value *const operand =
        test->operand->kind == EXPRESSION_LITERAL ? &test->operand->literal : held;
    if (value.text.size == operand->text.size) TRY(run_step(run, value.text.size / STEP_BYTES));
    *holds_out = relation_holds(test->relation, &value, operand);
    return OK;
}

enum status run_satisfies(struct run *run, const struct condition *condition, struct operands *operands, uint16_t claim,
                          bool *satisfies_out)
{
    *satisfies_out = false;
    TRY(run_step(run, 1));
    if (!operands->are_known) TRY(find_operands(run, condition, operands));
    bool holds = !operands->is_missing;
    for (size_t i = 0; i < condition->test_count && holds; i++) {
        const struct claim_value *const held = operands->held != NULL ? &operands->held[i] : NULL;
        TRY(test_holds(run, &condition->tests[i], held, claim, &holds));
    }
    *satisfies_out = holds;
    return OK;
}

static enum status has_claim(struct run *run, const struct condition *condition, bool *has_out)
{
    struct operands operands = {};
    *has_out = false;
    for (uint16_t claim = run_first_claim(run, condition); claim != INDEX_NONE && !*has_out;
         claim = run_next_claim(run, condition, claim))
        TRY(run_satisfies(run, condition, &operands, claim, has_out));
    return OK;
}

/* ---- combinations ---- */

static enum status refuse_combinations(struct run *run)
{
    return refuse(run->why, ERR_POLICY_LIMIT, "POLICY_COMBINATION_MAX_COUNT",
                  "at most 4096 combinations of claims for one rule", "more, at policy line %u", run->rule->place.line);
}
static_assert(POLICY_COMBINATION_MAX_COUNT == 4096);

static enum status make_room(struct run *run, size_t width)
{
    const size_t needed = (run->combination_count + 1) * width;
    if (needed <= run->combination_capacity) return OK;
    void *grown;
    const size_t capacity = needed * 2;
    TRY(run_take(run, capacity * sizeof(uint16_t), &grown));
    memcpy(grown, run->combinations, run->combination_count * width * sizeof(uint16_t));
    run->combinations = grown;
    run->combination_capacity = capacity;
    return OK;
}

static enum status is_known(struct run *run, const uint16_t *combination, size_t width, bool *is_known_out)
{
    enum { COMPARISONS_PER_STEP = 8 };
    *is_known_out = false;
    TRY(run_step(run, run->combination_count / COMPARISONS_PER_STEP));
    for (size_t i = 0; i < run->combination_count && !*is_known_out; i++)
        *is_known_out = memcmp(run->combinations + i * width, combination, width * sizeof(*combination)) == 0;
    return OK;
}

/* The claims of the names that the action uses, each combination once. */
static enum status note_combination(struct run *run)
{
    const size_t width = run->rule->use_count;
    uint16_t combination[POLICY_CONDITION_MAX_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < run->rule->condition_count; i++) {
        if ((run->rule->uses >> i & 1) != 0) combination[count++] = run->claims[i];
    }
    bool known = false;
    if (run->rule->may_repeat) TRY(is_known(run, combination, width, &known));
    if (known) return OK;
    if (run->combination_count == POLICY_COMBINATION_MAX_COUNT) return refuse_combinations(run);
    TRY(make_room(run, width));
    memcpy(run->combinations + run->combination_count * width, combination, width * sizeof(*combination));
    run->combination_count++;
    return OK;
}

/* ---- all conditions ---- */

static enum status match_from(struct run *run, size_t number, bool *found_out);

static void note_failure(struct run *run, size_t number)
{
    if (number + 1 > run->failed_condition) run->failed_condition = number + 1;
}

static enum status condition_holds(struct run *run, size_t number, bool *holds_out)
{
    const struct condition *const condition = &run->rule->conditions[number];
    bool has = false;
    TRY(has_claim(run, condition, &has));
    *holds_out = has != condition->negated;
    return OK;
}

/* A condition that need only hold. One that depends on no name is tried once for the rule. */
static enum status match_held(struct run *run, size_t number, bool *found_out)
{
    const bool depends = run->rule->conditions[number].uses != 0;
    bool holds = run->holds[number];
    if (!holds) TRY(condition_holds(run, number, &holds));
    run->holds[number] = holds && !depends;
    if (holds) return match_from(run, number + 1, found_out);
    run->is_hopeless = !depends;
    note_failure(run, number);
    return OK;
}

/* A name that stands for each claim in turn; behind the last one that the action uses, the first that does is enough.
 */
static enum status match_bound(struct run *run, size_t number, bool *found_out)
{
    const struct condition *const condition = &run->rule->conditions[number];
    struct operands operands = {};
    for (uint16_t claim = run_first_claim(run, condition); claim != INDEX_NONE;
         claim = run_next_claim(run, condition, claim)) {
        bool satisfies, found = false;
        TRY(run_satisfies(run, condition, &operands, claim, &satisfies));
        if (!satisfies) continue;
        run->claims[number] = claim;
        TRY(match_from(run, number + 1, &found));
        *found_out = *found_out || found;
        if (run->is_hopeless || (found && (run->rule->uses == 0 || number > run->rule->last_used))) return OK;
    }
    note_failure(run, number);
    return OK;
}

static enum status match_from(struct run *run, size_t number, bool *found_out)
{
    if (number == run->rule->condition_count) {
        *found_out = true;
        return note_combination(run);
    }
    return run->rule->conditions[number].is_bound ? match_bound(run, number, found_out)
                                                  : match_held(run, number, found_out);
}

enum status run_match(struct run *run, bool *fires_out)
{
    run->visible = claim_set_count(run->incoming);
    memset(run->holds, 0, sizeof(run->holds));
    run->is_hopeless = false;
    run->failed_condition = 0;
    run->combinations = run->few_combinations;
    run->combination_count = 0;
    run->combination_capacity = FEW_COMBINATIONS;
    bool fires = false;
    TRY(match_from(run, 0, &fires));
    *fires_out = fires;
    return OK;
}
