/* SPDX-License-Identifier: Apache-2.0
 *
 * Genuine Azure confidential machines, on AMD's and on Intel's hardware: from their files and from the JSON forms in
 * which others keep them, their fields are the expected ones, and with any byte changed they are refused.
 */
#include "evidence_cases.h"
#include "test_tpm.h"

#include "evidence/verify.h"

#define TDX_PLATFORM "vectors/tdx/tdx10-v4-00806f050000-a187b0da/"
enum { SNP_TIME_S = 1750000000 /* inside each VCEK's validity */ };

static const char *const snp_cases[] = {"snp-milan-trustee-v0", "snp-milan-trustee-v2", "snp-milan-lunal-live"};
enum { SNP_COUNT = sizeof(snp_cases) / sizeof(snp_cases[0]) };

static const struct {
    const char *collateral;
    int64_t time_s;
} tdx_dates[] = {{TDX_PLATFORM "collateral-20250205-ev17", 1738756623},
                 {TDX_PLATFORM "collateral-20260627-ev21", 1782599235}};

/* ---- a case's files ---- */

struct files {
    struct buffer hcl_report, td_quote, vcek, message, signature, pcr_file;
    struct slice certificate;
    struct tpm_pcrs pcrs;
    json_t *expected;
};

static const char *case_path(const char *name, const char *file)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "vectors/azure-vtpm/%s/%s", name, file);
    return shared_path(path);
}

static struct buffer read_if_there(const char *name, const char *file)
{
    char folder[PATH_MAX], path[2 * PATH_MAX];
    (void)snprintf(folder, sizeof(folder), "%s", case_path(name, "hcl_report.bin"));
    (void)snprintf(path, sizeof(path), "%.*s/%s", (int)(strlen(folder) - strlen("/hcl_report.bin")), folder, file);
    return access(path, R_OK) == 0 ? read_whole(path) : (struct buffer){};
}

static void read_files(struct files *files, const char *name)
{
    *files = (struct files){.hcl_report = read_if_there(name, "hcl_report.bin"),
                            .td_quote = read_if_there(name, "td_quote.bin"),
                            .vcek = read_if_there(name, "vcek.der"),
                            .message = read_if_there(name, "tpm_quote.msg"),
                            .signature = read_if_there(name, "tpm_quote.sig"),
                            .pcr_file = read_if_there(name, "pcrs_sha256.bin")};
    CLEANUP(buffer_done) struct buffer text = read_if_there(name, "expected.json");
    assert_ok(json_parse(buffer_slice(&text), 1 << 20, NULL, &files->expected));
    files->certificate = buffer_slice(&files->vcek);
    if (files->pcr_file.size > 0)
        assert_ok(tpm_pcrs_read(buffer_slice(&files->pcr_file), TPM_HASH_SHA256, NULL, &files->pcrs));
}

static void files_done(struct files *files)
{
    json_done(&files->expected);
    struct buffer *const buffers[] = {&files->hcl_report, &files->td_quote,  &files->vcek,
                                      &files->message,    &files->signature, &files->pcr_file};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) buffer_done(buffers[i]);
}

static struct azure_evidence evidence_of(const struct files *files)
{
    return (struct azure_evidence){
        .hcl_report = buffer_slice(&files->hcl_report),
        .td_quote = buffer_slice(&files->td_quote),
        .endorsements = {.certificates = &files->certificate, .certificate_count = files->vcek.size > 0 ? 1 : 0},
        .tpm_required = true,
        .tpm = {.attest = buffer_slice(&files->message),
                .signature = buffer_slice(&files->signature),
                .is_bare_rsa = true,
                .pcrs = files->pcr_file.size > 0 ? &files->pcrs : NULL}};
}

/* ---- what is expected of the claims ---- */

static void assert_configuration(const json_t *expected, const struct azure_claims *claims)
{
    const json_t *const configuration = json_object_get(expected, "vm_configuration");
    assert_int_equal(claims->secure_boot, json_is_true(json_object_get(configuration, "secure-boot")));
    assert_int_equal(claims->tpm_enabled, json_is_true(json_object_get(configuration, "tpm-enabled")));
    assert_int_equal(claims->console_enabled, json_is_true(json_object_get(configuration, "console-enabled")));
    assert_string_equal(claims->vm_id, text_at(configuration, "vmUniqueId"));
    assert_hex(json_object_get(expected, "hcl"), "var_data_sha256", SLICE_ARRAY(claims->runtime_data_hash));
}

static void assert_quote(const json_t *expected, const struct azure_claims *claims)
{
    const json_t *const attest = json_object_get(expected, "tpms_attest");
    const struct tpm_claims *const tpm = &claims->tpm;
    assert_true(claims->has_tpm);
    assert_hex(attest, "qualifiedSigner", slice_of(tpm->qualified_signer, tpm->qualified_signer_size));
    assert_hex(attest, "extraData", slice_of(tpm->extra_data, tpm->extra_data_size));
    assert_hex(attest, "pcrDigest", slice_of(tpm->pcr_digest, tpm->pcr_digest_size));
    assert_int_equal(tpm->clock_ms, number_at(attest, "clock"));
    assert_int_equal(tpm->reset_count, number_at(attest, "resetCount"));
    assert_int_equal(tpm->restart_count, number_at(attest, "restartCount"));
    assert_int_equal(tpm->selection, 0xffffff);
    assert_int_equal(tpm->pcrs.known, 0xffffff);
    assert_int_equal(tpm->firmware_version, strtoull(text_at(attest, "firmwareVersion"), NULL, 16));
    assert_memory_equal(tpm->key_thumbprint, claims->ak_thumbprint, 32);
}

static void assert_snp(const json_t *expected, const struct azure_claims *claims)
{
    const json_t *const fields = json_object_get(expected, "snp_fields");
    assert_int_equal(claims->isolation, AZURE_SNP);
    assert_int_equal(claims->snp.version, number_at(fields, "version"));
    assert_int_equal(claims->snp.guest_svn, number_at(fields, "guest_svn"));
    assert_hex(fields, "measurement", SLICE_ARRAY(claims->snp.measurement));
    assert_hex(fields, "report_data", SLICE_ARRAY(claims->snp.report_data));
    assert_hex(fields, "chip_id", SLICE_ARRAY(claims->snp.chip_id));
    assert_hex(fields, "id_key_digest", SLICE_ARRAY(claims->snp.id_key_digest));
    assert_int_equal(claims->expires_s, claims->snp.expires_s);
}

static void assert_tdx(const json_t *expected, const struct azure_claims *claims)
{
    const json_t *const fields = json_object_get(expected, "td_quote_fields");
    assert_int_equal(claims->isolation, AZURE_TDX);
    assert_hex(fields, "mrtd", SLICE_ARRAY(claims->tdx.mrtd));
    assert_hex(fields, "mrseam", SLICE_ARRAY(claims->tdx.mrseam));
    assert_hex(fields, "report_data", SLICE_ARRAY(claims->tdx.report_data));
    assert_hex(fields, "fmspc", SLICE_ARRAY(claims->tdx.platform.fmspc));
    assert_int_equal(claims->tdx.platform.tcb_status, TCB_OUT_OF_DATE); /* as Intel's rules say of this platform */
    assert_int_equal(claims->expires_s, claims->tdx.platform.expires_s);
}

/* ---- tests ---- */

static void test_genuine_machines_on_amds_hardware(void **)
{
    for (size_t i = 0; i < SNP_COUNT; i++) {
        CLEANUP(files_done) struct files files;
        struct azure_claims claims;
        read_files(&files, snp_cases[i]);
        const struct azure_evidence evidence = evidence_of(&files);
        assert_ok(azure_vtpm_verify(&evidence, SNP_TIME_S, NULL, &claims));
        assert_configuration(files.expected, &claims);
        assert_quote(files.expected, &claims);
        assert_snp(files.expected, &claims);
    }
}

static struct collateral *tdx_collateral(size_t index)
{
    struct collateral *collateral = NULL;
    CLEANUP(collateral_files_done) struct collateral_files files = collateral_files_read(tdx_dates[index].collateral);
    const struct collateral_texts texts = collateral_files_texts(&files);
    assert_ok(collateral_new(&texts, NULL, NULL, &collateral));
    return collateral;
}

static void test_a_genuine_machine_on_intels_hardware(void **)
{
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(files_done) struct files files;
        CLEANUP(collateral_cleanup) struct collateral *collateral = tdx_collateral(i);
        struct azure_claims claims;
        struct refusal why = {};
        read_files(&files, "tdx-trustee-v1");
        struct azure_evidence evidence = evidence_of(&files);
        assert_refused(azure_vtpm_verify(&evidence, tdx_dates[i].time_s, &why, &claims), ERR_COLLATERAL_MISSING, &why,
                       "collateral");
        evidence.collateral = collateral;
        assert_ok(azure_vtpm_verify(&evidence, tdx_dates[i].time_s, &why, &claims));
        assert_configuration(files.expected, &claims);
        assert_quote(files.expected, &claims);
        assert_tdx(files.expected, &claims);
        evidence.td_quote.size--; /* one zero fewer behind the quote, then something else there */
        assert_ok(azure_vtpm_verify(&evidence, tdx_dates[i].time_s, &why, &claims));
        files.td_quote.bytes[files.td_quote.size - 2] = 1;
        assert_status(azure_vtpm_verify(&evidence, tdx_dates[i].time_s, &why, &claims), ERR_TRAILING_BYTES);
    }
}

static void test_every_byte_of_a_genuine_report_counts_but_what_nothing_signs(void **)
{
    CLEANUP(files_done) struct files files;
    struct azure_claims claims;
    size_t accepted = 0;
    read_files(&files, "snp-milan-trustee-v2");
    const struct azure_evidence evidence = evidence_of(&files);
    for (size_t i = 0; i < files.hcl_report.size; i++) {
        files.hcl_report.bytes[i] ^= 1;
        if (azure_vtpm_verify(&evidence, SNP_TIME_S, NULL, &claims) == OK) {
            /* the header's reserved bytes */
            assert_true(i >= 20 && i < 32);
            accepted++;
        }
        files.hcl_report.bytes[i] ^= 1;
    }
    assert_int_equal(accepted, 12);
}

static void test_a_quote_of_another_machine_is_refused(void **)
{
    CLEANUP(files_done) struct files files;
    CLEANUP(files_done) struct files other;
    struct azure_claims claims;
    struct refusal why = {};
    read_files(&files, snp_cases[0]);
    read_files(&other, snp_cases[1]);
    struct azure_evidence evidence = evidence_of(&files);
    evidence.tpm = evidence_of(&other).tpm;
    assert_refused(azure_vtpm_verify(&evidence, SNP_TIME_S, &why, &claims), ERR_TPM_SIGNATURE, &why, "signature");
}

static void test_a_genuine_report_of_the_first_kind_is_read(void **)
{
    CLEANUP(files_done) struct files files;
    CLEANUP(buffer_done) struct buffer expected = read_if_there("kinvolk-snp-hcl", "runtime_data.json");
    struct azure_facts facts;
    read_files(&files, "kinvolk-snp-hcl");
    assert_ok(azure_report_facts(buffer_slice(&files.hcl_report), NULL, &facts));
    assert_int_equal(facts.isolation, AZURE_SNP);
    assert_slice_equal(facts.runtime_data, buffer_slice(&expected));
    struct snp_report_facts snp;
    assert_ok(snp_report_facts(facts.hardware_report, NULL, &snp));
}

static void test_each_json_form_is_the_same_evidence_as_its_files(void **)
{
    for (size_t i = 0; i < SNP_COUNT; i++) {
        CLEANUP(files_done) struct files files;
        struct azure_evidence_text text;
        struct azure_claims claims;
        CLEANUP(buffer_done) struct buffer json = read_if_there(snp_cases[i], "source_evidence.json");
        read_files(&files, snp_cases[i]);
        assert_ok(azure_evidence_json(buffer_slice(&json), NULL, &text));
        assert_slice_equal(text.evidence.hcl_report, buffer_slice(&files.hcl_report));
        assert_slice_equal(text.evidence.tpm.attest, buffer_slice(&files.message));
        assert_slice_equal(text.evidence.tpm.signature, buffer_slice(&files.signature));
        assert_int_equal(text.evidence.td_quote.size, 0);
        text.evidence.tpm_required = true;
        assert_ok(azure_vtpm_verify(&text.evidence, SNP_TIME_S, NULL, &claims));
        assert_quote(files.expected, &claims);
        assert_snp(files.expected, &claims);
        azure_evidence_text_done(&text);
    }
}

static void test_the_json_form_of_a_machine_on_intels_hardware(void **)
{
    CLEANUP(files_done) struct files files;
    CLEANUP(collateral_cleanup) struct collateral *collateral = tdx_collateral(0);
    CLEANUP(buffer_done) struct buffer json = read_if_there("tdx-trustee-v1", "source_evidence.json");
    struct azure_evidence_text text;
    struct evidence_claims claims;
    read_files(&files, "tdx-trustee-v1");
    assert_ok(azure_evidence_json(buffer_slice(&json), NULL, &text));
    assert_slice_equal(text.evidence.td_quote, buffer_slice(&files.td_quote));
    const struct evidence evidence = {.kind = EVIDENCE_AZURE_VTPM, .azure = text.evidence, .collateral = collateral};
    assert_ok(evidence_verify(&evidence, NULL, tdx_dates[0].time_s, NULL, NULL, &claims));
    assert_quote(files.expected, &claims.azure);
    assert_tdx(files.expected, &claims.azure);
    azure_evidence_text_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_genuine_machines_on_amds_hardware),
        cmocka_unit_test(test_a_genuine_machine_on_intels_hardware),
        cmocka_unit_test(test_every_byte_of_a_genuine_report_counts_but_what_nothing_signs),
        cmocka_unit_test(test_a_quote_of_another_machine_is_refused),
        cmocka_unit_test(test_a_genuine_report_of_the_first_kind_is_read),
        cmocka_unit_test(test_each_json_form_is_the_same_evidence_as_its_files),
        cmocka_unit_test(test_the_json_form_of_a_machine_on_intels_hardware),
    };
    return cmocka_run_group_tests_name("evidence/azure_vectors", tests, NULL, NULL);
}
