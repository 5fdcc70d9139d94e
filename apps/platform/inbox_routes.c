/* SPDX-License-Identifier: Apache-2.0
 *
 * The clinicians' inbox: a message for each result. Those that wait are all shown (of the newest INBOX_LOOKED_AT), and
 * the newest acknowledged ones behind them, so that a result that nobody has read is not pushed out of sight.
 */
#include "platform/platform.h"
#include "records/fhir_build.h"
#include "records/resources.h"

#include <string.h>

enum { INBOX_LOOKED_AT = 5000, INBOX_ACKNOWLEDGED_MAX_COUNT = 100 };

static struct slice id_in_reference(const json_t *reference)
{
    struct slice type, id = {};
    const struct slice text = slice_of_text(json_string_value(json_object_get(reference, "reference")));
    return slice_split(text, '/', &type, &id) ? id : (struct slice){};
}

static json_t *message_json(const json_t *communication)
{
    const struct slice patient = id_in_reference(json_object_get(communication, "subject"));
    const struct slice report = id_in_reference(json_array_get(json_object_get(communication, "about"), 0));
    json_t *const message =
        json_pack("{s:s, s:s, s:s%, s:s%, s:s}", "id", json_string_value(json_object_get(communication, "id")), "kind",
                  "result", "patient", patient.bytes, patient.size, "report", report.bytes, report.size, "sent",
                  json_string_value(json_object_get(communication, "sent")));
    const json_t *const received = json_object_get(communication, "received");
    if (message != NULL && received != NULL)
        (void)json_object_set_new(message, "acknowledged", json_string(json_string_value(received)));
    return message;
}

/* The messages that are acknowledged, or those that are not, newest first, at most `limit`. */
static enum status add_messages(const json_t *searchset, bool acknowledged, size_t limit, json_t *messages)
{
    size_t index;
    json_t *entry;
    json_array_foreach (json_object_get(searchset, "entry"), index, entry) {
        const json_t *const communication = json_object_get(entry, "resource");
        if (json_has(communication, "received") != acknowledged || limit == 0) continue;
        if (json_array_append_new(messages, message_json(communication)) != 0) return ERR_NO_MEMORY;
        limit--;
    }
    return OK;
}

enum status inbox_list(struct platform *platform, const struct inner_request *, struct refusal *,
                       struct inner_response *response)
{
    CLEANUP(json_done) json_t *searchset = NULL;
    TRY(fhir_searchset_new(&searchset));
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    TRY(resource_list_all(transaction, FHIR_COMMUNICATION, INBOX_LOOKED_AT, searchset));
    CLEANUP(json_done) json_t *messages = json_array();
    TRY(add_messages(searchset, false, INBOX_LOOKED_AT, messages));
    TRY(add_messages(searchset, true, INBOX_ACKNOWLEDGED_MAX_COUNT, messages));
    return inner_json(response, 200, json_pack("{s:O}", "messages", messages));
}

enum status inbox_acknowledge(struct platform *platform, const struct inner_request *request, struct refusal *why,
                              struct inner_response *response)
{
    struct record_id id;
    if (record_id_from(request->segments[0], &id) != OK)
        return refuse(why, ERR_NOT_FOUND, "path", "a message of this id", "none");
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    CLEANUP(json_done) json_t *message = NULL;
    uint64_t version;
    const enum status status = resource_get(transaction, FHIR_COMMUNICATION, &id, &message, &version);
    if (status == ERR_NOT_FOUND) return refuse(why, ERR_NOT_FOUND, "path", "a message of this id", "none");
    TRY(status);
    TRY(fhir_acknowledge_message(message, request->account->name, request->now_s));
    TRY(resource_update(transaction, message, &id, version, request->now_s, why, &version));
    inner_empty(response, 204);
    return platform_commit(platform, request, response, &transaction);
}
