/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/appraise/bindings.h"

#include "base/encoding.h"
#include "base/json_tree.h"
#include "crypto/hash.h"

#include <stdio.h>

/* ---- init time data ---- */

/* Where the evidence has its init time data, and how that is called. */
static enum status place_of(const struct evidence_claims *evidence, struct refusal *why, struct slice *place_out,
                            const char **field_out)
{
    switch (evidence->kind) {
    case EVIDENCE_SGX:
    case EVIDENCE_OPEN_ENCLAVE:
        if (!evidence->sgx.has_kss)
            return refuse(why, ERR_UNSUPPORTED, "initTimeData", "an enclave with a CONFIGID (KSS)",
                          "an enclave without");
        *place_out = SLICE_ARRAY(evidence->sgx.config_id);
        *field_out = "quote.report.configid";
        return OK;
    case EVIDENCE_SNP:
        *place_out = SLICE_ARRAY(evidence->snp.host_data);
        *field_out = "report.host_data";
        return OK;
    case EVIDENCE_TDX:
        *place_out = SLICE_ARRAY(evidence->tdx.mrconfigid);
        *field_out = "quote.report.mrconfigid";
        return OK;
    case EVIDENCE_AZURE_VTPM:
    case EVIDENCE_TPM: break;
    }
    return refuse(why, ERR_UNSUPPORTED, "initTimeData", "evidence that can bind it", "evidence of a TPM");
}

enum status check_init_time(const struct attest_data *data, const struct evidence_claims *evidence, struct refusal *why)
{
    if (!data->is_given) return OK;
    struct slice place;
    const char *field;
    uint8_t expected[64] = {};
    TRY(place_of(evidence, why, &place, &field));
    TRY(sha256(buffer_slice(&data->bytes), expected));
    const struct slice binding = slice_of(expected, place.size);
    if (slice_equal(place, binding)) return OK;
    (void)refuse(why, ERR_REPORT_DATA, field, refusal_hex(binding).text, "%s", refusal_hex(place).text);
    return refuse_fix(why, ERR_REPORT_DATA, "give the very bytes that the machine was started with");
}

/* ---- the form in tokens ---- */

static enum status check_size(size_t size, const char *field, struct refusal *why)
{
    if (size <= ATTESTATION_RUNTIME_MAX_BYTES) return OK;
    char expected[48];
    (void)snprintf(expected, sizeof(expected), "at most %d bytes", ATTESTATION_RUNTIME_MAX_BYTES);
    return refuse(why, ERR_TOO_LARGE, field, expected, "%zu bytes", size);
}

/* Told by the name of what was sent, not by the reader's own. */
static enum status read_object(struct slice text, const char *field, struct refusal *why, json_t **value_out)
{
    CLEANUP(json_done) json_t *value = NULL;
    struct refusal inner = {};
    const enum status status = json_parse(text, ATTESTATION_RUNTIME_MAX_BYTES, &inner, &value);
    if (status == ERR_NO_MEMORY) return status;
    if (status != OK) return refuse(why, status, field, "one JSON object", "%s", inner.seen);
    if (!json_is_object(value)) return refuse(why, ERR_FIELD_TYPE, field, "one JSON object", "an array");
    *value_out = json_incref(value);
    return OK;
}

/* Whether the quick reader knows all that is in the data. It knows no fractions and not every object, but is five times
 * as fast as the other, in each of two processes. Both write the same. */
static bool embed_quickly(struct slice text, struct buffer *json)
{
    CLEANUP(json_tree_done) struct json_tree tree = {};
    if (json_tree_parse(text, ATTESTATION_RUNTIME_MAX_BYTES, "", NULL, &tree) != OK) return false;
    return tree.nodes->type == JSON_OBJECT && json_node_write(tree.nodes, json) == OK;
}

enum status embed_data(const struct attest_data *data, const char *field, struct refusal *why, struct buffer *json)
{
    if (!data->is_given) return OK;
    TRY(check_size(data->bytes.size, field, why));
    if (!data->is_json || embed_quickly(buffer_slice(&data->bytes), json)) return OK;
    CLEANUP(json_done) json_t *value = NULL;
    TRY(read_object(buffer_slice(&data->bytes), field, why, &value));
    return json_write(value, json);
}

enum status embed_collateral(const struct evidence_claims *evidence, struct buffer *json)
{
    if (evidence->kind != EVIDENCE_SGX && evidence->kind != EVIDENCE_OPEN_ENCLAVE) return OK;
    const struct intel_platform *const platform = &evidence->sgx.platform;
    const struct {
        const char *before;
        const uint8_t *digest;
    } parts[] = {
        {"{\"qeidcertshash\":\"", platform->qe_identity_certificates_hash},
        {"\",\"qeidcrlhash\":\"", platform->qe_identity_crl_hash},
        {"\",\"qeidhash\":\"", platform->qe_identity_hash},
        {"\",\"quotehash\":\"", platform->quote_hash},
        {"\",\"tcbinfocertshash\":\"", platform->tcb_info_certificates_hash},
        {"\",\"tcbinfocrlhash\":\"", platform->tcb_info_crl_hash},
        {"\",\"tcbinfohash\":\"", platform->tcb_info_hash},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        TRY(buffer_append_text(json, parts[i].before));
        TRY(hex_encode(slice_of(parts[i].digest, SHA256_BYTES), json));
    }
    return buffer_append_text(json, "\"}");
}

enum status check_nonce(struct slice nonce, struct refusal *why)
{
    if (utf8_is_valid(nonce, false)) return OK;
    return refuse(why, ERR_FIELD_VALUE, "nonce", "text without control characters", "%zu bytes", nonce.size);
}
