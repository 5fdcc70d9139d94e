/* SPDX-License-Identifier: Apache-2.0
 *
 * What a rule does when it fires: permit, deny, or make claims.
 */
#include "policy/language/run.h"

#include <stdio.h>

/* ---- claims that are made ---- */

void run_index_claim(struct run *run, size_t claim, uint16_t type)
{
    const uint16_t index = (uint16_t)claim;
    run->index.next[index] = INDEX_NONE;
    if (type == TYPE_NONE) return;
    if (run->index.first[type] == INDEX_NONE)
        run->index.first[type] = index;
    else
        run->index.next[run->index.last[type]] = index;
    run->index.last[type] = index;
}

static enum status add_incoming(struct run *run, const struct claim *claim, uint16_t type, bool is_issued)
{
    const size_t index = claim_set_count(run->incoming);
    TRY(claim_set_add(run->incoming, claim, run->why));
    run->index.is_issued[index] = is_issued;
    run_index_claim(run, index, type);
    return OK;
}

/* The outgoing set holds a claim once, however often it is issued. */
static enum status is_issued_already(struct run *run, const struct claim *claim, uint16_t type, bool *is_out)
{
    const size_t count = claim_set_count(run->incoming);
    *is_out = false;
    for (size_t i = type == TYPE_NONE ? 0 : run->index.first[type]; i < count && !*is_out;
         i = type == TYPE_NONE ? i + 1 : run->index.next[i]) {
        const struct claim *const held = claim_set_at(run->incoming, i);
        const bool is_as_long = held->value.text.size == claim->value.text.size;
        TRY(run_step(run, 1 + (is_as_long ? claim->value.text.size / STEP_BYTES : 0)));
        if (!run->index.is_issued[i] || !claim_value_equal(&held->value, &claim->value)) continue;
        *is_out = type != TYPE_NONE || slice_equal(held->type, claim->type);
    }
    return OK;
}

/* Claims of types that the policy does not name have no index to be found by. */
static enum status issue(struct run *run, const struct claim *claim, uint16_t type)
{
    bool is_issued;
    if (claim->read_only) {
        run->nothing_made = "the value is read-only: it cannot be issued";
        return OK;
    }
    TRY(is_issued_already(run, claim, type, &is_issued));
    TRY(add_incoming(run, claim, type, true));
    return is_issued ? OK : claim_set_add(run->result->outgoing, claim, run->why);
}

static enum status make(struct run *run, const struct claim *claim, uint16_t type)
{
    TRY(run_step(run, 1 + claim->value.text.size / STEP_BYTES));
    switch (run->rule->action) {
    case ACTION_ISSUE:
        /* Authorization rules issue nothing into the token: there it adds. */
        if (run->section == POLICY_ISSUANCE) return issue(run, claim, type);
        return add_incoming(run, claim, type, false);
    case ACTION_ISSUE_PROPERTY:
        TRY(claim_set_add(run->result->properties, claim, run->why));
        return add_incoming(run, claim, type, false);
    case ACTION_ADD:
    case ACTION_PERMIT:
    case ACTION_DENY: break;
    }
    return add_incoming(run, claim, type, false);
}

/* ---- what they are made of ---- */

static enum status copy_claim(struct run *run)
{
    struct claim claim = *claim_set_at(run->incoming, run->claims[run->rule->copied]);
    claim.issuer = CLAIM_OF_POLICY;
    return make(run, &claim, type_names_find(&run->policy->types, claim.type));
}

static enum status made_type(struct run *run, struct slice *name_out, uint16_t *type_out)
{
    const struct expression *const expression = run->rule->made_type;
    if (run->rule->type != TYPE_NONE) {
        *name_out = expression->literal.text;
        *type_out = run->rule->type;
        return OK;
    }
    struct values values;
    TRY(run_expression(run, expression, &values));
    const struct claim_value *const value = values_at(&values, 0);
    if (values.count != 1 || value->text.size == 0 || value->text.size > CLAIM_TYPE_MAX_BYTES)
        return run_refuse_value(run, expression, "a string of 1 to 256 bytes as the claim's type", "something else");
    *name_out = value->text;
    *type_out = type_names_find(&run->policy->types, value->text);
    return OK;
}
static_assert(CLAIM_TYPE_MAX_BYTES == 256);

static enum status check_value_type(struct run *run, const struct values *made)
{
    const struct expression *const expression = run->rule->made_value_type;
    if (expression == NULL) return OK;
    struct values said;
    TRY(run_expression(run, expression, &said));
    for (size_t i = 0; i < made->count; i++) {
        const struct claim_value is = {.type = CLAIM_STRING, .text = claim_value_type_name(values_at(made, i)->type)};
        if (said.count != 1 || !claim_value_equal(values_at(&said, 0), &is))
            return run_refuse_value(run, expression, "the type that the value has", "another one");
    }
    return OK;
}

/* One claim for each value. */
static enum status make_claims(struct run *run)
{
    struct claim claim = {.issuer = CLAIM_OF_POLICY};
    struct values values;
    uint16_t type;
    TRY(made_type(run, &claim.type, &type));
    TRY(run_expression(run, run->rule->made_value, &values));
    TRY(check_value_type(run, &values));
    claim.read_only = values.read_only;
    if (values.count == 0) run->nothing_made = "the value is empty";
    for (size_t i = 0; i < values.count; i++) {
        claim.value = *values_at(&values, i);
        TRY(make(run, &claim, type));
    }
    return OK;
}

/* ---- for each combination ---- */

static void take_combination(struct run *run, const uint16_t *combination)
{
    for (size_t i = 0; i < run->rule->condition_count; i++) {
        if ((run->rule->uses >> i & 1) != 0) run->claims[i] = *combination++;
    }
}

enum status run_action(struct run *run)
{
    const struct rule *const rule = run->rule;
    if (rule->action == ACTION_PERMIT) {
        run->permitted = true;
        return OK;
    }
    if (rule->action == ACTION_DENY) {
        if (run->denied_by == NULL) run->denied_by = rule;
        return OK;
    }
    const size_t width = rule->use_count;
    for (size_t i = 0; i < run->combination_count; i++) {
        const struct memory_mark mark = memory_mark(&run->memory);
        take_combination(run, run->combinations + i * width);
        TRY(rule->is_copy ? copy_claim(run) : make_claims(run));
        run_release(run, mark);
    }
    return OK;
}
