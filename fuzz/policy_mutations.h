/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes to policies and claim sets that leave most of them fit to run: tokens, whole rules, claims. The input is a
 * claim set as processes pass it, its size before it in two bytes, and a policy.
 */
#pragma once

#include "policies.h"

#include <string.h>

enum { SIZE_BYTES = 2 };

static inline struct slice claims_part(struct slice input)
{
    if (input.size < SIZE_BYTES) return (struct slice){};
    return slice_part(input, SIZE_BYTES, (size_t)(input.bytes[0] << 8 | input.bytes[1]));
}

static inline struct slice policy_part(struct slice input)
{
    return slice_part(input, SIZE_BYTES + claims_part(input).size, input.size);
}

/* The first of them, those of authorization. */
enum { VERDICT_RULES = 3 };

/* Whole rules, so that what one makes another finds. */
static const char *const rule_texts[] = {
    "=> permit();",
    "=> deny();",
    "[type==\"a\", value>=1] => permit();",
    "c:[type==\"a\"] => issue(claim=c);",
    "c:[type==\"a\"] => add(type=\"b\", value=c.value);",
    "c1:[type==\"a\"] && c2:[type==\"b\", value==c1.value] => issue(type=c2.type, value=c1.value);",
    "c1:[type==\"a\"] && c2:[value==c1.value] => add(type=\"c\", value=c2.value);",
    "c1:[value!=true] && c2:[value!=c1.value] && c3:[type==c2.type] => issue(type=\"x\", value=c3.value);",
    "![type==\"b\"] => add(type=\"b\", value=JsonToClaimValue(\"[1,true,null,\\\"x\\\"]\"));",
    "c:[type==\"b\"] => issue(type=\"only\", value=ContainsOnlyValue(c.value, 1));",
    "c1:[type==\"a\"] && c2:[type==\"b\"] => issue(type=\"subset\", value=IsSubsetOf(c1.value, c2.value));",
    "c:[type==\"json\"] => add(type=\"found\", value=JmesPath(c.value, \"a[?b == `1`].c | [0]\"));",
    "c:[type==\"json\"] && q:[type==\"query\"] => add(type=\"found\", value=JmesPath(c.value, q.value));",
    "c:[type==\"found\"] => issue(type=\"found\", value=JsonToClaimValue(c.value));",
    "c:[type==\"found\"] => add(type=\"query\", value=AppendString(AppendString(\"a[\", c.value), \"]\"));",
    "c:[type==\"query\"] => add(type=\"query\", value=AppendString(c.value, c.value));",
    "c:[value==false] => issue(type=\"not\", value=NegateBool(c.value));",
    "c:[type==\"json\"] && d:[value==JmesPath(c.value, \"@\")] => issue(claim=d);",
    "=> issueproperty(type=\"required_pcr_mask\", value=15);",
};

static const char *const token_texts[] = {
    "version",
    "=",
    "1.0",
    "1.1",
    "1.2",
    ";",
    "configurationrules",
    "authorizationrules",
    "issuancerules",
    "{",
    "}",
    "=>",
    "[",
    "]",
    ",",
    "&&",
    "!",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    ":",
    ".",
    "(",
    ")",
    "type",
    "value",
    "valueType",
    "issuer",
    "claim",
    "c",
    "c1",
    "c2",
    "true",
    "false",
    "0",
    "-1",
    "9223372036854775807",
    "\"\"",
    "\"a\"",
    "\"b\"",
    "\"json\"",
    "\"query\"",
    "\"AttestationService\"",
    "\"AttestationPolicy\"",
    "\"Integer\"",
    "permit",
    "deny",
    "add",
    "issue",
    "issueproperty",
    "JmesPath",
    "JsonToClaimValue",
    "IsSubsetOf",
    "AppendString",
    "NegateBool",
    "ContainsOnlyValue",
    "\"a[*].b\"",
    "\"length(@)\"",
};

static const char *const value_texts[] = {
    "",
    "a",
    "x",
    "1",
    "null",
    "[1,2,3]",
    "{\"a\":[{\"b\":1,\"c\":\"x\"},{\"b\":2}]}",
    "a[0]",
    "a[?b == `1`].c",
    "@",
    "[[[[]]]]",
    "\"x\"",
    "1.5",
    "true",
    "a[*].b | [0]",
    "equals_ignore_case('a', 'A')",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t mutation_state;
static inline size_t below(size_t count)
{
    mutation_state = mutation_state * 6364136223846793005 + 1442695040888963407;
    return count == 0 ? 0 : (size_t)((mutation_state >> 33) % count);
}

/* Where a token begins near some place: at a letter behind another character, or at punctuation. */
static inline size_t some_boundary(struct slice text)
{
    size_t at = below(text.size + 1);
    while (at < text.size && at > 0) {
        const uint8_t c = text.bytes[at], before = text.bytes[at - 1];
        const bool word = (c | 32) >= 'a' && (c | 32) <= 'z',
                   word_before = (before | 32) >= 'a' && (before | 32) <= 'z';
        if (!word || !word_before) break;
        at++;
    }
    return at;
}

/* What stands behind a text. */
static inline size_t find_behind(struct slice text, size_t from, const char *wanted)
{
    const struct slice what = slice_of_text(wanted);
    while (from < text.size && !slice_starts_with(slice_part(text, from, text.size), what)) from++;
    return from + what.size < text.size ? from + what.size : text.size;
}

/* Where a rule of the section begins, or where the last one ends. */
static inline size_t some_rule(struct slice text, const char *section)
{
    const size_t first = find_behind(text, find_behind(text, 0, section), "{");
    const size_t end = find_behind(text, first, "};");
    size_t at = first + below(end - first + 1);
    while (at > first && text.bytes[at - 1] != ';') at--;
    return at;
}

static inline void splice(struct buffer *out, struct slice text, size_t from, size_t to, struct slice between)
{
    must(buffer_append(out, slice_part(text, 0, from)));
    must(buffer_append(out, between));
    must(buffer_append(out, slice_part(text, to, text.size)));
}

/* Puts tokens in, takes them out or exchanges them: mostly no policy is left. */
static inline void mutate_tokens(struct slice text, struct buffer *out)
{
    const size_t from = some_boundary(text);
    size_t to = some_boundary(text);
    if (to < from || to > from + 40) to = from;
    const bool has_token = below(3) > 0;
    splice(out, text, from, below(2) == 0 ? from : to,
           has_token ? slice_of_text(token_texts[below(COUNT(token_texts))]) : (struct slice){});
}

/* Puts a rule in, doubles some or takes some out. */
static inline void mutate_rules(struct slice text, struct buffer *out)
{
    const size_t which = below(COUNT(rule_texts));
    const char *const section = which < VERDICT_RULES ? "authorizationrules" : "issuancerules";
    size_t rule = some_rule(text, section), other = some_rule(text, section);
    if (below(2) == 0) return splice(out, text, rule, rule, slice_of_text(rule_texts[which]));
    if (rule > other) {
        const size_t first = other;
        other = rule;
        rule = first;
    }
    splice(out, text, below(2) == 0 ? other : rule, other,
           below(2) == 0 ? slice_part(text, rule, other - rule) : (struct slice){});
}

/* Exchanges what stands between two quotation marks, a number or a relation for another. */
static inline void mutate_operand(struct slice text, struct buffer *out)
{
    static const char *const types[] = {"a", "b", "c", "json", "query", "found", "x", "flag", "n"};
    static const char *const relations[] = {"==", "!=", ">=", "<=", ">", "<"};
    size_t from = below(text.size + 1);
    while (from < text.size && strchr("\"0123456789=!<>", text.bytes[from]) == NULL) from++;
    if (from == text.size) return splice(out, text, from, from, (struct slice){});
    size_t to = from + 1;
    const uint8_t c = text.bytes[from];
    if (c == '"') {
        while (to < text.size && text.bytes[to] != '"') to++;
        return splice(out, text, from + 1, to, slice_of_text(types[below(COUNT(types))]));
    }
    if (c >= '0' && c <= '9') return splice(out, text, from, to, slice_of_text(below(2) == 0 ? "1" : "2"));
    if (to < text.size && text.bytes[to] == '=') to++;
    return splice(out, text, from, to, slice_of_text(to == from + 2 ? relations[below(COUNT(relations))] : "="));
}

/* Tokens are left alone where most policies are to stay whole. */
static inline void mutate_policy(struct slice text, bool spares_tokens, struct buffer *out)
{
    const size_t kind = below(spares_tokens ? 4 : 6);
    if (kind >= 4) return mutate_tokens(text, out);
    if (kind == 3) return mutate_operand(text, out);
    return mutate_rules(text, out);
}

static inline struct claim some_claim(void)
{
    static const char *const types[] = {"a", "b", "c", "json", "query", "found", "x"};
    struct claim claim = {.type = slice_of_text(types[below(COUNT(types))]),
                          .issuer = (enum claim_issuer)below(3),
                          .read_only = below(8) == 0};
    claim.value.type = (enum claim_value_type)below(3);
    claim.value.text = slice_of_text(value_texts[below(COUNT(value_texts))]);
    claim.value.integer = (int64_t)below(5) - 1;
    claim.value.boolean = below(2) == 0;
    return claim;
}

/* Leaves each claim, drops it, doubles it or puts another in its place. */
static inline void mutate_claims(struct slice wire, struct buffer *out)
{
    static struct claim_set *before, *after;
    if (before == NULL) {
        must(claim_set_new(&before));
        must(claim_set_new(&after));
    }
    if (claim_set_read(wire, NULL, before) != OK) claim_set_clear(before);
    claim_set_clear(after);
    const struct claim added = some_claim();
    (void)!claim_set_add(after, &added, NULL);
    for (size_t i = 0; i < claim_set_count(before); i++) {
        const size_t fate = below(12);
        const struct claim other = some_claim();
        if (fate > 0) (void)!claim_set_add(after, fate == 1 ? &other : claim_set_at(before, i), NULL);
        if (fate == 2) (void)!claim_set_add(after, claim_set_at(before, i), NULL);
    }
    must(claim_set_write(after, out));
}

/* One change to the policy or to the claims. Returns the new size, the old one where the result would not fit. */
static inline size_t mutate_policy_input(uint8_t *bytes, size_t size, size_t max_size, bool spares_tokens)
{
    const struct slice input = slice_of(bytes, size);
    CLEANUP(buffer_done) struct buffer claims = buffer_of_maximum(1 << 24), policy = buffer_of_maximum(1 << 24);
    const bool is_claims = below(4) == 0;
    if (is_claims)
        mutate_claims(claims_part(input), &claims);
    else
        must(buffer_append(&claims, claims_part(input)));
    if (!is_claims)
        mutate_policy(policy_part(input), spares_tokens, &policy);
    else
        must(buffer_append(&policy, policy_part(input)));
    const size_t changed = SIZE_BYTES + claims.size + policy.size;
    if (claims.size > UINT16_MAX || changed > max_size) return size;
    bytes[0] = (uint8_t)(claims.size >> 8);
    bytes[1] = (uint8_t)claims.size;
    if (claims.size > 0) memcpy(bytes + SIZE_BYTES, claims.bytes, claims.size);
    if (policy.size > 0) memcpy(bytes + SIZE_BYTES + claims.size, policy.bytes, policy.size);
    return changed;
}
