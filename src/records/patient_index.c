/* SPDX-License-Identifier: Apache-2.0 */
#include "records/patient_index.h"

#include "records/fhir_primitive.h"
#include "records/fhir_schema.h"
#include "records/name.h"

enum { FOLDED_NAMES_MAX_BYTES = FHIR_RESOURCE_MAX_BYTES, IDENTIFIER_MAX_BYTES = 2 * FHIR_URI_MAX_BYTES };

static const char name_field[] = "Patient.name";
static const char birth_date_field[] = "Patient.birthDate";
static const char identifier_field[] = "Patient.identifier.value";
static const char full_identifier_field[] = "Patient.identifier";

/* --- names --- */

static enum status append_folded(struct slice text, struct buffer *folded)
{
    if (text.size == 0) return OK;
    CLEANUP(buffer_done) struct buffer one = buffer_of_maximum(2 * NAME_MAX_BYTES);
    TRY(name_fold(text, &one));
    if (one.size == 0) return OK;
    if (folded->size > 0) TRY(buffer_append_u8(folded, ' '));
    return buffer_append(folded, buffer_slice(&one));
}

enum status patient_folded_names(const json_t *patient, struct buffer *folded)
{
    size_t index, at;
    json_t *name, *given;
    json_array_foreach (json_object_get(patient, "name"), index, name) {
        TRY(append_folded(fhir_text_of(name, "family"), folded));
        json_array_foreach (json_object_get(name, "given"), at, given)
            TRY(append_folded(slice_of(json_string_value(given), json_string_length(given)), folded));
        TRY(append_folded(fhir_text_of(name, "text"), folded));
    }
    return OK;
}

static enum status add_prefixes(const struct record_keys *keys, struct slice word, struct lookup_tokens *tokens)
{
    const size_t letters = name_letters(word);
    if (letters < NAME_PREFIX_MIN_LETTERS) return lookup_tokens_add(keys, name_field, word, tokens);
    for (size_t i = NAME_PREFIX_MIN_LETTERS; i <= letters && i <= NAME_PREFIX_MAX_LETTERS; i++)
        TRY(lookup_tokens_add(keys, name_field, name_prefix(word, i), tokens));
    return OK;
}

/* A name with very many words is found by its first ones. */
static enum status add_names(const struct record_keys *keys, const json_t *patient, struct lookup_tokens *tokens)
{
    CLEANUP(buffer_done) struct buffer folded = buffer_of_maximum(FOLDED_NAMES_MAX_BYTES);
    TRY(patient_folded_names(patient, &folded));
    struct slice rest = buffer_slice(&folded), word;
    while (tokens->count + NAME_PREFIX_MAX_LETTERS <= PATIENT_INDEXED_NAME_TOKENS && name_next_word(&rest, &word))
        TRY(add_prefixes(keys, word, tokens));
    return OK;
}

/* --- identifiers --- */

/* People write the same number with and without spaces and signs. */
static enum status append_plain(struct slice value, struct buffer *plain)
{
    for (size_t i = 0; i < value.size; i++) {
        const uint8_t c = value.bytes[i];
        if (c == ' ' || c == '-' || c == '.' || c == '/') continue;
        TRY(buffer_append_u8(plain, c >= 'a' && c <= 'z' ? (uint8_t)(c - 0x20) : c));
    }
    return OK;
}

static enum status add_identifier(const struct record_keys *keys, struct slice system, struct slice value,
                                  bool with_value_alone, struct lookup_tokens *tokens)
{
    CLEANUP(buffer_done) struct buffer plain = buffer_of_maximum(IDENTIFIER_MAX_BYTES);
    TRY(append_plain(value, &plain));
    if (plain.size == 0) return OK;
    if (with_value_alone) TRY(lookup_tokens_add(keys, identifier_field, buffer_slice(&plain), tokens));
    if (system.size == 0) return OK;
    CLEANUP(buffer_done) struct buffer full = buffer_of_maximum(IDENTIFIER_MAX_BYTES + 4);
    TRY(buffer_append_u16(&full, (uint16_t)system.size));
    TRY(buffer_append(&full, system));
    TRY(buffer_append(&full, buffer_slice(&plain)));
    return lookup_tokens_add(keys, full_identifier_field, buffer_slice(&full), tokens);
}

enum status patient_index(const struct record_keys *keys, const json_t *patient, struct lookup_tokens *tokens_out)
{
    struct lookup_tokens tokens = {};
    TRY(add_names(keys, patient, &tokens));
    const struct slice birth_date = fhir_text_of(patient, "birthDate");
    if (birth_date.size > 0) TRY(lookup_tokens_add(keys, birth_date_field, birth_date, &tokens));
    size_t index;
    json_t *identifier;
    json_array_foreach (json_object_get(patient, "identifier"), index, identifier) {
        if (index == PATIENT_INDEXED_IDENTIFIERS) break;
        TRY(add_identifier(keys, fhir_text_of(identifier, "system"), fhir_text_of(identifier, "value"), true, &tokens));
    }
    *tokens_out = tokens;
    return OK;
}

/* --- questions --- */

/* A word of one letter narrows nothing down unless it stands alone: the comparison afterwards looks at it. */
static enum status add_question(const struct record_keys *keys, struct slice folded, size_t max_words,
                                struct lookup_tokens *tokens)
{
    struct slice rest = folded, word;
    const size_t before = tokens->count;
    while (tokens->count - before < max_words && name_next_word(&rest, &word)) {
        if (name_letters(word) >= NAME_PREFIX_MIN_LETTERS)
            TRY(lookup_tokens_add(keys, name_field, name_prefix(word, NAME_PREFIX_MAX_LETTERS), tokens));
    }
    rest = folded;
    if (tokens->count == before && name_next_word(&rest, &word))
        return lookup_tokens_add(keys, name_field, word, tokens);
    return OK;
}

static enum status add_name_question(const struct record_keys *keys, struct slice name, struct refusal *why,
                                     struct lookup_tokens *tokens)
{
    CLEANUP(buffer_done) struct buffer folded = buffer_of_maximum(2 * NAME_MAX_BYTES);
    const enum status status = name_fold(name, &folded);
    if (status == ERR_TOO_LARGE || status == ERR_ENCODING || folded.size == 0)
        return refuse(why, ERR_FIELD_VALUE, "name", "the beginning of a name", "another text");
    TRY(status);
    return add_question(keys, buffer_slice(&folded), STORE_QUERY_TOKEN_MAX_COUNT - 2, tokens);
}

static enum status add_identifier_question(const struct record_keys *keys, struct slice identifier, struct refusal *why,
                                           struct lookup_tokens *tokens)
{
    struct slice system, value;
    if (!slice_split(identifier, '|', &system, &value)) {
        system = (struct slice){};
        value = identifier;
    }
    const size_t before = tokens->count;
    if (identifier.size <= IDENTIFIER_MAX_BYTES) TRY(add_identifier(keys, system, value, system.size == 0, tokens));
    if (tokens->count > before) return OK;
    return refuse(why, ERR_FIELD_VALUE, "identifier", "system|value or value", "another form");
}

enum status patient_query_tokens(const struct record_keys *keys, const struct patient_query *query, struct refusal *why,
                                 struct lookup_tokens *tokens_out)
{
    struct lookup_tokens tokens = {};
    if (query->birth_date.size > 0) {
        if (!fhir_date_is_valid(query->birth_date))
            return refuse(why, ERR_FIELD_VALUE, "birthdate", "a date YYYY-MM-DD", "another form");
        TRY(lookup_tokens_add(keys, birth_date_field, query->birth_date, &tokens));
    }
    if (query->identifier.size > 0) TRY(add_identifier_question(keys, query->identifier, why, &tokens));
    if (query->name.size > 0) TRY(add_name_question(keys, query->name, why, &tokens));
    *tokens_out = tokens;
    return OK;
}
