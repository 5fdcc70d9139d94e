/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/attested.h"

#include "base/json.h"
#include "crypto/hash.h"
#include "testing.h"

enum { NOW_S = 1795305600 };

static struct evidence_claims *claims_of(enum evidence_kind kind)
{
    static struct evidence_claims claims;
    const struct intel_platform platform = {
        .tcb_status = TCB_SW_HARDENING_NEEDED,
        .tcb_evaluation = 18,
        .fmspc = {0, 0x60, 0x6a},
        .pce_id = {1},
        .components = {[0] = 11, [15] = 12},
        .pce_svn = 13,
        .qe_svn = 8,
        .has_instance = true,
        .instance_id = {0x5d, [15] = 1},
        .ppid = {0x99},
    };
    claims = (struct evidence_claims){.kind = kind, .sgx = {.platform = platform}, .tdx = {.platform = platform}};
    claims.tdx.is_td15 = true;
    claims.tdx.tee_tcb_svn[0] = 5;
    claims.tdx.tee_tcb_svn2[0] = 6;
    return &claims;
}

static const char *line_of(const struct evidence_claims *claims)
{
    static struct buffer line;
    const char *text;
    struct attested attested;
    buffer_done(&line);
    line = buffer_of_maximum(ATTESTED_LINE_MAX_BYTES);
    assert_ok(attested_from_claims(claims, NOW_S, &attested));
    assert_ok(attested_write(&attested, &line));
    assert_ok(buffer_text(&line, &text));
    return text;
}

#define SGX_REST                                                                                                       \
    "\"fmspc\":\"00606a000000\",\"pce_id\":\"0100\",\"components\":\"0b00000000000000000000000000000c\","              \
    "\"pce_svn\":13,\"qe_svn\":8"
#define STATUS "\"status\":\"SWHardeningNeeded\",\"tcb_evaluation\":18}"
#define SGX_LINE "{\"time\":1795305600,\"tee\":\"sgx\"," SGX_REST "," STATUS
#define TDX_LINE                                                                                                       \
    "{\"time\":1795305600,\"tee\":\"tdx\"," SGX_REST ",\"tee_tcb_svn\":\"05000000000000000000000000000000\","          \
    "\"tee_tcb_svn2\":\"06000000000000000000000000000000\"," STATUS

/* Nothing of what ran, of whom it is, and of no data: these are all members that there are. */
static void test_a_line_holds_the_hardwares_numbers_and_nothing_else(void **)
{
    struct evidence_claims *const claims = claims_of(EVIDENCE_SGX);
    claims->sgx.platform.has_instance = false;
    assert_string_equal(line_of(claims), SGX_LINE "\n");
    struct attested attested;
    assert_ok(attested_from_claims(claims, NOW_S, &attested));
    assert_true(slice_is_zero(SLICE_ARRAY(attested.platform)));
    claims->kind = EVIDENCE_OPEN_ENCLAVE;
    assert_string_equal(line_of(claims), SGX_LINE "\n");
    struct evidence_claims *const domain = claims_of(EVIDENCE_TDX);
    domain->tdx.platform.has_instance = false;
    assert_string_equal(line_of(domain), TDX_LINE "\n");
}

static void test_a_machine_is_told_apart_by_a_digest(void **)
{
    const struct evidence_claims *const claims = claims_of(EVIDENCE_SGX);
    struct attested attested;
    uint8_t digest[SHA256_BYTES];
    assert_ok(sha256(SLICE_ARRAY(claims->sgx.platform.instance_id), digest));
    assert_ok(attested_from_claims(claims, NOW_S, &attested));
    assert_true(attested.has_platform);
    assert_memory_equal(attested.platform, digest, sizeof(attested.platform));
    assert_non_null(strstr(line_of(claims), "\"platform\":\""));
    assert_null(strstr(line_of(claims), "5d000000"));
}

static void test_other_evidence_has_no_such_platform(void **)
{
    static const enum evidence_kind kinds[] = {EVIDENCE_SNP, EVIDENCE_AZURE_VTPM, EVIDENCE_TPM};
    struct attested attested;
    for (size_t i = 0; i < 3; i++)
        assert_status(attested_from_claims(claims_of(kinds[i]), NOW_S, &attested), ERR_UNSUPPORTED);
}

static void assert_reads_back(const struct evidence_claims *claims)
{
    const char *const text = line_of(claims);
    CLEANUP(buffer_done) struct buffer again = buffer_of_maximum(ATTESTED_LINE_MAX_BYTES);
    struct attested attested = {};
    struct refusal why = {};
    if (attested_read(slice_of(text, strlen(text) - 1), &why, &attested) != OK) fail_msg("%s: %s", why.field, why.seen);
    assert_ok(attested_write(&attested, &again));
    assert_slice_equal(buffer_slice(&again), slice_of_text(text));
}

static void test_what_is_written_is_read(void **)
{
    struct evidence_claims *const claims = claims_of(EVIDENCE_TDX);
    for (enum tcb_status s = TCB_UP_TO_DATE; s <= TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED; s++) {
        claims->tdx.platform.tcb_status = s;
        assert_reads_back(claims);
    }
    claims->tdx.is_td15 = false;
    assert_null(strstr(line_of(claims), "tee_tcb_svn2"));
    assert_reads_back(claims);
    claims->tdx.platform.has_instance = false;
    assert_reads_back(claims);
    assert_reads_back(claims_of(EVIDENCE_SGX));
}

/* ---- strictness ---- */

static void test_a_line_is_strict(void **)
{
    static const struct {
        const char *from, *to, *field;
    } changes[] = {
        {"\"time\":1795305600", "\"time\":-1", "time"},
        {"\"time\":1795305600", "\"time\":253402300800", "time"},
        {"\"time\":1795305600", "\"when\":1795305600", "when"},
        {"\"tee\":\"tdx\"", "\"tee\":\"snp\"", "tee"},
        {"\"tee\":\"tdx\"", "\"tee\":\"sgx\"", "tee_tcb_svn"},
        {"\"tee\":\"tdx\",", "\"tee\":\"tdx\",\"platform\":\"00\",", "platform"},
        {"00606a000000", "00606a0000", "fmspc"},
        {"\"pce_id\":\"0100\"", "\"pce_id\":\"01\"", "pce_id"},
        {"0b00", "0b", "components"},
        {"\"pce_svn\":13", "\"pce_svn\":65536", "pce_svn"},
        {"\"qe_svn\":8", "\"qe_svn\":-1", "qe_svn"},
        {"\"0500", "\"05", "tee_tcb_svn"},
        {"\"0600", "\"06", "tee_tcb_svn2"},
        {"SWHardeningNeeded", "Revoked", "status"},
        {"\"tcb_evaluation\":18", "\"tcb_evaluation\":-1", "tcb_evaluation"},
        {"\"tcb_evaluation\":18", "\"tcb_evaluation\":2147483648", "tcb_evaluation"},
        {"}", ",\"report_data\":\"00\"}", "report_data"},
        {"{", "[{", "json"},
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        static const char line[] = TDX_LINE;
        const char *const at = strstr(line, changes[i].from);
        char text[ATTESTED_LINE_MAX_BYTES];
        struct refusal why = {};
        struct attested attested;
        assert_non_null(at);
        (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - line), line, changes[i].to,
                       at + strlen(changes[i].from));
        assert_int_not_equal(attested_read(slice_of_text(text), &why, &attested), OK);
        assert_string_equal(why.field, changes[i].field);
    }
}

static void test_every_member_is_needed(void **)
{
    static const char *const members[] = {"time",    "tee",    "fmspc",       "pce_id", "components",
                                          "pce_svn", "qe_svn", "tee_tcb_svn", "status", "tcb_evaluation"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(ATTESTED_LINE_MAX_BYTES);
        json_t *const line = json_loads(TDX_LINE, 0, NULL);
        struct refusal why = {};
        struct attested attested;
        assert_int_equal(json_object_del(line, members[i]), 0);
        assert_ok(json_write(line, &text));
        json_decref(line);
        assert_status(attested_read(buffer_slice(&text), &why, &attested), ERR_FIELD_MISSING);
        assert_string_equal(why.field, members[i]);
    }
}

static void test_what_is_no_object_or_too_long_is_refused(void **)
{
    struct attested attested;
    struct refusal why = {};
    char text[ATTESTED_LINE_MAX_BYTES + 1];
    assert_status(attested_read(SLICE_LITERAL("[]"), &why, &attested), ERR_FIELD_TYPE);
    assert_string_equal(why.field, "line");
    memset(text, ' ', sizeof(text));
    memcpy(text, SGX_LINE, sizeof(SGX_LINE) - 1);
    assert_ok(attested_read(slice_of(text, ATTESTED_LINE_MAX_BYTES), &why, &attested));
    assert_status(attested_read(slice_of(text, ATTESTED_LINE_MAX_BYTES + 1), &why, &attested), ERR_TOO_LARGE);
}

/* ---- logs ---- */

static enum status count_line(void *context, const struct attested *attested)
{
    size_t *const count = context;
    if (attested->time_s != NOW_S) return ERR_INTERNAL;
    (*count)++;
    return *count == 5 ? ERR_BUSY : OK;
}

static enum status read_log(const char *text, size_t *count, bool *is_torn, struct refusal *why)
{
    *count = 0;
    return attested_log_read(slice_of_text(text), count_line, count, why, is_torn);
}

static void test_a_log_is_read_line_by_line(void **)
{
    size_t count;
    bool is_torn = true;
    struct refusal why = {};
    assert_ok(read_log("", &count, &is_torn, &why));
    assert_int_equal(count, 0);
    assert_false(is_torn);
    assert_ok(read_log(SGX_LINE "\n" TDX_LINE "\n", &count, &is_torn, &why));
    assert_int_equal(count, 2);
    assert_false(is_torn);
    static const char line[] = SGX_LINE "\n";
    char many[5 * sizeof(line)] = "";
    for (size_t i = 0; i < 5; i++) memcpy(many + i * (sizeof(line) - 1), line, sizeof(line));
    assert_status(read_log(many, &count, &is_torn, &why), ERR_BUSY); /* the visitor's */
}

static void test_a_torn_last_line_is_passed_over_and_told(void **)
{
    size_t count;
    bool is_torn = false;
    assert_ok(read_log(SGX_LINE "\n{\"time\":17953", &count, &is_torn, NULL));
    assert_int_equal(count, 1);
    assert_true(is_torn);
    is_torn = false;
    assert_ok(read_log(SGX_LINE, &count, &is_torn, NULL));
    assert_int_equal(count, 0);
    assert_true(is_torn);
}

static void test_a_wrong_line_is_named(void **)
{
    size_t count;
    bool is_torn;
    struct refusal why = {};
    assert_status(read_log(SGX_LINE "\n\n" SGX_LINE "\n", &count, &is_torn, &why), ERR_JSON_SYNTAX);
    assert_string_equal(why.field, "line 2.json");
    assert_status(read_log(SGX_LINE "\n" SGX_LINE "\n{\"tee\":\"snp\"}\n", &count, &is_torn, &why), ERR_FIELD_VALUE);
    assert_string_equal(why.field, "line 3.tee");
    assert_string_equal(why.seen, "snp");
    assert_string_equal(why.expected, "sgx or tdx");
    assert_status(read_log("{}\n", &count, &is_torn, NULL), ERR_FIELD_MISSING);
}

static void test_a_log_has_a_maximum(void **)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(ATTESTED_LOG_MAX_BYTES + 1);
    uint8_t *bytes;
    size_t count = 0;
    bool is_torn = false;
    struct refusal why = {};
    assert_ok(buffer_extend(&text, ATTESTED_LOG_MAX_BYTES, &bytes));
    assert_ok(attested_log_read(buffer_slice(&text), count_line, &count, &why, &is_torn));
    assert_true(is_torn);
    assert_ok(buffer_append_u8(&text, 0));
    assert_status(attested_log_read(buffer_slice(&text), count_line, &count, &why, &is_torn), ERR_TOO_LARGE);
    assert_string_equal(why.field, "log");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_holds_the_hardwares_numbers_and_nothing_else),
        cmocka_unit_test(test_a_machine_is_told_apart_by_a_digest),
        cmocka_unit_test(test_other_evidence_has_no_such_platform),
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_a_line_is_strict),
        cmocka_unit_test(test_every_member_is_needed),
        cmocka_unit_test(test_what_is_no_object_or_too_long_is_refused),
        cmocka_unit_test(test_a_log_is_read_line_by_line),
        cmocka_unit_test(test_a_torn_last_line_is_passed_over_and_told),
        cmocka_unit_test(test_a_wrong_line_is_named),
        cmocka_unit_test(test_a_log_has_a_maximum),
    };
    return cmocka_run_group_tests_name("evidence/attested", tests, NULL, NULL);
}
