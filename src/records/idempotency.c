/* SPDX-License-Identifier: Apache-2.0 */
#include "records/idempotency.h"

#include "base/encoding.h"
#include "base/reader.h"

static const char record_type[] = "answer";

enum { ANSWER_MAX_BYTES = 8 + 32 + 12 + IDEMPOTENCY_HEADERS_MAX_BYTES + IDEMPOTENCY_BODY_MAX_BYTES };

enum status idempotency_key_check(struct slice key, struct refusal *why)
{
    bool is_visible = key.size > 0 && key.size <= IDEMPOTENCY_KEY_MAX_BYTES;
    for (size_t i = 0; is_visible && i < key.size; i++) is_visible = key.bytes[i] > ' ' && key.bytes[i] <= '~';
    if (is_visible) return OK;
    return refuse(why, ERR_FIELD_VALUE, "idempotency-key", "1 to 64 visible ASCII characters", "%zu bytes", key.size);
}

/* The record's id is a token over account and key, so that neither stands in the table. */
struct answer_id {
    char text[2 * LOOKUP_TOKEN_BYTES + 1];
};

static enum status answer_id(const struct store_transaction *transaction, const struct idempotency_key *key,
                             struct answer_id *id_out)
{
    TRY(idempotency_key_check(key->key, NULL));
    CLEANUP(buffer_done) struct buffer name = buffer_of_maximum(2 * (2 + SEALED_TEXT_MAX_BYTES));
    TRY(append_counted(&name, slice_of_text(key->account)));
    TRY(append_counted(&name, key->key));
    struct lookup_token token;
    TRY(lookup_token_of(store_keys(transaction), "idempotency", buffer_slice(&name), &token));
    CLEANUP(buffer_done) struct buffer hex = buffer_of_maximum(2 * LOOKUP_TOKEN_BYTES);
    TRY(hex_encode(SLICE_ARRAY(token.bytes), &hex));
    for (size_t i = 0; i < hex.size; i++) id_out->text[i] = (char)hex.bytes[i];
    id_out->text[hex.size] = '\0';
    return OK;
}

static enum status parse_answer(struct slice value, struct slice *request_out, int64_t *kept_s_out,
                                struct idempotency_answer *answer_out)
{
    struct reader reader = reader_over(value);
    uint64_t kept_s;
    uint32_t status, headers_size;
    TRY(reader_u64(&reader, &kept_s));
    TRY(reader_slice(&reader, 32, request_out));
    TRY(reader_u32(&reader, &status));
    TRY(reader_u32(&reader, &headers_size));
    TRY(reader_slice(&reader, headers_size, &answer_out->headers));
    answer_out->body = reader.rest;
    answer_out->status = status;
    *kept_s_out = (int64_t)kept_s;
    return OK;
}

enum status idempotency_find(struct store_transaction *transaction, const struct idempotency_key *key, int64_t now_s,
                             struct buffer *storage, struct idempotency_answer *answer_out)
{
    struct answer_id id;
    TRY(answer_id(transaction, key, &id));
    buffer_done(storage);
    *storage = buffer_of_maximum(ANSWER_MAX_BYTES);
    TRY(store_get(transaction, record_type, id.text, storage, NULL));
    struct slice request;
    int64_t kept_s;
    struct idempotency_answer answer;
    if (parse_answer(buffer_slice(storage), &request, &kept_s, &answer) != OK) return ERR_STORE_CORRUPT;
    if (now_s - kept_s >= IDEMPOTENCY_KEEP_S) return ERR_NOT_FOUND;
    if (!slice_equal(request, SLICE_ARRAY(key->request))) return ERR_CONFLICT;
    *answer_out = answer;
    return OK;
}

/* An answer that is over but not swept yet makes way. */
static enum status make_way(struct store_transaction *transaction, const struct idempotency_key *key, int64_t now_s,
                            const char *id)
{
    CLEANUP(buffer_done) struct buffer storage = {};
    struct idempotency_answer answer;
    const enum status found = idempotency_find(transaction, key, now_s, &storage, &answer);
    if (found == OK) return ERR_CONFLICT;
    if (found != ERR_NOT_FOUND) return found;
    const enum status deleted = store_delete(transaction, record_type, id);
    return deleted == ERR_NOT_FOUND ? OK : deleted;
}

enum status idempotency_keep(struct store_transaction *transaction, const struct idempotency_key *key, int64_t now_s,
                             const struct idempotency_answer *answer)
{
    if (answer->headers.size > IDEMPOTENCY_HEADERS_MAX_BYTES || answer->body.size > IDEMPOTENCY_BODY_MAX_BYTES)
        return ERR_TOO_LARGE;
    struct answer_id id;
    TRY(answer_id(transaction, key, &id));
    TRY(make_way(transaction, key, now_s, id.text));
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(ANSWER_MAX_BYTES);
    TRY(buffer_append_u64(&value, (uint64_t)now_s));
    TRY(buffer_append(&value, SLICE_ARRAY(key->request)));
    TRY(buffer_append_u32(&value, answer->status));
    TRY(buffer_append_u32(&value, (uint32_t)answer->headers.size));
    TRY(buffer_append(&value, answer->headers));
    TRY(buffer_append(&value, answer->body));
    const struct store_record record = {.type = record_type,
                                        .id = id.text,
                                        .owner = "",
                                        .expires_s = now_s + IDEMPOTENCY_KEEP_S,
                                        .value = buffer_slice(&value)};
    return store_put(transaction, &record, NULL, NULL);
}
