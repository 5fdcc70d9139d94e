/* SPDX-License-Identifier: Apache-2.0
 *
 * Films: uploaded in parts, visible only when complete, decoded in a contained child.
 */
#include "base/encoding.h"
#include "crypto/hash.h"
#include "imaging/header_gate.h"
#include "imaging/png_write.h"
#include "imaging/tensor.h"
#include "platform/film_store.h"
#include "platform/platform.h"
#include "records/fhir_build.h"
#include "records/resources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CREATE_BODY_MAX_BYTES = 4096, COMPLETE_BODY_MAX_BYTES = 1024 };

static enum status read_create(const struct inner_request *request, struct refusal *why, struct film_record *film)
{
    CLEANUP(json_done) json_t *body = NULL;
    TRY(json_parse(request->message->body, CREATE_BODY_MAX_BYTES, why, &body));
    static const char *const names[] = {"patient", "size", "name", NULL};
    TRY(json_only(body, "", names, why));
    struct slice patient, name;
    TRY(json_get_string(body, "", "patient", RECORD_ID_BYTES, why, &patient));
    if (record_id_from(patient, &film->patient) != OK)
        return refuse(why, ERR_FIELD_VALUE, "patient", "a patient's id", "another form");
    if (json_has(body, "name")) TRY(json_get_string(body, "", "name", FILM_NAME_MAX_BYTES, why, &name));
    TRY(json_get_integer(body, "", "size", 1, INT64_MAX, why, &film->size));
    if (film->size > FILM_FILE_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "size", "at most 67108864 bytes (64 MiB)", "%lld bytes",
                      (long long)film->size);
    return OK;
}

static enum status check_patient(struct store_transaction *transaction, const struct film_record *film,
                                 struct refusal *why)
{
    CLEANUP(json_done) json_t *patient = NULL;
    const enum status status = resource_get(transaction, FHIR_PATIENT, &film->patient, &patient, NULL);
    return status == ERR_NOT_FOUND ? refuse(why, ERR_NOT_FOUND, "patient", "a registered patient", "no such patient")
                                   : status;
}

/* What is staged takes place on the disk before anybody has looked at it. */
static enum status check_staged_count(struct store_transaction *transaction, const struct film_record *film,
                                      struct refusal *why)
{
    size_t count;
    TRY(film_count_staged(transaction, &film->account, film->created_s, &count));
    if (count < FILM_STAGED_MAX_COUNT) return OK;
    (void)!refuse(why, ERR_BUSY, "films", "fewer than 16 films of this account that are not complete", "%zu", count);
    return refuse_fix(why, ERR_BUSY, "complete or cancel one of them; each is forgotten a day after it was begun");
}

enum status film_create(struct platform *platform, const struct inner_request *request, struct refusal *why,
                        struct inner_response *response)
{
    struct film_record film = {.created_s = request->now_s};
    TRY(read_create(request, why, &film));
    TRY(record_id_new(&film.id));
    TRY(record_id_from(slice_of_text(request->account->id), &film.account));
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    TRY(check_patient(transaction, &film, why));
    TRY(check_staged_count(transaction, &film, why));
    TRY(film_put(transaction, &film, 0));
    TRY(inner_json(response, 201,
                   json_pack("{s:s, s:I, s:I}", "film", film.id.text, "part_size", (json_int_t)FILM_PART_BYTES, "parts",
                             (json_int_t)film_part_count(&film))));
    return platform_commit(platform, request, response, &transaction);
}

/* A film that this account is uploading; anybody else's is as if it were not there. */
static enum status staged_film(struct store_transaction *transaction, const struct inner_request *request,
                               struct refusal *why, struct film_record *film_out, uint64_t *version_out)
{
    const enum status status = film_get(transaction, request->segments[0], film_out, version_out);
    const bool is_own = status == OK && strcmp(film_out->account.text, request->account->id) == 0;
    const bool is_over = status == OK && film_is_over(film_out, request->now_s);
    if (status == ERR_NOT_FOUND || (status == OK && (!is_own || is_over)))
        return refuse(why, ERR_NOT_FOUND, "film", "a film that this account is uploading", "none of this id");
    TRY(status);
    if (film_out->is_complete) return refuse(why, ERR_CONFLICT, "film.state", "staging", "complete");
    return OK;
}

static enum status read_part_number(struct slice text, const struct film_record *film, struct refusal *why,
                                    size_t *part_out)
{
    size_t part = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9' || i > 4)
            return refuse(why, ERR_FIELD_VALUE, "part", "a number from 0", "%zu characters", text.size);
        part = part * 10 + (size_t)(text.bytes[i] - '0');
    }
    if (part >= film_part_count(film)) {
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "0 to %zu", film_part_count(film) - 1);
        return refuse(why, ERR_FIELD_VALUE, "part", expected, "%zu", part);
    }
    *part_out = part;
    return OK;
}

enum status film_put_part(struct platform *platform, const struct inner_request *request, struct refusal *why,
                          struct inner_response *response)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    struct film_record film = {};
    uint64_t version;
    TRY(staged_film(transaction, request, why, &film, &version));
    size_t part;
    TRY(read_part_number(request->segments[1], &film, why, &part));
    const size_t size = film_part_size(&film, part);
    if (request->message->body.size != size) {
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "%zu bytes", size);
        return refuse(why, ERR_FIELD_VALUE, "body", expected, "%zu bytes", request->message->body.size);
    }
    TRY(film_part_put(transaction, &film, version, part, request->message->body));
    inner_empty(response, 204);
    return platform_commit(platform, request, response, &transaction);
}

static json_t *film_answer(const struct film_record *film)
{
    json_t *const answer =
        json_pack("{s:s, s:s, s:s, s:I}", "film", film->id.text, "patient", film->patient.text, "state",
                  film->is_complete ? "complete" : "staging", "size", (json_int_t)film->size);
    if (answer == NULL || !film->is_complete) return answer;
    (void)json_object_set_new(answer, "study", json_string(film->study.text));
    (void)json_object_set_new(answer, "format", json_string(film->format));
    (void)json_object_set_new(answer, "width", json_integer(film->width));
    (void)json_object_set_new(answer, "height", json_integer(film->height));
    if (film->facts.modality[0] != '\0')
        (void)json_object_set_new(answer, "modality", json_string(film->facts.modality));
    if (film->facts.body_part[0] != '\0')
        (void)json_object_set_new(answer, "body_part", json_string(film->facts.body_part));
    if (film->unsuitable[0] != '\0') (void)json_object_set_new(answer, "unsuitable", json_string(film->unsuitable));
    return answer;
}

/* A complete film, or one that this account is uploading: what is staged is nobody else's to see. */
static enum status find_film(struct platform *platform, const struct inner_request *request, struct refusal *why,
                             struct store_transaction **transaction, struct film_record *film_out)
{
    TRY(store_begin(platform->store, transaction));
    const enum status status = film_get(*transaction, request->segments[0], film_out, NULL);
    const bool is_hidden =
        status == OK && !film_out->is_complete &&
        (strcmp(film_out->account.text, request->account->id) != 0 || film_is_over(film_out, request->now_s));
    if (status == ERR_NOT_FOUND || is_hidden) return refuse(why, ERR_NOT_FOUND, "film", "a film", "none of this id");
    return status;
}

enum status film_show(struct platform *platform, const struct inner_request *request, struct refusal *why,
                      struct inner_response *response)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    struct film_record film = {};
    TRY(find_film(platform, request, why, &transaction, &film));
    CLEANUP(json_done) json_t *answer = film_answer(&film);
    CLEANUP(json_done) json_t *received = json_array();
    bool present[FILM_PART_MAX_COUNT];
    TRY(film_parts_present(transaction, &film, present));
    for (size_t part = 0; part < film_part_count(&film); part++) {
        if (present[part] && json_array_append_new(received, json_integer((json_int_t)part)) != 0) return ERR_NO_MEMORY;
    }
    if (json_object_set(answer, "received", received) != 0) return ERR_NO_MEMORY;
    return inner_json(response, 200, json_incref(answer));
}

enum status film_cancel(struct platform *platform, const struct inner_request *request, struct refusal *why,
                        struct inner_response *response)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    struct film_record film = {};
    TRY(staged_film(transaction, request, why, &film, NULL));
    TRY(film_forget(transaction, &film));
    inner_empty(response, 204);
    return platform_commit(platform, request, response, &transaction);
}

/* What decoding makes of an upload, made outside any transaction because it takes time. */
struct developed {
    struct film film;
    struct buffer screen, tensor;
};

static void developed_done(struct developed *developed)
{
    film_done(&developed->film);
    buffer_done(&developed->screen);
    buffer_done(&developed->tensor);
}

static enum status read_digest(const struct inner_request *request, struct refusal *why, uint8_t digest_out[static 32])
{
    CLEANUP(json_done) json_t *body = NULL;
    TRY(json_parse(request->message->body, COMPLETE_BODY_MAX_BYTES, why, &body));
    static const char *const names[] = {"sha256", NULL};
    TRY(json_only(body, "", names, why));
    return json_get_hex(body, "", "sha256", 32, why, digest_out);
}

static enum status gather_file(struct platform *platform, const struct inner_request *request, struct refusal *why,
                               struct film_record *film_out, uint64_t *version_out, struct buffer *file)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    TRY(staged_film(transaction, request, why, film_out, version_out));
    const enum status status = film_file(transaction, film_out, file);
    if (status == ERR_TRUNCATED) {
        (void)!refuse(why, ERR_FIELD_VALUE, "film.parts", "every part", "some are missing");
        return refuse_fix(why, ERR_FIELD_VALUE, "send the parts that GET /films/{id} does not list as received");
    }
    return status;
}

static enum status check_digest(struct slice file, const uint8_t expected[static 32], struct refusal *why)
{
    uint8_t digest[32];
    TRY(sha256(file, digest));
    if (memcmp(digest, expected, sizeof(digest)) == 0) return OK;
    (void)!refuse(why, ERR_FIELD_VALUE, "sha256", "the digest of the parts that arrived", "another digest");
    return refuse_fix(why, ERR_FIELD_VALUE, "upload the film again");
}

static enum status develop(struct platform *platform, struct slice file, struct refusal *why,
                           struct film_record *record, struct developed *developed)
{
    TRY(decoder_decode(platform->decoder, file, why, &developed->film));
    const struct film *const film = &developed->film;
    developed->screen = buffer_of_maximum(STORE_VALUE_MAX_BYTES);
    developed->tensor = buffer_of_maximum(FILM_TENSOR_BYTES);
    TRY(png_write_film(film, FILM_SCREEN_SIDE, &developed->screen));
    TRY(film_to_tensor(film, &developed->tensor));
    record->is_complete = true;
    record->width = film->width;
    record->height = film->height;
    record->facts = film->facts;
    (void)snprintf(record->format, sizeof(record->format), "%s", film_format_name(film->facts.format));
    struct refusal unsuitable = {};
    const enum status gate = header_gate_check(&film->facts, &unsuitable);
    if (gate == ERR_IMAGE_UNSUITABLE)
        (void)snprintf(record->unsuitable, sizeof(record->unsuitable), "%s: %s, expected %s", unsuitable.field,
                       unsuitable.seen, unsuitable.expected);
    return gate == ERR_IMAGE_UNSUITABLE ? OK : gate;
}

static enum status keep_study(struct store_transaction *transaction, const struct film_record *record, int64_t now_s)
{
    const struct fhir_study study = {
        .id = record->study,
        .patient = record->patient,
        .film = record->id,
        .modality = record->facts.modality[0] == '\0' ? NULL : record->facts.modality,
        .body_part = record->facts.body_part[0] == '\0' ? NULL : record->facts.body_part,
        .now_s = now_s,
    };
    CLEANUP(json_done) json_t *resource = NULL;
    TRY(fhir_build_study(&study, &resource));
    return resource_create(transaction, resource, &record->study, now_s, NULL);
}

static enum status keep_film(struct platform *platform, const struct inner_request *request,
                             const struct film_record *record, uint64_t version, const struct developed *developed,
                             struct refusal *why, struct inner_response *response)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    const enum status status = film_put(transaction, record, version);
    if (status == ERR_CONFLICT || status == ERR_NOT_FOUND)
        return refuse(why, ERR_CONFLICT, "film.parts", "the parts that were read", "others, or none any more");
    TRY(status);
    TRY(film_value_put(transaction, record, FILM_SCREEN_TYPE, buffer_slice(&developed->screen)));
    TRY(film_value_put(transaction, record, FILM_TENSOR_TYPE, buffer_slice(&developed->tensor)));
    TRY(keep_study(transaction, record, request->now_s));
    TRY(inner_json(response, 201, film_answer(record)));
    return platform_commit(platform, request, response, &transaction);
}

/* A file that is no picture is forgotten at once: nothing of it is kept. Not if it was changed meanwhile: what was
 * refused is then no longer there, and what is there may be complete. */
static void forget_refused(struct platform *platform, const struct film_record *film, uint64_t version)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    if (store_begin(platform->store, &transaction) != OK || film_forget_staged(transaction, film, version) != OK)
        return;
    (void)!store_commit(&transaction);
}

static bool is_the_pictures_fault(enum status status)
{
    return status == ERR_IMAGE_FORMAT || status == ERR_IMAGE_MALFORMED || status == ERR_IMAGE_UNSUPPORTED ||
           status == ERR_CHILD_DIED || status == ERR_TOO_LARGE;
}

enum status film_complete(struct platform *platform, const struct inner_request *request, struct refusal *why,
                          struct inner_response *response)
{
    uint8_t digest[32];
    TRY(read_digest(request, why, digest));
    CLEANUP(long_work_end) struct long_work work = {};
    TRY(long_work_begin(platform, why, response, &work));
    struct film_record record = {};
    uint64_t version = 0;
    CLEANUP(buffer_done) struct buffer file = buffer_of_maximum(FILM_FILE_MAX_BYTES);
    TRY(gather_file(platform, request, why, &record, &version, &file));
    TRY(check_digest(buffer_slice(&file), digest, why));
    CLEANUP(developed_done) struct developed developed = {};
    const struct film_record staged = record;
    const enum status status = develop(platform, buffer_slice(&file), why, &record, &developed);
    if (is_the_pictures_fault(status)) forget_refused(platform, &staged, version);
    TRY(status);
    TRY(record_id_new(&record.study));
    return keep_film(platform, request, &record, version, &developed, why, response);
}

static enum status wanted_side(const struct inner_request *request, struct refusal *why, uint32_t *side_out)
{
    *side_out = 1024;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(INNER_QUERY_VALUE_MAX_BYTES);
    const enum status status = inner_query(request, "size", &text);
    if (status == ERR_FIELD_MISSING) return OK;
    uint32_t side = 0;
    for (size_t i = 0; i < text.size && side <= PNG_LONGEST_SIDE_MAX; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') side = PNG_LONGEST_SIDE_MAX;
        side = side * 10 + (uint32_t)(text.bytes[i] & 15U);
    }
    if (status != OK || side < PNG_LONGEST_SIDE_MIN || side > PNG_LONGEST_SIDE_MAX)
        return refuse(why, ERR_FIELD_VALUE, "size", "64 to 2048", "another number");
    *side_out = side;
    return OK;
}

static enum status stored_screen(struct platform *platform, const struct inner_request *request, struct refusal *why,
                                 struct film_record *film_out, struct buffer *screen)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(find_film(platform, request, why, &transaction, film_out));
    if (!film_out->is_complete) return refuse(why, ERR_NOT_FOUND, "film.state", "complete", "staging");
    return film_value_get(transaction, film_out, FILM_SCREEN_TYPE, screen);
}

enum status film_image(struct platform *platform, const struct inner_request *request, struct refusal *why,
                       struct inner_response *response)
{
    uint32_t side;
    TRY(wanted_side(request, why, &side));
    struct film_record record = {};
    CLEANUP(buffer_done) struct buffer screen = buffer_of_maximum(STORE_VALUE_MAX_BYTES);
    TRY(stored_screen(platform, request, why, &record, &screen));
    const bool fits = record.width <= side && record.height <= side;
    if (fits || side == FILM_SCREEN_SIDE) return inner_text(response, 200, "image/png", buffer_slice(&screen));
    CLEANUP(long_work_end) struct long_work work = {};
    TRY(long_work_begin(platform, why, response, &work));
    CLEANUP(film_done) struct film film = {};
    TRY(decoder_decode(platform->decoder, buffer_slice(&screen), why, &film));
    CLEANUP(buffer_done) struct buffer png = buffer_of_maximum(STORE_VALUE_MAX_BYTES);
    TRY(png_write_film(&film, side, &png));
    return inner_text(response, 200, "image/png", buffer_slice(&png));
}
