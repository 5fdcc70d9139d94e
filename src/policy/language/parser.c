/* SPDX-License-Identifier: Apache-2.0
 *
 * A policy's outer form: its version and its sections, in order.
 */
#include "policy/language/parser.h"

#include "base/encoding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what the parser's files share ---- */

enum status parser_fault_at(struct parser *p, struct place place, struct slice seen, const char *expected,
                            const char *fix)
{
    enum { SHOWN_BYTES = 60 };
    char field[REFUSAL_FIELD_BYTES];
    (void)snprintf(field, sizeof(field), "policy line %u, column %u (%s)", place.line, place.column, p->path);
    const int shown = seen.size > SHOWN_BYTES ? SHOWN_BYTES : (int)seen.size;
    (void)!(seen.size == 0 ? refuse(p->why, ERR_POLICY_SYNTAX, field, expected, "the end of the policy")
                           : refuse(p->why, ERR_POLICY_SYNTAX, field, expected, "'%.*s'%s", shown,
                                    (const char *)seen.bytes, seen.size > SHOWN_BYTES ? "..." : ""));
    return fix == NULL ? ERR_POLICY_SYNTAX : refuse_fix(p->why, ERR_POLICY_SYNTAX, fix);
}

enum status parser_fault(struct parser *p, const char *expected, const char *fix)
{
    return parser_fault_at(p, p->token.place, p->token.text, expected, fix);
}

enum status parser_limit(struct parser *p, const char *maximum, size_t most, const char *what)
{
    char expected[96];
    (void)snprintf(expected, sizeof(expected), "at most %zu %s", most, what);
    return refuse(p->why, ERR_POLICY_LIMIT, maximum, expected, "more, at policy line %u, column %u",
                  p->token.place.line, p->token.place.column);
}

enum status parser_needs_version_1_2(struct parser *p, const char *what)
{
    char expected[96];
    (void)snprintf(expected, sizeof(expected), "no %s: this policy is of version %u.%u", what, p->policy->major,
                   p->policy->minor);
    return parser_fault(p, expected, "begin the policy with version=1.2;");
}

enum status parser_advance(struct parser *p)
{
    struct lexer_fault fault;
    const enum status status = policy_lexer_next(&p->lexer, &p->token, &fault);
    if (status == OK) return OK;
    return parser_fault_at(p, fault.place, fault.seen, fault.expected, fault.fix);
}

enum status parser_take(struct parser *p, enum token_kind kind, const char *expected)
{
    if (p->token.kind != kind) return parser_fault(p, expected, NULL);
    return parser_advance(p);
}

bool parser_sees_name(const struct parser *p, const char *name)
{
    return p->token.kind == TOKEN_NAME && slice_equal_text(p->token.text, name);
}

struct slice parser_text_since(const struct parser *p, struct slice first)
{
    const size_t start = (size_t)(first.bytes - p->lexer.text.bytes);
    return slice_part(p->lexer.text, start, p->lexer.end - start);
}

/* ---- version ---- */

static enum status parse_version(struct parser *p)
{
    p->path = "policy > versionInfo";
    if (!parser_sees_name(p, "version")) return parser_fault(p, "version", "begin the policy with version=1.0;");
    TRY(parser_advance(p));
    TRY(parser_take(p, TOKEN_ASSIGN, "="));
    const struct token major = p->token;
    TRY(parser_take(p, TOKEN_INTEGER, "1.0, 1.1 or 1.2"));
    TRY(parser_take(p, TOKEN_DOT, "a dot, as in 1.0"));
    const struct token minor = p->token;
    TRY(parser_take(p, TOKEN_INTEGER, "1.0, 1.1 or 1.2"));
    if (major.integer != 1 || minor.integer < 0 || minor.integer > 2)
        return parser_fault_at(p, major.place, parser_text_since(p, major.text), "1.0, 1.1 or 1.2", NULL);
    p->policy->major = (unsigned)major.integer;
    p->policy->minor = (unsigned)minor.integer;
    return parser_take(p, TOKEN_SEMICOLON, ";");
}

/* ---- sections ---- */

static const struct section_form {
    const char *name, *path;
} sections[] = {
    [POLICY_CONFIGURATION] = {"configurationrules", "policy > configurationRules"},
    [POLICY_AUTHORIZATION] = {"authorizationrules", "policy > authorizationRules"},
    [POLICY_ISSUANCE] = {"issuancerules", "policy > issuanceRules"},
};

/* In either case: a published policy has "Issuancerules". */
static bool sees_section(const struct parser *p, enum policy_section section)
{
    const struct slice name = slice_of_text(sections[section].name);
    return p->token.kind == TOKEN_NAME && p->token.text.size == name.size &&
           strncasecmp((const char *)p->token.text.bytes, sections[section].name, name.size) == 0;
}

static size_t rule_count(const struct policy *policy)
{
    size_t count = 0;
    for (size_t i = POLICY_CONFIGURATION; i <= POLICY_ISSUANCE; i++) count += policy->sections[i].count;
    return count;
}

static enum status add_rule(struct rules *rules, const struct rule *rule)
{
    if (rules->count == rules->capacity) {
        const size_t capacity = rules->capacity == 0 ? 16 : rules->capacity * 2;
        struct rule *const grown = realloc(rules->rules, capacity * sizeof(*grown));
        if (grown == NULL) return ERR_NO_MEMORY;
        rules->rules = grown;
        rules->capacity = capacity;
    }
    rules->rules[rules->count++] = *rule;
    return OK;
}

static enum status parse_section(struct parser *p, enum policy_section section)
{
    struct rules *const rules = &p->policy->sections[section];
    p->path = sections[section].path;
    p->section = section;
    TRY(parser_advance(p));
    TRY(parser_take(p, TOKEN_BRACE_OPEN, "{"));
    while (p->token.kind != TOKEN_BRACE_CLOSE) {
        struct rule rule;
        if (rule_count(p->policy) == POLICY_RULE_MAX_COUNT)
            return parser_limit(p, "POLICY_RULE_MAX_COUNT", POLICY_RULE_MAX_COUNT, "rules in a policy");
        TRY(parse_rule(p, &rule));
        TRY(add_rule(rules, &rule));
        p->path = sections[section].path;
    }
    TRY(parser_advance(p));
    return parser_take(p, TOKEN_SEMICOLON, ";");
}

static enum status parse_sections(struct parser *p)
{
    const bool has_configuration = sees_section(p, POLICY_CONFIGURATION);
    p->path = "policy";
    if (has_configuration && p->policy->minor == 0)
        return parser_fault(p, "authorizationrules", "begin the policy with version=1.1; to have configurationrules");
    if (has_configuration) TRY(parse_section(p, POLICY_CONFIGURATION));
    p->path = "policy";
    if (!sees_section(p, POLICY_AUTHORIZATION))
        return parser_fault(p,
                            has_configuration || p->policy->minor == 0 ? "authorizationrules"
                                                                       : "configurationrules or authorizationrules",
                            "write the sections in this order; only authorizationrules must be there");
    TRY(parse_section(p, POLICY_AUTHORIZATION));
    p->path = "policy";
    const bool has_issuance = sees_section(p, POLICY_ISSUANCE);
    if (has_issuance) TRY(parse_section(p, POLICY_ISSUANCE));
    p->path = "policy";
    return parser_take(p, TOKEN_END, has_issuance ? "nothing more" : "issuancerules or nothing more");
}

/* ---- the whole ---- */

/* Editors of Windows begin a file with it. */
static const struct slice byte_order_mark = SLICE_LITERAL("\xef\xbb\xbf");

enum status policy_parse(struct slice text, struct refusal *why, struct policy *policy)
{
    if (text.size > POLICY_MAX_BYTES) {
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "at most %d bytes", POLICY_MAX_BYTES);
        return refuse(why, ERR_POLICY_LIMIT, "POLICY_MAX_BYTES", expected, "%zu bytes", text.size);
    }
    if (!utf8_is_valid(text, true)) return refuse(why, ERR_POLICY_SYNTAX, "policy", "UTF-8 text", "other bytes");
    TRY(memory_copy(&policy->memory, text, &policy->text));
    const size_t start = slice_starts_with(text, byte_order_mark) ? byte_order_mark.size : 0;
    struct parser p = {
        .lexer = {.text = slice_part(policy->text, start, text.size), .place = {.line = 1, .column = 1}},
        .policy = policy,
        .why = why,
        .path = "policy",
    };
    TRY(parser_advance(&p));
    TRY(parse_version(&p));
    return parse_sections(&p);
}
