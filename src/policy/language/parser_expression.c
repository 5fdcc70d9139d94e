/* SPDX-License-Identifier: Apache-2.0
 *
 * Literals, references to claims of earlier conditions, and function calls.
 */
#include "policy/language/parser.h"

#include <stdio.h>
#include <stdlib.h>

enum status parse_property(struct parser *p, enum claim_property *property_out)
{
    static const char *const names[] = {
        [PROPERTY_TYPE] = "type",
        [PROPERTY_VALUE] = "value",
        [PROPERTY_VALUE_TYPE] = "valueType",
        [PROPERTY_ISSUER] = "issuer",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!parser_sees_name(p, names[i])) continue;
        *property_out = (enum claim_property)i;
        return parser_advance(p);
    }
    return parser_fault(p, "type, value, valueType or issuer", NULL);
}

enum status parse_condition_name(struct parser *p, uint8_t *condition_out)
{
    for (size_t i = 0; i < p->condition_count; i++) {
        if (p->conditions[i].name.size == 0 || !slice_equal(p->conditions[i].name, p->token.text)) continue;
        *condition_out = (uint8_t)i;
        return parser_advance(p);
    }
    return parser_fault(p, "the name of an earlier condition of this rule", "name the condition: name:[type==\"...\"]");
}

static enum status parse_reference(struct parser *p, struct expression *expression)
{
    expression->kind = EXPRESSION_REFERENCE;
    TRY(parse_condition_name(p, &expression->reference.condition));
    TRY(parser_take(p, TOKEN_DOT, "."));
    TRY(parse_property(p, &expression->reference.property));
    p->uses |= (condition_set)(1U << expression->reference.condition);
    return OK;
}

/* An argument that takes a set takes a name for all claims that satisfied its condition: then the rule need not look at
 * each of them, and the condition may not depend on which claim of another is being looked at. */
static enum status parse_set_argument(struct parser *p, struct expression **argument_out)
{
    const struct token first = p->token;
    const condition_set uses = p->uses;
    TRY(parse_expression(p, argument_out));
    struct expression *const argument = *argument_out;
    if (argument->kind != EXPRESSION_REFERENCE) return OK;
    if (p->conditions[argument->reference.condition].uses != 0)
        return parser_fault_at(p, first.place, first.text,
                               "a name whose condition refers to no other name, as a set is taken of it", NULL);
    argument->reference.as_set = true;
    p->uses = uses;
    return OK;
}

static enum status add_query(struct policy *policy, struct jmespath *query)
{
    if (policy->query_count == policy->query_capacity) {
        const size_t capacity = policy->query_capacity == 0 ? 16 : policy->query_capacity * 2;
        struct jmespath **const grown = realloc(policy->queries, capacity * sizeof(struct jmespath *));
        if (grown == NULL) return ERR_NO_MEMORY;
        policy->queries = grown;
        policy->query_capacity = capacity;
    }
    policy->queries[policy->query_count++] = query;
    return OK;
}

/* Literal queries are compiled with the policy, so that a wrong one is seen when the policy is set. */
static enum status compile_query(struct parser *p, struct expression *call)
{
    const struct expression *const text = &call->call.arguments[1];
    if (text->kind != EXPRESSION_LITERAL || text->literal.type != CLAIM_STRING) return OK;
    CLEANUP(jmespath_cleanup) struct jmespath *query = NULL;
    struct refusal inner = {};
    const enum status status = jmespath_compile(text->literal.text, &inner, &query);
    if (status == ERR_JMESPATH) {
        char expected[REFUSAL_TEXT_BYTES];
        (void)snprintf(expected, sizeof(expected), "a JMESPath query: at its %.60s %.100s instead of %.40s",
                       inner.field, inner.expected, inner.seen);
        return parser_fault_at(p, text->place, text->literal.text, expected, NULL);
    }
    if (status != OK) {
        if (p->why != NULL) *p->why = inner;
        return status;
    }
    TRY(add_query(p->policy, query));
    call->call.query = query;
    query = NULL;
    return OK;
}

static enum status parse_arguments(struct parser *p, struct expression *call)
{
    const struct function *const function = call->call.function;
    void *memory;
    TRY(memory_take(&p->policy->memory, function->argument_count * sizeof(struct expression), &memory));
    call->call.arguments = memory;
    for (size_t i = 0; i < function->argument_count; i++) {
        struct expression *argument;
        if (i > 0) TRY(parser_take(p, TOKEN_COMMA, ", and the function's next argument"));
        TRY(function->takes_set[i] ? parse_set_argument(p, &argument) : parse_expression(p, &argument));
        call->call.arguments[i] = *argument;
    }
    TRY(parser_take(p, TOKEN_PARENTHESIS_CLOSE, ") behind the function's arguments"));
    return function->takes_query ? compile_query(p, call) : OK;
}

static enum status parse_call(struct parser *p, struct token name, struct expression *expression)
{
    expression->kind = EXPRESSION_CALL;
    expression->call.function = policy_function_find(name.text);
    if (expression->call.function == NULL)
        return parser_fault_at(p, name.place, name.text,
                               "JmesPath, JsonToClaimValue, IsSubsetOf, AppendString, NegateBool or ContainsOnlyValue",
                               NULL);
    if (p->nesting == POLICY_NESTING_MAX)
        return parser_limit(p, "POLICY_NESTING_MAX", POLICY_NESTING_MAX, "function calls in one another");
    p->nesting++;
    p->calls_functions = true;
    TRY(parser_advance(p));
    TRY(parse_arguments(p, expression));
    p->nesting--;
    return OK;
}

/* A name that is followed by "(" is a function's, otherwise a condition's. */
static enum status parse_named(struct parser *p, struct expression *expression)
{
    const struct token name = p->token;
    struct lexer ahead = p->lexer;
    struct token next;
    struct lexer_fault fault;
    if (policy_lexer_next(&ahead, &next, &fault) != OK || next.kind != TOKEN_PARENTHESIS_OPEN)
        return parse_reference(p, expression);
    if (p->policy->minor < 2) return parser_needs_version_1_2(p, "function");
    TRY(parser_advance(p));
    return parse_call(p, name, expression);
}

enum status parse_expression(struct parser *p, struct expression **expression_out)
{
    void *memory;
    TRY(memory_take(&p->policy->memory, sizeof(struct expression), &memory));
    struct expression *const expression = memory;
    *expression = (struct expression){.kind = EXPRESSION_LITERAL, .place = p->token.place};
    *expression_out = expression;
    if (p->token.kind == TOKEN_STRING) {
        expression->literal.type = CLAIM_STRING;
        TRY(policy_lexer_string(p->token, &p->policy->memory, &expression->literal.text));
        return parser_advance(p);
    }
    if (p->token.kind == TOKEN_INTEGER) {
        expression->literal = (struct claim_value){.type = CLAIM_INTEGER, .integer = p->token.integer};
        return parser_advance(p);
    }
    if (parser_sees_name(p, "true") || parser_sees_name(p, "false")) {
        expression->literal = (struct claim_value){.type = CLAIM_BOOLEAN, .boolean = parser_sees_name(p, "true")};
        return parser_advance(p);
    }
    if (p->token.kind == TOKEN_NAME) return parse_named(p, expression);
    return parser_fault(p, "a string, an integer, true, false, name.property or a function", NULL);
}
