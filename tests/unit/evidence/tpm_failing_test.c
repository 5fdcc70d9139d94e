/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory and digests that fail below the verifiers of TPMs and Azure machines: nothing is accepted for that, nothing is
 * left behind, and the claims are the whole ones or none.
 */
#include "amd_pki.h"
#include "failing.h"
#include "test_azure.h"

#include "evidence/verify.h"

enum { CALLS_MAX_COUNT = 10000 };

enum status __real_hash_parts(enum hash hash, const struct slice *parts, size_t count,
                              uint8_t digest_out[static SHA1_BYTES]);
enum status __wrap_hash_parts(enum hash hash, const struct slice *parts, size_t count,
                              uint8_t digest_out[static SHA1_BYTES]);
enum status __wrap_hash_parts(enum hash hash, const struct slice *parts, size_t count,
                              uint8_t digest_out[static SHA1_BYTES])
{
    return failing_now() ? ERR_CRYPTO : __real_hash_parts(hash, parts, count, digest_out);
}

typedef enum status operation(const void *given, struct evidence_claims *claims_out);

/* Each call in turn fails, alone. */
static void fail_each(operation *run, const void *given)
{
    struct evidence_claims good = {};
    assert_ok(run(given, &good));
    for (size_t number = 1; number < CALLS_MAX_COUNT; number++) {
        struct evidence_claims claims = {};
        failing_begin(number);
        const enum status status = run(given, &claims);
        if (!failing_end()) return;
        if (status == OK) fail_msg("call %zu failed, and nothing told of it", number);
        /* nor is it told as another fault */
        assert_true(status != ERR_TPM_PCR && status != ERR_TPM_EVENT_LOG && status != ERR_REPORT_DATA);
        assert_int_not_equal(status, ERR_TPM_KEY);
    }
    fail_msg("no end of calls");
}

/* ---- a TPM's quote ---- */

static enum status verify_quote(const void *given, struct evidence_claims *claims_out)
{
    const struct tpm_quote *const quote = given;
    uint8_t name[TPM_NAME_MAX_BYTES];
    size_t size;
    TRY(tpm_public_name(quote->key_public, NULL, name, &size));
    return tpm_quote_verify(quote, NULL, &claims_out->tpm);
}

static const struct test_bank banks[] = {{TPM_HASH_SHA256, 32}};

static void test_a_failing_call_never_accepts_a_quote(void **)
{
    const enum key_kind kinds[] = {KEY_RSA, KEY_P256, KEY_P384};
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(key_cleanup) struct key *key = NULL;
        struct tpm_pcrs pcrs = test_tpm_pcrs(TPM_HASH_SHA256);
        CLEANUP(buffer_done) struct buffer log = buffer_of_maximum(4096);
        uint8_t before[64] = {};
        assert_ok(key_generate(kinds[i], 2048, &key));
        test_log_begin(&log, banks, 1, (struct slice){});
        test_log_event(&log, banks, 1, 4, 5, 0xaa, SLICE_LITERAL("boot"));
        memset(before + 32, 0xaa, 32);
        assert_ok(sha256(SLICE_ARRAY(before), pcrs.values[4]));
        CLEANUP(made_quote_done)
        struct made_quote made = test_tpm_quote(&(struct test_quote){.key = key, .pcrs = &pcrs});
        CLEANUP(buffer_done) struct buffer area = test_tpm_public(key, &(struct test_public){});
        made.quote.key_public = buffer_slice(&area);
        made.quote.pcrs = &pcrs;
        made.quote.event_log = buffer_slice(&log);
        fail_each(verify_quote, &made.quote);
    }
}

/* ---- an Azure machine ---- */

static uint8_t bound_data[64];

static void bind_report(uint8_t *report)
{
    memcpy(report + 0x050, bound_data, sizeof(bound_data));
    report[0x030] = 0;
}

static enum status verify_azure(const void *given, struct evidence_claims *claims_out)
{
    return azure_vtpm_verify(given, AMD_NOW_S, NULL, &claims_out->azure);
}

static void test_a_failing_call_never_accepts_an_azure_machine(void **)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_generate(KEY_RSA, 2048, &key));
    CLEANUP(buffer_done) struct buffer data = test_runtime_data(key, "", NULL);
    test_hcl_binding(buffer_slice(&data), HASH_SHA256, bound_data);
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(&(struct amd_pki_options){.report = bind_report});
    CLEANUP(buffer_done)
    struct buffer report = test_hcl_report(
        &(struct test_hcl){.hardware_report = buffer_slice(&pki.report), .runtime_data = buffer_slice(&data)});
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = key});
    const struct azure_evidence evidence = {
        .hcl_report = buffer_slice(&report), .endorsements = amd_pki_endorsements(&pki), .tpm = made.quote};
    fail_each(verify_azure, &evidence);
}

/* ---- evidence in JSON ---- */

static enum status read_azure(const void *given, struct evidence_claims *)
{
    CLEANUP(azure_evidence_text_done) struct azure_evidence_text text = {};
    return azure_evidence_json(slice_of_text(given), NULL, &text);
}

static enum status read_tpm(const void *given, struct evidence_claims *)
{
    CLEANUP(tpm_evidence_done) struct tpm_evidence evidence = {};
    return tpm_evidence_json(slice_of_text(given), NULL, &evidence);
}

static void append_pcrs(struct buffer *text, const char *pcr)
{
    for (int i = 0; i < 24; i++) assert_ok(buffer_append_format(text, "%s%s", i > 0 ? "," : "", pcr));
}

static void test_memory_that_fails_is_not_taken_for_evidence(void **)
{
    CLEANUP(buffer_done) struct buffer first = buffer_of_maximum(65536), second = buffer_of_maximum(65536);
    const char *text;
    assert_ok(buffer_append_text(&first,
                                 "{\"report\":[1,2],\"vcek\":\"PEM\",\"quote\":{\"message\":[1],\"signature\":[2],"
                                 "\"pcrs\":["));
    append_pcrs(&first, "[0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1]");
    assert_ok(buffer_append_text(&first, "]}}"));
    assert_ok(buffer_text(&first, &text));
    fail_each(read_azure, text);
    assert_ok(buffer_append_text(&second,
                                 "{\"version\":1,\"hcl_report\":\"AA\",\"vcek\":\"AA\",\"tpm_quote\":{\"message\":"
                                 "\"00\",\"signature\":\"00\",\"pcrs\":["));
    append_pcrs(&second, "\"0000000000000000000000000000000000000000000000000000000000000000\"");
    assert_ok(buffer_append_text(&second, "]}}"));
    assert_ok(buffer_text(&second, &text));
    fail_each(read_azure, text);
    fail_each(read_azure, "{\"hcl_report\":\"AA\",\"td_quote\":\"AA\",\"certificates\":\"PEM\",\"tpm\":{\"attest\":"
                          "\"AA\",\"signature\":\"AA\",\"event_log\":\"AA\"}}");
    fail_each(read_tpm, "{\"attest\":\"AA\",\"signature\":\"AA\",\"event_log\":\"AA\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failing_call_never_accepts_a_quote),
        cmocka_unit_test(test_a_failing_call_never_accepts_an_azure_machine),
        cmocka_unit_test(test_memory_that_fails_is_not_taken_for_evidence),
    };
    return cmocka_run_group_tests_name("evidence/tpm_failing", tests, NULL, NULL);
}
