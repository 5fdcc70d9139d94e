/* SPDX-License-Identifier: Apache-2.0 */
#include "amd_mint.h"
#include "base/encoding.h"
#include "crypto/der_write.h"
#include "crypto/x509.h"
#include "crypto/x509_issue.h"
#include "testing.h"

static const uint8_t name[] = {0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 'x'};

static struct buffer issue(const struct key *key, const struct slice *serials, size_t count)
{
    const struct crl_text text = {.issuer_name = SLICE_ARRAY(name),
                                  .issuer_key = key,
                                  .this_update_s = 1790000000,
                                  .next_update_s = 1790086400,
                                  .number = 7,
                                  .revoked = serials,
                                  .revoked_count = count};
    struct buffer der = buffer_of_maximum(CRL_MAX_BYTES);
    assert_ok(crl_issue(&text, &der));
    return der;
}

static void test_what_was_issued_is_read(void **)
{
    static const uint8_t first[] = {0x01}, second[] = {0xff, 0x00}, third[] = {0x7f, 0xff, 0xff};
    const struct slice serials[] = {SLICE_ARRAY(third), SLICE_ARRAY(first), SLICE_ARRAY(second)};
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(key_cleanup) struct key *other = NULL;
    assert_ok(key_generate(KEY_P256, 0, &key));
    assert_ok(key_generate(KEY_P256, 0, &other));
    CLEANUP(buffer_done) struct buffer der = issue(key, serials, 3);
    CLEANUP(crl_cleanup) struct crl *crl = NULL;
    assert_ok(crl_from_der(buffer_slice(&der), &crl));
    assert_slice_equal(crl_der(crl), buffer_slice(&der));
    assert_slice_equal(crl_issuer_der(crl), SLICE_ARRAY(name));
    assert_int_equal(crl_this_update_s(crl), 1790000000);
    assert_int_equal(crl_next_update_s(crl), 1790086400);
    assert_false(crl_has_unknown_critical_extension(crl));
    uint8_t number[CRL_NUMBER_BYTES];
    crl_number(crl, number);
    assert_memory_equal(number, ((const uint8_t[CRL_NUMBER_BYTES]){[CRL_NUMBER_BYTES - 1] = 7}), sizeof(number));
    for (size_t i = 0; i < 3; i++) assert_true(crl_lists(crl, serials[i]));
    assert_false(crl_lists(crl, SLICE_LITERAL("\x02")));
    assert_false(crl_lists(crl, SLICE_LITERAL("\x01\x00")));
    assert_false(crl_lists(crl, (struct slice){}));
    assert_ok(crl_verify_signature(crl, key));
    assert_status(crl_verify_signature(crl, other), ERR_SIGNATURE);
}

static void test_an_empty_list_lists_nothing(void **)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_generate(KEY_P256, 0, &key));
    CLEANUP(buffer_done) struct buffer der = issue(key, NULL, 0);
    CLEANUP(crl_cleanup) struct crl *crl = NULL;
    assert_ok(crl_from_der(buffer_slice(&der), &crl));
    assert_false(crl_lists(crl, SLICE_LITERAL("\x01")));
}

static void test_every_changed_byte_and_length_shows(void **)
{
    static const uint8_t serial[] = {0x01, 0x02};
    const struct slice serials[] = {SLICE_ARRAY(serial)};
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_generate(KEY_P256, 0, &key));
    CLEANUP(buffer_done) struct buffer der = issue(key, serials, 1);
    for (size_t at = 0; at < der.size; at++) {
        der.bytes[at] ^= 0x01;
        CLEANUP(crl_cleanup) struct crl *crl = NULL;
        if (crl_from_der(buffer_slice(&der), &crl) == OK && crl_verify_signature(crl, key) == OK)
            fail_msg("byte %zu may be changed", at);
        der.bytes[at] ^= 0x01;
        assert_status(crl_from_der(slice_of(der.bytes, at), &crl), ERR_CRL_MALFORMED);
    }
    CLEANUP(crl_cleanup) struct crl *crl = NULL;
    assert_ok(buffer_append_u8(&der, 0));
    assert_status(crl_from_der(buffer_slice(&der), &crl), ERR_CRL_MALFORMED);
}

static void test_pem_and_der_are_told_apart(void **)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_generate(KEY_P256, 0, &key));
    CLEANUP(buffer_done) struct buffer der = issue(key, NULL, 0);
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(4096);
    assert_ok(buffer_append_text(&pem, "-----BEGIN X509 CRL-----\n"));
    assert_ok(base64_encode(buffer_slice(&der), &pem));
    assert_ok(buffer_append_text(&pem, "\n-----END X509 CRL-----\n"));
    CLEANUP(crl_cleanup) struct crl *from_pem = NULL;
    CLEANUP(crl_cleanup) struct crl *from_der = NULL;
    CLEANUP(crl_cleanup) struct crl *none = NULL;
    assert_ok(crl_from_der_or_pem(buffer_slice(&pem), &from_pem));
    assert_ok(crl_from_der_or_pem(buffer_slice(&der), &from_der));
    assert_slice_equal(crl_der(from_pem), crl_der(from_der));
    assert_ok(buffer_append_text(&pem, "x"));
    assert_status(crl_from_der_or_pem(buffer_slice(&pem), &none), ERR_CRL_MALFORMED);
    assert_status(crl_from_der_or_pem((struct slice){}, &none), ERR_CRL_MALFORMED);
}

/* A TBSCertList by hand, for what the issuer would not write. The signature is not looked at. */
static struct buffer make_list(struct slice version, struct slice next_update, struct slice entries,
                               struct slice extensions)
{
    static const uint8_t algorithm[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
    static const uint8_t signature[] = {0x03, 0x02, 0x00, 0x00};
    const struct slice parts[] = {version,
                                  SLICE_ARRAY(algorithm),
                                  SLICE_ARRAY(name),
                                  SLICE_LITERAL("\x17\x0d"
                                                "260101000000Z"),
                                  next_update,
                                  entries,
                                  extensions};
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(4096);
    CLEANUP(buffer_done) struct buffer outer = buffer_of_maximum(4096);
    struct buffer der = buffer_of_maximum(4096);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) assert_ok(buffer_append(&content, parts[i]));
    assert_ok(der_append(&outer, DER_SEQUENCE, buffer_slice(&content)));
    assert_ok(buffer_append(&outer, SLICE_ARRAY(algorithm)));
    assert_ok(buffer_append(&outer, SLICE_ARRAY(signature)));
    assert_ok(der_append(&der, DER_SEQUENCE, buffer_slice(&outer)));
    return der;
}

#define VERSION_2 SLICE_LITERAL("\x02\x01\x01")
#define NEXT_UPDATE                                                                                                    \
    SLICE_LITERAL("\x17\x0d"                                                                                           \
                  "260201000000Z")
#define ENTRY                                                                                                          \
    "\x30\x12\x02\x01\x05\x17\x0d"                                                                                     \
    "260101000000Z"
#define CRITICAL "\x30\x0d\x30\x0b\x06\x03\x55\x1d\x1c\x01\x01\xff\x04\x01\x00" /* issuingDistributionPoint */

static void test_forms_that_an_issuer_must_not_use(void **)
{
    const struct slice none = {};
    const struct {
        struct slice version, next_update, entries, extensions;
        enum status expected;
        bool critical;
    } cases[] = {
        {VERSION_2, NEXT_UPDATE, none, none, OK, false},
        {VERSION_2, none, none, none, OK, false}, /* read; whoever needs nextUpdate asks for it */
        {none, NEXT_UPDATE, none, none, ERR_CRL_MALFORMED, false},
        {SLICE_LITERAL("\x02\x01\x00"), NEXT_UPDATE, none, none, ERR_CRL_MALFORMED, false},
        {VERSION_2, NEXT_UPDATE, SLICE_LITERAL("\x30\x00"), none, ERR_CRL_MALFORMED, false},
        {VERSION_2, NEXT_UPDATE, SLICE_LITERAL("\x30\x14" ENTRY), none, OK, false},
        {VERSION_2, NEXT_UPDATE,
         SLICE_LITERAL("\x30\x16\x30\x14\x02\x03\x80\x01\x02\x17\x0d"
                       "260101000000Z"),
         none, ERR_CRL_MALFORMED, false}, /* a negative serial number */
        {VERSION_2, NEXT_UPDATE, none, SLICE_LITERAL("\xa0\x0f" CRITICAL), OK, true},
        {VERSION_2, NEXT_UPDATE,
         SLICE_LITERAL("\x30\x23\x30\x21\x02\x01\x05\x17\x0d"
                       "260101000000Z" CRITICAL),
         none, OK, true},
        {VERSION_2, NEXT_UPDATE, none, SLICE_LITERAL("\xa0\x02\x30\x00"), ERR_CRL_MALFORMED, false},
        {VERSION_2, NEXT_UPDATE, none, SLICE_LITERAL("\xa1\x02\x30\x00"), ERR_CRL_MALFORMED, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buffer_done)
        struct buffer der = make_list(cases[i].version, cases[i].next_update, cases[i].entries, cases[i].extensions);
        CLEANUP(crl_cleanup) struct crl *crl = NULL;
        assert_status(crl_from_der(buffer_slice(&der), &crl), cases[i].expected);
        if (crl == NULL) continue;
        assert_int_equal(crl_has_unknown_critical_extension(crl), cases[i].critical);
        assert_int_equal(crl_next_update_s(crl), cases[i].next_update.size > 0 ? 1769904000 : 0);
    }
}

static void test_a_pss_signed_list_is_verified(void **)
{
    CLEANUP(key_cleanup) struct key *issuer = NULL, *other = NULL;
    assert_ok(key_generate(KEY_RSA, 2048, &issuer));
    assert_ok(key_generate(KEY_RSA, 2048, &other));
    const struct mint_crl text = {.issuer = "Issuer",
                                  .issuer_key = issuer,
                                  .this_update_s = 1790000000,
                                  .next_update_s = 1800000000,
                                  .revoked = 0x20001};
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CRL_MAX_BYTES);
    assert_ok(mint_crl(&text, &der));
    CLEANUP(crl_cleanup) struct crl *crl = NULL;
    assert_ok(crl_from_der(buffer_slice(&der), &crl));
    assert_ok(crl_verify_signature(crl, issuer));
    assert_status(crl_verify_signature(crl, other), ERR_SIGNATURE);
    assert_true(crl_lists(crl, SLICE_LITERAL("\x02\x00\x01")));
    assert_false(crl_lists(crl, SLICE_LITERAL("\x02\x00\x02")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_issued_is_read),
        cmocka_unit_test(test_an_empty_list_lists_nothing),
        cmocka_unit_test(test_every_changed_byte_and_length_shows),
        cmocka_unit_test(test_pem_and_der_are_told_apart),
        cmocka_unit_test(test_forms_that_an_issuer_must_not_use),
        cmocka_unit_test(test_a_pss_signed_list_is_verified),
    };
    return cmocka_run_group_tests_name("crypto/crl", tests, NULL, NULL);
}
