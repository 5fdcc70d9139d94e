/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/jmespath/builder.h"

#include "base/encoding.h"

#include <string.h>

static enum status check_text(struct slice text, struct refusal *why)
{
    if (text.size > JMESPATH_MAX_BYTES)
        return refuse(why, ERR_POLICY_LIMIT, "JMESPath expression", "at most 8192 bytes", "%zu bytes", text.size);
    if (!utf8_is_valid(text, true) || (text.size > 0 && memchr(text.bytes, 0, text.size) != NULL))
        return refuse(why, ERR_JMESPATH, "JMESPath expression", "UTF-8 without NUL", "other bytes");
    return OK;
}

static enum status copy_text(struct slice text, struct jmespath *tree)
{
    uint8_t *const copy = malloc(text.size + 1);
    if (copy == NULL) return ERR_NO_MEMORY;
    if (text.size > 0) memcpy(copy, text.bytes, text.size);
    tree->text = slice_of(copy, text.size);
    return OK;
}

enum status jmespath_compile(struct slice text, struct refusal *why, struct jmespath **expression_out)
{
    CLEANUP(jmespath_cleanup) struct jmespath *tree = calloc(1, sizeof(*tree));
    if (tree == NULL) return ERR_NO_MEMORY;
    TRY(check_text(text, why));
    TRY(copy_text(text, tree));
    TRY(jmespath_parse(tree, why));
    *expression_out = tree;
    tree = NULL;
    return OK;
}

void jmespath_free(struct jmespath *expression)
{
    if (expression == NULL) return;
    for (size_t i = 0; i < expression->count; i++) json_decref(expression->nodes[i].value);
    free(expression->nodes);
    free((void *)expression->text.bytes);
    free(expression);
}

void jmespath_cleanup(struct jmespath **expression)
{
    jmespath_free(*expression);
    *expression = NULL;
}
