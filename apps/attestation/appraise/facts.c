/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/appraise/facts.h"

#include "base/encoding.h"

#include <assert.h>

/* ---- the list ---- */

static void push(struct facts *facts, struct fact fact)
{
    assert(facts->count < FACTS_MAX_COUNT);
    facts->items[facts->count++] = fact;
}

void facts_add(struct facts *facts, const char *name, enum fact_form form, struct slice bytes)
{
    push(facts, (struct fact){slice_of_text(name), bytes, 0, form, FACT_FOR_BOTH});
}

void facts_add_text(struct facts *facts, const char *name, const char *text)
{
    facts_add(facts, name, FACT_TEXT, slice_of_text(text));
}

void facts_add_integer(struct facts *facts, const char *name, int64_t number)
{
    push(facts, (struct fact){slice_of_text(name), {}, number, FACT_INTEGER, FACT_FOR_BOTH});
}

void facts_add_boolean(struct facts *facts, const char *name, bool value)
{
    push(facts, (struct fact){slice_of_text(name), {}, value, FACT_BOOLEAN, FACT_FOR_BOTH});
}

void facts_add_alias(struct facts *facts, const char *name, enum fact_use use)
{
    assert(facts->count > 0);
    struct fact alias = facts->items[facts->count - 1];
    alias.name = slice_of_text(name);
    alias.use = use;
    push(facts, alias);
}

void facts_restrict(struct facts *facts, enum fact_use use)
{
    assert(facts->count > 0);
    facts->items[facts->count - 1].use = use;
}

/* ---- for policies ---- */

static enum status add_claim(const struct fact *fact, const struct claim_value *value, struct refusal *why,
                             struct claim_set *set)
{
    const struct claim claim = {.type = fact->name, .value = *value, .issuer = CLAIM_OF_SERVICE};
    return claim_set_add(set, &claim, why);
}

static enum status add_text(const struct fact *fact, struct slice text, struct refusal *why, struct claim_set *set)
{
    return add_claim(fact, &(struct claim_value){.type = CLAIM_STRING, .text = text}, why, set);
}

/* `text` is the same for all facts of a list: none needs memory of its own. */
static enum status add_encoded(const struct fact *fact, struct buffer *text, struct refusal *why, struct claim_set *set)
{
    buffer_clear(text);
    TRY(fact->form == FACT_HEX ? hex_encode(fact->bytes, text) : base64url_encode(fact->bytes, text));
    return add_text(fact, buffer_slice(text), why, set);
}

static enum status show(const struct fact *fact, struct buffer *text, struct refusal *why, struct claim_set *set)
{
    switch (fact->form) {
    case FACT_TEXT:
    case FACT_JSON: return add_text(fact, fact->bytes, why, set);
    case FACT_HEX:
    case FACT_BASE64URL: return add_encoded(fact, text, why, set);
    case FACT_INTEGER:
        return add_claim(fact, &(struct claim_value){.type = CLAIM_INTEGER, .integer = fact->number}, why, set);
    case FACT_BOOLEAN:
        return add_claim(fact, &(struct claim_value){.type = CLAIM_BOOLEAN, .boolean = fact->number != 0}, why, set);
    }
    return ERR_INTERNAL;
}

enum status facts_show(const struct facts *facts, struct refusal *why, struct claim_set *incoming)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(2 * ATTESTATION_RUNTIME_MAX_BYTES);
    for (size_t i = 0; i < facts->count; i++) {
        if ((facts->items[i].use & FACT_FOR_POLICY) != 0) TRY(show(&facts->items[i], &text, why, incoming));
    }
    return OK;
}

/* ---- for tokens ---- */

static enum status write_encoded(const struct fact *fact, struct buffer *text)
{
    TRY(buffer_append_u8(text, '"'));
    TRY(fact->form == FACT_HEX ? hex_encode(fact->bytes, text) : base64url_encode(fact->bytes, text));
    return buffer_append_u8(text, '"');
}

enum status fact_write(const struct fact *fact, struct buffer *text)
{
    switch (fact->form) {
    case FACT_TEXT: return json_append_string(fact->bytes, text);
    case FACT_JSON: return buffer_append(text, fact->bytes);
    case FACT_HEX:
    case FACT_BASE64URL: return write_encoded(fact, text);
    case FACT_INTEGER: return buffer_append_format(text, "%lld", (long long)fact->number);
    case FACT_BOOLEAN: return buffer_append_text(text, fact->number != 0 ? "true" : "false");
    }
    return ERR_INTERNAL;
}
