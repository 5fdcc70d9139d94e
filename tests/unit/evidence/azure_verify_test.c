/* SPDX-License-Identifier: Apache-2.0
 *
 * azure_vtpm_verify on simulated machines: what must hold together for the whole to be accepted.
 */
#include "amd_pki.h"
#include "evidence/verify.h"
#include "tee/simulation/machine.h"
#include "test_azure.h"

static struct key *ak, *other;

static int make_keys(void **)
{
    assert_ok(key_generate(KEY_RSA, 2048, &ak));
    assert_ok(key_generate(KEY_RSA, 2048, &other));
    return 0;
}

static int free_keys(void **)
{
    key_cleanup(&ak);
    key_cleanup(&other);
    return 0;
}

/* ---- AMD's hardware ---- */

/* What the report is signed over; the minting has no room for more than a function. */
static uint8_t bound_data[64], level;

static void bind_report(uint8_t *report)
{
    memcpy(report + 0x050, bound_data, sizeof(bound_data));
    report[0x030] = level;
}

/* What a test changes. All-zero: nothing. */
struct snp_options {
    uint8_t vmpl;
    bool other_binding;
    const char *more_keys; /* "" */
    uint32_t hash_type;
};

struct snp_scene {
    struct amd_pki pki;
    struct buffer runtime_data, hcl_report;
    struct made_quote made;
    struct tpm_pcrs pcrs;
    struct azure_evidence evidence;
};

static void snp_scene_done(struct snp_scene *scene)
{
    amd_pki_done(&scene->pki);
    buffer_done(&scene->runtime_data);
    buffer_done(&scene->hcl_report);
    made_quote_done(&scene->made);
}

static void snp_scene_make(struct snp_scene *scene, const struct snp_options *options)
{
    static const enum hash hashes[] = {HASH_SHA256, HASH_SHA256, HASH_SHA384, HASH_SHA512};
    *scene = (struct snp_scene){.pcrs = test_tpm_pcrs(TPM_HASH_SHA256)};
    scene->runtime_data = test_runtime_data(ak, options->more_keys != NULL ? options->more_keys : "", NULL);
    test_hcl_binding(buffer_slice(&scene->runtime_data), hashes[options->hash_type], bound_data);
    if (options->other_binding) bound_data[63] ^= 1;
    level = options->vmpl;
    scene->pki = amd_pki_make(&(struct amd_pki_options){.report = bind_report});
    scene->hcl_report = test_hcl_report(&(struct test_hcl){.hardware_report = buffer_slice(&scene->pki.report),
                                                           .runtime_data = buffer_slice(&scene->runtime_data),
                                                           .hash_type = options->hash_type,
                                                           .padding = 40});
    scene->made = test_tpm_quote(&(struct test_quote){.key = ak, .nonce = SLICE_LITERAL("nonce")});
    scene->evidence = (struct azure_evidence){.hcl_report = buffer_slice(&scene->hcl_report),
                                              .endorsements = amd_pki_endorsements(&scene->pki),
                                              .tpm_required = true,
                                              .tpm = scene->made.quote};
    scene->evidence.tpm.pcrs = &scene->pcrs;
    scene->evidence.tpm.nonce = SLICE_LITERAL("nonce");
    scene->evidence.tpm.key = other; /* whatever the caller says: the runtime data's key counts */
}

static enum status verify_snp(const struct snp_scene *scene, struct refusal *why, struct azure_claims *claims)
{
    return azure_vtpm_verify(&scene->evidence, AMD_NOW_S, why, claims);
}

static void test_a_machine_on_amds_hardware(void **)
{
    CLEANUP(snp_scene_done) struct snp_scene scene;
    struct azure_claims claims;
    uint8_t digest[32], thumbprint[32];
    snp_scene_make(&scene, &(struct snp_options){});
    assert_ok(verify_snp(&scene, NULL, &claims));
    assert_int_equal(claims.isolation, AZURE_SNP);
    assert_memory_equal(claims.snp.report_data, bound_data, 64);
    assert_true(claims.has_tpm);
    assert_int_equal(claims.tpm.selection, TEST_TPM_SELECTION);
    assert_ok(sha256(buffer_slice(&scene.runtime_data), digest));
    assert_memory_equal(claims.runtime_data_hash, digest, 32);
    assert_ok(key_thumbprint(ak, thumbprint));
    assert_memory_equal(claims.ak_thumbprint, thumbprint, 32);
    assert_true(claims.secure_boot);
    assert_string_equal(claims.vm_id, "AB-1");
    assert_int_equal(claims.expires_s, claims.snp.expires_s);
    assert_true(claims.expires_s > AMD_NOW_S);
}

static void test_report_data_by_each_hash(void **)
{
    for (uint32_t i = 1; i <= 3; i++) {
        CLEANUP(snp_scene_done) struct snp_scene scene;
        struct azure_claims claims;
        uint8_t digest[32];
        snp_scene_make(&scene, &(struct snp_options){.hash_type = i});
        assert_ok(verify_snp(&scene, NULL, &claims));
        assert_ok(sha256(buffer_slice(&scene.runtime_data), digest)); /* of the claims, whatever binds */
        assert_memory_equal(claims.runtime_data_hash, digest, 32);
    }
}

static void test_a_report_that_the_hardware_did_not_sign_is_refused(void **)
{
    CLEANUP(snp_scene_done) struct snp_scene scene;
    struct azure_claims claims;
    struct refusal why = {};
    snp_scene_make(&scene, &(struct snp_options){});
    scene.hcl_report.bytes[HCL_HARDWARE_AT + 0x90] ^= 1; /* the measurement */
    assert_status(verify_snp(&scene, &why, &claims), ERR_SNP_SIGNATURE);
}

static void test_a_report_from_below_the_paravisor_is_refused(void **)
{
    for (uint8_t vmpl = 1; vmpl <= 3; vmpl++) {
        CLEANUP(snp_scene_done) struct snp_scene scene;
        struct azure_claims claims;
        struct refusal why = {};
        snp_scene_make(&scene, &(struct snp_options){.vmpl = vmpl});
        assert_refused(verify_snp(&scene, &why, &claims), ERR_AZURE_REPORT, &why, "hcl_report.snp_report.vmpl");
    }
}

static void test_runtime_data_that_the_report_does_not_bind_are_refused(void **)
{
    CLEANUP(snp_scene_done) struct snp_scene scene;
    struct azure_claims claims;
    struct refusal why = {};
    snp_scene_make(&scene, &(struct snp_options){.other_binding = true});
    assert_refused(verify_snp(&scene, &why, &claims), ERR_REPORT_DATA, &why, "hcl_report.runtime_data");
    CLEANUP(snp_scene_done) struct snp_scene changed;
    snp_scene_make(&changed, &(struct snp_options){});
    changed.hcl_report.bytes[HCL_JSON_AT + 30] ^= 1;
    assert_refused(verify_snp(&changed, &why, &claims), ERR_REPORT_DATA, &why, "hcl_report.runtime_data");
}

static void test_runtime_data_without_one_sound_key_are_refused(void **)
{
    CLEANUP(snp_scene_done) struct snp_scene scene;
    struct azure_claims claims;
    struct refusal why = {};
    snp_scene_make(&scene, &(struct snp_options){.more_keys = ",{\"kid\":\"HCLAkPub\"}"});
    assert_refused(verify_snp(&scene, &why, &claims), ERR_AZURE_REPORT, &why, "runtime_data.keys.HCLAkPub");
}

static void test_a_malformed_report_is_refused(void **)
{
    CLEANUP(snp_scene_done) struct snp_scene scene;
    struct azure_claims claims;
    struct refusal why = {};
    snp_scene_make(&scene, &(struct snp_options){});
    scene.hcl_report.bytes[0] = 'h';
    assert_refused(verify_snp(&scene, &why, &claims), ERR_AZURE_REPORT, &why, "hcl_report.signature");
}

static void test_a_td_quote_beside_amds_report_is_refused(void **)
{
    CLEANUP(snp_scene_done) struct snp_scene scene;
    struct azure_claims claims;
    struct refusal why = {};
    snp_scene_make(&scene, &(struct snp_options){});
    scene.evidence.td_quote = SLICE_LITERAL("quote");
    assert_refused(verify_snp(&scene, &why, &claims), ERR_AZURE_REPORT, &why, "td_quote");
}

static void test_a_quote_of_the_vtpm_is_needed_where_it_is_required(void **)
{
    CLEANUP(snp_scene_done) struct snp_scene scene;
    struct azure_claims claims;
    struct refusal why = {};
    snp_scene_make(&scene, &(struct snp_options){});
    scene.evidence.tpm = (struct tpm_quote){};
    assert_refused(verify_snp(&scene, &why, &claims), ERR_AZURE_REPORT, &why, "tpm_quote");
    assert_true(why.fix[0] != 0);
    scene.evidence.tpm_required = false;
    assert_ok(verify_snp(&scene, NULL, &claims));
    assert_false(claims.has_tpm);
}

static void test_a_quote_by_another_key_or_over_another_nonce_is_refused(void **)
{
    CLEANUP(snp_scene_done) struct snp_scene scene;
    struct azure_claims claims;
    struct refusal why = {};
    snp_scene_make(&scene, &(struct snp_options){});
    CLEANUP(made_quote_done)
    struct made_quote foreign = test_tpm_quote(&(struct test_quote){.key = other, .nonce = SLICE_LITERAL("nonce")});
    scene.evidence.tpm.nonce = SLICE_LITERAL("another");
    assert_refused(verify_snp(&scene, &why, &claims), ERR_TPM_NONCE, &why, "attest.extraData");
    scene.evidence.tpm = foreign.quote; /* its own key is given with it, and does not count */
    assert_refused(verify_snp(&scene, &why, &claims), ERR_TPM_SIGNATURE, &why, "signature");
}

/* ---- Intel's hardware ---- */

struct tdx_scene {
    struct simulated_authority *authority;
    struct simulated_machine *machine;
    struct collateral *collateral;
    const struct key *root;
    struct trust_roots roots;
    struct buffer runtime_data, hcl_report, td_quote;
    struct made_quote made;
    struct azure_evidence evidence;
};

static void tdx_scene_done(struct tdx_scene *scene)
{
    collateral_free(scene->collateral);
    simulated_machine_free(scene->machine);
    simulated_authority_free(scene->authority);
    buffer_done(&scene->runtime_data);
    buffer_done(&scene->hcl_report);
    buffer_done(&scene->td_quote);
    made_quote_done(&scene->made);
}

static void tdx_collateral(struct tdx_scene *scene)
{
    CLEANUP(simulated_collateral_done) struct simulated_collateral texts = {};
    const struct simulated_collateral_options options = {.now_s = AMD_NOW_S, .tdx = true};
    assert_ok(simulated_authority_collateral(scene->authority, &options, &texts));
    const struct collateral_texts given = {
        .tcb_info = buffer_slice(&texts.tcb_info),
        .tcb_info_issuer_chain = buffer_slice(&texts.tcb_issuer_chain),
        .qe_identity = buffer_slice(&texts.qe_identity),
        .qe_identity_issuer_chain = buffer_slice(&texts.tcb_issuer_chain),
        .pck_crl = buffer_slice(&texts.pck_crl),
        .pck_crl_issuer_chain = buffer_slice(&texts.pck_crl_issuer_chain),
        .root_ca_crl = buffer_slice(&texts.root_ca_crl),
    };
    assert_ok(collateral_new(&given, &scene->roots, NULL, &scene->collateral));
}

/* The TDREPORT that a TD quote (of version 4) was made of. */
static void td_report_of(struct slice quote, uint8_t report[1024])
{
    const uint8_t *const body = quote.bytes + 48;
    memset(report, 0, 1024);
    report[0] = 0x81;
    memcpy(report + 128, body + 520, 64);
    memcpy(report + 264, body, 120);
    memcpy(report + 512, body + 120, 400);
}

static void tdx_scene_make(struct tdx_scene *scene, bool other_binding)
{
    const struct simulated_domain domain = {.mrtd = {7}, .rtmr = {{1}, {2}, {3}, {4}}};
    uint8_t data[64], report[1024], *zeros;
    *scene = (struct tdx_scene){.td_quote = buffer_of_maximum(QUOTE_MAX_BYTES)};
    assert_ok(simulated_authority_new(AMD_NOW_S, &scene->authority));
    assert_ok(simulated_machine_new(scene->authority, NULL, AMD_NOW_S, &scene->machine));
    scene->root = simulated_authority_root(scene->authority);
    scene->roots = (struct trust_roots){.simulated = &scene->root, .simulated_count = 1};
    tdx_collateral(scene);
    scene->runtime_data = test_runtime_data(ak, "", NULL);
    test_hcl_binding(buffer_slice(&scene->runtime_data), HASH_SHA256, data);
    if (other_binding) data[40] = 1;
    assert_ok(simulated_machine_td_quote(scene->machine, &domain, data, &scene->td_quote));
    assert_ok(buffer_extend(&scene->td_quote, 70, &zeros));
    td_report_of(buffer_slice(&scene->td_quote), report);
    scene->hcl_report = test_hcl_report(&(struct test_hcl){
        .hardware_report = SLICE_ARRAY(report), .runtime_data = buffer_slice(&scene->runtime_data), .report_type = 4});
    scene->made = test_tpm_quote(&(struct test_quote){.key = ak});
    scene->evidence = (struct azure_evidence){.hcl_report = buffer_slice(&scene->hcl_report),
                                              .td_quote = buffer_slice(&scene->td_quote),
                                              .collateral = scene->collateral,
                                              .roots = &scene->roots,
                                              .tpm_required = true,
                                              .tpm = scene->made.quote};
}

static enum status verify_tdx(const struct tdx_scene *scene, struct refusal *why, struct azure_claims *claims)
{
    return azure_vtpm_verify(&scene->evidence, AMD_NOW_S, why, claims);
}

static void test_a_machine_on_intels_hardware(void **)
{
    CLEANUP(tdx_scene_done) struct tdx_scene scene;
    struct azure_claims claims;
    tdx_scene_make(&scene, false);
    assert_ok(verify_tdx(&scene, NULL, &claims));
    assert_int_equal(claims.isolation, AZURE_TDX);
    assert_int_equal(claims.tdx.mrtd[0], 7);
    assert_true(claims.has_tpm);
    assert_int_equal(claims.expires_s, claims.tdx.platform.expires_s);
    assert_true(claims.expires_s > AMD_NOW_S);
}

static void test_what_a_machine_on_intels_hardware_must_have(void **)
{
    CLEANUP(tdx_scene_done) struct tdx_scene scene;
    struct azure_claims claims;
    struct refusal why = {};
    tdx_scene_make(&scene, false);
    scene.evidence.collateral = NULL;
    assert_refused(verify_tdx(&scene, &why, &claims), ERR_COLLATERAL_MISSING, &why, "collateral");
    assert_true(why.fix[0] != 0);
    scene.evidence.collateral = scene.collateral;
    scene.evidence.td_quote = (struct slice){};
    assert_refused(verify_tdx(&scene, &why, &claims), ERR_AZURE_REPORT, &why, "td_quote");
    assert_true(why.fix[0] != 0);
    scene.evidence.td_quote = buffer_slice(&scene.td_quote);
    scene.evidence.roots = NULL; /* Intel's alone */
    assert_true(verify_tdx(&scene, &why, &claims) != OK);
}

static void test_a_td_quote_with_more_than_zeros_behind_it_is_refused(void **)
{
    CLEANUP(tdx_scene_done) struct tdx_scene scene;
    struct azure_claims claims;
    struct refusal why = {};
    tdx_scene_make(&scene, false);
    scene.td_quote.bytes[scene.td_quote.size - 1] = 1;
    assert_status(verify_tdx(&scene, &why, &claims), ERR_TRAILING_BYTES);
}

static void test_a_td_quote_that_does_not_verify_is_refused(void **)
{
    CLEANUP(tdx_scene_done) struct tdx_scene scene;
    struct azure_claims claims;
    tdx_scene_make(&scene, false);
    scene.td_quote.bytes[48 + 136] ^= 1;
    scene.hcl_report.bytes[HCL_HARDWARE_AT + 528] ^= 1; /* MRTD in both */
    assert_status(verify_tdx(&scene, NULL, &claims), ERR_QUOTE_SIGNATURE);
}

static void test_a_tdreport_that_the_quote_does_not_repeat_is_refused(void **)
{
    CLEANUP(tdx_scene_done) struct tdx_scene scene;
    struct azure_claims claims;
    struct refusal why = {};
    tdx_scene_make(&scene, false);
    scene.hcl_report.bytes[HCL_HARDWARE_AT + 528] ^= 1;
    assert_refused(verify_tdx(&scene, &why, &claims), ERR_AZURE_REPORT, &why, "hcl_report.td_report.mrtd");
}

static void test_runtime_data_that_the_td_quote_does_not_bind_are_refused(void **)
{
    CLEANUP(tdx_scene_done) struct tdx_scene scene;
    struct azure_claims claims;
    struct refusal why = {};
    tdx_scene_make(&scene, true);
    assert_refused(verify_tdx(&scene, &why, &claims), ERR_REPORT_DATA, &why, "hcl_report.runtime_data");
}

/* ---- the interface of all kinds ---- */

static void test_the_interface_gives_what_all_kinds_share(void **)
{
    CLEANUP(tdx_scene_done) struct tdx_scene tdx;
    CLEANUP(snp_scene_done) struct snp_scene snp;
    struct evidence_claims claims;
    tdx_scene_make(&tdx, false);
    snp_scene_make(&snp, &(struct snp_options){});
    struct evidence evidence = {.kind = EVIDENCE_AZURE_VTPM,
                                .azure = tdx.evidence,
                                .collateral = tdx.collateral,
                                .runtime_data = buffer_slice(&tdx.runtime_data),
                                .has_runtime_data = true};
    evidence.azure.collateral = NULL;
    evidence.azure.roots = NULL;
    assert_ok(evidence_verify(&evidence, &tdx.roots, AMD_NOW_S, NULL, NULL, &claims));
    evidence.runtime_data = SLICE_LITERAL("other");
    assert_status(evidence_verify(&evidence, &tdx.roots, AMD_NOW_S, NULL, NULL, &claims), ERR_REPORT_DATA);
    evidence = (struct evidence){
        .kind = EVIDENCE_AZURE_VTPM, .azure = snp.evidence, .endorsements = snp.evidence.endorsements};
    evidence.azure.endorsements = (struct snp_endorsements){};
    assert_ok(evidence_verify(&evidence, NULL, AMD_NOW_S, NULL, NULL, &claims));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_machine_on_amds_hardware),
        cmocka_unit_test(test_report_data_by_each_hash),
        cmocka_unit_test(test_a_report_that_the_hardware_did_not_sign_is_refused),
        cmocka_unit_test(test_a_report_from_below_the_paravisor_is_refused),
        cmocka_unit_test(test_runtime_data_that_the_report_does_not_bind_are_refused),
        cmocka_unit_test(test_runtime_data_without_one_sound_key_are_refused),
        cmocka_unit_test(test_a_malformed_report_is_refused),
        cmocka_unit_test(test_a_td_quote_beside_amds_report_is_refused),
        cmocka_unit_test(test_a_quote_of_the_vtpm_is_needed_where_it_is_required),
        cmocka_unit_test(test_a_quote_by_another_key_or_over_another_nonce_is_refused),
        cmocka_unit_test(test_a_machine_on_intels_hardware),
        cmocka_unit_test(test_what_a_machine_on_intels_hardware_must_have),
        cmocka_unit_test(test_a_td_quote_with_more_than_zeros_behind_it_is_refused),
        cmocka_unit_test(test_a_td_quote_that_does_not_verify_is_refused),
        cmocka_unit_test(test_a_tdreport_that_the_quote_does_not_repeat_is_refused),
        cmocka_unit_test(test_runtime_data_that_the_td_quote_does_not_bind_are_refused),
        cmocka_unit_test(test_the_interface_gives_what_all_kinds_share),
    };
    return cmocka_run_group_tests_name("evidence/azure_verify", tests, make_keys, free_keys);
}
