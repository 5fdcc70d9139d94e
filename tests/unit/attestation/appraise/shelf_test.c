/* SPDX-License-Identifier: Apache-2.0
 *
 * A shelf on one end of a link, what supplies it on the other.
 */
#include "attestation/appraise/shelf.h"

#include "attestation/appraise/needs.h"
#include "crypto/hash.h"
#include "feeds/collateral_wire.h"
#include "parts.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NEED_COUNT = LINK_NEED_ENDORSEMENTS + 1 };

struct scene {
    struct parts parts;
    struct shelf *shelf;
    int sockets[2];
    pthread_t thread;
    /* What the next question is about, for both sides of the link; they take turns. */
    struct attest_request request;
    struct appraisal_materials materials;
    uint64_t generation;
    int64_t now_s;
    uint8_t policy[32];
    /* The supplying side. */
    unsigned asked[NEED_COUNT];
    const struct buffer *replaced[NEED_COUNT]; /* supplied instead; NULL: what the service has */
    enum status refused[NEED_COUNT];
};

static enum status take(void *context, struct link *link, struct slice, struct refusal *why, unsigned *step_out,
                        struct buffer *)
{
    struct scene *const scene = context;
    enum appraisal_step step = APPRAISAL_SIGNING;
    const enum status status = shelf_take(scene->shelf, link, &scene->request, scene->generation, scene->policy,
                                          scene->now_s, why, &step, &scene->materials);
    *step_out = step;
    return status;
}

static void *serve(void *context)
{
    struct scene *const scene = context;
    link_serve(scene->sockets[1], take, scene);
    return NULL;
}

static enum status supply(void *context, enum link_need need, struct slice key, struct refusal *why,
                          struct buffer *supplied)
{
    struct scene *const scene = context;
    scene->asked[need]++;
    if (scene->refused[need] != OK) return refuse(why, scene->refused[need], "supply", "something", "nothing");
    if (scene->replaced[need] != NULL) return buffer_append(supplied, buffer_slice(scene->replaced[need]));
    return supply_need(&scene->parts.supply, need, key, why, supplied);
}

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    parts_open(&scene->parts);
    assert_ok(shelf_new(&scene->parts.source.roots, &scene->shelf));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, scene->sockets), 0);
    assert_int_equal(pthread_create(&scene->thread, NULL, serve, scene), 0);
    scene->now_s = PARTS_NOW;
    memcpy(scene->policy, scene->parts.view.policies[ATTESTATION_SGX_ENCLAVE].digest, sizeof(scene->policy));
    scene->request.evidence = parts_quote(&scene->parts, SLICE_LITERAL("{}"));
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *const scene = *state;
    (void)close(scene->sockets[0]);
    (void)pthread_join(scene->thread, NULL);
    (void)close(scene->sockets[1]);
    shelf_free(scene->shelf);
    attest_request_done(&scene->request);
    parts_close(&scene->parts);
    free(scene);
    return 0;
}

static enum status ask(struct scene *scene, struct refusal *why, unsigned *step_out)
{
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(4096);
    const int64_t deadline_ms = clock_monotonic_ms() + PARTS_PATIENCE_MS;
    scene->materials = (struct appraisal_materials){};
    return link_ask(scene->sockets[0], SLICE_LITERAL("take"), supply, scene, deadline_ms, why, step_out, &answer);
}

static void assert_refused(struct scene *scene, enum status status, enum appraisal_step step, const char *field)
{
    struct refusal why = {};
    unsigned seen = 99;
    assert_status(ask(scene, &why, &seen), status);
    assert_int_equal(seen, step);
    if (field != NULL) assert_string_equal(why.field, field);
}

/* ---- collateral ---- */

static void test_what_was_asked_for_once_is_at_hand(void **state)
{
    struct scene *const scene = *state;
    for (int i = 0; i < 3; i++) {
        assert_ok(ask(scene, NULL, NULL));
        assert_non_null(scene->materials.collateral);
        assert_non_null(scene->materials.policy);
        assert_int_equal(scene->materials.pck_chain.size, 0);
        assert_true(scene->materials.now_s == PARTS_NOW);
    }
    assert_int_equal(scene->asked[LINK_NEED_COLLATERAL], 1);
    assert_int_equal(scene->asked[LINK_NEED_POLICY], 1);
}

static void test_a_newer_generation_is_asked_for_and_the_same_texts_are_kept(void **state)
{
    struct scene *const scene = *state;
    assert_ok(ask(scene, NULL, NULL));
    const struct collateral *const first = scene->materials.collateral;
    scene->generation = 7;
    assert_ok(ask(scene, NULL, NULL));
    assert_int_equal(scene->asked[LINK_NEED_COLLATERAL], 2);
    assert_ptr_equal(scene->materials.collateral, first);
    assert_ok(ask(scene, NULL, NULL));
    assert_int_equal(scene->asked[LINK_NEED_COLLATERAL], 2);
}

static struct buffer texts_signed_at(const struct scene *scene, int64_t signed_s)
{
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    struct buffer wire = buffer_of_maximum(COLLATERAL_WIRE_MAX_BYTES);
    assert_ok(simulated_files(scene->parts.source.authority, signed_s, &files));
    const struct collateral_texts texts = collateral_files_texts(&files);
    assert_ok(collateral_wire_write(&texts, NULL, &wire));
    return wire;
}

static void test_newer_texts_replace_older_ones_and_older_ones_nothing(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(buffer_done) struct buffer newer = texts_signed_at(scene, PARTS_NOW + 86400);
    CLEANUP(buffer_done) struct buffer older = texts_signed_at(scene, PARTS_NOW);
    struct collateral_facts before, after;
    assert_ok(ask(scene, NULL, NULL));
    collateral_facts(scene->materials.collateral, &before);
    scene->replaced[LINK_NEED_COLLATERAL] = &newer;
    scene->generation++;
    assert_ok(ask(scene, NULL, NULL));
    collateral_facts(scene->materials.collateral, &after);
    assert_true(after.issued_s > before.issued_s);
    scene->replaced[LINK_NEED_COLLATERAL] = &older;
    scene->generation++;
    assert_refused(scene, ERR_COLLATERAL_OLD, APPRAISAL_COLLATERAL, NULL);
}

static void test_what_is_out_of_date_is_asked_for_again(void **state)
{
    struct scene *const scene = *state;
    assert_ok(ask(scene, NULL, NULL));
    scene->now_s = PARTS_NOW + SIMULATED_COLLATERAL_LIFE_S + 86400;
    scene->refused[LINK_NEED_COLLATERAL] = ERR_COLLATERAL_EXPIRED;
    assert_refused(scene, ERR_COLLATERAL_EXPIRED, APPRAISAL_COLLATERAL, "supply");
}

static void test_texts_that_do_not_verify_are_refused(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(buffer_done) struct buffer forged = texts_signed_at(scene, PARTS_NOW);
    CLEANUP(buffer_done) struct buffer garbage = buffer_of_maximum(16);
    assert_ok(buffer_append_text(&garbage, "garbage"));
    scene->replaced[LINK_NEED_COLLATERAL] = &garbage;
    assert_refused(scene, ERR_TRUNCATED, APPRAISAL_COLLATERAL, "collateral");
    uint8_t *const digit = memmem(forged.bytes, forged.size, "\"tcbEvaluationDataNumber\":1", 27);
    assert_non_null(digit);
    digit[26] = '2';
    scene->replaced[LINK_NEED_COLLATERAL] = &forged;
    assert_refused(scene, ERR_COLLATERAL_SIGNATURE, APPRAISAL_COLLATERAL, NULL);
}

static void test_texts_of_another_platform_are_refused(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(buffer_done) struct buffer wire = buffer_of_maximum(COLLATERAL_WIRE_MAX_BYTES);
    struct simulated_collateral made = {};
    const struct simulated_collateral_options options = {.now_s = PARTS_NOW, .tdx = true};
    assert_ok(simulated_authority_collateral(scene->parts.source.authority, &options, &made));
    const struct collateral_texts texts = {
        .tcb_info = buffer_slice(&made.tcb_info),
        .tcb_info_issuer_chain = buffer_slice(&made.tcb_issuer_chain),
        .qe_identity = buffer_slice(&made.qe_identity),
        .qe_identity_issuer_chain = buffer_slice(&made.tcb_issuer_chain),
        .pck_crl = buffer_slice(&made.pck_crl),
        .pck_crl_issuer_chain = buffer_slice(&made.pck_crl_issuer_chain),
        .root_ca_crl = buffer_slice(&made.root_ca_crl),
    };
    assert_ok(collateral_wire_write(&texts, NULL, &wire));
    scene->replaced[LINK_NEED_COLLATERAL] = &wire;
    assert_refused(scene, ERR_COLLATERAL_MISMATCH, APPRAISAL_COLLATERAL, NULL);
    simulated_collateral_done(&made);
}

static void test_what_the_service_refuses_with_is_told(void **state)
{
    struct scene *const scene = *state;
    scene->refused[LINK_NEED_COLLATERAL] = ERR_COLLATERAL_MISSING;
    assert_refused(scene, ERR_COLLATERAL_MISSING, APPRAISAL_COLLATERAL, "supply");
    scene->refused[LINK_NEED_COLLATERAL] = OK;
    assert_ok(ask(scene, NULL, NULL));
}

/* ---- evidence ---- */

static void test_evidence_that_cannot_be_read_is_the_clients_fault(void **state)
{
    struct scene *const scene = *state;
    buffer_truncate(&scene->request.evidence, 100);
    assert_refused(scene, ERR_QUOTE_MALFORMED, APPRAISAL_EVIDENCE, NULL);
    scene->request.type = ATTESTATION_OPEN_ENCLAVE;
    scene->request.evidence.bytes[0] = 1; /* the version of Open Enclave's header */
    assert_int_equal(ask(scene, NULL, NULL) == OK, false);
    scene->request.type = ATTESTATION_SEV_SNP_VM;
    assert_int_equal(ask(scene, NULL, NULL) == OK, false);
    assert_int_equal(scene->asked[LINK_NEED_COLLATERAL] + scene->asked[LINK_NEED_ENDORSEMENTS], 0);
}

static void test_a_quote_of_the_other_tee_is_refused_before_anything_is_fetched(void **state)
{
    struct scene *const scene = *state;
    scene->request.type = ATTESTATION_TDX_VM;
    assert_refused(scene, ERR_QUOTE_UNSUPPORTED, APPRAISAL_EVIDENCE, "quote.header.tee_type");
    assert_int_equal(scene->asked[LINK_NEED_COLLATERAL], 0);
}

static void test_an_open_enclave_report_is_opened(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(buffer_done) struct buffer quote = buffer_take(&scene->request.evidence);
    assert_ok(buffer_append_u32_le(&scene->request.evidence, 1));
    assert_ok(buffer_append_u32_le(&scene->request.evidence, 2));
    assert_ok(buffer_append_u32_le(&scene->request.evidence, (uint32_t)quote.size));
    assert_ok(buffer_append_u32_le(&scene->request.evidence, 0));
    assert_ok(buffer_append(&scene->request.evidence, buffer_slice(&quote)));
    scene->request.type = ATTESTATION_OPEN_ENCLAVE;
    assert_ok(ask(scene, NULL, NULL));
    assert_non_null(scene->materials.collateral);
}

/* ---- quotes without certificates ---- */

/* Certification data of type 3: encrypted PPID, CPUSVN, PCESVN, PCEID; `chain` is what stood there. */
static void take_chain_out(struct buffer *quote, struct buffer *chain)
{
    enum { SIGNED = 48 + 384, TYPE = SIGNED + 4 + 64 + 64 + 384 + 64 + 2 + 32, PPID_BYTES = 384 };
    const size_t data = TYPE + 6;
    *chain = buffer_of_maximum(QUOTE_MAX_BYTES);
    assert_ok(buffer_append(chain, slice_part(buffer_slice(quote), data, SIZE_MAX)));
    buffer_truncate(quote, TYPE);
    assert_ok(buffer_append_u16_le(quote, 3));
    assert_ok(buffer_append_u32_le(quote, PPID_BYTES + 16 + 2 + 2));
    uint8_t *place;
    assert_ok(buffer_extend(quote, PPID_BYTES + 16, &place));
    memset(place, 2, PPID_BYTES + 16);
    assert_ok(buffer_append_u16_le(quote, 0xffff)); /* PCESVN: no lower than the certificate's */
    assert_ok(buffer_append_u16_le(quote, 0));
    const uint32_t signature_size = (uint32_t)(quote->size - SIGNED - 4);
    for (int i = 0; i < 4; i++) quote->bytes[SIGNED + i] = (uint8_t)(signature_size >> 8 * i);
}

static void test_a_quote_without_certificates_is_given_them_and_they_are_kept(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(buffer_done) struct buffer chain = {};
    take_chain_out(&scene->request.evidence, &chain);
    scene->replaced[LINK_NEED_PCK] = &chain;
    for (int i = 0; i < 3; i++) {
        assert_ok(ask(scene, NULL, NULL));
        assert_slice_equal(scene->materials.pck_chain, buffer_slice(&chain));
        assert_non_null(scene->materials.collateral);
    }
    assert_int_equal(scene->asked[LINK_NEED_PCK], 1);
    /* Not for ever: the source may have a better one. */
    scene->now_s += 3600;
    assert_ok(ask(scene, NULL, NULL));
    assert_int_equal(scene->asked[LINK_NEED_PCK], 2);
}

static void test_without_a_source_of_certificates_such_a_quote_is_refused_for_good(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(buffer_done) struct buffer chain = {};
    take_chain_out(&scene->request.evidence, &chain);
    assert_refused(scene, ERR_UNSUPPORTED, APPRAISAL_EVIDENCE, "certification_data.type");
    scene->refused[LINK_NEED_PCK] = ERR_COLLATERAL_MISSING;
    assert_refused(scene, ERR_COLLATERAL_MISSING, APPRAISAL_COLLATERAL, "supply");
}

static void test_a_certificate_that_does_not_verify_is_refused(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(buffer_done) struct buffer chain = {};
    CLEANUP(buffer_done) struct buffer garbage = buffer_of_maximum(16);
    take_chain_out(&scene->request.evidence, &chain);
    assert_ok(buffer_append_text(&garbage, "garbage"));
    scene->replaced[LINK_NEED_PCK] = &garbage;
    assert_int_equal(ask(scene, NULL, NULL) == OK, false);
    assert_null(scene->materials.collateral);
}

/* ---- AMD ---- */

static struct buffer snp_report(void)
{
    struct buffer report = buffer_of_maximum(SNP_REPORT_BYTES);
    uint8_t *place;
    assert_ok(buffer_extend(&report, SNP_REPORT_BYTES, &place));
    place[0] = 2;       /* version */
    place[0x0a] = 2;    /* policy: the bit that is always set */
    place[0x34] = 1;    /* ECDSA P-384 with SHA-384 */
    place[0x1a0] = 0x5; /* chip id */
    return report;
}

static void test_endorsements_are_asked_for_where_the_request_has_none(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(16);
    assert_ok(buffer_append_text(&pem, "PEM"));
    buffer_done(&scene->request.evidence);
    scene->request.type = ATTESTATION_SEV_SNP_VM;
    scene->request.evidence = snp_report();
    scene->request.endorsements = buffer_of_maximum(SNP_CERTIFICATES_MAX_BYTES);
    assert_refused(scene, ERR_UNSUPPORTED, APPRAISAL_EVIDENCE, "report.VcekCertChain");
    scene->refused[LINK_NEED_ENDORSEMENTS] = ERR_COLLATERAL_MISSING;
    assert_refused(scene, ERR_COLLATERAL_MISSING, APPRAISAL_COLLATERAL, "supply");
    scene->refused[LINK_NEED_ENDORSEMENTS] = OK;
    scene->replaced[LINK_NEED_ENDORSEMENTS] = &pem;
    assert_ok(ask(scene, NULL, NULL));
    assert_slice_equal(buffer_slice(&scene->request.endorsements), buffer_slice(&pem));
    assert_int_equal(scene->asked[LINK_NEED_ENDORSEMENTS], 3);
    assert_ok(ask(scene, NULL, NULL));
    assert_int_equal(scene->asked[LINK_NEED_ENDORSEMENTS], 3);
    assert_null(scene->materials.collateral);
}

/* ---- policies ---- */

static void test_a_policy_of_another_digest_is_refused(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(buffer_done) struct buffer other = buffer_of_maximum(16);
    assert_ok(buffer_append_text(&other, "other"));
    scene->replaced[LINK_NEED_POLICY] = &other;
    assert_refused(scene, ERR_CONFLICT, APPRAISAL_SIGNING, "policy");
    scene->replaced[LINK_NEED_POLICY] = NULL;
    memset(scene->policy, 9, sizeof(scene->policy));
    assert_refused(scene, ERR_NOT_FOUND, APPRAISAL_SIGNING, "policy");
}

static void test_policies_are_kept_by_digest(void **state)
{
    struct scene *const scene = *state;
    for (int i = 0; i < 4; i++) {
        const enum attestation_type type = i % 2 == 0 ? ATTESTATION_SGX_ENCLAVE : ATTESTATION_SEV_SNP_VM;
        memcpy(scene->policy, scene->parts.view.policies[type].digest, sizeof(scene->policy));
        assert_ok(ask(scene, NULL, NULL));
        assert_string_equal(scene->materials.policy->hash, type == ATTESTATION_SGX_ENCLAVE
                                                               ? "bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw"
                                                               : "9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco");
    }
    assert_int_equal(scene->asked[LINK_NEED_POLICY], 2);
}

static void give_draft(struct scene *scene, const char *text)
{
    scene->request.has_draft = true;
    scene->request.draft = buffer_of_maximum(POLICY_MAX_BYTES);
    assert_ok(buffer_append_text(&scene->request.draft, text));
}

static void test_a_draft_serves_its_request_alone(void **state)
{
    struct scene *const scene = *state;
    give_draft(scene, "version=1.0; authorizationrules{=> permit();}; issuancerules{};");
    assert_ok(ask(scene, NULL, NULL));
    assert_non_null(scene->materials.policy->policy);
    assert_null(scene->materials.policy->signer);
    assert_int_equal(scene->asked[LINK_NEED_POLICY], 0);
    scene->request.has_draft = false;
    assert_ok(ask(scene, NULL, NULL));
    assert_int_equal(scene->asked[LINK_NEED_POLICY], 1);
    assert_string_equal(scene->materials.policy->hash, "bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw");
}

static void test_a_draft_that_does_not_compile_is_the_clients_fault(void **state)
{
    struct scene *const scene = *state;
    give_draft(scene, "version=1.0; authorizationrules{=> permit(}; issuancerules{};");
    assert_refused(scene, ERR_POLICY_SYNTAX, APPRAISAL_REQUEST, NULL);
    assert_int_equal(scene->asked[LINK_NEED_COLLATERAL], 0);
}

#define shelf_unit_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        shelf_unit_test(test_what_was_asked_for_once_is_at_hand),
        shelf_unit_test(test_a_newer_generation_is_asked_for_and_the_same_texts_are_kept),
        shelf_unit_test(test_newer_texts_replace_older_ones_and_older_ones_nothing),
        shelf_unit_test(test_what_is_out_of_date_is_asked_for_again),
        shelf_unit_test(test_texts_that_do_not_verify_are_refused),
        shelf_unit_test(test_texts_of_another_platform_are_refused),
        shelf_unit_test(test_what_the_service_refuses_with_is_told),
        shelf_unit_test(test_evidence_that_cannot_be_read_is_the_clients_fault),
        shelf_unit_test(test_a_quote_of_the_other_tee_is_refused_before_anything_is_fetched),
        shelf_unit_test(test_an_open_enclave_report_is_opened),
        shelf_unit_test(test_a_quote_without_certificates_is_given_them_and_they_are_kept),
        shelf_unit_test(test_without_a_source_of_certificates_such_a_quote_is_refused_for_good),
        shelf_unit_test(test_a_certificate_that_does_not_verify_is_refused),
        shelf_unit_test(test_endorsements_are_asked_for_where_the_request_has_none),
        shelf_unit_test(test_a_policy_of_another_digest_is_refused),
        shelf_unit_test(test_policies_are_kept_by_digest),
        shelf_unit_test(test_a_draft_serves_its_request_alone),
        shelf_unit_test(test_a_draft_that_does_not_compile_is_the_clients_fault),
    };
    return cmocka_run_group_tests_name("attestation/appraise/shelf", tests, NULL, NULL);
}
