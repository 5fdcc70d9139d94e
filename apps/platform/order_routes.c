/* SPDX-License-Identifier: Apache-2.0
 *
 * Ordering a diagnosis: the film's tensor goes to the diagnosis enclave that the request's statement names; order,
 * observation, report and the clinicians' message are filed together, or nothing is.
 */
#include "base/encoding.h"
#include "base/log.h"
#include "imaging/png_write.h"
#include "imaging/tensor.h"
#include "platform/film_store.h"
#include "platform/platform.h"
#include "records/fhir_build.h"
#include "records/resources.h"

#include <stdio.h>
#include <string.h>

enum { HEATMAP_PNG_MAX_BYTES = 64 * 1024 };

/* What is ordered: validated, and what it names is there. */
struct order {
    json_t *json;
    struct record_id patient, study;
    struct film_record film;
    struct buffer tensor;
};

static void order_done(struct order *order)
{
    json_done(&order->json);
    buffer_done(&order->tensor);
}

static enum status read_order(const struct inner_request *request, struct refusal *why, struct order *order)
{
    TRY(fhir_parse(request->message->body, why, &order->json));
    TRY(fhir_validate(order->json, request->now_s, why));
    enum fhir_type type;
    TRY(fhir_type_of(order->json, why, &type));
    if (type != FHIR_SERVICE_REQUEST)
        return refuse(why, ERR_FHIR, "resourceType", "ServiceRequest", "%s", fhir_type_name(type));
    TRY(fhir_patient_of(order->json, &order->patient));
    const json_t *const info = json_array_get(json_object_get(order->json, "supportingInfo"), 0);
    const struct slice reference = slice_of_text(json_string_value(json_object_get(info, "reference")));
    struct slice target, id;
    if (!slice_split(reference, '/', &target, &id) || !slice_equal_text(target, "ImagingStudy") ||
        record_id_from(id, &order->study) != OK)
        return refuse(why, ERR_FHIR, "ServiceRequest.supportingInfo[0].reference", "ImagingStudy/ID", "another form");
    return OK;
}

/* The film's id stands in the study as the platform wrote it: an identifier of the system urn:lazaret:film. */
static enum status film_id_of(const json_t *study, struct record_id *id_out)
{
    size_t index;
    json_t *identifier;
    json_array_foreach (json_object_get(study, "identifier"), index, identifier) {
        const char *const system = json_string_value(json_object_get(identifier, "system"));
        if (system == NULL || strcmp(system, "urn:lazaret:film") != 0) continue;
        return record_id_from(slice_of_text(json_string_value(json_object_get(identifier, "value"))), id_out);
    }
    return ERR_NOT_FOUND;
}

static enum status film_of_study(struct store_transaction *transaction, struct order *order, struct refusal *why)
{
    CLEANUP(json_done) json_t *study = NULL;
    const enum status status = resource_get(transaction, FHIR_IMAGING_STUDY, &order->study, &study, NULL);
    struct record_id patient = {};
    if (status == OK) TRY(fhir_patient_of(study, &patient));
    if (status == ERR_NOT_FOUND || (status == OK && strcmp(patient.text, order->patient.text) != 0))
        return refuse(why, ERR_FHIR, "ServiceRequest.supportingInfo[0].reference", "a study of this patient", "none");
    TRY(status);
    return film_id_of(study, &order->film.id);
}

static enum status load(struct platform *platform, struct order *order, struct refusal *why)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    TRY(film_of_study(transaction, order, why));
    TRY(film_get(transaction, slice_of_text(order->film.id.text), &order->film, NULL));
    order->tensor = buffer_of_maximum(FILM_TENSOR_BYTES);
    return film_value_get(transaction, &order->film, FILM_TENSOR_TYPE, &order->tensor);
}

/* A diagnosis service that answers wrongly is no fault of the client's, whatever the code of what is wrong. */
static enum status refuse_service(enum status status, struct refusal *why)
{
    if (status == OK || inner_status_of(status) >= 500 || status == ERR_BUSY) return status;
    return refuse(why, ERR_INFERENCE, "diagnosis service", "an answer with its receipt", "%s", status_name(status));
}

/* Only the hop that the accepted statement names: its key is pinned. The statement is asked again after the key was
 * taken: a hop that was replaced in between is none that the client has verified. */
static enum status run_model(struct platform *platform, const struct inner_request *request, const struct order *order,
                             struct refusal *why, struct diagnosis_result *result)
{
    enum chain_verdict verdict;
    char key[THUMBPRINT_TEXT_BYTES + 1];
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(TOKEN_MAX_BYTES);
    TRY(chain_hop(platform->chain, CHAIN_DIAGNOSIS, &verdict, key, &token));
    if (verdict != CHAIN_ACCEPTED)
        return refuse(why, ERR_PEER_REFUSED, "diagnosis service", "accepted in the chain statement", "%s",
                      verdict == CHAIN_REFUSED ? "refused" : "unreachable");
    if (!statement_is_good(platform, request->message))
        return refuse(why, ERR_PEER_REFUSED, "lazaret-statement", "the present chain statement", "an earlier one");
    const enum status status =
        diagnosis_client_run(platform->diagnosis, key, buffer_slice(&token), buffer_slice(&order->tensor), why, result);
    return refuse_service(status, why);
}

/* The resources that come of an order. */
struct outcome {
    struct record_id order, observation, report, message;
    json_t *order_json, *observation_json, *report_json, *message_json;
};

static void outcome_done(struct outcome *outcome)
{
    json_done(&outcome->order_json);
    json_done(&outcome->observation_json);
    json_done(&outcome->report_json);
    json_done(&outcome->message_json);
}

static void write_conclusion(const struct diagnosis_result *result, char *text, size_t size)
{
    const bool is_positive = result->score >= result->threshold;
    (void)snprintf(text, size, "Pneumonia: %s. Score %.2f, operating point %.2f.", is_positive ? "likely" : "unlikely",
                   result->score, result->threshold);
}

static enum status build_finding(const struct order *order, const struct diagnosis_result *result,
                                 struct outcome *outcome, int64_t now_s)
{
    CLEANUP(buffer_done) struct buffer heatmap = buffer_of_maximum(HEATMAP_PNG_MAX_BYTES);
    if (result->heatmap.size > 0)
        TRY(png_write_heatmap(buffer_slice(&result->heatmap), result->heatmap_side, result->heatmap_side, &heatmap));
    CLEANUP(buffer_done) struct buffer receipt = buffer_of_maximum(DIAGNOSIS_RECEIPT_MAX_BYTES + 1);
    TRY(buffer_append(&receipt, buffer_slice(&result->receipt)));
    const char *receipt_text = NULL;
    TRY(buffer_text(&receipt, &receipt_text));
    char conclusion[DIAGNOSIS_TEXT_MAX_BYTES];
    write_conclusion(result, conclusion, sizeof(conclusion));
    const char *const header_reason = order->film.unsuitable[0] == '\0' ? NULL : order->film.unsuitable;
    const struct fhir_finding finding = {
        .observation = outcome->observation,
        .report = outcome->report,
        .patient = order->patient,
        .study = order->study,
        .order = outcome->order,
        .model_name = result->model_name,
        .model_version = result->model_version,
        .model_digest = result->model_digest,
        .threshold = result->threshold,
        .score = result->score,
        .is_positive = result->score >= result->threshold,
        .unsuitable = header_reason != NULL   ? header_reason
                      : result->is_unsuitable ? result->unsuitable_reason
                                              : NULL,
        .conclusion = conclusion,
        .heatmap_png = buffer_slice(&heatmap),
        .receipt = receipt.size == 0 ? NULL : receipt_text,
        .now_s = now_s,
    };
    if (finding.unsuitable == NULL) TRY(fhir_build_observation(&finding, &outcome->observation_json));
    return fhir_build_report(&finding, &outcome->report_json);
}

static enum status build_outcome(const struct inner_request *request, const struct order *order,
                                 const struct diagnosis_result *result, struct outcome *outcome)
{
    TRY(record_id_new(&outcome->order));
    TRY(record_id_new(&outcome->observation));
    TRY(record_id_new(&outcome->report));
    TRY(record_id_new(&outcome->message));
    TRY(fhir_build_order(order->json, outcome->order, request->account->name, request->now_s, &outcome->order_json));
    TRY(build_finding(order, result, outcome, request->now_s));
    const struct fhir_message message = {
        .id = outcome->message, .patient = order->patient, .report = outcome->report, .now_s = request->now_s};
    return fhir_build_message(&message, &outcome->message_json);
}

static enum status keep_outcome(struct store_transaction *transaction, const struct outcome *outcome, int64_t now_s,
                                struct refusal *why)
{
    TRY(resource_create(transaction, outcome->order_json, &outcome->order, now_s, why));
    if (outcome->observation_json != NULL)
        TRY(resource_create(transaction, outcome->observation_json, &outcome->observation, now_s, why));
    TRY(resource_create(transaction, outcome->report_json, &outcome->report, now_s, why));
    return resource_create(transaction, outcome->message_json, &outcome->message, now_s, why);
}

static enum status write_answer(const struct outcome *outcome, struct inner_response *response)
{
    char location[INNER_FIELD_VALUE_MAX_BYTES];
    TRY(inner_json(response, 201, json_incref(outcome->order_json)));
    response->content_type = "application/fhir+json";
    (void)snprintf(location, sizeof(location), "ServiceRequest/%s", outcome->order.text);
    TRY(inner_field(response, "location", location));
    (void)snprintf(location, sizeof(location), "DiagnosticReport/%s", outcome->report.text);
    return inner_field(response, "location-report", location);
}

enum status order_create(struct platform *platform, const struct inner_request *request, struct refusal *why,
                         struct inner_response *response)
{
    CLEANUP(order_done) struct order order = {};
    TRY(read_order(request, why, &order));
    TRY(load(platform, &order, why));
    CLEANUP(long_work_end) struct long_work work = {};
    TRY(long_work_begin(platform, why, response, &work));
    CLEANUP(diagnosis_result_done) struct diagnosis_result result = {};
    /* A film whose header already says that it is not the model's is not sent at all. */
    if (order.film.unsuitable[0] == '\0') TRY(run_model(platform, request, &order, why, &result));
    CLEANUP(outcome_done) struct outcome outcome = {};
    TRY(build_outcome(request, &order, &result, &outcome));
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    TRY(keep_outcome(transaction, &outcome, request->now_s, why));
    TRY(write_answer(&outcome, response));
    return platform_commit(platform, request, response, &transaction);
}
