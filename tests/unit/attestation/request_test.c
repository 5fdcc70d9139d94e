/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/request.h"

#include "testing.h"

static enum status read_text(const char *body, struct refusal *why, struct attest_request *request_out)
{
    return attest_request_read(slice_of_text(body), why, request_out);
}

static void test_a_request_as_azures_clients_send_it(void **)
{
    CLEANUP(attest_request_done) struct attest_request request = {};
    assert_ok(read_text("{\"quote\":\"AQID\",\"runtimeData\":{\"data\":\"e30\",\"dataType\":\"JSON\"},\"initTimeData\":"
                        "{\"data\":\"_-8\",\"dataType\":\"Binary\"},\"nonce\":\"n 1\"}",
                        NULL, &request));
    assert_slice_equal(buffer_slice(&request.quote), SLICE_LITERAL("\x01\x02\x03"));
    assert_true(request.runtime.is_given);
    assert_true(request.runtime.is_json);
    assert_true(slice_equal_text(buffer_slice(&request.runtime.bytes), "{}"));
    assert_true(request.init_time.is_given);
    assert_false(request.init_time.is_json);
    assert_slice_equal(buffer_slice(&request.init_time.bytes), SLICE_LITERAL("\xff\xef"));
    assert_true(slice_equal_text(buffer_slice(&request.nonce), "n 1"));
}

static void test_both_alphabets_and_padding_are_read(void **)
{
    CLEANUP(attest_request_done) struct attest_request request = {};
    assert_ok(read_text("{\"quote\":\"/+8=\"}", NULL, &request));
    assert_slice_equal(buffer_slice(&request.quote), SLICE_LITERAL("\xff\xef"));
}

static void test_only_the_quote_is_required_and_null_is_absence(void **)
{
    CLEANUP(attest_request_done) struct attest_request request = {};
    assert_ok(read_text("{\"quote\":\"AQID\",\"runtimeData\":null,\"initTimeData\":null,\"nonce\":null,"
                        "\"draftPolicyForAttestation\":null,\"future\":[1]}",
                        NULL, &request));
    assert_false(request.runtime.is_given);
    assert_false(request.init_time.is_given);
    assert_int_equal(request.nonce.size, 0);
}

static void test_each_fault_is_named(void **)
{
    static const struct {
        const char *body;
        enum status status;
        const char *field;
    } cases[] = {
        {"", ERR_JSON_SYNTAX, "json"},
        {"{\"quote\":\"AQID\"", ERR_JSON_SYNTAX, "json"},
        {"{\"quote\":\"AQID\",\"quote\":\"AQID\"}", ERR_JSON_SYNTAX, "json"},
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
        {"{\"quote\":\"AQID\",\"nonce\":7}", ERR_FIELD_TYPE, "nonce"},
        {"{\"quote\":\"AQID\",\"draftPolicyForAttestation\":\"version=1.0;\"}", ERR_UNSUPPORTED,
         "draftPolicyForAttestation"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct attest_request request = {};
        struct refusal why = {};
        assert_status(read_text(cases[i].body, &why, &request), cases[i].status);
        assert_string_equal(why.field, cases[i].field);
        assert_null(request.quote.bytes);
    }
}

/* `{"<member>": "AAAA..."}` with room for `size` bytes of content. */
static enum status read_large(const char *before, size_t size, const char *after, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(4 << 20);
    uint8_t *text;
    assert_ok(buffer_append_text(&body, before));
    assert_ok(buffer_extend(&body, (size + 2) / 3 * 4, &text));
    memset(text, 'A', (size + 2) / 3 * 4);
    assert_ok(buffer_append_text(&body, after));
    CLEANUP(attest_request_done) struct attest_request request = {};
    return attest_request_read(buffer_slice(&body), why, &request);
}

static void test_sizes_are_bounded(void **)
{
    static const char runtime[] = "{\"quote\":\"AQID\",\"runtimeData\":{\"dataType\":\"Binary\",\"data\":\"";
    struct refusal why = {};
    assert_ok(read_large("{\"quote\":\"", QUOTE_MAX_BYTES / 3 * 3, "\"}", &why));
    assert_status(read_large("{\"quote\":\"", QUOTE_MAX_BYTES + 3, "\"}", &why), ERR_TOO_LARGE);
    assert_string_equal(why.field, "quote");
    assert_ok(read_large(runtime, ATTESTATION_RUNTIME_MAX_BYTES, "\"}}", &why));
    assert_status(read_large(runtime, ATTESTATION_RUNTIME_MAX_BYTES + 3, "\"}}", &why), ERR_TOO_LARGE);
    assert_string_equal(why.field, "runtimeData.data");
    assert_status(read_large("{\"quote\":\"", ATTEST_BODY_MAX_BYTES, "\"}", &why), ERR_TOO_LARGE);
    assert_status(read_large("{\"quote\":\"AQID\",\"nonce\":\"", ATTEST_NONCE_MAX_BYTES, "\"}", &why), ERR_FIELD_VALUE);
    assert_string_equal(why.field, "nonce");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_as_azures_clients_send_it),
        cmocka_unit_test(test_both_alphabets_and_padding_are_read),
        cmocka_unit_test(test_only_the_quote_is_required_and_null_is_absence),
        cmocka_unit_test(test_each_fault_is_named),
        cmocka_unit_test(test_sizes_are_bounded),
    };
    return cmocka_run_group_tests_name("attestation/request", tests, NULL, NULL);
}
