/* SPDX-License-Identifier: Apache-2.0
 *
 * Recorded answers of Intel's service, and Intel's own synthetic samples: what is genuine passes, up to the pinned
 * root; what was altered, or lies under another root, does not.
 */
#include "vectors.h"

#include "crypto/der_read.h"
#include "evidence/intel/chain.h"
#include "evidence/intel/collateral.h"
#include "evidence/intel/quote.h"

#define RESPONSES "vectors/pcs-responses/"

static const char *text_in(const json_t *object, const char *name)
{
    const char *const text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    return text;
}

static enum status check_signature(const struct signed_json *json, struct slice issuer_chain)
{
    struct issuer_chain chain = {};
    struct refusal why = {};
    TRY(issuer_chain_verify(issuer_chain, ROLE_TCB_SIGNING, "chain", NULL, NULL, &why, &chain));
    const enum status status =
        key_verify(certificate_key(chain.signer), json->signed_text, SLICE_ARRAY(json->signature));
    issuer_chain_done(&chain);
    return status;
}

static enum status check_tcb_info(struct slice text, struct slice issuer_chain, enum intel_tee tee)
{
    CLEANUP(tcb_info_done) struct tcb_info info = {};
    struct refusal why = {};
    TRY(tcb_info_parse(text, &why, &info));
    assert_int_equal(info.tee, tee);
    return check_signature(&info.json, issuer_chain);
}

static enum status check_identity(struct slice text, struct slice issuer_chain)
{
    CLEANUP(qe_identity_done) struct qe_identity identity = {};
    struct refusal why = {};
    TRY(qe_identity_parse(text, &why, &identity));
    return check_signature(&identity.json, issuer_chain);
}

static void test_recorded_texts_are_signed(void **)
{
    static const struct {
        const char *path, *member;
        bool is_identity;
        enum intel_tee tee;
        enum status expected;
    } cases[] = {
        {RESPONSES "sgx_tcb_info_00906ED50000.json", "tcb_info_json", false, INTEL_SGX, OK},
        {RESPONSES "sgx_tcb_info_early.json", "tcb_info_json", false, INTEL_SGX, OK},
        {RESPONSES "tdx_tcb_info_00806F050000.json", "tcb_info_json", false, INTEL_TDX, OK},
        {RESPONSES "sgx_qe_identity_v3.json", "enclave_identity_json", true, INTEL_SGX, OK},
        {RESPONSES "tdx_qe_identity.json", "enclave_identity_json", true, INTEL_TDX, OK},
        /* The quote appraisal enclave signs no quotes. */
        {RESPONSES "sgx_qae_identity.json", "enclave_identity_json", true, INTEL_SGX, ERR_COLLATERAL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(json_done) json_t *recorded = vectors_load(cases[i].path);
        const struct slice text = slice_of_text(text_in(recorded, cases[i].member));
        const struct slice chain = slice_of_text(text_in(recorded, "issuer_chain"));
        const enum status status =
            cases[i].is_identity ? check_identity(text, chain) : check_tcb_info(text, chain, cases[i].tee);
        if (status != cases[i].expected) print_error("%s: %s\n", cases[i].path, status_name(status));
        assert_status(status, cases[i].expected);
    }
}

/* Whole answers without their chain: any recorded chain has the key, which was never changed. */
static void test_recorded_answers_as_they_were_served(void **)
{
    CLEANUP(json_done) json_t *other = vectors_load(RESPONSES "tdx_qe_identity.json");
    const struct slice chain = slice_of_text(text_in(other, "issuer_chain"));
    CLEANUP(buffer_done) struct buffer sgx = read_whole(shared_path(RESPONSES "fortanix-tcb-json-tcb-sgx.json"));
    CLEANUP(buffer_done) struct buffer tdx = read_whole(shared_path(RESPONSES "fortanix-tcb-json-tcb-tdx.json"));
    CLEANUP(buffer_done) struct buffer qe = read_whole(shared_path(RESPONSES "fortanix-qe-identity-qeid-sgx.json"));
    assert_ok(check_tcb_info(buffer_slice(&sgx), chain, INTEL_SGX));
    assert_ok(check_tcb_info(buffer_slice(&tdx), chain, INTEL_TDX));
    assert_ok(check_identity(buffer_slice(&qe), chain));
}

/* ---- Fortanix' own form: the text alone, the signature in DER as a list of numbers ---- */

static void append_integer(struct reader *list, struct buffer *out)
{
    struct slice number;
    uint8_t *zeros;
    assert_ok(der_big_number(list, 32, &number));
    assert_ok(buffer_extend(out, 32 - number.size, &zeros));
    assert_ok(buffer_append(out, number));
}

static struct buffer raw_signature(const json_t *numbers)
{
    uint8_t der[80];
    const size_t size = json_array_size(numbers);
    struct buffer raw = buffer_of_maximum(P256_SIGNATURE_BYTES);
    assert_true(size <= sizeof(der));
    for (size_t i = 0; i < size; i++) der[i] = (uint8_t)json_integer_value(json_array_get(numbers, i));
    struct reader reader = reader_over(slice_of(der, size)), list;
    assert_ok(der_enter(&reader, DER_TAG_SEQUENCE, &list));
    append_integer(&list, &raw);
    append_integer(&list, &raw);
    return raw;
}

static struct buffer joined_chain(const json_t *file)
{
    struct buffer chain = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    for (size_t i = 0; i < json_array_size(json_object_get(file, "ca_chain")); i++) {
        assert_ok(buffer_append_text(&chain, json_string_value(json_array_get(json_object_get(file, "ca_chain"), i))));
        assert_ok(buffer_append_text(&chain, "\n"));
    }
    return chain;
}

/* The answer as the service gave it. */
static struct buffer answer_of(const json_t *file, const char *member, const char *name)
{
    struct buffer text = buffer_of_maximum(1 << 16);
    CLEANUP(buffer_done) struct buffer signature = raw_signature(json_object_get(file, "signature"));
    assert_ok(buffer_append_format(&text, "{\"%s\":%s,\"signature\":\"", name, text_in(file, member)));
    assert_ok(hex_encode(buffer_slice(&signature), &text));
    assert_ok(buffer_append_text(&text, "\"}"));
    return text;
}

static void test_texts_in_another_wrapping(void **)
{
    static const struct {
        const char *path;
        bool is_identity;
        enum status expected;
    } cases[] = {
        {RESPONSES "fortanix-00906ea10000.tcb", false, OK},
        {RESPONSES "fortanix-90806f000000-19.tcb", false, OK},
        {RESPONSES "fortanix-eval-num-select-best-00606a000000-18.tcb", false, OK},
        {RESPONSES "fortanix-corrupted-00906ea10000.tcb", false, ERR_SIGNATURE}, /* dates of the year 3000 */
        {RESPONSES "fortanix-qe3_identity.id", true, OK},
        {RESPONSES "fortanix-eval-num-select-best-qe3_identity-17.id", true, OK},
        {RESPONSES "fortanix-eval-num-select-best-qe3_identity-19.id", true, OK},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(json_done) json_t *file = vectors_load(cases[i].path);
        CLEANUP(buffer_done) struct buffer chain = joined_chain(file);
        CLEANUP(buffer_done)
        struct buffer text = cases[i].is_identity ? answer_of(file, "raw_enclave_identity", "enclaveIdentity")
                                                  : answer_of(file, "raw_tcb_info", "tcbInfo");
        const enum status status = cases[i].is_identity
                                       ? check_identity(buffer_slice(&text), buffer_slice(&chain))
                                       : check_tcb_info(buffer_slice(&text), buffer_slice(&chain), INTEL_SGX);
        if (status != cases[i].expected) print_error("%s: %s\n", cases[i].path, status_name(status));
        assert_status(status, cases[i].expected);
    }
}

/* ---- certificates and lists ---- */

/* "0E0E0204018007000000000000000000 0A00": what the service calls a TCB is what the certificate's extension says. */
static void check_tcb(const json_t *entry, const struct pck *pck)
{
    uint8_t tcb[TCB_COMPONENT_COUNT + 2];
    assert_ok(hex_decode_exact(slice_of_text(text_in(entry, "tcbm")), sizeof(tcb), tcb));
    assert_int_equal(pck->pce_svn, tcb[16] | tcb[17] << 8);
    assert_memory_equal(pck->components, tcb, TCB_COMPONENT_COUNT);
}

static size_t check_certificates(const char *path, bool has_instance)
{
    CLEANUP(json_done) json_t *file = vectors_load(path);
    CLEANUP(buffer_done) struct buffer issuers = joined_chain(file);
    const json_t *const entries = json_object_get(file, "pck_data");
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *const entry = json_array_get(entries, i);
        const struct pck_source source = {
            .all = buffer_slice(&issuers), .leaf = slice_of_text(text_in(entry, "cert")), .part = "pck_chain"};
        struct pck_chain *chain = NULL;
        struct refusal why = {};
        if (slice_equal_text(source.leaf, "Not available")) continue;
        assert_ok(pck_chain_verify(&source, NULL, NULL, &why, &chain));
        assert_int_equal(chain->pck.has_instance, has_instance);
        check_tcb(entry, &chain->pck);
        pck_chain_free(chain);
        count++;
    }
    return count;
}

static void test_recorded_certificates_lead_to_intels_root(void **)
{
    assert_int_equal(check_certificates(RESPONSES "fortanix-16a5b41ebb076d263a1e39e64e7175e7.certs", false), 12);
    assert_int_equal(check_certificates(RESPONSES "fortanix-881c3086c0eef78f60f5702a7e379efe.certs", true), 5);
    assert_int_equal(check_certificates(RESPONSES "fortanix-00000000000000000000000000000000.certs", true), 3);
}

static void check_list(struct slice list, struct slice issuer_chain, bool revokes)
{
    CLEANUP(crl_cleanup) struct crl *crl = NULL;
    struct issuer_chain chain = {};
    assert_ok(crl_from_der_or_pem(list, &crl));
    assert_ok(issuer_chain_verify(issuer_chain, ROLE_PCK_CA, "chain", NULL, NULL, NULL, &chain));
    assert_ok(crl_verify_signature(crl, certificate_key(chain.signer)));
    assert_false(crl_lists(crl, certificate_serial(chain.signer)));
    assert_int_equal(slice_equal(crl_issuer_der(crl), certificate_subject_der(chain.signer)), true);
    assert_true(crl_der(crl).size > (revokes ? 1000 : 100));
    issuer_chain_done(&chain);
}

static void test_recorded_lists_are_signed_by_their_issuers(void **)
{
    CLEANUP(json_done) json_t *platform = vectors_load(RESPONSES "pck_crl_platform.json");
    CLEANUP(json_done) json_t *processor = vectors_load(RESPONSES "pck_crl_processor_der.json");
    CLEANUP(json_done) json_t *wrapped = vectors_load(RESPONSES "fortanix-platform.crl");
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(4096);
    CLEANUP(buffer_done) struct buffer chain = joined_chain(wrapped);
    assert_ok(base64_decode(slice_of_text(text_in(processor, "crl_data_base64")), &der));
    check_list(slice_of_text(text_in(platform, "crl_data")), slice_of_text(text_in(platform, "issuer_chain")), true);
    check_list(buffer_slice(&der), slice_of_text(text_in(processor, "issuer_chain")), false);
    check_list(slice_of_text(text_in(wrapped, "crl")), buffer_slice(&chain), true);
}

/* ---- Intel's synthetic samples: well formed, under a root of their own ---- */

static struct buffer read_sample(const char *folder, const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "vectors/intel-synthetic/%.20s/%.40s", folder, name);
    return read_whole(shared_path(path));
}

/* `info_field` is what is wrong with the TCB info, or NULL. */
static void check_sample(const char *folder, uint16_t version, enum intel_tee tee, unsigned certification_type,
                         const char *info_field)
{
    CLEANUP(buffer_done) struct buffer wire = read_sample(folder, "quote.dat");
    CLEANUP(buffer_done) struct buffer chain = read_sample(folder, "tcbSignChain.pem");
    CLEANUP(buffer_done) struct buffer info_text = read_sample(folder, "tcbInfo.json");
    CLEANUP(buffer_done) struct buffer identity_text = read_sample(folder, "qeIdentity.json");
    struct quote quote;
    struct refusal why = {};
    assert_ok(quote_parse(buffer_slice(&wire), &why, &quote));
    assert_int_equal(quote.version, version);
    assert_int_equal(quote.tee, tee);
    assert_int_equal(quote.certification_type, certification_type);
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_from_p256_point(quote.attestation_key, &key));
    assert_ok(key_verify(key, quote.signed_part, quote.signature));
    CLEANUP(tcb_info_done) struct tcb_info info = {};
    assert_status(tcb_info_parse(buffer_slice(&info_text), &why, &info),
                  info_field == NULL ? OK : ERR_COLLATERAL_MALFORMED);
    if (info_field != NULL) assert_string_equal(why.field, info_field);
    CLEANUP(qe_identity_done) struct qe_identity identity = {};
    assert_ok(qe_identity_parse(buffer_slice(&identity_text), &why, &identity));
    struct issuer_chain issuers = {};
    assert_status(issuer_chain_verify(buffer_slice(&chain), ROLE_TCB_SIGNING, "chain", NULL, NULL, &why, &issuers),
                  ERR_CHAIN);
    assert_string_equal(why.field, "chain.root_ca.subjectPublicKeyInfo");
}

static void test_synthetic_samples_are_read_and_not_trusted(void **)
{
    check_sample("sgx-v3", 3, INTEL_SGX, CERTIFICATION_PPID_PLAIN, NULL);
    /* Its SVNs are random numbers up to 65535, where the service and certificates have a byte. */
    check_sample("tdx-v4", 4, INTEL_TDX, CERTIFICATION_PCK_CHAIN, "tcbInfo.tcbLevels[0].tcb.sgxtcbcomponents[1].svn");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_texts_are_signed),
        cmocka_unit_test(test_recorded_answers_as_they_were_served),
        cmocka_unit_test(test_texts_in_another_wrapping),
        cmocka_unit_test(test_recorded_certificates_lead_to_intels_root),
        cmocka_unit_test(test_recorded_lists_are_signed_by_their_issuers),
        cmocka_unit_test(test_synthetic_samples_are_read_and_not_trusted),
    };
    return cmocka_run_group_tests_name("evidence/pcs_responses", tests, NULL, NULL);
}
