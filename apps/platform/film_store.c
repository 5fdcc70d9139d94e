/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/film_store.h"

#include <stdio.h>
#include <string.h>

size_t film_part_count(const struct film_record *film)
{
    return ((size_t)film->size + FILM_PART_BYTES - 1) / FILM_PART_BYTES;
}

size_t film_part_size(const struct film_record *film, size_t part)
{
    const size_t count = film_part_count(film);
    if (part >= count) return 0;
    return part + 1 < count ? FILM_PART_BYTES : (size_t)film->size - part * FILM_PART_BYTES;
}

static json_t *facts_json(const struct film_facts *facts)
{
    return json_pack("{s:b, s:b, s:i, s:i, s:s, s:s, s:s, s:s, s:s}", "is_colour", facts->is_colour, "was_inverted",
                     facts->was_inverted, "bits", (int)facts->bits_stored, "age_days", (int)facts->age_days, "modality",
                     facts->modality, "body_part", facts->body_part, "view", facts->view_position, "photometric",
                     facts->photometric, "transfer_syntax", facts->transfer_syntax);
}

static json_t *film_json(const struct film_record *film)
{
    return json_pack("{s:s, s:I, s:I, s:b, s:s, s:s, s:I, s:I, s:s, s:o}", "account", film->account.text, "size",
                     (json_int_t)film->size, "created", (json_int_t)film->created_s, "complete", film->is_complete,
                     "study", film->study.text, "format", film->format, "width", (json_int_t)film->width, "height",
                     (json_int_t)film->height, "unsuitable", film->unsuitable, "facts", facts_json(&film->facts));
}

static void copy_text(const json_t *object, const char *name, char *text_out, size_t size)
{
    const char *const text = json_string_value(json_object_get(object, name));
    (void)snprintf(text_out, size, "%s", text == NULL ? "" : text);
}

static void read_facts(const json_t *json, struct film_facts *facts)
{
    facts->is_colour = json_is_true(json_object_get(json, "is_colour"));
    facts->was_inverted = json_is_true(json_object_get(json, "was_inverted"));
    facts->bits_stored = (uint32_t)json_integer_value(json_object_get(json, "bits"));
    facts->age_days = (int32_t)json_integer_value(json_object_get(json, "age_days"));
    copy_text(json, "modality", facts->modality, sizeof(facts->modality));
    copy_text(json, "body_part", facts->body_part, sizeof(facts->body_part));
    copy_text(json, "view", facts->view_position, sizeof(facts->view_position));
    copy_text(json, "photometric", facts->photometric, sizeof(facts->photometric));
    copy_text(json, "transfer_syntax", facts->transfer_syntax, sizeof(facts->transfer_syntax));
}

/* The value was written by film_put and opened under its seal, so its members are there; the size, by which memory is
 * counted, is looked at all the same. */
static enum status read_film(const json_t *json, struct film_record *film)
{
    copy_text(json, "account", film->account.text, sizeof(film->account.text));
    film->size = json_integer_value(json_object_get(json, "size"));
    film->created_s = json_integer_value(json_object_get(json, "created"));
    film->is_complete = json_is_true(json_object_get(json, "complete"));
    copy_text(json, "study", film->study.text, sizeof(film->study.text));
    copy_text(json, "format", film->format, sizeof(film->format));
    film->width = json_integer_value(json_object_get(json, "width"));
    film->height = json_integer_value(json_object_get(json, "height"));
    copy_text(json, "unsuitable", film->unsuitable, sizeof(film->unsuitable));
    read_facts(json_object_get(json, "facts"), &film->facts);
    return film->size >= 1 && film->size <= FILM_FILE_MAX_BYTES ? OK : ERR_STORE_CORRUPT;
}

enum status film_get(struct store_transaction *transaction, struct slice id, struct film_record *film_out,
                     uint64_t *version_out)
{
    struct film_record film = {};
    TRY(record_id_from(id, &film.id));
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(FILM_RECORD_MAX_BYTES);
    struct store_facts facts;
    TRY(store_get(transaction, FILM_TYPE, film.id.text, &value, &facts));
    CLEANUP(json_done) json_t *json = NULL;
    if (json_parse(buffer_slice(&value), FILM_RECORD_MAX_BYTES, NULL, &json) != OK) return ERR_STORE_CORRUPT;
    TRY(read_film(json, &film));
    TRY(record_id_from(slice_of_text(facts.owner), &film.patient));
    *film_out = film;
    if (version_out != NULL) *version_out = facts.version;
    return OK;
}

/* An account's staged films are found by a token that a complete film does not have. */
static enum status add_staging_token(struct store_transaction *transaction, const struct record_id *account,
                                     struct lookup_tokens *tokens)
{
    return lookup_tokens_add(store_keys(transaction), "film.staged-by", slice_of_text(account->text), tokens);
}

enum status film_put(struct store_transaction *transaction, const struct film_record *film, uint64_t version)
{
    CLEANUP(json_done) json_t *json = film_json(film);
    if (json == NULL) return ERR_NO_MEMORY;
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(FILM_RECORD_MAX_BYTES);
    TRY(json_write(json, &value));
    struct lookup_tokens tokens = {};
    if (!film->is_complete) TRY(add_staging_token(transaction, &film->account, &tokens));
    const struct store_record record = {
        .type = FILM_TYPE,
        .id = film->id.text,
        .owner = film->patient.text,
        .version = version,
        .expires_s = film->is_complete ? 0 : film->created_s + FILM_STAGING_LIFE_S,
        .value = buffer_slice(&value),
    };
    return store_put(transaction, &record, &tokens, NULL);
}

bool film_is_over(const struct film_record *film, int64_t now_s)
{
    return !film->is_complete && film->created_s + FILM_STAGING_LIFE_S <= now_s;
}

struct staged_count {
    int64_t now_s;
    size_t count;
};

static enum status count_staged(void *context, const struct store_record *record, bool *more)
{
    struct staged_count *const staged = context;
    CLEANUP(json_done) json_t *json = NULL;
    if (json_parse(record->value, FILM_RECORD_MAX_BYTES, NULL, &json) != OK) return ERR_STORE_CORRUPT;
    struct film_record film = {};
    TRY(read_film(json, &film));
    if (!film_is_over(&film, staged->now_s)) staged->count++;
    *more = true;
    return OK;
}

enum status film_count_staged(struct store_transaction *transaction, const struct record_id *account, int64_t now_s,
                              size_t *count_out)
{
    struct lookup_tokens tokens = {};
    TRY(add_staging_token(transaction, account, &tokens));
    struct staged_count staged = {.now_s = now_s};
    TRY(store_search(transaction, FILM_TYPE, &tokens, count_staged, &staged));
    *count_out = staged.count;
    return OK;
}

enum status film_forget(struct store_transaction *transaction, const struct film_record *film)
{
    TRY(store_delete_owned(transaction, film->id.text, NULL));
    return store_delete(transaction, FILM_TYPE, film->id.text);
}

enum status film_forget_staged(struct store_transaction *transaction, const struct film_record *film, uint64_t version)
{
    struct film_record present;
    uint64_t present_version;
    TRY(film_get(transaction, slice_of_text(film->id.text), &present, &present_version));
    if (present.is_complete || present_version != version) return ERR_CONFLICT;
    return film_forget(transaction, film);
}

struct part_id {
    char text[RECORD_ID_BYTES + 24];
};

static struct part_id part_id(const struct film_record *film, size_t part)
{
    struct part_id id;
    (void)snprintf(id.text, sizeof(id.text), "%s.%zu", film->id.text, part);
    return id;
}

static enum status put_owned(struct store_transaction *transaction, const struct film_record *film, const char *type,
                             const char *id, struct slice value)
{
    const struct store_record record = {
        .type = type,
        .id = id,
        .owner = film->id.text,
        .version = STORE_ANY_VERSION,
        .value = value,
    };
    return store_put(transaction, &record, NULL, NULL);
}

enum status film_part_put(struct store_transaction *transaction, const struct film_record *film, uint64_t version,
                          size_t part, struct slice bytes)
{
    TRY(film_put(transaction, film, version));
    return put_owned(transaction, film, FILM_PART_TYPE, part_id(film, part).text, bytes);
}

enum status film_parts_present(struct store_transaction *transaction, const struct film_record *film,
                               bool present_out[static FILM_PART_MAX_COUNT])
{
    bool present[FILM_PART_MAX_COUNT] = {};
    for (size_t part = 0; part < film_part_count(film) && part < FILM_PART_MAX_COUNT; part++)
        TRY(store_has(transaction, FILM_PART_TYPE, part_id(film, part).text, &present[part]));
    memcpy(present_out, present, sizeof(present));
    return OK;
}

enum status film_file(struct store_transaction *transaction, const struct film_record *film, struct buffer *file)
{
    for (size_t part = 0; part < film_part_count(film); part++) {
        const size_t before = file->size;
        const enum status status = store_get(transaction, FILM_PART_TYPE, part_id(film, part).text, file, NULL);
        if (status == ERR_NOT_FOUND) return ERR_TRUNCATED;
        TRY(status);
        if (file->size - before != film_part_size(film, part)) return ERR_STORE_CORRUPT;
    }
    return OK;
}

enum status film_value_put(struct store_transaction *transaction, const struct film_record *film, const char *type,
                           struct slice value)
{
    return put_owned(transaction, film, type, film->id.text, value);
}

enum status film_value_get(struct store_transaction *transaction, const struct film_record *film, const char *type,
                           struct buffer *value)
{
    return store_get(transaction, type, film->id.text, value, NULL);
}
