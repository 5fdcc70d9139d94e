/* SPDX-License-Identifier: Apache-2.0
 *
 * Reports against the key that signed them: kind, chip, security versions, signature; what is claimed; what a cache of
 * chains may and may not spare.
 */
#include "amd_pki.h"
#include "testing.h"

static enum status verify(const struct amd_pki *pki, struct snp_cache *cache, struct refusal *why,
                          struct snp_claims *claims)
{
    const struct snp_endorsements endorsements = amd_pki_endorsements(pki);
    return snp_report_verify(buffer_slice(&pki->report), &endorsements, AMD_NOW_S, cache, why, claims);
}

static void assert_refused(const struct amd_pki_options *options, enum status expected, const char *field,
                           const char *wanted, const char *seen)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(options);
    struct refusal why = {};
    struct snp_claims claims;
    assert_status(verify(&pki, NULL, &why, &claims), expected);
    assert_string_equal(why.field, field);
    assert_string_equal(why.expected, wanted);
    assert_string_equal(why.seen, seen);
}

static struct snp_claims claims_of(const struct amd_pki_options *options)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(options);
    struct refusal why = {};
    struct snp_claims claims;
    const enum status status = verify(&pki, NULL, &why, &claims);
    if (status != OK) fail_msg("%s: %s, seen %s", status_name(status), why.field, why.seen);
    return claims;
}

static void assert_filled(const uint8_t *bytes, size_t size, uint8_t with)
{
    for (size_t i = 0; i < size; i++) assert_int_equal(bytes[i], with);
}

/* ---- claims ---- */

static void test_what_a_report_says_is_claimed(void **)
{
    const struct snp_claims claims = claims_of(NULL);
    assert_int_equal(claims.product, SNP_MILAN);
    assert_true(claims.simulated && !claims.is_vlek && claims.crl_checked);
    assert_int_equal(claims.version, 3);
    assert_int_equal(claims.guest_svn, 7);
    assert_int_equal(claims.vmpl, 2);
    assert_int_equal(claims.policy, 0x3011f);
    assert_int_equal(claims.platform_info, 0x25);
    assert_int_equal(claims.abi_major, 1);
    assert_int_equal(claims.abi_minor, 0x1f);
    assert_true(claims.smt_allowed && !claims.debug && !claims.migration_allowed);
    assert_false(claims.has_author_key || claims.is_chip_key_masked || claims.has_mitigations);
    assert_filled(claims.family_id, 16, 0x21);
    assert_filled(claims.image_id, 16, 0x22);
    assert_filled(claims.report_data, 64, 0x23);
    assert_filled(claims.measurement, 48, 0x24);
    assert_filled(claims.host_data, 32, 0x25);
    assert_filled(claims.id_key_digest, 48, 0x26);
    assert_filled(claims.author_key_digest, 48, 0x27);
    assert_filled(claims.report_id, 32, 0x28);
    assert_filled(claims.report_id_ma, 32, 0xff);
    assert_filled(claims.chip_id, 64, 0x11);
    assert_string_equal(claims.csp_id, "");
    assert_true(claims.has_cpuid);
    assert_int_equal(claims.cpuid_family, 0x19);
    assert_int_equal(claims.cpuid_model, 1);
    assert_int_equal(claims.cpuid_stepping, 1);
    assert_int_equal(claims.current_firmware.minor, 55);
    assert_int_equal(claims.committed_firmware.minor, 54);
    assert_int_equal(claims.expires_s, AMD_NOW_S + 10 * AMD_DAY_S); /* the list is the first to end */
}

static void test_security_versions_are_laid_out_as_the_product_has_them(void **)
{
    const struct snp_claims milan = claims_of(NULL);
    assert_int_equal(milan.current.microcode, 218);
    assert_int_equal(milan.reported.microcode, 217);
    assert_int_equal(milan.committed.snp, 24);
    assert_int_equal(milan.launch.boot_loader, 4);
    const struct snp_claims turin = claims_of(&(struct amd_pki_options){.product = SNP_TURIN});
    assert_int_equal(turin.product, SNP_TURIN);
    assert_int_equal(turin.reported.fmc, 1);
    assert_int_equal(turin.reported.boot_loader, 2);
    assert_int_equal(turin.reported.tee, 3);
    assert_int_equal(turin.reported.snp, 4);
    assert_int_equal(turin.reported.microcode, 81);
    assert_filled(turin.chip_id, 8, 0x11);
    assert_filled(turin.chip_id + 8, 56, 0);
}

static void set_debug_and_migration(uint8_t *report)
{
    amd_put_u32(report + 0x008, 0xe0000);
}

static void test_genuine_debug_guests_are_told(void **)
{
    const struct snp_claims claims = claims_of(&(struct amd_pki_options){.report = set_debug_and_migration});
    assert_true(claims.debug && claims.migration_allowed && !claims.smt_allowed);
}

static void make_version_5(uint8_t *report)
{
    report[0] = 5;
    report[0x048] |= 1;
    report[0x1f8] = 0x0b;
    report[0x200] = 0x0f;
}

static void test_version_5_tells_mitigations(void **)
{
    const struct snp_claims claims = claims_of(&(struct amd_pki_options){.report = make_version_5});
    assert_true(claims.has_mitigations && claims.has_author_key);
    assert_int_equal(claims.launch_mitigations, 0x0b);
    assert_int_equal(claims.current_mitigations, 0x0f);
}

static void show_chip(uint8_t *report)
{
    memset(report + 0x1a0, 0x77, 64);
    report[0x048] |= 2;
}

static void test_a_vlek_tells_its_cloud_and_certifies_no_chip(void **)
{
    const struct snp_claims claims = claims_of(&(struct amd_pki_options){.is_vlek = true});
    assert_true(claims.is_vlek);
    assert_string_equal(claims.csp_id, "CN=cloud.example");
    assert_filled(claims.chip_id, 64, 0);
    const struct snp_claims shown = claims_of(&(struct amd_pki_options){.is_vlek = true, .report = show_chip});
    assert_filled(shown.chip_id, 64, 0x77);
    assert_true(shown.is_chip_key_masked);
}

/* ---- the key is the one of this report ---- */

static void make_genoa(uint8_t *report)
{
    report[0x189] = 0x11;
}

static void test_the_key_of_another_product_is_refused(void **)
{
    assert_refused(&(struct amd_pki_options){.report = make_genoa}, ERR_SNP_KEY, "report.cpuid", "Milan", "Genoa");
}

static void make_version_2(uint8_t *report)
{
    report[0] = 2;
    memset(report + 0x188, 0, 3);
}

/* Such a report does not say: the certificate does. */
static void test_version_2_takes_the_product_of_its_key(void **)
{
    const struct snp_claims claims =
        claims_of(&(struct amd_pki_options){.product = SNP_GENOA, .report = make_version_2});
    assert_int_equal(claims.product, SNP_GENOA);
    assert_false(claims.has_cpuid);
}

static void make_other_chip(uint8_t *report)
{
    report[0x1a0] = 0x12;
}

static void hide_chip(uint8_t *report)
{
    memset(report + 0x1a0, 0, 64);
}

static void lengthen_chip_id(uint8_t *report)
{
    report[0x1a8] = 1;
}

static void test_the_key_of_another_chip_is_refused(void **)
{
    assert_refused(&(struct amd_pki_options){.report = make_other_chip}, ERR_SNP_KEY, "report.chip_id",
                   "11111111111111111111111111111111...11111111111111111111111111111111",
                   "12111111111111111111111111111111...11111111111111111111111111111111");
    assert_refused(&(struct amd_pki_options){.product = SNP_TURIN, .report = lengthen_chip_id}, ERR_SNP_KEY,
                   "report.chip_id", "11111111111111110000000000000000...00000000000000000000000000000000",
                   "11111111111111110100000000000000...00000000000000000000000000000000");
}

static void test_a_hidden_chip_id_is_told_by_the_key(void **)
{
    const struct snp_claims claims = claims_of(&(struct amd_pki_options){.report = hide_chip});
    assert_filled(claims.chip_id, 64, 0x11);
}

static size_t wrong_byte;

static void change_reported_tcb(uint8_t *report)
{
    report[0x180 + wrong_byte] += 1;
}

static void test_every_security_version_is_the_one_that_the_key_is_for(void **)
{
    static const char *const first[] = {"blSPL", "teeSPL", "spl4", "spl5", "spl6", "spl7", "snpSPL", "ucodeSPL"};
    static const char *const turin[] = {"fmcSPL", "blSPL", "teeSPL", "snpSPL", "spl5", "spl6", "spl7", "ucodeSPL"};
    for (size_t i = 0; i < SNP_PRODUCT_COUNT * SNP_TCB_BYTES; i++) {
        const enum snp_product product = (enum snp_product)(i / SNP_TCB_BYTES);
        char field[64], wanted[64], seen[8];
        wrong_byte = i % SNP_TCB_BYTES;
        const unsigned certified = amd_tcb[product][wrong_byte];
        (void)snprintf(field, sizeof(field), "report.reported_tcb.%s",
                       (product == SNP_TURIN ? turin : first)[wrong_byte]);
        (void)snprintf(wanted, sizeof(wanted), "%u, as the certificate has it", certified);
        (void)snprintf(seen, sizeof(seen), "%u", certified + 1);
        assert_refused(&(struct amd_pki_options){.product = product, .report = change_reported_tcb}, ERR_SNP_KEY, field,
                       wanted, seen);
    }
}

/* ---- the signature ---- */

static void assert_signature_refused(struct amd_pki *pki, const char *wanted)
{
    struct refusal why = {};
    struct snp_claims claims;
    assert_status(verify(pki, NULL, &why, &claims), ERR_SNP_SIGNATURE);
    assert_string_equal(why.field, "report.signature");
    assert_string_equal(why.expected, wanted);
}

static void test_another_key_did_not_sign_it(void **)
{
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(&(struct amd_pki_options){.is_vlek = i == 1});
        amd_sign_report(amd_keys()->other_p384, pki.report.bytes);
        assert_signature_refused(&pki, i == 1 ? "a signature by the VLEK" : "a signature by the chip's VCEK");
        memset(pki.report.bytes + SNP_SIGNED_BYTES, 0, 512);
        assert_signature_refused(&pki, i == 1 ? "a signature by the VLEK" : "a signature by the chip's VCEK");
    }
}

/* R and S big endian, as others have them. */
static void test_the_order_of_bytes_matters(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    for (size_t part = 0; part < 2; part++) {
        uint8_t *const at = pki.report.bytes + SNP_SIGNED_BYTES + part * 72;
        for (size_t i = 0; i < P384_COORDINATE_BYTES / 2; i++) {
            const uint8_t byte = at[i];
            at[i] = at[P384_COORDINATE_BYTES - 1 - i];
            at[P384_COORDINATE_BYTES - 1 - i] = byte;
        }
    }
    assert_signature_refused(&pki, "a signature by the chip's VCEK");
}

/* ---- endorsements without a report ---- */

static enum status check(const struct snp_endorsements *endorsements, bool is_vlek, int64_t now_s, struct refusal *why,
                         struct snp_endorsement_facts *facts)
{
    return snp_endorsements_verify(endorsements, is_vlek, now_s, why, facts);
}

static void test_endorsements_tell_what_they_are_for(void **)
{
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(amd_pki_done)
        struct amd_pki pki = amd_pki_make(&(struct amd_pki_options){.product = SNP_TURIN, .is_vlek = i == 1});
        struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
        struct snp_endorsement_facts facts;
        assert_ok(check(&endorsements, i == 1, AMD_NOW_S, NULL, &facts));
        assert_int_equal(facts.product, SNP_TURIN);
        assert_true(facts.simulated && facts.has_crl && facts.is_vlek == (i == 1));
        assert_filled(facts.chip_id, 8, i == 1 ? 0 : 0x11);
        assert_int_equal(facts.tcb.fmc, 1);
        assert_int_equal(facts.tcb.microcode, 81);
        assert_int_equal(facts.expires_s, AMD_NOW_S + 10 * AMD_DAY_S);
        assert_int_equal(facts.crl_issued_s, AMD_NOW_S - 10 * AMD_DAY_S);
        assert_filled(facts.crl_number, 19, 0);
        assert_int_equal(facts.crl_number[19], 4);
        endorsements.crl = (struct slice){};
        endorsements.crl_required = false;
        assert_ok(check(&endorsements, i == 1, AMD_NOW_S, NULL, &facts));
        assert_false(facts.has_crl);
        assert_filled(facts.crl_number, 20, 0);
    }
}

static void test_endorsements_are_held_to_the_same_checks(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    struct snp_endorsement_facts facts;
    struct refusal why = {};
    struct slice given[9];
    assert_status(check(&endorsements, true, AMD_NOW_S, &why, &facts), ERR_SNP_KEY);
    assert_status(check(&endorsements, false, AMD_NOW_S + 10 * AMD_DAY_S, &why, &facts), ERR_CRL_EXPIRED);
    endorsements.crl = (struct slice){};
    assert_status(check(&endorsements, false, AMD_NOW_S, &why, &facts), ERR_COLLATERAL_MISSING);
    endorsements.simulated_root = NULL;
    assert_status(check(&endorsements, false, AMD_NOW_S, &why, &facts), ERR_CHAIN);
    for (size_t i = 0; i < 9; i++) given[i] = pki.given[i % AMD_PKI_ROLE_COUNT];
    endorsements.certificates = given;
    endorsements.certificate_count = 9;
    assert_status(check(&endorsements, false, AMD_NOW_S, &why, &facts), ERR_TOO_LARGE);
    assert_string_equal(why.field, "certificates");
}

/* ---- one byte anywhere ---- */

static void assert_refused_with_reason(enum status status, const struct refusal *why, const char *part, size_t at)
{
    if (status != OK && why->status == status && why->field[0] != '\0' && why->expected[0] != '\0') return;
    fail_msg("byte %zu of %s changed: %s, field \"%s\"", at, part, status_name(status), why->field);
}

static void flip(struct amd_pki *pki, struct buffer *part, const char *name, size_t step, uint8_t mask,
                 struct snp_cache *cache)
{
    for (size_t at = 0; at < part->size; at += step) {
        struct refusal why = {};
        struct snp_claims claims;
        part->bytes[at] ^= mask;
        assert_refused_with_reason(verify(pki, cache, &why, &claims), &why, name, at);
        part->bytes[at] ^= mask;
    }
}

static void test_every_byte_of_the_report_counts(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    struct snp_cache *cache = NULL;
    assert_ok(snp_cache_new(8, &cache));
    flip(&pki, &pki.report, "the report", 1, 0x01, cache);
    flip(&pki, &pki.report, "the report", 7, 0x80, cache);
    snp_cache_free(cache);
}

static void test_every_byte_of_certificates_and_list_counts(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    struct snp_cache *cache = NULL;
    struct snp_claims claims;
    assert_ok(snp_cache_new(8, &cache));
    assert_ok(verify(&pki, cache, NULL, &claims)); /* a chain that is known hides no change of another */
    flip(&pki, &pki.certificates[AMD_PKI_LEAF], "the VCEK", 3, 0x01, cache);
    flip(&pki, &pki.certificates[AMD_PKI_ISSUER], "the ASK", 11, 0x01, cache);
    flip(&pki, &pki.certificates[AMD_PKI_ROOT], "the ARK", 11, 0x01, cache);
    flip(&pki, &pki.crl, "the list", 3, 0x01, cache);
    assert_ok(verify(&pki, cache, NULL, &claims));
    snp_cache_free(cache);
}

/* ---- kept chains ---- */

static struct snp_cache *warm(const struct amd_pki *pki)
{
    struct snp_cache *cache = NULL;
    struct snp_claims claims;
    assert_ok(snp_cache_new(8, &cache));
    assert_ok(verify(pki, cache, NULL, &claims));
    return cache;
}

static void test_a_kept_chain_gives_the_same_claims(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    struct snp_cache *const cache = warm(&pki);
    struct snp_claims cold = {}, kept = {};
    assert_ok(verify(&pki, NULL, NULL, &cold));
    assert_ok(verify(&pki, cache, NULL, &kept));
    assert_memory_equal(&cold, &kept, sizeof(cold));
    snp_cache_free(cache);
}

static void test_a_kept_chain_is_held_to_the_clock_and_to_the_accepted_root(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    struct snp_cache *const cache = warm(&pki);
    struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    struct snp_claims claims;
    const struct slice report = buffer_slice(&pki.report);
    assert_status(snp_report_verify(report, &endorsements, AMD_NOW_S + 10 * AMD_DAY_S, cache, NULL, &claims),
                  ERR_CRL_EXPIRED);
    assert_status(snp_report_verify(report, &endorsements, AMD_NOW_S + 101 * AMD_DAY_S, cache, NULL, &claims),
                  ERR_CERTIFICATE_EXPIRED);
    endorsements.simulated_root = NULL;
    assert_status(snp_report_verify(report, &endorsements, AMD_NOW_S, cache, NULL, &claims), ERR_CHAIN);
    snp_cache_free(cache);
}

static void test_a_kept_chain_does_not_stand_for_a_required_list(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    struct snp_cache *const cache = warm(&pki);
    struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    struct snp_claims claims;
    endorsements.crl = (struct slice){};
    assert_status(snp_report_verify(buffer_slice(&pki.report), &endorsements, AMD_NOW_S, cache, NULL, &claims),
                  ERR_COLLATERAL_MISSING);
    snp_cache_free(cache);
}

/* The root of nobody's list is kept by nobody: else strangers could crowd the cache out. */
static void test_a_chain_whose_root_is_refused_is_not_kept(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    struct snp_cache *cache = NULL;
    struct snp_claims claims;
    assert_ok(snp_cache_new(8, &cache));
    endorsements.simulated_root = amd_keys()->other_rsa;
    assert_status(snp_report_verify(buffer_slice(&pki.report), &endorsements, AMD_NOW_S, cache, NULL, &claims),
                  ERR_CHAIN);
    endorsements.simulated_root = pki.keys[AMD_PKI_ROOT];
    assert_ok(snp_report_verify(buffer_slice(&pki.report), &endorsements, AMD_NOW_S, cache, NULL, &claims));
    snp_cache_free(cache);
}

static void test_kinds_are_kept_apart(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki vcek = amd_pki_make(NULL);
    CLEANUP(amd_pki_done) struct amd_pki vlek = amd_pki_make(&(struct amd_pki_options){.is_vlek = true});
    struct snp_cache *const cache = warm(&vcek);
    struct snp_endorsements endorsements = amd_pki_endorsements(&vcek);
    struct snp_claims claims;
    assert_status(snp_report_verify(buffer_slice(&vlek.report), &endorsements, AMD_NOW_S, cache, NULL, &claims),
                  ERR_SNP_KEY);
    snp_cache_free(cache);
}

/* The bytes of two certificates, cut elsewhere, are two others. */
static void test_where_certificates_are_cut_counts(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    CLEANUP(buffer_done) struct buffer all = buffer_of_maximum(MINT_MAX_BYTES);
    for (size_t i = 0; i < AMD_PKI_ROLE_COUNT; i++) assert_ok(buffer_append(&all, pki.given[i]));
    struct slice given[AMD_PKI_ROLE_COUNT];
    size_t at = 0;
    for (size_t i = 0; i < AMD_PKI_ROLE_COUNT; i++) {
        given[i] = slice_of(all.bytes + at, pki.given[i].size);
        at += pki.given[i].size;
    }
    struct snp_cache *const cache = warm(&pki);
    struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    struct snp_claims claims;
    endorsements.certificates = given;
    assert_ok(snp_report_verify(buffer_slice(&pki.report), &endorsements, AMD_NOW_S, cache, NULL, &claims));
    given[0].size--;
    given[1] = slice_of(given[1].bytes - 1, given[1].size + 1);
    assert_status(snp_report_verify(buffer_slice(&pki.report), &endorsements, AMD_NOW_S, cache, NULL, &claims),
                  ERR_CERTIFICATE_MALFORMED);
    snp_cache_free(cache);
}

static void test_no_cache_is_needed_nor_freed(void **)
{
    snp_cache_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_report_says_is_claimed),
        cmocka_unit_test(test_security_versions_are_laid_out_as_the_product_has_them),
        cmocka_unit_test(test_genuine_debug_guests_are_told),
        cmocka_unit_test(test_version_5_tells_mitigations),
        cmocka_unit_test(test_a_vlek_tells_its_cloud_and_certifies_no_chip),
        cmocka_unit_test(test_the_key_of_another_product_is_refused),
        cmocka_unit_test(test_version_2_takes_the_product_of_its_key),
        cmocka_unit_test(test_the_key_of_another_chip_is_refused),
        cmocka_unit_test(test_a_hidden_chip_id_is_told_by_the_key),
        cmocka_unit_test(test_every_security_version_is_the_one_that_the_key_is_for),
        cmocka_unit_test(test_another_key_did_not_sign_it),
        cmocka_unit_test(test_the_order_of_bytes_matters),
        cmocka_unit_test(test_endorsements_tell_what_they_are_for),
        cmocka_unit_test(test_endorsements_are_held_to_the_same_checks),
        cmocka_unit_test(test_every_byte_of_the_report_counts),
        cmocka_unit_test(test_every_byte_of_certificates_and_list_counts),
        cmocka_unit_test(test_a_kept_chain_gives_the_same_claims),
        cmocka_unit_test(test_a_kept_chain_is_held_to_the_clock_and_to_the_accepted_root),
        cmocka_unit_test(test_a_kept_chain_does_not_stand_for_a_required_list),
        cmocka_unit_test(test_a_chain_whose_root_is_refused_is_not_kept),
        cmocka_unit_test(test_kinds_are_kept_apart),
        cmocka_unit_test(test_where_certificates_are_cut_counts),
        cmocka_unit_test(test_no_cache_is_needed_nor_freed),
    };
    return cmocka_run_group_tests_name("evidence/amd_verify", tests, NULL, NULL);
}
