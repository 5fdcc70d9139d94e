/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm/request.h"

#include "base/encoding.h"

#include <string.h>

void tpm_request_done(struct tpm_request *request)
{
    buffer_done(&request->jws_signature);
    buffer_done(&request->payload);
    json_tree_done(&request->tree);
    buffer_done(&request->enclave_report);
    buffer_done(&request->challenge);
    buffer_done(&request->context);
    tpm_side_done(&request->current);
    tpm_side_done(&request->boot);
    tpm_named_key_done(&request->key);
    for (size_t i = 0; i < TPM_OTHER_KEY_MAX_COUNT; i++) tpm_named_key_done(&request->others[i]);
}

/* ---- members ---- */

enum status tpm_required_bytes(const struct json_node *object, const char *path, const char *name, size_t max_size,
                               struct refusal *why, struct buffer *bytes)
{
    struct slice text;
    *bytes = buffer_of_maximum(max_size);
    TRY(json_node_get_string(object, path, name, SIZE_MAX, why, &text));
    const enum status status = base64_decode_lenient(text, bytes);
    const struct json_path field = json_path(path, name);
    if (status == ERR_ENCODING) return refuse(why, ERR_FIELD_VALUE, field.text, "base64url", "other characters");
    if (status == ERR_TOO_LARGE)
        return refuse(why, status, field.text, "fewer bytes", "%zu characters of base64", text.size);
    return status;
}

enum status tpm_optional_bytes(const struct json_node *object, const char *path, const char *name, size_t max_size,
                               struct refusal *why, struct buffer *bytes)
{
    const struct json_node *const member = json_node_member(object, name);
    *bytes = buffer_of_maximum(max_size);
    if (member == NULL || member->type == JSON_NULL) return OK;
    if (member->type == JSON_STRING && member->size == 0) return OK; /* Windows' logs may be empty */
    return tpm_required_bytes(object, path, name, max_size, why, bytes);
}

/* ---- the JWS ---- */

static enum status malformed(struct refusal *why, const char *field, const char *expected)
{
    return refuse(why, ERR_TOKEN_MALFORMED, field, expected, "something else");
}

static enum status decode_part(struct slice text, const char *field, size_t max_size, struct refusal *why,
                               struct buffer *bytes)
{
    *bytes = buffer_of_maximum(max_size);
    const enum status status = base64_decode_lenient(text, bytes);
    return status == OK || status == ERR_NO_MEMORY ? status : malformed(why, field, "base64url, within the size limit");
}

static enum status check_header(const struct json_node *header, struct refusal *why, bool *is_v2_out)
{
    struct slice algorithm, type;
    TRY(json_node_get_string(header, "header", "alg", 64, why, &algorithm));
    TRY(json_node_get_string(header, "header", "typ", 64, why, &type));
    if (!slice_equal_text(algorithm, "PS256"))
        return refuse(why, ERR_TOKEN_ALGORITHM, "header.alg", "PS256", "%.*s", (int)algorithm.size, algorithm.bytes);
    *is_v2_out = slice_equal_text(type, "attReqV2");
    if (!*is_v2_out && !slice_equal_text(type, "attReq"))
        return refuse(why, ERR_TOKEN_TYPE, "header.typ", "attReq or attReqV2", "%.*s", (int)type.size, type.bytes);
    if (json_node_member(header, "crit") != NULL) return malformed(why, "header.crit", "no critical extension");
    return OK;
}

static enum status read_header(struct slice text, struct refusal *why, bool *is_v2_out)
{
    CLEANUP(buffer_done) struct buffer bytes = {};
    CLEANUP(json_tree_done) struct json_tree tree = {};
    TRY(decode_part(text, "header", TPM_HEADER_MAX_BYTES, why, &bytes));
    TRY(json_tree_parse(buffer_slice(&bytes), TPM_HEADER_MAX_BYTES, "header", why, &tree));
    return check_header(&tree.nodes[0], why, is_v2_out);
}

static enum status read_jws(struct slice jws, struct refusal *why, struct tpm_request *request)
{
    struct slice header, rest, payload, signature, more;
    if (jws.size > TPM_REQUEST_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "request", "at most 524288 bytes", "%zu bytes", jws.size);
    if (!slice_split(jws, '.', &header, &rest) || !slice_split(rest, '.', &payload, &signature) ||
        slice_split(signature, '.', &more, &rest))
        return malformed(why, "request", "three parts with two dots between them");
    request->signing_input = slice_part(jws, 0, header.size + 1 + payload.size);
    TRY(read_header(header, why, &request->is_v2));
    TRY(decode_part(signature, "signature", RSA_MAX_BYTES, why, &request->jws_signature));
    TRY(decode_part(payload, "payload", TPM_PAYLOAD_MAX_BYTES, why, &request->payload));
    return json_tree_parse(buffer_slice(&request->payload), TPM_PAYLOAD_MAX_BYTES, "payload", why, &request->tree);
}

/* ---- the payload ---- */

static enum status read_type(const struct json_node *payload, struct refusal *why, bool *is_vbs_out)
{
    struct slice type;
    TRY(json_node_get_string(payload, "", "att_type", 16, why, &type));
    *is_vbs_out = slice_equal_text(type, "vbs");
    if (*is_vbs_out || slice_equal_text(type, "basic")) return OK;
    return refuse(why, ERR_FIELD_VALUE, "att_type", "basic or vbs", "%.*s", (int)type.size, type.bytes);
}

/* vsm_report: the report itself, or {"enclave": {"report"}} in the second form. */
static enum status read_enclave_report(const struct json_node *data, struct refusal *why, struct tpm_request *request)
{
    const struct json_node *vsm, *enclave;
    if (!request->is_v2)
        return tpm_required_bytes(data, "att_data", "vsm_report", TPM_ENCLAVE_REPORT_MAX_BYTES, why,
                                  &request->enclave_report);
    TRY(json_node_get_object(data, "att_data", "vsm_report", why, &vsm));
    TRY(json_node_get_object(vsm, "vsm_report", "enclave", why, &enclave));
    return tpm_required_bytes(enclave, "vsm_report.enclave", "report", TPM_ENCLAVE_REPORT_MAX_BYTES, why,
                              &request->enclave_report);
}

/* With an enclave everything else stands in report_signed, whose exact text the enclave's report is over. */
static enum status find_data(struct refusal *why, struct tpm_request *request, const struct json_node **data_out)
{
    const struct json_node *data;
    TRY(json_node_get_object(&request->tree.nodes[0], "", "att_data", why, &data));
    *data_out = data;
    if (!request->is_vbs) return OK;
    TRY(json_node_get_object(data, "att_data", "report_signed", why, data_out));
    request->signed_text = json_node_text(*data_out, buffer_slice(&request->payload));
    return read_enclave_report(data, why, request);
}

static enum status read_rp_data(const struct json_node *data, struct refusal *why, struct slice *text_out)
{
    const struct json_node *const member = json_node_member(data, "rp_data");
    CLEANUP(buffer_done) struct buffer bytes = {};
    if (member == NULL || member->type == JSON_NULL) return OK;
    TRY(json_node_get_string(data, "att_data", "rp_data", TPM_RP_DATA_MAX_BYTES, why, text_out));
    return tpm_required_bytes(data, "att_data", "rp_data", TPM_RP_DATA_MAX_BYTES, why, &bytes);
}

static enum status read_challenge(const struct json_node *data, struct refusal *why, struct tpm_request *request)
{
    TRY(tpm_required_bytes(data, "att_data", "challenge", TPM_CHALLENGE_MAX_BYTES, why, &request->challenge));
    return tpm_required_bytes(data, "att_data", "service_context", TPM_CONTEXT_MAX_BYTES, why, &request->context);
}

enum status tpm_request_read(struct slice jws, struct refusal *why, struct tpm_request *request)
{
    const struct json_node *data;
    TRY(read_jws(jws, why, request));
    TRY(read_type(&request->tree.nodes[0], why, &request->is_vbs));
    TRY(find_data(why, request, &data));
    const struct slice payload = buffer_slice(&request->payload);
    TRY(read_challenge(data, why, request));
    TRY(read_rp_data(data, why, &request->rp_data));
    TRY(tpm_sides_read(data, request->is_v2, payload, why, request));
    TRY(tpm_keys_read(data, request->is_v2, payload, why, request));
    return tpm_custom_claims_read(data, why, request);
}
