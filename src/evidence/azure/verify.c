/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/azure/hcl.h"
#include "evidence/azure/runtime_data.h"
#include "evidence/azure/td_report.h"

/* The paravisor runs at the highest privilege level and asks for the report there. From a lower one, the guest itself
 * could have asked, with runtime data and a vTPM of its own making. */
static enum status check_level(const struct snp_claims *claims, struct refusal *why)
{
    if (claims->vmpl == 0) return OK;
    return refuse(why, ERR_AZURE_REPORT, "hcl_report.snp_report.vmpl", "0, the paravisor's", "%u",
                  (unsigned)claims->vmpl);
}

static enum status verify_snp(const struct azure_evidence *evidence, const struct hcl_report *report, int64_t now_s,
                              struct refusal *why, struct azure_claims *claims)
{
    if (evidence->td_quote.size > 0)
        return refuse(why, ERR_AZURE_REPORT, "td_quote", "none, since the hardware's report is AMD's", "%zu bytes",
                      evidence->td_quote.size);
    TRY(snp_report_verify(report->hardware_report, &evidence->endorsements, now_s, evidence->snp_cache, why,
                          &claims->snp));
    TRY(check_level(&claims->snp, why));
    claims->expires_s = claims->snp.expires_s;
    return hcl_check_binding(report, SLICE_ARRAY(claims->snp.report_data), why);
}

static enum status need_td_quote(const struct azure_evidence *evidence, struct refusal *why)
{
    if (evidence->td_quote.size == 0) {
        (void)refuse(why, ERR_AZURE_REPORT, "td_quote", "the TD quote of the TDREPORT in the HCL report", "nothing");
        return refuse_fix(why, ERR_AZURE_REPORT, "ask the machine's /acc/tdquote for it and give it");
    }
    if (evidence->collateral != NULL) return OK;
    (void)refuse(why, ERR_COLLATERAL_MISSING, "collateral", "Intel's collateral for this platform", "nothing");
    return refuse_fix(why, ERR_COLLATERAL_MISSING, "fetch the collateral of this platform and give it");
}

/* Azure hands quotes out with 70 zeros behind them; whatever else stands there is refused. */
static enum status verify_tdx(const struct azure_evidence *evidence, const struct hcl_report *report, int64_t now_s,
                              struct refusal *why, struct azure_claims *claims)
{
    struct intel_evidence quote = {};
    TRY(need_td_quote(evidence, why));
    TRY(quote_without_padding(evidence->td_quote, why, &quote.quote));
    TRY(tdx_quote_verify(&quote, evidence->collateral, evidence->roots, now_s, evidence->cache, why, &claims->tdx));
    TRY(td_report_check(report->hardware_report, &claims->tdx, why));
    claims->expires_s = claims->tdx.platform.expires_s;
    return hcl_check_binding(report, SLICE_ARRAY(claims->tdx.report_data), why);
}

static enum status verify_tpm(const struct azure_evidence *evidence, const struct key *key, struct refusal *why,
                              struct azure_claims *claims)
{
    if (evidence->tpm.attest.size == 0) {
        if (!evidence->tpm_required) return OK;
        (void)refuse(why, ERR_AZURE_REPORT, "tpm_quote", "a quote of the vTPM: a report alone can be old", "nothing");
        return refuse_fix(why, ERR_AZURE_REPORT, "quote with the key in NV index 0x81000003 over a fresh nonce");
    }
    struct tpm_quote quote = evidence->tpm;
    quote.key = key;
    TRY(tpm_quote_verify(&quote, why, &claims->tpm));
    claims->has_tpm = true;
    return OK;
}

enum status azure_vtpm_verify(const struct azure_evidence *evidence, int64_t now_s, struct refusal *why,
                              struct azure_claims *claims_out)
{
    struct hcl_report report;
    struct azure_claims claims = {};
    CLEANUP(key_cleanup) struct key *key = NULL;
    TRY(hcl_report_parse(evidence->hcl_report, why, &report));
    claims.isolation = report.isolation;
    TRY(report.isolation == AZURE_SNP ? verify_snp(evidence, &report, now_s, why, &claims)
                                      : verify_tdx(evidence, &report, now_s, why, &claims));
    TRY(runtime_data_read(report.runtime_data, why, &claims, &key));
    TRY(verify_tpm(evidence, key, why, &claims));
    TRY(sha256(report.runtime_data, claims.runtime_data_hash));
    TRY(key_thumbprint(key, claims.ak_thumbprint));
    *claims_out = claims;
    return OK;
}

enum status azure_report_facts(struct slice hcl_report, struct refusal *why, struct azure_facts *facts_out)
{
    struct hcl_report report;
    TRY(hcl_report_parse(hcl_report, why, &report));
    *facts_out = (struct azure_facts){
        .isolation = report.isolation, .hardware_report = report.hardware_report, .runtime_data = report.runtime_data};
    return OK;
}
