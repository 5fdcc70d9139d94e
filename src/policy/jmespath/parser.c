/* SPDX-License-Identifier: Apache-2.0
 *
 * A parser by binding powers: how tightly a sign holds what stands to its left. From loose to tight: | || && the
 * comparators, !, [] (flatten), [* (the others that project), [? . [ as the specification orders them.
 */
#include "policy/jmespath/builder.h"
#include "policy/jmespath/functions.h"

enum power {
    POWER_NONE = 0,
    POWER_PIPE = 1,
    POWER_OR = 2,
    POWER_AND = 3,
    POWER_COMPARISON = 5,
    POWER_NOT = 8,
    POWER_FLATTEN = 9,
    PROJECTION_STOP = 10, /* what holds less tightly ends a projection: it is about the projection's result */
    POWER_STAR = 20,
    POWER_FILTER = 21,
    POWER_DOT = 40,
    POWER_BRACKET = 55,
};

struct parser {
    struct lexer lexer;
    struct token current, next;
    struct jmespath *tree;
    struct refusal *why;
    unsigned depth;
};

static enum status expression(struct parser *p, enum power power, node_id *id_out);

static enum power power_of(enum token_kind kind)
{
    switch (kind) {
    case TOKEN_PIPE: return POWER_PIPE;
    case TOKEN_OR: return POWER_OR;
    case TOKEN_AND: return POWER_AND;
    case TOKEN_EQUAL:
    case TOKEN_UNEQUAL:
    case TOKEN_LESS:
    case TOKEN_LESS_OR_EQUAL:
    case TOKEN_GREATER:
    case TOKEN_GREATER_OR_EQUAL: return POWER_COMPARISON;
    case TOKEN_FLATTEN: return POWER_FLATTEN;
    case TOKEN_FILTER: return POWER_FILTER;
    case TOKEN_DOT: return POWER_DOT;
    case TOKEN_OPEN_BRACKET: return POWER_BRACKET;
    default: return POWER_NONE;
    }
}

/* ---- tokens ---- */

static enum status refuse_token(struct parser *p, const struct token *token, const char *expected)
{
    return jmespath_refuse_at(p->tree->text, token->at, token->text, expected, p->why);
}

static enum status advance(struct parser *p)
{
    p->current = p->next;
    return lexer_next(&p->lexer, p->why, &p->next);
}

static bool is_at(const struct parser *p, enum token_kind kind)
{
    return p->current.kind == kind;
}

static enum status take(struct parser *p, enum token_kind kind, const char *expected)
{
    if (!is_at(p, kind)) return refuse_token(p, &p->current, expected);
    return advance(p);
}

/* ---- nodes ---- */

static enum status add(struct parser *p, enum node_kind kind, node_id *id_out)
{
    return tree_add(p->tree, kind, p->current.at, p->why, id_out);
}

static enum status join(struct parser *p, enum node_kind kind, node_id left, node_id right, node_id *id_out)
{
    return tree_join(p->tree, kind, p->current.at, left, right, p->why, id_out);
}

static enum status chain(struct parser *p, enum node_kind kind, node_id left, node_id right, node_id *id_out)
{
    return tree_chain(p->tree, kind, p->current.at, left, right, p->why, id_out);
}

/* A node with the value of the current token. */
static enum status add_value(struct parser *p, enum node_kind kind, node_id *id_out)
{
    TRY(add(p, kind, id_out));
    TRY(token_value(p->tree->text, &p->current, p->why, &p->tree->nodes[*id_out].value));
    return advance(p);
}

/* ---- lists and hashes ---- */

/* Behind '[': expressions up to ']'. */
static enum status list(struct parser *p, node_id *id_out)
{
    node_id element;
    TRY(add(p, NODE_LIST, id_out));
    for (;;) {
        TRY(expression(p, POWER_NONE, &element));
        TRY(tree_adopt(p->tree, *id_out, element, p->why));
        if (!is_at(p, TOKEN_COMMA)) return take(p, TOKEN_CLOSE_BRACKET, ", or ]");
        TRY(advance(p));
    }
}

static enum status member(struct parser *p, node_id *id_out)
{
    node_id value;
    if (!is_at(p, TOKEN_NAME) && !is_at(p, TOKEN_QUOTED)) return refuse_token(p, &p->current, "a member's name");
    TRY(add_value(p, NODE_MEMBER, id_out));
    TRY(take(p, TOKEN_COLON, ":"));
    TRY(expression(p, POWER_NONE, &value));
    return tree_adopt(p->tree, *id_out, value, p->why);
}

/* Behind '{': members up to '}'. */
static enum status hash(struct parser *p, node_id *id_out)
{
    node_id element;
    TRY(add(p, NODE_HASH, id_out));
    for (;;) {
        TRY(member(p, &element));
        TRY(tree_adopt(p->tree, *id_out, element, p->why));
        if (!is_at(p, TOKEN_COMMA)) return take(p, TOKEN_CLOSE_BRACE, ", or }");
        TRY(advance(p));
    }
}

/* ---- projections ---- */

/* Behind a '.'. */
static enum status after_dot(struct parser *p, enum power power, node_id *id_out)
{
    switch (p->current.kind) {
    case TOKEN_NAME:
    case TOKEN_QUOTED:
    case TOKEN_STAR: return expression(p, power, id_out);
    case TOKEN_OPEN_BRACKET: TRY(advance(p)); return list(p, id_out);
    case TOKEN_OPEN_BRACE: TRY(advance(p)); return hash(p, id_out);
    default: return refuse_token(p, &p->current, "a name, *, [ or { behind .");
    }
}

/* What is found in each element. */
static enum status projected(struct parser *p, enum power power, node_id *id_out)
{
    if (power_of(p->current.kind) < PROJECTION_STOP) return add(p, NODE_CURRENT, id_out);
    if (!is_at(p, TOKEN_DOT)) return expression(p, power, id_out);
    TRY(advance(p));
    return after_dot(p, power, id_out);
}

static enum status project(struct parser *p, enum node_kind kind, node_id left, enum power power, node_id *id_out)
{
    node_id right;
    TRY(projected(p, power, &right));
    return join(p, kind, left, right, id_out);
}

/* Behind '[?'. */
static enum status filter(struct parser *p, node_id left, node_id *id_out)
{
    node_id condition;
    TRY(expression(p, POWER_NONE, &condition));
    TRY(take(p, TOKEN_CLOSE_BRACKET, "] at the end of the filter"));
    TRY(project(p, NODE_EACH_MATCHING, left, POWER_FILTER, id_out));
    return tree_adopt(p->tree, *id_out, condition, p->why);
}

/* ---- what stands in brackets ---- */

static enum status slice_bound(struct parser *p, bool *has_out, int64_t *number_out)
{
    if (!is_at(p, TOKEN_NUMBER)) return OK;
    *has_out = true;
    TRY(token_number(p->tree->text, &p->current, p->why, number_out));
    return advance(p);
}

/* At the first ':'. */
static enum status slicing(struct parser *p, struct slicing *slicing)
{
    static const char expected[] = "a number, : or ]";
    bool has_step = false;
    TRY(take(p, TOKEN_COLON, expected));
    TRY(slice_bound(p, &slicing->has_stop, &slicing->stop));
    if (is_at(p, TOKEN_COLON)) {
        TRY(advance(p));
        const struct token step = p->current;
        TRY(slice_bound(p, &has_step, &slicing->step));
        if (has_step && slicing->step == 0) return refuse_token(p, &step, "a step other than 0");
    }
    if (!has_step) slicing->step = 1;
    return take(p, TOKEN_CLOSE_BRACKET, expected);
}

/* [1], [1:2:3] at the number or ':'. `left` is NODE_NONE where it begins an expression. */
static enum status index_or_slice(struct parser *p, node_id left, node_id *id_out)
{
    node_id id;
    struct slicing bounds = {};
    const size_t at = p->current.at;
    TRY(slice_bound(p, &bounds.has_start, &bounds.start));
    if (bounds.has_start && is_at(p, TOKEN_CLOSE_BRACKET)) {
        TRY(tree_add(p->tree, NODE_INDEX, at, p->why, &id));
        p->tree->nodes[id].index = bounds.start;
        TRY(advance(p));
        if (left != NODE_NONE) return chain(p, NODE_SEQUENCE, left, id, id_out);
        *id_out = id;
        return OK;
    }
    TRY(slicing(p, &bounds));
    if (left == NODE_NONE) TRY(add(p, NODE_CURRENT, &left));
    TRY(project(p, NODE_EACH_SLICED, left, POWER_STAR, id_out));
    p->tree->nodes[*id_out].slicing = bounds;
    return OK;
}

/* Behind a '[' that begins an expression. */
static enum status bracketed(struct parser *p, node_id *id_out)
{
    if (is_at(p, TOKEN_NUMBER) || is_at(p, TOKEN_COLON)) return index_or_slice(p, NODE_NONE, id_out);
    if (!is_at(p, TOKEN_STAR) || p->next.kind != TOKEN_CLOSE_BRACKET) return list(p, id_out);
    node_id left;
    TRY(add(p, NODE_CURRENT, &left));
    TRY(advance(p));
    TRY(advance(p));
    return project(p, NODE_EACH, left, POWER_STAR, id_out);
}

/* Behind a '[' that follows one. */
static enum status subscripted(struct parser *p, node_id left, node_id *id_out)
{
    if (is_at(p, TOKEN_NUMBER) || is_at(p, TOKEN_COLON)) return index_or_slice(p, left, id_out);
    TRY(take(p, TOKEN_STAR, "a number, : or * (a list of expressions stands behind . or |)"));
    TRY(take(p, TOKEN_CLOSE_BRACKET, "]"));
    return project(p, NODE_EACH, left, POWER_STAR, id_out);
}

/* ---- functions ---- */

static enum status argument(struct parser *p, const struct function *function, size_t index, node_id *id_out)
{
    const struct token start = p->current;
    const bool is_reference = is_at(p, TOKEN_REFERENCE);
    if (is_reference != function_wants_reference(function, index))
        return refuse_token(p, &start, is_reference ? "a value, not an expression behind &" : "& and an expression");
    if (!is_reference) return expression(p, POWER_NONE, id_out);
    node_id referred;
    TRY(add(p, NODE_REFERENCE, id_out));
    TRY(advance(p));
    TRY(expression(p, POWER_NONE, &referred));
    return tree_adopt(p->tree, *id_out, referred, p->why);
}

/* At the function's name. */
static enum status call(struct parser *p, node_id *id_out)
{
    const struct token name = p->current;
    const struct function *const function = function_find(name.text);
    size_t count = 0;
    if (function == NULL) return refuse_token(p, &name, "a function of JMESPath, or equals_ignore_case");
    TRY(add(p, NODE_CALL, id_out));
    p->tree->nodes[*id_out].function = function;
    TRY(advance(p));
    TRY(advance(p));
    while (!is_at(p, TOKEN_CLOSE_PARENTHESIS)) {
        node_id id;
        if (count > 0) TRY(take(p, TOKEN_COMMA, ", or )"));
        if (!function->is_variadic && count == function->count)
            return refuse_token(p, &p->current, "fewer arguments of this function");
        TRY(argument(p, function, count, &id));
        TRY(tree_adopt(p->tree, *id_out, id, p->why));
        count++;
    }
    if (!function_takes_count(function, count)) return refuse_token(p, &p->current, "more arguments of this function");
    return advance(p);
}

/* ---- expressions ---- */

static enum status parenthesised(struct parser *p, node_id *id_out)
{
    TRY(expression(p, POWER_NONE, id_out));
    return take(p, TOKEN_CLOSE_PARENTHESIS, ")");
}

static enum status negated(struct parser *p, node_id *id_out)
{
    node_id what;
    TRY(expression(p, POWER_NOT, &what));
    TRY(add(p, NODE_NOT, id_out));
    return tree_adopt(p->tree, *id_out, what, p->why);
}

/* What is taken from the current value by a sign that begins an expression. */
static enum status from_current(struct parser *p, enum token_kind kind, node_id *id_out)
{
    node_id current;
    TRY(add(p, NODE_CURRENT, &current));
    switch (kind) {
    case TOKEN_STAR: return project(p, NODE_EACH_VALUE, current, POWER_STAR, id_out);
    case TOKEN_FLATTEN: return project(p, NODE_EACH_FLAT, current, POWER_FLATTEN, id_out);
    case TOKEN_FILTER: return filter(p, current, id_out);
    default: *id_out = current; return OK;
    }
}

/* What can begin an expression. */
static enum status beginning(struct parser *p, node_id *id_out)
{
    const struct token token = p->current;
    switch (token.kind) {
    case TOKEN_NAME:
        if (p->next.kind == TOKEN_OPEN_PARENTHESIS) return call(p, id_out);
        return add_value(p, NODE_FIELD, id_out);
    case TOKEN_QUOTED: return add_value(p, NODE_FIELD, id_out);
    case TOKEN_RAW:
    case TOKEN_LITERAL: return add_value(p, NODE_LITERAL, id_out);
    case TOKEN_NOT: TRY(advance(p)); return negated(p, id_out);
    case TOKEN_OPEN_PARENTHESIS: TRY(advance(p)); return parenthesised(p, id_out);
    case TOKEN_OPEN_BRACKET: TRY(advance(p)); return bracketed(p, id_out);
    case TOKEN_OPEN_BRACE: TRY(advance(p)); return hash(p, id_out);
    case TOKEN_CURRENT:
    case TOKEN_STAR:
    case TOKEN_FLATTEN:
    case TOKEN_FILTER: TRY(advance(p)); return from_current(p, token.kind, id_out);
    default: return refuse_token(p, &token, "an expression");
    }
}

static enum status infix(struct parser *p, enum node_kind kind, enum power power, node_id left, node_id *id_out)
{
    node_id right;
    TRY(expression(p, power, &right));
    return chain(p, kind, left, right, id_out);
}

static enum status comparison(struct parser *p, enum token_kind kind, node_id left, node_id *id_out)
{
    node_id right;
    TRY(expression(p, POWER_COMPARISON, &right));
    TRY(join(p, NODE_COMPARISON, left, right, id_out));
    p->tree->nodes[*id_out].comparator = (enum comparator)(kind - TOKEN_EQUAL);
    return OK;
}

static enum status dotted(struct parser *p, node_id left, node_id *id_out)
{
    node_id right;
    if (is_at(p, TOKEN_STAR)) {
        TRY(advance(p));
        return project(p, NODE_EACH_VALUE, left, POWER_DOT, id_out);
    }
    TRY(after_dot(p, POWER_DOT, &right));
    return chain(p, NODE_SEQUENCE, left, right, id_out);
}

/* What can follow an expression. */
static enum status continuation(struct parser *p, node_id left, node_id *id_out)
{
    const enum token_kind kind = p->current.kind;
    TRY(advance(p));
    switch (kind) {
    case TOKEN_DOT: return dotted(p, left, id_out);
    case TOKEN_PIPE: return infix(p, NODE_SEQUENCE, POWER_PIPE, left, id_out);
    case TOKEN_OR: return infix(p, NODE_OR, POWER_OR, left, id_out);
    case TOKEN_AND: return infix(p, NODE_AND, POWER_AND, left, id_out);
    case TOKEN_FLATTEN: return project(p, NODE_EACH_FLAT, left, POWER_FLATTEN, id_out);
    case TOKEN_FILTER: return filter(p, left, id_out);
    case TOKEN_OPEN_BRACKET: return subscripted(p, left, id_out);
    default: return comparison(p, kind, left, id_out);
    }
}

static enum status expression(struct parser *p, enum power power, node_id *id_out)
{
    node_id left, whole;
    if (p->depth == JMESPATH_NESTING_MAX)
        return refuse(p->why, ERR_POLICY_LIMIT, "JMESPath expression", "at most 256 parts in one another", "more");
    p->depth++;
    TRY(beginning(p, &left));
    while (power < power_of(p->current.kind)) {
        TRY(continuation(p, left, &whole));
        left = whole;
    }
    p->depth--;
    *id_out = left;
    return OK;
}

/* ---- the whole ---- */

enum status jmespath_parse(struct jmespath *tree, struct refusal *why)
{
    struct parser p = {.lexer = {.text = tree->text}, .tree = tree, .why = why};
    TRY(advance(&p));
    TRY(advance(&p));
    TRY(expression(&p, POWER_NONE, &tree->root));
    if (!is_at(&p, TOKEN_END)) return refuse_token(&p, &p.current, "the end, or a sign that goes on");
    return OK;
}
