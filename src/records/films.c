/* SPDX-License-Identifier: Apache-2.0 */
#include "records/films.h"

#include "base/encoding.h"

#include <stdio.h>
#include <string.h>

static const char film_type[] = "film";
static const char part_type[] = "film-part";
static const char image_type[] = "film-image";
static const char staged_field[] = "film.staged-by";
static const char study_field[] = "film.study";

enum { RECORD_MAX_BYTES = 4096, NAME_BYTES = RECORD_ID_BYTES + 16 };

/* Parts and pictures are named after their film: "ID.number". */
struct piece_name {
    char text[NAME_BYTES];
};

static struct piece_name piece_name(const struct film *film, unsigned number)
{
    struct piece_name name;
    (void)snprintf(name.text, sizeof(name.text), "%s.%u", film->id.text, number);
    return name;
}

static uint32_t part_size(const struct film *film, uint32_t number)
{
    const uint32_t before = number * FILM_PART_BYTES;
    const uint32_t rest = film->size - before;
    return rest < FILM_PART_BYTES ? rest : FILM_PART_BYTES;
}

/* --- the film's own record --- */

static enum status write_value(const struct film *film, struct buffer *value)
{
    CLEANUP(json_done)
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:I, s:b, s:s, s:s, s:s, s:s, s:I, s:I}", "patient", film->patient.text, "account",
                  film->account, "name", film->name, "size", (json_int_t)film->size, "complete", film->is_complete,
                  "study", film->study.text, "format", film->format, "modality", film->modality, "body_part",
                  film->body_part, "width", (json_int_t)film->width, "height", (json_int_t)film->height);
    if (object == NULL) return ERR_ENCODING;
    return json_write(object, value);
}

static void get_text(const json_t *object, const char *name, size_t size, char *text_out)
{
    const char *const text = json_string_value(json_object_get(object, name));
    (void)snprintf(text_out, size, "%s", text != NULL ? text : "");
}

static uint32_t get_number(const json_t *object, const char *name)
{
    return (uint32_t)json_integer_value(json_object_get(object, name));
}

static uint32_t parts_of(uint64_t size)
{
    return (uint32_t)((size + FILM_PART_BYTES - 1) / FILM_PART_BYTES);
}

/* Reads what write_value wrote; the seal vouches for its form. */
static enum status parse_value(const char *id, struct slice value, struct film *film_out)
{
    CLEANUP(json_done) json_t *object = NULL;
    if (json_parse(value, RECORD_MAX_BYTES, NULL, &object) != OK) return ERR_STORE_CORRUPT;
    struct film film = {};
    (void)snprintf(film.id.text, sizeof(film.id.text), "%s", id);
    get_text(object, "patient", sizeof(film.patient.text), film.patient.text);
    get_text(object, "account", sizeof(film.account), film.account);
    get_text(object, "name", sizeof(film.name), film.name);
    get_text(object, "study", sizeof(film.study.text), film.study.text);
    get_text(object, "format", sizeof(film.format), film.format);
    get_text(object, "modality", sizeof(film.modality), film.modality);
    get_text(object, "body_part", sizeof(film.body_part), film.body_part);
    film.size = get_number(object, "size");
    film.part_count = parts_of(film.size);
    film.width = get_number(object, "width");
    film.height = get_number(object, "height");
    film.is_complete = json_is_true(json_object_get(object, "complete"));
    *film_out = film;
    return OK;
}

/* A staged film is found by its account, a complete one by its study. */
static enum status film_tokens(const struct store_transaction *transaction, const struct film *film,
                               struct lookup_tokens *tokens)
{
    const char *const field = film->is_complete ? study_field : staged_field;
    const char *const value = film->is_complete ? film->study.text : film->account;
    return lookup_tokens_add(store_keys(transaction), field, slice_of_text(value), tokens);
}

static enum status put_film(struct store_transaction *transaction, const struct film *film, uint64_t version,
                            int64_t expires_s)
{
    struct lookup_tokens tokens = {};
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(RECORD_MAX_BYTES);
    TRY(film_tokens(transaction, film, &tokens));
    TRY(write_value(film, &value));
    const struct store_record record = {.type = film_type,
                                        .id = film->id.text,
                                        .owner = film->patient.text,
                                        .version = version,
                                        .expires_s = expires_s,
                                        .value = buffer_slice(&value)};
    return store_put(transaction, &record, &tokens, NULL);
}

/* --- staging --- */

static enum status count_film(void *context, const struct store_record *, bool *)
{
    (*(size_t *)context)++;
    return OK;
}

static enum status check_staged(struct store_transaction *transaction, const struct film *film, struct refusal *why)
{
    struct lookup_tokens tokens = {};
    size_t count = 0;
    TRY(film_tokens(transaction, film, &tokens));
    TRY(store_search(transaction, film_type, &tokens, count_film, &count));
    if (count < FILM_STAGED_MAX_COUNT) return OK;
    return refuse(why, ERR_BUSY, "films", "at most 8 unfinished uploads", "%zu", count);
}

static enum status check_patient(struct store_transaction *transaction, const struct record_id *patient)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(STORE_VALUE_MAX_BYTES);
    return store_get(transaction, "Patient", patient->text, &value, NULL);
}

static enum status check_form(const struct film_form *form, struct refusal *why)
{
    if (form->size == 0 || form->size > FILM_MAX_BYTES)
        return refuse(why, ERR_FIELD_VALUE, "size", "1 to 67108864 bytes", "%llu", (unsigned long long)form->size);
    if (form->name.size > FILM_NAME_MAX_BYTES || !utf8_is_valid(form->name, false))
        return refuse(why, ERR_FIELD_VALUE, "name", "at most 128 bytes of text", "%zu bytes", form->name.size);
    return OK;
}

enum status film_begin(struct store_transaction *transaction, const struct film_form *form, int64_t now_s,
                       struct refusal *why, struct film *film_out)
{
    TRY(check_form(form, why));
    struct film film = {.patient = form->patient, .size = (uint32_t)form->size, .part_count = parts_of(form->size)};
    (void)snprintf(film.account, sizeof(film.account), "%s", form->account);
    if (form->name.size > 0) memcpy(film.name, form->name.bytes, form->name.size);
    TRY(check_patient(transaction, &form->patient));
    TRY(check_staged(transaction, &film, why));
    TRY(record_id_new(&film.id));
    TRY(put_film(transaction, &film, 0, now_s + FILM_STAGING_S));
    *film_out = film;
    return OK;
}

enum status film_get(struct store_transaction *transaction, const struct record_id *id, int64_t now_s,
                     struct film *film_out)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(RECORD_MAX_BYTES);
    struct store_facts facts;
    TRY(store_get(transaction, film_type, id->text, &value, &facts));
    if (facts.expires_s > 0 && facts.expires_s <= now_s) return ERR_NOT_FOUND;
    return parse_value(id->text, buffer_slice(&value), film_out);
}

static enum status put_piece(struct store_transaction *transaction, const struct film *film, const char *type,
                             unsigned number, struct slice bytes)
{
    const struct piece_name name = piece_name(film, number);
    const struct store_record record = {
        .type = type, .id = name.text, .owner = film->id.text, .version = STORE_ANY_VERSION, .value = bytes};
    return store_put(transaction, &record, NULL, NULL);
}

enum status film_put_part(struct store_transaction *transaction, const struct film *film, uint32_t number,
                          struct slice bytes, struct refusal *why)
{
    if (film->is_complete) return ERR_CONFLICT;
    if (number >= film->part_count) return ERR_NOT_FOUND;
    if (bytes.size != part_size(film, number)) {
        char expected[32];
        (void)snprintf(expected, sizeof(expected), "%u bytes", part_size(film, number));
        return refuse(why, ERR_FIELD_VALUE, "body", expected, "%zu bytes", bytes.size);
    }
    return put_piece(transaction, film, part_type, number, bytes);
}

enum status film_received(struct store_transaction *transaction, const struct film *film,
                          bool received_out[static FILM_MAX_PARTS])
{
    for (uint32_t number = 0; number < FILM_MAX_PARTS; number++) received_out[number] = false;
    for (uint32_t number = 0; number < film->part_count; number++) {
        bool is_there;
        TRY(store_has(transaction, part_type, piece_name(film, number).text, &is_there));
        received_out[number] = is_there;
    }
    return OK;
}

enum status film_read(struct store_transaction *transaction, const struct film *film, struct buffer *content)
{
    for (uint32_t number = 0; number < film->part_count; number++) {
        const size_t before = content->size;
        const enum status status = store_get(transaction, part_type, piece_name(film, number).text, content, NULL);
        if (status == ERR_NOT_FOUND) return ERR_TRUNCATED;
        TRY(status);
        if (content->size - before != part_size(film, number)) return ERR_STORE_CORRUPT;
    }
    return OK;
}

enum status film_complete(struct store_transaction *transaction, const struct film *film)
{
    if (film->is_complete) return ERR_CONFLICT;
    struct film complete = *film;
    complete.is_complete = true;
    return put_film(transaction, &complete, 1, 0);
}

enum status film_forget(struct store_transaction *transaction, const struct film *film)
{
    if (film->is_complete) return ERR_CONFLICT;
    TRY(store_delete(transaction, film_type, film->id.text));
    return store_delete_owned(transaction, film->id.text, NULL);
}

enum status film_keep_image(struct store_transaction *transaction, const struct film *film, unsigned side,
                            struct slice png)
{
    return put_piece(transaction, film, image_type, side, png);
}

enum status film_image(struct store_transaction *transaction, const struct film *film, unsigned side,
                       struct buffer *png)
{
    return store_get(transaction, image_type, piece_name(film, side).text, png, NULL);
}

static enum status take_film(void *context, const struct store_record *record, bool *more)
{
    *more = false;
    return parse_value(record->id, record->value, context);
}

enum status film_of_study(struct store_transaction *transaction, const struct record_id *study, struct film *film_out)
{
    struct lookup_tokens tokens = {};
    struct film film = {};
    TRY(lookup_tokens_add(store_keys(transaction), study_field, slice_of_text(study->text), &tokens));
    TRY(store_search(transaction, film_type, &tokens, take_film, &film));
    if (film.id.text[0] == '\0') return ERR_NOT_FOUND;
    *film_out = film;
    return OK;
}
