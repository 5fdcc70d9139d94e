/* SPDX-License-Identifier: Apache-2.0
 *
 * tpm_event_log_replay: logs of both forms, and what makes one unusable.
 */
#include "test_tpm.h"

static const struct test_bank two[] = {{TPM_HASH_SHA1, 20}, {TPM_HASH_SHA256, 32}};
static const struct test_bank all[] = {
    {TPM_HASH_SHA1, 20}, {TPM_HASH_SHA256, 32}, {TPM_HASH_SHA384, 48}, {0x0012, 32}, {TPM_HASH_SHA512, 64}};

enum { BANKS = 32 + 16 + 4 + 4 }; /* where numberOfAlgorithms stands */

/* The value after extending `before` (repeated) with each digest byte in `digests`. */
static void extend(enum hash hash, uint8_t before, uint8_t last, const char *digests, uint8_t *value)
{
    const size_t size = hash_bytes(hash);
    memset(value, before, size);
    value[size - 1] = last;
    for (; *digests != 0; digests++) {
        uint8_t digest[HASH_MAX_BYTES];
        memset(digest, *digests, size);
        const struct slice parts[] = {slice_of(value, size), slice_of(digest, size)};
        assert_ok(hash_parts(hash, parts, 2, value));
    }
}

static void assert_pcr(const struct tpm_pcrs *pcrs, unsigned pcr, uint8_t before, uint8_t last, const char *digests)
{
    const enum hash hash = test_tpm_hash((uint16_t)pcrs->hash);
    uint8_t value[HASH_MAX_BYTES];
    extend(hash, before, last, digests, value);
    assert_int_equal(pcrs->known >> pcr & 1, 1);
    assert_memory_equal(pcrs->values[pcr], value, hash_bytes(hash));
}

static void test_a_log_of_several_banks_is_replayed_into_each(void **)
{
    const enum tpm_hash banks[] = {TPM_HASH_SHA1, TPM_HASH_SHA256, TPM_HASH_SHA384, TPM_HASH_SHA512};
    CLEANUP(buffer_done) struct buffer log = buffer_of_maximum(8192);
    test_log_begin(&log, all, 5, SLICE_LITERAL("vendor"));
    test_log_event(&log, all, 5, 0, 8, 'a', SLICE_LITERAL("version"));
    test_log_event(&log, all, 5, 7, 4, 'b', (struct slice){});
    test_log_event(&log, all, 5, 0, 4, 'c', SLICE_LITERAL("\0\0\0\0"));
    test_log_event(&log, all, 5, 17, 4, 'd', (struct slice){});
    test_log_event(&log, all, 5, 22, 4, 'e', (struct slice){});
    test_log_event(&log, all, 5, 23, 4, 'f', (struct slice){});
    test_log_event(&log, all, 5, 16, 4, 'g', (struct slice){});
    for (size_t i = 0; i < 4; i++) {
        struct tpm_pcrs pcrs;
        assert_ok(tpm_event_log_replay(buffer_slice(&log), banks[i], NULL, &pcrs));
        assert_int_equal(pcrs.hash, banks[i]);
        assert_int_equal(pcrs.known, 0xc30081);
        assert_pcr(&pcrs, 0, 0, 0, "ac");
        assert_pcr(&pcrs, 7, 0, 0, "b");
        assert_pcr(&pcrs, 17, 0xff, 0xff, "d"); /* no dynamic launch reset it */
        assert_pcr(&pcrs, 22, 0xff, 0xff, "e");
        assert_pcr(&pcrs, 23, 0, 0, "f");
        assert_pcr(&pcrs, 16, 0, 0, "g");
    }
}

static void test_digests_in_another_order_are_found_by_their_algorithm(void **)
{
    const struct test_bank turned[] = {two[1], two[0]};
    CLEANUP(buffer_done) struct buffer log = buffer_of_maximum(4096);
    struct tpm_pcrs pcrs;
    test_log_begin(&log, two, 2, (struct slice){});
    test_log_event(&log, turned, 2, 1, 4, 'a', (struct slice){});
    assert_ok(tpm_event_log_replay(buffer_slice(&log), TPM_HASH_SHA256, NULL, &pcrs));
    assert_pcr(&pcrs, 1, 0, 0, "a");
}

static void test_events_of_no_action_are_not_extended(void **)
{
    CLEANUP(buffer_done) struct buffer log = buffer_of_maximum(4096);
    struct tpm_pcrs pcrs;
    test_log_begin(&log, two, 2, (struct slice){});
    test_log_event(&log, two, 2, 6, 3, 0, SLICE_LITERAL("remark"));
    test_log_event(&log, two, 2, 5, 4, 'a', (struct slice){});
    assert_ok(tpm_event_log_replay(buffer_slice(&log), TPM_HASH_SHA256, NULL, &pcrs));
    assert_int_equal(pcrs.known, 1 << 5);
}

static void put_locality(struct buffer *log, uint32_t pcr, struct slice locality)
{
    CLEANUP(buffer_done) struct buffer data = buffer_of_maximum(64);
    assert_ok(buffer_append(&data, SLICE_LITERAL("StartupLocality\0")));
    assert_ok(buffer_append(&data, locality));
    test_log_event(log, two, 2, pcr, 3, 0, buffer_slice(&data));
}

static void test_pcr_0_begins_with_the_locality_that_started_the_tpm(void **)
{
    const uint8_t localities[] = {0, 3, 4};
    for (size_t i = 0; i < 6; i++) {
        const enum tpm_hash bank = i < 3 ? TPM_HASH_SHA256 : TPM_HASH_SHA1;
        CLEANUP(buffer_done) struct buffer log = buffer_of_maximum(4096);
        struct tpm_pcrs pcrs;
        test_log_begin(&log, two, 2, (struct slice){});
        put_locality(&log, 0, slice_of(&localities[i % 3], 1));
        test_log_event(&log, two, 2, 0, 4, 'a', (struct slice){});
        assert_ok(tpm_event_log_replay(buffer_slice(&log), bank, NULL, &pcrs));
        assert_pcr(&pcrs, 0, 0, localities[i % 3], "a");
    }
}

static void check_locality(uint32_t pcr, struct slice locality)
{
    CLEANUP(buffer_done) struct buffer log = buffer_of_maximum(4096);
    struct tpm_pcrs pcrs;
    struct refusal why = {};
    test_log_begin(&log, two, 2, (struct slice){});
    put_locality(&log, pcr, locality);
    assert_refused(tpm_event_log_replay(buffer_slice(&log), TPM_HASH_SHA256, &why, &pcrs), ERR_TPM_EVENT_LOG, &why,
                   "event_log.StartupLocality");
}

static void test_localities_that_are_none_are_refused(void **)
{
    check_locality(1, SLICE_LITERAL("\3"));
    check_locality(0, SLICE_LITERAL("\1"));
    check_locality(0, SLICE_LITERAL("\5"));
    check_locality(0, SLICE_LITERAL("\3\0"));
    check_locality(0, (struct slice){});
}

static void test_a_locality_behind_the_first_event_of_pcr_0_is_refused(void **)
{
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buffer_done) struct buffer log = buffer_of_maximum(4096);
        struct tpm_pcrs pcrs;
        struct refusal why = {};
        test_log_begin(&log, two, 2, (struct slice){});
        if (i == 0)
            test_log_event(&log, two, 2, 0, 4, 'a', (struct slice){});
        else
            put_locality(&log, 0, SLICE_LITERAL("\3"));
        put_locality(&log, 0, SLICE_LITERAL("\3"));
        assert_refused(tpm_event_log_replay(buffer_slice(&log), TPM_HASH_SHA256, &why, &pcrs), ERR_TPM_EVENT_LOG, &why,
                       "event_log.StartupLocality");
    }
}

static void test_a_log_of_sha1_alone_is_replayed_into_that_bank_and_no_other(void **)
{
    CLEANUP(buffer_done) struct buffer log = buffer_of_maximum(4096);
    struct tpm_pcrs pcrs;
    struct refusal why = {};
    test_log_sha1_event(&log, 0, 3, 0, SLICE_LITERAL("Spec ID Event02\0 and more"));
    test_log_sha1_event(&log, 2, 4, 'a', SLICE_LITERAL("x"));
    test_log_sha1_event(&log, 2, 4, 'b', (struct slice){});
    assert_ok(tpm_event_log_replay(buffer_slice(&log), TPM_HASH_SHA1, NULL, &pcrs));
    assert_int_equal(pcrs.known, 4);
    assert_pcr(&pcrs, 2, 0, 0, "ab");
    assert_refused(tpm_event_log_replay(buffer_slice(&log), TPM_HASH_SHA256, &why, &pcrs), ERR_TPM_EVENT_LOG, &why,
                   "event_log");
    CLEANUP(buffer_done) struct buffer without_remark = buffer_of_maximum(4096);
    test_log_sha1_event(&without_remark, 2, 4, 'a', SLICE_LITERAL("Spec ID Event03\0 in an event that measures"));
    assert_ok(tpm_event_log_replay(buffer_slice(&without_remark), TPM_HASH_SHA1, NULL, &pcrs));
    assert_pcr(&pcrs, 2, 0, 0, "a");
}

static struct buffer small_log(void)
{
    struct buffer log = buffer_of_maximum(4096);
    test_log_begin(&log, two, 2, SLICE_LITERAL("v"));
    test_log_event(&log, two, 2, 1, 4, 'a', SLICE_LITERAL("data"));
    return log;
}

static void check(size_t offset, uint8_t value, enum tpm_hash bank, const char *field)
{
    CLEANUP(buffer_done) struct buffer log = small_log();
    struct tpm_pcrs pcrs;
    struct refusal why = {};
    log.bytes[offset] = value;
    assert_refused(tpm_event_log_replay(buffer_slice(&log), bank, &why, &pcrs), ERR_TPM_EVENT_LOG, &why, field);
}

static void test_each_field_of_the_first_event_that_is_wrong(void **)
{
    check(0, 24, TPM_HASH_SHA256, "event_log.pcrIndex");
    check(28 + 3, 1, TPM_HASH_SHA256, "event_log.eventSize");
    check(BANKS, 17, TPM_HASH_SHA256, "event_log.SpecID.numberOfAlgorithms");
    check(BANKS, 1, TPM_HASH_SHA1, "event_log.SpecID.vendorInfoSize");
    check(BANKS + 4, 0x0b, TPM_HASH_SHA256, "event_log.SpecID.digestSizes"); /* SHA-256 of 20 bytes */
    check(BANKS + 6, 21, TPM_HASH_SHA256, "event_log.SpecID.digestSizes");
    check(BANKS + 12, 2, TPM_HASH_SHA256, "event_log.SpecID.vendorInfoSize");
    check(BANKS + 12, 0, TPM_HASH_SHA256, "event_log.SpecID.vendorInfoSize");
}

static void test_banks_that_stand_twice_or_are_too_large_or_missing(void **)
{
    const struct test_bank twice[] = {two[1], two[1]}, large[] = {two[1], {0x7777, 65}};
    struct tpm_pcrs pcrs;
    struct refusal why = {};
    CLEANUP(buffer_done) struct buffer a = buffer_of_maximum(4096), b = buffer_of_maximum(4096);
    test_log_begin(&a, twice, 2, (struct slice){});
    assert_refused(tpm_event_log_replay(buffer_slice(&a), TPM_HASH_SHA256, &why, &pcrs), ERR_TPM_EVENT_LOG, &why,
                   "event_log.SpecID.digestSizes");
    test_log_begin(&b, large, 2, (struct slice){});
    assert_refused(tpm_event_log_replay(buffer_slice(&b), TPM_HASH_SHA256, &why, &pcrs), ERR_TPM_EVENT_LOG, &why,
                   "event_log.SpecID.digestSizes");
    CLEANUP(buffer_done) struct buffer c = small_log();
    assert_refused(tpm_event_log_replay(buffer_slice(&c), TPM_HASH_SHA384, &why, &pcrs), ERR_TPM_EVENT_LOG, &why,
                   "event_log.SpecID");
}

static void test_a_log_of_16_banks_is_replayed(void **)
{
    struct test_bank banks[TPM_BANK_MAX_COUNT] = {{TPM_HASH_SHA256, 32}};
    for (uint16_t i = 1; i < TPM_BANK_MAX_COUNT; i++) banks[i] = (struct test_bank){(uint16_t)(0x7000 + i), 8};
    CLEANUP(buffer_done) struct buffer log = buffer_of_maximum(4096);
    struct tpm_pcrs pcrs;
    test_log_begin(&log, banks, TPM_BANK_MAX_COUNT, (struct slice){});
    test_log_event(&log, banks, TPM_BANK_MAX_COUNT, 1, 4, 'a', (struct slice){});
    assert_ok(tpm_event_log_replay(buffer_slice(&log), TPM_HASH_SHA256, NULL, &pcrs));
    assert_pcr(&pcrs, 1, 0, 0, "a");
}

static void test_a_bank_of_any_number_is_a_bank(void **)
{
    const struct test_bank banks[] = {{0, 8}, {TPM_HASH_SHA256, 32}};
    CLEANUP(buffer_done) struct buffer log = buffer_of_maximum(4096);
    struct tpm_pcrs pcrs;
    test_log_begin(&log, banks, 2, (struct slice){});
    test_log_event(&log, banks, 2, 1, 4, 'a', (struct slice){});
    assert_ok(tpm_event_log_replay(buffer_slice(&log), TPM_HASH_SHA256, NULL, &pcrs));
    assert_pcr(&pcrs, 1, 0, 0, "a");
}

static void test_each_field_of_an_event_that_is_wrong(void **)
{
    CLEANUP(buffer_done) struct buffer head = buffer_of_maximum(4096);
    test_log_begin(&head, two, 2, SLICE_LITERAL("v"));
    const size_t at = head.size;
    check(at, 24, TPM_HASH_SHA256, "event_log.pcrIndex");
    check(at + 1, 1, TPM_HASH_SHA256, "event_log.pcrIndex");
    check(at + 8, 1, TPM_HASH_SHA256, "event_log.digests.count");
    check(at + 8, 3, TPM_HASH_SHA256, "event_log.digests.count");
    check(at + 12, 0x0c, TPM_HASH_SHA256, "event_log.digests.hash");
    check(at + 12, 0x00, TPM_HASH_SHA256, "event_log.digests.hash");
    check(at + 34, 0x04, TPM_HASH_SHA1, "event_log.digests.hash"); /* SHA-1 twice */
    check(at + 68, 5, TPM_HASH_SHA256, "event_log.eventSize");
    check(at + 68, 3, TPM_HASH_SHA256, "event_log.pcrIndex"); /* the last byte begins another event */
}

static void test_logs_that_end_early_are_refused_unless_between_events(void **)
{
    static const struct test_field_end fields[] = {
        {4, "event_log.pcrIndex"},       {8, "event_log.eventType"},        {28, "event_log.digest"},
        {70, "event_log.eventSize"},     {74, "event_log.pcrIndex"},        {78, "event_log.eventType"},
        {82, "event_log.digests.count"}, {84, "event_log.digests.hash"},    {104, "event_log.digests.digest"},
        {106, "event_log.digests.hash"}, {138, "event_log.digests.digest"}, {146, "event_log.eventSize"}};
    CLEANUP(buffer_done) struct buffer log = small_log(), head = buffer_of_maximum(4096);
    test_log_begin(&head, two, 2, SLICE_LITERAL("v"));
    assert_int_equal(head.size, 70);
    assert_int_equal(log.size, 146);
    for (size_t size = 0; size < log.size; size++) {
        struct tpm_pcrs pcrs;
        struct refusal why = {};
        if (size == head.size)
            assert_ok(tpm_event_log_replay(slice_of(log.bytes, size), TPM_HASH_SHA256, NULL, &pcrs));
        else
            assert_refused(tpm_event_log_replay(slice_of(log.bytes, size), TPM_HASH_SHA256, &why, &pcrs),
                           ERR_TPM_EVENT_LOG, &why, test_field_at(fields, size));
        const bool is_data = (size >= 32 && size <= 70) || size >= 142;
        if (!is_data) assert_string_equal(why.expected, "all bytes that an event has here");
    }
    /* The first event shortened from inside. */
    for (uint8_t size = 16; size < head.size - 32; size++) {
        static const struct test_field_end inside[] = {{28, "event_log.SpecID"},
                                                       {36, "event_log.SpecID.digestSizes"},
                                                       {37, "event_log.SpecID.vendorInfo"},
                                                       {38, "event_log.SpecID.vendorInfoSize"}};
        CLEANUP(buffer_done) struct buffer cut = buffer_of_maximum(4096);
        struct tpm_pcrs pcrs;
        struct refusal why = {};
        assert_ok(buffer_append(&cut, slice_of(head.bytes, 32u + size)));
        cut.bytes[28] = size;
        assert_refused(tpm_event_log_replay(buffer_slice(&cut), TPM_HASH_SHA256, &why, &pcrs), ERR_TPM_EVENT_LOG, &why,
                       test_field_at(inside, size));
        if (size < 37) assert_string_equal(why.expected, "all bytes that an event has here");
    }
}

static void test_a_log_may_have_so_many_events_and_bytes_and_no_more(void **)
{
    CLEANUP(buffer_done) struct buffer log = buffer_of_maximum(2 * TPM_EVENT_LOG_MAX_BYTES);
    static uint8_t zeros[TPM_EVENT_LOG_MAX_BYTES];
    struct tpm_pcrs pcrs;
    struct refusal why = {};
    for (size_t i = 0; i < TPM_EVENT_MAX_COUNT; i++) test_log_sha1_event(&log, 1, 4, 'a', (struct slice){});
    assert_ok(tpm_event_log_replay(buffer_slice(&log), TPM_HASH_SHA1, NULL, &pcrs));
    test_log_sha1_event(&log, 1, 4, 'a', (struct slice){});
    assert_refused(tpm_event_log_replay(buffer_slice(&log), TPM_HASH_SHA1, &why, &pcrs), ERR_TPM_EVENT_LOG, &why,
                   "event_log");
    buffer_clear(&log);
    test_log_sha1_event(&log, 1, 4, 'a', slice_of(zeros, TPM_EVENT_LOG_MAX_BYTES - 32));
    assert_ok(tpm_event_log_replay(buffer_slice(&log), TPM_HASH_SHA1, NULL, &pcrs));
    buffer_clear(&log);
    test_log_sha1_event(&log, 1, 4, 'a', slice_of(zeros, TPM_EVENT_LOG_MAX_BYTES - 31));
    assert_refused(tpm_event_log_replay(buffer_slice(&log), TPM_HASH_SHA1, &why, &pcrs), ERR_TPM_EVENT_LOG, &why,
                   "event_log");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_log_of_several_banks_is_replayed_into_each),
        cmocka_unit_test(test_digests_in_another_order_are_found_by_their_algorithm),
        cmocka_unit_test(test_events_of_no_action_are_not_extended),
        cmocka_unit_test(test_pcr_0_begins_with_the_locality_that_started_the_tpm),
        cmocka_unit_test(test_localities_that_are_none_are_refused),
        cmocka_unit_test(test_a_locality_behind_the_first_event_of_pcr_0_is_refused),
        cmocka_unit_test(test_a_log_of_sha1_alone_is_replayed_into_that_bank_and_no_other),
        cmocka_unit_test(test_each_field_of_the_first_event_that_is_wrong),
        cmocka_unit_test(test_banks_that_stand_twice_or_are_too_large_or_missing),
        cmocka_unit_test(test_a_log_of_16_banks_is_replayed),
        cmocka_unit_test(test_a_bank_of_any_number_is_a_bank),
        cmocka_unit_test(test_each_field_of_an_event_that_is_wrong),
        cmocka_unit_test(test_logs_that_end_early_are_refused_unless_between_events),
        cmocka_unit_test(test_a_log_may_have_so_many_events_and_bytes_and_no_more),
    };
    return cmocka_run_group_tests_name("evidence/tpm_event_log", tests, NULL, NULL);
}
