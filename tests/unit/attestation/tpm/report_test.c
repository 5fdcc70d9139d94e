/* SPDX-License-Identifier: Apache-2.0
 *
 * tpm_report_verify and what comes of it: requests of both forms, and a test for everything that makes one unusable.
 */
#include "policy/policy.h"
#include "tpm_requests.h"

static const struct tpm_rules *rules(void)
{
    static struct tpm_rules made;
    made = (struct tpm_rules){.roots = machine()->roots, .require_valid_aik_cert = true, .required_pcr_mask = 0xffffff};
    return &made;
}

static enum status verify_by(const struct tpm_rules *by, const struct machine_request *options, struct refusal *why,
                             struct tpm_report **report_out)
{
    CLEANUP(buffer_done) struct buffer message = machine_message(options);
    return tpm_report_verify(buffer_slice(&message), by, MACHINE_NOW_S, why, report_out);
}

static struct tpm_report *verified(const struct machine_request *options)
{
    struct tpm_report *report = NULL;
    struct refusal why = {};
    const enum status status = verify_by(rules(), options, &why, &report);
    if (status != OK) print_error("%s: %s, expected %s\n", why.field, why.seen, why.expected);
    assert_ok(status);
    return report;
}

static void refused_at(const struct machine_request *options, enum status status, const char *field, int line)
{
    struct tpm_report *report = NULL;
    struct refusal why = {};
    assert_refused_at(verify_by(rules(), options, &why, &report), status, &why, field, __FILE__, line);
}
#define refused(options, status, field) refused_at(&(struct machine_request)options, status, field, __LINE__)
#define WITH(...)                                                                                                      \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }

static struct claim_set *claims_of(const struct tpm_report *report)
{
    struct claim_set *set;
    assert_ok(claim_set_new(&set));
    assert_ok(tpm_report_claims(report, "https://attest.example", NULL, set));
    return set;
}

static void assert_boolean_at(const struct claim_set *set, const char *type, bool value, int line)
{
    const struct claim *const claim = claim_set_find(set, type);
    if (claim != NULL && claim->value.type == CLAIM_BOOLEAN && claim->value.boolean == value &&
        claim->issuer == CLAIM_OF_SERVICE)
        return;
    print_error("%s:%d: %s is not %d\n", __FILE__, line, type, value);
    _fail(__FILE__, line);
}
#define assert_boolean(set, type, value) assert_boolean_at(set, type, value, __LINE__)

static struct slice text_of(const struct claim_set *set, const char *type)
{
    const struct claim *const claim = claim_set_find(set, type);
    assert_non_null(claim);
    assert_int_equal(claim->value.type, CLAIM_STRING);
    return claim->value.text;
}

static int64_t integer_of(const struct claim_set *set, const char *type)
{
    const struct claim *const claim = claim_set_find(set, type);
    assert_non_null(claim);
    assert_int_equal(claim->value.type, CLAIM_INTEGER);
    return claim->value.integer;
}

static json_t *json_of(const struct claim_set *set, const char *type)
{
    json_t *value;
    assert_ok(json_parse(text_of(set, type), CLAIM_TEXT_MAX_BYTES, NULL, &value));
    return value;
}

/* ---- good requests ---- */

static void test_a_good_machine_has_all_claims(void **)
{
    CLEANUP(tpm_report_cleanup) struct tpm_report *report = verified(&(struct machine_request){});
    struct claim_set *const set = claims_of(report);
    static const char *const yes[] = {"aikValidated", "secureBootEnabled", "iommuEnabled", "bootDebuggingDisabled",
                                      "notSafeMode",  "notWinPE",          "vbsEnabled"};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) assert_boolean(set, yes[i], true);
    assert_boolean(set, "vbsReportPresent", false);
    assert_int_equal(integer_of(set, "tpmVersion"), 2);
    assert_int_equal(text_of(set, "aikPubHash").size, 44);
    assert_null(claim_set_find(set, "enclaveAuthorId"));
    assert_null(claim_set_find(set, "bootEvents"));
    assert_null(claim_set_find(set, "x-ms-tpm-other-keys"));
    assert_false(claim_set_find(set, "events")->read_only);
    assert_true(claim_set_find(set, "pcrs")->read_only);
    claim_set_free(set);
}

static void test_the_token_confirms_the_request_key(void **)
{
    CLEANUP(tpm_report_cleanup) struct tpm_report *report = verified(&(struct machine_request){});
    const struct tpm_report_token token = tpm_report_token(report);
    CLEANUP(json_done) json_t *confirmation = NULL, *key = NULL;
    assert_ok(json_parse(token.confirmation, 8192, NULL, &confirmation));
    assert_ok(json_parse(token.request_key, 8192, NULL, &key));
    assert_true(slice_equal_text(token.rp_data, "bm9uY2U"));
    assert_int_equal(token.other_keys.size, 0);
    assert_true(json_equal(json_object_get(confirmation, "jwk"), json_object_get(key, "jwk")));
    json_t *const quote = json_object_get(json_object_get(key, "info"), "tpm_quote");
    assert_string_equal(json_string_value(json_object_get(quote, "hash_alg")), "sha-256");
}

static void test_events_and_pcrs_are_told_as_policies_ask_for_them(void **)
{
    CLEANUP(tpm_report_cleanup) struct tpm_report *report = verified(&(struct machine_request){});
    struct claim_set *const set = claims_of(report);
    CLEANUP(json_done) json_t *events = json_of(set, "events"), *pcrs = json_of(set, "pcrs");
    json_t *const list = json_object_get(events, "Events");
    assert_int_equal(json_array_size(list), 9);
    json_t *const secure_boot = json_array_get(list, 1), *const data = json_object_get(secure_boot, "ProcessedData");
    assert_string_equal(json_string_value(json_object_get(secure_boot, "EventTypeString")),
                        "EV_EFI_VARIABLE_DRIVER_CONFIG");
    assert_int_equal(json_integer_value(json_object_get(secure_boot, "EventSeq")), 1);
    assert_int_equal(json_integer_value(json_object_get(secure_boot, "PcrIndex")), 7);
    assert_string_equal(json_string_value(json_object_get(data, "VariableGuid")),
                        "8BE4DF61-93CA-11D2-AA0D-00E098032B8C");
    assert_string_equal(json_string_value(json_object_get(data, "UnicodeName")), "SecureBoot");
    assert_string_equal(json_string_value(json_object_get(data, "VariableData")), "AQ");
    assert_null(json_object_get(json_array_get(list, 0), "ProcessedData")); /* a form that is not read */
    json_t *const boundary =
        json_object_get(json_object_get(json_array_get(list, 6), "ProcessedData"), "EVENT_TRUSTBOUNDARY");
    json_t *const module = json_array_get(json_object_get(boundary, "EVENT_LOADEDMODULE_AGGREGATION"), 0);
    assert_true(json_is_true(json_object_get(boundary, "EVENT_CODEINTEGRITY")));
    assert_true(json_is_false(json_object_get(boundary, "EVENT_SAFEMODE")));
    assert_string_equal(json_string_value(json_object_get(module, "EVENT_FILEPATH")), "\\W");
    json_t *const first =
        json_object_get(json_object_get(json_array_get(list, 5), "ProcessedData"), "EVENT_TRUSTBOUNDARY");
    json_t *const hvci = json_object_get(first, "EVENT_VBS_HVCI_POLICY");
    assert_string_equal(json_string_value(json_object_get(hvci, "String")), "HypervisorEnforcedCodeIntegrityEnable");
    assert_int_equal(json_integer_value(json_object_get(hvci, "Value")), 1);
    assert_int_equal(json_integer_value(json_object_get(first, "EVENT_APPLICATION_SVN")), 1);
    assert_int_equal(json_array_size(json_object_get(pcrs, "PCRs")), 24);
    const char *const digest = json_string_value(
        json_object_get(json_object_get(json_array_get(json_object_get(pcrs, "PCRs"), 0), "Digests"), "SHA256"));
    assert_int_equal(strlen(digest), 64);
    claim_set_free(set);
}

static void test_quotes_over_two_banks(void **)
{
    CLEANUP(tpm_report_cleanup) struct tpm_report *report = verified(&(struct machine_request){.two_banks = true});
    struct claim_set *const set = claims_of(report);
    assert_boolean(set, "secureBootEnabled", true);
    CLEANUP(json_done) json_t *pcrs = json_of(set, "pcrs");
    json_t *const digests = json_object_get(json_array_get(json_object_get(pcrs, "PCRs"), 7), "Digests");
    assert_int_equal(strlen(json_string_value(json_object_get(digests, "SHA1"))), 40);
    assert_int_equal(strlen(json_string_value(json_object_get(digests, "SHA256"))), 64);
    claim_set_free(set);
}

static void test_certified_keys(void **)
{
    CLEANUP(buffer_done)
    struct buffer others = buffer_of_maximum(16384), loose = machine_jwk(machine()->ecc),
                  second = machine_jwk(machine()->other);
    struct machine_request options = {.binding = MACHINE_BOUND_BY_CERTIFY, .aik = machine()->aik};
    assert_ok(buffer_append_format(&others, "[{\"jwk\":%.*s},{\"jwk\":%.*s,\"info\":", (int)loose.size, loose.bytes,
                                   (int)second.size, second.bytes));
    machine_certify(&others, machine()->other, &options);
    assert_ok(buffer_append_text(&others, "}]"));
    assert_ok(buffer_text(&others, &options.others));
    CLEANUP(tpm_report_cleanup) struct tpm_report *report = verified(&options);
    struct claim_set *const set = claims_of(report);
    CLEANUP(json_done) json_t *key = json_of(set, "x-ms-tpm-request-key"), *list = json_of(set, "x-ms-tpm-other-keys");
    json_t *const certify = json_object_get(json_object_get(key, "info"), "tpm_certify");
    assert_int_equal(json_integer_value(json_object_get(certify, "name_alg")), 11);
    assert_int_equal(json_integer_value(json_object_get(certify, "obj_attr")), 0x00040072);
    assert_null(json_object_get(certify, "auth_policy"));
    assert_int_equal(json_array_size(list), 2);
    assert_null(json_object_get(json_array_get(list, 0), "info"));
    assert_non_null(json_object_get(json_object_get(json_array_get(list, 1), "info"), "tpm_certify"));
    claim_set_free(set);
}

static void test_the_state_before_sleep(void **)
{
    CLEANUP(tpm_report_cleanup) struct tpm_report *report = verified(&(struct machine_request){.has_boot = true});
    struct claim_set *const set = claims_of(report);
    CLEANUP(json_done) json_t *events = json_of(set, "bootEvents");
    assert_int_equal(json_array_size(json_object_get(events, "Events")), 9);
    claim_set_free(set);
}

static void test_an_enclave(void **)
{
    for (int v1 = 0; v1 < 2; v1++) {
        CLEANUP(tpm_report_cleanup)
        struct tpm_report *report = verified(&(struct machine_request){.is_vbs = true, .is_v1 = v1 == 1});
        struct claim_set *const set = claims_of(report);
        assert_boolean(set, "vbsReportPresent", true);
        assert_true(slice_equal_text(text_of(set, "enclaveOwnerId"), "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"));
        assert_true(slice_equal_text(text_of(set, "enclaveAuthorId"), "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM"));
        assert_true(slice_equal_text(text_of(set, "enclaveFamilyId"), "BAQEBAQEBAQEBAQEBAQEBA"));
        assert_true(slice_equal_text(text_of(set, "enclaveImageId"), "BQUFBQUFBQUFBQUFBQUFBQ"));
        assert_int_equal(integer_of(set, "enclaveSvn"), 6);
        assert_int_equal(integer_of(set, "enclavePlatformSvn"), 8);
        assert_int_equal(integer_of(set, "enclaveFlags"), 9);
        assert_true(tpm_report_token(report).confirmation.size > 0);
        claim_set_free(set);
    }
}

static void test_the_first_form_confirms_no_key_that_nothing_binds(void **)
{
    CLEANUP(tpm_report_cleanup) struct tpm_report *loose = verified(&(struct machine_request){.is_v1 = true});
    assert_int_equal(tpm_report_token(loose).confirmation.size, 0);
    assert_int_equal(tpm_report_token(loose).request_key.size, 0);
    CLEANUP(tpm_report_cleanup)
    struct tpm_report *own = verified(&(struct machine_request){.is_v1 = true, .key = machine()->aik});
    assert_true(tpm_report_token(own).confirmation.size > 0);
}

static void test_a_machine_that_resumed_tells_its_present_state(void **)
{
    CLEANUP(tpm_report_cleanup)
    struct tpm_report *report = verified(&(struct machine_request){
        .is_v1 = true, .resumed = true, .nonce = machine_challenge(&(struct machine_request){})});
    struct claim_set *const set = claims_of(report);
    assert_boolean(set, "vbsEnabled", false); /* what the boot log says is told as bootEvents */
    CLEANUP(json_done) json_t *boot = json_of(set, "bootEvents"), *now = json_of(set, "events");
    assert_int_equal(json_array_size(json_object_get(boot, "Events")), 9);
    assert_int_equal(json_array_size(json_object_get(now, "Events")), 1);
    claim_set_free(set);
}

static void test_custom_claims(void **)
{
    CLEANUP(tpm_report_cleanup)
    struct tpm_report *report = verified(&(struct machine_request){
        .members = "\"custom_claims\":[{\"name\":\"a\",\"value\":\"x y\",\"value_type\":\"String\"},"
                   "{\"name\":\"b\",\"value\":\"-12\",\"value_type\":\"Integer\"},"
                   "{\"name\":\"c\",\"value\":\"true\",\"value_type\":\"Boolean\"}]"});
    struct claim_set *const set = claims_of(report);
    assert_true(slice_equal_text(text_of(set, "https://attest.example/a"), "x y"));
    assert_int_equal(integer_of(set, "https://attest.example/b"), -12);
    const struct claim *const flag = claim_set_find(set, "https://attest.example/c");
    assert_true(flag->value.type == CLAIM_BOOLEAN && flag->value.boolean);
    assert_int_equal(flag->issuer, CLAIM_OF_CLIENT);
    claim_set_free(set);
}

static void test_fewer_pcrs_if_the_policy_asks_for_fewer(void **)
{
    const struct tpm_rules some = {
        .roots = machine()->roots, .require_valid_aik_cert = true, .required_pcr_mask = 0x80};
    CLEANUP(tpm_report_cleanup) struct tpm_report *report = NULL;
    assert_ok(verify_by(&some, &(struct machine_request){.selection = 0x80}, NULL, &report));
    struct claim_set *const set = claims_of(report);
    assert_boolean(set, "secureBootEnabled", true);
    assert_boolean(set, "bootDebuggingDisabled", false); /* events of PCRs that are not quoted prove nothing */
    assert_boolean(set, "notSafeMode", false);
    CLEANUP(json_done) json_t *events = json_of(set, "events");
    assert_int_equal(json_array_size(json_object_get(events, "Events")), 3);
    claim_set_free(set);
}

static void test_an_aik_without_certificate_if_the_policy_allows(void **)
{
    const struct tpm_rules lax = {.roots = NULL, .require_valid_aik_cert = false, .required_pcr_mask = 0xffffff};
    CLEANUP(tpm_report_cleanup) struct tpm_report *report = NULL;
    assert_ok(verify_by(&lax, &(struct machine_request){.no_certificate = true}, NULL, &report));
    struct claim_set *const set = claims_of(report);
    assert_boolean(set, "aikValidated", false);
    claim_set_free(set);
}

/* ---- the JWS ---- */

static void test_the_jws_header(void **)
{
    refused(WITH(.header = "{\"alg\":\"RS256\",\"typ\":\"attReqV2\"}"), ERR_TOKEN_ALGORITHM, "header.alg");
    refused(WITH(.header = "{\"alg\":\"none\",\"typ\":\"attReqV2\"}"), ERR_TOKEN_ALGORITHM, "header.alg");
    refused(WITH(.header = "{\"alg\":\"PS256\",\"typ\":\"JWT\"}"), ERR_TOKEN_TYPE, "header.typ");
    refused(WITH(.header = "{\"alg\":\"PS256\",\"typ\":\"attReqV2\",\"crit\":[]}"), ERR_TOKEN_MALFORMED, "header.crit");
    refused(WITH(.header = "{\"typ\":\"attReqV2\"}"), ERR_FIELD_MISSING, "header.alg");
    refused(WITH(.header = "{\"alg\":\"PS256\"}"), ERR_FIELD_MISSING, "header.typ");
}

static void test_the_jws_is_signed_by_the_attested_key(void **)
{
    refused(WITH(.signer = machine()->other), ERR_TOKEN_SIGNATURE, "signature");
    refused(WITH(.key = machine()->ecc, .signer = machine()->other), ERR_TOKEN_ALGORITHM, "request_key.jwk.kty");
}

static enum status verify_text(const char *message, struct refusal *why)
{
    struct tpm_report *report = NULL;
    return tpm_report_verify(slice_of_text(message), rules(), MACHINE_NOW_S, why, &report);
}

static void test_messages_that_are_none(void **)
{
    struct refusal why = {};
    assert_refused(verify_text("{\"payload\":{\"request\":\"a.b\"}}", &why), ERR_TOKEN_MALFORMED, &why, "request");
    assert_refused(verify_text("{\"payload\":{\"request\":\"a.b.c.d\"}}", &why), ERR_TOKEN_MALFORMED, &why, "request");
    assert_refused(verify_text("{\"payload\":{\"request\":\"!.b.c\"}}", &why), ERR_TOKEN_MALFORMED, &why, "header");
    assert_refused(verify_text("{\"payload\":{\"request\":\"eyJhbGciOiJQUzI1NiIsInR5cCI6ImF0dFJlcSJ9.!.c\"}}", &why),
                   ERR_TOKEN_MALFORMED, &why, "signature");
    assert_refused(verify_text("{\"payload\":{\"request\":\"eyJhbGciOiJQUzI1NiIsInR5cCI6ImF0dFJlcSJ9.!.AAAA\"}}", &why),
                   ERR_TOKEN_MALFORMED, &why, "payload");
    assert_refused(verify_text("{\"payload\":{\"request\":1}}", &why), ERR_FIELD_TYPE, &why, "payload.request");
    assert_refused(verify_text("{\"payload\":{\"type\":\"aikcert\"}}", &why), ERR_FIELD_MISSING, &why,
                   "payload.request");
}

/* ---- members ---- */

static void test_members(void **)
{
    refused(WITH(.find = "\"att_type\":\"basic\"", .put = "\"att_type\":\"other\""), ERR_FIELD_VALUE, "att_type");
    refused(WITH(.find = "\"att_type\"", .put = "\"x\""), ERR_FIELD_MISSING, "att_type");
    refused(WITH(.find = "\"att_data\"", .put = "\"x\""), ERR_FIELD_MISSING, "att_data");
    refused(WITH(.is_vbs = true, .find = "\"report_signed\"", .put = "\"x\""), ERR_FIELD_MISSING,
            "att_data.report_signed");
    refused(WITH(.is_vbs = true, .find = "\"vsm_report\"", .put = "\"x\""), ERR_FIELD_MISSING, "att_data.vsm_report");
    refused(WITH(.is_vbs = true, .is_v1 = true, .find = "\"vsm_report\"", .put = "\"x\""), ERR_FIELD_MISSING,
            "att_data.vsm_report");
    refused(WITH(.is_vbs = true, .find = "\"enclave\"", .put = "\"x\""), ERR_FIELD_MISSING, "vsm_report.enclave");
    refused(WITH(.find = "\"challenge\"", .put = "\"x\""), ERR_FIELD_MISSING, "att_data.challenge");
    refused(WITH(.find = "\"service_context\"", .put = "\"x\""), ERR_FIELD_MISSING, "att_data.service_context");
    refused(WITH(.find = "\"bm9uY2U\"", .put = "\"!\""), ERR_FIELD_VALUE, "att_data.rp_data");
    refused(WITH(.find = "\"bm9uY2U\"", .put = "7"), ERR_FIELD_TYPE, "att_data.rp_data");
    refused(WITH(.find = "\"tpm_att_data\"", .put = "\"x\""), ERR_FIELD_MISSING, "att_data.tpm_att_data");
    refused(WITH(.find = "\"current_attestation\"", .put = "\"x\""), ERR_FIELD_MISSING,
            "tpm_att_data.current_attestation");
    refused(WITH(.find = "\"request_key\"", .put = "\"x\""), ERR_FIELD_MISSING, "att_data.request_key");
    refused(WITH(.is_v1 = true, .find = "\"attest_key\"", .put = "\"x\""), ERR_FIELD_MISSING, "att_data.attest_key");
    refused(WITH(.find = "\"aik_pub\"", .put = "\"x\""), ERR_FIELD_MISSING, "current_attestation.aik_pub");
    refused(WITH(.find = "\"kty\": \"RSA\"", .put = "\"kty\": \"XYZ\""), ERR_UNSUPPORTED,
            "current_attestation.aik_pub.kty");
    refused(WITH(.has_boot = true, .find = "\"boot_attestation\":{", .put = "\"boot_attestation\":7,\"x\":{"),
            ERR_FIELD_TYPE, "tpm_att_data.boot_attestation");
}

static void test_logs(void **)
{
    refused(WITH(.find = "\"logs\"", .put = "\"x\""), ERR_FIELD_MISSING, "current_attestation.logs");
    refused(WITH(.find = "\"TCG\"", .put = "\"IMA\""), ERR_TPM_EVENT_LOG, "ima_log.digest");
    refused(WITH(.find = "\"TCG\"", .put = "\"XYZ\""), ERR_FIELD_VALUE, "current_attestation.logs[0].type");
    refused(WITH(.find = "\"log\":", .put = "\"x\":"), ERR_FIELD_MISSING, "current_attestation.logs[0].log");
    refused(WITH(.find = "[{\"type\":\"TCG\"", .put = "[{},{},{},{},{},{},{},{},{\"type\":\"TCG\""), ERR_FIELD_VALUE,
            "current_attestation.logs");
    refused(WITH(.find = "\"log\":\"", .put = "\"log\":\"bm8gbG9n\",\"x\":\""), ERR_TPM_EVENT_LOG,
            "event_log.pcrIndex");
}

static void test_pcrs(void **)
{
    refused(WITH(.find = "\"pcrs\"", .put = "\"x\""), ERR_FIELD_MISSING, "current_attestation.pcrs");
    refused(WITH(.find = "\"algorithm\":11", .put = "\"algorithm\":18"), ERR_TPM_PCR,
            "current_attestation.pcrs[0].algorithm");
    refused(WITH(.two_banks = true, .find = "\"algorithm\":4", .put = "\"algorithm\":11"), ERR_TPM_PCR,
            "current_attestation.pcrs[0].values[0].digest");
    refused(WITH(.find = "\"pcrs\":[", .put = "\"pcrs\":[{\"algorithm\":11,\"values\":[]},"), ERR_TPM_PCR,
            "current_attestation.pcrs[1].algorithm");
    refused(WITH(.find = "\"index\":1,", .put = "\"index\":0,"), ERR_TPM_PCR,
            "current_attestation.pcrs[0].values[1].index");
    refused(WITH(.find = "\"index\":1,", .put = "\"index\":24,"), ERR_FIELD_VALUE,
            "current_attestation.pcrs[0].values[1].index");
    refused(WITH(.find = "\"algorithm\":11", .put = "\"algorithm\":13"), ERR_TPM_PCR,
            "current_attestation.pcrs[0].values[0].digest");
}

static void test_custom_claims_that_are_none(void **)
{
    static const char *const bad[] = {
        "\"custom_claims\":[{\"name\":\"a\",\"value\":\"x\",\"value_type\":\"Integer\"}]",
        "\"custom_claims\":[{\"name\":\"a\",\"value\":\"-\",\"value_type\":\"Integer\"}]",
        "\"custom_claims\":[{\"name\":\"a\",\"value\":\"1234567890123456789\",\"value_type\":\"Integer\"}]",
        "\"custom_claims\":[{\"name\":\"a\",\"value\":\"yes\",\"value_type\":\"Boolean\"}]",
        "\"custom_claims\":[{\"name\":\"a\",\"value\":\"x\",\"value_type\":\"Float\"}]",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refused(WITH(.members = bad[i]), ERR_FIELD_VALUE, "custom_claims[0]");
    refused(WITH(.members = "\"custom_claims\":[{\"value\":\"x\",\"value_type\":\"String\"}]"), ERR_FIELD_MISSING,
            "custom_claims[0].name");
    refused(WITH(.members = "\"custom_claims\":{}"), ERR_FIELD_TYPE, "att_data.custom_claims");
}

/* ---- keys ---- */

static void test_a_request_key_must_be_bound(void **)
{
    refused(WITH(.binding = MACHINE_NOT_BOUND), ERR_TPM_KEY, "request_key.info");
    refused(WITH(.find = "\"sha-256\"", .put = "\"sha-1\""), ERR_UNSUPPORTED, "request_key.info.tpm_quote.hash_alg");
    refused(WITH(.find = "\"tpm_quote\":{", .put = "\"tpm_certify\":{},\"tpm_quote\":{"), ERR_FIELD_VALUE,
            "request_key.info");
    refused(WITH(.binding = MACHINE_BOUND_BY_CERTIFY, .find = "\"public\"", .put = "\"x\""), ERR_FIELD_MISSING,
            "request_key.info.tpm_certify.public");
}

static void test_the_quote_names_key_and_challenge(void **)
{
    refused(WITH(.nonce = SLICE_LITERAL("0123456789abcdef0123456789abcdef")), ERR_TPM_NONCE, "attest.extraData");
    refused(WITH(.is_v1 = true, .nonce = SLICE_LITERAL("another challenge")), ERR_TPM_NONCE, "attest.extraData");
    refused(WITH(.binding = MACHINE_BOUND_BY_CERTIFY, .nonce = SLICE_LITERAL("another")), ERR_TPM_NONCE,
            "attest.extraData");
    /* The same key in other words: the text that was quoted is what counts. */
    refused(WITH(.find = "\"request_key\":{\"jwk\":{ \"kty\"", .put = "\"request_key\":{\"jwk\":{\"kty\""),
            ERR_TPM_NONCE, "attest.extraData");
}

static void test_an_empty_challenge_binds_nothing(void **)
{
    refused(WITH(.is_v1 = true, .find = "\"challenge\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"",
                 .put = "\"challenge\":\"=\""),
            ERR_FIELD_VALUE, "att_data.challenge");
}

static void test_other_keys(void **)
{
    CLEANUP(buffer_done)
    struct buffer jwk = machine_jwk(machine()->ecc), quoted = buffer_of_maximum(4096), many = buffer_of_maximum(4096);
    const char *text;
    assert_ok(buffer_append_format(&quoted, "[{\"jwk\":%.*s,\"info\":{\"tpm_quote\":{\"hash_alg\":\"sha-256\"}}}]",
                                   (int)jwk.size, jwk.bytes));
    assert_ok(buffer_text(&quoted, &text));
    refused(WITH(.others = text), ERR_FIELD_VALUE, "att_data.other_keys[0].info");
    assert_ok(buffer_append_format(&many, "[{},{},{}]"));
    assert_ok(buffer_text(&many, &text));
    refused(WITH(.others = text), ERR_FIELD_VALUE, "att_data.other_keys");
    refused(WITH(.others = "[{}]"), ERR_FIELD_MISSING, "att_data.other_keys[0].jwk");
}

static void another_name(struct buffer *attest)
{
    attest->bytes[attest->size - 1 - 36] ^= 1;
}

static void another_nonce(struct buffer *attest)
{
    attest->bytes[44] ^= 1;
}

static void a_quote(struct buffer *attest)
{
    attest->bytes[5] = 0x18;
}

static void longer(struct buffer *attest)
{
    assert_ok(buffer_append_u8(attest, 0));
}

static void keyed_hash(struct test_public *area)
{
    area->type = 0x0008;
}

static void name_by_sha1(struct test_public *area)
{
    area->name_algorithm = 0x0004;
}

static void test_certified_keys_that_are_not(void **)
{
    refused(WITH(.binding = MACHINE_BOUND_BY_CERTIFY, .certification = another_name), ERR_TPM_KEY,
            "certification.name");
    refused(WITH(.binding = MACHINE_BOUND_BY_CERTIFY, .certification = another_nonce), ERR_TPM_NONCE,
            "certification.extraData");
    refused(WITH(.binding = MACHINE_BOUND_BY_CERTIFY, .certification = a_quote), ERR_TPM_MALFORMED, "attest.type");
    refused(WITH(.binding = MACHINE_BOUND_BY_CERTIFY, .certification = longer), ERR_TRAILING_BYTES, "attest");
    refused(WITH(.binding = MACHINE_BOUND_BY_CERTIFY, .public_area = keyed_hash), ERR_TPM_KEY, "public.type");
    refused(WITH(.binding = MACHINE_BOUND_BY_CERTIFY, .public_area = name_by_sha1), ERR_TPM_KEY, "public.nameAlg");
}

static void test_a_key_certified_for_another(void **)
{
    CLEANUP(buffer_done) struct buffer jwk = machine_jwk(machine()->ecc), others = buffer_of_maximum(16384);
    struct machine_request options = {.aik = machine()->aik};
    assert_ok(buffer_append_format(&others, "[{\"jwk\":%.*s,\"info\":", (int)jwk.size, jwk.bytes));
    machine_certify(&others, machine()->other, &options);
    assert_ok(buffer_append_text(&others, "}]"));
    assert_ok(buffer_text(&others, &options.others));
    refused_at(&options, ERR_TPM_KEY, "other_keys[0].info.tpm_certify.public", __LINE__);
}

static void test_a_key_certified_by_another_aik(void **)
{
    CLEANUP(buffer_done) struct buffer jwk = machine_jwk(machine()->key), others = buffer_of_maximum(16384);
    struct machine_request options = {.aik = machine()->other};
    assert_ok(buffer_append_format(&others, "[{\"jwk\":%.*s,\"info\":", (int)jwk.size, jwk.bytes));
    machine_certify(&others, machine()->key, &options);
    assert_ok(buffer_append_text(&others, "}]"));
    options.aik = machine()->aik;
    assert_ok(buffer_text(&others, &options.others));
    refused_at(&options, ERR_TPM_SIGNATURE, "signature", __LINE__);
}

/* ---- quotes ---- */

static void test_quotes_that_are_none(void **)
{
    struct tpm_pcrs other = test_tpm_pcrs(TPM_HASH_SHA256);
    refused(WITH(.quote_key = machine()->other), ERR_TPM_SIGNATURE, "signature");
    refused(WITH(.quote_key = machine()->ecc), ERR_TPM_KEY, "key");
    refused(WITH(.pcrs = &other), ERR_TPM_PCR, "attest.pcrDigest");
    refused(WITH(.selection = 0x7fffff), ERR_TPM_PCR, "attest.pcrSelect");
    refused(WITH(.find = "\"quote\"", .put = "\"x\""), ERR_FIELD_MISSING, "current_attestation.quote");
    refused(WITH(.attest = longer), ERR_TRAILING_BYTES, "attest");
}

/* Of the quote when the machine booted alone. */
static void later_clock(struct buffer *attest)
{
    if (attest->bytes[ATTEST_NONCE + 1] == 14) attest->bytes[ATTEST_CLOCK + 14 + 6] ^= 0xff;
}

static void later_reset(struct buffer *attest)
{
    if (attest->bytes[ATTEST_NONCE + 1] == 14) attest->bytes[ATTEST_CLOCK + 14 + 8 + 3] = 9;
}

static void test_the_state_before_sleep_is_of_the_same_tpm_and_earlier(void **)
{
    refused(WITH(.has_boot = true, .boot_aik = machine()->other), ERR_TPM_KEY, "boot_attestation.aik_pub");
    refused(WITH(.has_boot = true, .attest = later_reset), ERR_TPM_MALFORMED, "boot_attestation.quote.clockInfo");
    refused(WITH(.has_boot = true, .attest = later_clock), ERR_TPM_MALFORMED, "boot_attestation.quote.clockInfo");
    refused(WITH(.has_boot = true, .find = "\"boot_attestation\":{\"logs\"", .put = "\"boot_attestation\":{\"x\""),
            ERR_FIELD_MISSING, "boot_attestation.logs");
}

/* ---- statements of the first form ---- */

static void test_statements(void **)
{
    refused(WITH(.is_v1 = true, .find = "\"current_claim\":\"QUxQVA", .put = "\"current_claim\":\"QUxQVB"),
            ERR_TPM_MALFORMED, "tpm_att_data.current_claim");
    refused(WITH(.is_v1 = true, .find = "\"current_claim\":\"QUxQVAAAAAALAAAA",
                 .put = "\"current_claim\":\"QUxQVAAAAAAFAAAA"),
            ERR_TPM_PCR, "tpm_att_data.current_claim");
    refused(WITH(.is_v1 = true, .find = "\"current_claim\":\"QUxQVAAAAAALAAAABg",
                 .put = "\"current_claim\":\"QUxQVAAAAAALAAAABw"),
            ERR_TPM_MALFORMED, "tpm_att_data.current_claim");
    refused(WITH(.is_v1 = true, .find = "\"current_claim\":\"", .put = "\"current_claim\":\"QUJD\",\"x\":\""),
            ERR_TPM_MALFORMED, "tpm_att_data.current_claim");
    refused(WITH(.is_v1 = true, .find = "\"current_claim\"", .put = "\"x\""), ERR_FIELD_MISSING,
            "tpm_att_data.current_claim");
}

/* ---- enclaves ---- */

static void another_version(struct buffer *report)
{
    report->bytes[4] = 2;
}

static void another_scheme(struct buffer *report)
{
    report->bytes[8] = 2;
}

static void another_size(struct buffer *report)
{
    report->bytes[0] ^= 1;
}

static void shorter_signature(struct buffer *report)
{
    report->bytes[16] = 0xff;
    report->bytes[17] = 0;
}

static void another_svn(struct buffer *report)
{
    report->bytes[24 + 8 + 64 + 128] ^= 1;
}

static void another_type(struct buffer *report)
{
    report->bytes[24 + 8 + 64 + 128 + 20] = 1;
}

static void another_report_size(struct buffer *report)
{
    report->bytes[24] ^= 1;
}

static void another_report_version(struct buffer *report)
{
    report->bytes[28] = 2;
}

static void cut(struct buffer *report)
{
    buffer_truncate(report, 20);
}

static void test_enclave_reports_that_are_none(void **)
{
    refused(WITH(.is_vbs = true, .package = another_version), ERR_QUOTE_UNSUPPORTED, "vsm_report.Version");
    refused(WITH(.is_vbs = true, .package = another_scheme), ERR_QUOTE_UNSUPPORTED, "vsm_report.SignatureScheme");
    refused(WITH(.is_vbs = true, .package = another_size), ERR_QUOTE_MALFORMED, "vsm_report.PackageSize");
    refused(WITH(.is_vbs = true, .package = shorter_signature), ERR_QUOTE_MALFORMED, "vsm_report.SignatureSize");
    refused(WITH(.is_vbs = true, .package = another_svn), ERR_QUOTE_SIGNATURE, "vsm_report.signature");
    refused(WITH(.is_vbs = true, .package = another_type), ERR_QUOTE_UNSUPPORTED, "vsm_report.EnclaveType");
    refused(WITH(.is_vbs = true, .package = another_report_size), ERR_QUOTE_MALFORMED, "vsm_report.ReportSize");
    refused(WITH(.is_vbs = true, .package = another_report_version), ERR_QUOTE_UNSUPPORTED, "vsm_report.ReportVersion");
    refused(WITH(.is_vbs = true, .package = cut), ERR_QUOTE_MALFORMED, "vsm_report");
    refused(WITH(.is_vbs = true, .identity = machine()->key), ERR_QUOTE_SIGNATURE, "vsm_report.signature");
    refused(WITH(.is_vbs = true, .enclave_over_nothing = true), ERR_REPORT_DATA, "vsm_report.EnclaveData");
}

static void test_an_identity_key_that_was_not_measured(void **)
{
    CLEANUP(buffer_done) struct buffer log = machine_windows_log(NULL);
    refused(WITH(.is_vbs = true, .log = buffer_slice(&log)), ERR_QUOTE_SIGNATURE, "vsm_report.signature");
}

/* ---- properties ---- */

static struct claim_set *property(const char *type, enum claim_value_type kind, int64_t value)
{
    struct claim_set *set;
    assert_ok(claim_set_new(&set));
    if (type == NULL) return set;
    if (kind == CLAIM_INTEGER) assert_ok(claim_set_add_integer(set, type, value, CLAIM_OF_POLICY, NULL));
    if (kind == CLAIM_BOOLEAN) assert_ok(claim_set_add_boolean(set, type, value != 0, CLAIM_OF_POLICY, NULL));
    if (kind == CLAIM_STRING) assert_ok(claim_set_add_text(set, type, SLICE_LITERAL("x"), CLAIM_OF_POLICY, NULL));
    return set;
}

static void test_properties(void **)
{
    struct claim_set *set = property(NULL, CLAIM_STRING, 0);
    struct tpm_rules read;
    int64_t life_s;
    bool omits;
    assert_ok(tpm_rules_of_policy(set, machine()->roots, NULL, &read));
    assert_true(read.require_valid_aik_cert && read.required_pcr_mask == 0xffffff && read.roots == machine()->roots);
    assert_ok(tpm_report_life(set, NULL, &life_s));
    assert_int_equal(life_s, 86400);
    assert_ok(tpm_report_omits_certificate(set, NULL, &omits));
    assert_false(omits);
    claim_set_free(set);
    set = property("require_valid_aik_cert", CLAIM_BOOLEAN, 0);
    assert_ok(tpm_rules_of_policy(set, NULL, NULL, &read));
    assert_false(read.require_valid_aik_cert);
    claim_set_free(set);
    set = property("required_pcr_mask", CLAIM_INTEGER, 0x81);
    assert_ok(tpm_rules_of_policy(set, NULL, NULL, &read));
    assert_int_equal(read.required_pcr_mask, 0x81);
    claim_set_free(set);
    set = property("report_validity_in_minutes", CLAIM_INTEGER, 5);
    assert_ok(tpm_report_life(set, NULL, &life_s));
    assert_int_equal(life_s, 300);
    claim_set_free(set);
    set = property("omit_x5c", CLAIM_BOOLEAN, 1);
    assert_ok(tpm_report_omits_certificate(set, NULL, &omits));
    assert_true(omits);
    claim_set_free(set);
}

static void test_properties_of_another_kind(void **)
{
    static const struct {
        const char *type;
        enum claim_value_type kind;
        int64_t value;
    } bad[] = {
        {"require_valid_aik_cert", CLAIM_STRING, 0},
        {"require_valid_aik_cert", CLAIM_INTEGER, 1},
        {"required_pcr_mask", CLAIM_BOOLEAN, 1},
        {"required_pcr_mask", CLAIM_INTEGER, 0x1000000},
        {"required_pcr_mask", CLAIM_INTEGER, -1},
        {"report_validity_in_minutes", CLAIM_STRING, 0},
        {"report_validity_in_minutes", CLAIM_INTEGER, 0},
        {"report_validity_in_minutes", CLAIM_INTEGER, 525601},
        {"omit_x5c", CLAIM_INTEGER, 1},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct claim_set *const set = property(bad[i].type, bad[i].kind, bad[i].value);
        struct refusal why = {};
        struct tpm_rules read;
        int64_t life_s;
        bool omits;
        char field[96];
        (void)snprintf(field, sizeof(field), "configurationrules.%s", bad[i].type);
        enum status status = tpm_rules_of_policy(set, NULL, &why, &read);
        if (status == OK) status = tpm_report_life(set, &why, &life_s);
        if (status == OK) status = tpm_report_omits_certificate(set, &why, &omits);
        assert_refused(status, ERR_POLICY_VALUE, &why, field);
        claim_set_free(set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_machine_has_all_claims),
        cmocka_unit_test(test_the_token_confirms_the_request_key),
        cmocka_unit_test(test_events_and_pcrs_are_told_as_policies_ask_for_them),
        cmocka_unit_test(test_quotes_over_two_banks),
        cmocka_unit_test(test_certified_keys),
        cmocka_unit_test(test_the_state_before_sleep),
        cmocka_unit_test(test_an_enclave),
        cmocka_unit_test(test_the_first_form_confirms_no_key_that_nothing_binds),
        cmocka_unit_test(test_a_machine_that_resumed_tells_its_present_state),
        cmocka_unit_test(test_custom_claims),
        cmocka_unit_test(test_fewer_pcrs_if_the_policy_asks_for_fewer),
        cmocka_unit_test(test_an_aik_without_certificate_if_the_policy_allows),
        cmocka_unit_test(test_the_jws_header),
        cmocka_unit_test(test_the_jws_is_signed_by_the_attested_key),
        cmocka_unit_test(test_messages_that_are_none),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_pcrs),
        cmocka_unit_test(test_custom_claims_that_are_none),
        cmocka_unit_test(test_a_request_key_must_be_bound),
        cmocka_unit_test(test_the_quote_names_key_and_challenge),
        cmocka_unit_test(test_an_empty_challenge_binds_nothing),
        cmocka_unit_test(test_other_keys),
        cmocka_unit_test(test_certified_keys_that_are_not),
        cmocka_unit_test(test_a_key_certified_for_another),
        cmocka_unit_test(test_a_key_certified_by_another_aik),
        cmocka_unit_test(test_quotes_that_are_none),
        cmocka_unit_test(test_the_state_before_sleep_is_of_the_same_tpm_and_earlier),
        cmocka_unit_test(test_statements),
        cmocka_unit_test(test_enclave_reports_that_are_none),
        cmocka_unit_test(test_an_identity_key_that_was_not_measured),
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_properties_of_another_kind),
    };
    return cmocka_run_group_tests_name("attestation/tpm/report", tests, NULL, NULL);
}
