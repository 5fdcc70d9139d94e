/* SPDX-License-Identifier: Apache-2.0
 *
 * First answers: kept in the transaction of their effect, given again to a retry under the same idempotency key.
 */
#include "crypto/hash.h"
#include "platform/platform.h"
#include "records/idempotency.h"

#include <stdio.h>

static enum status idempotency_of(const struct inner_request *request, struct idempotency_key *key_out)
{
    const struct bhttp_request *const message = request->message;
    const struct slice parts[] = {message->method, SLICE_LITERAL("\n"), message->path, SLICE_LITERAL("\n"),
                                  message->body};
    *key_out = (struct idempotency_key){.account = request->account->id, .key = request->idempotency_key};
    return sha256_parts(parts, sizeof(parts) / sizeof(parts[0]), key_out->request);
}

/* The fields and content type of an answer, in the form in which they are kept: a binary HTTP response without content.
 */
static enum status write_head(const struct inner_response *response, struct buffer *head)
{
    struct bhttp_response message = {.status = response->status};
    if (response->content_type != NULL)
        message.fields[message.field_count++] =
            (struct bhttp_field){.name = SLICE_LITERAL("content-type"), .value = slice_of_text(response->content_type)};
    for (size_t i = 0; i < response->field_count; i++)
        message.fields[message.field_count++] = (struct bhttp_field){.name = slice_of_text(response->fields[i].name),
                                                                     .value = slice_of_text(response->fields[i].value)};
    return bhttp_write_response(&message, head);
}

static enum status take_field(const struct bhttp_response *head, const char *name, struct inner_response *response)
{
    const struct slice value = bhttp_field(head->fields, head->field_count, name);
    char text[INNER_FIELD_VALUE_MAX_BYTES];
    if (value.size == 0 || value.size >= sizeof(text)) return OK;
    (void)snprintf(text, sizeof(text), "%.*s", (int)value.size, (const char *)value.bytes);
    return inner_field(response, name, text);
}

static enum status take_kept_answer(const struct idempotency_answer *kept, struct inner_response *response)
{
    static const char *const types[] = {"application/json", "application/fhir+json"};
    static const char *const fields[] = {"location", "etag", "location-report"};
    struct bhttp_response head = {};
    if (bhttp_read_response(kept->headers, NULL, &head) != OK) return ERR_STORE_CORRUPT;
    const struct slice type = bhttp_field(head.fields, head.field_count, "content-type");
    inner_forget_fields(response);
    TRY(inner_text(response, kept->status, NULL, kept->body));
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (slice_equal_text(type, types[i])) response->content_type = types[i];
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) TRY(take_field(&head, fields[i], response));
    return OK;
}

enum status platform_kept_answer(struct platform *platform, const struct inner_request *request, struct refusal *why,
                                 struct inner_response *response)
{
    struct idempotency_key key;
    TRY(idempotency_of(request, &key));
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    CLEANUP(buffer_done) struct buffer storage = buffer_of_maximum(STORE_VALUE_MAX_BYTES);
    struct idempotency_answer answer = {};
    const enum status status = idempotency_find(transaction, &key, request->now_s, &storage, &answer);
    if (status == ERR_CONFLICT)
        return refuse(why, ERR_FIELD_VALUE, "idempotency-key", "a key of its own for each request",
                      "the key of another request");
    TRY(status);
    return take_kept_answer(&answer, response);
}

enum status platform_commit(struct platform *, const struct inner_request *request,
                            const struct inner_response *response, struct store_transaction **transaction)
{
    struct idempotency_key key;
    TRY(idempotency_of(request, &key));
    CLEANUP(buffer_done) struct buffer head = buffer_of_maximum(IDEMPOTENCY_HEADERS_MAX_BYTES);
    TRY(write_head(response, &head));
    const struct idempotency_answer answer = {
        .status = response->status, .headers = buffer_slice(&head), .body = buffer_slice(&response->body)};
    TRY(idempotency_keep(*transaction, &key, request->now_s, &answer));
    return store_commit(transaction);
}
