/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/tpm/evidence_json.h"
#include "base/encoding.h"
#include "base/json.h"
#include "evidence/azure.h"

#include <string.h>

enum { PLATFORM_MAX_BYTES = 16, CERTIFICATE_TEXT_MAX_BYTES = 64 * 1024, PCR_BYTES = 32 };

/* How a form writes bytes. */
enum writing { AS_NUMBERS, AS_HEX, AS_BASE64 };

static enum status read_numbers(const json_t *numbers, const char *field, struct refusal *why, struct buffer *bytes)
{
    const json_t *number;
    size_t i;
    if (!json_is_array(numbers)) return refuse(why, ERR_FIELD_TYPE, field, "an array of numbers", "another type");
    if (json_array_size(numbers) > bytes->maximum)
        return refuse(why, ERR_TOO_LARGE, field, "fewer numbers", "%zu", json_array_size(numbers));
    json_array_foreach (numbers, i, number) {
        const json_int_t value = json_is_integer(number) ? json_integer_value(number) : -1;
        if (value < 0 || value > UINT8_MAX)
            return refuse(why, ERR_FIELD_VALUE, field, "numbers from 0 to 255", "another at place %zu", i);
        TRY(buffer_append_u8(bytes, (uint8_t)value));
    }
    return OK;
}

static enum status read_text(const json_t *value, const char *field, enum writing writing, struct refusal *why,
                             struct buffer *bytes)
{
    if (!json_is_string(value)) return refuse(why, ERR_FIELD_TYPE, field, "a string", "another type");
    const struct slice text = slice_of(json_string_value(value), json_string_length(value));
    const enum status status = writing == AS_HEX ? hex_decode(text, bytes) : base64_decode_lenient(text, bytes);
    if (status == ERR_ENCODING)
        return refuse(why, ERR_FIELD_VALUE, field, writing == AS_HEX ? "hexadecimal text" : "base64url text",
                      "other characters");
    if (status == ERR_TOO_LARGE) return refuse(why, ERR_TOO_LARGE, field, "less", "%zu characters", text.size);
    return status;
}

/* Appends to a buffer, whose maximum holds. */
static enum status read_value(const json_t *value, const char *field, enum writing writing, struct refusal *why,
                              struct buffer *bytes)
{
    return writing == AS_NUMBERS ? read_numbers(value, field, why, bytes)
                                 : read_text(value, field, writing, why, bytes);
}

static enum status read_bytes(const json_t *object, const char *path, const char *name, enum writing writing,
                              size_t max_size, struct refusal *why, struct buffer *bytes)
{
    const struct json_path field = json_path(path, name);
    *bytes = buffer_of_maximum(max_size);
    if (!json_has(object, name)) return refuse(why, ERR_FIELD_MISSING, field.text, "a value", "nothing");
    return read_value(json_object_get(object, name), field.text, writing, why, bytes);
}

/* ---- Trustee's forms ---- */

static enum status read_pcr(const json_t *pcr, const char *field, enum writing writing, struct refusal *why,
                            uint8_t *value_out)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(PCR_BYTES);
    TRY(read_value(pcr, field, writing, why, &value));
    if (value.size != PCR_BYTES) return refuse(why, ERR_FIELD_VALUE, field, "32 bytes", "%zu", value.size);
    memcpy(value_out, value.bytes, PCR_BYTES);
    return OK;
}

/* Always all 24 of SHA-256. */
static enum status read_pcrs(const json_t *quote, const char *path, enum writing writing, struct refusal *why,
                             struct tpm_pcrs *pcrs_out)
{
    json_t *pcrs;
    struct tpm_pcrs all = {.hash = TPM_HASH_SHA256, .known = (UINT32_C(1) << TPM_PCR_COUNT) - 1};
    TRY(json_get_array(quote, path, "pcrs", TPM_PCR_COUNT, why, &pcrs));
    if (json_array_size(pcrs) != TPM_PCR_COUNT)
        return refuse(why, ERR_FIELD_VALUE, json_path(path, "pcrs").text, "24 PCRs", "%zu", json_array_size(pcrs));
    for (size_t i = 0; i < TPM_PCR_COUNT; i++)
        TRY(read_pcr(json_array_get(pcrs, i), json_path_at(path, "pcrs", i).text, writing, why, all.values[i]));
    *pcrs_out = all;
    return OK;
}

static enum status read_quote(const json_t *evidence, const char *name, enum writing writing, struct refusal *why,
                              struct azure_evidence_text *out)
{
    static const char *const names[] = {"message", "signature", "pcrs", NULL};
    json_t *quote;
    TRY(json_get_object(evidence, "", name, why, &quote));
    TRY(json_only(quote, name, names, why));
    TRY(read_bytes(quote, name, "message", writing, TPM_ATTEST_MAX_BYTES, why, &out->tpm.attest));
    TRY(read_bytes(quote, name, "signature", writing, TPM_SIGNATURE_MAX_BYTES, why, &out->tpm.signature));
    TRY(read_pcrs(quote, name, writing, why, &out->tpm.pcrs));
    tpm_evidence_join(&out->tpm);
    return OK;
}

/* PEM, or PEM's content where the form says so. */
static enum status read_certificates(const json_t *evidence, const char *name, bool is_pem, struct refusal *why,
                                     struct azure_evidence_text *out)
{
    struct slice text;
    if (!is_pem)
        return read_bytes(evidence, "", name, AS_BASE64, CERTIFICATE_TEXT_MAX_BYTES, why, &out->certificate_bytes);
    TRY(json_get_string(evidence, "", name, CERTIFICATE_TEXT_MAX_BYTES, why, &text));
    out->certificate_bytes = buffer_of_maximum(CERTIFICATE_TEXT_MAX_BYTES);
    return buffer_append(&out->certificate_bytes, text);
}

/* {"report","quote","vcek"}: Trustee's first form, for AMD. */
static enum status read_first_form(const json_t *evidence, struct refusal *why, struct azure_evidence_text *out)
{
    static const char *const names[] = {"report", "quote", "vcek", NULL};
    TRY(json_only(evidence, "", names, why));
    TRY(read_bytes(evidence, "", "report", AS_NUMBERS, HCL_REPORT_MAX_BYTES, why, &out->hcl_report));
    TRY(read_certificates(evidence, "vcek", true, why, out));
    return read_quote(evidence, "quote", AS_NUMBERS, why, out);
}

static enum status check_version(const json_t *evidence, struct refusal *why)
{
    int64_t version;
    return json_has(evidence, "version") ? json_get_integer(evidence, "", "version", 1, 2, why, &version) : OK;
}

/* {"version","hcl_report","tpm_quote","vcek" or "td_quote"}; without a version, Trustee's first form for Intel. */
static enum status read_versions(const json_t *evidence, struct refusal *why, struct azure_evidence_text *out)
{
    static const char *const names[] = {"version", "hcl_report", "tpm_quote", "vcek", "td_quote", NULL};
    const bool is_first = !json_has(evidence, "version"), is_amd = json_has(evidence, "vcek");
    const enum writing writing = is_first ? AS_NUMBERS : AS_BASE64;
    TRY(json_only(evidence, "", names, why));
    TRY(check_version(evidence, why));
    if (is_amd && (is_first || json_has(evidence, "td_quote")))
        return refuse(why, ERR_FIELD_UNKNOWN, "vcek", "in versions 1 and 2, and either vcek or td_quote",
                      is_first ? "no version" : "both");
    TRY(read_bytes(evidence, "", "hcl_report", writing, HCL_REPORT_MAX_BYTES, why, &out->hcl_report));
    TRY(is_amd ? read_certificates(evidence, "vcek", false, why, out)
               : read_bytes(evidence, "", "td_quote", writing, QUOTE_MAX_BYTES, why, &out->td_quote));
    return read_quote(evidence, "tpm_quote", is_first ? AS_NUMBERS : AS_HEX, why, out);
}

/* ---- our own ---- */

static enum status read_own(const json_t *evidence, struct refusal *why, struct azure_evidence_text *out)
{
    static const char *const names[] = {"hcl_report", "tpm", "td_quote", "certificates", NULL};
    json_t *tpm;
    TRY(json_only(evidence, "", names, why));
    out->hcl_report = buffer_of_maximum(HCL_REPORT_MAX_BYTES);
    TRY(json_get_base64url(evidence, "", "hcl_report", HCL_REPORT_MAX_BYTES, why, &out->hcl_report));
    out->td_quote = buffer_of_maximum(QUOTE_MAX_BYTES);
    if (json_has(evidence, "td_quote"))
        TRY(json_get_base64url(evidence, "", "td_quote", QUOTE_MAX_BYTES, why, &out->td_quote));
    if (json_has(evidence, "certificates")) TRY(read_certificates(evidence, "certificates", true, why, out));
    if (!json_has(evidence, "tpm")) return OK;
    TRY(json_get_object(evidence, "", "tpm", why, &tpm));
    return tpm_evidence_members(tpm, "tpm", false, why, &out->tpm);
}

/* ---- which it is ---- */

static enum status unwrap(const json_t *text, struct refusal *why, const json_t **evidence_out)
{
    static const char *const names[] = {"platform", "evidence", NULL};
    struct slice platform;
    json_t *inner;
    if (!json_has(text, "platform")) {
        *evidence_out = text;
        return OK;
    }
    TRY(json_only(text, "", names, why));
    TRY(json_get_string(text, "", "platform", PLATFORM_MAX_BYTES, why, &platform));
    if (!slice_equal_text(platform, "az-snp") && !slice_equal_text(platform, "az-tdx"))
        return refuse(why, ERR_FIELD_VALUE, "platform", "az-snp or az-tdx", "%.*s", (int)platform.size,
                      (const char *)platform.bytes);
    TRY(json_get_object(text, "", "evidence", why, &inner));
    *evidence_out = inner;
    return OK;
}

static enum status read_any(const json_t *text, struct refusal *why, struct azure_evidence_text *out)
{
    const json_t *evidence;
    TRY(unwrap(text, why, &evidence));
    if (json_has(evidence, "report")) return read_first_form(evidence, why, out);
    if (json_has(evidence, "tpm_quote")) return read_versions(evidence, why, out);
    return read_own(evidence, why, out);
}

static void join(struct azure_evidence_text *text)
{
    struct azure_evidence *const evidence = &text->evidence;
    evidence->hcl_report = buffer_slice(&text->hcl_report);
    evidence->td_quote = buffer_slice(&text->td_quote);
    evidence->tpm = text->tpm.quote;
    text->certificates = buffer_slice(&text->certificate_bytes);
    evidence->endorsements.certificates = &text->certificates;
    evidence->endorsements.certificate_count = text->certificates.size > 0 ? 1 : 0;
}

void azure_evidence_text_done(struct azure_evidence_text *evidence)
{
    buffer_done(&evidence->hcl_report);
    buffer_done(&evidence->td_quote);
    buffer_done(&evidence->certificate_bytes);
    tpm_evidence_done(&evidence->tpm);
}

enum status azure_evidence_json(struct slice text, struct refusal *why, struct azure_evidence_text *evidence_out)
{
    CLEANUP(json_done) json_t *object = NULL;
    TRY(json_parse(text, AZURE_EVIDENCE_JSON_MAX_BYTES, why, &object));
    *evidence_out = (struct azure_evidence_text){};
    const enum status status = read_any(object, why, evidence_out);
    if (status == OK) {
        join(evidence_out);
        return OK;
    }
    azure_evidence_text_done(evidence_out);
    *evidence_out = (struct azure_evidence_text){};
    return status;
}
