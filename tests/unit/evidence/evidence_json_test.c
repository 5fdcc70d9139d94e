/* SPDX-License-Identifier: Apache-2.0
 *
 * Evidence of a TPM and of an Azure machine in one JSON text: each form, and what of each is refused.
 */
#include "test_azure.h"

#include "base/json.h"

/* ---- writing ---- */

static json_t *as_base64url(struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(4 << 20);
    assert_ok(base64url_encode(bytes, &text));
    return json_stringn((const char *)text.bytes, text.size);
}

static json_t *as_hex(struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(4 << 20);
    assert_ok(hex_encode(bytes, &text));
    return json_stringn((const char *)text.bytes, text.size);
}

static json_t *as_numbers(struct slice bytes)
{
    json_t *const numbers = json_array();
    for (size_t i = 0; i < bytes.size; i++) json_array_append_new(numbers, json_integer(bytes.bytes[i]));
    return numbers;
}

static struct buffer text_of(const json_t *value)
{
    struct buffer text = buffer_of_maximum(8 << 20);
    assert_ok(json_write(value, &text));
    return text;
}

/* ---- a TPM's ---- */

struct tpm_scene {
    struct key *key;
    struct made_quote made;
    struct buffer area, pcrs, log;
    json_t *text;
};

static void tpm_scene_make(struct tpm_scene *scene, enum key_kind kind)
{
    const struct tpm_pcrs pcrs = test_tpm_pcrs(TPM_HASH_SHA256);
    *scene = (struct tpm_scene){.log = buffer_of_maximum(64)};
    assert_ok(key_generate(kind, 2048, &scene->key));
    scene->made = test_tpm_quote(&(struct test_quote){.key = scene->key});
    scene->area = test_tpm_public(scene->key, &(struct test_public){});
    scene->pcrs = test_tpm_serialized(&pcrs, TEST_TPM_SELECTION);
    assert_ok(buffer_append_text(&scene->log, "log"));
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    const char *pem_text;
    assert_ok(key_public_pem(scene->key, &pem));
    assert_ok(buffer_text(&pem, &pem_text));
    scene->text = json_pack("{s:o,s:o,s:s,s:o,s:o,s:o}", "attest", as_base64url(scene->made.quote.attest), "signature",
                            as_base64url(scene->made.quote.signature), "key", pem_text, "public",
                            as_base64url(buffer_slice(&scene->area)), "pcrs", as_base64url(buffer_slice(&scene->pcrs)),
                            "event_log", as_base64url(buffer_slice(&scene->log)));
}

static void tpm_scene_done(struct tpm_scene *scene)
{
    key_cleanup(&scene->key);
    made_quote_done(&scene->made);
    buffer_done(&scene->area);
    buffer_done(&scene->pcrs);
    buffer_done(&scene->log);
    json_done(&scene->text);
}

static enum status read_tpm(const json_t *value, struct refusal *why, struct tpm_evidence *evidence)
{
    CLEANUP(buffer_done) struct buffer text = text_of(value);
    return tpm_evidence_json(buffer_slice(&text), why, evidence);
}

static void test_a_tpms_evidence_with_all_its_members(void **)
{
    CLEANUP(tpm_scene_done) struct tpm_scene scene;
    CLEANUP(tpm_evidence_done) struct tpm_evidence evidence = {};
    struct tpm_claims claims;
    struct refusal why = {};
    tpm_scene_make(&scene, KEY_P256);
    assert_ok(read_tpm(scene.text, NULL, &evidence));
    assert_slice_equal(evidence.quote.attest, scene.made.quote.attest);
    assert_slice_equal(evidence.quote.signature, scene.made.quote.signature);
    assert_false(evidence.quote.is_bare_rsa);
    assert_slice_equal(evidence.quote.key_public, buffer_slice(&scene.area));
    assert_slice_equal(evidence.quote.event_log, SLICE_LITERAL("log"));
    assert_true(key_equal(evidence.key, scene.key));
    assert_int_equal(evidence.quote.pcrs->known, TEST_TPM_SELECTION);
    /* The key that the text names is not trusted by that. */
    assert_refused(tpm_quote_verify(&evidence.quote, &why, &claims), ERR_TPM_KEY, &why, "key");
    evidence.quote.key = evidence.key;
    evidence.quote.event_log = (struct slice){};
    assert_ok(tpm_quote_verify(&evidence.quote, &why, &claims));
    assert_true(claims.is_key_restricted);
}

static void test_a_tpms_evidence_with_the_least_members(void **)
{
    CLEANUP(tpm_scene_done) struct tpm_scene scene;
    CLEANUP(tpm_evidence_done) struct tpm_evidence evidence = {};
    tpm_scene_make(&scene, KEY_RSA);
    static const char *const optional[] = {"key", "public", "pcrs", "event_log"};
    for (size_t i = 0; i < 4; i++) json_object_del(scene.text, optional[i]);
    json_object_set_new(scene.text, "signature", as_base64url(slice_part(scene.made.quote.signature, 6, 256)));
    assert_ok(read_tpm(scene.text, NULL, &evidence));
    assert_true(evidence.quote.is_bare_rsa);
    assert_null(evidence.key);
    assert_null(evidence.quote.pcrs);
    assert_int_equal(evidence.quote.event_log.size, 0);
    assert_int_equal(evidence.quote.key_public.size, 0);
}

static void test_the_key_of_a_public_area_is_the_key(void **)
{
    CLEANUP(tpm_scene_done) struct tpm_scene scene;
    CLEANUP(tpm_evidence_done) struct tpm_evidence evidence = {};
    tpm_scene_make(&scene, KEY_P256);
    json_object_del(scene.text, "key");
    assert_ok(read_tpm(scene.text, NULL, &evidence));
    assert_true(key_equal(evidence.key, scene.key));
}

static void check_tpm(const char *member, json_t *value, enum status status, const char *field)
{
    CLEANUP(tpm_scene_done) struct tpm_scene scene;
    struct tpm_evidence evidence = {};
    struct refusal why = {};
    tpm_scene_make(&scene, KEY_P256);
    if (strcmp(member, "public") == 0) json_object_del(scene.text, "key");
    if (value == NULL)
        json_object_del(scene.text, member);
    else
        json_object_set_new(scene.text, member, value);
    assert_refused(read_tpm(scene.text, &why, &evidence), status, &why, field);
    assert_null(evidence.key);
    assert_null(evidence.attest.bytes);
}

static void test_each_member_of_a_tpms_evidence_that_is_wrong(void **)
{
    static const uint8_t bytes[20000];
    check_tpm("attest", NULL, ERR_FIELD_MISSING, "attest");
    check_tpm("signature", NULL, ERR_FIELD_MISSING, "signature");
    check_tpm("attest", json_string("a+b/"), ERR_FIELD_VALUE, "attest");
    check_tpm("attest", json_integer(1), ERR_FIELD_TYPE, "attest");
    check_tpm("attest", as_base64url(slice_of(bytes, 1025)), ERR_TOO_LARGE, "attest");
    check_tpm("signature", as_base64url(slice_of(bytes, 1025)), ERR_TOO_LARGE, "signature");
    check_tpm("pcrs", as_base64url(slice_of(bytes, TPM_PCR_FILE_MAX_BYTES + 1)), ERR_TOO_LARGE, "pcrs");
    check_tpm("pcrs", as_base64url(slice_of(bytes, 1)), ERR_TPM_PCR, "pcrs");
    check_tpm("event_log", json_true(), ERR_FIELD_TYPE, "event_log");
    check_tpm("key", json_string("-----BEGIN"), ERR_KEY_INVALID, "key");
    check_tpm("key", json_integer(1), ERR_FIELD_TYPE, "key");
    check_tpm("public", as_base64url(slice_of(bytes, 1025)), ERR_TOO_LARGE, "public");
    check_tpm("public", as_base64url(slice_of(bytes, 1)), ERR_TPM_MALFORMED, "public.type");
    check_tpm("quote", json_string("AA"), ERR_FIELD_UNKNOWN, "quote");
}

static void test_texts_that_are_no_json_or_too_long(void **)
{
    struct tpm_evidence tpm = {};
    struct azure_evidence_text azure = {};
    struct refusal why = {};
    CLEANUP(buffer_done) struct buffer spaces = buffer_of_maximum(4 << 20);
    uint8_t *at;
    assert_refused(tpm_evidence_json(SLICE_LITERAL("{"), &why, &tpm), ERR_JSON_SYNTAX, &why, "json");
    assert_refused(azure_evidence_json(SLICE_LITERAL("{"), &why, &azure), ERR_JSON_SYNTAX, &why, "json");
    assert_ok(buffer_extend(&spaces, TPM_EVIDENCE_JSON_MAX_BYTES + 1, &at));
    assert_status(tpm_evidence_json(buffer_slice(&spaces), &why, &tpm), ERR_TOO_LARGE);
    assert_status(azure_evidence_json(slice_of(spaces.bytes, AZURE_EVIDENCE_JSON_MAX_BYTES + 1), &why, &azure),
                  ERR_TOO_LARGE);
}

/* ---- an Azure machine's ---- */

enum form { OWN, TRUSTEE_0, TRUSTEE_0_TDX, TRUSTEE_1, TRUSTEE_1_TDX, LUNAL };

static const struct slice hcl = SLICE_LITERAL("\x00HCL\xff report"), td = SLICE_LITERAL("TD quote"),
                          vcek = SLICE_LITERAL("certificate"), message = SLICE_LITERAL("message"),
                          signature = SLICE_LITERAL("signature");

static json_t *pcrs_of(json_t *(*write)(struct slice), size_t count)
{
    json_t *const pcrs = json_array();
    for (size_t i = 0; i < count; i++) {
        uint8_t value[32];
        memset(value, (int)i + 1, sizeof(value));
        json_array_append_new(pcrs, write(SLICE_ARRAY(value)));
    }
    return pcrs;
}

static json_t *quote_of(json_t *(*write)(struct slice))
{
    return json_pack("{s:o,s:o,s:o}", "message", write(message), "signature", write(signature), "pcrs",
                     pcrs_of(write, 24));
}

static json_t *own_tpm(void)
{
    CLEANUP(buffer_done) struct buffer attest = test_tpm_attest(&(struct test_quote){});
    const struct tpm_pcrs pcrs = test_tpm_pcrs(TPM_HASH_SHA256);
    CLEANUP(buffer_done) struct buffer file = test_tpm_serialized(&pcrs, TEST_TPM_SELECTION);
    return json_pack("{s:o,s:o,s:o,s:o}", "attest", as_base64url(buffer_slice(&attest)), "signature",
                     as_base64url(signature), "pcrs", as_base64url(buffer_slice(&file)), "event_log",
                     as_base64url(SLICE_LITERAL("log")));
}

static json_t *evidence_in(enum form form)
{
    switch (form) {
    case OWN:
        return json_pack("{s:o,s:o,s:o,s:s}", "hcl_report", as_base64url(hcl), "tpm", own_tpm(), "td_quote",
                         as_base64url(td), "certificates", "certificate");
    case TRUSTEE_0:
        return json_pack("{s:o,s:o,s:s}", "report", as_numbers(hcl), "quote", quote_of(as_numbers), "vcek",
                         "certificate");
    case TRUSTEE_0_TDX:
        return json_pack("{s:o,s:o,s:o}", "hcl_report", as_numbers(hcl), "tpm_quote", quote_of(as_numbers), "td_quote",
                         as_numbers(td));
    case TRUSTEE_1_TDX:
        return json_pack("{s:i,s:o,s:o,s:o}", "version", 1, "hcl_report", as_base64url(hcl), "tpm_quote",
                         quote_of(as_hex), "td_quote", as_base64url(td));
    default: break;
    }
    json_t *const plain = json_pack("{s:i,s:o,s:o,s:o}", "version", 2, "hcl_report", as_base64url(hcl), "tpm_quote",
                                    quote_of(as_hex), "vcek", as_base64url(vcek));
    return form == LUNAL ? json_pack("{s:s,s:o}", "platform", "az-snp", "evidence", plain) : plain;
}

static enum status read_azure(const json_t *value, struct refusal *why, struct azure_evidence_text *evidence)
{
    CLEANUP(buffer_done) struct buffer text = text_of(value);
    return azure_evidence_json(buffer_slice(&text), why, evidence);
}

static void assert_tpm(enum form form, const struct tpm_quote *quote)
{
    assert_slice_equal(quote->signature, signature);
    assert_null(quote->key);
    if (form == OWN) {
        assert_int_equal(quote->attest.size, 113);
        assert_slice_equal(quote->event_log, SLICE_LITERAL("log"));
        assert_int_equal(quote->pcrs->known, TEST_TPM_SELECTION);
        return;
    }
    assert_slice_equal(quote->attest, message);
    assert_int_equal(quote->pcrs->known, 0xffffff);
    assert_int_equal(quote->pcrs->hash, TPM_HASH_SHA256);
    for (uint8_t i = 0; i < 24; i++) {
        assert_int_equal(quote->pcrs->values[i][0], i + 1);
        assert_int_equal(quote->pcrs->values[i][31], i + 1);
    }
}

static void test_each_form_of_an_azure_machines_evidence(void **)
{
    for (enum form form = OWN; form <= LUNAL; form++) {
        CLEANUP(json_done) json_t *value = evidence_in(form);
        CLEANUP(azure_evidence_text_done) struct azure_evidence_text text = {};
        const bool has_td = form == OWN || form == TRUSTEE_0_TDX || form == TRUSTEE_1_TDX;
        const bool has_vcek = form != TRUSTEE_0_TDX && form != TRUSTEE_1_TDX;
        assert_ok(read_azure(value, NULL, &text));
        assert_slice_equal(text.evidence.hcl_report, hcl);
        assert_slice_equal(text.evidence.td_quote, has_td ? td : (struct slice){});
        assert_int_equal(text.evidence.endorsements.certificate_count, has_vcek ? 1 : 0);
        if (has_vcek) assert_slice_equal(text.evidence.endorsements.certificates[0], vcek);
        assert_tpm(form, &text.evidence.tpm);
    }
}

static void test_our_own_form_with_the_report_alone(void **)
{
    CLEANUP(json_done) json_t *value = json_pack("{s:o}", "hcl_report", as_base64url(hcl));
    CLEANUP(azure_evidence_text_done) struct azure_evidence_text text = {};
    assert_ok(read_azure(value, NULL, &text));
    assert_slice_equal(text.evidence.hcl_report, hcl);
    assert_int_equal(text.evidence.tpm.attest.size, 0);
    assert_int_equal(text.evidence.endorsements.certificate_count, 0);
}

/* Sets (or deletes, for NULL) a member of the evidence, or of the quote in it if `inner` names that. */
static void check_azure(enum form form, const char *inner, const char *member, json_t *value, enum status status,
                        const char *field)
{
    CLEANUP(json_done) json_t *evidence = evidence_in(form);
    struct azure_evidence_text text = {};
    struct refusal why = {};
    json_t *const object = inner != NULL ? json_object_get(evidence, inner) : evidence;
    if (value == NULL)
        json_object_del(object, member);
    else
        json_object_set_new(object, member, value);
    assert_refused(read_azure(evidence, &why, &text), status, &why, field);
    assert_null(text.hcl_report.bytes);
}

static const uint8_t large[70000];

/* What a form says that it expects, and what was seen. */
static void check_texts(enum form form, const char *member, json_t *value, const char *expected, const char *seen)
{
    CLEANUP(json_done) json_t *evidence = evidence_in(form);
    struct azure_evidence_text text = {};
    struct refusal why = {};
    json_object_set_new(evidence, member, value);
    assert_true(read_azure(evidence, &why, &text) != OK);
    assert_string_equal(why.expected, expected);
    if (seen != NULL) assert_string_equal(why.seen, seen);
}

static void test_refusals_say_how_bytes_are_written(void **)
{
    json_t *const quote = quote_of(as_hex);
    json_object_set_new(quote, "message", json_string("zz"));
    check_texts(TRUSTEE_1, "tpm_quote", quote, "hexadecimal text", NULL);
    check_texts(TRUSTEE_1, "hcl_report", json_string("*"), "base64url text", NULL);
    check_texts(TRUSTEE_0_TDX, "vcek", json_string("AA"), "in versions 1 and 2, and either vcek or td_quote",
                "no version");
    check_texts(TRUSTEE_1, "td_quote", json_string("AA"), "in versions 1 and 2, and either vcek or td_quote", "both");
}

static void test_a_certificate_needs_a_version(void **)
{
    CLEANUP(json_done) json_t *evidence = evidence_in(TRUSTEE_0_TDX);
    struct azure_evidence_text text = {};
    struct refusal why = {};
    json_object_del(evidence, "td_quote");
    json_object_set_new(evidence, "vcek", json_string("AA"));
    assert_refused(read_azure(evidence, &why, &text), ERR_FIELD_UNKNOWN, &why, "vcek");
}

static void test_each_member_of_trustees_forms_that_is_wrong(void **)
{
    check_azure(TRUSTEE_0, NULL, "vcek", NULL, ERR_FIELD_MISSING, "vcek");
    check_azure(TRUSTEE_0, NULL, "vcek", json_integer(1), ERR_FIELD_TYPE, "vcek");
    check_azure(TRUSTEE_0, NULL, "quote", NULL, ERR_FIELD_MISSING, "quote");
    check_azure(TRUSTEE_0, NULL, "version", json_integer(1), ERR_FIELD_UNKNOWN, "version");
    check_azure(TRUSTEE_0, NULL, "report", json_string("AA"), ERR_FIELD_TYPE, "report");
    check_azure(TRUSTEE_0, NULL, "report", json_pack("[i]", 256), ERR_FIELD_VALUE, "report");
    check_azure(TRUSTEE_0, NULL, "report", json_pack("[i]", -1), ERR_FIELD_VALUE, "report");
    check_azure(TRUSTEE_0, NULL, "report", json_pack("[s]", "1"), ERR_FIELD_VALUE, "report");
    check_azure(TRUSTEE_0, NULL, "report", as_numbers(slice_of(large, HCL_REPORT_MAX_BYTES + 1)), ERR_TOO_LARGE,
                "report");
    check_azure(TRUSTEE_0, "quote", "message", NULL, ERR_FIELD_MISSING, "quote.message");
    check_azure(TRUSTEE_0, "quote", "message", as_numbers(slice_of(large, 1025)), ERR_TOO_LARGE, "quote.message");
    check_azure(TRUSTEE_0, "quote", "nonce", json_string("A"), ERR_FIELD_UNKNOWN, "quote.nonce");
    check_azure(TRUSTEE_0_TDX, NULL, "td_quote", NULL, ERR_FIELD_MISSING, "td_quote");
    check_azure(TRUSTEE_0_TDX, NULL, "td_quote", json_string("AA"), ERR_FIELD_TYPE, "td_quote");
    check_azure(TRUSTEE_0_TDX, NULL, "vcek", json_string("AA"), ERR_FIELD_UNKNOWN, "vcek");
    check_azure(TRUSTEE_1, NULL, "version", json_integer(3), ERR_FIELD_VALUE, "version");
    check_azure(TRUSTEE_1, NULL, "version", json_integer(0), ERR_FIELD_VALUE, "version");
    check_azure(TRUSTEE_1, NULL, "vcek", NULL, ERR_FIELD_MISSING, "td_quote");
    check_azure(TRUSTEE_1, NULL, "vcek", json_string("*"), ERR_FIELD_VALUE, "vcek");
    check_azure(TRUSTEE_1, NULL, "td_quote", json_string("AA"), ERR_FIELD_UNKNOWN, "vcek");
    check_azure(TRUSTEE_1, NULL, "hcl_report", NULL, ERR_FIELD_MISSING, "hcl_report");
    check_azure(TRUSTEE_1, NULL, "hcl_report", as_numbers(hcl), ERR_FIELD_TYPE, "hcl_report");
    check_azure(TRUSTEE_1, NULL, "hcl_report", json_string("*"), ERR_FIELD_VALUE, "hcl_report");
    check_azure(TRUSTEE_1, NULL, "hcl_report", as_base64url(slice_of(large, HCL_REPORT_MAX_BYTES + 1)), ERR_TOO_LARGE,
                "hcl_report");
    check_azure(TRUSTEE_1, NULL, "collateral", json_string("AA"), ERR_FIELD_UNKNOWN, "collateral");
    check_azure(TRUSTEE_1, NULL, "tpm_quote", json_integer(1), ERR_FIELD_TYPE, "tpm_quote");
    check_azure(TRUSTEE_1, "tpm_quote", "signature", json_string("0g"), ERR_FIELD_VALUE, "tpm_quote.signature");
    check_azure(TRUSTEE_1, "tpm_quote", "signature", as_hex(slice_of(large, 1025)), ERR_TOO_LARGE,
                "tpm_quote.signature");
}

static void test_there_are_24_pcrs_of_32_bytes(void **)
{
    check_azure(TRUSTEE_1, "tpm_quote", "pcrs", NULL, ERR_FIELD_MISSING, "tpm_quote.pcrs");
    check_azure(TRUSTEE_1, "tpm_quote", "pcrs", pcrs_of(as_hex, 23), ERR_FIELD_VALUE, "tpm_quote.pcrs");
    check_azure(TRUSTEE_1, "tpm_quote", "pcrs", pcrs_of(as_hex, 25), ERR_FIELD_VALUE, "tpm_quote.pcrs");
    check_azure(TRUSTEE_1, "tpm_quote", "pcrs", pcrs_of(as_numbers, 24), ERR_FIELD_TYPE, "tpm_quote.pcrs[0]");
    json_t *pcrs = pcrs_of(as_hex, 24);
    json_array_set_new(pcrs, 23, as_hex(slice_of(large, 31)));
    check_azure(TRUSTEE_1, "tpm_quote", "pcrs", pcrs, ERR_FIELD_VALUE, "tpm_quote.pcrs[23]");
    pcrs = pcrs_of(as_hex, 24);
    json_array_set_new(pcrs, 7, as_hex(slice_of(large, 33)));
    check_azure(TRUSTEE_1, "tpm_quote", "pcrs", pcrs, ERR_TOO_LARGE, "tpm_quote.pcrs[7]");
}

static void test_the_wrapper_of_a_platform(void **)
{
    check_azure(LUNAL, NULL, "platform", json_string("snp"), ERR_FIELD_VALUE, "platform");
    check_azure(LUNAL, NULL, "platform", json_integer(1), ERR_FIELD_TYPE, "platform");
    check_azure(LUNAL, NULL, "evidence", NULL, ERR_FIELD_MISSING, "evidence");
    check_azure(LUNAL, NULL, "more", json_integer(1), ERR_FIELD_UNKNOWN, "more");
    CLEANUP(json_done)
    json_t *value = json_pack("{s:s,s:o}", "platform", "az-tdx", "evidence", evidence_in(TRUSTEE_1_TDX));
    CLEANUP(azure_evidence_text_done) struct azure_evidence_text text = {};
    assert_ok(read_azure(value, NULL, &text));
}

static void test_each_member_of_our_own_form_that_is_wrong(void **)
{
    check_azure(OWN, NULL, "hcl_report", NULL, ERR_FIELD_MISSING, "hcl_report");
    check_azure(OWN, NULL, "hcl_report", json_string("a+b/"), ERR_FIELD_VALUE, "hcl_report");
    check_azure(OWN, NULL, "td_quote", json_integer(1), ERR_FIELD_TYPE, "td_quote");
    check_azure(OWN, NULL, "certificates", json_integer(1), ERR_FIELD_TYPE, "certificates");
    check_azure(OWN, NULL, "tpm", json_integer(1), ERR_FIELD_TYPE, "tpm");
    check_azure(OWN, NULL, "vcek", json_string("AA"), ERR_FIELD_UNKNOWN, "vcek");
    check_azure(OWN, "tpm", "attest", NULL, ERR_FIELD_MISSING, "tpm.attest");
    check_azure(OWN, "tpm", "key", json_string("AA"), ERR_FIELD_UNKNOWN, "tpm.key");
    check_azure(OWN, "tpm", "public", json_string("AA"), ERR_FIELD_UNKNOWN, "tpm.public");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tpms_evidence_with_all_its_members),
        cmocka_unit_test(test_a_tpms_evidence_with_the_least_members),
        cmocka_unit_test(test_the_key_of_a_public_area_is_the_key),
        cmocka_unit_test(test_each_member_of_a_tpms_evidence_that_is_wrong),
        cmocka_unit_test(test_texts_that_are_no_json_or_too_long),
        cmocka_unit_test(test_each_form_of_an_azure_machines_evidence),
        cmocka_unit_test(test_our_own_form_with_the_report_alone),
        cmocka_unit_test(test_each_member_of_trustees_forms_that_is_wrong),
        cmocka_unit_test(test_refusals_say_how_bytes_are_written),
        cmocka_unit_test(test_a_certificate_needs_a_version),
        cmocka_unit_test(test_there_are_24_pcrs_of_32_bytes),
        cmocka_unit_test(test_the_wrapper_of_a_platform),
        cmocka_unit_test(test_each_member_of_our_own_form_that_is_wrong),
    };
    return cmocka_run_group_tests_name("evidence/evidence_json", tests, NULL, NULL);
}
