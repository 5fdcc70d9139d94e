/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/jmespath/lexer.h"

#include "policy/jmespath/values.h"

#include <stdio.h>
#include <string.h>

enum status jmespath_refuse_at(struct slice text, size_t at, struct slice seen, const char *expected,
                               struct refusal *why)
{
    char field[32];
    (void)snprintf(field, sizeof(field), "column %zu", utf8_count(slice_part(text, 0, at)) + 1);
    if (seen.size == 0) return refuse(why, ERR_JMESPATH, field, expected, "the end");
    return refuse(why, ERR_JMESPATH, field, expected, "%.*s", (int)(seen.size < 64 ? seen.size : 64),
                  (const char *)seen.bytes);
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* NUL, which stands in no expression, at the end. */
static uint8_t peek(const struct lexer *l, size_t ahead)
{
    return l->at + ahead < l->text.size ? l->text.bytes[l->at + ahead] : 0;
}

static struct token token_of(struct lexer *l, enum token_kind kind, size_t size)
{
    const struct token token = {.kind = kind, .text = slice_part(l->text, l->at, size), .at = l->at};
    l->at += size;
    return token;
}

/* Behind a backslash any character belongs to the text. */
static enum status quoted(struct lexer *l, enum token_kind kind, const char *expected, struct refusal *why,
                          struct token *token_out)
{
    const uint8_t quote = peek(l, 0);
    size_t size = 1;
    for (; l->at + size < l->text.size && peek(l, size) != quote; size++)
        if (peek(l, size) == '\\') size++;
    if (l->at + size >= l->text.size)
        return jmespath_refuse_at(l->text, l->at, slice_part(l->text, l->at, SIZE_MAX), expected, why);
    *token_out = token_of(l, kind, size + 1);
    return OK;
}

static const struct {
    char text[3];
    uint8_t kind;
} signs[] = {
    /* longer ones before those that they begin with */
    {"[?", TOKEN_FILTER},
    {"[]", TOKEN_FLATTEN},
    {"||", TOKEN_OR},
    {"&&", TOKEN_AND},
    {"==", TOKEN_EQUAL},
    {"!=", TOKEN_UNEQUAL},
    {"<=", TOKEN_LESS_OR_EQUAL},
    {">=", TOKEN_GREATER_OR_EQUAL},
    {"<", TOKEN_LESS},
    {">", TOKEN_GREATER},
    {"!", TOKEN_NOT},
    {"|", TOKEN_PIPE},
    {"&", TOKEN_REFERENCE},
    {"[", TOKEN_OPEN_BRACKET},
    {"]", TOKEN_CLOSE_BRACKET},
    {"{", TOKEN_OPEN_BRACE},
    {"}", TOKEN_CLOSE_BRACE},
    {"(", TOKEN_OPEN_PARENTHESIS},
    {")", TOKEN_CLOSE_PARENTHESIS},
    {".", TOKEN_DOT},
    {"*", TOKEN_STAR},
    {",", TOKEN_COMMA},
    {":", TOKEN_COLON},
    {"@", TOKEN_CURRENT},
};

static enum status sign(struct lexer *l, struct refusal *why, struct token *token_out)
{
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        const struct slice text = slice_of_text(signs[i].text);
        if (!slice_starts_with(slice_part(l->text, l->at, text.size), text)) continue;
        *token_out = token_of(l, signs[i].kind, text.size);
        return OK;
    }
    const char *const expected = peek(l, 0) == '=' ? "== to compare" : "a sign of JMESPath; other names in \"\"";
    return jmespath_refuse_at(l->text, l->at, slice_part(l->text, l->at, 1), expected, why);
}

enum status lexer_next(struct lexer *l, struct refusal *why, struct token *token_out)
{
    while (peek(l, 0) != 0 && strchr(" \t\r\n", peek(l, 0)) != NULL) l->at++;
    const uint8_t c = peek(l, 0);
    size_t size = 1;
    if (l->at == l->text.size) {
        *token_out = token_of(l, TOKEN_END, 0);
        return OK;
    }
    if (is_name_start(c)) {
        while (is_name_start(peek(l, size)) || is_digit(peek(l, size))) size++;
        *token_out = token_of(l, TOKEN_NAME, size);
        return OK;
    }
    if (is_digit(c) || (c == '-' && is_digit(peek(l, 1)))) {
        while (is_digit(peek(l, size))) size++;
        *token_out = token_of(l, TOKEN_NUMBER, size);
        return OK;
    }
    if (c == '"') return quoted(l, TOKEN_QUOTED, "a closing \"", why, token_out);
    if (c == '\'') return quoted(l, TOKEN_RAW, "a closing '", why, token_out);
    if (c == '`') return quoted(l, TOKEN_LITERAL, "a closing `", why, token_out);
    return sign(l, why, token_out);
}
