/* SPDX-License-Identifier: Apache-2.0
 *
 * What event logs prove of a boot, and what they only say: logs that are doctored in one respect each.
 */
#include "attestation/tpm/events.h"

#include "tpm_requests.h"

/* A log of its own making, read as a report reads it: all PCRs quoted as the log leaves them. */
static enum status read_log(const struct buffer *log, uint32_t quoted, struct refusal *why, struct boot_facts *facts,
                            json_t **json_out)
{
    struct tpm_side side = {.log_count = 1};
    struct tpm_platform_claims claims = {.explained = quoted, .pcrs.count = 1};
    CLEANUP(buffer_done) struct buffer json = buffer_of_maximum(CLAIM_TEXT_MAX_BYTES);
    side.logs[0] = *log;
    claims.pcrs.items[0] = machine_pcrs(buffer_slice(log), TPM_HASH_SHA256);
    TRY(events_read(&side, &claims, why, facts, &json));
    return json_out == NULL ? OK : json_parse(buffer_slice(&json), CLAIM_TEXT_MAX_BYTES, why, json_out);
}

static struct boot_facts facts_of(const struct buffer *log)
{
    struct boot_facts facts = {};
    assert_ok(read_log(log, 0xffffff, NULL, &facts, NULL));
    return facts;
}

static void refused(const struct buffer *log, const char *field)
{
    CLEANUP(boot_facts_done) struct boot_facts facts = {};
    struct refusal why = {};
    assert_refused(read_log(log, 0xffffff, &why, &facts, NULL), ERR_TPM_EVENT_LOG, &why, field);
}

static const json_t *event_of(const json_t *events, size_t index)
{
    return json_array_get(json_object_get(events, "Events"), index);
}

/* ---- secure boot ---- */

static bool secure_boot_of(const struct buffer *log)
{
    const struct boot_facts facts = facts_of(log);
    return boot_has_secure_boot(&facts);
}

static void test_secure_boot_is_the_variable_of_the_firmware(void **)
{
    CLEANUP(buffer_done)
    struct buffer on = machine_log(), off = machine_log(), none = machine_log(), strange = machine_log(),
                  other = machine_log();
    machine_variable_event(&on, 0x80000001, "SecureBoot", SLICE_LITERAL("\1"));
    machine_variable_event(&off, 0x80000001, "SecureBoot", SLICE_LITERAL("\0"));
    machine_variable_event(&none, 0x80000001, "PK", SLICE_LITERAL("\1"));
    machine_variable_event(&strange, 0x80000001, "SecureBoot", SLICE_LITERAL("\1\1"));
    machine_variable_event(&other, 0x80000001, "SecureBooT", SLICE_LITERAL("\1"));
    assert_true(secure_boot_of(&on));
    assert_false(secure_boot_of(&off));
    assert_false(secure_boot_of(&none));
    assert_false(secure_boot_of(&strange));
    assert_false(secure_boot_of(&other));
}

static void test_a_variable_of_another_pcr_is_nobodys_word(void **)
{
    CLEANUP(buffer_done)
    struct buffer log = machine_log(), variable = machine_variable("SecureBoot", SLICE_LITERAL("\1"));
    machine_event(&log, 11, 0x80000001, buffer_slice(&variable));
    assert_false(secure_boot_of(&log));
}

static void test_two_answers_are_none(void **)
{
    CLEANUP(buffer_done) struct buffer log = machine_log();
    machine_variable_event(&log, 0x80000001, "SecureBoot", SLICE_LITERAL("\0"));
    machine_variable_event(&log, 0x80000001, "SecureBoot", SLICE_LITERAL("\1"));
    assert_false(secure_boot_of(&log));
}

static void test_behind_the_separator_anybody_extends(void **)
{
    CLEANUP(buffer_done) struct buffer log = machine_log();
    CLEANUP(json_done) json_t *events = NULL;
    CLEANUP(boot_facts_done) struct boot_facts facts = {};
    machine_event(&log, 7, 4, SLICE_LITERAL("\0\0\0\0"));
    machine_variable_event(&log, 0x80000001, "SecureBoot", SLICE_LITERAL("\1"));
    assert_ok(read_log(&log, 0xffffff, NULL, &facts, &events));
    assert_false(boot_has_secure_boot(&facts));
    assert_null(json_object_get(event_of(events, 1), "ProcessedData")); /* nor does a policy see it */
}

/* The separator told as another event, which no digest shows. */
static void test_a_separator_under_another_type_is_one(void **)
{
    CLEANUP(buffer_done) struct buffer log = machine_log();
    machine_event(&log, 7, 8, SLICE_LITERAL("\0\0\0\0"));
    machine_variable_event(&log, 0x80000001, "SecureBoot", SLICE_LITERAL("\1"));
    assert_false(secure_boot_of(&log));
}

static void test_behind_hidden_data_nothing_is_known(void **)
{
    CLEANUP(buffer_done) struct buffer log = machine_log(), off = machine_variable("SecureBoot", SLICE_LITERAL("\0"));
    machine_event_of(&log, 7, 0x80000001, buffer_slice(&off), SLICE_LITERAL("something else"));
    machine_variable_event(&log, 0x80000001, "SecureBoot", SLICE_LITERAL("\1"));
    assert_false(secure_boot_of(&log));
}

static void test_doctored_values_are_not_told(void **)
{
    CLEANUP(buffer_done)
    struct buffer log = machine_log(), off = machine_variable("SecureBoot", SLICE_LITERAL("\0")),
                  on = machine_variable("SecureBoot", SLICE_LITERAL("\1"));
    CLEANUP(json_done) json_t *events = NULL;
    CLEANUP(boot_facts_done) struct boot_facts facts = {};
    machine_event_of(&log, 7, 0x80000001, buffer_slice(&off), buffer_slice(&on));
    assert_ok(read_log(&log, 0xffffff, NULL, &facts, &events));
    assert_false(boot_has_secure_boot(&facts));
    assert_null(json_object_get(event_of(events, 0), "ProcessedData"));
}

static void test_a_secure_boot_variable_under_another_type_is_refused(void **)
{
    CLEANUP(buffer_done) struct buffer log = machine_log();
    machine_variable_event(&log, 0x800000e0, "SecureBoot", SLICE_LITERAL("\0"));
    refused(&log, "event_log.eventType");
}

/* ---- Windows ---- */

struct flags {
    int debugging, safe_mode, win_pe, vsm, mandatory, iommu; /* -1: not measured */
    bool no_parameters;
};

static void add_flag(struct buffer *elements, uint32_t number, int value)
{
    const uint8_t byte = (uint8_t)value;
    if (value >= 0) machine_element(elements, number, slice_of(&byte, 1));
}

static struct buffer log_with(const struct flags *flags)
{
    struct buffer log = machine_log();
    CLEANUP(buffer_done) struct buffer elements = buffer_of_maximum(4096);
    if (!flags->no_parameters) machine_element(&elements, 0x00050002, SLICE_LITERAL("\1"));
    add_flag(&elements, 0x00040001, flags->debugging);
    add_flag(&elements, 0x00050005, flags->safe_mode);
    add_flag(&elements, 0x00050006, flags->win_pe);
    add_flag(&elements, 0x000a0001, flags->vsm);
    add_flag(&elements, 0x000a0006, flags->mandatory);
    add_flag(&elements, 0x000a0003, flags->iommu);
    machine_trust_boundary(&log, 12, &elements);
    return log;
}

static struct boot_facts facts_with(struct flags flags)
{
    CLEANUP(buffer_done) struct buffer log = log_with(&flags);
    return facts_of(&log);
}

static void test_windows_flags(void **)
{
    const struct flags unmeasured = {-1, -1, -1, -1, -1, -1, false};
    struct boot_facts facts = facts_with(unmeasured);
    assert_false(boot_has_no_debugging(&facts)); /* it must have been measured */
    assert_true(boot_is_not_safe_mode(&facts));  /* they need not */
    assert_true(boot_is_not_win_pe(&facts));
    assert_false(boot_has_vbs(&facts));
    assert_false(boot_has_iommu(&facts));
    facts = facts_with((struct flags){0, 0, 0, 1, -1, 1, false});
    assert_true(boot_has_no_debugging(&facts));
    assert_true(boot_is_not_safe_mode(&facts));
    assert_true(boot_is_not_win_pe(&facts));
    assert_true(boot_has_vbs(&facts));
    assert_true(boot_has_iommu(&facts));
    facts = facts_with((struct flags){1, 1, 1, 0, 1, 0, false});
    assert_false(boot_has_no_debugging(&facts));
    assert_false(boot_is_not_safe_mode(&facts));
    assert_false(boot_is_not_win_pe(&facts));
    assert_false(boot_has_vbs(&facts));
    assert_false(boot_has_iommu(&facts));
    facts = facts_with((struct flags){0, -1, -1, 1, 0, -1, false});
    assert_false(boot_has_vbs(&facts));
    facts = facts_with((struct flags){0, -1, -1, -1, 1, -1, false});
    assert_true(boot_has_vbs(&facts));
}

static void test_another_system_is_not_windows_out_of_safe_mode(void **)
{
    CLEANUP(buffer_done) struct buffer log = machine_log();
    machine_event(&log, 4, 4, SLICE_LITERAL("\0\0\0\0"));
    const struct boot_facts facts = facts_of(&log);
    assert_false(boot_is_not_safe_mode(&facts));
    assert_false(boot_is_not_win_pe(&facts));
    assert_false(boot_has_no_debugging(&facts));
}

static void test_what_is_measured_twice_must_agree(void **)
{
    CLEANUP(buffer_done)
    struct buffer log = log_with(&(struct flags){0, 0, 0, 1, -1, 1, false}), elements = buffer_of_maximum(4096);
    add_flag(&elements, 0x00040001, 1);
    add_flag(&elements, 0x000a0003, 0);
    machine_trust_boundary(&log, 13, &elements);
    const struct boot_facts facts = facts_of(&log);
    assert_false(boot_has_no_debugging(&facts));
    assert_false(boot_has_iommu(&facts));
    assert_true(boot_is_not_safe_mode(&facts));
}

static void test_windows_pcrs_must_be_explained(void **)
{
    CLEANUP(buffer_done) struct buffer log = log_with(&(struct flags){0, 0, 0, 1, -1, 1, false});
    for (unsigned pcr = 12; pcr <= 20; pcr++) {
        if (pcr != 12 && pcr != 13 && pcr != 19 && pcr != 20) continue;
        struct boot_facts facts = {};
        assert_ok(read_log(&log, 0xffffff & ~(UINT32_C(1) << pcr), NULL, &facts, NULL));
        assert_false(boot_has_no_debugging(&facts));
        assert_false(boot_is_not_safe_mode(&facts));
        assert_false(boot_is_not_win_pe(&facts));
        assert_int_equal(boot_has_vbs(&facts), pcr != 12);
    }
}

static void test_what_follows_the_loader_is_not_its_word(void **)
{
    CLEANUP(buffer_done) struct buffer log = machine_log(), elements = buffer_of_maximum(4096);
    machine_event(&log, 12, 4, SLICE_LITERAL("WBCL"));
    add_flag(&elements, 0x000a0001, 1);
    machine_trust_boundary(&log, 12, &elements);
    const struct boot_facts facts = facts_of(&log);
    assert_false(boot_has_vbs(&facts));
}

static void test_a_trust_boundary_under_another_type_is_refused(void **)
{
    CLEANUP(buffer_done)
    struct buffer log = machine_log(), elements = buffer_of_maximum(4096), tagged = buffer_of_maximum(4096);
    add_flag(&elements, 0x00040001, 1);
    machine_element(&tagged, 0x40010001, buffer_slice(&elements));
    machine_event(&log, 12, 12, buffer_slice(&tagged));
    refused(&log, "event_log.eventType");
}

static void test_hidden_data_beside_trust_boundaries_are_refused(void **)
{
    CLEANUP(buffer_done)
    struct buffer log = log_with(&(struct flags){0, 0, 0, 1, -1, 1, false}), linux_log = machine_log();
    machine_event_of(&log, 13, 6, SLICE_LITERAL("debugging"), SLICE_LITERAL("nothing"));
    refused(&log, "event_log.event");
    machine_event_of(&linux_log, 12, 13, SLICE_LITERAL("credentials"), SLICE_LITERAL("their name"));
    (void)facts_of(&linux_log);
}

static void test_identity_keys_that_are_none(void **)
{
    CLEANUP(buffer_done) struct buffer log = machine_log(), elements = buffer_of_maximum(8192);
    machine_element(&elements, 0x00050023, SLICE_LITERAL("short"));
    machine_element(&elements, 0x00050023, SLICE_LITERAL("\1\0\0\0\10\0\0\0\1\0\0\0\1\0\0\0\3\7"));
    for (int i = 0; i < 6; i++) machine_identity_key(&elements, machine()->other);
    machine_trust_boundary(&log, 12, &elements);
    CLEANUP(boot_facts_done) struct boot_facts facts = {};
    assert_ok(read_log(&log, 0xffffff, NULL, &facts, NULL));
    assert_int_equal(facts.windows.identity_key_count, WINDOWS_IDENTITY_KEY_MAX_COUNT);
}

/* ---- how values are written ---- */

static void test_elements_that_repeat_are_lists(void **)
{
    CLEANUP(buffer_done) struct buffer log = machine_log(), elements = buffer_of_maximum(4096);
    CLEANUP(json_done) json_t *events = NULL;
    CLEANUP(boot_facts_done) struct boot_facts facts = {};
    machine_element(&elements, 0x00040001, SLICE_LITERAL("\0"));
    machine_element(&elements, 0x00040001, SLICE_LITERAL("\1"));
    machine_element(&elements, 0x00040001, SLICE_LITERAL("\1"));
    machine_element(&elements, 0x0005000f, SLICE_LITERAL("policy"));
    machine_element(&elements, 0x12345678, SLICE_LITERAL("?"));
    machine_element(&elements, 0x00020006, SLICE_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff"));
    machine_element(&elements, 0x00020005, SLICE_LITERAL("\4\0\0\0"));
    machine_element(&elements, 0x00070001, SLICE_LITERAL("a\0\x3d\xd8\0\xde\0\xd8z\0\0\0b\0"));
    machine_element(&elements, 0x00070004, SLICE_LITERAL("\xff\xfe"));
    machine_element(&elements, 0x00050005, (struct slice){});
    machine_trust_boundary(&log, 14, &elements);
    assert_ok(read_log(&log, 0xffffff, NULL, &facts, &events));
    const json_t *const data =
        json_object_get(json_object_get(event_of(events, 0), "ProcessedData"), "EVENT_TRUSTBOUNDARY");
    assert_int_equal(json_array_size(json_object_get(data, "EVENT_BOOTDEBUGGING")), 3);
    const json_t *const policies = json_object_get(data, "EVENT_SI_POLICY");
    assert_int_equal(json_array_size(policies), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(policies, 0), "RawData")), "cG9saWN5");
    assert_string_equal(json_string_value(json_object_get(json_object_get(data, "EVENT_0x12345678"), "RawData")), "Pw");
    assert_string_equal(json_string_value(json_object_get(data, "EVENT_EVENTCOUNTER")), "0xffffffffffffffff");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(data, "EVENT_BITLOCKER_UNLOCK"), "Value")), 4);
    assert_string_equal(json_string_value(json_object_get(data, "EVENT_FILEPATH")), "a\xf0\x9f\x98\x80\xef\xbf\xbdz");
    assert_string_equal(json_string_value(json_object_get(data, "EVENT_AUTHENTICODEHASH")), "__4");
    assert_non_null(json_object_get(json_object_get(data, "EVENT_SAFEMODE"), "RawData")); /* no value to tell */
}

static void test_bytes_that_are_no_elements_are_told_raw(void **)
{
    CLEANUP(buffer_done) struct buffer log = machine_log();
    CLEANUP(json_done) json_t *events = NULL;
    CLEANUP(boot_facts_done) struct boot_facts facts = {};
    machine_event(&log, 14, 6, SLICE_LITERAL("\1\0\2\0\1\0\0\0xyz"));
    assert_ok(read_log(&log, 0xffffff, NULL, &facts, &events));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(event_of(events, 0), "ProcessedData"), "RawData")),
        "AQACAAEAAAB4eXo");
}

static void test_boot_variables_and_actions(void **)
{
    CLEANUP(buffer_done)
    struct buffer log = machine_log(), order = machine_variable("BootOrder", SLICE_LITERAL("\1\0"));
    CLEANUP(json_done) json_t *events = NULL;
    CLEANUP(boot_facts_done) struct boot_facts facts = {};
    machine_event_of(&log, 1, 0x80000002, SLICE_LITERAL("\1\0"), buffer_slice(&order)); /* as firmware measures it */
    machine_event_of(&log, 1, 0x80000002, SLICE_LITERAL("\2\0"), buffer_slice(&order));
    machine_event(&log, 4, 5, SLICE_LITERAL("Calling INT 19h"));
    machine_event(&log, 4, 5, SLICE_LITERAL("\xff\xff"));
    machine_event(&log, 4, 0x7777, SLICE_LITERAL("x"));
    assert_ok(read_log(&log, 0xffffff, NULL, &facts, &events));
    const json_t *const variable = json_object_get(event_of(events, 0), "ProcessedData");
    assert_string_equal(json_string_value(json_object_get(variable, "UnicodeName")), "BootOrder");
    assert_string_equal(json_string_value(json_object_get(variable, "VariableData")), "AQA");
    assert_null(json_object_get(event_of(events, 1), "ProcessedData"));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(event_of(events, 2), "ProcessedData"), "String")),
        "Calling INT 19h");
    assert_null(json_object_get(event_of(events, 3), "ProcessedData"));
    assert_null(json_object_get(event_of(events, 4), "EventTypeString"));
}

static void add_field(struct buffer *data, struct slice field)
{
    assert_ok(buffer_append_u32_le(data, (uint32_t)field.size));
    assert_ok(buffer_append(data, field));
}

static void add_measurement(struct buffer *log, uint32_t type, struct slice name, struct slice buffer)
{
    CLEANUP(buffer_done) struct buffer data = buffer_of_maximum(8192);
    add_field(&data, SLICE_LITERAL("sha256:\0\1\2\3"));
    add_field(&data, name);
    if (buffer.size > 0) add_field(&data, buffer);
    machine_event(log, 10, type, buffer_slice(&data));
}

static void test_what_linux_measured(void **)
{
    CLEANUP(buffer_done) struct buffer log = machine_log();
    CLEANUP(json_done) json_t *events = NULL;
    CLEANUP(boot_facts_done) struct boot_facts facts = {};
    add_measurement(&log, TPM_EVENT_IMA, SLICE_LITERAL("/usr/bin/cat\0"), (struct slice){});
    add_measurement(&log, TPM_EVENT_IMA_BUFFER, SLICE_LITERAL("kernel_version\0"), SLICE_LITERAL("6.1.0\0"));
    add_measurement(&log, TPM_EVENT_IMA_BUFFER, SLICE_LITERAL(".builtin_trusted_keys\0"),
                    buffer_slice(&machine()->aik_cert));
    add_measurement(&log, TPM_EVENT_IMA_BUFFER, SLICE_LITERAL("cmdline\0"), SLICE_LITERAL("quiet"));
    machine_event(&log, 10, TPM_EVENT_IMA, SLICE_LITERAL("no fields"));
    add_measurement(&log, TPM_EVENT_IMA_BUFFER, SLICE_LITERAL("without a buffer\0"), (struct slice){});
    assert_ok(read_log(&log, 0xffffff, NULL, &facts, &events));
    const json_t *data[6];
    for (size_t i = 0; i < 6; i++) data[i] = json_object_get(event_of(events, i), "ProcessedData");
    assert_string_equal(json_string_value(json_object_get(event_of(events, 1), "EventTypeString")),
                        "IMA_MEASUREMENT_EVENT");
    assert_int_equal(json_integer_value(json_object_get(event_of(events, 1), "EventType")), 0x14);
    assert_string_equal(json_string_value(json_object_get(data[0], "Name")), "/usr/bin/cat");
    assert_string_equal(json_string_value(json_object_get(data[0], "HashAlgorithm")), "sha256");
    assert_string_equal(json_string_value(json_object_get(data[0], "Digest")), "010203");
    assert_string_equal(json_string_value(json_object_get(data[1], "KernelVersion")), "6.1.0");
    assert_string_equal(json_string_value(json_object_get(data[2], "Keyring")), ".builtin_trusted_keys");
    assert_string_equal(json_string_value(json_object_get(data[2], "CertificateSubject")), "AIK");
    assert_string_equal(json_string_value(json_object_get(data[3], "RawData")), "cXVpZXQ");
    assert_null(data[4]);
    assert_null(data[5]);
}

static void test_events_of_pcrs_that_nothing_proves_are_not_told(void **)
{
    CLEANUP(buffer_done) struct buffer log = machine_log();
    CLEANUP(json_done) json_t *events = NULL;
    CLEANUP(boot_facts_done) struct boot_facts facts = {};
    machine_event(&log, 4, 5, SLICE_LITERAL("proven"));
    machine_event(&log, 5, 5, SLICE_LITERAL("said"));
    assert_ok(read_log(&log, 0x10, NULL, &facts, &events));
    assert_int_equal(json_array_size(json_object_get(events, "Events")), 1);
    assert_int_equal(json_integer_value(json_object_get(event_of(events, 0), "PcrIndex")), 4);
}

static void test_more_text_than_a_claim_holds(void **)
{
    CLEANUP(buffer_done) struct buffer log = machine_log(), elements = buffer_of_maximum(1 << 20);
    CLEANUP(boot_facts_done) struct boot_facts facts = {};
    struct refusal why = {};
    for (int i = 0; i < 60; i++) {
        CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(16384);
        uint8_t *at;
        assert_ok(buffer_extend(&text, 8000, &at));
        machine_event(&log, 14, 6, buffer_slice(&text));
    }
    assert_refused(read_log(&log, 0xffffff, &why, &facts, NULL), ERR_TOO_LARGE, &why, "logs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secure_boot_is_the_variable_of_the_firmware),
        cmocka_unit_test(test_a_variable_of_another_pcr_is_nobodys_word),
        cmocka_unit_test(test_two_answers_are_none),
        cmocka_unit_test(test_behind_the_separator_anybody_extends),
        cmocka_unit_test(test_a_separator_under_another_type_is_one),
        cmocka_unit_test(test_behind_hidden_data_nothing_is_known),
        cmocka_unit_test(test_doctored_values_are_not_told),
        cmocka_unit_test(test_a_secure_boot_variable_under_another_type_is_refused),
        cmocka_unit_test(test_windows_flags),
        cmocka_unit_test(test_another_system_is_not_windows_out_of_safe_mode),
        cmocka_unit_test(test_what_is_measured_twice_must_agree),
        cmocka_unit_test(test_windows_pcrs_must_be_explained),
        cmocka_unit_test(test_what_follows_the_loader_is_not_its_word),
        cmocka_unit_test(test_a_trust_boundary_under_another_type_is_refused),
        cmocka_unit_test(test_hidden_data_beside_trust_boundaries_are_refused),
        cmocka_unit_test(test_identity_keys_that_are_none),
        cmocka_unit_test(test_elements_that_repeat_are_lists),
        cmocka_unit_test(test_bytes_that_are_no_elements_are_told_raw),
        cmocka_unit_test(test_boot_variables_and_actions),
        cmocka_unit_test(test_what_linux_measured),
        cmocka_unit_test(test_events_of_pcrs_that_nothing_proves_are_not_told),
        cmocka_unit_test(test_more_text_than_a_claim_holds),
    };
    return cmocka_run_group_tests_name("attestation/tpm/events", tests, NULL, NULL);
}
