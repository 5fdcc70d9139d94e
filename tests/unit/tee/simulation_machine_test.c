/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/simulation/machine.h"

#include "crypto/x509.h"
#include "evidence/intel.h"
#include "testing.h"

enum { NOW = 1800000000 };

static const uint8_t report_data[64] = {1, 2, 3, [63] = 4};
static const struct simulated_identity program = {
    .mrenclave = {0xaa, [31] = 0x01}, .mrsigner = {0xbb, [31] = 0x02}, .product_id = 3, .svn = 4};

/* An authority, a machine of it, and the collateral to verify with. */
struct scene {
    struct simulated_authority *authority;
    struct simulated_machine *machine;
    struct simulated_collateral texts;
};

static void scene_done(struct scene *scene)
{
    simulated_machine_free(scene->machine);
    simulated_authority_free(scene->authority);
    simulated_collateral_done(&scene->texts);
}

static struct scene make(const struct simulated_machine_options *options)
{
    struct scene scene = {};
    const struct simulated_collateral_options plain = {.now_s = NOW};
    assert_ok(simulated_authority_new(NOW, &scene.authority));
    assert_ok(simulated_machine_new(scene.authority, options, NOW, &scene.machine));
    assert_ok(simulated_authority_collateral(scene.authority, &plain, &scene.texts));
    return scene;
}

static void replace_collateral(struct scene *scene, const struct simulated_collateral_options *options)
{
    simulated_collateral_done(&scene->texts);
    assert_ok(simulated_authority_collateral(scene->authority, options, &scene->texts));
}

static struct collateral_texts texts_of(const struct scene *scene)
{
    return (struct collateral_texts){
        .tcb_info = buffer_slice(&scene->texts.tcb_info),
        .tcb_info_issuer_chain = buffer_slice(&scene->texts.tcb_issuer_chain),
        .qe_identity = buffer_slice(&scene->texts.qe_identity),
        .qe_identity_issuer_chain = buffer_slice(&scene->texts.tcb_issuer_chain),
        .pck_crl = buffer_slice(&scene->texts.pck_crl),
        .pck_crl_issuer_chain = buffer_slice(&scene->texts.pck_crl_issuer_chain),
        .root_ca_crl = buffer_slice(&scene->texts.root_ca_crl),
    };
}

static enum status verify_quote(const struct scene *scene, struct slice quote, struct refusal *why,
                                struct sgx_claims *claims_out)
{
    const struct key *const simulated[] = {simulated_authority_root(scene->authority)};
    const struct trust_roots roots = {.simulated = simulated, .simulated_count = 1};
    const struct collateral_texts given = texts_of(scene);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    TRY(collateral_new(&given, &roots, why, &collateral));
    return sgx_quote_verify(&(struct intel_evidence){.quote = quote}, collateral, &roots, NOW, NULL, why, claims_out);
}

static enum status verify(const struct scene *scene, const struct simulated_identity *identity, struct refusal *why,
                          struct sgx_claims *claims_out)
{
    CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(SIMULATED_QUOTE_MAX_BYTES);
    assert_ok(simulated_machine_quote(scene->machine, identity, report_data, &quote));
    return verify_quote(scene, buffer_slice(&quote), why, claims_out);
}

static void test_its_quotes_pass_the_ordinary_verifier(void **)
{
    CLEANUP(scene_done) struct scene scene = make(NULL);
    struct refusal why = {};
    struct sgx_claims claims;
    assert_ok(verify(&scene, &program, &why, &claims));
    assert_true(claims.platform.simulated);
    assert_false(claims.debug);
    assert_int_equal(claims.platform.tcb_status, TCB_UP_TO_DATE);
    assert_memory_equal(claims.mrenclave, program.mrenclave, 32);
    assert_memory_equal(claims.mrsigner, program.mrsigner, 32);
    assert_int_equal(claims.product_id, 3);
    assert_int_equal(claims.svn, 4);
    assert_memory_equal(claims.report_data, report_data, 64);
    assert_memory_equal(claims.platform.fmspc, simulated_fmspc, sizeof(simulated_fmspc));
}

static void test_a_quote_names_its_platform(void **)
{
    CLEANUP(scene_done) struct scene scene = make(NULL);
    CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(SIMULATED_QUOTE_MAX_BYTES);
    assert_ok(simulated_machine_quote(scene.machine, &program, report_data, &quote));
    struct quote_facts facts;
    assert_ok(quote_facts_read(buffer_slice(&quote), NULL, &facts));
    assert_int_equal(facts.tee, INTEL_SGX);
    assert_true(facts.has_chain);
    assert_memory_equal(facts.fmspc, simulated_fmspc, sizeof(facts.fmspc));
    assert_string_equal(facts.ca, "platform");
}

static enum status verify_domain(const struct scene *scene, const struct simulated_domain *domain, struct refusal *why,
                                 struct tdx_claims *claims_out)
{
    const struct key *const simulated[] = {simulated_authority_root(scene->authority)};
    const struct trust_roots roots = {.simulated = simulated, .simulated_count = 1};
    const struct collateral_texts given = texts_of(scene);
    CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(SIMULATED_QUOTE_MAX_BYTES);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    assert_ok(simulated_machine_td_quote(scene->machine, domain, report_data, &quote));
    TRY(collateral_new(&given, &roots, why, &collateral));
    const struct intel_evidence evidence = {.quote = buffer_slice(&quote)};
    return tdx_quote_verify(&evidence, collateral, &roots, NOW, NULL, why, claims_out);
}

static void test_its_td_quotes_pass_the_ordinary_verifier(void **)
{
    const struct simulated_domain domain = {.mrtd = {7}, .rtmr = {{1}, {2}, {3}, {4}}};
    CLEANUP(scene_done) struct scene scene = make(NULL);
    struct refusal why = {};
    struct tdx_claims claims;
    replace_collateral(&scene, &(struct simulated_collateral_options){.now_s = NOW, .tdx = true});
    assert_ok(verify_domain(&scene, &domain, &why, &claims));
    assert_true(claims.platform.simulated);
    assert_int_equal(claims.platform.tcb_status, TCB_UP_TO_DATE);
    assert_false(claims.debug);
    assert_true((claims.attributes & TD_ATTRIBUTE_SEPT_VE_DISABLE) != 0);
    assert_memory_equal(claims.mrtd, domain.mrtd, sizeof(claims.mrtd));
    assert_memory_equal(claims.rtmr, domain.rtmr, sizeof(claims.rtmr));
    assert_memory_equal(claims.report_data, report_data, 64);
    const struct simulated_domain debug = {.debug = true};
    assert_ok(verify_domain(&scene, &debug, &why, &claims));
    assert_true(claims.debug);
}

static void test_an_old_module_is_told(void **)
{
    const struct simulated_domain domain = {};
    CLEANUP(scene_done) struct scene scene = make(&(struct simulated_machine_options){.module_svn = 1});
    struct tdx_claims claims;
    replace_collateral(&scene, &(struct simulated_collateral_options){.now_s = NOW, .tdx = true});
    assert_ok(verify_domain(&scene, &domain, NULL, &claims));
    assert_int_equal(claims.platform.tcb_status, TCB_OUT_OF_DATE);
    CLEANUP(scene_done) struct scene revoked = make(NULL);
    struct refusal why = {};
    replace_collateral(&revoked,
                       &(struct simulated_collateral_options){.now_s = NOW, .tdx = true, .module_status = "Revoked"});
    assert_status(verify_domain(&revoked, &domain, &why, &claims), ERR_TCB_REVOKED);
    assert_string_equal(why.field, "report.tee_tcb_svn[0]");
}

static void test_a_debug_program_is_genuine_and_marked(void **)
{
    CLEANUP(scene_done) struct scene scene = make(NULL);
    struct simulated_identity debug = program;
    debug.debug = true;
    struct refusal why = {};
    struct sgx_claims claims;
    assert_ok(verify(&scene, &debug, &why, &claims));
    assert_true(claims.debug);
}

static void test_machines_can_be_out_of_date(void **)
{
    struct refusal why = {};
    struct sgx_claims claims;
    CLEANUP(scene_done) struct scene old = make(&(struct simulated_machine_options){.tcb_svn = 1});
    assert_ok(verify(&old, &program, &why, &claims));
    assert_int_equal(claims.platform.tcb_status, TCB_OUT_OF_DATE);
    assert_int_equal(claims.platform.advisory_count, 1);
    CLEANUP(scene_done) struct scene old_qe = make(&(struct simulated_machine_options){.qe_svn = 1});
    assert_ok(verify(&old_qe, &program, &why, &claims));
    assert_int_equal(claims.platform.tcb_status, TCB_OUT_OF_DATE);
    CLEANUP(scene_done) struct scene foreign = make(&(struct simulated_machine_options){.foreign_qe = true});
    assert_status(verify(&foreign, &program, &why, &claims), ERR_QE_IDENTITY);
}

static void test_certificates_can_be_revoked(void **)
{
    CLEANUP(scene_done) struct scene scene = make(NULL);
    struct refusal why = {};
    struct sgx_claims claims;
    CLEANUP(certificate_cleanup) struct certificate *pck = NULL;
    assert_ok(certificate_from_der(simulated_machine_pck(scene.machine), &pck));
    replace_collateral(&scene,
                       &(struct simulated_collateral_options){.now_s = NOW, .revoked_pck = certificate_serial(pck)});
    assert_status(verify(&scene, &program, &why, &claims), ERR_CERTIFICATE_REVOKED);
    replace_collateral(&scene, &(struct simulated_collateral_options){.now_s = NOW, .revoke_platform_ca = true});
    assert_status(verify(&scene, &program, &why, &claims), ERR_CERTIFICATE_REVOKED);
    replace_collateral(&scene, &(struct simulated_collateral_options){.now_s = NOW, .revoke_tcb_signing = true});
    assert_status(verify(&scene, &program, &why, &claims), ERR_CERTIFICATE_REVOKED);
    replace_collateral(&scene, &(struct simulated_collateral_options){.now_s = NOW, .tcb_status = "Revoked"});
    assert_status(verify(&scene, &program, &why, &claims), ERR_TCB_REVOKED);
}

static void test_changed_bytes_are_signed_only_through_the_machine(void **)
{
    CLEANUP(scene_done) struct scene scene = make(NULL);
    CLEANUP(buffer_done) struct buffer part = buffer_of_maximum(SIMULATED_SIGNED_BYTES);
    CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(SIMULATED_QUOTE_MAX_BYTES);
    assert_ok(simulated_machine_report(scene.machine, &program, report_data, &part));
    assert_int_equal(part.size, SIMULATED_SIGNED_BYTES);
    part.bytes[48 + 64] ^= 0xff; /* MRENCLAVE */
    assert_ok(simulated_machine_sign(scene.machine, buffer_slice(&part), &quote));
    struct refusal why = {};
    struct sgx_claims claims;
    assert_ok(verify_quote(&scene, buffer_slice(&quote), &why, &claims));
    assert_int_equal(claims.mrenclave[0], 0xaa ^ 0xff);
    quote.bytes[48 + 64] ^= 0xff;
    assert_status(verify_quote(&scene, buffer_slice(&quote), &why, &claims), ERR_QUOTE_SIGNATURE);
}

static struct secret sealing_key(const struct simulated_machine *machine, const struct simulated_identity *identity,
                                 const char *label)
{
    struct secret key = {};
    assert_ok(simulated_machine_sealing_key(machine, identity, slice_of_text(label), &key));
    assert_int_equal(key.size, SIMULATED_SEALING_KEY_BYTES);
    return key;
}

static void test_it_is_the_same_after_writing_and_reading(void **)
{
    CLEANUP(scene_done) struct scene scene = make(NULL);
    CLEANUP(buffer_done) struct buffer state = buffer_of_maximum(64 * 1024);
    assert_ok(simulated_machine_write(scene.machine, &state));
    CLEANUP(secret_done) struct secret before = sealing_key(scene.machine, &program, "label");
    simulated_machine_cleanup(&scene.machine);
    assert_ok(simulated_machine_read(buffer_slice(&state), NULL, &scene.machine));
    CLEANUP(secret_done) struct secret after = sealing_key(scene.machine, &program, "label");
    assert_slice_equal(secret_slice(&before), secret_slice(&after));
    assert_true(key_equal(simulated_machine_root(scene.machine), simulated_authority_root(scene.authority)));
    struct refusal why = {};
    struct sgx_claims claims;
    assert_ok(verify(&scene, &program, &why, &claims));
}

static void test_sealing_keys_differ_by_program_label_and_machine(void **)
{
    CLEANUP(scene_done) struct scene scene = make(NULL);
    CLEANUP(scene_done) struct scene other = make(NULL);
    struct simulated_identity variants[5] = {program, program, program, program, program};
    variants[1].mrenclave[5] ^= 1;
    variants[2].mrsigner[5] ^= 1;
    variants[3].product_id++;
    variants[4].debug = true;
    CLEANUP(secret_done) struct secret base = sealing_key(scene.machine, &variants[0], "label");
    for (size_t i = 1; i < 5; i++) {
        CLEANUP(secret_done) struct secret key = sealing_key(scene.machine, &variants[i], "label");
        assert_false(slice_equal(secret_slice(&key), secret_slice(&base)));
    }
    CLEANUP(secret_done) struct secret label = sealing_key(scene.machine, &program, "other");
    CLEANUP(secret_done) struct secret machine = sealing_key(other.machine, &program, "label");
    assert_false(slice_equal(secret_slice(&label), secret_slice(&base)));
    assert_false(slice_equal(secret_slice(&machine), secret_slice(&base)));
    struct simulated_identity newer = program;
    newer.svn++;
    CLEANUP(secret_done) struct secret upgraded = sealing_key(scene.machine, &newer, "label");
    assert_slice_equal(secret_slice(&upgraded), secret_slice(&base));
}

static void test_a_state_with_anothers_key_is_refused(void **)
{
    CLEANUP(scene_done) struct scene scene = make(NULL);
    CLEANUP(scene_done) struct scene other = make(NULL);
    CLEANUP(buffer_done) struct buffer state = buffer_of_maximum(64 * 1024);
    CLEANUP(buffer_done) struct buffer mixed = buffer_of_maximum(64 * 1024);
    assert_ok(simulated_machine_write(scene.machine, &state));
    assert_ok(simulated_machine_write(other.machine, &mixed));
    enum { FIRST_SCALAR = 15 + 2 + 1 + 2 };
    memcpy(mixed.bytes + FIRST_SCALAR, state.bytes + FIRST_SCALAR, 32);
    struct simulated_machine *again = NULL;
    struct refusal why = {};
    assert_status(simulated_machine_read(buffer_slice(&mixed), &why, &again), ERR_KEY_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_quotes_pass_the_ordinary_verifier),
        cmocka_unit_test(test_a_quote_names_its_platform),
        cmocka_unit_test(test_its_td_quotes_pass_the_ordinary_verifier),
        cmocka_unit_test(test_an_old_module_is_told),
        cmocka_unit_test(test_a_debug_program_is_genuine_and_marked),
        cmocka_unit_test(test_machines_can_be_out_of_date),
        cmocka_unit_test(test_certificates_can_be_revoked),
        cmocka_unit_test(test_changed_bytes_are_signed_only_through_the_machine),
        cmocka_unit_test(test_it_is_the_same_after_writing_and_reading),
        cmocka_unit_test(test_sealing_keys_differ_by_program_label_and_machine),
        cmocka_unit_test(test_a_state_with_anothers_key_is_refused),
    };
    return cmocka_run_group_tests_name("tee/simulation_machine", tests, NULL, NULL);
}
