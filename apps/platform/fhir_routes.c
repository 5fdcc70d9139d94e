/* SPDX-License-Identifier: Apache-2.0
 *
 * FHIR resources: what a hospital's desk writes and reads.
 */
#include "base/encoding.h"
#include "platform/platform.h"
#include "records/resources.h"

#include <stdio.h>

static enum status answer_resource(struct inner_response *response, unsigned status, json_t *resource)
{
    TRY(inner_json(response, status, json_incref(resource)));
    response->content_type = "application/fhir+json";
    return OK;
}

static enum status set_version(struct inner_response *response, uint64_t version)
{
    char etag[32];
    (void)snprintf(etag, sizeof(etag), "W/\"%llu\"", (unsigned long long)version);
    return inner_field(response, "etag", etag);
}

static enum status set_location(struct inner_response *response, enum fhir_type type, const struct record_id *id)
{
    char location[INNER_FIELD_VALUE_MAX_BYTES];
    (void)snprintf(location, sizeof(location), "%s/%s", fhir_type_name(type), id->text);
    return inner_field(response, "location", location);
}

static enum status type_of_path(const struct inner_request *request, struct refusal *why, enum fhir_type *type_out)
{
    if (fhir_type_from(request->segments[0], type_out)) return OK;
    return refuse(why, ERR_NOT_FOUND, "path", "a resource type of docs/protocols.md, section 8", "another");
}

/* A resource of the type that the path names, which clients may write. */
static enum status read_resource(const struct inner_request *request, struct refusal *why, enum fhir_type *type_out,
                                 json_t **resource_out)
{
    CLEANUP(json_done) json_t *resource = NULL;
    TRY(type_of_path(request, why, type_out));
    TRY(fhir_parse(request->message->body, why, &resource));
    enum fhir_type type;
    TRY(fhir_type_of(resource, why, &type));
    if (type != *type_out)
        return refuse(why, ERR_FHIR, "resourceType", fhir_type_name(*type_out), "%s", fhir_type_name(type));
    if (!fhir_type_is_clients(type))
        return refuse(why, ERR_FORBIDDEN, "resourceType", "a type that clients write", "%s", fhir_type_name(type));
    TRY(fhir_validate(resource, request->now_s, why));
    *resource_out = resource;
    resource = NULL;
    return OK;
}

enum status fhir_create(struct platform *platform, const struct inner_request *request, struct refusal *why,
                        struct inner_response *response)
{
    enum fhir_type type;
    CLEANUP(json_done) json_t *resource = NULL;
    TRY(read_resource(request, why, &type, &resource));
    struct record_id id;
    TRY(record_id_new(&id));
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    TRY(resource_create(transaction, resource, &id, request->now_s, why));
    TRY(answer_resource(response, 201, resource));
    TRY(set_location(response, type, &id));
    TRY(set_version(response, 1));
    return platform_commit(platform, request, response, &transaction);
}

enum status fhir_transaction(struct platform *platform, const struct inner_request *request, struct refusal *why,
                             struct inner_response *response)
{
    CLEANUP(fhir_transaction_done) struct fhir_transaction entries = {};
    TRY(fhir_transaction_read(request->message->body, request->now_s, why, &entries));
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    TRY(resource_apply(transaction, &entries, request->now_s, why));
    CLEANUP(json_done) json_t *bundle = NULL;
    TRY(fhir_transaction_response(&entries, request->now_s, &bundle));
    TRY(answer_resource(response, 200, bundle));
    return platform_commit(platform, request, response, &transaction);
}

static enum status path_id(struct slice segment, struct refusal *why, struct record_id *id_out)
{
    const enum status status = record_id_from(segment, id_out);
    return status == OK ? OK : refuse(why, ERR_NOT_FOUND, "path", "a resource of this id", "none");
}

enum status fhir_read(struct platform *platform, const struct inner_request *request, struct refusal *why,
                      struct inner_response *response)
{
    enum fhir_type type;
    struct record_id id;
    TRY(type_of_path(request, why, &type));
    TRY(path_id(request->segments[1], why, &id));
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    CLEANUP(json_done) json_t *resource = NULL;
    uint64_t version;
    const enum status status = resource_get(transaction, type, &id, &resource, &version);
    if (status == ERR_NOT_FOUND) return refuse(why, ERR_NOT_FOUND, "path", "a resource of this id", "none");
    TRY(status);
    TRY(answer_resource(response, 200, resource));
    return set_version(response, version);
}

/* if-match: W/"3" */
static enum status expected_version(const struct inner_request *request, struct refusal *why, uint64_t *version_out)
{
    const struct slice text = bhttp_field(request->message->fields, request->message->field_count, "if-match");
    const struct slice before = SLICE_LITERAL("W/\"");
    uint64_t version = 0;
    bool is_well_formed = text.size > before.size + 1 && text.size < before.size + 20 &&
                          slice_starts_with(text, before) && text.bytes[text.size - 1] == '"';
    for (size_t i = before.size; is_well_formed && i + 1 < text.size; i++) {
        is_well_formed = text.bytes[i] >= '0' && text.bytes[i] <= '9';
        version = version * 10 + (uint64_t)(text.bytes[i] - '0');
    }
    if (!is_well_formed || version == 0)
        return refuse(why, ERR_FIELD_MISSING, "if-match", "W/\"n\" with the version that was read",
                      "none, or another form");
    *version_out = version;
    return OK;
}

enum status fhir_update(struct platform *platform, const struct inner_request *request, struct refusal *why,
                        struct inner_response *response)
{
    enum fhir_type type;
    struct record_id id;
    uint64_t expected, version;
    TRY(expected_version(request, why, &expected));
    CLEANUP(json_done) json_t *resource = NULL;
    TRY(read_resource(request, why, &type, &resource));
    TRY(path_id(request->segments[1], why, &id));
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    const enum status status = resource_update(transaction, resource, &id, expected, request->now_s, why, &version);
    if (status == ERR_CONFLICT) return refuse(why, ERR_PRECONDITION, "if-match", "the present version", "an older one");
    if (status == ERR_NOT_FOUND) return refuse(why, ERR_NOT_FOUND, "path", "a resource of this id", "none");
    TRY(status);
    TRY(answer_resource(response, 200, resource));
    TRY(set_version(response, version));
    return platform_commit(platform, request, response, &transaction);
}

static enum status optional_query(const struct inner_request *request, const char *name, struct refusal *why,
                                  struct buffer *value)
{
    *value = buffer_of_maximum(INNER_QUERY_VALUE_MAX_BYTES);
    const enum status status = inner_query(request, name, value);
    if (status == ERR_FIELD_MISSING) return OK;
    return status == OK ? OK : refuse(why, ERR_FIELD_VALUE, name, "at most 256 bytes of text", "another form");
}

static enum status search_patients(struct store_transaction *transaction, const struct inner_request *request,
                                   struct refusal *why, json_t *searchset)
{
    CLEANUP(buffer_done) struct buffer name = {}, birth_date = {}, identifier = {};
    TRY(optional_query(request, "name", why, &name));
    TRY(optional_query(request, "birthdate", why, &birth_date));
    TRY(optional_query(request, "identifier", why, &identifier));
    const struct patient_query query = {
        .name = buffer_slice(&name),
        .birth_date = buffer_slice(&birth_date),
        .identifier = buffer_slice(&identifier),
    };
    return patient_search(transaction, &query, why, searchset);
}

static enum status search_of_patient(struct store_transaction *transaction, const struct inner_request *request,
                                     enum fhir_type type, struct refusal *why, json_t *searchset)
{
    CLEANUP(buffer_done) struct buffer text = {};
    TRY(optional_query(request, "patient", why, &text));
    struct slice patient = buffer_slice(&text);
    const struct slice prefix = SLICE_LITERAL("Patient/");
    if (slice_starts_with(patient, prefix)) patient = slice_part(patient, prefix.size, patient.size);
    struct record_id id;
    if (record_id_from(patient, &id) != OK)
        return refuse(why, ERR_FIELD_MISSING, "patient", "a patient's id", "none, or another form");
    return resource_list(transaction, type, &id, searchset);
}

enum status fhir_search(struct platform *platform, const struct inner_request *request, struct refusal *why,
                        struct inner_response *response)
{
    enum fhir_type type;
    TRY(type_of_path(request, why, &type));
    CLEANUP(json_done) json_t *searchset = NULL;
    TRY(fhir_searchset_new(&searchset));
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    if (type == FHIR_PATIENT)
        TRY(search_patients(transaction, request, why, searchset));
    else
        TRY(search_of_patient(transaction, request, type, why, searchset));
    return answer_resource(response, 200, searchset);
}

enum status fhir_everything(struct platform *platform, const struct inner_request *request, struct refusal *why,
                            struct inner_response *response)
{
    struct record_id id;
    TRY(path_id(request->segments[0], why, &id));
    CLEANUP(json_done) json_t *searchset = NULL;
    TRY(fhir_searchset_new(&searchset));
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    const enum status status = resource_everything(transaction, &id, searchset);
    if (status == ERR_NOT_FOUND) return refuse(why, ERR_NOT_FOUND, "path", "a patient of this id", "none");
    TRY(status);
    return answer_resource(response, 200, searchset);
}
