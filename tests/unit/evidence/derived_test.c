/* SPDX-License-Identifier: Apache-2.0
 *
 * What is derived from good evidence by time, by mixing, and by writing the same or other things that a signature
 * covers: all of it is refused, and the refusal names a field.
 */
#include "intel_world.h"

#include "base/json.h"
#include "evidence/intel/qe_identity.h"
#include "evidence/intel/tcb_info.h"

static void check_good(struct world *world)
{
    struct refusal why = {};
    if (world_verify(world, world->now_s, &why) != OK) fail_msg("%s: %s %s", world->name, why.field, why.seen);
}

static void test_each_world_is_good(void **)
{
    each_world(check_good);
}

/* ---- windows ---- */

static void check_window(const struct world *world, int64_t from_s, int64_t until_s, const char *what)
{
    const int64_t outside[] = {from_s - PKI_DAY_S, from_s - 1, until_s + 1, until_s + PKI_DAY_S};
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        struct refusal why = {};
        assert_refused(world_verify(world, outside[i], &why), &why, world, what, i);
        if (strchr(why.field, '.') == NULL) fail_msg("%s: %s names %s", world->name, what, why.field);
    }
}

static void check_certificate_windows(const struct world *world, enum part part)
{
    CLEANUP(certificate_list_done) struct certificate_list list = {};
    (void)world_certificates(world, part, &list);
    for (size_t i = 0; i < list.count; i++)
        check_window(world, certificate_not_before_s(list.items[i]), certificate_not_after_s(list.items[i]),
                     certificate_subject_common_name(list.items[i]));
}

static void check_crl_window(const struct world *world, enum part part)
{
    CLEANUP(crl_cleanup) struct crl *crl = NULL;
    assert_ok(crl_from_der_or_pem(buffer_slice(&world->parts[part]), &crl));
    check_window(world, crl_this_update_s(crl), crl_next_update_s(crl), part_names[part]);
}

static void check_json_windows(const struct world *world)
{
    CLEANUP(tcb_info_done) struct tcb_info info = {};
    CLEANUP(qe_identity_done) struct qe_identity identity = {};
    assert_ok(tcb_info_parse(buffer_slice(&world->parts[PART_TCB_INFO]), NULL, &info));
    assert_ok(qe_identity_parse(buffer_slice(&world->parts[PART_QE_IDENTITY]), NULL, &identity));
    check_window(world, info.issued_s, info.next_update_s, "TCB info");
    check_window(world, identity.issued_s, identity.next_update_s, "QE identity");
}

static void check_windows(struct world *world)
{
    static const enum part chains[] = {PART_QUOTE, PART_TCB_INFO_CHAIN, PART_QE_IDENTITY_CHAIN, PART_PCK_CRL_CHAIN};
    for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) check_certificate_windows(world, chains[i]);
    check_crl_window(world, PART_PCK_CRL);
    check_crl_window(world, PART_ROOT_CRL);
    check_json_windows(world);
}

static void test_a_day_outside_of_any_window_is_refused(void **)
{
    each_world(check_windows);
}

/* ---- mixing ---- */

static void assert_minted_refused(const struct pki_options *options, const struct minted_quote_options *quote,
                                  const char *field)
{
    struct world world;
    struct refusal why = {};
    world_mint(&world, options, quote);
    assert_refused(world_verify(&world, world.now_s, &why), &why, &world, field, 0);
    assert_string_equal(why.field, field);
    world_done(&world);
}

static void test_collateral_of_another_platform_or_kind_is_refused(void **)
{
    assert_minted_refused(&(const struct pki_options){.fmspc = "000000000008"}, NULL, "tcbInfo.fmspc");
    assert_minted_refused(&(const struct pki_options){.pce_id = "0001"}, NULL, "tcbInfo.pceId");
    assert_minted_refused(&(const struct pki_options){.qe_identity_id = "TD_QE"}, NULL, "enclaveIdentity.id");
    assert_minted_refused(&(const struct pki_options){.qe_identity_id = "QVE"}, NULL, "enclaveIdentity.id");
    /* All of it for TDX, and the quote of an enclave. */
    assert_minted_refused(&(const struct pki_options){.tcb_info_id = "TDX", .qe_identity_id = "TD_QE"}, NULL,
                          "tcbInfo.id");
    /* The quote of a TD, and all for enclaves; or its quoting enclave's identity alone. */
    static const struct minted_td td = {.fill = 0x3c, .attributes = {0, 0, 0, 0x10}};
    static const struct minted_quote_options td_quote = {.td = &td, .version = 4};
    assert_minted_refused(NULL, &td_quote, "tcbInfo.id");
    assert_minted_refused(&(const struct pki_options){.tcb_info_id = "TDX"}, &td_quote, "enclaveIdentity.id");
}

/* Each part of each genuine world in the place of the same part of another, alone. */
static void test_parts_of_another_genuine_world_are_refused(void **)
{
    struct world sgx, tdx;
    (void)shared_path("vectors");
    world_read(&sgx, &genuine_worlds[0]);
    world_read(&tdx, &genuine_worlds[1]);
    static const enum part mixed[] = {PART_QUOTE, PART_TCB_INFO, PART_QE_IDENTITY};
    for (size_t i = 0; i < sizeof(mixed) / sizeof(mixed[0]); i++) {
        const struct buffer of_sgx = sgx.parts[mixed[i]];
        sgx.parts[mixed[i]] = tdx.parts[mixed[i]];
        tdx.parts[mixed[i]] = of_sgx;
        assert_world_refused(&sgx, part_names[mixed[i]], 0);
        assert_world_refused(&tdx, part_names[mixed[i]], 0);
        tdx.parts[mixed[i]] = sgx.parts[mixed[i]];
        sgx.parts[mixed[i]] = of_sgx;
    }
    check_good(&sgx);
    check_good(&tdx);
    world_done(&sgx);
    world_done(&tdx);
}

static void make_no_authority(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_CA) text->is_ca = false;
}

static void test_an_intermediate_that_is_no_authority_is_refused(void **)
{
    assert_minted_refused(&(const struct pki_options){.certificate = make_no_authority}, NULL,
                          "pck_crl_issuer_chain.signer.basicConstraints");
}

/* The quoting enclave vouches for the point, which is on no curve. */
static void test_an_attestation_key_off_its_curve_is_refused(void **)
{
    uint8_t point[P256_POINT_BYTES];
    memset(point, 5, sizeof(point));
    assert_minted_refused(NULL, &(const struct minted_quote_options){.attestation_point = SLICE_ARRAY(point)},
                          "attestation_key");
}

/* ---- the same and other JSON ---- */

struct json_part {
    enum part part;
    const char *member;
};
static const struct json_part json_parts[] = {{PART_TCB_INFO, "tcbInfo"}, {PART_QE_IDENTITY, "enclaveIdentity"}};

static struct slice member_text(struct slice document, const char *name)
{
    CLEANUP(json_tree_done) struct json_tree tree = {};
    assert_ok(json_tree_parse(document, 1 << 20, "json", NULL, &tree));
    const struct json_node *const member = json_node_member(tree.nodes, name);
    assert_non_null(member);
    return json_node_text(member, document);
}

/* Document with another body before the same signature. */
static struct buffer with_body(const struct world *world, const struct json_part *of, const char *body)
{
    const struct slice text = buffer_slice(&world->parts[of->part]);
    const struct slice signature = member_text(text, "signature");
    struct buffer made = buffer_of_maximum(4 * text.size + 65536);
    assert_ok(buffer_append_format(&made, "{\"%s\":%s,\"signature\":%.*s}", of->member, body, (int)signature.size,
                                   (const char *)signature.bytes));
    return made;
}

static void refuse_written_again(struct world *world, const struct json_part *of, const json_t *body, size_t flags)
{
    char *const text = json_dumps(body, flags);
    assert_non_null(text);
    const struct slice original = member_text(buffer_slice(&world->parts[of->part]), of->member);
    if (!slice_equal_text(original, text)) {
        const struct buffer before = world_exchange(world, of->part, with_body(world, of, text));
        assert_world_refused(world, of->member, flags);
        world_restore(world, of->part, before);
    }
    free(text);
}

/* The same values in other spacing, in another order, and with letters written as numbers. */
static void check_written_again(struct world *world)
{
    static const size_t flags[] = {0, JSON_INDENT(1), JSON_COMPACT | JSON_SORT_KEYS, JSON_INDENT(4) | JSON_SORT_KEYS};
    for (size_t i = 0; i < sizeof(json_parts) / sizeof(json_parts[0]); i++) {
        CLEANUP(json_done) json_t *document = NULL;
        assert_ok(json_parse(buffer_slice(&world->parts[json_parts[i].part]), 1 << 20, NULL, &document));
        const json_t *const body = json_object_get(document, json_parts[i].member);
        for (size_t j = 0; j < sizeof(flags) / sizeof(flags[0]); j++)
            refuse_written_again(world, &json_parts[i], body, flags[j]);
    }
    check_good(world);
}

static void test_json_written_again_is_refused(void **)
{
    each_world(check_written_again);
}

/* Where the next number outside of strings begins; the end if there is none. */
static size_t find_number(struct slice text, size_t at)
{
    bool in_string = false;
    for (; at < text.size; at++) {
        const uint8_t c = text.bytes[at];
        if (c == '"') in_string = !in_string;
        if (!in_string && c >= '0' && c <= '9') return at;
    }
    return at;
}

static size_t end_of_number(struct slice text, size_t at)
{
    while (at < text.size && text.bytes[at] >= '0' && text.bytes[at] <= '9') at++;
    return at;
}

static void refuse_number(struct world *world, const struct json_part *of, size_t from, size_t until,
                          const char *number)
{
    const struct slice body = member_text(buffer_slice(&world->parts[of->part]), of->member);
    CLEANUP(buffer_done) struct buffer changed = buffer_of_maximum(65536);
    assert_ok(buffer_append(&changed, slice_part(body, 0, from)));
    assert_ok(buffer_append_text(&changed, number));
    assert_ok(buffer_append(&changed, slice_part(body, until, body.size)));
    const struct buffer before = world_exchange(
        world, of->part, pki_sign_json(world->pki.keys[PKI_SIGNING], of->member, buffer_slice(&changed)));
    assert_world_refused(world, number, from);
    world_restore(world, of->part, before);
}

/* Signed as all else, so that it is the number that is refused. */
static void test_negative_huge_and_broken_numbers_are_refused(void **)
{
    static const char *const numbers[] = {
        "-1", "-9223372036854775809", "4294967296", "99999999999999999999", "1e3", "1.5", "01", "null"};
    struct world world;
    world_mint(&world, NULL, NULL);
    for (size_t i = 0; i < sizeof(json_parts) / sizeof(json_parts[0]); i++) {
        size_t count = 0;
        CLEANUP(buffer_done)
        struct buffer original =
            copy_of(member_text(buffer_slice(&world.parts[json_parts[i].part]), json_parts[i].member));
        const struct slice text = buffer_slice(&original);
        for (size_t at = find_number(text, 0); at < text.size; at = find_number(text, end_of_number(text, at))) {
            for (size_t j = 0; j < sizeof(numbers) / sizeof(numbers[0]); j++)
                refuse_number(&world, &json_parts[i], at, end_of_number(text, at), numbers[j]);
            count++;
        }
        assert_true(count >= 4);
    }
    check_good(&world);
    world_done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_world_is_good),
        cmocka_unit_test(test_a_day_outside_of_any_window_is_refused),
        cmocka_unit_test(test_collateral_of_another_platform_or_kind_is_refused),
        cmocka_unit_test(test_parts_of_another_genuine_world_are_refused),
        cmocka_unit_test(test_an_intermediate_that_is_no_authority_is_refused),
        cmocka_unit_test(test_an_attestation_key_off_its_curve_is_refused),
        cmocka_unit_test(test_json_written_again_is_refused),
        cmocka_unit_test(test_negative_huge_and_broken_numbers_are_refused),
    };
    return cmocka_run_group_tests_name("evidence/derived", tests, NULL, NULL);
}
