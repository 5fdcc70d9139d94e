/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/appraise/request.h"

#include "attestation/appraise/request_fields.h"
#include "base/reader.h"
#include "policy/policy_text.h"

#include <string.h>
#include <strings.h>

static const char *const type_names[ATTESTATION_TYPE_COUNT] = {
    [ATTESTATION_SGX_ENCLAVE] = "SgxEnclave",
    [ATTESTATION_OPEN_ENCLAVE] = "OpenEnclave",
    [ATTESTATION_SEV_SNP_VM] = "SevSnpVm",
    [ATTESTATION_TDX_VM] = "TdxVm",
    [ATTESTATION_TPM] = "Tpm",
};

const char *attestation_type_name(enum attestation_type type)
{
    return type_names[type];
}

static bool is_named(struct slice text, const char *name)
{
    return text.size == strlen(name) && strncasecmp((const char *)text.bytes, name, text.size) == 0;
}

bool attestation_type_from_name(struct slice name, enum attestation_type *type_out)
{
    for (unsigned i = 0; i < ATTESTATION_TYPE_COUNT; i++) {
        if (!is_named(name, type_names[i])) continue;
        *type_out = (enum attestation_type)i;
        return true;
    }
    return false;
}

void attest_request_done(struct attest_request *request)
{
    buffer_done(&request->evidence);
    buffer_done(&request->endorsements);
    buffer_done(&request->runtime.bytes);
    buffer_done(&request->init_time.bytes);
    buffer_done(&request->nonce);
    buffer_done(&request->draft);
}

/* Every part with its maximum, of this type. */
static struct attest_request empty_of_type(enum attestation_type type)
{
    return (struct attest_request){
        .type = type,
        .evidence = buffer_of_maximum(type == ATTESTATION_TPM ? ATTEST_EVIDENCE_MAX_BYTES : QUOTE_MAX_BYTES),
        .endorsements = buffer_of_maximum(SNP_CERTIFICATES_MAX_BYTES),
        .runtime.bytes = buffer_of_maximum(ATTESTATION_RUNTIME_MAX_BYTES),
        .init_time.bytes = buffer_of_maximum(ATTESTATION_RUNTIME_MAX_BYTES),
        .nonce = buffer_of_maximum(ATTEST_NONCE_MAX_BYTES),
        .draft = buffer_of_maximum(POLICY_MAX_BYTES),
    };
}

/* ---- from a body ---- */

static enum status read_type(const struct request_fields *object, struct refusal *why, bool *is_json_out)
{
    struct slice type;
    TRY(request_text(object, "dataType", 16, why, &type));
    *is_json_out = slice_equal_text(type, "JSON");
    if (*is_json_out || slice_equal_text(type, "Binary")) return OK;
    return refuse(why, ERR_FIELD_VALUE, json_path(object->path, "dataType").text, "\"JSON\" or \"Binary\"", "%.*s",
                  (int)type.size, (const char *)type.bytes);
}

static enum status read_data(const struct request_fields *body, const char *name, struct refusal *why,
                             struct attest_data *data)
{
    struct request_fields object;
    bool is_empty;
    TRY(request_object(body, name, why, &object, &data->is_given));
    if (!data->is_given) return OK;
    TRY(request_is_empty(&object, "data", why, &is_empty));
    data->is_given = !is_empty; /* clients that always send the member have nothing else to put there */
    if (is_empty) return OK;
    TRY(request_base64(&object, "data", why, &data->bytes));
    return read_type(&object, why, &data->is_json);
}

/* What the service took before 2020 in the place of runtime data, without a type. */
static enum status read_held_data(const struct request_fields *body, struct refusal *why, struct attest_data *data)
{
    static const char name[] = "enclaveHeldData";
    bool is_given;
    TRY(request_has(body, name, why, &is_given));
    if (!is_given) return OK;
    if (data->is_given) return refuse(why, ERR_FIELD_VALUE, name, "either this or runtimeData", "both");
    data->is_given = true;
    return request_base64(body, name, why, &data->bytes);
}

/* A string; or a number of any size, which clients of Azure's confidential containers send. */
static enum status read_nonce(const struct request_fields *body, struct slice text_of_body, struct refusal *why,
                              struct buffer *nonce)
{
    static const char name[] = "nonce";
    bool is_given, is_empty;
    struct slice text;
    TRY(request_has(body, name, why, &is_given));
    TRY(request_is_empty(body, name, why, &is_empty));
    if (!is_given || is_empty) return OK;
    TRY(request_text_or_number(body, text_of_body, name, ATTEST_NONCE_MAX_BYTES, why, &text));
    return buffer_append(nonce, text);
}

/* AMD's report comes in a JSON document of its own, in base64, with certificates in PEM. What it may hold besides, such
 * as endorsements of a utility VM, says nothing of the report. */
static enum status read_snp(const struct request_fields *body, struct refusal *why, struct attest_request *request)
{
    enum { DOCUMENT_MAX_BYTES = (SNP_REPORT_BYTES + SNP_CERTIFICATES_MAX_BYTES) / 3 * 4 + 64 * 1024 };
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(DOCUMENT_MAX_BYTES);
    CLEANUP(json_tree_done) struct json_tree tree = {};
    struct request_fields document = {.path = "report"};
    bool has_chain;
    TRY(request_base64(body, "report", why, &text));
    TRY(json_tree_parse(buffer_slice(&text), DOCUMENT_MAX_BYTES, "report", why, &tree));
    document.object = &tree.nodes[0];
    TRY(request_base64(&document, "SnpReport", why, &request->evidence));
    TRY(request_has(&document, "VcekCertChain", why, &has_chain));
    return has_chain ? request_base64(&document, "VcekCertChain", why, &request->endorsements) : OK;
}

/* An Open Enclave report; clients of the service's first years named it a quote. */
static enum status read_open_enclave(const struct request_fields *body, struct refusal *why, struct buffer *evidence)
{
    bool has_report, has_quote;
    TRY(request_has(body, "report", why, &has_report));
    TRY(request_has(body, "quote", why, &has_quote));
    if (has_report && has_quote) return refuse(why, ERR_FIELD_VALUE, "report", "either report or quote", "both");
    return request_base64(body, has_quote ? "quote" : "report", why, evidence);
}

/* Machines hand TD quotes out in a larger buffer, and that is what many clients send: the zeros behind a quote are cut
 * off. What is no quote is told where it is verified. */
static enum status read_domain(const struct request_fields *body, struct refusal *why, struct buffer *evidence)
{
    struct slice quote;
    TRY(request_base64(body, "quote", why, evidence));
    if (quote_without_padding(buffer_slice(evidence), NULL, &quote) == OK) buffer_truncate(evidence, quote.size);
    return OK;
}

static enum status read_evidence(const struct request_fields *body, struct refusal *why, struct attest_request *request)
{
    switch (request->type) {
    case ATTESTATION_TDX_VM: return read_domain(body, why, &request->evidence);
    case ATTESTATION_OPEN_ENCLAVE: return read_open_enclave(body, why, &request->evidence);
    case ATTESTATION_SEV_SNP_VM: return read_snp(body, why, request);
    case ATTESTATION_TPM: return request_base64(body, "data", why, &request->evidence);
    default: return request_base64(body, "quote", why, &request->evidence);
    }
}

static enum status read_draft(const struct request_fields *body, struct refusal *why, struct attest_request *request)
{
    static const char name[] = "draftPolicyForAttestation";
    struct slice text;
    TRY(request_has(body, name, why, &request->has_draft));
    if (!request->has_draft) return OK;
    TRY(request_text(body, name, ATTEST_DRAFT_MAX_BYTES, why, &text));
    return policy_text_of_draft(text, why, &request->draft);
}

static enum status read_members(const struct request_fields *body, struct slice text, struct refusal *why,
                                struct attest_request *request)
{
    TRY(read_evidence(body, why, request));
    if (request->type == ATTESTATION_TPM) return OK;
    TRY(read_data(body, "runtimeData", why, &request->runtime));
    TRY(read_held_data(body, why, &request->runtime));
    TRY(read_data(body, "initTimeData", why, &request->init_time));
    TRY(read_nonce(body, text, why, &request->nonce));
    return read_draft(body, why, request);
}

enum status attest_request_parse(enum attestation_type type, struct slice body, struct refusal *why,
                                 struct attest_request *request_out)
{
    CLEANUP(json_tree_done) struct json_tree tree = {};
    CLEANUP(attest_request_done) struct attest_request request = empty_of_type(type);
    TRY(json_tree_parse(body, ATTEST_BODY_MAX_BYTES, "request", why, &tree));
    const struct request_fields fields = {.object = &tree.nodes[0], .path = ""};
    if (fields.object->type != JSON_OBJECT) return refuse(why, ERR_FIELD_TYPE, "request", "a JSON object", "an array");
    TRY(read_members(&fields, body, why, &request));
    *request_out = request;
    request = (struct attest_request){};
    return OK;
}

/* ---- between processes ---- */

/* Type and flags, a byte each, then every part as its size in four bytes and its bytes. */
enum { WIRE_RUNTIME = 1 << 0, WIRE_RUNTIME_JSON = 1 << 1, WIRE_INIT_TIME = 1 << 2, WIRE_INIT_TIME_JSON = 1 << 3 };
enum { WIRE_FLAGS = WIRE_RUNTIME | WIRE_RUNTIME_JSON | WIRE_INIT_TIME | WIRE_INIT_TIME_JSON };

static enum status write_part(const struct buffer *part, struct buffer *bytes)
{
    TRY(buffer_append_u32(bytes, (uint32_t)part->size));
    return buffer_append(bytes, buffer_slice(part));
}

static uint8_t flags_of(const struct attest_data *data, unsigned given, unsigned json)
{
    return (uint8_t)((data->is_given ? given : 0) | (data->is_json ? json : 0));
}

enum status attest_request_write(const struct attest_request *request, struct buffer *bytes)
{
    TRY(buffer_append_u8(bytes, (uint8_t)request->type));
    TRY(buffer_append_u8(bytes, flags_of(&request->runtime, WIRE_RUNTIME, WIRE_RUNTIME_JSON) |
                                    flags_of(&request->init_time, WIRE_INIT_TIME, WIRE_INIT_TIME_JSON)));
    TRY(write_part(&request->evidence, bytes));
    TRY(write_part(&request->endorsements, bytes));
    TRY(write_part(&request->runtime.bytes, bytes));
    TRY(write_part(&request->init_time.bytes, bytes));
    return write_part(&request->nonce, bytes);
}

static enum status read_part(struct reader *reader, struct buffer *part)
{
    uint32_t size;
    struct slice bytes;
    TRY(reader_u32(reader, &size));
    TRY(reader_slice(reader, size, &bytes));
    return buffer_append(part, bytes);
}

/* Only what attest_request_write could have written: one request has one form. */
static enum status read_flags(struct reader *reader, unsigned *flags_out)
{
    uint8_t flags;
    TRY(reader_u8(reader, &flags));
    if ((flags & ~(unsigned)WIRE_FLAGS) != 0) return ERR_FIELD_VALUE;
    if ((flags & WIRE_RUNTIME_JSON) != 0 && (flags & WIRE_RUNTIME) == 0) return ERR_FIELD_VALUE;
    if ((flags & WIRE_INIT_TIME_JSON) != 0 && (flags & WIRE_INIT_TIME) == 0) return ERR_FIELD_VALUE;
    *flags_out = flags;
    return OK;
}

static enum status read_wire_data(struct reader *reader, unsigned flags, unsigned given, unsigned json,
                                  struct attest_data *data)
{
    data->is_given = (flags & given) != 0;
    data->is_json = (flags & json) != 0;
    TRY(read_part(reader, &data->bytes));
    return data->is_given || data->bytes.size == 0 ? OK : ERR_FIELD_VALUE;
}

static enum status read_wire(struct slice bytes, struct attest_request *request)
{
    struct reader reader = reader_over(bytes);
    uint8_t type;
    unsigned flags;
    TRY(reader_u8(&reader, &type));
    if (type >= ATTESTATION_TYPE_COUNT) return ERR_FIELD_VALUE;
    *request = empty_of_type((enum attestation_type)type);
    TRY(read_flags(&reader, &flags));
    TRY(read_part(&reader, &request->evidence));
    TRY(read_part(&reader, &request->endorsements));
    TRY(read_wire_data(&reader, flags, WIRE_RUNTIME, WIRE_RUNTIME_JSON, &request->runtime));
    TRY(read_wire_data(&reader, flags, WIRE_INIT_TIME, WIRE_INIT_TIME_JSON, &request->init_time));
    TRY(read_part(&reader, &request->nonce));
    return reader_end(&reader);
}

enum status attest_request_read(struct slice bytes, struct refusal *why, struct attest_request *request_out)
{
    CLEANUP(attest_request_done) struct attest_request request = {};
    const enum status status = read_wire(bytes, &request);
    if (status != OK)
        return status == ERR_NO_MEMORY
                   ? status
                   : refuse(why, status, "request", "a request as another process writes it", "%zu bytes", bytes.size);
    *request_out = request;
    request = (struct attest_request){};
    return OK;
}
