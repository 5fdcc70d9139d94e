/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules: conditions, "=>", an action. What a rule needs to know of its names is worked out here: which claims it must
 * look at one by one, and which conditions need only hold.
 */
#include "policy/language/parser.h"

#include <string.h>

/* ---- conditions ---- */

static enum status copy_array(struct parser *p, const void *elements, size_t size, void **copy_out)
{
    TRY(memory_take(&p->policy->memory, size, copy_out));
    if (size > 0) memcpy(*copy_out, elements, size);
    return OK;
}

static enum status parse_relation(struct parser *p, enum relation *relation_out)
{
    static const struct {
        enum token_kind token;
        enum relation relation;
    } relations[] = {
        {TOKEN_EQUAL, EQUAL},     {TOKEN_NOT_EQUAL, NOT_EQUAL},
        {TOKEN_LESS, LESS},       {TOKEN_LESS_OR_EQUAL, LESS_OR_EQUAL},
        {TOKEN_GREATER, GREATER}, {TOKEN_GREATER_OR_EQUAL, GREATER_OR_EQUAL},
    };
    for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++) {
        if (p->token.kind != relations[i].token) continue;
        *relation_out = relations[i].relation;
        return parser_advance(p);
    }
    return parser_fault(p, "==, !=, <, <=, > or >=",
                        p->token.kind == TOKEN_ASSIGN ? "write == to compare; a single = assigns, in actions" : NULL);
}

/* Only integers have an order, and all properties but the value are strings. */
static enum status check_operand(struct parser *p, const struct test *test, struct token operand)
{
    const bool is_ordered = test->relation != EQUAL && test->relation != NOT_EQUAL;
    const bool is_value = test->property == PROPERTY_VALUE;
    const struct expression *const expression = test->operand;
    if (is_ordered && !is_value)
        return parser_fault_at(p, operand.place, operand.text, "== or != before it: only integers have an order", NULL);
    if (expression->kind != EXPRESSION_LITERAL) return OK;
    if (is_ordered && expression->literal.type != CLAIM_INTEGER)
        return parser_fault_at(p, operand.place, operand.text,
                               "an integer, or == or != before it: only integers have an order", NULL);
    if (!is_value && expression->literal.type != CLAIM_STRING)
        return parser_fault_at(p, operand.place, operand.text, "a string", NULL);
    return OK;
}

static enum status parse_test(struct parser *p, struct test *test_out)
{
    struct test test;
    TRY(parse_property(p, &test.property));
    TRY(parse_relation(p, &test.relation));
    const struct token operand = p->token;
    TRY(parse_expression(p, &test.operand));
    TRY(check_operand(p, &test, operand));
    *test_out = test;
    return OK;
}

static bool names_type(const struct test *test)
{
    return test->property == PROPERTY_TYPE && test->relation == EQUAL && test->operand->kind == EXPRESSION_LITERAL;
}

static enum status parse_tests(struct parser *p, struct condition *condition)
{
    struct test tests[POLICY_PROPERTY_MAX_COUNT];
    size_t count = 0, read = 0;
    condition->type = TYPE_NONE;
    condition->is_literal = true;
    do {
        if (read++ > 0) TRY(parser_advance(p));
        if (read > POLICY_PROPERTY_MAX_COUNT)
            return parser_limit(p, "POLICY_PROPERTY_MAX_COUNT", POLICY_PROPERTY_MAX_COUNT, "properties in a condition");
        TRY(parse_test(p, &tests[count]));
        condition->is_literal = condition->is_literal && tests[count].operand->kind == EXPRESSION_LITERAL;
        if (condition->type == TYPE_NONE && names_type(&tests[count]))
            TRY(type_names_add(&p->policy->types, tests[count].operand->literal.text, &condition->type));
        else
            count++;
    } while (p->token.kind == TOKEN_COMMA);
    void *copy;
    TRY(copy_array(p, tests, count * sizeof(tests[0]), &copy));
    condition->tests = copy;
    condition->test_count = count;
    return OK;
}

static enum status parse_name_of_condition(struct parser *p, struct condition *condition)
{
    if (condition->negated)
        return parser_fault(p, "[: no claim satisfies a condition behind '!', so there is none to name", NULL);
    for (size_t i = 0; i < p->condition_count; i++) {
        if (slice_equal(p->conditions[i].name, p->token.text))
            return parser_fault(p, "a name that no earlier condition of this rule has", NULL);
    }
    condition->name = p->token.text;
    TRY(parser_advance(p));
    return parser_take(p, TOKEN_COLON, ":");
}

static enum status parse_condition(struct parser *p)
{
    struct condition condition = {};
    const struct slice first = p->token.text;
    if (p->condition_count == POLICY_CONDITION_MAX_COUNT)
        return parser_limit(p, "POLICY_CONDITION_MAX_COUNT", POLICY_CONDITION_MAX_COUNT, "conditions in a rule");
    if (p->token.kind == TOKEN_NOT && p->policy->minor < 2) return parser_needs_version_1_2(p, "'!'");
    if (p->token.kind == TOKEN_NOT) {
        condition.negated = true;
        TRY(parser_advance(p));
    }
    if (p->token.kind == TOKEN_NAME) TRY(parse_name_of_condition(p, &condition));
    TRY(parser_take(p, TOKEN_BRACKET_OPEN,
                    condition.name.size > 0 || condition.negated ? "[" : "a condition, => or the section's }"));
    p->uses = 0;
    TRY(parse_tests(p, &condition));
    TRY(parser_take(p, TOKEN_BRACKET_CLOSE, ", or ]"));
    condition.uses = p->uses;
    condition.text = parser_text_since(p, first);
    p->conditions[p->condition_count++] = condition;
    return OK;
}

static enum status parse_conditions(struct parser *p)
{
    const char *const path = p->path;
    static const char *const paths[] = {
        [POLICY_CONFIGURATION] = "policy > configurationRules > rule > condition",
        [POLICY_AUTHORIZATION] = "policy > authorizationRules > rule > condition",
        [POLICY_ISSUANCE] = "policy > issuanceRules > rule > condition",
    };
    p->condition_count = 0;
    if (p->token.kind == TOKEN_ARROW) return OK;
    p->path = paths[p->section];
    TRY(parse_condition(p));
    while (p->token.kind == TOKEN_AND) {
        TRY(parser_advance(p));
        TRY(parse_condition(p));
    }
    p->path = path;
    return OK;
}

/* ---- actions ---- */

static const struct action_form {
    const char *name;
    enum action action;
    bool stands_in[POLICY_ISSUANCE + 1];
} actions[] = {
    {"permit", ACTION_PERMIT, {[POLICY_AUTHORIZATION] = true}},
    {"deny", ACTION_DENY, {[POLICY_AUTHORIZATION] = true}},
    {"add", ACTION_ADD, {[POLICY_AUTHORIZATION] = true, [POLICY_ISSUANCE] = true}},
    /* Among authorization rules too, as published policies for TPMs have it. */
    {"issue", ACTION_ISSUE, {[POLICY_AUTHORIZATION] = true, [POLICY_ISSUANCE] = true}},
    {"issueproperty", ACTION_ISSUE_PROPERTY, {[POLICY_CONFIGURATION] = true, [POLICY_ISSUANCE] = true}},
};

static enum status parse_action_name(struct parser *p, struct rule *rule)
{
    static const char *const expected[] = {
        [POLICY_CONFIGURATION] = "issueproperty, the action of configurationrules",
        [POLICY_AUTHORIZATION] = "permit, deny, add or issue, the actions of authorizationrules",
        [POLICY_ISSUANCE] = "add, issue or issueproperty, the actions of issuancerules",
    };
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (!actions[i].stands_in[p->section] || !parser_sees_name(p, actions[i].name)) continue;
        rule->action = actions[i].action;
        TRY(parser_advance(p));
        return parser_take(p, TOKEN_PARENTHESIS_OPEN, "(");
    }
    return parser_fault(p, expected[p->section], NULL);
}

static enum status parse_copy(struct parser *p, struct rule *rule)
{
    TRY(parser_advance(p));
    TRY(parser_take(p, TOKEN_ASSIGN, "="));
    TRY(parse_condition_name(p, &rule->copied));
    p->uses |= (condition_set)(1U << rule->copied);
    rule->is_copy = true;
    return OK;
}

static enum status parse_made_properties(struct parser *p, struct expression *made[static PROPERTY_ISSUER + 1])
{
    enum claim_property property;
    bool is_first = true;
    do {
        if (!is_first) TRY(parser_advance(p));
        is_first = false;
        const struct token name = p->token;
        TRY(parse_property(p, &property));
        if (made[property] != NULL) return parser_fault_at(p, name.place, name.text, "each property once", NULL);
        TRY(parser_take(p, TOKEN_ASSIGN, "= and the property's value"));
        TRY(parse_expression(p, &made[property]));
    } while (p->token.kind == TOKEN_COMMA);
    if (made[PROPERTY_TYPE] == NULL || made[PROPERTY_VALUE] == NULL)
        return parser_fault(p, "type and value, both", NULL);
    return OK;
}

static bool is_literal(const struct expression *expression)
{
    return expression != NULL && expression->kind == EXPRESSION_LITERAL;
}

static bool is_literal_text(const struct expression *expression, struct slice text)
{
    return is_literal(expression) && expression->literal.type == CLAIM_STRING &&
           slice_equal(expression->literal.text, text);
}

static enum status check_made_type(struct parser *p, const struct expression *type)
{
    if (!is_literal(type)) return OK;
    const size_t size = type->literal.text.size;
    if (size == 0 || size > CLAIM_TYPE_MAX_BYTES)
        return parser_fault_at(p, type->place, SLICE_LITERAL("type"), "a string of 1 to 256 bytes as the claim's type",
                               NULL);
    return OK;
}

/* The type of a value follows from the value; a policy may say it, if it says what is so. */
static enum status check_made_value_type(struct parser *p, const struct expression *value_type,
                                         const struct expression *value)
{
    static const char *const expected[] = {
        [CLAIM_STRING] = "\"String\", as the value is one",
        [CLAIM_INTEGER] = "\"Integer\", as the value is one",
        [CLAIM_BOOLEAN] = "\"Boolean\", as the value is one",
    };
    if (!is_literal(value_type)) return OK;
    const struct slice seen = SLICE_LITERAL("valueType");
    bool is_known = false;
    for (size_t i = CLAIM_STRING; i <= CLAIM_BOOLEAN; i++)
        is_known = is_known || is_literal_text(value_type, claim_value_type_name((enum claim_value_type)i));
    if (!is_known) return parser_fault_at(p, value_type->place, seen, "\"String\", \"Integer\" or \"Boolean\"", NULL);
    if (is_literal(value) && !is_literal_text(value_type, claim_value_type_name(value->literal.type)))
        return parser_fault_at(p, value_type->place, seen, expected[value->literal.type], NULL);
    return OK;
}

/* A policy cannot make claims that look as if they came from evidence. */
static enum status check_made_issuer(struct parser *p, const struct expression *issuer)
{
    if (issuer == NULL || is_literal_text(issuer, claim_issuer_name(CLAIM_OF_POLICY))) return OK;
    return parser_fault_at(p, issuer->place, SLICE_LITERAL("issuer"),
                           "\"AttestationPolicy\", the issuer of all claims that a policy makes", NULL);
}

static enum status parse_made(struct parser *p, struct rule *rule)
{
    struct expression *made[PROPERTY_ISSUER + 1] = {};
    TRY(parse_made_properties(p, made));
    TRY(check_made_type(p, made[PROPERTY_TYPE]));
    TRY(check_made_value_type(p, made[PROPERTY_VALUE_TYPE], made[PROPERTY_VALUE]));
    TRY(check_made_issuer(p, made[PROPERTY_ISSUER]));
    rule->made_type = made[PROPERTY_TYPE];
    rule->made_value = made[PROPERTY_VALUE];
    rule->made_value_type = made[PROPERTY_VALUE_TYPE];
    return is_literal(rule->made_type) ? type_names_add(&p->policy->types, rule->made_type->literal.text, &rule->type)
                                       : OK;
}

static enum status parse_action(struct parser *p, struct rule *rule)
{
    static const char *const paths[] = {
        [POLICY_CONFIGURATION] = "policy > configurationRules > rule > action",
        [POLICY_AUTHORIZATION] = "policy > authorizationRules > rule > action",
        [POLICY_ISSUANCE] = "policy > issuanceRules > rule > action",
    };
    const struct slice first = p->token.text;
    p->path = paths[p->section];
    p->uses = 0;
    TRY(parse_action_name(p, rule));
    if (rule->action != ACTION_PERMIT && rule->action != ACTION_DENY)
        TRY(parser_sees_name(p, "claim") ? parse_copy(p, rule) : parse_made(p, rule));
    TRY(parser_take(p, TOKEN_PARENTHESIS_CLOSE, ")"));
    rule->uses = p->uses;
    rule->text = parser_text_since(p, first);
    return OK;
}

/* ---- rules ---- */

/* See struct rule and struct condition: which conditions' claims must be looked at one by one. */
static void plan(struct parser *p, struct rule *rule)
{
    condition_set bound = rule->uses;
    for (size_t i = 0; i < p->condition_count; i++) bound |= p->conditions[i].uses;
    for (uint8_t i = 0; i < p->condition_count; i++) {
        p->conditions[i].is_bound = (bound >> i & 1) != 0;
        if ((rule->uses >> i & 1) == 0) continue;
        rule->last_used = i;
        rule->use_count++;
    }
    for (size_t i = 0; i < rule->last_used; i++)
        rule->may_repeat = rule->may_repeat || (p->conditions[i].is_bound && (rule->uses >> i & 1) == 0);
    rule->may_fail = p->calls_functions || (rule->made_type != NULL && !is_literal(rule->made_type)) ||
                     rule->made_value_type != NULL;
}

enum status parse_rule(struct parser *p, struct rule *rule_out)
{
    struct rule rule = {.place = p->token.place, .type = TYPE_NONE};
    p->calls_functions = false;
    TRY(parse_conditions(p));
    TRY(parser_take(p, TOKEN_ARROW, p->condition_count > 0 ? "&& or =>" : "=>"));
    TRY(parse_action(p, &rule));
    TRY(parser_take(p, TOKEN_SEMICOLON, ";"));
    plan(p, &rule);
    void *copy;
    TRY(copy_array(p, p->conditions, p->condition_count * sizeof(p->conditions[0]), &copy));
    rule.conditions = copy;
    rule.condition_count = p->condition_count;
    *rule_out = rule;
    return OK;
}
