/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the parser share: the place in the text, and how a fault is told. Recursive descent, one token
 * ahead. Faults are told as Azure Attestation's own parser tells them: the symbol, where it stands, what could stand
 * there, and which part of the grammar was being read.
 */
#pragma once

#include "policy/language/functions.h"
#include "policy/language/lexer.h"

struct parser {
    struct lexer lexer;
    struct token token; /* the next one */
    struct policy *policy;
    struct refusal *why;
    const char *path; /* "policy > versionInfo" */
    enum policy_section section;
    /* of the rule that is being read */
    struct condition conditions[POLICY_CONDITION_MAX_COUNT];
    size_t condition_count;
    condition_set uses; /* names of which expressions were read since it was last emptied */
    bool calls_functions;
    unsigned nesting;
};

/* ---- parser.c ---- */
enum status parser_advance(struct parser *p);
enum status parser_take(struct parser *p, enum token_kind kind, const char *expected);
bool parser_sees_name(const struct parser *p, const char *name);

/* ERR_POLICY_SYNTAX at the next token, or at a place that was passed. `fix` may be NULL. */
enum status parser_fault(struct parser *p, const char *expected, const char *fix);
enum status parser_fault_at(struct parser *p, struct place place, struct slice seen, const char *expected,
                            const char *fix);
enum status parser_limit(struct parser *p, const char *maximum, size_t most, const char *what);
enum status parser_needs_version_1_2(struct parser *p, const char *what);

/* The text from a token to the end of the one before the next. */
struct slice parser_text_since(const struct parser *p, struct slice first);

/* ---- parser_expression.c ---- */
enum status parse_expression(struct parser *p, struct expression **expression_out);
enum status parse_property(struct parser *p, enum claim_property *property_out);

/* Where the name's condition stands; it may not be the one that is being read. */
enum status parse_condition_name(struct parser *p, uint8_t *condition_out);

/* ---- parser_rule.c ---- */
enum status parse_rule(struct parser *p, struct rule *rule_out);
