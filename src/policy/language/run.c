/* SPDX-License-Identifier: Apache-2.0
 *
 * Goes through the rules of a compiled policy: configuration alone, or authorization and then issuance.
 */
#include "policy/language/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- bounds ---- */

enum status run_refuse_steps(struct run *run)
{
    run->steps = 0;
    return refuse(run->why, ERR_POLICY_LIMIT, "POLICY_STEP_MAX_COUNT", "at most 1000000 steps of one evaluation",
                  "more, at policy line %u", run->rule->place.line);
}
static_assert(POLICY_STEP_MAX_COUNT == 1000000);

static enum status refuse_memory(struct run *run)
{
    return refuse(run->why, ERR_POLICY_LIMIT, "POLICY_MEMORY_MAX_BYTES", "at most 8388608 bytes for one evaluation",
                  "more, at policy line %u", run->rule->place.line);
}
static_assert(POLICY_MEMORY_MAX_BYTES == 8388608);

enum status run_take(struct run *run, size_t size, void **piece_out)
{
    const enum status status = memory_take(&run->memory, size, piece_out);
    return status == ERR_POLICY_LIMIT ? refuse_memory(run) : status;
}

enum status run_copy(struct run *run, struct slice bytes, struct slice *copy_out)
{
    void *copy;
    TRY(run_take(run, bytes.size, &copy));
    if (bytes.size > 0) memcpy(copy, bytes.bytes, bytes.size);
    *copy_out = slice_of(copy, bytes.size);
    return OK;
}

enum status run_hold(struct run *run, size_t size)
{
    if (size > run->memory.maximum - run->memory.total) return refuse_memory(run);
    run->memory.maximum -= size;
    return OK;
}

void run_let_go(struct run *run, size_t size)
{
    run->memory.maximum += size;
}

enum status run_refuse_value(struct run *run, const struct expression *expression, const char *expected,
                             const char *seen)
{
    char field[REFUSAL_FIELD_BYTES];
    (void)snprintf(field, sizeof(field), "policy line %u, column %u", expression->place.line, expression->place.column);
    return refuse(run->why, ERR_POLICY_VALUE, field, expected, "%s", seen);
}

/* ---- what people are told ---- */

static const char *reason_of_failure(const struct run *run)
{
    const struct condition *const condition = &run->rule->conditions[run->failed_condition - 1];
    if (condition->negated) return "a claim matches";
    if (condition->type == TYPE_NONE) return "no claim matches";
    if (run_first_claim(run, condition) == INDEX_NONE) return "no claim has this type";
    return "no claim of this type has the other properties";
}

static void explain(const struct run *run, size_t number, bool fired, const struct refusal *fault)
{
    if (run->trace == NULL) return;
    const struct rule *const rule = run->rule;
    struct policy_event event = {
        .section = run->section,
        .rule = number,
        .line = rule->place.line,
        .fired = fired,
        .condition = rule->text,
        .reason = "",
        .fault = fault,
    };
    if (fault != NULL) {
        event.reason = "a function was given what it does not take";
    } else if (!fired) {
        event.failed_condition = run->failed_condition;
        event.condition = rule->conditions[run->failed_condition - 1].text;
        event.reason = reason_of_failure(run);
    } else if (run->nothing_made != NULL) {
        event.reason = run->nothing_made;
    }
    run->trace->explain(run->trace->context, &event);
}

/* ---- rules ---- */

static enum status index_claims(struct run *run)
{
    const struct type_names *const types = &run->policy->types;
    for (size_t i = 0; i < types->count; i++) run->index.first[i] = INDEX_NONE;
    for (size_t i = 0; i < claim_set_count(run->incoming); i++) {
        const struct slice type = claim_set_at(run->incoming, i)->type;
        TRY(run_step(run, 1 + type.size / STEP_BYTES));
        run_index_claim(run, i, type_names_find(types, type));
    }
    return OK;
}

static void mark_sets(struct run *run)
{
    run->before.incoming = claim_set_mark(run->incoming);
    run->before.outgoing = claim_set_mark(run->result->outgoing);
    run->before.properties = claim_set_mark(run->result->properties);
}

/* A rule of which a part failed does nothing at all. */
static enum status take_back(struct run *run)
{
    if (claim_set_count(run->incoming) == run->before.incoming.count) return OK;
    claim_set_take_back(run->incoming, run->before.incoming);
    claim_set_take_back(run->result->outgoing, run->before.outgoing);
    claim_set_take_back(run->result->properties, run->before.properties);
    run_forget_documents(run);
    return index_claims(run);
}

static enum status run_rule(struct run *run, size_t number)
{
    const struct memory_mark memory = memory_mark(&run->memory);
    bool fires = false;
    run->nothing_made = NULL;
    if (run->section == POLICY_ISSUANCE && run->rule->may_fail) mark_sets(run);
    enum status status = run_match(run, &fires);
    if (status == OK && fires) status = run_action(run);
    run_release(run, memory);
    if (status == OK || status == ERR_POLICY_VALUE) explain(run, number, fires, status == OK ? NULL : run->why);
    if (status != ERR_POLICY_VALUE || run->section != POLICY_ISSUANCE) return status;
    /* Issuance cannot fail an attestation: such a rule issues nothing. */
    if (run->why != NULL) *run->why = (struct refusal){};
    return take_back(run);
}

static enum status run_section(struct run *run, enum policy_section section)
{
    const struct rules *const rules = &run->policy->sections[section];
    run->section = section;
    for (size_t i = 0; i < rules->count; i++) {
        run->rule = &rules->rules[i];
        TRY(run_rule(run, i + 1));
    }
    return OK;
}

static enum status verdict(const struct run *run)
{
    char field[REFUSAL_FIELD_BYTES];
    if (run->denied_by != NULL) {
        (void)snprintf(field, sizeof(field), "policy line %u", run->denied_by->place.line);
        return refuse(run->why, ERR_POLICY_DENIED, field, "evidence for which no rule denies", "deny()");
    }
    if (run->permitted) return OK;
    return refuse(run->why, ERR_POLICY_DENIED, "policy authorizationrules", "a rule that permits this evidence",
                  "none of %zu rules", run->policy->sections[POLICY_AUTHORIZATION].count);
}

/* ---- an evaluation ---- */

/* All of the index stands in one piece of the incoming set's memory. */
static enum status begin(struct run *run)
{
    const size_t types = run->policy->types.count;
    void *room;
    TRY(claim_set_room(run->incoming,
                       (2 * types + CLAIM_SET_MAX_COUNT) * sizeof(uint16_t) + CLAIM_SET_MAX_COUNT * sizeof(bool),
                       &room));
    run->index.first = room;
    run->index.last = run->index.first + types;
    run->index.next = run->index.last + types;
    run->index.is_issued = (bool *)(run->index.next + CLAIM_SET_MAX_COUNT);
    memset(run->index.is_issued, 0, claim_set_count(run->incoming) * sizeof(bool));
    return index_claims(run);
}

static void end(struct run *run)
{
    run_forget_documents(run);
    memory_done(&run->memory);
}

static void prepare(struct run *run, const struct policy *policy, struct claim_set *incoming,
                    const struct policy_trace *trace, struct refusal *why, const struct policy_result *result)
{
    run->policy = policy;
    run->incoming = incoming;
    run->result = result;
    run->trace = trace;
    run->why = why;
    run->memory = (struct memory){.maximum = POLICY_MEMORY_MAX_BYTES};
    run->steps = POLICY_STEP_MAX_COUNT;
    memset(run->documents, 0, sizeof(run->documents));
    run->next_document = 0;
    run->permitted = false;
    run->denied_by = NULL;
    run->rule = NULL;
}

static enum status configure(struct run *run)
{
    TRY(begin(run));
    return run_section(run, POLICY_CONFIGURATION);
}

enum status policy_configure(const struct policy *policy, struct claim_set *incoming, const struct policy_trace *trace,
                             struct refusal *why, const struct policy_result *result)
{
    struct run run;
    struct refusal own;
    prepare(&run, policy, incoming, trace, why == NULL && trace != NULL ? &own : why, result);
    claim_set_clear(result->properties);
    const enum status status = configure(&run);
    end(&run);
    return status;
}

static enum status evaluate(struct run *run)
{
    TRY(begin(run));
    TRY(run_section(run, POLICY_AUTHORIZATION));
    TRY(verdict(run));
    return run_section(run, POLICY_ISSUANCE);
}

enum status policy_evaluate(const struct policy *policy, struct claim_set *incoming, const struct policy_trace *trace,
                            struct refusal *why, const struct policy_result *result)
{
    struct run run;
    struct refusal own;
    prepare(&run, policy, incoming, trace, why == NULL && trace != NULL ? &own : why, result);
    claim_set_clear(result->outgoing);
    const enum status status = evaluate(&run);
    end(&run);
    return status;
}
