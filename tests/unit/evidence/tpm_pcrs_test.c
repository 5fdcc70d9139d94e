/* SPDX-License-Identifier: Apache-2.0
 *
 * PCR values in the three forms in which tools write them.
 */
#include "test_tpm.h"

enum { HEAD = 4 + 16 * 8 + 4 };

static void assert_values(const struct tpm_pcrs *seen, const struct tpm_pcrs *expected, uint32_t selection)
{
    const size_t size = hash_bytes(test_tpm_hash((uint16_t)expected->hash));
    assert_int_equal(seen->hash, expected->hash);
    assert_int_equal(seen->known, selection);
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
        if ((selection >> i & 1) == 1) assert_memory_equal(seen->values[i], expected->values[i], size);
    }
}

static struct buffer plain(const struct tpm_pcrs *pcrs, uint32_t selection)
{
    struct buffer out = buffer_of_maximum(4096);
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
        if ((selection >> i & 1) == 1)
            assert_ok(buffer_append(&out, slice_of(pcrs->values[i], hash_bytes(test_tpm_hash((uint16_t)pcrs->hash)))));
    }
    return out;
}

static const enum tpm_hash banks[] = {TPM_HASH_SHA1, TPM_HASH_SHA256, TPM_HASH_SHA384, TPM_HASH_SHA512};

static void test_all_digests_of_each_bank_one_after_the_other(void **)
{
    for (size_t i = 0; i < 4; i++) {
        const struct tpm_pcrs pcrs = test_tpm_pcrs(banks[i]);
        CLEANUP(buffer_done) struct buffer file = plain(&pcrs, 0xffffff);
        struct tpm_pcrs read;
        assert_ok(tpm_pcrs_read(buffer_slice(&file), banks[i], NULL, &read));
        assert_values(&read, &pcrs, 0xffffff);
    }
}

static void test_files_of_tpm2_quote_of_each_bank(void **)
{
    const uint32_t selections[] = {0x000001, 0x418000, 0x0000ff, 0x0001ff, 0xffffff};
    for (size_t i = 0; i < 20; i++) {
        const struct tpm_pcrs pcrs = test_tpm_pcrs(banks[i / 5]);
        CLEANUP(buffer_done) struct buffer file = test_tpm_serialized(&pcrs, selections[i % 5]);
        struct tpm_pcrs read;
        assert_ok(tpm_pcrs_read(buffer_slice(&file), banks[i / 5], NULL, &read));
        assert_values(&read, &pcrs, selections[i % 5]);
    }
}

/* A TPM may answer with fewer digests at a time than a list holds: here with one, 24 times. */
static struct buffer one_by_one(const struct tpm_pcrs *pcrs, size_t lists)
{
    struct buffer out = buffer_of_maximum(32768);
    CLEANUP(buffer_done) struct buffer whole = test_tpm_serialized(pcrs, 0xffffff);
    assert_ok(buffer_append(&out, slice_of(whole.bytes, HEAD - 4)));
    assert_ok(buffer_append_u32_le(&out, (uint32_t)lists));
    for (size_t i = 0; i < lists; i++) {
        uint8_t list[532] = {1, 0, 0, 0, 32};
        memcpy(list + 6, pcrs->values[i % 24], 32);
        assert_ok(buffer_append(&out, SLICE_ARRAY(list)));
    }
    return out;
}

static void test_a_file_of_as_many_lists_as_pcrs_and_one_more(void **)
{
    const struct tpm_pcrs pcrs = test_tpm_pcrs(TPM_HASH_SHA256);
    CLEANUP(buffer_done) struct buffer file = one_by_one(&pcrs, 24), longer = one_by_one(&pcrs, 25);
    struct tpm_pcrs read;
    struct refusal why = {};
    assert_ok(tpm_pcrs_read(buffer_slice(&file), TPM_HASH_SHA256, NULL, &read));
    assert_values(&read, &pcrs, 0xffffff);
    longer.bytes[HEAD] = 0; /* then the digests are as many as the PCRs */
    longer.bytes[HEAD + 24 * 532] = 1;
    memcpy(longer.bytes + HEAD + 24 * 532 + 6, pcrs.values[23], 32);
    assert_refused(tpm_pcrs_read(buffer_slice(&longer), TPM_HASH_SHA256, &why, &read), ERR_TPM_PCR, &why, "pcrs");
}

static void test_a_file_that_says_16_banks_is_read(void **)
{
    const struct tpm_pcrs pcrs = test_tpm_pcrs(TPM_HASH_SHA256);
    CLEANUP(buffer_done) struct buffer file = test_tpm_serialized(&pcrs, 0x000007);
    struct tpm_pcrs read;
    file.bytes[0] = 16;
    assert_ok(tpm_pcrs_read(buffer_slice(&file), TPM_HASH_SHA256, NULL, &read));
    assert_values(&read, &pcrs, 0x000007);
}

static struct buffer attest_of(enum tpm_hash bank, uint32_t selection)
{
    return test_tpm_attest(&(struct test_quote){.bank = (uint16_t)bank, .selection = selection});
}

static void test_the_quoted_pcrs_in_each_form(void **)
{
    const uint32_t selections[] = {0x000001, 0x418000, 0x0000ff, 0xffffff};
    for (size_t i = 0; i < 16; i++) {
        const enum tpm_hash bank = banks[i / 4];
        const uint32_t selection = selections[i % 4];
        const struct tpm_pcrs pcrs = test_tpm_pcrs(bank);
        CLEANUP(buffer_done) struct buffer attest = attest_of(bank, selection);
        CLEANUP(buffer_done) struct buffer serialized = test_tpm_serialized(&pcrs, selection);
        CLEANUP(buffer_done) struct buffer selected = plain(&pcrs, selection), all = plain(&pcrs, 0xffffff);
        struct tpm_pcrs read;
        assert_ok(tpm_pcrs_read_quoted(buffer_slice(&serialized), buffer_slice(&attest), NULL, &read));
        assert_values(&read, &pcrs, selection);
        assert_ok(tpm_pcrs_read_quoted(buffer_slice(&selected), buffer_slice(&attest), NULL, &read));
        assert_values(&read, &pcrs, selection);
        assert_ok(tpm_pcrs_read_quoted(buffer_slice(&all), buffer_slice(&attest), NULL, &read));
        assert_values(&read, &pcrs, 0xffffff);
    }
}

static void test_a_broken_quote_tells_no_selection(void **)
{
    const struct tpm_pcrs pcrs = test_tpm_pcrs(TPM_HASH_SHA256);
    CLEANUP(buffer_done) struct buffer attest = attest_of(TPM_HASH_SHA256, 1), file = plain(&pcrs, 1);
    struct tpm_pcrs read;
    struct refusal why = {};
    attest.bytes[0] = 0;
    assert_refused(tpm_pcrs_read_quoted(buffer_slice(&file), buffer_slice(&attest), &why, &read), ERR_TPM_MALFORMED,
                   &why, "attest.magic");
}

static void test_files_of_another_size_are_refused(void **)
{
    const struct tpm_pcrs pcrs = test_tpm_pcrs(TPM_HASH_SHA256);
    CLEANUP(buffer_done) struct buffer attest = attest_of(TPM_HASH_SHA256, 7);
    CLEANUP(buffer_done) struct buffer file = plain(&pcrs, 0xffffff), serialized = test_tpm_serialized(&pcrs, 7);
    static const uint8_t zeros[HEAD + 25 * 532];
    const struct slice wrong[] = {{},
                                  slice_of(file.bytes, 767),
                                  slice_of(file.bytes, 32),
                                  slice_of(file.bytes, 3 * 32 - 1),
                                  slice_of(serialized.bytes, serialized.size - 1),
                                  slice_of(serialized.bytes, HEAD),
                                  SLICE_ARRAY(zeros)};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct tpm_pcrs read;
        struct refusal why = {};
        assert_refused(tpm_pcrs_read_quoted(wrong[i], buffer_slice(&attest), &why, &read), ERR_TPM_PCR, &why, "pcrs");
    }
}

static void check(size_t offset, uint8_t value, const char *field)
{
    const struct tpm_pcrs pcrs = test_tpm_pcrs(TPM_HASH_SHA256);
    CLEANUP(buffer_done) struct buffer file = test_tpm_serialized(&pcrs, 0x000007);
    struct tpm_pcrs read;
    struct refusal why = {};
    file.bytes[offset] = value;
    assert_refused(tpm_pcrs_read(buffer_slice(&file), TPM_HASH_SHA256, &why, &read), ERR_TPM_PCR, &why, field);
}

static void test_each_field_of_a_file_of_tpm2_quote_that_is_wrong(void **)
{
    check(0, 17, "pcrs.selection.count");
    check(0, 0, "pcrs"); /* no bank: no PCR for the digests */
    check(4, 0x0c, "pcrs.selection");
    check(6, 4, "pcrs.selection.sizeofSelect");
    check(7, 0x0f, "pcrs");
    check(7, 0x03, "pcrs");
    check(HEAD - 4, 2, "pcrs.digests");
    check(HEAD, 9, "pcrs.digests.count");
    check(HEAD, 2, "pcrs");
    check(HEAD + 4, 31, "pcrs.digests.size");
    check(HEAD + 4, 65, "pcrs.digests.size");
}

static void test_a_second_selection_in_the_file_is_refused_unless_it_is_empty(void **)
{
    const struct tpm_pcrs pcrs = test_tpm_pcrs(TPM_HASH_SHA256);
    CLEANUP(buffer_done) struct buffer file = test_tpm_serialized(&pcrs, 0x000007);
    struct tpm_pcrs read;
    struct refusal why = {};
    file.bytes[0] = 2;
    file.bytes[12] = 0x04;
    assert_ok(tpm_pcrs_read(buffer_slice(&file), TPM_HASH_SHA256, &why, &read));
    file.bytes[12] = 0x0b;
    file.bytes[15] = 0x01;
    assert_refused(tpm_pcrs_read(buffer_slice(&file), TPM_HASH_SHA256, &why, &read), ERR_TPM_PCR, &why,
                   "pcrs.selection");
    file.bytes[0] = 1; /* beyond the count nothing is looked at */
    assert_ok(tpm_pcrs_read(buffer_slice(&file), TPM_HASH_SHA256, &why, &read));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_digests_of_each_bank_one_after_the_other),
        cmocka_unit_test(test_files_of_tpm2_quote_of_each_bank),
        cmocka_unit_test(test_a_file_of_as_many_lists_as_pcrs_and_one_more),
        cmocka_unit_test(test_a_file_that_says_16_banks_is_read),
        cmocka_unit_test(test_the_quoted_pcrs_in_each_form),
        cmocka_unit_test(test_a_broken_quote_tells_no_selection),
        cmocka_unit_test(test_files_of_another_size_are_refused),
        cmocka_unit_test(test_each_field_of_a_file_of_tpm2_quote_that_is_wrong),
        cmocka_unit_test(test_a_second_selection_in_the_file_is_refused_unless_it_is_empty),
    };
    return cmocka_run_group_tests_name("evidence/tpm_pcrs", tests, NULL, NULL);
}
