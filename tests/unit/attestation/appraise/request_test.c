/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/appraise/request.h"

#include "base/encoding.h"
#include "testing.h"
#include "vectors.h"

static enum status read_as(enum attestation_type type, const char *body, struct refusal *why,
                           struct attest_request *request_out)
{
    return attest_request_parse(type, slice_of_text(body), why, request_out);
}

static enum status read_text(const char *body, struct refusal *why, struct attest_request *request_out)
{
    return read_as(ATTESTATION_SGX_ENCLAVE, body, why, request_out);
}

static void test_types_are_named_in_any_case(void **)
{
    enum attestation_type type;
    assert_string_equal(attestation_type_name(ATTESTATION_SGX_ENCLAVE), "SgxEnclave");
    assert_true(attestation_type_from_name(SLICE_LITERAL("sevsnpvm"), &type));
    assert_int_equal(type, ATTESTATION_SEV_SNP_VM);
    assert_true(attestation_type_from_name(SLICE_LITERAL("TPM"), &type));
    assert_int_equal(type, ATTESTATION_TPM);
    assert_false(attestation_type_from_name(SLICE_LITERAL("AzureGuest"), &type));
    assert_false(attestation_type_from_name(SLICE_LITERAL("Tp"), &type));
    assert_false(attestation_type_from_name((struct slice){}, &type));
}

static void test_a_request_as_azures_clients_send_it(void **)
{
    CLEANUP(attest_request_done) struct attest_request request = {};
    assert_ok(read_text("{\"quote\":\"AQID\",\"runtimeData\":{\"data\":\"e30\",\"dataType\":\"JSON\"},\"initTimeData\":"
                        "{\"data\":\"_-8\",\"dataType\":\"Binary\"},\"nonce\":\"n 1\"}",
                        NULL, &request));
    assert_int_equal(request.type, ATTESTATION_SGX_ENCLAVE);
    assert_slice_equal(buffer_slice(&request.evidence), SLICE_LITERAL("\x01\x02\x03"));
    assert_true(request.runtime.is_given);
    assert_true(request.runtime.is_json);
    assert_true(slice_equal_text(buffer_slice(&request.runtime.bytes), "{}"));
    assert_true(request.init_time.is_given);
    assert_false(request.init_time.is_json);
    assert_slice_equal(buffer_slice(&request.init_time.bytes), SLICE_LITERAL("\xff\xef"));
    assert_true(slice_equal_text(buffer_slice(&request.nonce), "n 1"));
    assert_false(request.has_draft);
}

static void test_names_are_found_in_any_case(void **)
{
    CLEANUP(attest_request_done) struct attest_request request = {};
    assert_ok(read_text("{\"QUOTE\":\"AQID\",\"RunTimeData\":{\"DATA\":\"e30\",\"datatype\":\"JSON\"},\"Nonce\":\"n\"}",
                        NULL, &request));
    assert_slice_equal(buffer_slice(&request.evidence), SLICE_LITERAL("\x01\x02\x03"));
    assert_true(request.runtime.is_json);
    assert_true(slice_equal_text(buffer_slice(&request.nonce), "n"));
}

static void test_both_alphabets_and_padding_are_read(void **)
{
    CLEANUP(attest_request_done) struct attest_request request = {};
    assert_ok(read_text("{\"quote\":\"/+8=\"}", NULL, &request));
    assert_slice_equal(buffer_slice(&request.evidence), SLICE_LITERAL("\xff\xef"));
}

static void test_only_the_quote_is_required_and_null_is_absence(void **)
{
    CLEANUP(attest_request_done) struct attest_request request = {};
    assert_ok(read_text("{\"quote\":\"AQID\",\"runtimeData\":null,\"initTimeData\":null,\"nonce\":null,"
                        "\"draftPolicyForAttestation\":null,\"future\":[1]}",
                        NULL, &request));
    assert_false(request.runtime.is_given);
    assert_false(request.init_time.is_given);
    assert_false(request.has_draft);
    assert_int_equal(request.nonce.size, 0);
}

/* Azure's own clients of confidential containers and virtual machines send these. */
static void test_empty_data_are_none_and_a_nonce_may_be_a_number(void **)
{
    static const char *const empty[] = {
        "{\"quote\":\"AQID\",\"runtimeData\":{\"data\":\"\",\"dataType\":\"JSON\"},\"nonce\":\"\"}",
        "{\"quote\":\"AQID\",\"initTimeData\":{\"data\":\"\",\"dataType\":\"\"}}",
        "{\"quote\":\"AQID\",\"runtimeData\":{\"data\":null,\"dataType\":null}}"};
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(attest_request_done) struct attest_request request = {};
        assert_ok(read_text(empty[i], NULL, &request));
        assert_false(request.runtime.is_given || request.init_time.is_given);
        assert_int_equal(request.nonce.size, 0);
    }
    static const char *const numbers[] = {"7", "-1", "18446744073709551615", "123456789012345678901234567890"};
    for (size_t i = 0; i < 4; i++) {
        CLEANUP(attest_request_done) struct attest_request request = {};
        CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(128);
        const char *text;
        assert_ok(buffer_append_text(&body, "{\"quote\":\"AQID\", \"nonce\" : "));
        assert_ok(buffer_append_text(&body, numbers[i]));
        assert_ok(buffer_append_text(&body, " }"));
        assert_ok(buffer_text(&body, &text));
        assert_ok(read_text(text, NULL, &request));
        assert_true(slice_equal_text(buffer_slice(&request.nonce), numbers[i]));
    }
}

static void test_a_number_that_is_too_long_is_no_nonce(void **)
{
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(4096);
    CLEANUP(attest_request_done) struct attest_request request = {};
    struct refusal why = {};
    uint8_t *digits;
    const char *text;
    assert_ok(buffer_append_text(&body, "{\"quote\":\"AQID\",\"nonce\":"));
    assert_ok(buffer_extend(&body, ATTEST_NONCE_MAX_BYTES + 1, &digits));
    memset(digits, '9', ATTEST_NONCE_MAX_BYTES + 1);
    assert_ok(buffer_append_text(&body, "}"));
    assert_ok(buffer_text(&body, &text));
    assert_status(read_text(text, &why, &request), ERR_FIELD_VALUE);
    assert_string_equal(why.field, "nonce");
}

static void test_an_open_enclave_report_and_its_older_names(void **)
{
    static const char *const bodies[] = {
        "{\"report\":\"AQID\",\"runtimeData\":{\"data\":\"e30\",\"dataType\":\"Binary\"}}",
        "{\"Quote\":\"AQID\",\"EnclaveHeldData\":\"e30\"}"};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(attest_request_done) struct attest_request request = {};
        assert_ok(read_as(ATTESTATION_OPEN_ENCLAVE, bodies[i], NULL, &request));
        assert_slice_equal(buffer_slice(&request.evidence), SLICE_LITERAL("\x01\x02\x03"));
        assert_true(request.runtime.is_given);
        assert_false(request.runtime.is_json);
        assert_true(slice_equal_text(buffer_slice(&request.runtime.bytes), "{}"));
    }
}

/* {"report": BASE64URL(document)} */
static struct buffer snp_body(const char *document)
{
    struct buffer body = buffer_of_maximum(4096);
    assert_ok(buffer_append_text(&body, "{\"report\":\""));
    assert_ok(base64url_encode(slice_of_text(document), &body));
    assert_ok(buffer_append_text(&body, "\",\"nonce\":\"n\"}"));
    return body;
}

static void test_a_report_of_amd(void **)
{
    static const char *const documents[] = {
        "{\"SnpReport\":\"AQID\",\"VcekCertChain\":\"UEVN\",\"Endorsements\":\"e30\"}",
        "{\"snpreport\":\"AQID\",\"vcekcertchain\":\"UEVN\"}",
    };
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buffer_done) struct buffer body = snp_body(documents[i]);
        CLEANUP(attest_request_done) struct attest_request request = {};
        assert_ok(attest_request_parse(ATTESTATION_SEV_SNP_VM, buffer_slice(&body), NULL, &request));
        assert_slice_equal(buffer_slice(&request.evidence), SLICE_LITERAL("\x01\x02\x03"));
        assert_true(slice_equal_text(buffer_slice(&request.endorsements), "PEM"));
        assert_true(slice_equal_text(buffer_slice(&request.nonce), "n"));
    }
    CLEANUP(buffer_done) struct buffer body = snp_body("{\"SnpReport\":\"AQID\"}");
    CLEANUP(attest_request_done) struct attest_request request = {};
    assert_ok(attest_request_parse(ATTESTATION_SEV_SNP_VM, buffer_slice(&body), NULL, &request));
    assert_int_equal(request.endorsements.size, 0);
}

static void test_faults_in_the_document_of_a_report_are_named(void **)
{
    static const struct {
        const char *document;
        enum status status;
        const char *field;
    } cases[] = {
        {"report", ERR_JSON_SYNTAX, "report"},
        {"[]", ERR_FIELD_MISSING, "report.SnpReport"},
        {"{}", ERR_FIELD_MISSING, "report.SnpReport"},
        {"{\"SnpReport\":7}", ERR_FIELD_TYPE, "report.SnpReport"},
        {"{\"SnpReport\":\"!\"}", ERR_FIELD_VALUE, "report.SnpReport"},
        {"{\"SnpReport\":\"AQID\",\"VcekCertChain\":7}", ERR_FIELD_TYPE, "report.VcekCertChain"},
        {"{\"SnpReport\":\"AQID\",\"VcekCertChain\":\"!\"}", ERR_FIELD_VALUE, "report.VcekCertChain"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buffer_done) struct buffer body = snp_body(cases[i].document);
        struct attest_request request = {};
        struct refusal why = {};
        assert_status(attest_request_parse(ATTESTATION_SEV_SNP_VM, buffer_slice(&body), &why, &request),
                      cases[i].status);
        assert_string_equal(why.field, cases[i].field);
    }
}

static void test_a_trust_domain_and_a_tpm(void **)
{
    CLEANUP(attest_request_done) struct attest_request domain = {};
    CLEANUP(attest_request_done) struct attest_request tpm = {};
    assert_ok(read_as(ATTESTATION_TDX_VM, "{\"quote\":\"AQID\",\"nonce\":\"n\"}", NULL, &domain));
    assert_slice_equal(buffer_slice(&domain.evidence), SLICE_LITERAL("\x01\x02\x03"));
    assert_ok(read_as(ATTESTATION_TPM, "{\"data\":\"e30\"}", NULL, &tpm));
    assert_true(slice_equal_text(buffer_slice(&tpm.evidence), "{}"));
}

static void test_drafts_as_text_and_as_jws(void **)
{
    /* {"alg":"none"} . {"AttestationPolicy":"dmVyc2lvbj0xLjA7"} . */
    static const char *const drafts[] = {"version=1.0;",
                                         "eyJhbGciOiJub25lIn0.eyJBdHRlc3RhdGlvblBvbGljeSI6ImRtVnljMmx2YmoweExqQTcifQ."};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(attest_request_done) struct attest_request request = {};
        CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(4096);
        assert_ok(buffer_append_format(&body, "{\"quote\":\"AQID\",\"draftPolicyForAttestation\":\"%s\"}", drafts[i]));
        assert_ok(attest_request_parse(ATTESTATION_SGX_ENCLAVE, buffer_slice(&body), NULL, &request));
        assert_true(request.has_draft);
        assert_true(slice_equal_text(buffer_slice(&request.draft), "version=1.0;"));
    }
}

static void test_each_fault_is_named(void **)
{
    static const struct {
        const char *body;
        enum status status;
        const char *field;
        enum attestation_type type;
    } cases[] = {
        {"", ERR_JSON_SYNTAX, "request"},
        {"{\"quote\":\"AQID\"", ERR_JSON_SYNTAX, "request"},
        {"{\"quote\":\"AQID\",\"quote\":\"AQID\"}", ERR_JSON_SYNTAX, "request"},
        {"{\"quote\":\"AQID\",\"Quote\":\"AQID\"}", ERR_FIELD_VALUE, "quote"},
        {"[]", ERR_FIELD_TYPE, "request"},
        {"{}", ERR_FIELD_MISSING, "quote"},
        {"{\"quote\":1}", ERR_FIELD_TYPE, "quote"},
        {"{\"quote\":\"\"}", ERR_FIELD_VALUE, "quote"},
        {"{\"quote\":\"A*ID\"}", ERR_FIELD_VALUE, "quote"},
        {"{\"quote\":\"AQID\",\"runtimeData\":\"e30\"}", ERR_FIELD_TYPE, "runtimeData"},
        {"{\"quote\":\"AQID\",\"runtimeData\":{\"dataType\":\"JSON\"}}", ERR_FIELD_MISSING, "runtimeData.data"},
        {"{\"quote\":\"AQID\",\"runtimeData\":{\"data\":\"e30\"}}", ERR_FIELD_MISSING, "runtimeData.dataType"},
        {"{\"quote\":\"AQID\",\"runtimeData\":{\"data\":\"!\",\"dataType\":\"JSON\"}}", ERR_FIELD_VALUE,
         "runtimeData.data"},
        {"{\"quote\":\"AQID\",\"runtimeData\":{\"data\":\"e30\",\"dataType\":\"json\"}}", ERR_FIELD_VALUE,
         "runtimeData.dataType"},
        {"{\"quote\":\"AQID\",\"initTimeData\":{\"data\":\"e30\",\"dataType\":7}}", ERR_FIELD_TYPE,
         "initTimeData.dataType"},
        {"{\"quote\":\"AQID\",\"runtimeData\":{\"data\":\"e30\",\"dataType\":\"JSON\"},\"enclaveHeldData\":\"e30\"}",
         ERR_FIELD_VALUE, "enclaveHeldData"},
        {"{\"quote\":\"AQID\",\"nonce\":true}", ERR_FIELD_TYPE, "nonce"},
        {"{\"quote\":\"AQID\",\"draftPolicyForAttestation\":7}", ERR_FIELD_TYPE, "draftPolicyForAttestation"},
        {"{\"quote\":\"AQID\",\"draftPolicyForAttestation\":\"A.AA.\"}", ERR_TOKEN_MALFORMED, "header"},
        {"{\"quote\":\"AQID\",\"draftPolicyForAttestation\":\"eyJhbGciOiJub25lIn0.e30.\"}", ERR_TOKEN_MALFORMED,
         "AttestationPolicy"},
        {"{\"quote\":\"AQID\",\"draftPolicyForAttestation\":"
         "\"eyJhbGciOiJub25lIn0.eyJBdHRlc3RhdGlvblBvbGljeSI6IiEifQ.\"}",
         ERR_TOKEN_MALFORMED, "AttestationPolicy"},
        {"{\"quote\":\"AQID\",\"report\":\"AQID\"}", ERR_FIELD_VALUE, "report", ATTESTATION_OPEN_ENCLAVE},
        {"{}", ERR_FIELD_MISSING, "report", ATTESTATION_OPEN_ENCLAVE},
        {"{\"report\":7}", ERR_FIELD_TYPE, "report", ATTESTATION_SEV_SNP_VM},
        {"{\"report\":\"AQID\"}", ERR_FIELD_MISSING, "quote", ATTESTATION_TDX_VM},
        {"{\"quote\":\"AQID\"}", ERR_FIELD_MISSING, "data", ATTESTATION_TPM},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct attest_request request = {};
        struct refusal why = {};
        assert_status(read_as(cases[i].type, cases[i].body, &why, &request), cases[i].status);
        assert_string_equal(why.field, cases[i].field);
        assert_null(request.evidence.bytes);
    }
}

/* `{"<member>": "AAAA..."}` with room for `size` bytes of content. */
static enum status read_large(enum attestation_type type, const char *before, size_t size, const char *after,
                              struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(4 << 20);
    uint8_t *text;
    assert_ok(buffer_append_text(&body, before));
    assert_ok(buffer_extend(&body, (size + 2) / 3 * 4, &text));
    memset(text, 'A', (size + 2) / 3 * 4);
    assert_ok(buffer_append_text(&body, after));
    CLEANUP(attest_request_done) struct attest_request request = {};
    return attest_request_parse(type, buffer_slice(&body), why, &request);
}

/* What can be set can be tried before, though its JWS is twice as large. */
static void test_the_largest_policy_is_a_draft_in_either_form(void **)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(POLICY_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(2 * POLICY_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(4 * POLICY_MAX_BYTES);
    CLEANUP(attest_request_done) struct attest_request request = {};
    uint8_t *bytes;
    assert_ok(buffer_extend(&text, POLICY_MAX_BYTES, &bytes));
    memset(bytes, ' ', POLICY_MAX_BYTES);
    assert_ok(buffer_append_text(&payload, "{\"AttestationPolicy\":\""));
    assert_ok(base64url_encode(buffer_slice(&text), &payload));
    assert_ok(buffer_append_text(&payload, "\"}"));
    assert_ok(buffer_append_text(&body, "{\"quote\":\"AQID\",\"draftPolicyForAttestation\":\"eyJhbGciOiJub25lIn0."));
    assert_ok(base64url_encode(buffer_slice(&payload), &body));
    assert_ok(buffer_append_text(&body, ".\"}"));
    assert_ok(attest_request_parse(ATTESTATION_SGX_ENCLAVE, buffer_slice(&body), NULL, &request));
    assert_slice_equal(buffer_slice(&request.draft), buffer_slice(&text));
}

static void test_sizes_are_bounded(void **)
{
    static const char quote[] = "{\"quote\":\"", runtime[] = "{\"quote\":\"AQID\",\"runtimeData\":{\"dataType\":"
                                                             "\"Binary\",\"data\":\"";
    const enum attestation_type sgx = ATTESTATION_SGX_ENCLAVE;
    struct refusal why = {};
    assert_ok(read_large(sgx, quote, QUOTE_MAX_BYTES / 3 * 3, "\"}", &why));
    assert_status(read_large(sgx, quote, QUOTE_MAX_BYTES + 3, "\"}", &why), ERR_TOO_LARGE);
    assert_string_equal(why.field, "quote");
    assert_ok(read_large(sgx, runtime, ATTESTATION_RUNTIME_MAX_BYTES, "\"}}", &why));
    assert_status(read_large(sgx, runtime, ATTESTATION_RUNTIME_MAX_BYTES + 3, "\"}}", &why), ERR_TOO_LARGE);
    assert_string_equal(why.field, "runtimeData.data");
    assert_status(read_large(sgx, quote, ATTEST_BODY_MAX_BYTES, "\"}", &why), ERR_TOO_LARGE);
    assert_string_equal(why.field, "request");
    assert_status(read_large(sgx, "{\"quote\":\"AQID\",\"nonce\":\"", ATTEST_NONCE_MAX_BYTES, "\"}", &why),
                  ERR_FIELD_VALUE);
    assert_string_equal(why.field, "nonce");
    assert_status(
        read_large(sgx, "{\"quote\":\"AQID\",\"draftPolicyForAttestation\":\"=", POLICY_MAX_BYTES, "\"}", &why),
        ERR_POLICY_LIMIT);
    assert_string_equal(why.field, "POLICY_MAX_BYTES");
    assert_status(
        read_large(sgx, "{\"quote\":\"AQID\",\"draftPolicyForAttestation\":\"=", ATTEST_DRAFT_MAX_BYTES, "\"}", &why),
        ERR_FIELD_VALUE);
    assert_ok(read_large(ATTESTATION_TPM, "{\"data\":\"", ATTEST_EVIDENCE_MAX_BYTES / 3 * 3, "\"}", &why));
    assert_status(read_large(ATTESTATION_TPM, "{\"data\":\"", ATTEST_EVIDENCE_MAX_BYTES + 3, "\"}", &why),
                  ERR_TOO_LARGE);
}

/* ---- between processes ---- */

static void assert_data_equal(const struct attest_data *one, const struct attest_data *other)
{
    assert_int_equal(one->is_given, other->is_given);
    assert_int_equal(one->is_json, other->is_json);
    assert_slice_equal(buffer_slice(&one->bytes), buffer_slice(&other->bytes));
}

static struct buffer written_example(void)
{
    CLEANUP(attest_request_done) struct attest_request request = {};
    struct buffer bytes = buffer_of_maximum(4096);
    assert_ok(read_text("{\"quote\":\"AQID\",\"runtimeData\":{\"data\":\"e30\",\"dataType\":\"JSON\"},\"nonce\":\"n\"}",
                        NULL, &request));
    assert_ok(attest_request_write(&request, &bytes));
    return bytes;
}

static void test_what_was_written_is_read_back(void **)
{
    static const char *const bodies[] = {
        "{\"quote\":\"AQID\"}",
        "{\"quote\":\"AQID\",\"runtimeData\":{\"data\":\"e30\",\"dataType\":\"JSON\"},\"nonce\":\"n\"}",
        "{\"quote\":\"AQID\",\"initTimeData\":{\"data\":\"e30\",\"dataType\":\"Binary\"}}",
        "{\"quote\":\"AQID\",\"initTimeData\":{\"data\":\"e30\",\"dataType\":\"JSON\"}}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        CLEANUP(attest_request_done) struct attest_request request = {};
        CLEANUP(attest_request_done) struct attest_request back = {};
        CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(4096);
        assert_ok(read_as(ATTESTATION_TDX_VM, bodies[i], NULL, &request));
        assert_ok(buffer_append_text(&request.endorsements, "PEM"));
        assert_ok(attest_request_write(&request, &bytes));
        assert_ok(attest_request_read(buffer_slice(&bytes), NULL, &back));
        assert_int_equal(back.type, ATTESTATION_TDX_VM);
        assert_slice_equal(buffer_slice(&back.evidence), buffer_slice(&request.evidence));
        assert_slice_equal(buffer_slice(&back.endorsements), buffer_slice(&request.endorsements));
        assert_data_equal(&back.runtime, &request.runtime);
        assert_data_equal(&back.init_time, &request.init_time);
        assert_slice_equal(buffer_slice(&back.nonce), buffer_slice(&request.nonce));
    }
}

static void test_no_part_of_a_written_request_is_one(void **)
{
    CLEANUP(buffer_done) struct buffer bytes = written_example();
    for (size_t size = 0; size < bytes.size; size++) {
        struct attest_request request = {};
        struct refusal why = {};
        assert_status(attest_request_read(slice_of(bytes.bytes, size), &why, &request), ERR_TRUNCATED);
        assert_string_equal(why.field, "request");
        assert_null(request.evidence.bytes);
    }
    struct attest_request request = {};
    assert_ok(buffer_append_u8(&bytes, 0));
    assert_status(attest_request_read(buffer_slice(&bytes), NULL, &request), ERR_TRAILING_BYTES);
}

static void test_what_nobody_writes_is_refused(void **)
{
    enum { TYPE = 0, FLAGS = 1, EVIDENCE_SIZE = 2 };
    static const struct {
        size_t at;
        uint8_t value;
        enum status status;
    } cases[] = {
        {TYPE, ATTESTATION_TYPE_COUNT, ERR_FIELD_VALUE},
        {FLAGS, 0x10, ERR_FIELD_VALUE},    /* no such flag */
        {FLAGS, 0x02, ERR_FIELD_VALUE},    /* JSON, but nothing given */
        {FLAGS, 0x0b, ERR_FIELD_VALUE},    /* the same of initialisation data */
        {FLAGS, 0x00, ERR_FIELD_VALUE},    /* bytes, but nothing given */
        {EVIDENCE_SIZE, 1, ERR_TRUNCATED}, /* 16 MB and more */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buffer_done) struct buffer bytes = written_example();
        struct attest_request request = {};
        bytes.bytes[cases[i].at] = cases[i].value;
        assert_status(attest_request_read(buffer_slice(&bytes), NULL, &request), cases[i].status);
    }
}

static void test_parts_that_are_too_large_are_refused(void **)
{
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(4 << 20);
    uint8_t *place;
    struct attest_request request = {};
    assert_ok(buffer_append_u16(&bytes, 0));
    assert_ok(buffer_append_u32(&bytes, QUOTE_MAX_BYTES + 1));
    assert_ok(buffer_extend(&bytes, QUOTE_MAX_BYTES + 1, &place));
    assert_status(attest_request_read(buffer_slice(&bytes), NULL, &request), ERR_TOO_LARGE);
}

static void test_the_recorded_request(void **)
{
    CLEANUP(buffer_done)
    struct buffer body = read_whole(shared_path("vectors/maa/uks-2020-oe-attest/post.attest.body.json"));
    CLEANUP(buffer_done)
    struct buffer evidence = read_whole(shared_path("vectors/maa/uks-2020-oe-attest/evidence.bin"));
    CLEANUP(buffer_done) struct buffer held = read_whole(shared_path("vectors/maa/uks-2020-oe-attest/ehd.bin"));
    CLEANUP(attest_request_done) struct attest_request request = {};
    assert_ok(attest_request_parse(ATTESTATION_OPEN_ENCLAVE, buffer_slice(&body), NULL, &request));
    assert_slice_equal(buffer_slice(&request.evidence), buffer_slice(&evidence));
    assert_slice_equal(buffer_slice(&request.runtime.bytes), buffer_slice(&held));
    assert_false(request.runtime.is_json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_are_named_in_any_case),
        cmocka_unit_test(test_a_request_as_azures_clients_send_it),
        cmocka_unit_test(test_names_are_found_in_any_case),
        cmocka_unit_test(test_both_alphabets_and_padding_are_read),
        cmocka_unit_test(test_only_the_quote_is_required_and_null_is_absence),
        cmocka_unit_test(test_empty_data_are_none_and_a_nonce_may_be_a_number),
        cmocka_unit_test(test_a_number_that_is_too_long_is_no_nonce),
        cmocka_unit_test(test_an_open_enclave_report_and_its_older_names),
        cmocka_unit_test(test_a_report_of_amd),
        cmocka_unit_test(test_faults_in_the_document_of_a_report_are_named),
        cmocka_unit_test(test_a_trust_domain_and_a_tpm),
        cmocka_unit_test(test_drafts_as_text_and_as_jws),
        cmocka_unit_test(test_each_fault_is_named),
        cmocka_unit_test(test_the_largest_policy_is_a_draft_in_either_form),
        cmocka_unit_test(test_sizes_are_bounded),
        cmocka_unit_test(test_what_was_written_is_read_back),
        cmocka_unit_test(test_no_part_of_a_written_request_is_one),
        cmocka_unit_test(test_what_nobody_writes_is_refused),
        cmocka_unit_test(test_parts_that_are_too_large_are_refused),
        cmocka_unit_test(test_the_recorded_request),
    };
    return cmocka_run_group_tests_name("attestation/appraise/request", tests, NULL, NULL);
}
