/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/simulation/authority.h"

#include "base/json.h"
#include "crypto/x509.h"
#include "evidence/intel.h"
#include "testing.h"

enum { NOW = 1800000000 };

static struct simulated_authority *make(void)
{
    struct simulated_authority *authority = NULL;
    assert_ok(simulated_authority_new(NOW, &authority));
    return authority;
}

static enum status verify(const struct simulated_authority *authority, const struct simulated_collateral *texts,
                          struct refusal *why, struct collateral_facts *facts_out)
{
    const struct key *const simulated[] = {simulated_authority_root(authority)};
    const struct trust_roots roots = {.simulated = simulated, .simulated_count = 1};
    const struct collateral_texts given = {
        .tcb_info = buffer_slice(&texts->tcb_info),
        .tcb_info_issuer_chain = buffer_slice(&texts->tcb_issuer_chain),
        .qe_identity = buffer_slice(&texts->qe_identity),
        .qe_identity_issuer_chain = buffer_slice(&texts->tcb_issuer_chain),
        .pck_crl = buffer_slice(&texts->pck_crl),
        .pck_crl_issuer_chain = buffer_slice(&texts->pck_crl_issuer_chain),
        .root_ca_crl = buffer_slice(&texts->root_ca_crl),
    };
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    TRY(collateral_new(&given, &roots, why, &collateral));
    collateral_facts(collateral, facts_out);
    return OK;
}

static void test_its_collateral_passes_the_ordinary_verifier(void **)
{
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *authority = make();
    CLEANUP(simulated_collateral_done) struct simulated_collateral texts = {};
    const struct simulated_collateral_options options = {.now_s = NOW};
    assert_ok(simulated_authority_collateral(authority, &options, &texts));
    struct refusal why = {};
    struct collateral_facts facts;
    assert_ok(verify(authority, &texts, &why, &facts));
    assert_memory_equal(facts.fmspc, simulated_fmspc, sizeof(simulated_fmspc));
    assert_string_equal(facts.ca, "platform");
    assert_int_equal(facts.tcb_evaluation, SIMULATED_TCB_EVALUATION);
    assert_int_equal(facts.expires_s, NOW + SIMULATED_COLLATERAL_LIFE_S);
    assert_true(facts.simulated);
}

static void test_another_authoritys_collateral_does_not(void **)
{
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *authority = make();
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *other = make();
    CLEANUP(simulated_collateral_done) struct simulated_collateral texts = {};
    const struct simulated_collateral_options options = {.now_s = NOW};
    assert_ok(simulated_authority_collateral(authority, &options, &texts));
    struct refusal why = {};
    struct collateral_facts facts;
    assert_status(verify(other, &texts, &why, &facts), ERR_CHAIN);
}

static void test_its_names_are_not_intels(void **)
{
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *authority = make();
    CLEANUP(simulated_collateral_done) struct simulated_collateral texts = {};
    const struct simulated_collateral_options options = {.now_s = NOW};
    assert_ok(simulated_authority_collateral(authority, &options, &texts));
    struct certificate_list list = {};
    assert_ok(certificate_list_from_pem(buffer_slice(&texts.tcb_issuer_chain), &list));
    assert_int_equal(list.count, 2);
    assert_string_equal(certificate_subject_common_name(list.items[0]), "Simulated SGX TCB Signing");
    assert_string_equal(certificate_subject_common_name(list.items[1]), "Simulated SGX Root CA");
    certificate_list_done(&list);
    assert_ok(certificate_list_from_pem(buffer_slice(&texts.pck_crl_issuer_chain), &list));
    assert_string_equal(certificate_subject_common_name(list.items[0]), "Simulated SGX PCK Platform CA");
    certificate_list_done(&list);
}

static void test_it_is_the_same_after_writing_and_reading(void **)
{
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *authority = make();
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *again = NULL;
    CLEANUP(buffer_done) struct buffer state = buffer_of_maximum(64 * 1024);
    assert_ok(simulated_authority_write(authority, &state));
    assert_ok(simulated_authority_read(buffer_slice(&state), NULL, &again));
    assert_true(key_equal(simulated_authority_root(authority), simulated_authority_root(again)));
    CLEANUP(simulated_collateral_done) struct simulated_collateral texts = {};
    const struct simulated_collateral_options options = {.now_s = NOW};
    assert_ok(simulated_authority_collateral(again, &options, &texts));
    struct refusal why = {};
    struct collateral_facts facts;
    assert_ok(verify(authority, &texts, &why, &facts));
}

static void test_a_state_with_anothers_key_is_refused(void **)
{
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *authority = make();
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *other = make();
    CLEANUP(buffer_done) struct buffer state = buffer_of_maximum(64 * 1024);
    CLEANUP(buffer_done) struct buffer mixed = buffer_of_maximum(64 * 1024);
    assert_ok(simulated_authority_write(authority, &state));
    assert_ok(simulated_authority_write(other, &mixed));
    /* The first scalar stands behind tag, version, kind and its length. */
    enum { FIRST_SCALAR = 15 + 2 + 1 + 2 };
    memcpy(mixed.bytes + FIRST_SCALAR, state.bytes + FIRST_SCALAR, 32);
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *again = NULL;
    struct refusal why = {};
    assert_status(simulated_authority_read(buffer_slice(&mixed), &why, &again), ERR_KEY_INVALID);
}

static void test_texts_of_tests_are_signed_too(void **)
{
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *authority = make();
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1024);
    assert_ok(simulated_authority_sign(authority, "tcbInfo", SLICE_LITERAL("{\"a\":1}"), &text));
    CLEANUP(json_done) json_t *json = NULL;
    assert_ok(json_parse(buffer_slice(&text), 1024, NULL, &json));
    assert_int_equal(json_string_length(json_object_get(json, "signature")), 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_collateral_passes_the_ordinary_verifier),
        cmocka_unit_test(test_another_authoritys_collateral_does_not),
        cmocka_unit_test(test_its_names_are_not_intels),
        cmocka_unit_test(test_it_is_the_same_after_writing_and_reading),
        cmocka_unit_test(test_a_state_with_anothers_key_is_refused),
        cmocka_unit_test(test_texts_of_tests_are_signed_too),
    };
    return cmocka_run_group_tests_name("tee/simulation_authority", tests, NULL, NULL);
}
