/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/verdict.h"

static enum status refuse_platform(const struct pck *pck, struct refusal *why)
{
    return refuse(why, ERR_TCB_NOT_SUPPORTED, "pck_certificate.tcb", "at least the lowest level in the TCB info",
                  "components %s, PCESVN %u", refusal_hex(SLICE_ARRAY(pck->components)).text, pck->pce_svn);
}

static enum status refuse_revoked(const char *field, struct refusal *why)
{
    return refuse(why, ERR_TCB_REVOKED, field, "a level that is not revoked", "Revoked");
}

static int64_t later(int64_t a_s, int64_t b_s)
{
    return a_s > b_s ? a_s : b_s;
}

/* The last step for both kinds: the quoting enclave's level. `platform` is of what it quotes for. */
static enum status merge_quoting_enclave(const struct quote *quote, const struct collateral *collateral,
                                         struct level_status platform, struct refusal *why, struct verdict *verdict)
{
    const struct svn_levels *const levels = &collateral->qe_identity.levels;
    verdict->quoting_enclave = svn_levels_match(levels, quote->qe_report.svn);
    if (verdict->quoting_enclave == NULL)
        return refuse(why, ERR_TCB_NOT_SUPPORTED, "qe_report.isvsvn", "at least the lowest level in the QE identity",
                      "%u", quote->qe_report.svn);
    const struct level_status enclave = verdict->quoting_enclave->facts.status;
    const struct level_status merged = tcb_merge(platform, enclave);
    if (merged.is_revoked) return refuse_revoked(enclave.is_revoked ? "qe_report.isvsvn" : "pck_certificate.tcb", why);
    verdict->status = merged.status;
    verdict->newest_date_s = later(verdict->newest_date_s, levels->items[0].facts.date_s);
    return OK;
}

enum status verdict_of_enclave(const struct quote *quote, const struct pck *pck, const struct collateral *collateral,
                               struct refusal *why, struct verdict *verdict_out)
{
    const struct tcb_info *const info = &collateral->tcb_info;
    struct verdict verdict = {.platform = tcb_match(info->levels, info->level_count, pck),
                              .newest_date_s = info->levels[0].facts.date_s};
    if (verdict.platform == NULL) return refuse_platform(pck, why);
    TRY(merge_quoting_enclave(quote, collateral, verdict.platform->facts.status, why, &verdict));
    *verdict_out = verdict;
    return OK;
}

/* Modules of major version 0 have no levels: the platform's speak for them. */
static enum status merge_module(const struct quote *quote, const struct tdx_module_identity *module,
                                struct refusal *why, struct verdict *verdict, struct level_status *merged_out)
{
    const unsigned svn = quote->td_report.tee_tcb_svn.bytes[0];
    *merged_out = verdict->platform->facts.status;
    if (module != NULL) {
        verdict->module = svn_levels_match(&module->levels, svn);
        if (verdict->module == NULL)
            return refuse(why, ERR_TCB_NOT_SUPPORTED, "report.tee_tcb_svn[0]",
                          "at least the lowest level of the module's identity", "%u", svn);
        *merged_out = tcb_merge(*merged_out, verdict->module->facts.status);
        verdict->newest_date_s = later(verdict->newest_date_s, module->levels.items[0].facts.date_s);
    }
    if (merged_out->is_revoked)
        return refuse_revoked(
            verdict->platform->facts.status.is_revoked ? "pck_certificate.tcb" : "report.tee_tcb_svn[0]", why);
    return OK;
}

/* Only the report of version 1.5 tells of the module that is loaded now. */
static enum status consider_relaunch(const struct quote *quote, const struct collateral *collateral,
                                     const struct tcb_level *sgx_level, const struct verdict *verdict,
                                     struct refusal *why, struct level_status *status)
{
    if (!quote->td_report.is_td15 || verdict->module == NULL) return OK;
    const struct relaunch relaunch = {
        .platform = sgx_level->facts.status,
        .domain = *status,
        .module = verdict->module->facts.status,
        .quoting_enclave = svn_levels_match(&collateral->qe_identity.levels, quote->qe_report.svn),
        .newest = &collateral->tcb_info.levels[0],
    };
    return tdx_relaunch(&relaunch, &collateral->tcb_info.modules, &quote->td_report, why, status);
}

enum status verdict_of_domain(const struct quote *quote, const struct pck *pck, const struct collateral *collateral,
                              const struct tdx_module_identity *module, struct refusal *why,
                              struct verdict *verdict_out)
{
    const struct tcb_info *const info = &collateral->tcb_info;
    const struct slice svn = quote->td_report.tee_tcb_svn;
    const struct tcb_level *const sgx_level = tcb_match(info->levels, info->level_count, pck);
    struct verdict verdict = {.platform = tcb_match_tdx(info->levels, info->level_count, pck, svn.bytes),
                              .newest_date_s = info->levels[0].facts.date_s};
    struct level_status status;
    if (sgx_level == NULL) return refuse_platform(pck, why);
    if (verdict.platform == NULL)
        return refuse(why, ERR_TCB_NOT_SUPPORTED, "report.tee_tcb_svn", "at least the lowest level in the TCB info",
                      "%s", refusal_hex(svn).text);
    TRY(merge_module(quote, module, why, &verdict, &status));
    TRY(consider_relaunch(quote, collateral, sgx_level, &verdict, why, &status));
    TRY(merge_quoting_enclave(quote, collateral, status, why, &verdict));
    *verdict_out = verdict;
    return OK;
}
