/* SPDX-License-Identifier: Apache-2.0
 *
 * A compiled policy: what parser.c makes of the text and evaluate.c runs. Immutable once it is made.
 */
#pragma once

#include "policy/jmespath.h"
#include "policy/language/memory.h"
#include "policy/language/type_names.h"
#include "policy/policy.h"

#include <assert.h>

enum { ARGUMENT_MAX_COUNT = 2 /* of a function */ };

/* Sets of a rule's conditions, one bit each. */
typedef uint16_t condition_set;
static_assert(POLICY_CONDITION_MAX_COUNT <= 16);

enum claim_property { PROPERTY_TYPE, PROPERTY_VALUE, PROPERTY_VALUE_TYPE, PROPERTY_ISSUER };
enum relation { EQUAL, NOT_EQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL };

struct place {
    unsigned line, column;
};

enum expression_kind { EXPRESSION_LITERAL, EXPRESSION_REFERENCE, EXPRESSION_CALL };
struct expression {
    enum expression_kind kind;
    struct place place;
    struct claim_value literal;
    struct {
        uint8_t condition; /* whose name it is */
        bool as_set;       /* all claims of that condition, instead of the one that is looked at */
        enum claim_property property;
    } reference;
    struct {
        const struct function *function;
        struct expression *arguments; /* as many as the function takes */
        struct jmespath *query;       /* of JmesPath, where it is a literal */
    } call;
};

struct test {
    enum claim_property property;
    enum relation relation;
    struct expression *operand;
};

struct condition {
    struct slice text, name; /* the name may be empty */
    uint16_t type;           /* from `type == "..."`, which is not among the tests; TYPE_NONE: claims of any type */
    bool negated;
    bool is_bound;      /* the rule looks at its claims one by one: a later condition or the action refers to each */
    bool is_literal;    /* all of its operands are literals */
    condition_set uses; /* names that it refers to */
    struct test *tests;
    size_t test_count;
};

enum action { ACTION_PERMIT, ACTION_DENY, ACTION_ADD, ACTION_ISSUE, ACTION_ISSUE_PROPERTY };

struct rule {
    struct place place;
    struct slice text; /* of the action */
    struct condition *conditions;
    size_t condition_count;
    enum action action;
    condition_set uses; /* names of whose claims the action runs for each combination */
    uint8_t use_count;  /* how many those are */
    uint8_t last_used;  /* the last of those conditions; conditions behind it must hold, and that is all */
    bool may_repeat;    /* a combination can come up again, with other claims for names that the action does not use */
    bool may_fail;      /* it calls functions, or works out a type: what it did may have to be taken back */
    bool is_copy;       /* claim = name */
    uint8_t copied;
    uint16_t type;                                               /* of a literal `made_type`, otherwise TYPE_NONE */
    struct expression *made_type, *made_value, *made_value_type; /* the last may be NULL */
};

struct rules {
    struct rule *rules;
    size_t count, capacity;
};

struct policy {
    struct memory memory;
    struct slice text;
    unsigned major, minor;
    struct rules sections[POLICY_ISSUANCE + 1];
    struct type_names types;
    struct jmespath **queries; /* all compiled ones, to be freed */
    size_t query_count, query_capacity;
};

/* As written in policies: "AttestationService", "String", ... */
struct slice claim_issuer_name(enum claim_issuer issuer);
struct slice claim_value_type_name(enum claim_value_type type);

/* Fills an empty policy. */
enum status policy_parse(struct slice text, struct refusal *why, struct policy *policy);
