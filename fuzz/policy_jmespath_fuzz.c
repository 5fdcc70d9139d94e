/* SPDX-License-Identifier: Apache-2.0
 * Hits jmespath_compile, jmespath_search, jmespath_write: an expression, a NUL and a JSON document. */
#include "fuzz.h"
#include "policy/jmespath.h"

#include <stdlib.h>

enum { DOCUMENT_MAX_BYTES = 65536, STEPS = 20000 };

/* What was found can be written, and reads as the same. */
static void check_text(const json_t *result)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(DOCUMENT_MAX_BYTES);
    CLEANUP(json_done) json_t *read = NULL;
    uint64_t steps = STEPS;
    if (jmespath_write(result, &steps, NULL, &text) != OK) return;
    if (json_parse_value(buffer_slice(&text), DOCUMENT_MAX_BYTES, NULL, &read) != OK) return; /* deeper than 32 */
    if (json_equal(read, result) == 0) abort();
}

/* What it finds, whoever looks, is the same; and with fewer steps than that it finds nothing. */
static void check_again(const struct jmespath *expression, json_t *document, uint64_t taken, const json_t *result)
{
    CLEANUP(json_done) json_t *again = NULL;
    uint64_t steps = taken;
    if (jmespath_search(expression, document, &steps, NULL, &again) != OK || steps != 0) abort();
    if (json_typeof(again) != json_typeof(result)) abort();
    steps = taken - 1;
    json_t *none = NULL;
    if (jmespath_search(expression, document, &steps, NULL, &none) != ERR_POLICY_LIMIT || none != NULL) abort();
}

static void search(const struct jmespath *expression, json_t *document)
{
    CLEANUP(json_done) json_t *before = json_deep_copy(document), *result = NULL;
    struct refusal why = {};
    uint64_t steps = STEPS;
    const enum status status = jmespath_search(expression, document, &steps, &why, &result);
    if (status != OK && status != ERR_JMESPATH && status != ERR_POLICY_LIMIT) abort();
    if ((status == OK) != (result != NULL) || (status != OK) != (why.expected[0] != '\0')) abort();
    if (before != NULL && json_equal(before, document) == 0) abort();
    if (status == OK) check_text(result);
    if (status == OK) check_again(expression, document, STEPS - steps, result);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(jmespath_cleanup) struct jmespath *expression = NULL;
    CLEANUP(json_done) json_t *document = NULL;
    struct slice text = slice_of(bytes, size), json = SLICE_LITERAL("{}");
    struct refusal why = {};
    if (size > 0) (void)slice_split(text, 0, &text, &json);
    const enum status status = jmespath_compile(text, &why, &expression);
    if (status != OK && status != ERR_JMESPATH && status != ERR_POLICY_LIMIT) abort();
    if (status != OK && (why.field[0] == '\0' || expression != NULL)) abort();
    if (status == OK && json_parse(json, DOCUMENT_MAX_BYTES, NULL, &document) == OK) search(expression, document);
    return 0;
}
