/* SPDX-License-Identifier: Apache-2.0
 *
 * The one interface to evidence of every kind: which verifier is asked, what runtime data are held to, and what the
 * claims of all kinds have in common. What each verifier refuses has tests of its own.
 */
#include "amd_pki.h"
#include "failing.h"
#include "test_azure.h"
#include "test_pki.h"
#include "test_tpm.h"

#include "evidence/verify.h"

static const char runtime_data[] = "{\"keys\":[]}";

struct scene {
    struct test_pki pki;
    struct collateral *collateral;
    struct buffer quote, wrapped; /* wrapped: as Open Enclave hands it out */
};

static void make(struct scene *scene, const struct pki_options *pki, const struct minted_quote_options *options)
{
    *scene = (struct scene){.pki = pki_make(pki), .wrapped = buffer_of_maximum(65536)};
    const struct collateral_texts texts = pki_texts(&scene->pki);
    assert_ok(collateral_new(&texts, pki_roots(&scene->pki), NULL, &scene->collateral));
    scene->quote = mint_quote(&scene->pki, options);
    assert_ok(buffer_append_u32_le(&scene->wrapped, 1));
    assert_ok(buffer_append_u32_le(&scene->wrapped, 2));
    assert_ok(buffer_append_u32_le(&scene->wrapped, (uint32_t)scene->quote.size));
    assert_ok(buffer_append_u32_le(&scene->wrapped, 0));
    assert_ok(buffer_append(&scene->wrapped, buffer_slice(&scene->quote)));
}

static void scene_done(struct scene *scene)
{
    collateral_free(scene->collateral);
    buffer_done(&scene->quote);
    buffer_done(&scene->wrapped);
    pki_done(&scene->pki);
}

static struct evidence evidence_of(const struct scene *scene, enum evidence_kind kind, const struct buffer *bytes)
{
    return (struct evidence){.kind = kind, .bytes = buffer_slice(bytes), .collateral = scene->collateral};
}

static enum status verify(struct scene *scene, const struct evidence *evidence, struct refusal *why,
                          struct evidence_claims *claims)
{
    return evidence_verify(evidence, pki_roots(&scene->pki), PKI_NOW_S, NULL, why, claims);
}

/* ---- kinds ---- */

static void test_each_kind_has_one_name(void **)
{
    static const char *const names[] = {"sgx", "oe", "tdx", "snp", "azure-vtpm", "tpm"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        enum evidence_kind kind;
        assert_true(evidence_kind_from_name(names[i], &kind));
        assert_int_equal(kind, i);
        assert_string_equal(evidence_kind_name(kind), names[i]);
    }
    enum evidence_kind kind;
    assert_false(evidence_kind_from_name("sev", &kind));
    assert_false(evidence_kind_from_name("", &kind));
}

static void test_a_quote_is_sgx_or_open_enclave_by_the_callers_word(void **)
{
    CLEANUP(scene_done) struct scene scene;
    make(&scene, NULL, NULL);
    struct evidence_claims claims;
    const struct evidence sgx = evidence_of(&scene, EVIDENCE_SGX, &scene.quote);
    assert_ok(verify(&scene, &sgx, NULL, &claims));
    assert_int_equal(claims.kind, EVIDENCE_SGX);
    assert_int_equal(claims.sgx.product_id, 3);
    const struct evidence bare = evidence_of(&scene, EVIDENCE_OPEN_ENCLAVE, &scene.quote);
    assert_ok(verify(&scene, &bare, NULL, &claims));
    assert_int_equal(claims.kind, EVIDENCE_OPEN_ENCLAVE);
    const struct evidence wrapped = evidence_of(&scene, EVIDENCE_OPEN_ENCLAVE, &scene.wrapped);
    assert_ok(verify(&scene, &wrapped, NULL, &claims));
    assert_int_equal(claims.sgx.product_id, 3);
}

static void test_an_open_enclave_report_is_no_bare_quote(void **)
{
    CLEANUP(scene_done) struct scene scene;
    make(&scene, NULL, NULL);
    struct evidence_claims claims;
    const struct evidence evidence = evidence_of(&scene, EVIDENCE_SGX, &scene.wrapped);
    assert_status(verify(&scene, &evidence, NULL, &claims), ERR_QUOTE_UNSUPPORTED);
}

static void test_intels_evidence_needs_collateral(void **)
{
    CLEANUP(scene_done) struct scene scene;
    make(&scene, NULL, NULL);
    struct evidence evidence = evidence_of(&scene, EVIDENCE_SGX, &scene.quote);
    evidence.collateral = NULL;
    struct refusal why = {};
    struct evidence_claims claims;
    assert_status(verify(&scene, &evidence, &why, &claims), ERR_COLLATERAL_MISSING);
    assert_string_equal(why.field, "collateral");
}

/* How many calls that can fail a verification makes. */
static size_t calls_of(struct scene *scene, const struct evidence *evidence, const struct evidence_caches *caches)
{
    struct evidence_claims claims;
    failing_begin(SIZE_MAX);
    assert_ok(evidence_verify(evidence, pki_roots(&scene->pki), PKI_NOW_S, caches, NULL, &claims));
    const size_t calls = SIZE_MAX - failing_left;
    (void)failing_end();
    return calls;
}

static void test_chains_are_kept_in_the_callers_cache(void **)
{
    CLEANUP(scene_done) struct scene scene;
    make(&scene, NULL, NULL);
    struct evidence_caches caches = {};
    assert_ok(verification_cache_new(4, &caches.intel));
    const struct evidence evidence = evidence_of(&scene, EVIDENCE_SGX, &scene.quote);
    const size_t cold = calls_of(&scene, &evidence, &caches);
    assert_true(calls_of(&scene, &evidence, &caches) < cold);
    verification_cache_free(caches.intel);
}

static void test_nothing_is_claimed_of_refused_evidence(void **)
{
    CLEANUP(scene_done) struct scene scene;
    make(&scene, NULL, NULL);
    struct evidence_claims claims = {.kind = EVIDENCE_TPM};
    struct evidence evidence = evidence_of(&scene, EVIDENCE_SGX, &scene.quote);
    evidence.runtime_data = SLICE_LITERAL("other");
    evidence.has_runtime_data = true;
    assert_status(verify(&scene, &evidence, NULL, &claims), ERR_REPORT_DATA);
    assert_int_equal(claims.kind, EVIDENCE_TPM);
}

static void test_what_is_no_kind_is_refused(void **)
{
    const struct evidence evidence = {.kind = (enum evidence_kind)(EVIDENCE_TPM + 1)};
    struct refusal why = {};
    struct evidence_claims claims;
    assert_refused(evidence_verify(&evidence, NULL, PKI_NOW_S, NULL, &why, &claims), ERR_UNSUPPORTED, &why, "kind");
}

/* ---- TDX ---- */

static void test_a_td_quote_is_tdx_bare_and_in_open_enclaves_wrapper(void **)
{
    static const struct pki_options of_tdx = {.tcb_info_id = "TDX", .qe_identity_id = "TD_QE"};
    static const uint8_t format[] = {0x8b, 0xa7, 0x02, 0x86, 0xc1, 0xcf, 0x11, 0xed,
                                     0xaf, 0xa1, 0x02, 0x42, 0xac, 0x12, 0x00, 0x02};
    static const struct minted_td td = {.is_td15 = true};
    CLEANUP(scene_done) struct scene scene;
    make(&scene, &of_tdx, &(struct minted_quote_options){.td = &td, .version = 5});
    CLEANUP(buffer_done) struct buffer wrapped = buffer_of_maximum(65536);
    assert_ok(buffer_append_u32_le(&wrapped, 3));
    assert_ok(buffer_append(&wrapped, SLICE_ARRAY(format)));
    assert_ok(buffer_append_u32_le(&wrapped, (uint32_t)scene.quote.size));
    assert_ok(buffer_append_u32_le(&wrapped, 0));
    assert_ok(buffer_append(&wrapped, buffer_slice(&scene.quote)));
    const struct evidence forms[] = {evidence_of(&scene, EVIDENCE_TDX, &scene.quote),
                                     evidence_of(&scene, EVIDENCE_OPEN_ENCLAVE, &wrapped)};
    for (size_t i = 0; i < 2; i++) {
        struct evidence evidence = forms[i];
        struct refusal why = {};
        struct evidence_claims claims;
        assert_ok(verify(&scene, &evidence, &why, &claims));
        assert_int_equal(claims.kind, EVIDENCE_TDX);
        assert_true(claims.tdx.is_td15);
        evidence.has_runtime_data = true;
        assert_refused(verify(&scene, &evidence, &why, &claims), ERR_REPORT_DATA, &why, "report_data");
        evidence.collateral = NULL;
        assert_refused(verify(&scene, &evidence, &why, &claims), ERR_COLLATERAL_MISSING, &why, "collateral");
    }
}

static void test_an_sgx_quote_is_no_td_quote(void **)
{
    CLEANUP(scene_done) struct scene scene;
    make(&scene, NULL, NULL);
    struct evidence_claims claims;
    const struct evidence evidence = evidence_of(&scene, EVIDENCE_TDX, &scene.quote);
    assert_status(verify(&scene, &evidence, NULL, &claims), ERR_QUOTE_UNSUPPORTED);
}

/* ---- SEV-SNP and Azure ---- */

static uint8_t bound[64]; /* what the next report of AMD's has as report data */

static void bind_and_raise(uint8_t *report)
{
    memset(report + 0x030, 0, 4); /* VMPL, as a paravisor has it */
    memcpy(report + 0x050, bound, sizeof(bound));
}

static void test_an_snp_report_binds_runtime_data_by_all_of_report_data(void **)
{
    struct evidence_caches caches = {};
    assert_ok(snp_cache_new(4, &caches.snp));
    for (int i = 0; i < 3; i++) {
        memset(bound, 0, sizeof(bound));
        assert_ok(sha256(SLICE_LITERAL(runtime_data), bound));
        if (i == 1) bound[63] = 1;
        CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(&(struct amd_pki_options){.report = bind_and_raise});
        const struct evidence evidence = {.kind = EVIDENCE_SNP,
                                          .bytes = buffer_slice(&pki.report),
                                          .endorsements = amd_pki_endorsements(&pki),
                                          .runtime_data = i == 2 ? SLICE_LITERAL("x") : SLICE_LITERAL(runtime_data),
                                          .has_runtime_data = true};
        struct refusal why = {};
        struct evidence_claims claims;
        const enum status status = evidence_verify(&evidence, NULL, AMD_NOW_S, &caches, &why, &claims);
        assert_status(status, i == 0 ? OK : ERR_REPORT_DATA);
        assert_string_equal(why.field, i == 0 ? "" : "report_data");
        if (i == 0) assert_int_equal(claims.snp.guest_svn, 7);
    }
    snp_cache_free(caches.snp);
}

static void test_an_azure_machine_has_the_runtime_data_of_its_report(void **)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_generate(KEY_RSA, RSA_MIN_BITS, &key));
    CLEANUP(buffer_done) struct buffer data = test_runtime_data(key, "", NULL);
    test_hcl_binding(buffer_slice(&data), HASH_SHA256, bound);
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(&(struct amd_pki_options){.report = bind_and_raise});
    const struct test_hcl hcl = {.hardware_report = buffer_slice(&pki.report), .runtime_data = buffer_slice(&data)};
    CLEANUP(buffer_done) struct buffer report = test_hcl_report(&hcl);
    struct evidence evidence = {.kind = EVIDENCE_AZURE_VTPM,
                                .azure.hcl_report = buffer_slice(&report),
                                .endorsements = amd_pki_endorsements(&pki),
                                .runtime_data = buffer_slice(&data),
                                .has_runtime_data = true};
    struct refusal why = {};
    struct evidence_claims claims;
    assert_ok(evidence_verify(&evidence, NULL, AMD_NOW_S, NULL, &why, &claims));
    assert_int_equal(claims.kind, EVIDENCE_AZURE_VTPM);
    assert_string_equal(claims.azure.vm_id, "AB-1");
    evidence.runtime_data.size--;
    assert_refused(evidence_verify(&evidence, NULL, AMD_NOW_S, NULL, &why, &claims), ERR_REPORT_DATA, &why,
                   "hcl_report.runtime_data");
}

/* ---- refusals ---- */

/* Evidence of Open Enclave's plug-ins: a format, the quote, and what else is said. */
static struct buffer plug_in_evidence(const struct scene *scene, struct slice claims)
{
    static const uint8_t sgx_ecdsa[] = {0xa3, 0xa2, 0x1e, 0x87, 0x1b, 0x4d, 0x40, 0x14,
                                        0xb7, 0x0a, 0xa1, 0x25, 0xd2, 0xfb, 0xcd, 0x8c};
    struct buffer evidence = buffer_of_maximum(65536);
    assert_ok(buffer_append_u32_le(&evidence, 3));
    assert_ok(buffer_append(&evidence, SLICE_ARRAY(sgx_ecdsa)));
    assert_ok(buffer_append_u32_le(&evidence, (uint32_t)(scene->quote.size + claims.size)));
    assert_ok(buffer_append_u32_le(&evidence, 0));
    assert_ok(buffer_append(&evidence, buffer_slice(&scene->quote)));
    assert_ok(buffer_append(&evidence, claims));
    return evidence;
}

static void test_open_enclave_evidence_is_refused_as_a_wrapper_as_a_quote_and_for_its_claims(void **)
{
    enum { TYPE_AT = 4, REPORT_AT = 16 + 48 };
    uint8_t bound_claims[64] = {};
    assert_ok(sha256(SLICE_LITERAL("claims"), bound_claims));
    CLEANUP(scene_done) struct scene scene;
    make(&scene, NULL, &(struct minted_quote_options){.report_data = SLICE_ARRAY(bound_claims)});
    CLEANUP(buffer_done) struct buffer good = plug_in_evidence(&scene, SLICE_LITERAL("claims"));
    CLEANUP(buffer_done) struct buffer other = plug_in_evidence(&scene, SLICE_LITERAL("other!"));
    struct refusal why = {};
    struct evidence_claims claims;
    const struct evidence genuine = evidence_of(&scene, EVIDENCE_OPEN_ENCLAVE, &good);
    assert_ok(verify(&scene, &genuine, &why, &claims));
    const struct evidence unbound = evidence_of(&scene, EVIDENCE_OPEN_ENCLAVE, &other);
    assert_status(verify(&scene, &unbound, &why, &claims), ERR_REPORT_DATA);
    const struct evidence wrapped = evidence_of(&scene, EVIDENCE_OPEN_ENCLAVE, &scene.wrapped);
    scene.wrapped.bytes[REPORT_AT] ^= 1;
    assert_status(verify(&scene, &wrapped, &why, &claims), ERR_QUOTE_SIGNATURE);
    scene.wrapped.bytes[TYPE_AT] = 1; /* a local report */
    assert_status(verify(&scene, &wrapped, &why, &claims), ERR_QUOTE_UNSUPPORTED);
}

static void test_what_another_makers_verifier_refuses_is_refused(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    const struct evidence snp = {.kind = EVIDENCE_SNP, .bytes = buffer_slice(&pki.report)};
    const struct evidence azure = {.kind = EVIDENCE_AZURE_VTPM, .azure.hcl_report = SLICE_LITERAL("HCLA")};
    const struct evidence tpm = {.kind = EVIDENCE_TPM};
    struct refusal why = {};
    struct evidence_claims claims;
    assert_status(evidence_verify(&snp, NULL, AMD_NOW_S, NULL, &why, &claims), ERR_COLLATERAL_MISSING);
    assert_status(evidence_verify(&azure, NULL, AMD_NOW_S, NULL, &why, &claims), ERR_AZURE_REPORT);
    assert_status(evidence_verify(&tpm, NULL, AMD_NOW_S, NULL, &why, &claims), ERR_TPM_KEY);
}

/* Nobody is told that the data are others because a digest could not be had. */
static void test_runtime_data_that_cannot_be_hashed_are_not_taken_for_others(void **)
{
    uint8_t report_data[64] = {};
    assert_ok(sha256(SLICE_LITERAL(runtime_data), report_data));
    CLEANUP(scene_done) struct scene scene;
    make(&scene, NULL, &(struct minted_quote_options){.report_data = SLICE_ARRAY(report_data)});
    struct evidence evidence = evidence_of(&scene, EVIDENCE_SGX, &scene.quote);
    const size_t calls = calls_of(&scene, &evidence, NULL);
    evidence.runtime_data = SLICE_LITERAL(runtime_data);
    evidence.has_runtime_data = true;
    struct refusal why = {};
    struct evidence_claims claims;
    failing_begin(calls + 1);
    const enum status status = verify(&scene, &evidence, &why, &claims);
    assert_true(failing_end());
    assert_true(status != OK && status != ERR_REPORT_DATA);
}

/* ---- runtime data ---- */

static enum status verify_bound(const uint8_t report_data[static 64], struct slice data, struct refusal *why)
{
    CLEANUP(scene_done) struct scene scene;
    make(&scene, NULL, &(struct minted_quote_options){.report_data = slice_of(report_data, 64)});
    struct evidence_claims claims;
    struct evidence evidence = evidence_of(&scene, EVIDENCE_SGX, &scene.quote);
    evidence.runtime_data = data;
    evidence.has_runtime_data = true;
    return verify(&scene, &evidence, why, &claims);
}

static void test_runtime_data_are_bound_by_all_of_report_data(void **)
{
    uint8_t report_data[64] = {};
    struct refusal why = {};
    assert_ok(sha256(SLICE_LITERAL(runtime_data), report_data));
    assert_ok(verify_bound(report_data, SLICE_LITERAL(runtime_data), &why));
    assert_status(verify_bound(report_data, SLICE_LITERAL("{\"keys\":[ ]}"), &why), ERR_REPORT_DATA);
    assert_string_equal(why.field, "report_data");
    assert_string_not_equal(why.fix, "");
    for (size_t i = 0; i < sizeof(report_data); i++) {
        report_data[i] ^= 1;
        assert_status(verify_bound(report_data, SLICE_LITERAL(runtime_data), NULL), ERR_REPORT_DATA);
        report_data[i] ^= 1;
    }
}

static void test_empty_runtime_data_are_data_too(void **)
{
    uint8_t report_data[64] = {};
    assert_ok(sha256((struct slice){}, report_data));
    assert_ok(verify_bound(report_data, (struct slice){}, NULL));
    assert_status(verify_bound(report_data, SLICE_LITERAL("x"), NULL), ERR_REPORT_DATA);
}

static enum status verify_quote_over(struct slice nonce, struct slice data, struct refusal *why)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_generate(KEY_P256, 0, &key));
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = key, .nonce = nonce});
    const struct evidence evidence = {
        .kind = EVIDENCE_TPM, .tpm = made.quote, .runtime_data = data, .has_runtime_data = true};
    struct evidence_claims claims;
    TRY(evidence_verify(&evidence, NULL, PKI_NOW_S, NULL, why, &claims));
    assert_int_equal(claims.kind, EVIDENCE_TPM);
    assert_int_equal(claims.tpm.selection, TEST_TPM_SELECTION);
    return OK;
}

static void test_a_tpm_binds_runtime_data_by_its_nonce_alone(void **)
{
    uint8_t nonce[64] = {};
    struct refusal why = {};
    assert_ok(sha256(SLICE_LITERAL(runtime_data), nonce));
    assert_ok(verify_quote_over(slice_of(nonce, 32), SLICE_LITERAL(runtime_data), &why));
    assert_refused(verify_quote_over(slice_of(nonce, 32), SLICE_LITERAL("other"), &why), ERR_REPORT_DATA, &why,
                   "attest.extraData");
    assert_refused(verify_quote_over(slice_of(nonce, 31), SLICE_LITERAL(runtime_data), &why), ERR_REPORT_DATA, &why,
                   "attest.extraData");
    assert_refused(verify_quote_over(slice_of(nonce, 64), SLICE_LITERAL(runtime_data), &why), ERR_REPORT_DATA, &why,
                   "attest.extraData");
}

/* ---- what all claims have ---- */

static void test_intels_part_is_found_where_there_is_one(void **)
{
    static struct evidence_claims claims;
    claims.kind = EVIDENCE_SGX;
    assert_ptr_equal(evidence_intel_platform(&claims), &claims.sgx.platform);
    claims.kind = EVIDENCE_OPEN_ENCLAVE;
    assert_ptr_equal(evidence_intel_platform(&claims), &claims.sgx.platform);
    claims.kind = EVIDENCE_TDX;
    assert_ptr_equal(evidence_intel_platform(&claims), &claims.tdx.platform);
    claims.kind = EVIDENCE_AZURE_VTPM;
    claims.azure.isolation = AZURE_TDX;
    assert_ptr_equal(evidence_intel_platform(&claims), &claims.azure.tdx.platform);
    claims.azure.isolation = AZURE_SNP;
    assert_null(evidence_intel_platform(&claims));
    claims.kind = EVIDENCE_SNP;
    assert_null(evidence_intel_platform(&claims));
    claims.kind = EVIDENCE_TPM;
    assert_null(evidence_intel_platform(&claims));
}

static void test_each_kind_tells_when_it_expires(void **)
{
    static struct evidence_claims claims;
    claims.sgx.platform.expires_s = 1;
    claims.tdx.platform.expires_s = 2;
    claims.snp.expires_s = 3;
    claims.azure.expires_s = 4;
    static const int64_t expected[] = {[EVIDENCE_SGX] = 1, [EVIDENCE_OPEN_ENCLAVE] = 1, [EVIDENCE_TDX] = 2,
                                       [EVIDENCE_SNP] = 3, [EVIDENCE_AZURE_VTPM] = 4,   [EVIDENCE_TPM] = INT64_MAX};
    for (unsigned kind = EVIDENCE_SGX; kind <= EVIDENCE_TPM; kind++) {
        claims.kind = (enum evidence_kind)kind;
        assert_int_equal(evidence_expires_s(&claims), expected[kind]);
    }
}

static void test_each_kind_tells_of_debug(void **)
{
    for (unsigned kind = EVIDENCE_SGX; kind <= EVIDENCE_AZURE_VTPM; kind++) {
        static struct evidence_claims quiet, loud;
        quiet = (struct evidence_claims){.kind = (enum evidence_kind)kind};
        assert_false(evidence_is_debug(&quiet));
        loud = quiet;
        if (kind == EVIDENCE_SGX || kind == EVIDENCE_OPEN_ENCLAVE) loud.sgx.debug = true;
        if (kind == EVIDENCE_TDX) loud.tdx.debug = true;
        if (kind == EVIDENCE_SNP) loud.snp.debug = true;
        if (kind == EVIDENCE_AZURE_VTPM) loud.azure.snp.debug = true;
        assert_true(evidence_is_debug(&loud));
        if (kind != EVIDENCE_AZURE_VTPM) continue;
        loud.azure.isolation = AZURE_TDX;
        assert_false(evidence_is_debug(&loud));
        loud.azure.tdx.debug = true;
        assert_true(evidence_is_debug(&loud));
    }
    static const struct evidence_claims tpm = {.kind = EVIDENCE_TPM, .sgx.debug = true};
    assert_false(evidence_is_debug(&tpm));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_has_one_name),
        cmocka_unit_test(test_a_quote_is_sgx_or_open_enclave_by_the_callers_word),
        cmocka_unit_test(test_an_open_enclave_report_is_no_bare_quote),
        cmocka_unit_test(test_intels_evidence_needs_collateral),
        cmocka_unit_test(test_chains_are_kept_in_the_callers_cache),
        cmocka_unit_test(test_nothing_is_claimed_of_refused_evidence),
        cmocka_unit_test(test_what_is_no_kind_is_refused),
        cmocka_unit_test(test_a_td_quote_is_tdx_bare_and_in_open_enclaves_wrapper),
        cmocka_unit_test(test_an_sgx_quote_is_no_td_quote),
        cmocka_unit_test(test_an_snp_report_binds_runtime_data_by_all_of_report_data),
        cmocka_unit_test(test_an_azure_machine_has_the_runtime_data_of_its_report),
        cmocka_unit_test(test_open_enclave_evidence_is_refused_as_a_wrapper_as_a_quote_and_for_its_claims),
        cmocka_unit_test(test_what_another_makers_verifier_refuses_is_refused),
        cmocka_unit_test(test_runtime_data_that_cannot_be_hashed_are_not_taken_for_others),
        cmocka_unit_test(test_runtime_data_are_bound_by_all_of_report_data),
        cmocka_unit_test(test_empty_runtime_data_are_data_too),
        cmocka_unit_test(test_a_tpm_binds_runtime_data_by_its_nonce_alone),
        cmocka_unit_test(test_intels_part_is_found_where_there_is_one),
        cmocka_unit_test(test_each_kind_tells_when_it_expires),
        cmocka_unit_test(test_each_kind_tells_of_debug),
    };
    return cmocka_run_group_tests_name("evidence/interface", tests, NULL, NULL);
}
