/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/claims.h"

#include <stdio.h>

/* ---- Intel's platform ---- */

static void put_platform(struct claims_object *object, const struct intel_platform *platform)
{
    PUT_BYTES(object, "fmspc", platform->fmspc);
    PUT_BYTES(object, "pce_id", platform->pce_id);
    PUT_BYTES(object, "ppid", platform->ppid);
    PUT_BYTES(object, "pck_components", platform->components);
    claims_put_number(object, "pck_pce_svn", platform->pce_svn);
    claims_put_time(object, "tcb_date", platform->tcb_date_s);
    claims_put_time(object, "newest_tcb_date", platform->newest_tcb_date_s);
    claims_put_number(object, "tcb_evaluation", platform->tcb_evaluation);
    claims_put_time(object, "collateral_issued", platform->collateral_issued_s);
    claims_put_time(object, "expires", platform->expires_s);
    claims_put_flag(object, "simulated", platform->simulated);
    if (!platform->has_instance) return;
    PUT_BYTES(object, "platform_instance", platform->instance_id);
    claims_put_flag(object, "dynamic_platform", platform->is_dynamic);
    claims_put_flag(object, "cached_keys", platform->has_cached_keys);
    claims_put_flag(object, "smt_enabled", platform->smt_enabled);
}

static void put_collateral_hashes(struct claims_object *object, const struct intel_platform *platform)
{
    CLEANUP(claims_object_cleanup) struct claims_object hashes = claims_object_new();
    PUT_BYTES(&hashes, "qeidcertshash", platform->qe_identity_certificates_hash);
    PUT_BYTES(&hashes, "qeidcrlhash", platform->qe_identity_crl_hash);
    PUT_BYTES(&hashes, "qeidhash", platform->qe_identity_hash);
    PUT_BYTES(&hashes, "quotehash", platform->quote_hash);
    PUT_BYTES(&hashes, "tcbinfocertshash", platform->tcb_info_certificates_hash);
    PUT_BYTES(&hashes, "tcbinfocrlhash", platform->tcb_info_crl_hash);
    PUT_BYTES(&hashes, "tcbinfohash", platform->tcb_info_hash);
    claims_put_object(object, "x-ms-sgx-collateral", &hashes);
}

/* ---- SGX ---- */

void claims_put_sgx(struct claims_object *object, const struct sgx_claims *sgx)
{
    PUT_BYTES(object, "mrenclave", sgx->mrenclave);
    PUT_BYTES(object, "mrsigner", sgx->mrsigner);
    claims_put_number(object, "product_id", sgx->product_id);
    claims_put_number(object, "isvprodid", sgx->product_id);
    claims_put_number(object, "svn", sgx->svn);
    claims_put_number(object, "isvsvn", sgx->svn);
    claims_put_flag(object, "debug", sgx->debug);
    claims_put_hex64(object, "attribute_flags", sgx->attribute_flags);
    claims_put_hex64(object, "attribute_xfrm", sgx->attribute_xfrm);
    PUT_BYTES(object, "report_data", sgx->report_data);
    claims_put_flag(object, "kss", sgx->has_kss);
    PUT_BYTES(object, "config_id", sgx->config_id);
    claims_put_number(object, "config_svn", sgx->config_svn);
    PUT_BYTES(object, "extended_product_id", sgx->extended_product_id);
    PUT_BYTES(object, "family_id", sgx->family_id);
    put_platform(object, &sgx->platform);
}

void claims_put_sgx_token(struct claims_object *object, const struct sgx_claims *sgx)
{
    claims_put_text(object, "x-ms-attestation-type", "sgx");
    claims_put_flag(object, "x-ms-sgx-is-debuggable", sgx->debug);
    claims_put_number(object, "x-ms-sgx-product-id", sgx->product_id);
    claims_put_number(object, "x-ms-sgx-svn", sgx->svn);
    PUT_BYTES(object, "x-ms-sgx-mrenclave", sgx->mrenclave);
    PUT_BYTES(object, "x-ms-sgx-mrsigner", sgx->mrsigner);
    PUT_BYTES(object, "x-ms-sgx-report-data", sgx->report_data);
    put_collateral_hashes(object, &sgx->platform);
    if (!sgx->has_kss) return;
    PUT_BYTES(object, "x-ms-sgx-config-id", sgx->config_id);
    claims_put_number(object, "x-ms-sgx-config-svn", sgx->config_svn);
    PUT_BYTES(object, "x-ms-sgx-isv-extended-product-id", sgx->extended_product_id);
    PUT_BYTES(object, "x-ms-sgx-isv-family-id", sgx->family_id);
}

/* ---- TDX ---- */

/* Under plain names, or with the token's prefix. */
static void put_td_measurements(struct claims_object *object, const struct tdx_claims *tdx, const char *prefix)
{
    const struct {
        const char *name;
        struct slice bytes;
    } fields[] = {
        {"mrseam", SLICE_ARRAY(tdx->mrseam)},
        {"mrsignerseam", SLICE_ARRAY(tdx->mrsignerseam)},
        {"mrtd", SLICE_ARRAY(tdx->mrtd)},
        {"mrconfigid", SLICE_ARRAY(tdx->mrconfigid)},
        {"mrowner", SLICE_ARRAY(tdx->mrowner)},
        {"mrownerconfig", SLICE_ARRAY(tdx->mrownerconfig)},
        {"rtmr0", SLICE_ARRAY(tdx->rtmr[0])},
        {"rtmr1", SLICE_ARRAY(tdx->rtmr[1])},
        {"rtmr2", SLICE_ARRAY(tdx->rtmr[2])},
        {"rtmr3", SLICE_ARRAY(tdx->rtmr[3])},
        {"report_data", SLICE_ARRAY(tdx->report_data)},
        {"tee_tcb_svn", SLICE_ARRAY(tdx->tee_tcb_svn)},
        {"xfam", SLICE_ARRAY(tdx->xfam)},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "%s%s", prefix, fields[i].name);
        claims_put_hex(object, name, fields[i].bytes);
    }
}

void claims_put_tdx(struct claims_object *object, const struct tdx_claims *tdx)
{
    put_td_measurements(object, tdx, "");
    PUT_BYTES(object, "seamattr", tdx->seam_attributes);
    PUT_BYTES(object, "tdattributes", tdx->td_attributes);
    claims_put_flag(object, "debug", tdx->debug);
    claims_put_flag(object, "migratable", (tdx->attributes & TD_ATTRIBUTE_MIGRATABLE) != 0);
    put_platform(object, &tdx->platform);
    if (!tdx->is_td15) return;
    PUT_BYTES(object, "tee_tcb_svn2", tdx->tee_tcb_svn2);
    PUT_BYTES(object, "mrservicetd", tdx->mrservicetd);
}

/* tdx_seamsvn is the module's version and security version, one byte each. */
void claims_put_tdx_token(struct claims_object *object, const struct tdx_claims *tdx)
{
    claims_put_text(object, "x-ms-attestation-type", "tdxvm");
    claims_put_text(object, "eat_profile", "https://aka.ms/maa-eat-profile-tdxvm");
    claims_put_text(object, "dbgstat", tdx->debug ? "enabled" : "disabled");
    claims_put_text(object, "intuse", "generic");
    claims_put_text(object, "attester_tcb_status", tcb_status_name(tdx->platform.tcb_status));
    put_td_measurements(object, tdx, "tdx_");
    PUT_BYTES(object, "tdx_seam_attributes", tdx->seam_attributes);
    PUT_BYTES(object, "tdx_td_attributes", tdx->td_attributes);
    claims_put_number(object, "tdx_seamsvn", tdx->tee_tcb_svn[1] * 256 + tdx->tee_tcb_svn[0]);
    claims_put_flag(object, "tdx_td_attributes_debug", (tdx->attributes & TD_ATTRIBUTE_DEBUG) != 0);
    claims_put_flag(object, "tdx_td_attributes_key_locker", (tdx->attributes & TD_ATTRIBUTE_KEY_LOCKER) != 0);
    claims_put_flag(object, "tdx_td_attributes_perfmon", (tdx->attributes & TD_ATTRIBUTE_PERFMON) != 0);
    claims_put_flag(object, "tdx_td_attributes_protection_keys", (tdx->attributes & TD_ATTRIBUTE_PROTECTION_KEYS) != 0);
    claims_put_flag(object, "tdx_td_attributes_septve_disable", (tdx->attributes & TD_ATTRIBUTE_SEPT_VE_DISABLE) != 0);
}
