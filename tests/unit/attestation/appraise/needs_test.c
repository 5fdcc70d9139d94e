/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/appraise/needs.h"

#include "testing.h"

static struct collateral_platform platform_example(const char *ca)
{
    struct collateral_platform platform = {.fmspc = {1, 2, 3, 4, 5, 6}, .tee = INTEL_TDX};
    (void)snprintf(platform.ca, sizeof(platform.ca), "%s", ca);
    return platform;
}

static void test_a_platform_comes_back_as_it_was(void **)
{
    static const char *const authorities[] = {"processor", "platform"};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buffer_done) struct buffer key = buffer_of_maximum(NEED_KEY_MAX_BYTES);
        const struct collateral_platform platform = platform_example(authorities[i]);
        struct collateral_platform back;
        assert_ok(need_collateral_write(&platform, &key));
        assert_ok(need_collateral_read(buffer_slice(&key), &back));
        assert_memory_equal(&back, &platform, sizeof(back));
    }
}

static void test_no_other_platform_is_written_or_read(void **)
{
    CLEANUP(buffer_done) struct buffer key = buffer_of_maximum(NEED_KEY_MAX_BYTES);
    const struct collateral_platform wrong = platform_example("root"), platform = platform_example("platform");
    struct collateral_platform back;
    assert_status(need_collateral_write(&wrong, &key), ERR_FIELD_VALUE);
    assert_ok(need_collateral_write(&platform, &key));
    for (size_t size = 0; size < key.size; size++)
        assert_status(need_collateral_read(slice_of(key.bytes, size), &back), ERR_TRUNCATED);
    key.bytes[0] = 2;
    assert_status(need_collateral_read(buffer_slice(&key), &back), ERR_FIELD_VALUE);
    key.bytes[0] = 1;
    key.bytes[key.size - 1] = 2;
    assert_status(need_collateral_read(buffer_slice(&key), &back), ERR_FIELD_VALUE);
    assert_ok(buffer_append_u8(&key, 0));
    assert_status(need_collateral_read(buffer_slice(&key), &back), ERR_TRAILING_BYTES);
}

static void test_a_certificate_request_comes_back_as_it_was(void **)
{
    static const uint16_t sizes[] = {16, 256, 384};
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(buffer_done) struct buffer key = buffer_of_maximum(NEED_KEY_MAX_BYTES);
        struct pck_request request = {
            .qe_id = {1}, .cpu_svn = {2}, .pce_id = {3, 4}, .pce_svn = 0x506, .ppid_size = sizes[i]};
        struct pck_request back;
        memset(request.ppid, 7, sizes[i]);
        assert_ok(need_pck_write(&request, &key));
        assert_ok(need_pck_read(buffer_slice(&key), &back));
        assert_memory_equal(&back, &request, sizeof(back));
    }
}

static void test_no_other_certificate_request_is_read(void **)
{
    enum { HEAD = 16 + 16 + 2 + 2 };
    CLEANUP(buffer_done) struct buffer key = buffer_of_maximum(NEED_KEY_MAX_BYTES);
    const struct pck_request request = {.ppid_size = ENCRYPTED_PPID_MAX_BYTES};
    struct pck_request back;
    assert_ok(need_pck_write(&request, &key));
    for (size_t size = 0; size < HEAD; size++)
        assert_status(need_pck_read(slice_of(key.bytes, size), &back), ERR_TRUNCATED);
    assert_ok(buffer_append_u8(&key, 0));
    assert_status(need_pck_read(buffer_slice(&key), &back), ERR_TRAILING_BYTES);
}

static void test_an_endorsement_request_comes_back_as_it_was(void **)
{
    CLEANUP(buffer_done) struct buffer key = buffer_of_maximum(NEED_KEY_MAX_BYTES);
    const struct endorsement_request request = {
        .product = SNP_TURIN,
        .chip_id = {1, [63] = 2},
        .tcb = {.boot_loader = 1, .tee = 2, .snp = 3, .microcode = 4, .fmc = 5}};
    struct endorsement_request back;
    assert_ok(need_endorsements_write(&request, &key));
    assert_ok(need_endorsements_read(buffer_slice(&key), &back));
    assert_int_equal(back.product, SNP_TURIN);
    assert_memory_equal(back.chip_id, request.chip_id, sizeof(back.chip_id));
    assert_memory_equal(&back.tcb, &request.tcb, sizeof(back.tcb));
    for (size_t size = 0; size < key.size; size++)
        assert_status(need_endorsements_read(slice_of(key.bytes, size), &back), ERR_TRUNCATED);
    key.bytes[0] = SNP_TURIN + 1;
    assert_status(need_endorsements_read(buffer_slice(&key), &back), ERR_FIELD_VALUE);
    assert_ok(buffer_append_u8(&key, 0));
    assert_status(need_endorsements_read(buffer_slice(&key), &back), ERR_TRAILING_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_platform_comes_back_as_it_was),
        cmocka_unit_test(test_no_other_platform_is_written_or_read),
        cmocka_unit_test(test_a_certificate_request_comes_back_as_it_was),
        cmocka_unit_test(test_no_other_certificate_request_is_read),
        cmocka_unit_test(test_an_endorsement_request_comes_back_as_it_was),
    };
    return cmocka_run_group_tests_name("attestation/appraise/needs", tests, NULL, NULL);
}
