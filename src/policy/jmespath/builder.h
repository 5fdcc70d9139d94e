/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser, and its two helpers: nodes put together within their bounds, and what stands between quotes.
 */
#pragma once

#include "policy/jmespath/lexer.h"
#include "policy/jmespath/tree.h"

/* Reads `tree->text` into nodes. Errors as jmespath_compile's. */
enum status jmespath_parse(struct jmespath *tree, struct refusal *why);

/* ERR_POLICY_LIMIT over JMESPATH_NODE_MAX_COUNT. */
enum status tree_add(struct jmespath *tree, enum node_kind kind, size_t at, struct refusal *why, node_id *id_out);

/* Makes `child` the last child of `parent`. ERR_POLICY_LIMIT over JMESPATH_NESTING_MAX. */
enum status tree_adopt(struct jmespath *tree, node_id parent, node_id child, struct refusal *why);

/* A new node with its children in order. */
enum status tree_join(struct jmespath *tree, enum node_kind kind, size_t at, node_id left, node_id right,
                      struct refusal *why, node_id *id_out);

/* As tree_join, but a chain of one kind grows instead of nesting. `left` has no parent yet. */
enum status tree_chain(struct jmespath *tree, enum node_kind kind, size_t at, node_id left, node_id right,
                       struct refusal *why, node_id *id_out);

/* What a TOKEN_NAME, TOKEN_QUOTED, TOKEN_RAW or TOKEN_LITERAL stands for. */
enum status token_value(struct slice text, const struct token *token, struct refusal *why, json_t **value_out);

/* A TOKEN_NUMBER. */
enum status token_number(struct slice text, const struct token *token, struct refusal *why, int64_t *number_out);
