/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/jmespath/builder.h"

#include "policy/jmespath/values.h"

/* ---- nodes ---- */

static enum status grow(struct jmespath *tree)
{
    enum { FIRST_COUNT = 16 };
    const size_t capacity = tree->capacity == 0 ? FIRST_COUNT : 2 * tree->capacity;
    struct node *const nodes = realloc(tree->nodes, capacity * sizeof(*nodes));
    if (nodes == NULL) return ERR_NO_MEMORY;
    tree->nodes = nodes;
    tree->capacity = capacity;
    return OK;
}

enum status tree_add(struct jmespath *tree, enum node_kind kind, size_t at, struct refusal *why, node_id *id_out)
{
    if (tree->count == JMESPATH_NODE_MAX_COUNT)
        return refuse(why, ERR_POLICY_LIMIT, "JMESPath expression", "at most 2048 parts", "more");
    if (tree->count == tree->capacity) TRY(grow(tree));
    tree->nodes[tree->count] = (struct node){
        .kind = kind, .first = NODE_NONE, .last = NODE_NONE, .next = NODE_NONE, .height = 1, .at = (uint32_t)at};
    *id_out = (node_id)tree->count++;
    return OK;
}

enum status tree_adopt(struct jmespath *tree, node_id parent, node_id child, struct refusal *why)
{
    struct node *const p = &tree->nodes[parent];
    if (tree->nodes[child].height >= JMESPATH_NESTING_MAX)
        return refuse(why, ERR_POLICY_LIMIT, "JMESPath expression", "at most 256 parts in one another", "more");
    if (p->first == NODE_NONE)
        p->first = child;
    else
        tree->nodes[p->last].next = child;
    p->last = child;
    if (p->height <= tree->nodes[child].height) p->height = (uint16_t)(tree->nodes[child].height + 1);
    return OK;
}

enum status tree_join(struct jmespath *tree, enum node_kind kind, size_t at, node_id left, node_id right,
                      struct refusal *why, node_id *id_out)
{
    TRY(tree_add(tree, kind, at, why, id_out));
    TRY(tree_adopt(tree, *id_out, left, why));
    return tree_adopt(tree, *id_out, right, why);
}

enum status tree_chain(struct jmespath *tree, enum node_kind kind, size_t at, node_id left, node_id right,
                       struct refusal *why, node_id *id_out)
{
    if (tree->nodes[left].kind != kind) return tree_join(tree, kind, at, left, right, why, id_out);
    *id_out = left;
    return tree_adopt(tree, left, right, why);
}

/* ---- what stands between quotes ---- */

/* Without the backslashes before `quote`; others stay, as do both of a pair. */
static enum status unescaped(struct slice text, uint8_t quote, struct buffer *plain)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] == '\\' && i + 1 < text.size) {
            if (text.bytes[i + 1] != quote) TRY(buffer_append_u8(plain, '\\'));
            i++;
        }
        TRY(buffer_append_u8(plain, text.bytes[i]));
    }
    return OK;
}

static enum status string_value(struct slice text, json_t **value_out)
{
    *value_out = json_of_text(text);
    return *value_out != NULL ? OK : ERR_NO_MEMORY;
}

enum status token_value(struct slice text, const struct token *token, struct refusal *why, json_t **value_out)
{
    if (token->kind == TOKEN_NAME) return string_value(token->text, value_out);
    CLEANUP(buffer_done) struct buffer plain = buffer_of_maximum(JMESPATH_MAX_BYTES);
    const struct slice inner = slice_part(token->text, 1, token->text.size - 2);
    if (token->kind == TOKEN_RAW) {
        TRY(unescaped(inner, '\'', &plain));
        return string_value(buffer_slice(&plain), value_out);
    }
    if (token->kind == TOKEN_LITERAL) TRY(unescaped(inner, '`', &plain));
    const bool is_literal = token->kind == TOKEN_LITERAL;
    const enum status status =
        json_parse_value(is_literal ? buffer_slice(&plain) : token->text, JMESPATH_MAX_BYTES, NULL, value_out);
    if (status == OK || status == ERR_NO_MEMORY) return status;
    return jmespath_refuse_at(text, token->at, token->text,
                              is_literal ? "one JSON value in ``" : "a JSON string in \"\"", why);
}

enum status token_number(struct slice text, const struct token *token, struct refusal *why, int64_t *number_out)
{
    enum { MAX_DIGITS = 18 };
    const bool is_negative = token->text.bytes[0] == '-';
    if (token->text.size - is_negative > MAX_DIGITS)
        return jmespath_refuse_at(text, token->at, token->text, "a number of at most 18 digits", why);
    int64_t number = 0;
    for (size_t i = is_negative; i < token->text.size; i++) number = number * 10 + (token->text.bytes[i] - '0');
    *number_out = is_negative ? -number : number;
    return OK;
}
