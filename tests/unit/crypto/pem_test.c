/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pem.h"

#include "testing.h"

static enum status read_pem(const char *text, size_t *rest_out)
{
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(64);
    struct slice rest = slice_of_text(text);
    const enum status status = pem_read(&rest, "CERTIFICATE", &der);
    if (status == OK) assert_slice_equal(buffer_slice(&der), SLICE_LITERAL("\x00\x01\x02\x03\x04"));
    *rest_out = rest.size;
    return status;
}

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----"

static void test_reads_blocks_with_any_line_ends(void **)
{
    size_t rest;
    assert_ok(read_pem(BEGIN "AAECAwQ=\n" END, &rest));
    assert_int_equal(rest, 0);
    assert_ok(read_pem("\n " BEGIN "AAEC\nAwQ=\n" END "\n\n", &rest));
    assert_int_equal(rest, 0);
    assert_ok(read_pem("-----BEGIN CERTIFICATE-----\r\nAAECAwQ=\r\n" END "\r\n" BEGIN, &rest));
    assert_int_equal(rest, sizeof(BEGIN) - 1);
}

static void test_refuses_other_spellings(void **)
{
    static const char *const wrong[] = {
        "",
        "AAECAwQ=",
        BEGIN,
        BEGIN "AAECAwQ=\n",
        BEGIN END,                                      /* nothing inside */
        BEGIN "AAECAwR=\n" END,                         /* bits that no byte uses are set */
        BEGIN "AAECAwQ\n" END,                          /* no padding */
        BEGIN "AAEC AwQ=\n" END,                        /* space inside a line */
        BEGIN "AAECAwQ=\n\n" END "x",                   /* text behind the boundary */
        "-----BEGIN CERTIFICATE----- \nAAECAwQ=\n" END, /* space behind the boundary */
        "-----BEGIN X509 CRL-----\nAAECAwQ=\n" END,     /* another label */
        BEGIN "AAECAwQ=\n-----END X509 CRL-----",
        BEGIN "Proc-Type: 4,ENCRYPTED\n\nAAECAwQ=\n" END, /* headers */
        "Certificate:\n" BEGIN "AAECAwQ=\n" END,          /* text before it */
    };
    size_t rest;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_status(read_pem(wrong[i], &rest), ERR_ENCODING);
        assert_int_equal(rest, strlen(wrong[i])); /* unmoved */
    }
}

static void test_knows_pem_from_der(void **)
{
    assert_true(pem_is_likely(SLICE_LITERAL("\n-----BEGIN X509 CRL-----")));
    assert_false(pem_is_likely(SLICE_LITERAL("\x30\x82\x01\x02")));
    assert_false(pem_is_likely((struct slice){}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_blocks_with_any_line_ends),
        cmocka_unit_test(test_refuses_other_spellings),
        cmocka_unit_test(test_knows_pem_from_der),
    };
    return cmocka_run_group_tests_name("crypto/pem", tests, NULL, NULL);
}
