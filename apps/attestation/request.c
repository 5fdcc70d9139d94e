/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/request.h"

#include "base/encoding.h"
#include "base/json.h"

#include <stdio.h>

void attest_request_done(struct attest_request *request)
{
    buffer_done(&request->quote);
    buffer_done(&request->runtime.bytes);
    buffer_done(&request->init_time.bytes);
    buffer_done(&request->nonce);
}

static enum status read_base64(const json_t *object, const char *path, const char *name, const char *field,
                               struct refusal *why, struct buffer *bytes)
{
    struct slice text;
    TRY(json_get_string(object, path, name, ATTEST_BODY_MAX_BYTES, why, &text));
    const enum status status = base64_decode_lenient(text, bytes);
    if (status == ERR_TOO_LARGE) {
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "at most %zu bytes", bytes->maximum);
        return refuse(why, status, field, expected, "%zu characters of base64", text.size);
    }
    if (status == ERR_ENCODING) return refuse(why, ERR_FIELD_VALUE, field, "base64url", "other characters");
    return status;
}

/* The names of an object's members as refusals tell them. */
struct data_names {
    const char *object, *data, *type;
};

static enum status read_type(const json_t *object, const struct data_names *names, struct refusal *why,
                             bool *is_json_out)
{
    struct slice type;
    TRY(json_get_string(object, names->object, "dataType", 16, why, &type));
    *is_json_out = slice_equal_text(type, "JSON");
    if (*is_json_out || slice_equal_text(type, "Binary")) return OK;
    return refuse(why, ERR_FIELD_VALUE, names->type, "\"JSON\" or \"Binary\"", "%.*s", (int)type.size,
                  (const char *)type.bytes);
}

static enum status read_data(const json_t *json, const struct data_names *names, struct refusal *why,
                             struct attest_data *data)
{
    if (!json_has(json, names->object)) return OK;
    json_t *object;
    TRY(json_get_object(json, "", names->object, why, &object));
    data->bytes = buffer_of_maximum(ATTESTATION_RUNTIME_MAX_BYTES);
    TRY(read_base64(object, names->object, "data", names->data, why, &data->bytes));
    TRY(read_type(object, names, why, &data->is_json));
    data->is_given = true;
    return OK;
}

static enum status read_nonce(const json_t *json, struct refusal *why, struct buffer *nonce)
{
    if (!json_has(json, "nonce")) return OK;
    struct slice text;
    TRY(json_get_string(json, "", "nonce", ATTEST_NONCE_MAX_BYTES, why, &text));
    *nonce = buffer_of_maximum(ATTEST_NONCE_MAX_BYTES);
    return buffer_append(nonce, text);
}

static enum status read_members(const json_t *json, struct refusal *why, struct attest_request *request)
{
    static const struct data_names runtime = {"runtimeData", "runtimeData.data", "runtimeData.dataType"};
    static const struct data_names init_time = {"initTimeData", "initTimeData.data", "initTimeData.dataType"};
    request->quote = buffer_of_maximum(QUOTE_MAX_BYTES);
    TRY(read_base64(json, "", "quote", "quote", why, &request->quote));
    TRY(read_data(json, &runtime, why, &request->runtime));
    TRY(read_data(json, &init_time, why, &request->init_time));
    TRY(read_nonce(json, why, &request->nonce));
    if (!json_has(json, "draftPolicyForAttestation")) return OK;
    return refuse(why, ERR_UNSUPPORTED, "draftPolicyForAttestation", "nothing: this service signs every token",
                  "a policy");
}

enum status attest_request_read(struct slice body, struct refusal *why, struct attest_request *request_out)
{
    CLEANUP(json_done) json_t *json = NULL;
    CLEANUP(attest_request_done) struct attest_request request = {};
    TRY(json_parse(body, ATTEST_BODY_MAX_BYTES, why, &json));
    if (!json_is_object(json)) return refuse(why, ERR_FIELD_TYPE, "request", "a JSON object", "an array");
    TRY(read_members(json, why, &request));
    *request_out = request;
    request = (struct attest_request){};
    return OK;
}
