/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/run.h"

struct slice claim_issuer_name(enum claim_issuer issuer)
{
    switch (issuer) {
    case CLAIM_OF_SERVICE: return SLICE_LITERAL("AttestationService");
    case CLAIM_OF_POLICY: return SLICE_LITERAL("AttestationPolicy");
    case CLAIM_OF_CLIENT: return SLICE_LITERAL("CustomClaim");
    }
    return (struct slice){};
}

struct slice claim_value_type_name(enum claim_value_type type)
{
    switch (type) {
    case CLAIM_STRING: return SLICE_LITERAL("String");
    case CLAIM_INTEGER: return SLICE_LITERAL("Integer");
    case CLAIM_BOOLEAN: return SLICE_LITERAL("Boolean");
    }
    return (struct slice){};
}

static struct claim_value text_value(struct slice text)
{
    return (struct claim_value){.type = CLAIM_STRING, .text = text};
}

struct claim_value claim_property_value(const struct claim *claim, enum claim_property property)
{
    switch (property) {
    case PROPERTY_TYPE: return text_value(claim->type);
    case PROPERTY_VALUE: return claim->value;
    case PROPERTY_VALUE_TYPE: return text_value(claim_value_type_name(claim->value.type));
    case PROPERTY_ISSUER: return text_value(claim_issuer_name(claim->issuer));
    }
    return claim->value;
}

static bool is_read_only(const struct claim *claim, enum claim_property property)
{
    return claim->read_only && property == PROPERTY_VALUE;
}

/* Of all claims that satisfy the name's condition. Only functions whose results are never read-only take sets. */
static enum status reference_as_set(struct run *run, const struct expression *expression, struct values *values)
{
    const struct condition *const condition = &run->rule->conditions[expression->reference.condition];
    size_t count = 0;
    for (uint16_t claim = run_first_claim(run, condition); claim != INDEX_NONE;
         claim = run_next_claim(run, condition, claim))
        count++;
    void *memory;
    TRY(run_step(run, count));
    TRY(run_take(run, count * sizeof(struct claim_value), &memory));
    struct claim_value *const many = memory;
    struct operands operands = {};
    *values = (struct values){.many = many};
    for (uint16_t claim = run_first_claim(run, condition); claim != INDEX_NONE;
         claim = run_next_claim(run, condition, claim)) {
        bool satisfies;
        TRY(run_satisfies(run, condition, &operands, claim, &satisfies));
        if (!satisfies) continue;
        many[values->count++] =
            claim_property_value(claim_set_at(run->incoming, claim), expression->reference.property);
    }
    return OK;
}

static enum status call_function(struct run *run, const struct expression *call, struct values *result)
{
    const struct function *const function = call->call.function;
    struct values arguments[ARGUMENT_MAX_COUNT];
    for (size_t i = 0; i < function->argument_count; i++) {
        const struct expression *const argument = &call->call.arguments[i];
        TRY(run_expression(run, argument, &arguments[i]));
        if (!function->takes_set[i] && arguments[i].count != 1)
            return run_refuse_value(run, argument, "one value", arguments[i].count == 0 ? "none" : "several");
    }
    TRY(run_step(run, 1));
    return function->evaluate(run, call, arguments, result);
}

enum status run_expression(struct run *run, const struct expression *expression, struct values *values_out)
{
    if (expression->kind == EXPRESSION_CALL) return call_function(run, expression, values_out);
    *values_out = (struct values){.count = 1};
    if (expression->kind == EXPRESSION_LITERAL) {
        values_out->one = expression->literal;
        return OK;
    }
    if (expression->reference.as_set) return reference_as_set(run, expression, values_out);
    const struct claim *const claim = claim_set_at(run->incoming, run->claims[expression->reference.condition]);
    values_out->one = claim_property_value(claim, expression->reference.property);
    values_out->read_only = is_read_only(claim, expression->reference.property);
    return OK;
}
