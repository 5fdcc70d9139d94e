/* SPDX-License-Identifier: Apache-2.0
 *
 * tpm_ima_log_convert: the measurement list of Linux as a log of events.
 */
#include "test_tpm.h"

/* A template's data: the fields, each behind its size. */
static struct buffer data_of(const char *name)
{
    struct buffer data = buffer_of_maximum(1024);
    assert_ok(buffer_append_u32_le(&data, 8 + 32));
    assert_ok(buffer_append(&data, slice_of("sha256:", 8)));
    for (int i = 0; i < 32; i++) assert_ok(buffer_append_u8(&data, (uint8_t)i));
    assert_ok(buffer_append_u32_le(&data, (uint32_t)strlen(name) + 1));
    assert_ok(buffer_append(&data, slice_of(name, strlen(name) + 1)));
    return data;
}

/* What a test makes wrong in an entry; all-zero: nothing. */
struct entry {
    uint32_t pcr; /* 10 */
    const char *template;
    bool violation, other_digest;
};

static void append(struct buffer *list, const char *name, const struct entry *entry)
{
    const char *const template = entry->template != NULL ? entry->template : "ima-ng";
    CLEANUP(buffer_done) struct buffer data = data_of(name);
    const struct slice whole = buffer_slice(&data);
    uint8_t digest[HASH_MAX_BYTES] = {};
    if (!entry->violation) assert_ok(hash_parts(HASH_SHA1, &whole, 1, digest));
    if (entry->other_digest) digest[19] ^= 1;
    assert_ok(buffer_append_u32_le(list, entry->pcr != 0 ? entry->pcr : 10));
    assert_ok(buffer_append(list, slice_of(digest, SHA1_BYTES)));
    assert_ok(buffer_append_u32_le(list, (uint32_t)strlen(template)));
    assert_ok(buffer_append_text(list, template));
    assert_ok(buffer_append_u32_le(list, (uint32_t)data.size));
    assert_ok(buffer_append(list, whole));
}

static struct buffer list_of(size_t count)
{
    struct buffer list = buffer_of_maximum(1 << 20);
    for (size_t i = 0; i < count; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "/usr/bin/%zu", i);
        append(&list, name, &(struct entry){});
    }
    return list;
}

static void extend(struct tpm_pcrs *pcrs, struct slice data, bool violation)
{
    const enum hash hash = test_tpm_hash((uint16_t)pcrs->hash);
    uint8_t digest[HASH_MAX_BYTES];
    assert_ok(hash_parts(hash, &data, 1, digest));
    if (violation) memset(digest, 0xff, sizeof(digest));
    const struct slice parts[] = {slice_of(pcrs->values[10], hash_bytes(hash)), slice_of(digest, hash_bytes(hash))};
    assert_ok(hash_parts(hash, parts, 2, pcrs->values[10]));
}

/* What the kernel has extended PCR 10 to by these entries. */
static struct tpm_pcrs pcrs_after(enum tpm_hash bank, size_t count)
{
    struct tpm_pcrs pcrs = {.hash = bank, .known = 1 << 10};
    for (size_t i = 0; i < count; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "/usr/bin/%zu", i);
        CLEANUP(buffer_done) struct buffer data = data_of(name);
        extend(&pcrs, buffer_slice(&data), false);
    }
    return pcrs;
}

static void test_a_list_leads_to_pcr_10_in_every_bank(void **)
{
    static const enum tpm_hash banks[] = {TPM_HASH_SHA1, TPM_HASH_SHA256, TPM_HASH_SHA384, TPM_HASH_SHA512};
    static const struct tpm_banks none = {};
    CLEANUP(buffer_done) struct buffer list = list_of(3), log = buffer_of_maximum(1 << 20);
    assert_ok(tpm_ima_log_convert(buffer_slice(&list), &none, NULL, &log));
    for (size_t i = 0; i < 4; i++) {
        const struct tpm_pcrs expected = pcrs_after(banks[i], 3);
        struct tpm_pcrs seen;
        assert_ok(tpm_event_log_replay(buffer_slice(&log), banks[i], NULL, &seen));
        assert_int_equal(seen.known, 1 << 10);
        assert_memory_equal(seen.values[10], expected.values[10], hash_bytes(test_tpm_hash((uint16_t)banks[i])));
    }
}

static void test_what_was_measured_behind_the_quote_is_left_out(void **)
{
    CLEANUP(buffer_done) struct buffer list = list_of(5), log = buffer_of_maximum(1 << 20);
    const struct tpm_banks told = {.count = 2, .items = {pcrs_after(TPM_HASH_SHA1, 4), pcrs_after(TPM_HASH_SHA256, 3)}};
    struct tpm_pcrs seen;
    assert_ok(tpm_ima_log_convert(buffer_slice(&list), &told, NULL, &log));
    assert_ok(tpm_event_log_replay(buffer_slice(&log), TPM_HASH_SHA256, NULL, &seen));
    assert_memory_equal(seen.values[10], told.items[1].values[10], 32);
}

static void test_violations_extend_ones(void **)
{
    static const struct tpm_banks none = {};
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(4096), log = buffer_of_maximum(65536);
    struct tpm_pcrs expected = {.hash = TPM_HASH_SHA256}, seen;
    append(&list, "changed", &(struct entry){.violation = true});
    extend(&expected, (struct slice){}, true);
    assert_ok(tpm_ima_log_convert(buffer_slice(&list), &none, NULL, &log));
    assert_ok(tpm_event_log_replay(buffer_slice(&log), TPM_HASH_SHA256, NULL, &seen));
    assert_memory_equal(seen.values[10], expected.values[10], 32);
}

static void test_buffers_have_a_type_of_their_own(void **)
{
    static const struct tpm_banks none = {};
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(4096), log = buffer_of_maximum(65536);
    struct tpm_event_log cursor;
    struct tpm_event event;
    bool is_event;
    append(&list, "file", &(struct entry){});
    append(&list, "kernel_version", &(struct entry){.template = "ima-buf"});
    assert_ok(tpm_ima_log_convert(buffer_slice(&list), &none, NULL, &log));
    assert_ok(tpm_event_log_open(buffer_slice(&log), NULL, &cursor));
    assert_ok(tpm_event_log_next(&cursor, NULL, &event, &is_event));
    assert_int_equal(event.type, TPM_EVENT_IMA);
    assert_ok(tpm_event_log_next(&cursor, NULL, &event, &is_event));
    assert_int_equal(event.type, TPM_EVENT_IMA_BUFFER);
}

static void refused(const struct buffer *list, size_t size, enum status status, const char *field)
{
    static const struct tpm_banks none = {};
    CLEANUP(buffer_done) struct buffer log = buffer_of_maximum(1 << 22);
    struct refusal why = {};
    assert_refused(tpm_ima_log_convert(slice_of(list->bytes, size), &none, &why, &log), status, &why, field);
}

static void refused_entry(const struct entry *entry, enum status status, const char *field)
{
    CLEANUP(buffer_done) struct buffer list = list_of(1);
    append(&list, "wrong", entry);
    refused(&list, list.size, status, field);
}

static void test_lists_that_are_none(void **)
{
    refused_entry(&(struct entry){.pcr = 24}, ERR_TPM_EVENT_LOG, "ima_log.pcr");
    refused_entry(&(struct entry){.pcr = 11}, ERR_TPM_EVENT_LOG, "ima_log.pcr");
    refused_entry(&(struct entry){.other_digest = true}, ERR_TPM_EVENT_LOG, "ima_log.digest");
    refused_entry(&(struct entry){.template = "ima"}, ERR_UNSUPPORTED, "ima_log.template_name");
    refused_entry(&(struct entry){.template = "a name that is longer than any kernel has"}, ERR_TPM_EVENT_LOG,
                  "ima_log.template_name");
}

static void test_every_shorter_list_is_refused(void **)
{
    static const struct test_field_end fields[] = {
        {4, "ima_log.pcr"}, {24, "ima_log.digest"}, {34, "ima_log.template_name"}, {SIZE_MAX, "ima_log.template_data"}};
    CLEANUP(buffer_done) struct buffer list = list_of(1);
    for (size_t size = 1; size < list.size; size++)
        refused(&list, size, ERR_TPM_EVENT_LOG, test_field_at(fields, size));
}

static void test_sizes(void **)
{
    CLEANUP(buffer_done) struct buffer list = list_of(1), many = list_of(4097), log = buffer_of_maximum(64);
    static const struct tpm_banks none = {};
    struct refusal why = {};
    list.bytes[34 + 2] = 0xff; /* of the data: more than 64 KiB */
    refused(&list, list.size, ERR_TPM_EVENT_LOG, "ima_log.template_data");
    refused(&many, many.size, ERR_TPM_EVENT_LOG, "ima_log");
    list.bytes[34 + 2] = 0;
    assert_status(tpm_ima_log_convert(buffer_slice(&list), &none, &why, &log), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_leads_to_pcr_10_in_every_bank),
        cmocka_unit_test(test_what_was_measured_behind_the_quote_is_left_out),
        cmocka_unit_test(test_violations_extend_ones),
        cmocka_unit_test(test_buffers_have_a_type_of_their_own),
        cmocka_unit_test(test_lists_that_are_none),
        cmocka_unit_test(test_every_shorter_list_is_refused),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests_name("evidence/tpm_ima", tests, NULL, NULL);
}
