/* SPDX-License-Identifier: Apache-2.0
 *
 * The two functions over JSON texts. Texts of claims and literals stay parsed for a while: a policy for TPMs asks a
 * dozen questions of one event log.
 */
#include "policy/language/run.h"

#include <stdio.h>
#include <string.h>

/* Reading and writing JSON takes more time than comparing bytes, and a parsed value more room than its text. */
enum { JSON_STEP_BYTES = 8, JSON_VALUE_BYTES = 64 };

/* ---- documents ---- */

static void forget(struct run *run, struct document *document)
{
    json_done(&document->json);
    run_let_go(run, document->held);
    *document = (struct document){};
}

void run_forget_documents(struct run *run)
{
    for (size_t i = 0; i < DOCUMENT_MAX_COUNT; i++) forget(run, &run->documents[i]);
}

/* About the room that the parsed text takes: most of it goes to values, members and above all objects. */
static size_t room_of(struct slice text)
{
    static const uint8_t weights[UINT8_MAX + 1] = {[','] = 1, [':'] = 2, ['['] = 1, ['{'] = 4};
    size_t values = 1;
    for (size_t i = 0; i < text.size; i++) values += weights[text.bytes[i]];
    return text.size + values * JSON_VALUE_BYTES;
}

static enum status parse_document(struct run *run, const struct expression *place, struct slice text,
                                  struct document *document)
{
    struct refusal inner = {};
    TRY(run_step(run, 1 + text.size / JSON_STEP_BYTES));
    TRY(run_hold(run, room_of(text)));
    document->held = room_of(text);
    document->text = text;
    if (json_parse_value(text, CLAIM_TEXT_MAX_BYTES, &inner, &document->json) == OK) return OK;
    forget(run, document);
    return run_refuse_value(run, place, "JSON", inner.seen);
}

/* A text that stays where it is until the evaluation ends, or until a claim is taken back: then all are forgotten. */
static bool is_lasting(const struct expression *argument)
{
    return argument->kind != EXPRESSION_CALL;
}

static struct document *find_document(struct run *run, struct slice text)
{
    for (size_t i = 0; i < DOCUMENT_MAX_COUNT; i++) {
        struct document *const document = &run->documents[i];
        if (document->json != NULL && document->text.bytes == text.bytes && document->text.size == text.size)
            return document;
    }
    return NULL;
}

/* `own` holds what is not kept; the caller lets it go. */
static enum status get_document(struct run *run, const struct expression *argument, struct slice text,
                                struct document *own, json_t **json_out)
{
    struct document *document = is_lasting(argument) ? find_document(run, text) : own;
    if (document == NULL) {
        document = &run->documents[run->next_document];
        run->next_document = (run->next_document + 1) % DOCUMENT_MAX_COUNT;
        forget(run, document);
    }
    if (document->json == NULL) TRY(parse_document(run, argument, text, document));
    *json_out = document->json;
    return OK;
}

/* ---- JmesPath ---- */

/* A result may hold one value many times over: how long its text is shows only as it is written. */
static enum status write_result(struct run *run, const json_t *result, struct slice *text_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(CLAIM_TEXT_MAX_BYTES);
    struct refusal inner = {};
    const enum status status = jmespath_write(result, &run->steps, &inner, &text);
    if (status == ERR_POLICY_LIMIT) return run_refuse_steps(run);
    if (status == ERR_TOO_LARGE)
        return refuse(run->why, ERR_POLICY_LIMIT, "CLAIM_TEXT_MAX_BYTES", "at most 524288 bytes of a query's result",
                      "more, at policy line %u", run->rule->place.line);
    TRY(status);
    TRY(run_step(run, text.size / JSON_STEP_BYTES));
    return run_copy(run, buffer_slice(&text), text_out);
}

static enum status refuse_query(struct run *run, const struct expression *place, const struct refusal *inner)
{
    char expected[REFUSAL_TEXT_BYTES];
    (void)snprintf(expected, sizeof(expected), "a JMESPath query that fits: %.60s %.140s", inner->field,
                   inner->expected);
    return run_refuse_value(run, place, expected, inner->seen);
}

static enum status search(struct run *run, const struct expression *place, const struct jmespath *query, json_t *json,
                          struct slice *text_out)
{
    CLEANUP(json_done) json_t *result = NULL;
    struct refusal inner = {};
    const enum status status = jmespath_search(query, json, &run->steps, &inner, &result);
    if (status == ERR_JMESPATH) return refuse_query(run, place, &inner);
    if (status == ERR_POLICY_LIMIT && run->steps == 0) return run_refuse_steps(run);
    if (status != OK && run->why != NULL) *run->why = inner;
    TRY(status);
    return write_result(run, result, text_out);
}

static enum status search_with(struct run *run, const struct expression *call, struct slice query_text, json_t *json,
                               struct slice *text_out)
{
    const struct expression *const place = &call->call.arguments[1];
    if (call->call.query != NULL) return search(run, place, call->call.query, json, text_out);
    CLEANUP(jmespath_cleanup) struct jmespath *query = NULL;
    struct refusal inner = {};
    TRY(run_step(run, query_text.size));
    const enum status status = jmespath_compile(query_text, &inner, &query);
    if (status == ERR_JMESPATH) return refuse_query(run, place, &inner);
    if (status != OK && run->why != NULL) *run->why = inner;
    TRY(status);
    return search(run, place, query, json, text_out);
}

enum status policy_function_jmespath(struct run *run, const struct expression *call, const struct values *arguments,
                                     struct values *result_out)
{
    const struct claim_value *const json_text = values_at(&arguments[0], 0), *const query = values_at(&arguments[1], 0);
    if (json_text->type != CLAIM_STRING || query->text.size == 0)
        return run_refuse_value(run, call, "two strings for JmesPath, JSON and a query", "another value");
    struct document own = {};
    struct slice text;
    json_t *json;
    TRY(get_document(run, &call->call.arguments[0], json_text->text, &own, &json));
    const enum status status = search_with(run, call, query->text, json, &text);
    forget(run, &own);
    TRY(status);
    *result_out = (struct values){.one = {.type = CLAIM_STRING, .text = text},
                                  .count = 1,
                                  .read_only = arguments[0].read_only || arguments[1].read_only};
    return OK;
}

/* ---- JsonToClaimValue ---- */

static enum status value_of(struct run *run, const struct expression *call, const json_t *json,
                            struct claim_value *value_out)
{
    switch (json_typeof(json)) {
    case JSON_TRUE:
    case JSON_FALSE: *value_out = (struct claim_value){.type = CLAIM_BOOLEAN, .boolean = json_is_true(json)}; return OK;
    case JSON_INTEGER:
        *value_out = (struct claim_value){.type = CLAIM_INTEGER, .integer = json_integer_value(json)};
        return OK;
    case JSON_STRING:
        value_out->type = CLAIM_STRING;
        return run_copy(run, slice_of(json_string_value(json), json_string_length(json)), &value_out->text);
    case JSON_REAL: return run_refuse_value(run, call, "an integer for JsonToClaimValue", "a fraction");
    case JSON_OBJECT:
        return run_refuse_value(run, call, "a scalar, or an array of them, for JsonToClaimValue", "an object");
    case JSON_ARRAY:
    case JSON_NULL: break;
    }
    return run_refuse_value(run, call, "an array of scalars for JsonToClaimValue", "an array in an array");
}

/* null is no value, alone and among others. */
static enum status values_of(struct run *run, const struct expression *call, const json_t *json, struct values *values)
{
    const size_t count = json_array_size(json);
    void *memory;
    if (json_is_null(json)) return OK;
    if (!json_is_array(json)) {
        values->count = 1;
        return value_of(run, call, json, &values->one);
    }
    TRY(run_step(run, count));
    TRY(run_take(run, count * sizeof(struct claim_value), &memory));
    struct claim_value *const many = memory;
    values->many = many;
    for (size_t i = 0; i < count; i++) {
        const json_t *const element = json_array_get(json, i);
        if (json_is_null(element)) continue;
        many[values->count] = (struct claim_value){};
        TRY(value_of(run, call, element, &many[values->count++]));
    }
    return OK;
}

enum status policy_function_json_to_claim_value(struct run *run, const struct expression *call,
                                                const struct values *arguments, struct values *result_out)
{
    const struct claim_value *const text = values_at(&arguments[0], 0);
    if (text->type != CLAIM_STRING)
        return run_refuse_value(run, call, "JSON as a string for JsonToClaimValue", "another type of value");
    struct document own = {};
    struct values values = {.read_only = arguments[0].read_only};
    TRY(parse_document(run, &call->call.arguments[0], text->text, &own));
    const enum status status = values_of(run, call, own.json, &values);
    forget(run, &own);
    if (status == OK) *result_out = values;
    return status;
}
