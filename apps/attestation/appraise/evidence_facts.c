/* SPDX-License-Identifier: Apache-2.0
 *
 * The claims of each kind of evidence (reference: azure-attestation sections 2.3 and 2.6 to 2.8), which Microsoft's
 * documentation lists and recorded tokens show. What begins with "$" is an old name, which policies still use for what
 * they are given (section 2.3); `x-lazaret-*` is ours.
 */
#include "attestation/appraise/facts.h"

#include "attestation/tpm/tpm.h"

/* ---- Intel ---- */

/* Azure's own tokens of enclaves say nothing of the platform's level: policies may issue it. */
static void add_level(const struct intel_platform *platform, struct facts *facts)
{
    facts_add_text(facts, "x-lazaret-tcb-status", tcb_status_name(platform->tcb_status));
    facts_restrict(facts, FACT_FOR_POLICY);
    facts_add_integer(facts, "x-lazaret-tcb-date", platform->tcb_date_s);
    facts_restrict(facts, FACT_FOR_POLICY);
    facts_add_integer(facts, "x-lazaret-tcb-evaluation", platform->tcb_evaluation);
    facts_restrict(facts, FACT_FOR_POLICY);
    for (size_t i = 0; i < platform->advisory_count; i++) {
        facts_add_text(facts, "x-lazaret-tcb-advisories", platform->advisories[i]);
        facts_restrict(facts, FACT_FOR_POLICY);
    }
}

/* Said whatever a policy issues: nobody takes such a token for one of genuine hardware. */
static void add_origin(bool is_simulated, struct facts *facts)
{
    if (is_simulated) facts_add_boolean(facts, "lazaret-simulated", true);
}

static void add_type(const char *type, struct facts *facts)
{
    facts_add_text(facts, "x-ms-attestation-type", type);
    facts_add_alias(facts, "$tee", FACT_FOR_POLICY);
}

static void add_kss(const struct sgx_claims *claims, struct facts *facts)
{
    if (!claims->has_kss) return;
    facts_add(facts, "x-ms-sgx-config-id", FACT_HEX, SLICE_ARRAY(claims->config_id));
    facts_add_integer(facts, "x-ms-sgx-config-svn", claims->config_svn);
    facts_add(facts, "x-ms-sgx-isv-extended-product-id", FACT_HEX, SLICE_ARRAY(claims->extended_product_id));
    facts_add(facts, "x-ms-sgx-isv-family-id", FACT_HEX, SLICE_ARRAY(claims->family_id));
}

void facts_of_enclave(const struct sgx_claims *claims, struct slice collateral_json, struct facts *facts)
{
    add_type("sgx", facts);
    facts_add_boolean(facts, "x-ms-sgx-is-debuggable", claims->debug);
    facts_add_alias(facts, "$is-debuggable", FACT_FOR_POLICY);
    facts_add_integer(facts, "x-ms-sgx-product-id", claims->product_id);
    facts_add_alias(facts, "$product-id", FACT_FOR_POLICY);
    facts_add_integer(facts, "x-ms-sgx-svn", claims->svn);
    facts_add_alias(facts, "$svn", FACT_FOR_POLICY);
    facts_add(facts, "x-ms-sgx-mrenclave", FACT_HEX, SLICE_ARRAY(claims->mrenclave));
    facts_add_alias(facts, "$sgx-mrenclave", FACT_FOR_POLICY);
    facts_add(facts, "x-ms-sgx-mrsigner", FACT_HEX, SLICE_ARRAY(claims->mrsigner));
    facts_add_alias(facts, "$sgx-mrsigner", FACT_FOR_POLICY);
    facts_add(facts, "x-ms-sgx-report-data", FACT_HEX, SLICE_ARRAY(claims->report_data));
    facts_add(facts, "x-ms-sgx-collateral", FACT_JSON, collateral_json);
    facts_add_alias(facts, "maa-attestationcollateral", FACT_FOR_TOKEN);
    facts_add_alias(facts, "$maa-attestationcollateral", FACT_FOR_POLICY);
    add_kss(claims, facts);
    add_level(&claims->platform, facts);
    add_origin(claims->platform.simulated, facts);
}

static void add_domain_registers(const struct tdx_claims *claims, struct facts *facts)
{
    facts_add(facts, "tdx_mrseam", FACT_HEX, SLICE_ARRAY(claims->mrseam));
    facts_add(facts, "tdx_mrsignerseam", FACT_HEX, SLICE_ARRAY(claims->mrsignerseam));
    facts_add(facts, "tdx_mrtd", FACT_HEX, SLICE_ARRAY(claims->mrtd));
    facts_add(facts, "tdx_mrconfigid", FACT_HEX, SLICE_ARRAY(claims->mrconfigid));
    facts_add(facts, "tdx_mrowner", FACT_HEX, SLICE_ARRAY(claims->mrowner));
    facts_add(facts, "tdx_mrownerconfig", FACT_HEX, SLICE_ARRAY(claims->mrownerconfig));
    facts_add(facts, "tdx_rtmr0", FACT_HEX, SLICE_ARRAY(claims->rtmr[0]));
    facts_add(facts, "tdx_rtmr1", FACT_HEX, SLICE_ARRAY(claims->rtmr[1]));
    facts_add(facts, "tdx_rtmr2", FACT_HEX, SLICE_ARRAY(claims->rtmr[2]));
    facts_add(facts, "tdx_rtmr3", FACT_HEX, SLICE_ARRAY(claims->rtmr[3]));
    facts_add(facts, "tdx_report_data", FACT_HEX, SLICE_ARRAY(claims->report_data));
}

static void add_domain_attributes(const struct tdx_claims *claims, struct facts *facts)
{
    const uint64_t attributes = claims->attributes;
    facts_add(facts, "tdx_seam_attributes", FACT_HEX, SLICE_ARRAY(claims->seam_attributes));
    facts_add(facts, "tdx_td_attributes", FACT_HEX, SLICE_ARRAY(claims->td_attributes));
    facts_add(facts, "tdx_xfam", FACT_HEX, SLICE_ARRAY(claims->xfam));
    facts_add_boolean(facts, "tdx_td_attributes_debug", (attributes & TD_ATTRIBUTE_DEBUG) != 0);
    facts_add_boolean(facts, "tdx_td_attributes_key_locker", (attributes & TD_ATTRIBUTE_KEY_LOCKER) != 0);
    facts_add_boolean(facts, "tdx_td_attributes_perfmon", (attributes & TD_ATTRIBUTE_PERFMON) != 0);
    facts_add_boolean(facts, "tdx_td_attributes_protection_keys", (attributes & TD_ATTRIBUTE_PROTECTION_KEYS) != 0);
    facts_add_boolean(facts, "tdx_td_attributes_septve_disable", (attributes & TD_ATTRIBUTE_SEPT_VE_DISABLE) != 0);
}

/* The module's version is the first two bytes of TEE_TCB_SVN, low byte first (Intel TDX module specification). */
void facts_of_domain(const struct tdx_claims *claims, struct facts *facts)
{
    add_type("tdxvm", facts);
    facts_add_text(facts, "eat_profile", "https://aka.ms/maa-eat-profile-tdxvm");
    facts_add_text(facts, "dbgstat", claims->debug ? "enabled" : "disabled");
    facts_add_text(facts, "intuse", "generic");
    facts_add_text(facts, "attester_tcb_status", tcb_status_name(claims->platform.tcb_status));
    facts_add(facts, "tdx_tee_tcb_svn", FACT_HEX, SLICE_ARRAY(claims->tee_tcb_svn));
    facts_add_integer(facts, "tdx_seamsvn", claims->tee_tcb_svn[0] | claims->tee_tcb_svn[1] << 8);
    add_domain_registers(claims, facts);
    add_domain_attributes(claims, facts);
    add_level(&claims->platform, facts);
    add_origin(claims->platform.simulated, facts);
}

/* ---- AMD ---- */

static void add_firmware(const struct snp_claims *claims, struct facts *facts)
{
    facts_add_integer(facts, "x-ms-sevsnpvm-bootloader-svn", claims->reported.boot_loader);
    facts_add_integer(facts, "x-ms-sevsnpvm-tee-svn", claims->reported.tee);
    facts_add_integer(facts, "x-ms-sevsnpvm-snpfw-svn", claims->reported.snp);
    facts_add_integer(facts, "x-ms-sevsnpvm-microcode-svn", claims->reported.microcode);
    facts_add_integer(facts, "x-ms-sevsnpvm-guestsvn", claims->guest_svn);
    facts_add_integer(facts, "x-ms-sevsnpvm-vmpl", claims->vmpl);
}

void facts_of_snp(const struct snp_claims *claims, struct facts *facts)
{
    add_type("sevsnpvm", facts);
    add_firmware(claims, facts);
    facts_add_boolean(facts, "x-ms-sevsnpvm-is-debuggable", claims->debug);
    facts_add_boolean(facts, "x-ms-sevsnpvm-migration-allowed", claims->migration_allowed);
    facts_add_boolean(facts, "x-ms-sevsnpvm-smt-allowed", claims->smt_allowed);
    facts_add(facts, "x-ms-sevsnpvm-authorkeydigest", FACT_HEX, SLICE_ARRAY(claims->author_key_digest));
    facts_add(facts, "x-ms-sevsnpvm-idkeydigest", FACT_HEX, SLICE_ARRAY(claims->id_key_digest));
    facts_add(facts, "x-ms-sevsnpvm-launchmeasurement", FACT_HEX, SLICE_ARRAY(claims->measurement));
    facts_add(facts, "x-ms-sevsnpvm-familyId", FACT_HEX, SLICE_ARRAY(claims->family_id));
    facts_add(facts, "x-ms-sevsnpvm-imageId", FACT_HEX, SLICE_ARRAY(claims->image_id));
    facts_add(facts, "x-ms-sevsnpvm-hostdata", FACT_HEX, SLICE_ARRAY(claims->host_data));
    facts_add(facts, "x-ms-sevsnpvm-reportdata", FACT_HEX, SLICE_ARRAY(claims->report_data));
    facts_add(facts, "x-ms-sevsnpvm-reportid", FACT_HEX, SLICE_ARRAY(claims->report_id));
    add_origin(claims->simulated, facts);
}

/* ---- TPMs ---- */

static void add_json(const char *name, struct slice json, struct facts *facts)
{
    if (json.size == 0) return;
    facts_add(facts, name, FACT_JSON, json);
    facts_restrict(facts, FACT_FOR_TOKEN);
}

/* Most claims of a TPM are for its policy, which decides what the token says (tpm_report_claims); these are Azure's own
 * of each report. Which type it has there is not published. */
void facts_of_tpm(const struct tpm_report *report, struct facts *facts)
{
    const struct tpm_report_token said = tpm_report_token(report);
    add_type("tpm", facts);
    facts_add_text(facts, "ver", "1.0");
    facts_restrict(facts, FACT_FOR_TOKEN);
    add_json("cnf", said.confirmation, facts);
    add_json("x-ms-tpm-request-key", said.request_key, facts);
    add_json("x-ms-tpm-other-keys", said.other_keys, facts);
    if (said.rp_data.size == 0) return;
    facts_add(facts, "rp_data", FACT_TEXT, said.rp_data);
    facts_add_alias(facts, "nonce", FACT_FOR_BOTH);
}

/* ---- what came with it ---- */

static bool is_enclave(const struct appraised *appraised)
{
    const enum evidence_kind kind = appraised->evidence.kind;
    return kind == EVIDENCE_SGX || kind == EVIDENCE_OPEN_ENCLAVE;
}

/* Binary data of enclaves come back under three names; of machines there is no claim for them. */
static void add_data(const struct attest_request *request, const struct appraised *appraised, struct facts *facts)
{
    const struct attest_data *const runtime = &request->runtime, *const init_time = &request->init_time;
    if (runtime->is_given && runtime->is_json)
        facts_add(facts, "x-ms-runtime", FACT_JSON, buffer_slice(&appraised->runtime_json));
    if (init_time->is_given && init_time->is_json)
        facts_add(facts, "x-ms-inittime", FACT_JSON, buffer_slice(&appraised->init_time_json));
    if (!runtime->is_given || runtime->is_json || !is_enclave(appraised)) return;
    facts_add(facts, "x-ms-sgx-ehd", FACT_BASE64URL, buffer_slice(&runtime->bytes));
    facts_add_alias(facts, "aas-ehd", FACT_FOR_TOKEN);
    facts_add_alias(facts, "maa-ehd", FACT_FOR_TOKEN);
    facts_add_alias(facts, "$aas-ehd", FACT_FOR_POLICY);
    facts_add_alias(facts, "$maa-ehd", FACT_FOR_POLICY);
}

void facts_of(const struct attest_request *request, const struct appraised *appraised, struct facts *facts_out)
{
    const struct evidence_claims *const evidence = &appraised->evidence;
    facts_out->count = 0;
    if (is_enclave(appraised))
        facts_of_enclave(&evidence->sgx, buffer_slice(&appraised->collateral_json), facts_out);
    else if (evidence->kind == EVIDENCE_TDX)
        facts_of_domain(&evidence->tdx, facts_out);
    else if (evidence->kind == EVIDENCE_SNP)
        facts_of_snp(&evidence->snp, facts_out);
    else if (evidence->kind == EVIDENCE_TPM)
        facts_of_tpm(appraised->tpm, facts_out);
    add_data(request, appraised, facts_out);
    if (request->nonce.size > 0) facts_add(facts_out, "nonce", FACT_TEXT, buffer_slice(&request->nonce));
}
