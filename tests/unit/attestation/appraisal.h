/* SPDX-License-Identifier: Apache-2.0
 *
 * Appraisals for tests, of simulated machines and of shared vectors: what a parser or signer process has at hand when
 * it calls appraise().
 */
#pragma once

#include "amd_pki.h"
#include "attestation/appraise/shelf.h"
#include "crypto/hash.h"
#include "crypto/x509.h"
#include "policy/default_policy.h"
#include "tee/simulation/authority.h"
#include "tee/simulation/machine.h"
#include "testing.h"
#include "token/runtime_data.h"

enum { SCENE_NOW = 1800000000 };

static const struct simulated_identity appraised_program = {
    .mrenclave = {0xaa, [31] = 1}, .mrsigner = {0xbb, [31] = 2}, .product_id = 3, .svn = 4};
static const struct simulated_domain appraised_domain = {.mrtd = {0xcc, [47] = 3},
                                                         .rtmr = {{0xd0}, {0xd1}, {0xd2}, {0xd3}}};

/* One simulated vendor and machine for the whole program. */
struct maker {
    struct simulated_authority *authority;
    const struct key *root;
    struct trust_roots roots;
    struct simulated_machine *machine;
    struct collateral *sgx, *tdx;
};

static inline struct collateral *maker_collateral(const struct maker *maker, bool tdx)
{
    struct simulated_collateral made = {};
    const struct simulated_collateral_options options = {.now_s = SCENE_NOW, .tdx = tdx};
    struct collateral *collateral = NULL;
    assert_ok(simulated_authority_collateral(maker->authority, &options, &made));
    const struct collateral_texts texts = {
        .tcb_info = buffer_slice(&made.tcb_info),
        .tcb_info_issuer_chain = buffer_slice(&made.tcb_issuer_chain),
        .qe_identity = buffer_slice(&made.qe_identity),
        .qe_identity_issuer_chain = buffer_slice(&made.tcb_issuer_chain),
        .pck_crl = buffer_slice(&made.pck_crl),
        .pck_crl_issuer_chain = buffer_slice(&made.pck_crl_issuer_chain),
        .root_ca_crl = buffer_slice(&made.root_ca_crl),
    };
    assert_ok(collateral_new(&texts, &maker->roots, NULL, &collateral));
    simulated_collateral_done(&made);
    return collateral;
}

static inline const struct maker *maker(void)
{
    static struct maker maker;
    if (maker.machine != NULL) return &maker;
    assert_ok(simulated_authority_new(SCENE_NOW, &maker.authority));
    maker.root = simulated_authority_root(maker.authority);
    maker.roots = (struct trust_roots){.simulated = &maker.root, .simulated_count = 1};
    assert_ok(simulated_machine_new(maker.authority, NULL, SCENE_NOW, &maker.machine));
    maker.sgx = maker_collateral(&maker, false);
    maker.tdx = maker_collateral(&maker, true);
    return &maker;
}

/* One request and all that its appraisal needs and gives. */
struct appraisal {
    struct appraiser appraiser;
    struct appraisal_materials materials;
    struct stored_policy policy;
    struct attest_request request;
    struct amd_pki amd;
    struct appraised *appraised;
    struct refusal why;
    enum appraisal_step step;
};

static inline void appraisal_use_policy(struct appraisal *appraisal, struct slice text)
{
    CLEANUP(buffer_done) struct buffer copy = buffer_of_maximum(POLICY_MAX_BYTES);
    struct refusal why = {};
    stored_policy_done(&appraisal->policy);
    assert_ok(buffer_append(&copy, text));
    if (stored_policy_compile(&copy, &why, &appraisal->policy) != OK) fail_msg("%s: %s", why.field, why.expected);
}

/* In place: nothing points into it. The default policy of its type holds. */
static inline void appraisal_init(struct appraisal *appraisal, enum attestation_type type)
{
    const struct maker *const world = maker();
    *appraisal = (struct appraisal){
        .appraiser = {.roots = &world->roots, .issuer = "https://localhost:7443"},
        .materials = {.collateral = type == ATTESTATION_TDX_VM ? world->tdx : world->sgx, .now_s = SCENE_NOW},
        .request = {.type = type,
                    .evidence = buffer_of_maximum(ATTEST_EVIDENCE_MAX_BYTES),
                    .endorsements = buffer_of_maximum(SNP_CERTIFICATES_MAX_BYTES),
                    .nonce = buffer_of_maximum(ATTEST_NONCE_MAX_BYTES)},
    };
    appraisal->materials.policy = &appraisal->policy;
    appraisal_use_policy(appraisal, default_policy_text(attestation_type_name(type)));
    assert_ok(appraised_new(&appraisal->appraised));
}

static inline void appraisal_done(struct appraisal *appraisal)
{
    stored_policy_done(&appraisal->policy);
    attest_request_done(&appraisal->request);
    amd_pki_done(&appraisal->amd);
    appraised_free(appraisal->appraised);
}

static inline void appraisal_set_data(struct attest_data *data, const char *text, bool is_json)
{
    buffer_done(&data->bytes);
    *data = (struct attest_data){.is_given = true, .is_json = is_json, .bytes = buffer_of_maximum(64 * 1024)};
    assert_ok(buffer_append_text(&data->bytes, text));
}

/* ---- evidence ---- */

enum { ENCLAVE_FLAGS_AT = 48 + 48, ENCLAVE_CONFIG_ID_AT = 48 + 192, DOMAIN_CONFIG_ID_AT = 48 + 184 };

/* What is unlike other machines' evidence: all-zero is nothing. */
struct evidence_change {
    struct slice config_id; /* of an enclave, which then has KSS, or of a domain */
    uint64_t attributes;    /* of a domain, set beside its own */
    bool debug;
};

static inline void appraisal_quote_enclave(struct appraisal *appraisal, const uint8_t report_data[static 64],
                                           const struct evidence_change *change)
{
    CLEANUP(buffer_done) struct buffer part = buffer_of_maximum(SIMULATED_SIGNED_BYTES);
    struct simulated_identity program = appraised_program;
    program.debug = change->debug;
    assert_ok(simulated_machine_report(maker()->machine, &program, report_data, &part));
    if (change->config_id.size > 0) {
        part.bytes[ENCLAVE_FLAGS_AT] |= 0x80;
        memcpy(part.bytes + ENCLAVE_CONFIG_ID_AT, change->config_id.bytes, change->config_id.size);
    }
    if (appraisal->request.type == ATTESTATION_OPEN_ENCLAVE) {
        CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(QUOTE_MAX_BYTES);
        static const uint8_t header[] = {1, 0, 0, 0, 2, 0, 0, 0};
        assert_ok(simulated_machine_sign(maker()->machine, buffer_slice(&part), &quote));
        assert_ok(buffer_append(&appraisal->request.evidence, SLICE_ARRAY(header)));
        assert_ok(buffer_append_u32_le(&appraisal->request.evidence, (uint32_t)quote.size));
        assert_ok(buffer_append_u32_le(&appraisal->request.evidence, 0));
        assert_ok(buffer_append(&appraisal->request.evidence, buffer_slice(&quote)));
        return;
    }
    assert_ok(simulated_machine_sign(maker()->machine, buffer_slice(&part), &appraisal->request.evidence));
}

static inline void appraisal_quote_domain(struct appraisal *appraisal, const uint8_t report_data[static 64],
                                          const struct evidence_change *change)
{
    enum { ATTRIBUTES_AT = 48 + 120 };
    CLEANUP(buffer_done) struct buffer part = buffer_of_maximum(SIMULATED_TD_SIGNED_BYTES);
    struct simulated_domain domain = appraised_domain;
    domain.debug = change->debug;
    assert_ok(simulated_machine_td_report(maker()->machine, &domain, report_data, &part));
    for (size_t i = 0; i < 8; i++) part.bytes[ATTRIBUTES_AT + i] |= (uint8_t)(change->attributes >> 8 * i);
    if (change->config_id.size > 0)
        memcpy(part.bytes + DOMAIN_CONFIG_ID_AT, change->config_id.bytes, change->config_id.size);
    assert_ok(simulated_machine_td_sign(maker()->machine, buffer_slice(&part), &appraisal->request.evidence));
}

static inline void append_pem(struct slice der, struct buffer *pem)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(2 * CERTIFICATE_MAX_BYTES);
    assert_ok(base64_encode(der, &text));
    assert_ok(buffer_append_text(pem, "-----BEGIN CERTIFICATE-----\n"));
    for (size_t at = 0; at < text.size; at += 64) {
        assert_ok(buffer_append(pem, slice_part(buffer_slice(&text), at, 64)));
        assert_ok(buffer_append_u8(pem, '\n'));
    }
    assert_ok(buffer_append_text(pem, "-----END CERTIFICATE-----\n"));
}

/* What amd_pki's callback, which has no context, puts into a report. */
static uint8_t snp_report_data[64], snp_host_data[32];

static inline void fill_snp_report(uint8_t *report)
{
    memcpy(report + 0x050, snp_report_data, sizeof(snp_report_data));
    memcpy(report + 0x0c0, snp_host_data, sizeof(snp_host_data));
}

static inline void appraisal_report_machine(struct appraisal *appraisal, const uint8_t report_data[static 64],
                                            const struct evidence_change *change)
{
    const struct amd_pki_options options = {.report = fill_snp_report};
    memcpy(snp_report_data, report_data, sizeof(snp_report_data));
    memset(snp_host_data, 0x25, sizeof(snp_host_data));
    if (change->config_id.size > 0) memcpy(snp_host_data, change->config_id.bytes, sizeof(snp_host_data));
    appraisal->amd = amd_pki_make(&options);
    appraisal->appraiser.simulated_snp_root = appraisal->amd.keys[AMD_PKI_ROOT];
    appraisal->materials.now_s = AMD_NOW_S;
    assert_ok(buffer_append(&appraisal->request.evidence, buffer_slice(&appraisal->amd.report)));
    for (size_t i = AMD_PKI_ROLE_COUNT; i-- > 0;)
        append_pem(buffer_slice(&appraisal->amd.certificates[i]), &appraisal->request.endorsements);
}

/* Simulated evidence of the request's type that binds these data. */
static inline void appraisal_attest(struct appraisal *appraisal, const uint8_t report_data[static 64],
                                    const struct evidence_change *change)
{
    static const struct evidence_change nothing = {};
    if (change == NULL) change = &nothing;
    buffer_clear(&appraisal->request.evidence);
    buffer_clear(&appraisal->request.endorsements);
    if (appraisal->request.type == ATTESTATION_TDX_VM)
        appraisal_quote_domain(appraisal, report_data, change);
    else if (appraisal->request.type == ATTESTATION_SEV_SNP_VM)
        appraisal_report_machine(appraisal, report_data, change);
    else
        appraisal_quote_enclave(appraisal, report_data, change);
}

/* The same that binds runtime data, which the request has. */
static inline void appraisal_bind(struct appraisal *appraisal, const char *runtime, bool is_json,
                                  const struct evidence_change *change)
{
    uint8_t report_data[64];
    appraisal_set_data(&appraisal->request.runtime, runtime, is_json);
    assert_ok(runtime_data_report_data(slice_of_text(runtime), report_data));
    appraisal_attest(appraisal, report_data, change);
}

/* ---- running ---- */

static inline enum status appraisal_run(struct appraisal *appraisal)
{
    appraisal->why = (struct refusal){};
    return appraise(&appraisal->appraiser, &appraisal->request, &appraisal->materials, &appraisal->why,
                    &appraisal->step, appraisal->appraised);
}

static inline void appraisal_must_run(struct appraisal *appraisal)
{
    if (appraisal_run(appraisal) != OK)
        fail_msg("%s: seen %s, expected %s", appraisal->why.field, appraisal->why.seen, appraisal->why.expected);
}

#define TEST_JTI "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* The payload's text. */
static inline struct buffer appraisal_payload_text(const struct appraisal *appraisal)
{
    struct buffer payload = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    assert_ok(appraised_payload(&appraisal->appraiser, &appraisal->request, &appraisal->materials, appraisal->appraised,
                                TEST_JTI, NULL, &payload));
    return payload;
}

static inline json_t *appraisal_payload(const struct appraisal *appraisal)
{
    CLEANUP(buffer_done) struct buffer text = appraisal_payload_text(appraisal);
    json_t *payload = NULL;
    assert_ok(json_parse(buffer_slice(&text), ATTESTATION_TOKEN_MAX_BYTES, NULL, &payload));
    return payload;
}

static inline json_t *appraisal_token(struct appraisal *appraisal)
{
    appraisal_must_run(appraisal);
    return appraisal_payload(appraisal);
}
