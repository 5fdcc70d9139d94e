/* SPDX-License-Identifier: Apache-2.0
 *
 * The tokens of a JMESPath expression. A token borrows its text; what stands between quotes is read by the parser.
 */
#pragma once

#include "base/refusal.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,    /* foo: also that of a function */
    TOKEN_QUOTED,  /* "foo": JSON's escapes */
    TOKEN_RAW,     /* 'foo': only \' is an escape */
    TOKEN_LITERAL, /* `...`: JSON, in which \` stands for ` */
    TOKEN_NUMBER,  /* -12: only between brackets */
    TOKEN_DOT,
    TOKEN_STAR,
    TOKEN_COMMA,
    TOKEN_COLON,
    TOKEN_CURRENT,
    TOKEN_REFERENCE, /* & */
    TOKEN_OPEN_PARENTHESIS,
    TOKEN_CLOSE_PARENTHESIS,
    TOKEN_OPEN_BRACE,
    TOKEN_CLOSE_BRACE,
    TOKEN_OPEN_BRACKET,
    TOKEN_CLOSE_BRACKET,
    TOKEN_FILTER,  /* [? */
    TOKEN_FLATTEN, /* [] */
    TOKEN_PIPE,
    TOKEN_OR,
    TOKEN_AND,
    TOKEN_NOT,
    TOKEN_EQUAL, /* the six comparators, in this order */
    TOKEN_UNEQUAL,
    TOKEN_LESS,
    TOKEN_LESS_OR_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_OR_EQUAL,
};

struct token {
    enum token_kind kind;
    struct slice text; /* with its quotes */
    size_t at;         /* offset of its first byte */
};

struct lexer {
    struct slice text;
    size_t at;
};

/* ERR_JMESPATH, as jmespath_refuse_at. */
enum status lexer_next(struct lexer *lexer, struct refusal *why, struct token *token_out);

/* Refuses what stands at byte `at` of the expression: the field is "column C", counted in characters from 1. */
enum status jmespath_refuse_at(struct slice text, size_t at, struct slice seen, const char *expected,
                               struct refusal *why);
