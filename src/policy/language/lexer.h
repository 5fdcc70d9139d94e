/* SPDX-License-Identifier: Apache-2.0
 *
 * Text of a policy to tokens with their places. Lines and columns count from 1, columns in characters.
 */
#pragma once

#include "base/refusal.h"
#include "policy/language/program.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_STRING,
    TOKEN_INTEGER,
    TOKEN_ARROW,            /* => */
    TOKEN_AND,              /* && */
    TOKEN_NOT,              /* ! */
    TOKEN_ASSIGN,           /* = */
    TOKEN_EQUAL,            /* == */
    TOKEN_NOT_EQUAL,        /* != */
    TOKEN_LESS,             /* < */
    TOKEN_LESS_OR_EQUAL,    /* <= */
    TOKEN_GREATER,          /* > */
    TOKEN_GREATER_OR_EQUAL, /* >= */
    TOKEN_COLON,
    TOKEN_SEMICOLON,
    TOKEN_COMMA,
    TOKEN_DOT,
    TOKEN_BRACE_OPEN,
    TOKEN_BRACE_CLOSE,
    TOKEN_BRACKET_OPEN,
    TOKEN_BRACKET_CLOSE,
    TOKEN_PARENTHESIS_OPEN,
    TOKEN_PARENTHESIS_CLOSE,
};

struct token {
    enum token_kind kind;
    struct place place;
    struct slice text; /* as it stands in the policy; a string with its quotes */
    int64_t integer;
};

struct lexer {
    struct slice text;
    size_t at;
    struct place place;
    size_t end; /* of the token before the last: where a text that ended there ends */
};

/* What lexing alone can find: characters and strings that no policy has. `fix_out` says what to do, or is NULL. */
struct lexer_fault {
    struct place place;
    struct slice seen;
    const char *expected, *fix;
};

/* ERR_POLICY_SYNTAX with the fault. */
enum status policy_lexer_next(struct lexer *lexer, struct token *token_out, struct lexer_fault *fault_out);

/* The text between a string token's quotes, escapes resolved. */
enum status policy_lexer_string(struct token token, struct memory *memory, struct slice *text_out);
