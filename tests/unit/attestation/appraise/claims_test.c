/* SPDX-License-Identifier: Apache-2.0
 *
 * Every claim of every kind of evidence, by name, type and encoding: as policies see it, and as the token has it, whole
 * and byte for byte.
 */
#include "appraisal.h"

#define ZEROS_32 "00000000000000000000000000000000"
#define ZEROS_96 ZEROS_32 ZEROS_32 ZEROS_32
#define RUNTIME_JSON "{ \"b\" : [1, true, null, 0.5], \"a\": {\"z\":\"\\u00e9/\", \"y\":-3} }"
#define RUNTIME_WRITTEN "{\"a\":{\"y\":-3,\"z\":\"\xc3\xa9/\"},\"b\":[1,true,null,0.5]}"
#define MRENCLAVE "aa00000000000000000000000000000000000000000000000000000000000001"
#define MRSIGNER "bb00000000000000000000000000000000000000000000000000000000000002"

/* ---- as policies see them ---- */

static void append_claim(const struct claim *claim, struct buffer *text)
{
    if (claim->issuer != CLAIM_OF_SERVICE) return; /* what the policy issued stands there too */
    assert_ok(buffer_append(text, claim->type));
    if (claim->value.type == CLAIM_STRING) {
        assert_ok(buffer_append_text(text, "=\""));
        assert_ok(buffer_append(text, claim->value.text));
        assert_ok(buffer_append_text(text, "\"\n"));
        return;
    }
    const bool is_boolean = claim->value.type == CLAIM_BOOLEAN;
    if (is_boolean)
        assert_ok(buffer_append_format(text, "=%s\n", claim->value.boolean ? "true" : "false"));
    else
        assert_ok(buffer_append_format(text, "=%lld\n", (long long)claim->value.integer));
}

/* All claims of the service, one a line. */
static void assert_incoming(const struct appraisal *appraisal, const char *expected)
{
    const struct claim_set *const set = appraisal->appraised->incoming;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(256 * 1024);
    const char *seen;
    for (size_t i = 0; i < claim_set_count(set); i++) append_claim(claim_set_at(set, i), &text);
    assert_ok(buffer_text(&text, &seen));
    assert_string_equal(seen, expected);
}

struct text {
    char text[16 * 1024];
};

[[gnu::format(printf, 1, 2)]] static struct text format(const char *form, ...)
{
    struct text made;
    va_list arguments;
    va_start(arguments, form);
    const int size = vsnprintf(made.text, sizeof(made.text), form, arguments);
    va_end(arguments);
    assert_true(size > 0 && (size_t)size < sizeof(made.text));
    return made;
}

static const char *collateral_json(struct appraisal *appraisal)
{
    const char *text;
    assert_ok(buffer_text(&appraisal->appraised->collateral_json, &text));
    return text;
}

static struct text hex_of(struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1024);
    const char *digits;
    assert_ok(hex_encode(bytes, &text));
    assert_ok(buffer_text(&text, &digits));
    return format("%s", digits);
}

static int64_t level_date(const struct appraisal *appraisal)
{
    return evidence_intel_platform(&appraisal->appraised->evidence)->tcb_date_s;
}

static void assert_payload(const struct appraisal *appraisal, const char *expected)
{
    CLEANUP(buffer_done) struct buffer text = appraisal_payload_text(appraisal);
    const char *seen;
    assert_ok(buffer_text(&text, &seen));
    assert_string_equal(seen, expected);
    CLEANUP(json_done) json_t *value = NULL;
    CLEANUP(buffer_done) struct buffer written = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    assert_ok(json_parse(buffer_slice(&text), ATTESTATION_TOKEN_MAX_BYTES, NULL, &value));
    assert_ok(json_write(value, &written));
    assert_slice_equal(buffer_slice(&text), buffer_slice(&written)); /* compact and sorted */
}

/* ---- enclaves ---- */

/* What is the same in every test of an enclave without KSS, up to what comes with the request. */
static struct text enclave_incoming(struct appraisal *appraisal)
{
    return format("x-ms-attestation-type=\"sgx\"\n$tee=\"sgx\"\n"
                  "x-ms-sgx-is-debuggable=false\n$is-debuggable=false\n"
                  "x-ms-sgx-product-id=3\n$product-id=3\nx-ms-sgx-svn=4\n$svn=4\n"
                  "x-ms-sgx-mrenclave=\"" MRENCLAVE "\"\n$sgx-mrenclave=\"" MRENCLAVE "\"\n"
                  "x-ms-sgx-mrsigner=\"" MRSIGNER "\"\n$sgx-mrsigner=\"" MRSIGNER "\"\n"
                  "x-ms-sgx-report-data=\"%s\"\n"
                  "x-ms-sgx-collateral=\"%s\"\n$maa-attestationcollateral=\"%s\"\n"
                  "x-lazaret-tcb-status=\"UpToDate\"\nx-lazaret-tcb-date=%lld\nx-lazaret-tcb-evaluation=1\n"
                  "lazaret-simulated=true\n",
                  hex_of(SLICE_ARRAY(appraisal->appraised->evidence.sgx.report_data)).text, collateral_json(appraisal),
                  collateral_json(appraisal), (long long)level_date(appraisal));
}

static void check_binary_enclave(enum attestation_type type, const char *policy_hash)
{
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, type);
    appraisal_bind(&a, "enclave held data", false, NULL);
    assert_ok(buffer_append_text(&a.request.nonce, "the \"nonce\""));
    appraisal_must_run(&a);
    const char *const ehd = "ZW5jbGF2ZSBoZWxkIGRhdGE";
    assert_incoming(&a, format("%sx-ms-sgx-ehd=\"%s\"\n$aas-ehd=\"%s\"\n$maa-ehd=\"%s\"\nnonce=\"the \"nonce\"\"\n",
                               enclave_incoming(&a).text, ehd, ehd, ehd)
                            .text);
    assert_payload(
        &a,
        format(
            "{\"aas-ehd\":\"%s\",\"exp\":1800028800,\"iat\":1800000000,\"is-debuggable\":false,"
            "\"iss\":\"https://localhost:7443\",\"jti\":\"" TEST_JTI "\",\"lazaret-simulated\":true,"
            "\"maa-attestationcollateral\":%s,\"maa-ehd\":\"%s\",\"nbf\":1800000000,\"nonce\":\"the \\\"nonce\\\"\","
            "\"product-id\":3,\"sgx-mrenclave\":\"" MRENCLAVE "\",\"sgx-mrsigner\":\"" MRSIGNER "\",\"svn\":4,"
            "\"tee\":\"sgx\",\"x-ms-attestation-type\":\"sgx\",\"x-ms-policy-hash\":\"%s\",\"x-ms-sgx-collateral\":%s,"
            "\"x-ms-sgx-ehd\":\"%s\",\"x-ms-sgx-is-debuggable\":false,\"x-ms-sgx-mrenclave\":\"" MRENCLAVE "\","
            "\"x-ms-sgx-mrsigner\":\"" MRSIGNER "\",\"x-ms-sgx-product-id\":3,\"x-ms-sgx-report-data\":\"%s\","
            "\"x-ms-sgx-svn\":4,\"x-ms-ver\":\"1.0\"}",
            ehd, collateral_json(&a), ehd, policy_hash, collateral_json(&a), ehd,
            hex_of(SLICE_ARRAY(a.appraised->evidence.sgx.report_data)).text)
            .text);
}

static void test_an_enclave_with_binary_data(void **)
{
    check_binary_enclave(ATTESTATION_SGX_ENCLAVE, "bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw");
    check_binary_enclave(ATTESTATION_OPEN_ENCLAVE, "egjnANIzEpS2WgpE4Nk-QEwM69XRCgTs42_G0qLlbnk");
}

static void test_an_enclave_with_json_data(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, ATTESTATION_SGX_ENCLAVE);
    appraisal_bind(&a, RUNTIME_JSON, true, NULL);
    appraisal_must_run(&a);
    assert_incoming(&a, format("%sx-ms-runtime=\"" RUNTIME_WRITTEN "\"\n", enclave_incoming(&a).text).text);
    assert_payload(
        &a,
        format("{\"exp\":1800028800,\"iat\":1800000000,\"is-debuggable\":false,\"iss\":\"https://localhost:7443\","
               "\"jti\":\"" TEST_JTI "\",\"lazaret-simulated\":true,\"maa-attestationcollateral\":%s,"
               "\"nbf\":1800000000,\"product-id\":3,\"sgx-mrenclave\":\"" MRENCLAVE "\",\"sgx-mrsigner\":\"" MRSIGNER
               "\",\"svn\":4,\"tee\":\"sgx\",\"x-ms-attestation-type\":\"sgx\","
               "\"x-ms-policy-hash\":\"bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw\",\"x-ms-runtime\":" RUNTIME_WRITTEN
               ",\"x-ms-sgx-collateral\":%s,\"x-ms-sgx-is-debuggable\":false,\"x-ms-sgx-mrenclave\":\"" MRENCLAVE "\","
               "\"x-ms-sgx-mrsigner\":\"" MRSIGNER "\",\"x-ms-sgx-product-id\":3,\"x-ms-sgx-report-data\":\"%s\","
               "\"x-ms-sgx-svn\":4,\"x-ms-ver\":\"1.0\"}",
               collateral_json(&a), collateral_json(&a),
               hex_of(SLICE_ARRAY(a.appraised->evidence.sgx.report_data)).text)
            .text);
}

/* The seven digests, each of what it is named after. */
static void test_the_collateral_of_an_enclave(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    CLEANUP(json_done) json_t *hashes = NULL;
    appraisal_init(&a, ATTESTATION_SGX_ENCLAVE);
    appraisal_bind(&a, "{}", true, NULL);
    appraisal_must_run(&a);
    const struct intel_platform *const platform = &a.appraised->evidence.sgx.platform;
    const struct {
        const char *name;
        const uint8_t *digest;
    } expected[] = {
        {"qeidcertshash", platform->qe_identity_certificates_hash},
        {"qeidcrlhash", platform->qe_identity_crl_hash},
        {"qeidhash", platform->qe_identity_hash},
        {"quotehash", platform->quote_hash},
        {"tcbinfocertshash", platform->tcb_info_certificates_hash},
        {"tcbinfocrlhash", platform->tcb_info_crl_hash},
        {"tcbinfohash", platform->tcb_info_hash},
    };
    assert_ok(json_parse(buffer_slice(&a.appraised->collateral_json), 4096, NULL, &hashes));
    assert_int_equal(json_object_size(hashes), 7);
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(json_string_value(json_object_get(hashes, expected[i].name)),
                            hex_of_32(expected[i].digest).text);
    uint8_t quote_hash[32];
    assert_ok(sha256(buffer_slice(&a.request.evidence), quote_hash));
    assert_memory_equal(quote_hash, platform->quote_hash, 32);
}

static void assert_member(const json_t *object, const char *name, const char *json)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(4096);
    const json_t *const value = json_object_get(object, name);
    if (value == NULL) fail_msg("no %s", name);
    assert_ok(json_write(value, &text));
    const char *seen;
    assert_ok(buffer_text(&text, &seen));
    assert_string_equal(seen, json);
}

static void test_an_enclave_with_kss_and_debug(void **)
{
    uint8_t config_id[64];
    assert_ok(runtime_data_report_data(SLICE_LITERAL("{\"b\":1,\"a\":2}"), config_id));
    const struct evidence_change change = {.config_id = SLICE_ARRAY(config_id), .debug = true};
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, ATTESTATION_SGX_ENCLAVE);
    appraisal_bind(&a, "{}", true, &change);
    appraisal_set_data(&a.request.init_time, "{\"b\":1,\"a\":2}", true);
    CLEANUP(json_done) json_t *payload = appraisal_token(&a);
    assert_member(payload, "x-ms-sgx-is-debuggable", "true");
    assert_member(payload, "is-debuggable", "true");
    assert_member(payload, "x-ms-sgx-config-id", format("\"%s\"", hex_of(SLICE_ARRAY(config_id)).text).text);
    assert_member(payload, "x-ms-sgx-config-svn", "0");
    assert_member(payload, "x-ms-sgx-isv-extended-product-id", "\"" ZEROS_32 "\"");
    assert_member(payload, "x-ms-sgx-isv-family-id", "\"" ZEROS_32 "\"");
    assert_member(payload, "x-ms-inittime", "{\"a\":2,\"b\":1}");
    static const char *const shown[] = {"x-ms-sgx-config-id", "x-ms-sgx-config-svn", "x-ms-sgx-isv-extended-product-id",
                                        "x-ms-sgx-isv-family-id", "x-ms-inittime"};
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
        assert_non_null(claim_set_find(a.appraised->incoming, shown[i]));
}

/* ---- domains ---- */

#define DOMAIN_TOKEN_1                                                                                                 \
    "{\"attester_tcb_status\":\"UpToDate\",\"dbgstat\":\"%s\","                                                        \
    "\"eat_profile\":\"https://aka.ms/maa-eat-profile-tdxvm\",\"exp\":1800028800,\"iat\":1800000000,"                  \
    "\"intuse\":\"generic\",\"iss\":\"https://localhost:7443\",\"jti\":\"" TEST_JTI "\",\"lazaret-simulated\":true,"   \
    "\"nbf\":1800000000,\"tdx_mrconfigid\":\"%s\",\"tdx_mrowner\":\"%s\",\"tdx_mrownerconfig\":\"%s\","                \
    "\"tdx_mrseam\":\"%s\",\"tdx_mrsignerseam\":\"%s\",\"tdx_mrtd\":\"%s\",\"tdx_report_data\":\"%s\","                \
    "\"tdx_rtmr0\":\"%s\",\"tdx_rtmr1\":\"%s\",\"tdx_rtmr2\":\"%s\",\"tdx_rtmr3\":\"%s\","
#define DOMAIN_TOKEN_2                                                                                                 \
    "\"tdx_seam_attributes\":\"%s\",\"tdx_seamsvn\":%d,\"tdx_td_attributes\":\"%s\","                                  \
    "\"tdx_td_attributes_debug\":%s,\"tdx_td_attributes_key_locker\":%s,\"tdx_td_attributes_perfmon\":%s,"             \
    "\"tdx_td_attributes_protection_keys\":%s,\"tdx_td_attributes_septve_disable\":%s,\"tdx_tee_tcb_svn\":\"%s\","     \
    "\"tdx_xfam\":\"%s\",\"x-ms-attestation-type\":\"tdxvm\","                                                         \
    "\"x-ms-policy-hash\":\"9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco\",\"x-ms-runtime\":{\"keys\":[]},"             \
    "\"x-ms-ver\":\"1.0\"}"

#define HEX(member) hex_of(SLICE_ARRAY(tdx->member)).text

static void check_domain(const struct evidence_change *change, const char *dbgstat, const char *debug,
                         const char *other)
{
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, ATTESTATION_TDX_VM);
    appraisal_bind(&a, "{\"keys\":[]}", true, change);
    appraisal_must_run(&a);
    const struct tdx_claims *const tdx = &a.appraised->evidence.tdx;
    const struct text first =
        format(DOMAIN_TOKEN_1, dbgstat, HEX(mrconfigid), HEX(mrowner), HEX(mrownerconfig), HEX(mrseam),
               HEX(mrsignerseam), HEX(mrtd), HEX(report_data), HEX(rtmr[0]), HEX(rtmr[1]), HEX(rtmr[2]), HEX(rtmr[3]));
    const struct text second =
        format(DOMAIN_TOKEN_2, HEX(seam_attributes), tdx->tee_tcb_svn[0] + 256 * tdx->tee_tcb_svn[1],
               HEX(td_attributes), debug, other, other, other, other, HEX(tee_tcb_svn), HEX(xfam));
    assert_payload(&a, format("%s%s", first.text, second.text).text);
}

static void test_a_domain(void **)
{
    const struct evidence_change all = {.attributes = TD_ATTRIBUTE_DEBUG | TD_ATTRIBUTE_SEPT_VE_DISABLE |
                                                      TD_ATTRIBUTE_PROTECTION_KEYS | TD_ATTRIBUTE_KEY_LOCKER |
                                                      TD_ATTRIBUTE_PERFMON};
    check_domain(&all, "enabled", "true", "true");
}

/* Another bit of the group that opens a domain to its host is not the debug attribute, but debugging all the same. */
static void test_a_domain_under_test(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    const struct evidence_change change = {.attributes = 0x80};
    appraisal_init(&a, ATTESTATION_TDX_VM);
    appraisal_bind(&a, "{}", true, &change);
    CLEANUP(json_done) json_t *payload = appraisal_token(&a);
    assert_member(payload, "dbgstat", "\"enabled\"");
    assert_member(payload, "tdx_td_attributes_debug", "false");
}

/* Every claim that the token has of the domain is shown, and the level beside it. */
static void test_what_policies_see_of_a_domain(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, ATTESTATION_TDX_VM);
    appraisal_bind(&a, "{}", true, NULL);
    appraisal_must_run(&a);
    const struct tdx_claims *const tdx = &a.appraised->evidence.tdx;
    const struct text first =
        format("x-ms-attestation-type=\"tdxvm\"\n$tee=\"tdxvm\"\n"
               "eat_profile=\"https://aka.ms/maa-eat-profile-tdxvm\"\ndbgstat=\"disabled\"\nintuse=\"generic\"\n"
               "attester_tcb_status=\"UpToDate\"\ntdx_tee_tcb_svn=\"%s\"\ntdx_seamsvn=%d\n"
               "tdx_mrseam=\"%s\"\ntdx_mrsignerseam=\"%s\"\ntdx_mrtd=\"%s\"\ntdx_mrconfigid=\"%s\"\n"
               "tdx_mrowner=\"%s\"\ntdx_mrownerconfig=\"%s\"\n",
               HEX(tee_tcb_svn), tdx->tee_tcb_svn[0] + 256 * tdx->tee_tcb_svn[1], HEX(mrseam), HEX(mrsignerseam),
               HEX(mrtd), HEX(mrconfigid), HEX(mrowner), HEX(mrownerconfig));
    const struct text second =
        format("tdx_rtmr0=\"%s\"\ntdx_rtmr1=\"%s\"\ntdx_rtmr2=\"%s\"\ntdx_rtmr3=\"%s\"\ntdx_report_data=\"%s\"\n"
               "tdx_seam_attributes=\"%s\"\ntdx_td_attributes=\"%s\"\ntdx_xfam=\"%s\"\n"
               "tdx_td_attributes_debug=false\ntdx_td_attributes_key_locker=false\ntdx_td_attributes_perfmon=false\n"
               "tdx_td_attributes_protection_keys=false\ntdx_td_attributes_septve_disable=%s\n"
               "x-lazaret-tcb-status=\"UpToDate\"\nx-lazaret-tcb-date=%lld\nx-lazaret-tcb-evaluation=1\n"
               "lazaret-simulated=true\nx-ms-runtime=\"{}\"\n",
               HEX(rtmr[0]), HEX(rtmr[1]), HEX(rtmr[2]), HEX(rtmr[3]), HEX(report_data), HEX(seam_attributes),
               HEX(td_attributes), HEX(xfam), (tdx->attributes & TD_ATTRIBUTE_SEPT_VE_DISABLE) != 0 ? "true" : "false",
               (long long)level_date(&a));
    assert_incoming(&a, format("%s%s", first.text, second.text).text);
}

/* ---- SEV-SNP ---- */

static struct text filled(unsigned byte, size_t count)
{
    uint8_t bytes[64];
    memset(bytes, (int)byte, sizeof(bytes));
    return hex_of(slice_of(bytes, count));
}

static void test_an_snp_machine(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, ATTESTATION_SEV_SNP_VM);
    appraisal_bind(&a, "{\"keys\":[]}", true, NULL);
    appraisal_must_run(&a);
    const struct snp_claims *const snp = &a.appraised->evidence.snp;
    const struct text report_data = hex_of(SLICE_ARRAY(snp->report_data));
    const struct text incoming = format(
        "x-ms-attestation-type=\"sevsnpvm\"\n$tee=\"sevsnpvm\"\n"
        "x-ms-sevsnpvm-bootloader-svn=%u\nx-ms-sevsnpvm-tee-svn=%u\nx-ms-sevsnpvm-snpfw-svn=%u\n"
        "x-ms-sevsnpvm-microcode-svn=%u\nx-ms-sevsnpvm-guestsvn=7\nx-ms-sevsnpvm-vmpl=2\n"
        "x-ms-sevsnpvm-is-debuggable=false\nx-ms-sevsnpvm-migration-allowed=false\nx-ms-sevsnpvm-smt-allowed=true\n"
        "x-ms-sevsnpvm-authorkeydigest=\"%s\"\nx-ms-sevsnpvm-idkeydigest=\"%s\"\n"
        "x-ms-sevsnpvm-launchmeasurement=\"%s\"\nx-ms-sevsnpvm-familyId=\"%s\"\nx-ms-sevsnpvm-imageId=\"%s\"\n"
        "x-ms-sevsnpvm-hostdata=\"%s\"\nx-ms-sevsnpvm-reportdata=\"%s\"\nx-ms-sevsnpvm-reportid=\"%s\"\n"
        "lazaret-simulated=true\nx-ms-runtime=\"{\"keys\":[]}\"\n",
        snp->reported.boot_loader, snp->reported.tee, snp->reported.snp, snp->reported.microcode, filled(0x27, 48).text,
        filled(0x26, 48).text, filled(0x24, 48).text, filled(0x21, 16).text, filled(0x22, 16).text,
        filled(0x25, 32).text, report_data.text, filled(0x28, 32).text);
    assert_incoming(&a, incoming.text);
    const struct text payload = format(
        "{\"exp\":1790028800,\"iat\":1790000000,\"iss\":\"https://localhost:7443\",\"jti\":\"" TEST_JTI "\","
        "\"lazaret-simulated\":true,\"nbf\":1790000000,\"x-ms-attestation-type\":\"sevsnpvm\","
        "\"x-ms-policy-hash\":\"9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco\",\"x-ms-runtime\":{\"keys\":[]},"
        "\"x-ms-sevsnpvm-authorkeydigest\":\"%s\",\"x-ms-sevsnpvm-bootloader-svn\":%u,"
        "\"x-ms-sevsnpvm-familyId\":\"%s\",\"x-ms-sevsnpvm-guestsvn\":7,\"x-ms-sevsnpvm-hostdata\":\"%s\","
        "\"x-ms-sevsnpvm-idkeydigest\":\"%s\",\"x-ms-sevsnpvm-imageId\":\"%s\","
        "\"x-ms-sevsnpvm-is-debuggable\":false,\"x-ms-sevsnpvm-launchmeasurement\":\"%s\","
        "\"x-ms-sevsnpvm-microcode-svn\":%u,\"x-ms-sevsnpvm-migration-allowed\":false,"
        "\"x-ms-sevsnpvm-reportdata\":\"%s\",\"x-ms-sevsnpvm-reportid\":\"%s\",\"x-ms-sevsnpvm-smt-allowed\":true,"
        "\"x-ms-sevsnpvm-snpfw-svn\":%u,\"x-ms-sevsnpvm-tee-svn\":%u,\"x-ms-sevsnpvm-vmpl\":2,\"x-ms-ver\":\"1.0\"}",
        filled(0x27, 48).text, snp->reported.boot_loader, filled(0x21, 16).text, filled(0x25, 32).text,
        filled(0x26, 48).text, filled(0x22, 16).text, filled(0x24, 48).text, snp->reported.microcode, report_data.text,
        filled(0x28, 32).text, snp->reported.snp, snp->reported.tee);
    assert_payload(&a, payload.text);
}

/* Binary data have a claim in tokens of enclaves alone. */
static void test_binary_data_of_machines_have_no_claim(void **)
{
    static const enum attestation_type types[] = {ATTESTATION_SEV_SNP_VM, ATTESTATION_TDX_VM};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(appraisal_done) struct appraisal a;
        appraisal_init(&a, types[i]);
        appraisal_bind(&a, "held data", false, NULL);
        CLEANUP(json_done) json_t *payload = appraisal_token(&a);
        assert_null(json_object_get(payload, "x-ms-sgx-ehd"));
        assert_null(json_object_get(payload, "maa-ehd"));
        assert_null(json_object_get(payload, "x-ms-runtime"));
    }
}

static void test_without_runtime_data_there_is_a_token_without_them(void **)
{
    static const uint8_t report_data[64] = {1, [63] = 2};
    for (int type = 0; type < ATTESTATION_TPM; type++) {
        CLEANUP(appraisal_done) struct appraisal a;
        appraisal_init(&a, (enum attestation_type)type);
        appraisal_attest(&a, report_data, NULL);
        CLEANUP(json_done) json_t *payload = appraisal_token(&a);
        assert_null(json_object_get(payload, "x-ms-runtime"));
        assert_null(json_object_get(payload, "x-ms-inittime"));
        assert_null(json_object_get(payload, "x-ms-sgx-ehd"));
        assert_null(json_object_get(payload, "nonce"));
        assert_null(json_object_get(payload, "x-ms-policy-signer"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_enclave_with_binary_data),
        cmocka_unit_test(test_an_enclave_with_json_data),
        cmocka_unit_test(test_the_collateral_of_an_enclave),
        cmocka_unit_test(test_an_enclave_with_kss_and_debug),
        cmocka_unit_test(test_a_domain),
        cmocka_unit_test(test_a_domain_under_test),
        cmocka_unit_test(test_what_policies_see_of_a_domain),
        cmocka_unit_test(test_an_snp_machine),
        cmocka_unit_test(test_binary_data_of_machines_have_no_claim),
        cmocka_unit_test(test_without_runtime_data_there_is_a_token_without_them),
    };
    return cmocka_run_group_tests_name("attestation/claims", tests, NULL, NULL);
}
