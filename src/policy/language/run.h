/* SPDX-License-Identifier: Apache-2.0
 *
 * One evaluation: what its files share. match.c finds the claims for which a rule's conditions hold, action.c does what
 * the rule then says, expression.c and functions.c work out values, run.c goes through the rules.
 */
#pragma once

#include "base/json.h"
#include "policy/language/claims_room.h"
#include "policy/language/functions.h"

enum {
    INDEX_NONE = UINT16_MAX, /* behind the last claim of a type */
    FEW_COMBINATIONS = 32,   /* places that every evaluation has at hand */
    DOCUMENT_MAX_COUNT = 4,  /* of JSON texts that are kept parsed */
    STEP_BYTES = 64          /* of text that one step compares, copies or reads */
};
static_assert((int)CLAIM_SET_MAX_COUNT < (int)INDEX_NONE);

/* Claims of a type, in the order of the set, without comparing their texts. Stands in the incoming set's room. */
struct claim_index {
    uint16_t *first, *last; /* of each of the policy's types */
    uint16_t *next;         /* of each claim: the next one of its type */
    bool *is_issued;        /* of each claim: it stands in the outgoing set too */
};

/* A parsed JSON text of a claim or a literal: many rules query one event log. */
struct document {
    struct slice text;
    json_t *json;
    size_t held; /* memory that it is counted with */
};

struct set_marks {
    struct claim_set_mark incoming, outgoing, properties;
};

struct run {
    const struct policy *policy;
    struct claim_set *incoming;
    const struct policy_result *result;
    const struct policy_trace *trace;
    struct refusal *why; /* never NULL where there is a trace */
    struct claim_index index;
    struct memory memory;
    uint64_t steps; /* that are left */
    struct document documents[DOCUMENT_MAX_COUNT];
    size_t next_document;
    bool permitted;
    const struct rule *denied_by;

    /* of the rule that is being evaluated */
    enum policy_section section;
    const struct rule *rule;
    size_t visible;                              /* claims that were there when it began */
    uint16_t claims[POLICY_CONDITION_MAX_COUNT]; /* that its names stand for */
    bool holds[POLICY_CONDITION_MAX_COUNT];      /* a condition that depends on no name was tried, and holds */
    bool is_hopeless;                            /* such a condition does not */
    size_t failed_condition;                     /* the furthest, from 1 */
    uint16_t *combinations; /* of claims for which the action runs: one for each of rule->uses, one after the other */
    size_t combination_count, combination_capacity; /* the latter in claims */
    uint16_t few_combinations[FEW_COMBINATIONS];
    struct set_marks before;  /* where a rule that may fail began to change the sets */
    const char *nothing_made; /* why no claim came of it, for the trace */
};

/* ---- run.c ---- */
/* Takes steps of the evaluation's. ERR_POLICY_LIMIT. */
enum status run_refuse_steps(struct run *run);
static inline enum status run_step(struct run *run, uint64_t steps)
{
    if (run->steps < steps) return run_refuse_steps(run);
    run->steps -= steps;
    return OK;
}
enum status run_take(struct run *run, size_t size, void **piece_out);
enum status run_copy(struct run *run, struct slice bytes, struct slice *copy_out);

/* Most rules take nothing. */
static inline void run_release(struct run *run, struct memory_mark mark)
{
    if (run->memory.total != mark.total) memory_release(&run->memory, mark);
}

/* Counts memory that is held elsewhere for the evaluation, and no longer is. ERR_POLICY_LIMIT. */
enum status run_hold(struct run *run, size_t size);
void run_let_go(struct run *run, size_t size);

/* ERR_POLICY_VALUE at the place of an expression. */
enum status run_refuse_value(struct run *run, const struct expression *expression, const char *expected,
                             const char *seen);

/* ---- match.c ---- */
/* Whether the rule's conditions hold; the combinations of claims for its action then stand in the run. */
enum status run_match(struct run *run, bool *fires_out);

/* Claims that may satisfy a condition: all of its type, or all. Behind the last: INDEX_NONE. */
uint16_t run_first_claim(const struct run *run, const struct condition *condition);
uint16_t run_next_claim(const struct run *run, const struct condition *condition, uint16_t claim);

/* Whether a claim has the condition's properties. `operands` is empty at the first claim. */
struct operands {
    bool are_known, is_missing; /* is_missing: one comes to nothing, and no claim equals that */
    struct claim_value *held;   /* of each test whose operand is no literal */
};
enum status run_satisfies(struct run *run, const struct condition *condition, struct operands *operands, uint16_t claim,
                          bool *satisfies_out);

/* ---- expression.c ---- */
enum status run_expression(struct run *run, const struct expression *expression, struct values *values_out);
struct claim_value claim_property_value(const struct claim *claim, enum claim_property property);

/* ---- action.c ---- */
/* Runs the rule's action for each combination. */
enum status run_action(struct run *run);
void run_index_claim(struct run *run, size_t claim, uint16_t type);

/* ---- functions_json.c ---- */
void run_forget_documents(struct run *run);
