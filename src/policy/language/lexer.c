/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/lexer.h"

#include <string.h>

static const struct {
    const char *text;
    enum token_kind kind;
} symbols[] = {
    /* Longer ones first. */
    {"=>", TOKEN_ARROW},
    {"==", TOKEN_EQUAL},
    {"!=", TOKEN_NOT_EQUAL},
    {"<=", TOKEN_LESS_OR_EQUAL},
    {">=", TOKEN_GREATER_OR_EQUAL},
    {"&&", TOKEN_AND},
    {"!", TOKEN_NOT},
    {"=", TOKEN_ASSIGN},
    {"<", TOKEN_LESS},
    {">", TOKEN_GREATER},
    {":", TOKEN_COLON},
    {";", TOKEN_SEMICOLON},
    {",", TOKEN_COMMA},
    {".", TOKEN_DOT},
    {"{", TOKEN_BRACE_OPEN},
    {"}", TOKEN_BRACE_CLOSE},
    {"[", TOKEN_BRACKET_OPEN},
    {"]", TOKEN_BRACKET_CLOSE},
    {"(", TOKEN_PARENTHESIS_OPEN},
    {")", TOKEN_PARENTHESIS_CLOSE},
};

static const char quotes_fix[] = "use straight quotation marks; word processors make others";

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* NUL, which stands in no policy, behind the end. */
static uint8_t peek(const struct lexer *lexer, size_t ahead)
{
    return lexer->at + ahead < lexer->text.size ? lexer->text.bytes[lexer->at + ahead] : 0;
}

static void advance(struct lexer *lexer, size_t size)
{
    for (; size > 0; size--) {
        const uint8_t c = lexer->text.bytes[lexer->at++];
        if (c == '\n')
            lexer->place = (struct place){.line = lexer->place.line + 1, .column = 1};
        else if ((c & 0xc0) != 0x80) /* not a continuation byte of UTF-8 */
            lexer->place.column++;
    }
}

static void skip_space_and_comments(struct lexer *lexer)
{
    for (;;) {
        const uint8_t c = peek(lexer, 0);
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            advance(lexer, 1);
        } else if (c == '/' && peek(lexer, 1) == '/') {
            while (peek(lexer, 0) != '\n' && lexer->at < lexer->text.size) advance(lexer, 1);
        } else {
            return;
        }
    }
}

static enum status fault(const struct lexer *lexer, size_t size, const char *expected, const char *fix,
                         struct lexer_fault *fault_out)
{
    *fault_out = (struct lexer_fault){
        .place = lexer->place, .seen = slice_part(lexer->text, lexer->at, size), .expected = expected, .fix = fix};
    return ERR_POLICY_SYNTAX;
}

static size_t count_while(const struct lexer *lexer, size_t from, bool (*holds)(uint8_t))
{
    while (holds(peek(lexer, from))) from++;
    return from;
}

static bool is_of_a_name(uint8_t c)
{
    return is_letter(c) || is_digit(c);
}

static enum status lex_integer(struct lexer *lexer, struct token *token, struct lexer_fault *fault_out)
{
    const bool negative = peek(lexer, 0) == '-';
    const size_t size = count_while(lexer, negative ? 1 : 0, is_digit);
    const size_t whole = count_while(lexer, size, is_of_a_name);
    if (whole > size) return fault(lexer, whole, "a decimal integer", "write numbers in decimal", fault_out);
    uint64_t magnitude = 0;
    bool fits = true;
    for (size_t i = negative ? 1 : 0; i < size; i++) {
        fits = fits && !__builtin_mul_overflow(magnitude, 10, &magnitude) &&
               !__builtin_add_overflow(magnitude, (uint64_t)(peek(lexer, i) - '0'), &magnitude);
    }
    if (!fits || magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return fault(lexer, size, "an integer of 64 bits with sign", NULL, fault_out);
    token->kind = TOKEN_INTEGER;
    token->integer = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    token->text = slice_part(lexer->text, lexer->at, size);
    return OK;
}

/* Quotation marks and backslashes need a backslash before them, other punctuation may have one: published policies were
 * escaped for their web page. Letters may not: elsewhere they then mean something else. */
static bool is_escaped(uint8_t c)
{
    return c > ' ' && c < 0x7f && (!is_of_a_name(c) || c == '_');
}

static enum status lex_string(struct lexer *lexer, struct token *token, struct lexer_fault *fault_out)
{
    struct lexer ahead = *lexer;
    advance(&ahead, 1);
    for (uint8_t c; (c = peek(&ahead, 0)) != '"';) {
        if (ahead.at == ahead.text.size || c == '\n' || c == '\r')
            return fault(lexer, 16, "a string that ends on its line", quotes_fix, fault_out);
        if (c == '\\' && !is_escaped(peek(&ahead, 1)))
            return fault(&ahead, 2, "punctuation behind a backslash", "write \\\\ for a backslash itself", fault_out);
        advance(&ahead, c == '\\' ? 2 : 1);
    }
    token->kind = TOKEN_STRING;
    token->text = slice_part(lexer->text, lexer->at, ahead.at + 1 - lexer->at);
    return OK;
}

static enum status lex_symbol(struct lexer *lexer, struct token *token, struct lexer_fault *fault_out)
{
    const struct slice rest = slice_part(lexer->text, lexer->at, 2);
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        const struct slice symbol = slice_of_text(symbols[i].text);
        if (!slice_starts_with(rest, symbol)) continue;
        token->kind = symbols[i].kind;
        token->text = slice_part(rest, 0, symbol.size);
        return OK;
    }
    size_t size = 1;
    while ((peek(lexer, size) & 0xc0) == 0x80) size++;
    return fault(lexer, size, "a character of the policy language", size > 1 ? quotes_fix : NULL, fault_out);
}

enum status policy_lexer_next(struct lexer *lexer, struct token *token_out, struct lexer_fault *fault_out)
{
    lexer->end = lexer->at;
    skip_space_and_comments(lexer);
    struct token token = {.kind = TOKEN_END, .place = lexer->place};
    const uint8_t c = peek(lexer, 0);
    if (lexer->at == lexer->text.size) {
        /* nothing follows */
    } else if (is_letter(c)) {
        token.kind = TOKEN_NAME;
        token.text = slice_part(lexer->text, lexer->at, count_while(lexer, 0, is_of_a_name));
    } else if (is_digit(c) || (c == '-' && is_digit(peek(lexer, 1)))) {
        TRY(lex_integer(lexer, &token, fault_out));
    } else if (c == '"') {
        TRY(lex_string(lexer, &token, fault_out));
    } else {
        TRY(lex_symbol(lexer, &token, fault_out));
    }
    advance(lexer, token.text.size);
    *token_out = token;
    return OK;
}

enum status policy_lexer_string(struct token token, struct memory *memory, struct slice *text_out)
{
    const struct slice quoted = slice_part(token.text, 1, token.text.size - 2);
    void *memory_of_text;
    TRY(memory_take(memory, quoted.size, &memory_of_text));
    uint8_t *const text = memory_of_text;
    size_t size = 0;
    for (size_t i = 0; i < quoted.size; i++) {
        if (quoted.bytes[i] == '\\') i++;
        text[size++] = quoted.bytes[i];
    }
    *text_out = slice_of(text, size);
    return OK;
}
