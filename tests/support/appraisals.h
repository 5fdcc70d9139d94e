/* SPDX-License-Identifier: Apache-2.0
 *
 * The example policies of docs/appraisal and, for each, claims that it accepts; ways to change either.
 */
#pragma once

#include "testing.h"

#include "base/encoding.h"
#include "base/json.h"
#include "evidence/appraisal.h"

enum { APPRAISAL_NOW_S = 1795305600 }; /* 2026-11-22 */

static inline json_t *example_policy(const char *name)
{
    char path[PATH_MAX];
    const char *const source = getenv("LAZARET_SOURCE");
    (void)snprintf(path, sizeof(path), "%s/docs/appraisal/%s.json", source != NULL ? source : ".", name);
    CLEANUP(buffer_done) struct buffer text = read_whole(path);
    json_t *policy = NULL;
    assert_ok(json_parse(buffer_slice(&text), APPRAISAL_POLICY_MAX_BYTES, NULL, &policy));
    return policy;
}

/* The value at "sgx/identities/0/mrenclave"; NULL if there is none. */
static inline json_t *value_at(json_t *value, const char *path)
{
    char part[64];
    while (value != NULL && *path != '\0') {
        const size_t size = strcspn(path, "/");
        assert_true(size < sizeof(part));
        memcpy(part, path, size);
        part[size] = '\0';
        path += size + (path[size] == '/');
        value = json_is_array(value) ? json_array_get(value, strtoul(part, NULL, 10)) : json_object_get(value, part);
    }
    return value;
}

/* Puts JSON text at the path; NULL takes the member away. */
static inline void put(json_t *policy, const char *path, const char *text)
{
    char parent[128];
    const char *const slash = strrchr(path, '/');
    const size_t size = slash == NULL ? 0 : (size_t)(slash - path);
    const char *const name = slash == NULL ? path : slash + 1;
    (void)snprintf(parent, sizeof(parent), "%.*s", (int)size, path);
    json_t *const object = value_at(policy, parent);
    assert_non_null(object);
    json_t *const value = text == NULL ? NULL : json_loads(text, JSON_DECODE_ANY, NULL);
    assert_int_equal(text == NULL, value == NULL);
    if (text == NULL)
        assert_int_equal(json_object_del(object, name), 0);
    else if (json_is_array(object))
        assert_int_equal(json_array_set_new(object, strtoul(name, NULL, 10), value), 0);
    else
        assert_int_equal(json_object_set_new(object, name, value), 0);
}

static inline enum status policy_of(const json_t *json, struct refusal *why, struct appraisal_policy **policy_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(2 * APPRAISAL_POLICY_MAX_BYTES);
    assert_ok(json_write(json, &text));
    return appraisal_policy_new(buffer_slice(&text), why, policy_out);
}

static inline void take_hex(json_t *policy, const char *path, size_t size, uint8_t *bytes_out)
{
    const json_t *const value = value_at(policy, path);
    assert_true(json_is_string(value));
    assert_ok(hex_decode_exact(slice_of_text(json_string_value(value)), size, bytes_out));
}

/* ---- claims that the examples accept ---- */

static inline struct intel_platform accepted_platform(json_t *policy)
{
    struct intel_platform platform = {
        .tcb_status = TCB_UP_TO_DATE,
        .tcb_date_s = APPRAISAL_NOW_S - 100 * 86400,
        .newest_tcb_date_s = APPRAISAL_NOW_S - 10 * 86400,
        .tcb_evaluation = 19,
        .collateral_issued_s = APPRAISAL_NOW_S - 86400,
        .has_instance = true,
    };
    const json_t *const fmspc = value_at(policy, "intel/fmspc"), *const instance =
                                                                     value_at(policy, "intel/instance_id");
    const bool is_list = fmspc != NULL && json_is_array(fmspc);
    take_hex(policy, is_list ? "intel/fmspc/0" : "intel/fmspc/allow/0", 6, platform.fmspc);
    if (instance != NULL && json_is_object(instance))
        take_hex(policy, "intel/instance_id/allow/0", 16, platform.instance_id);
    return platform;
}

static inline struct sgx_claims accepted_sgx(json_t *policy)
{
    struct sgx_claims claims = {.platform = accepted_platform(policy), .product_id = 3, .svn = 1};
    take_hex(policy, "sgx/identities/0/mrenclave", 32, claims.mrenclave);
    memset(claims.mrsigner, 0x51, sizeof(claims.mrsigner));
    return claims;
}

static inline struct tdx_claims accepted_tdx(json_t *policy)
{
    struct tdx_claims claims = {.platform = accepted_platform(policy),
                                .is_td15 = true,
                                .attributes = TD_ATTRIBUTE_SEPT_VE_DISABLE,
                                .mrseam = {9}};
    take_hex(policy, "tdx/mrtd/0", 48, claims.mrtd);
    take_hex(policy, "tdx/rtmr1/0", 48, claims.rtmr[1]);
    take_hex(policy, "tdx/rtmr2/1", 48, claims.rtmr[2]);
    take_hex(policy, "tdx/xfam/0", 8, claims.xfam);
    take_hex(policy, "tdx/minimum_tee_tcb_svn", 16, claims.tee_tcb_svn);
    return claims;
}

static inline struct snp_claims accepted_snp(json_t *policy)
{
    const struct snp_tcb tcb = {.boot_loader = 9, .tee = 0, .snp = 23, .microcode = 72};
    struct snp_claims claims = {
        .product = SNP_GENOA,
        .guest_svn = 2,
        .platform_info = SNP_PLATFORM_ALIAS_CHECK_COMPLETE,
        .current = tcb,
        .reported = tcb,
        .committed = tcb,
        .launch = tcb,
        .committed_firmware = {1, 55, 40},
        .crl_checked = true,
    };
    take_hex(policy, "snp/measurement/0", 48, claims.measurement);
    return claims;
}

static inline void take_pcr(json_t *policy, const char *path, size_t index, size_t size, struct tpm_claims *claims)
{
    claims->pcrs.known |= UINT32_C(1) << index;
    take_hex(policy, path, size, claims->pcrs.values[index]);
}

static inline struct tpm_claims accepted_tpm(json_t *policy)
{
    struct tpm_claims claims = {.bank = TPM_HASH_SHA256,
                                .pcrs.hash = TPM_HASH_SHA256,
                                .has_event_log = true,
                                .is_key_restricted = true,
                                .firmware_version = UINT64_C(0x2020031200120003)};
    take_hex(policy, "tpm/key_thumbprint/0", 32, claims.key_thumbprint);
    take_pcr(policy, "tpm/pcrs/sha256/0/0", 0, 32, &claims);
    take_pcr(policy, "tpm/pcrs/sha256/7/0", 7, 32, &claims);
    return claims;
}

static inline struct azure_claims accepted_azure(json_t *policy)
{
    const struct snp_tcb tcb = {.boot_loader = 4, .snp = 24, .microcode = 219};
    struct azure_claims claims = {
        .isolation = AZURE_SNP,
        .snp = {.product = SNP_MILAN,
                .guest_svn = 8,
                .reported = tcb,
                .committed_firmware = {1, 55, 31},
                .family_id = {1},
                .image_id = {2},
                .crl_checked = true},
        .has_tpm = true,
        .tpm = {.bank = TPM_HASH_SHA256, .pcrs.hash = TPM_HASH_SHA256},
        .secure_boot = true,
        .vm_id = "2B4C7A10-93DE-4F6A-8C1B-0D5E6F708192", /* as Azure writes it */
    };
    take_hex(policy, "azure-vtpm/snp/id_key_digest/0", 48, claims.snp.id_key_digest);
    take_pcr(policy, "azure-vtpm/pcrs/sha256/4/0", 4, 32, &claims.tpm);
    take_pcr(policy, "azure-vtpm/pcrs/sha256/7/1", 7, 32, &claims.tpm);
    take_pcr(policy, "azure-vtpm/pcrs/sha256/11/0", 11, 32, &claims.tpm);
    return claims;
}

/* Of the example with the same name as the kind. */
static inline void accepted_claims(enum evidence_kind kind, json_t *policy, struct evidence_claims *claims)
{
    memset(claims, 0, sizeof(*claims));
    claims->kind = kind;
    switch (kind) {
    case EVIDENCE_SGX:
    case EVIDENCE_OPEN_ENCLAVE: claims->sgx = accepted_sgx(policy); break;
    case EVIDENCE_TDX: claims->tdx = accepted_tdx(policy); break;
    case EVIDENCE_SNP: claims->snp = accepted_snp(policy); break;
    case EVIDENCE_AZURE_VTPM: claims->azure = accepted_azure(policy); break;
    case EVIDENCE_TPM: claims->tpm = accepted_tpm(policy); break;
    }
}
