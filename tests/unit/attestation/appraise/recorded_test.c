/* SPDX-License-Identifier: Apache-2.0
 *
 * Recorded requests and tokens of Azure Attestation beside ours. A recorded request gives the recorded claims, but for
 * time, key and the digests of collateral of its day, which nobody kept. A recorded token of another machine has the
 * same claims by name, type and encoding.
 */
#include "appraisal.h"
#include "evidence_cases.h"
#include "snp_vectors.h"
#include "vectors.h"

#include <dirent.h>

/* ---- enclaves ---- */

static void read_into(const char *folder, const char *name, struct buffer *bytes)
{
    CLEANUP(buffer_done) struct buffer whole = read_in(folder, name);
    assert_ok(buffer_append(bytes, buffer_slice(&whole)));
}

static bool has(const char *folder, const char *name)
{
    char path[3 * PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return access(path, R_OK) == 0;
}

/* The recorded body, or what it would hold: a quote and the held data that came with it; of type OpenEnclave where a
 * report is at hand. */
static void read_request(const char *folder, struct appraisal *a)
{
    const bool is_report = has(folder, "evidence.bin");
    appraisal_init(a, is_report ? ATTESTATION_OPEN_ENCLAVE : ATTESTATION_SGX_ENCLAVE);
    a->appraiser.roots = NULL;
    if (has(folder, "post.attest.body.json")) {
        CLEANUP(buffer_done) struct buffer body = read_in(folder, "post.attest.body.json");
        attest_request_done(&a->request);
        assert_ok(attest_request_parse(ATTESTATION_OPEN_ENCLAVE, buffer_slice(&body), NULL, &a->request));
        assert_true(a->request.runtime.is_given);
        return;
    }
    read_into(folder, is_report ? "evidence.bin" : "quote.bin", &a->request.evidence);
    a->request.runtime = (struct attest_data){.is_given = true, .bytes = buffer_of_maximum(64 * 1024)};
    read_into(folder, "ehd.bin", &a->request.runtime.bytes);
}

static struct collateral *read_collateral(const char *folder, const json_t *evaluation)
{
    char path[2 * PATH_MAX], relative[256];
    collateral_path(folder, evaluation, path);
    (void)snprintf(relative, sizeof(relative), "%.255s", path);
    struct collateral_files files = collateral_files_read(relative);
    const struct collateral_texts texts = collateral_files_texts(&files);
    struct collateral *collateral = NULL;
    assert_ok(collateral_new(&texts, NULL, NULL, &collateral));
    collateral_files_done(&files);
    return collateral;
}

static void assert_same(const json_t *payload, const char *name, const json_t *expected)
{
    const json_t *const seen = json_object_get(payload, name);
    if (seen == NULL || !json_equal(seen, expected)) fail_msg("%s is not as recorded", name);
}

static void assert_hex_digits(const json_t *object, const char *name, size_t count)
{
    const char *const text = json_string_value(json_object_get(object, name));
    if (text == NULL || strlen(text) != count || strspn(text, "0123456789abcdef") != count)
        fail_msg("%s is not %zu hexadecimal digits", name, count);
}

/* Calls `check` with the payload for every evaluation whose lists are current. */
static unsigned each_evaluation(const char *folder, const char *root,
                                void (*check)(const json_t *expected, const json_t *evaluation, const json_t *payload))
{
    CLEANUP(json_done) json_t *expected = read_expected(root);
    unsigned count = 0;
    size_t i;
    const json_t *evaluation;
    json_array_foreach (json_object_get(expected, "evaluations"), i, evaluation) {
        if (!json_is_true(json_object_get(evaluation, "crls_current"))) continue;
        CLEANUP(appraisal_done) struct appraisal a;
        CLEANUP(collateral_cleanup) struct collateral *collateral = read_collateral(folder, evaluation);
        read_request(root, &a);
        a.materials.collateral = collateral;
        a.materials.now_s = number_at(evaluation, "time_unix");
        CLEANUP(json_done) json_t *payload = appraisal_token(&a);
        check(expected, evaluation, payload);
        count++;
    }
    return count;
}

/* The claims of 2020 that later tokens still have, under the names that the default policy issues. */
static void check_recorded(const json_t *, const json_t *, const json_t *payload)
{
    static const char *const names[] = {"is-debuggable", "maa-ehd", "product-id", "sgx-mrenclave",
                                        "sgx-mrsigner",  "svn",     "tee"};
    CLEANUP(buffer_done)
    struct buffer text = read_whole(shared_path("vectors/maa/uks-2020-oe-attest/post.attest.response.jwt.body.json"));
    const char *whole;
    assert_ok(buffer_text(&text, &whole));
    const char *const body = strstr(whole, "}\n\n{") + 3; /* the header stands before it */
    CLEANUP(json_done) json_t *recorded = NULL;
    assert_ok(json_parse(slice_of_text(body), 64 * 1024, NULL, &recorded));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_same(payload, names[i], json_object_get(recorded, names[i]));
    const json_t *const then = json_object_get(recorded, "maa-attestationcollateral");
    const json_t *const now = json_object_get(payload, "maa-attestationcollateral");
    assert_same(now, "quotehash", json_object_get(then, "maa-quotehash"));
    const char *name;
    const json_t *value;
    json_object_foreach ((json_t *)then, name, value) assert_hex_digits(now, name + strlen("maa-"), 64);
    assert_int_equal(json_object_size(now), json_object_size(then));
    assert_int_equal(number_at(payload, "exp") - number_at(payload, "iat"),
                     number_at(recorded, "exp") - number_at(recorded, "iat"));
    assert_int_equal(number_at(payload, "nbf"), number_at(payload, "iat"));
}

static void test_a_recorded_request_gives_its_recorded_claims(void **)
{
    char root[PATH_MAX];
    (void)snprintf(root, sizeof(root), "%s", shared_path("vectors/maa/uks-2020-oe-attest"));
    assert_true(each_evaluation("vectors/maa/uks-2020-oe-attest", root, check_recorded) > 0);
}

/* What Microsoft's samples say of the enclave that made the quote. */
static void check_sample(const json_t *expected, const json_t *, const json_t *payload)
{
    const json_t *const fields = json_object_get(expected, "fields");
    static const struct {
        const char *claim, *field;
    } same[] = {{"sgx-mrenclave", "mrenclave"},
                {"x-ms-sgx-mrenclave", "mrenclave"},
                {"sgx-mrsigner", "mrsigner"},
                {"x-ms-sgx-mrsigner", "mrsigner"},
                {"product-id", "isvprodid"},
                {"x-ms-sgx-product-id", "isvprodid"},
                {"svn", "isvsvn"},
                {"x-ms-sgx-svn", "isvsvn"},
                {"is-debuggable", "debug"},
                {"x-ms-sgx-is-debuggable", "debug"},
                {"x-ms-sgx-report-data", "report_data"}};
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        assert_same(payload, same[i].claim, json_object_get(fields, same[i].field));
    assert_null(json_object_get(payload, "lazaret-simulated"));
    assert_string_equal(text_at(payload, "x-ms-attestation-type"), "sgx");
    assert_string_equal(text_at(payload, "maa-ehd"), text_at(payload, "x-ms-sgx-ehd"));
    assert_string_equal(text_at(payload, "aas-ehd"), text_at(payload, "x-ms-sgx-ehd"));
}

static unsigned samples;

static void check_sample_folder(const char *folder)
{
    char root[PATH_MAX];
    (void)snprintf(root, sizeof(root), "%s", shared_path(folder));
    if (!has(root, "ehd.bin")) return;
    const unsigned count = each_evaluation(folder, root, check_sample);
    if (count == 0) fail_msg("no evaluation in %s", root);
    samples++;
}

static void test_recorded_quotes_give_the_claims_of_their_enclaves(void **)
{
    (void)each_case("vectors/oe", check_sample_folder);
    assert_int_equal(samples, 4);
}

/* ---- machines ---- */

/* How a value is written: its type, and of text how long and in which digits. */
static void describe(const json_t *value, char *text_out, size_t size)
{
    const char *const text = json_string_value(value);
    const bool is_hex = text != NULL && text[0] != '\0' && text[strspn(text, "0123456789abcdef")] == '\0';
    if (text == NULL)
        (void)snprintf(text_out, size, "%s",
                       json_is_boolean(value)   ? "boolean"
                       : json_is_integer(value) ? "integer"
                                                : "other");
    else
        (void)snprintf(text_out, size, is_hex ? "%zu hexadecimal digits" : "text", strlen(text));
}

static void assert_alike(const json_t *ours, const json_t *recorded)
{
    const char *name;
    const json_t *value;
    json_object_foreach ((json_t *)recorded, name, value) {
        const json_t *const own = json_object_get(ours, name);
        char expected[64], seen[64];
        if (own == NULL) fail_msg("no claim %s", name);
        describe(value, expected, sizeof(expected));
        describe(own, seen, sizeof(seen));
        if (strcmp(seen, expected) != 0) fail_msg("%s: %s, recorded: %s", name, seen, expected);
    }
    json_object_foreach ((json_t *)ours, name, value)
        if (json_object_get(recorded, name) == NULL) fail_msg("%s is not in the recorded token", name);
}

static json_t *recorded_snp_claims(void)
{
    CLEANUP(buffer_done) struct buffer text = read_whole(shared_path("vectors/maa/snp-2025-jwt/token.jwt"));
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(64 * 1024);
    struct slice header, rest, body, signature;
    json_t *claims = NULL;
    assert_true(slice_split(buffer_slice(&text), '.', &header, &rest) && slice_split(rest, '.', &body, &signature));
    assert_ok(base64url_decode(body, &payload));
    assert_ok(json_parse(buffer_slice(&payload), 64 * 1024, NULL, &claims));
    return claims;
}

static const char *const snp_cases[] = {"genoa-v5-lunal", "milan-microsoft", "milan-v2-google", "trustee-vcek",
                                        "turin-microsoft"};

static void append_certificates(struct slice bytes, struct buffer *pem)
{
    if (slice_starts_with(bytes, SLICE_LITERAL("-----")))
        assert_ok(buffer_append(pem, bytes));
    else
        append_pem(bytes, pem);
}

static json_t *snp_token(const char *name)
{
    CLEANUP(snp_vector_done) struct snp_vector vector = snp_vector_read(name);
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, ATTESTATION_SEV_SNP_VM);
    a.materials.now_s = vector.from_s + 86400;
    assert_ok(buffer_append(&a.request.evidence, buffer_slice(&vector.report)));
    for (size_t i = 0; i < 2; i++) append_certificates(vector.certificates[i], &a.request.endorsements);
    return appraisal_token(&a);
}

/* Byte for byte where the expected fields of the report say the same. */
static void check_snp_values(const char *name, const json_t *payload)
{
    static const struct {
        const char *claim, *field;
    } same[] = {{"authorkeydigest", "author_key_digest"},
                {"idkeydigest", "id_key_digest"},
                {"launchmeasurement", "measurement"},
                {"familyId", "family_id"},
                {"imageId", "image_id"},
                {"hostdata", "host_data"},
                {"reportdata", "report_data"},
                {"reportid", "report_id"},
                {"guestsvn", "guest_svn"},
                {"vmpl", "vmpl"},
                {"smt-allowed", "policy_smt"},
                {"migration-allowed", "policy_migrate_ma"},
                {"is-debuggable", "policy_debug_allowed"}};
    static const struct {
        const char *claim, *field;
    } levels[] = {
        {"bootloader-svn", "bootloader"}, {"tee-svn", "tee"}, {"snpfw-svn", "snp"}, {"microcode-svn", "ucode"}};
    char folder[128], claim[64];
    (void)snprintf(folder, sizeof(folder), "vectors/snp/%.64s/expected.json", name);
    CLEANUP(json_done) json_t *expected = vectors_load(folder);
    const json_t *const fields = json_object_get(expected, "fields");
    const json_t *const reported = json_object_get(json_object_get(expected, "checks"), "reported_tcb_decoded");
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        (void)snprintf(claim, sizeof(claim), "x-ms-sevsnpvm-%s", same[i].claim);
        assert_same(payload, claim, json_object_get(fields, same[i].field));
    }
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        (void)snprintf(claim, sizeof(claim), "x-ms-sevsnpvm-%s", levels[i].claim);
        assert_same(payload, claim, json_object_get(reported, levels[i].field));
    }
}

static void test_snp_claims_are_those_of_a_recorded_token(void **)
{
    CLEANUP(json_done) json_t *recorded = recorded_snp_claims();
    for (size_t i = 0; i < sizeof(snp_cases) / sizeof(snp_cases[0]); i++) {
        CLEANUP(json_done) json_t *payload = snp_token(snp_cases[i]);
        assert_alike(payload, recorded);
        assert_string_equal(text_at(payload, "x-ms-policy-hash"), text_at(recorded, "x-ms-policy-hash"));
        check_snp_values(snp_cases[i], payload);
    }
}

/* ---- domains ---- */

static unsigned domains;

static void check_domain_values(const json_t *expected, const char *status, const json_t *payload)
{
    static const char *const same[] = {"mrseam", "mrtd",  "mrconfigid", "mrowner", "mrownerconfig",
                                       "rtmr0",  "rtmr1", "rtmr2",      "rtmr3",   "report_data"};
    const json_t *const fields = json_object_get(expected, "fields");
    char claim[64];
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        (void)snprintf(claim, sizeof(claim), "tdx_%s", same[i]);
        assert_same(payload, claim, json_object_get(fields, same[i]));
    }
    assert_same(payload, "tdx_seam_attributes", json_object_get(fields, "seamattr"));
    assert_same(payload, "tdx_td_attributes", json_object_get(fields, "tdattributes"));
    assert_same(payload, "tdx_xfam", json_object_get(fields, "xfam"));
    assert_same(payload, "tdx_tee_tcb_svn", json_object_get(fields, "tee_tcb_svn"));
    assert_same(payload, "tdx_mrsignerseam", json_object_get(fields, "mrsignerseam"));
    assert_string_equal(text_at(payload, "attester_tcb_status"), status);
    assert_null(json_object_get(payload, "lazaret-simulated"));
}

static unsigned padded;

/* As a client sends it. Some were recorded with what stood behind them: zeros are passed over, of others only the quote
 * is taken here. */
static void read_quote(const char *root, const json_t *expected, struct appraisal *a)
{
    CLEANUP(buffer_done) struct buffer wire = read_in(root, "quote.bin"), body = buffer_of_maximum(256 * 1024);
    const size_t size = (size_t)number_at(expected, "quote_core_len");
    const bool is_padded = slice_is_zero(slice_part(buffer_slice(&wire), size, wire.size));
    if (is_padded && wire.size > size) padded++;
    if (!is_padded) buffer_truncate(&wire, size);
    assert_ok(buffer_append_text(&body, "{\"quote\":\""));
    assert_ok(base64url_encode(buffer_slice(&wire), &body));
    assert_ok(buffer_append_text(&body, "\"}"));
    attest_request_done(&a->request);
    assert_ok(attest_request_parse(ATTESTATION_TDX_VM, buffer_slice(&body), NULL, &a->request));
    assert_int_equal(a->request.evidence.size, size);
}

static void check_domain_folder(const char *folder)
{
    char root[PATH_MAX];
    (void)snprintf(root, sizeof(root), "%s", shared_path(folder));
    CLEANUP(json_done) json_t *expected = read_expected(root);
    size_t i;
    const json_t *evaluation;
    json_array_foreach (json_object_get(expected, "evaluations"), i, evaluation) {
        const json_t *const intel = json_object_get(evaluation, "intel_algorithm");
        if (!json_is_true(json_object_get(evaluation, "crls_current"))) continue;
        CLEANUP(appraisal_done) struct appraisal a;
        CLEANUP(collateral_cleanup) struct collateral *collateral = read_collateral(folder, evaluation);
        appraisal_init(&a, ATTESTATION_TDX_VM);
        a.appraiser.roots = NULL;
        read_quote(root, expected, &a);
        a.materials.collateral = collateral;
        a.materials.now_s = number_at(evaluation, "time_unix");
        if (strncmp(text_at(intel, "status"), "TCB_NOT_SUPPORTED", 17) == 0) {
            assert_status(appraisal_run(&a), ERR_TCB_NOT_SUPPORTED);
            continue;
        }
        CLEANUP(json_done) json_t *payload = appraisal_token(&a);
        check_domain_values(expected, text_at(intel, "status"), payload);
        domains++;
    }
}

static void test_genuine_domains_give_the_claims_of_their_reports(void **)
{
    (void)each_case("vectors/tdx", check_domain_folder);
    assert_int_equal(domains, 20);
    assert_true(padded > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_recorded_request_gives_its_recorded_claims),
        cmocka_unit_test(test_recorded_quotes_give_the_claims_of_their_enclaves),
        cmocka_unit_test(test_snp_claims_are_those_of_a_recorded_token),
        cmocka_unit_test(test_genuine_domains_give_the_claims_of_their_reports),
    };
    return cmocka_run_group_tests_name("attestation/recorded", tests, NULL, NULL);
}
