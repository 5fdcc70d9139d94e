/* SPDX-License-Identifier: Apache-2.0
 *
 * Genuine reports of Milan, Genoa and Turin with the certificates that AMD issued for them: each is verified, its
 * fields are the expected ones, and beyond the dates of its certificates it is refused.
 */
#include "snp_vectors.h"
#include "vectors.h"

#include "evidence/amd/authorities.h"

enum { DAY_S = 86400 };

static const char *const genuine[] = {"genoa-v5-lunal", "milan-microsoft", "milan-v2-google",
                                      "trustee-vcek",   "trustee-vlek",    "turin-microsoft"};
enum { GENUINE_COUNT = sizeof(genuine) / sizeof(genuine[0]) };

static enum status verify(const struct snp_vector *vector, int64_t now_s, struct refusal *why,
                          struct snp_claims *claims_out)
{
    const struct snp_endorsements endorsements = snp_vector_endorsements(vector);
    return snp_report_verify(buffer_slice(&vector->report), &endorsements, now_s, NULL, why, claims_out);
}

static void assert_hex(const json_t *fields, const char *name, struct slice seen)
{
    CLEANUP(buffer_done) struct buffer expected = vector_bytes(fields, name);
    assert_slice_equal(seen, buffer_slice(&expected));
}

/* Numbers in the vectors are hexadecimal, most significant byte first, or JSON numbers. */
static void assert_number(const json_t *fields, const char *name, uint64_t seen)
{
    const json_t *const value = json_object_get(fields, name);
    assert_non_null(value);
    assert_int_equal(seen, json_is_string(value) ? strtoull(json_string_value(value), NULL, 16)
                                                 : (uint64_t)json_integer_value(value));
}

static void assert_firmware(const json_t *fields, const char *name, const struct snp_firmware *seen)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%u.%u.%u", seen->major, seen->minor, seen->build);
    assert_string_equal(text, json_string_value(json_object_get(fields, name)));
}

static void assert_identity(const json_t *fields, const struct snp_claims *claims)
{
    assert_hex(fields, "family_id", SLICE_ARRAY(claims->family_id));
    assert_hex(fields, "image_id", SLICE_ARRAY(claims->image_id));
    assert_hex(fields, "report_data", SLICE_ARRAY(claims->report_data));
    assert_hex(fields, "measurement", SLICE_ARRAY(claims->measurement));
    assert_hex(fields, "host_data", SLICE_ARRAY(claims->host_data));
    assert_hex(fields, "id_key_digest", SLICE_ARRAY(claims->id_key_digest));
    assert_hex(fields, "author_key_digest", SLICE_ARRAY(claims->author_key_digest));
    assert_hex(fields, "report_id", SLICE_ARRAY(claims->report_id));
    assert_hex(fields, "report_id_ma", SLICE_ARRAY(claims->report_id_ma));
    assert_hex(fields, "chip_id", SLICE_ARRAY(claims->chip_id));
}

static uint64_t number_of_tcb(enum snp_product product, const struct snp_tcb *tcb)
{
    const uint64_t microcode = (uint64_t)tcb->microcode << 56;
    if (product == SNP_TURIN)
        return microcode | (uint64_t)tcb->snp << 24 | (uint64_t)tcb->tee << 16 | (uint64_t)tcb->boot_loader << 8 |
               tcb->fmc;
    return microcode | (uint64_t)tcb->snp << 48 | (uint64_t)tcb->tee << 8 | tcb->boot_loader;
}

/* The vectors have a TCB_VERSION in the order of its bytes. */
static void assert_tcb(const json_t *fields, const char *name, enum snp_product product, const struct snp_tcb *seen)
{
    const uint64_t number = number_of_tcb(product, seen);
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++) bytes[i] = (uint8_t)(number >> 8 * i);
    assert_hex(fields, name, SLICE_ARRAY(bytes));
}

static void assert_platform(const json_t *fields, const struct snp_claims *claims)
{
    assert_tcb(fields, "current_tcb", claims->product, &claims->current);
    assert_tcb(fields, "reported_tcb", claims->product, &claims->reported);
    assert_tcb(fields, "committed_tcb", claims->product, &claims->committed);
    assert_tcb(fields, "launch_tcb", claims->product, &claims->launch);
    assert_firmware(fields, "current_version", &claims->current_firmware);
    assert_firmware(fields, "committed_version", &claims->committed_firmware);
    assert_number(fields, "platform_info", claims->platform_info);
    assert_int_equal(claims->has_cpuid, json_object_get(fields, "cpuid_fam_mod_step") != NULL);
    if (claims->has_cpuid)
        assert_number(fields, "cpuid_fam_mod_step",
                      (uint64_t)claims->cpuid_family << 16 | (uint64_t)claims->cpuid_model << 8 |
                          claims->cpuid_stepping);
}

static void assert_guest(const json_t *fields, const struct snp_claims *claims)
{
    const bool is_vlek =
        slice_equal_text(slice_of_text(json_string_value(json_object_get(fields, "signing_key"))), "VLEK");
    assert_number(fields, "version", claims->version);
    assert_number(fields, "guest_svn", claims->guest_svn);
    assert_number(fields, "vmpl", claims->vmpl);
    assert_number(fields, "policy", claims->policy);
    assert_number(fields, "author_key_en", claims->has_author_key);
    assert_number(fields, "mask_chip_key", claims->is_chip_key_masked);
    assert_int_equal(claims->debug, json_is_true(json_object_get(fields, "policy_debug_allowed")));
    assert_int_equal(claims->migration_allowed, json_is_true(json_object_get(fields, "policy_migrate_ma")));
    assert_int_equal(claims->smt_allowed, json_is_true(json_object_get(fields, "policy_smt")));
    assert_int_equal(claims->is_vlek, is_vlek);
    assert_int_equal(claims->has_mitigations, claims->version >= 5);
}

static json_t *expected_of(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "vectors/snp/%s/expected.json", name);
    return vectors_load(path);
}

static void test_every_genuine_report_is_verified_with_the_expected_fields(void **)
{
    for (size_t i = 0; i < GENUINE_COUNT; i++) {
        CLEANUP(snp_vector_done) struct snp_vector vector = snp_vector_read(genuine[i]);
        CLEANUP(json_done) json_t *expected = expected_of(genuine[i]);
        const json_t *const fields = json_object_get(expected, "fields");
        struct refusal why = {};
        struct snp_claims claims;
        const enum status status = verify(&vector, vector.from_s, &why, &claims);
        if (status != OK) fail_msg("%s: %s, %s: %s", genuine[i], status_name(status), why.field, why.seen);
        assert_guest(fields, &claims);
        assert_identity(fields, &claims);
        assert_platform(fields, &claims);
        CLEANUP(buffer_done) struct buffer hash = vector_bytes(expected, "report_sha256");
        assert_slice_equal(SLICE_ARRAY(claims.report_hash), buffer_slice(&hash));
        assert_false(claims.simulated || claims.crl_checked);
        assert_int_equal(claims.expires_s, vector.until_s + 1);
        print_message("%s: verified, %s\n", genuine[i], snp_product_name(claims.product));
    }
}

static void test_the_endorsement_key_alone_is_enough(void **)
{
    for (size_t i = 0; i < GENUINE_COUNT; i++) {
        CLEANUP(snp_vector_done) struct snp_vector vector = snp_vector_read(genuine[i]);
        struct snp_endorsements endorsements = snp_vector_endorsements(&vector);
        struct snp_claims claims;
        endorsements.certificate_count = 1;
        assert_ok(snp_report_verify(buffer_slice(&vector.report), &endorsements, vector.from_s, NULL, NULL, &claims));
    }
}

static void test_the_cloud_behind_a_vlek_is_told(void **)
{
    CLEANUP(snp_vector_done) struct snp_vector vector = snp_vector_read("trustee-vlek");
    struct snp_claims claims;
    assert_ok(verify(&vector, vector.from_s, NULL, &claims));
    assert_string_equal(claims.csp_id, "CN=cc-us-east-2.amazonaws.com");
    assert_int_equal(claims.vmpl, 1);
}

static void test_mitigations_are_told_from_version_5_on(void **)
{
    CLEANUP(snp_vector_done) struct snp_vector vector = snp_vector_read("turin-microsoft");
    struct snp_claims claims;
    assert_ok(verify(&vector, vector.from_s, NULL, &claims));
    assert_int_equal(claims.launch_mitigations, 0x3f);
    assert_int_equal(claims.current_mitigations, 0x3f);
    assert_int_equal(claims.reported.fmc, 1);
    assert_int_equal(claims.reported.microcode, 0x51);
}

static void assert_expired(const struct snp_vector *vector, int64_t now_s, const char *bound)
{
    struct refusal why = {};
    struct snp_claims claims;
    assert_status(verify(vector, now_s, &why, &claims), ERR_CERTIFICATE_EXPIRED);
    assert_string_equal(strchr(why.field, '.') + 1, bound);
    assert_string_not_equal(why.fix, "");
}

static void test_beyond_the_dates_of_the_endorsement_key_nothing_is_verified(void **)
{
    for (size_t i = 0; i < GENUINE_COUNT; i++) {
        CLEANUP(snp_vector_done) struct snp_vector vector = snp_vector_read(genuine[i]);
        struct snp_claims claims;
        assert_ok(verify(&vector, vector.until_s, NULL, &claims));
        assert_expired(&vector, vector.from_s - 1, "notBefore");
        assert_expired(&vector, vector.from_s - DAY_S, "notBefore");
        assert_expired(&vector, vector.until_s + 1, "notAfter");
        assert_expired(&vector, vector.until_s + DAY_S, "notAfter");
    }
}

static void test_an_altered_certificate_of_the_source_is_refused(void **)
{
    CLEANUP(snp_vector_done) struct snp_vector vector = snp_vector_read("trustee-vcek-invalid-legacy");
    struct refusal why = {};
    struct snp_claims claims;
    assert_int_not_equal(verify(&vector, vector.from_s, &why, &claims), OK);
    print_message("refused: %s, %s, seen %s\n", status_name(why.status), why.field, why.seen);
}

static void assert_refused(const struct snp_vector *vector, struct snp_cache *cache, int64_t now_s, const char *what,
                           size_t at)
{
    const struct snp_endorsements endorsements = snp_vector_endorsements(vector);
    struct refusal why = {};
    struct snp_claims claims;
    const enum status status =
        snp_report_verify(buffer_slice(&vector->report), &endorsements, now_s, cache, &why, &claims);
    if (status == OK || why.status != status || why.field[0] == '\0')
        fail_msg("%s, %zu: %s, field \"%s\"", what, at, status_name(status), why.field);
}

static void test_every_byte_of_a_genuine_report_and_of_its_certificate_counts(void **)
{
    CLEANUP(snp_vector_done) struct snp_vector vector = snp_vector_read("trustee-vcek");
    struct snp_cache *cache = NULL;
    assert_ok(snp_cache_new(4, &cache));
    for (size_t at = 0; at < vector.report.size; at++) {
        vector.report.bytes[at] ^= 0x01;
        assert_refused(&vector, cache, vector.from_s, "byte of the report", at);
        vector.report.bytes[at] ^= 0x01;
    }
    for (size_t at = 0; at < vector.leaf.size; at += 5) {
        vector.leaf.bytes[at] ^= 0x01;
        assert_refused(&vector, cache, vector.from_s, "byte of the certificate", at);
        vector.leaf.bytes[at] ^= 0x01;
    }
    snp_cache_free(cache);
}

static void test_no_report_is_verified_with_the_certificates_of_another(void **)
{
    for (size_t i = 0; i < GENUINE_COUNT * GENUINE_COUNT; i++) {
        CLEANUP(snp_vector_done) struct snp_vector vector = snp_vector_read(genuine[i / GENUINE_COUNT]);
        CLEANUP(snp_vector_done) struct snp_vector other = snp_vector_read(genuine[i % GENUINE_COUNT]);
        if (i / GENUINE_COUNT == i % GENUINE_COUNT) continue;
        vector.certificates[0] = other.certificates[0];
        vector.certificates[1] = other.certificates[1];
        assert_refused(&vector, NULL, other.from_s, "another's certificates", i);
    }
}

static void test_no_certificate_is_verified_under_the_authorities_of_another_product_or_kind(void **)
{
    for (size_t i = 0; i < GENUINE_COUNT * GENUINE_COUNT; i++) {
        CLEANUP(snp_vector_done) struct snp_vector vector = snp_vector_read(genuine[i / GENUINE_COUNT]);
        CLEANUP(snp_vector_done) struct snp_vector other = snp_vector_read(genuine[i % GENUINE_COUNT]);
        if (slice_equal(vector.certificates[1], other.certificates[1])) continue;
        vector.certificates[1] = other.certificates[1];
        assert_refused(&vector, NULL, vector.from_s, "another's authorities", i);
    }
}

/* The pins against the certificates that AMD publishes. */
static void test_the_published_authorities_are_the_pinned_ones(void **)
{
    static const char *const files[] = {"milan", "genoa", "turin"};
    for (size_t i = 0; i < 2 * SNP_PRODUCT_COUNT; i++) {
        char path[256];
        const enum snp_product product = (enum snp_product)(i / 2);
        (void)snprintf(path, sizeof(path), "vectors/snp/ca/%s%s.pem", files[product], i % 2 == 0 ? "" : "_vlek");
        CLEANUP(buffer_done) struct buffer pem = read_whole(shared_path(path));
        CLEANUP(certificate_list_done) struct certificate_list list = {};
        assert_ok(certificate_list_from_pem(buffer_slice(&pem), &list));
        assert_int_equal(list.count, 2);
        const enum amd_role roles[] = {i % 2 == 0 ? AMD_ASK : AMD_ASVK, AMD_ARK};
        for (size_t j = 0; j < 2; j++) {
            const struct amd_authority *const pinned = amd_authority(product, roles[j]);
            CLEANUP(key_cleanup) struct key *key = NULL;
            uint8_t digest[32];
            certificate_digest(list.items[j], digest);
            assert_slice_equal(SLICE_ARRAY(digest), SLICE_ARRAY(pinned->fingerprint));
            assert_ok(amd_authority_key(pinned, &key));
            assert_true(key_equal(key, certificate_key(list.items[j])));
            assert_slice_equal(certificate_serial(list.items[j]), SLICE_ARRAY(pinned->serial));
            assert_int_equal(certificate_not_before_s(list.items[j]), pinned->not_before_s);
            assert_int_equal(certificate_not_after_s(list.items[j]), pinned->not_after_s);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_genuine_report_is_verified_with_the_expected_fields),
        cmocka_unit_test(test_the_endorsement_key_alone_is_enough),
        cmocka_unit_test(test_the_cloud_behind_a_vlek_is_told),
        cmocka_unit_test(test_mitigations_are_told_from_version_5_on),
        cmocka_unit_test(test_beyond_the_dates_of_the_endorsement_key_nothing_is_verified),
        cmocka_unit_test(test_an_altered_certificate_of_the_source_is_refused),
        cmocka_unit_test(test_every_byte_of_a_genuine_report_and_of_its_certificate_counts),
        cmocka_unit_test(test_no_report_is_verified_with_the_certificates_of_another),
        cmocka_unit_test(test_no_certificate_is_verified_under_the_authorities_of_another_product_or_kind),
        cmocka_unit_test(test_the_published_authorities_are_the_pinned_ones),
    };
    return cmocka_run_group_tests_name("evidence/amd_vectors", tests, NULL, NULL);
}
