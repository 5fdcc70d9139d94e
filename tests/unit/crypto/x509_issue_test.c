/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509_issue.h"

#include "crypto/x509.h"
#include "testing.h"

enum { NOW = 1800000000 };

static const uint8_t serial[] = {0x9a, 0x01, 0x02};

struct made {
    struct key *key;
    struct certificate *certificate;
};

static void made_done(struct made *made)
{
    key_free(made->key);
    certificate_free(made->certificate);
}

static struct made make(const struct certificate_text *base, const struct made *issuer)
{
    struct made made = {};
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    assert_ok(key_generate(KEY_P256, 0, &made.key));
    struct certificate_text text = *base;
    text.subject_key = made.key;
    text.issuer_key = issuer != NULL ? issuer->key : made.key;
    if (issuer != NULL) text.issuer_name = certificate_subject_der(issuer->certificate);
    assert_ok(certificate_issue(&text, &der));
    assert_ok(certificate_from_der(buffer_slice(&der), &made.certificate));
    return made;
}

static struct made make_root(void)
{
    return make(
        &(struct certificate_text){
            .subject = {.country = "DE", .organization = "Hospital", .common_name = "Root"},
            .not_before_s = NOW - 10,
            .not_after_s = NOW + 10,
            .is_ca = true,
            .path_length = 1,
            .usage = CERTIFICATE_USAGE_SIGN_CERTIFICATES | CERTIFICATE_USAGE_SIGN_CRLS,
        },
        NULL);
}

static void test_a_root_says_what_was_asked_for(void **)
{
    CLEANUP(made_done) struct made root = make_root();
    const struct certificate *const certificate = root.certificate;
    assert_string_equal(certificate_subject_common_name(certificate), "Root");
    assert_slice_equal(certificate_subject_der(certificate), certificate_issuer_der(certificate));
    assert_int_equal(certificate_not_before_s(certificate), NOW - 10);
    assert_int_equal(certificate_not_after_s(certificate), NOW + 10);
    assert_true(certificate_is_ca(certificate));
    assert_int_equal(certificate_path_length(certificate), 1);
    assert_true(certificate_may_sign_certificates(certificate));
    assert_true(certificate_may_sign_crls(certificate));
    assert_false(certificate_may_sign_data(certificate));
    assert_int_equal(certificate_serial(certificate).size, 16);
    assert_true(key_equal(certificate_key(certificate), root.key));
    assert_ok(certificate_verify_signature(certificate, root.key));
}

static void test_a_leaf_is_signed_by_its_issuer_and_carries_extensions(void **)
{
    CLEANUP(made_done) struct made root = make_root();
    const struct extension_text extensions[] = {
        {.oid = "2.25.301404226436124357468426421487465723904", .value = SLICE_LITERAL("token")},
        {.oid = "1.2.3.4", .critical = true, .value = SLICE_LITERAL("x")},
    };
    CLEANUP(made_done)
    struct made leaf = make(
        &(struct certificate_text){
            .subject = {.common_name = "Leaf"},
            .serial = SLICE_ARRAY(serial),
            .not_before_s = NOW,
            .not_after_s = NOW + 1,
            .path_length = CERTIFICATE_NO_PATH_LIMIT,
            .usage = CERTIFICATE_USAGE_SIGN_DATA,
            .alternative_names = "DNS:localhost,IP:127.0.0.1",
            .extensions = extensions,
            .extension_count = 2,
        },
        &root);
    assert_slice_equal(certificate_issuer_der(leaf.certificate), certificate_subject_der(root.certificate));
    assert_slice_equal(certificate_serial(leaf.certificate), SLICE_ARRAY(serial));
    assert_false(certificate_is_ca(leaf.certificate));
    assert_true(certificate_may_sign_data(leaf.certificate));
    assert_false(certificate_may_sign_certificates(leaf.certificate));
    assert_true(certificate_has_unknown_critical_extension(leaf.certificate));
    assert_ok(certificate_verify_signature(leaf.certificate, root.key));
    assert_status(certificate_verify_signature(leaf.certificate, leaf.key), ERR_SIGNATURE);
    struct slice value;
    assert_ok(certificate_extension(leaf.certificate, "2.25.301404226436124357468426421487465723904", &value));
    assert_true(slice_equal_text(value, "token"));
}

static void test_what_cannot_be_written_is_refused(void **)
{
    CLEANUP(made_done) struct made root = make_root();
    CLEANUP(key_cleanup) struct key *public_half = NULL;
    CLEANUP(buffer_done) struct buffer point = buffer_of_maximum(P256_POINT_BYTES);
    assert_ok(key_public_bytes(root.key, &point));
    assert_ok(key_from_p256_point(buffer_slice(&point), &public_half));
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    struct certificate_text text = {.subject_key = root.key, .issuer_key = public_half, .not_after_s = NOW};
    assert_status(certificate_issue(&text, &der), ERR_KEY_INVALID);
    text.issuer_key = root.key;
    text.issuer_name = SLICE_LITERAL("no name");
    assert_status(certificate_issue(&text, &der), ERR_FIELD_VALUE);
    text.issuer_name = (struct slice){};
    text.alternative_names = "nonsense";
    assert_status(certificate_issue(&text, &der), ERR_FIELD_VALUE);
    text.alternative_names = NULL;
    static const uint8_t zero[4] = {}, long_serial[21] = {1};
    text.serial = SLICE_ARRAY(zero);
    assert_status(certificate_issue(&text, &der), ERR_FIELD_VALUE);
    text.serial = SLICE_ARRAY(long_serial);
    assert_status(certificate_issue(&text, &der), ERR_FIELD_VALUE);
    text.serial = (struct slice){};
    const struct extension_text extension = {.oid = "not dotted", .value = SLICE_LITERAL("x")};
    text.extensions = &extension;
    text.extension_count = 1;
    assert_status(certificate_issue(&text, &der), ERR_FIELD_VALUE);
    assert_int_equal(der.size, 0);
}

static void test_a_revocation_list_names_its_serials(void **)
{
    CLEANUP(made_done) struct made root = make_root();
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CRL_MAX_BYTES);
    const struct slice revoked[] = {SLICE_ARRAY(serial), SLICE_LITERAL("\x01")};
    const struct crl_text text = {
        .issuer_name = certificate_subject_der(root.certificate),
        .issuer_key = root.key,
        .this_update_s = NOW - 5,
        .next_update_s = NOW + 5,
        .number = 1ULL << 40,
        .revoked = revoked,
        .revoked_count = 2,
    };
    assert_ok(crl_issue(&text, &der));
    CLEANUP(crl_cleanup) struct crl *crl = NULL;
    assert_ok(crl_from_der(buffer_slice(&der), &crl));
    assert_slice_equal(crl_issuer_der(crl), certificate_subject_der(root.certificate));
    assert_int_equal(crl_this_update_s(crl), NOW - 5);
    assert_int_equal(crl_next_update_s(crl), NOW + 5);
    assert_true(crl_lists(crl, SLICE_ARRAY(serial)));
    assert_true(crl_lists(crl, SLICE_LITERAL("\x01")));
    assert_false(crl_lists(crl, SLICE_LITERAL("\x02")));
    assert_false(crl_has_unknown_critical_extension(crl));
    assert_ok(crl_verify_signature(crl, root.key));
}

static void test_certificates_become_pem(void **)
{
    CLEANUP(made_done) struct made root = make_root();
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    assert_ok(certificate_pem(certificate_der(root.certificate), &pem));
    assert_ok(certificate_pem(certificate_der(root.certificate), &pem));
    struct certificate_list list = {};
    assert_ok(certificate_list_from_pem(buffer_slice(&pem), &list));
    assert_int_equal(list.count, 2);
    assert_slice_equal(certificate_der(list.items[1]), certificate_der(root.certificate));
    certificate_list_done(&list);
    assert_true(slice_starts_with(buffer_slice(&pem), SLICE_LITERAL("-----BEGIN CERTIFICATE-----\n")));
    assert_int_equal(pem.bytes[pem.size - 1], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_root_says_what_was_asked_for),
        cmocka_unit_test(test_a_leaf_is_signed_by_its_issuer_and_carries_extensions),
        cmocka_unit_test(test_what_cannot_be_written_is_refused),
        cmocka_unit_test(test_a_revocation_list_names_its_serials),
        cmocka_unit_test(test_certificates_become_pem),
    };
    return cmocka_run_group_tests_name("crypto/x509_issue", tests, NULL, NULL);
}
