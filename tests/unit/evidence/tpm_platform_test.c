/* SPDX-License-Identifier: Apache-2.0
 *
 * tpm_platform_verify: quotes over several banks, and the logs that lead there.
 */
#include "test_tpm.h"

static const struct test_bank both[] = {{TPM_HASH_SHA1, 20}, {TPM_HASH_SHA256, 32}};

static struct key *key(void)
{
    static struct key *made;
    if (made == NULL) assert_ok(key_generate(KEY_P256, 0, &made));
    return made;
}

/* A quote over `banks` of all PCRs in `selection`, and what a test makes wrong. */
struct scene {
    uint16_t banks[8];
    size_t bank_count;
    uint32_t selection, required;
    struct slice logs[3];
    size_t log_count;
    bool after_launch; /* PCRs 17 to 22 were set to zero */
    uint32_t extended; /* PCRs that hold something that no log tells */
    void (*change)(struct tpm_banks *given);
    struct slice nonce;
};

static void initial(struct tpm_pcrs *pcrs, bool after_launch)
{
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++)
        memset(pcrs->values[i], i >= 17 && i <= 22 && !after_launch ? 0xff : 0, sizeof(pcrs->values[i]));
    pcrs->known = 0xffffff;
}

/* What a TPM would hold: an implementation of its own, event by event. */
static void replay(struct tpm_pcrs *pcrs, struct slice bytes)
{
    struct tpm_event_log log;
    struct tpm_event event;
    bool is_event;
    if (tpm_event_log_open(bytes, NULL, &log) != OK || !tpm_event_log_has(&log, pcrs->hash)) return;
    while (tpm_event_log_next(&log, NULL, &event, &is_event) == OK && is_event) {
        if (event.type == TPM_EVENT_NO_ACTION) continue;
        const enum hash hash = test_tpm_hash((uint16_t)pcrs->hash);
        const struct slice parts[] = {slice_of(pcrs->values[event.pcr], hash_bytes(hash)),
                                      tpm_event_digest(&log, &event, pcrs->hash)};
        assert_ok(hash_parts(hash, parts, 2, pcrs->values[event.pcr]));
    }
}

static struct tpm_banks banks_of(const struct scene *scene)
{
    struct tpm_banks banks = {};
    for (size_t i = 0; i < scene->bank_count && i < TPM_QUOTED_BANK_MAX; i++) {
        struct tpm_pcrs *const pcrs = &banks.items[banks.count++];
        pcrs->hash = (enum tpm_hash)scene->banks[i];
        initial(pcrs, scene->after_launch);
        for (size_t log = 0; log < scene->log_count; log++) replay(pcrs, scene->logs[log]);
        for (unsigned pcr = 0; pcr < TPM_PCR_COUNT; pcr++) {
            if ((scene->extended >> pcr & 1) == 1) memset(pcrs->values[pcr], 0x77, 64);
        }
    }
    return banks;
}

static struct buffer attest_of(const struct scene *scene, const struct tpm_banks *banks)
{
    struct buffer out = test_tpm_attest(&(struct test_quote){.key = key(), .nonce = scene->nonce});
    struct slice parts[TPM_QUOTED_BANK_MAX * TPM_PCR_COUNT];
    uint8_t digest[32];
    size_t count = 0;
    buffer_truncate(&out, out.size - 34 - 6 - 4);
    assert_ok(buffer_append_u32(&out, (uint32_t)scene->bank_count));
    for (size_t i = 0; i < scene->bank_count; i++) test_tpm_selection(&out, scene->banks[i], scene->selection);
    for (size_t i = 0; i < banks->count; i++) {
        for (unsigned pcr = 0; pcr < TPM_PCR_COUNT; pcr++) {
            if ((scene->selection >> pcr & 1) == 1)
                parts[count++] =
                    slice_of(banks->items[i].values[pcr], hash_bytes(test_tpm_hash((uint16_t)banks->items[i].hash)));
        }
    }
    assert_ok(sha256_parts(parts, count, digest));
    test_tpm_sized(&out, SLICE_ARRAY(digest));
    return out;
}

static enum status verify(struct scene scene, struct refusal *why, struct tpm_platform_claims *claims_out)
{
    if (scene.bank_count == 0) scene.banks[scene.bank_count++] = TPM_HASH_SHA256;
    if (scene.selection == 0) scene.selection = 0xffffff;
    struct tpm_banks banks = banks_of(&scene);
    CLEANUP(buffer_done) struct buffer attest = attest_of(&scene, &banks);
    CLEANUP(buffer_done)
    struct buffer signature = test_tpm_signature(&(struct test_quote){.key = key()}, buffer_slice(&attest));
    if (scene.change != NULL) scene.change(&banks);
    const struct tpm_platform platform = {.attest = buffer_slice(&attest),
                                          .signature = buffer_slice(&signature),
                                          .key = key(),
                                          .pcrs = &banks,
                                          .logs = scene.logs,
                                          .log_count = scene.log_count,
                                          .required = scene.required};
    return tpm_platform_verify(&platform, why, claims_out);
}

static struct buffer log_of(const struct test_bank *banks, size_t count, const uint32_t *pcrs, size_t pcr_count)
{
    struct buffer log = buffer_of_maximum(8192);
    test_log_begin(&log, banks, count, (struct slice){});
    for (size_t i = 0; i < pcr_count; i++)
        test_log_event(&log, banks, count, pcrs[i], 8, (uint8_t)('a' + i), SLICE_LITERAL("x"));
    return log;
}

static const uint32_t some[] = {0, 7, 4, 7};

/* ---- what is explained ---- */

static void test_pcrs_are_explained_by_logs_or_by_never_being_extended(void **)
{
    CLEANUP(buffer_done) struct buffer log = log_of(both, 2, some, 4);
    struct tpm_platform_claims claims;
    assert_ok(verify((struct scene){.logs = {buffer_slice(&log)}, .log_count = 1}, NULL, &claims));
    assert_int_equal(claims.explained, 0xffffff);
    assert_int_equal(claims.pcrs.count, 1);
    assert_int_equal(claims.reset_count, 2);
    assert_ok(verify((struct scene){.logs = {buffer_slice(&log)}, .log_count = 1, .extended = 1 << 10}, NULL, &claims));
    assert_int_equal(claims.explained, 0xffffff & ~(1 << 10));
    assert_ok(verify((struct scene){.logs = {buffer_slice(&log)}, .log_count = 1, .selection = 0x81}, NULL, &claims));
    assert_int_equal(claims.explained, 0x81);
    assert_int_equal(claims.pcrs.items[0].known, 0x81);
    assert_ok(verify((struct scene){}, NULL, &claims));
    assert_int_equal(claims.explained, 0); /* without logs nothing is */
}

static void test_two_banks_explain_together(void **)
{
    CLEANUP(buffer_done) struct buffer log = log_of(both, 2, some, 4), narrow = log_of(both + 1, 1, some, 4);
    struct tpm_platform_claims claims;
    assert_ok(verify(
        (struct scene){
            .banks = {TPM_HASH_SHA1, TPM_HASH_SHA256}, .bank_count = 2, .logs = {buffer_slice(&log)}, .log_count = 1},
        NULL, &claims));
    assert_int_equal(claims.pcrs.count, 2);
    assert_int_equal(claims.explained, 0xffffff);
    assert_ok(verify((struct scene){.banks = {TPM_HASH_SHA1, TPM_HASH_SHA256},
                                    .bank_count = 2,
                                    .logs = {buffer_slice(&narrow)},
                                    .log_count = 1},
                     NULL, &claims));
    assert_int_equal(claims.explained, 0xffffff); /* by the one bank that the log has */
}

static void test_logs_follow_each_other(void **)
{
    static const uint32_t later[] = {7, 12};
    CLEANUP(buffer_done) struct buffer first = log_of(both, 2, some, 4), second = log_of(both, 2, later, 2);
    struct tpm_platform_claims claims;
    assert_ok(
        verify((struct scene){.logs = {buffer_slice(&first), buffer_slice(&second)}, .log_count = 2}, NULL, &claims));
    assert_int_equal(claims.explained, 0xffffff);
}

static void test_a_dynamic_launch_is_told_by_the_values(void **)
{
    static const uint32_t dynamic[] = {17, 18, 20};
    CLEANUP(buffer_done) struct buffer log = log_of(both, 2, dynamic, 3);
    struct tpm_platform_claims claims;
    assert_ok(
        verify((struct scene){.logs = {buffer_slice(&log)}, .log_count = 1, .after_launch = true}, NULL, &claims));
    assert_int_equal(claims.explained, 0xffffff);
    assert_ok(verify((struct scene){.logs = {buffer_slice(&log)}, .log_count = 1}, NULL, &claims));
    assert_int_equal(claims.explained, 0xffffff);
}

static void test_windows_trust_points_belong_to_no_pcr(void **)
{
    CLEANUP(buffer_done) struct buffer log = log_of(both, 2, some, 4), wrong = log_of(both, 2, some, 4);
    struct tpm_platform_claims claims;
    struct refusal why = {};
    test_log_event(&log, both, 2, 0xffffffff, TPM_EVENT_NO_ACTION, 0, SLICE_LITERAL("trust point"));
    assert_ok(verify((struct scene){.logs = {buffer_slice(&log)}, .log_count = 1}, NULL, &claims));
    test_log_event(&wrong, both, 2, 0xffffffff, 6, 0, SLICE_LITERAL("measured nowhere"));
    assert_refused(verify((struct scene){.logs = {buffer_slice(&wrong)}, .log_count = 1}, &why, &claims),
                   ERR_TPM_EVENT_LOG, &why, "event_log.pcrIndex");
}

static void test_values_that_were_not_quoted_may_be_any(void **)
{
    CLEANUP(buffer_done) struct buffer log = log_of(both, 2, some, 4);
    struct tpm_platform_claims claims;
    assert_ok(
        verify((struct scene){.logs = {buffer_slice(&log)}, .log_count = 1, .selection = 0x81, .extended = 1 << 4},
               NULL, &claims));
    assert_int_equal(claims.explained, 0x81);
}

static void test_what_is_asked_of_a_quote_may_be_there(void **)
{
    struct tpm_platform_claims claims;
    assert_ok(verify((struct scene){.selection = 0xff, .required = 0xff}, NULL, &claims));
    assert_ok(verify((struct scene){.selection = 0xffff, .required = 0x8001}, NULL, &claims));
    assert_ok(verify((struct scene){.nonce = SLICE_LITERAL("nobody asked")}, NULL, &claims));
}

/* ---- what is refused ---- */

static void forget_bank(struct tpm_banks *banks)
{
    banks->count = 0;
}

static void forget_pcr(struct tpm_banks *banks)
{
    banks->items[0].known &= ~(UINT32_C(1) << 5);
}

static void other_value(struct tpm_banks *banks)
{
    banks->items[0].values[23][0] ^= 1;
}

static void refused(struct scene scene, enum status status, const char *field)
{
    struct tpm_platform_claims claims;
    struct refusal why = {};
    assert_refused(verify(scene, &why, &claims), status, &why, field);
}

static void test_selections(void **)
{
    refused((struct scene){.banks = {TPM_HASH_SHA256, TPM_HASH_SHA256}, .bank_count = 2}, ERR_TPM_PCR,
            "attest.pcrSelect");
    refused((struct scene){.banks = {TPM_HASH_SHA256, TPM_HASH_SHA1, TPM_HASH_SHA384, TPM_HASH_SHA512, 0x12},
                           .bank_count = 5},
            ERR_TPM_PCR, "attest.pcrSelect");
    refused((struct scene){.banks = {TPM_HASH_SHA256, 0x12}, .bank_count = 2}, ERR_TPM_PCR, "attest.pcrSelect.hash");
    refused((struct scene){.selection = 0x7f, .required = 0xff}, ERR_TPM_PCR, "attest.pcrSelect");
}

static void test_values(void **)
{
    refused((struct scene){.change = forget_bank}, ERR_TPM_PCR, "pcrs.algorithm");
    refused((struct scene){.change = forget_pcr}, ERR_TPM_PCR, "pcrs.values");
    refused((struct scene){.change = other_value}, ERR_TPM_PCR, "attest.pcrDigest");
}

static void test_logs_that_lead_elsewhere(void **)
{
    static const uint32_t later[] = {9};
    CLEANUP(buffer_done)
    struct buffer log = log_of(both, 2, some, 4), sha1 = log_of(both, 1, some, 4), more = log_of(both + 1, 1, later, 1);
    refused((struct scene){.logs = {buffer_slice(&log)}, .log_count = 1, .extended = 1 << 7}, ERR_TPM_EVENT_LOG,
            "event_log.pcr[7]");
    refused((struct scene){.logs = {buffer_slice(&sha1)}, .log_count = 1}, ERR_TPM_EVENT_LOG, "event_log.SpecID");
    refused((struct scene){.logs = {buffer_slice(&sha1), buffer_slice(&more)}, .log_count = 2}, ERR_TPM_EVENT_LOG,
            "event_log.SpecID");
    refused((struct scene){.logs = {SLICE_LITERAL("\0\0\0\0\1")}, .log_count = 1}, ERR_TPM_EVENT_LOG,
            "event_log.eventType");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pcrs_are_explained_by_logs_or_by_never_being_extended),
        cmocka_unit_test(test_two_banks_explain_together),
        cmocka_unit_test(test_logs_follow_each_other),
        cmocka_unit_test(test_a_dynamic_launch_is_told_by_the_values),
        cmocka_unit_test(test_windows_trust_points_belong_to_no_pcr),
        cmocka_unit_test(test_values_that_were_not_quoted_may_be_any),
        cmocka_unit_test(test_what_is_asked_of_a_quote_may_be_there),
        cmocka_unit_test(test_selections),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_logs_that_lead_elsewhere),
    };
    return cmocka_run_group_tests_name("evidence/tpm_platform", tests, NULL, NULL);
}
