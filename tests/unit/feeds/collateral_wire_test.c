/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/collateral_wire.h"

#include "testing.h"

static const struct collateral_texts example = {
    .tcb_info = SLICE_LITERAL("tcb info"),
    .tcb_info_issuer_chain = SLICE_LITERAL("chain"),
    .qe_identity = SLICE_LITERAL("qe identity"),
    .qe_identity_issuer_chain = SLICE_LITERAL(""),
    .pck_crl = SLICE_LITERAL("\x30\x00"),
    .pck_crl_issuer_chain = SLICE_LITERAL("pck chain"),
    .root_ca_crl = SLICE_LITERAL("root"),
};

static struct buffer written(void)
{
    struct buffer bytes = buffer_of_maximum(COLLATERAL_WIRE_MAX_BYTES);
    assert_ok(collateral_wire_write(&example, NULL, &bytes));
    return bytes;
}

static void test_what_was_written_is_read_back(void **)
{
    CLEANUP(buffer_done) struct buffer bytes = written();
    struct collateral_texts texts;
    assert_ok(collateral_wire_read(buffer_slice(&bytes), NULL, &texts));
    assert_slice_equal(texts.tcb_info, example.tcb_info);
    assert_slice_equal(texts.tcb_info_issuer_chain, example.tcb_info_issuer_chain);
    assert_slice_equal(texts.qe_identity, example.qe_identity);
    assert_int_equal(texts.qe_identity_issuer_chain.size, 0);
    assert_slice_equal(texts.pck_crl, example.pck_crl);
    assert_slice_equal(texts.pck_crl_issuer_chain, example.pck_crl_issuer_chain);
    assert_slice_equal(texts.root_ca_crl, example.root_ca_crl);
}

static void test_no_part_of_it_and_nothing_more_is_read(void **)
{
    CLEANUP(buffer_done) struct buffer bytes = written();
    for (size_t size = 0; size < bytes.size; size++) {
        struct collateral_texts texts = {};
        struct refusal why = {};
        assert_status(collateral_wire_read(slice_of(bytes.bytes, size), &why, &texts), ERR_TRUNCATED);
        assert_string_equal(why.field, "collateral");
        assert_null(texts.tcb_info.bytes);
    }
    struct collateral_texts texts;
    assert_ok(buffer_append_u8(&bytes, 0));
    assert_status(collateral_wire_read(buffer_slice(&bytes), NULL, &texts), ERR_TRAILING_BYTES);
}

static void test_what_does_not_fit_is_refused_and_leaves_nothing(void **)
{
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(40);
    struct refusal why = {};
    assert_ok(buffer_append_u8(&bytes, 7));
    assert_status(collateral_wire_write(&example, &why, &bytes), ERR_TOO_LARGE);
    assert_string_equal(why.field, "collateral");
    assert_int_equal(bytes.size, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read_back),
        cmocka_unit_test(test_no_part_of_it_and_nothing_more_is_read),
        cmocka_unit_test(test_what_does_not_fit_is_refused_and_leaves_nothing),
    };
    return cmocka_run_group_tests_name("feeds/collateral_wire", tests, NULL, NULL);
}
