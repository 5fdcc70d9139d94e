/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/claims.h"

#include "crypto/hash.h"

#include <string.h>

/* Copies a slice whose size the parser has fixed. */
static void copy(struct slice from, uint8_t *to, size_t size)
{
    if (from.size == size) memcpy(to, from.bytes, size);
}

/* ---- the platform ---- */

/* Keeps the list sorted and each name once. */
static enum status add_advisory(const char *name, struct intel_platform *platform)
{
    size_t at = 0;
    int order = -1;
    while (at < platform->advisory_count && (order = strcmp(platform->advisories[at], name)) < 0) at++;
    if (order == 0) return OK;
    if (platform->advisory_count == ADVISORY_MAX_COUNT) return ERR_COLLATERAL_MALFORMED;
    memmove(platform->advisories[at + 1], platform->advisories[at],
            (platform->advisory_count - at) * sizeof(platform->advisories[0]));
    memset(platform->advisories[at], 0, sizeof(platform->advisories[at]));
    memcpy(platform->advisories[at], name, strnlen(name, ADVISORY_MAX_BYTES));
    platform->advisory_count++;
    return OK;
}

static enum status add_advisories(const struct json_node *names, struct intel_platform *platform)
{
    if (names == NULL) return OK;
    const struct json_node *name = json_node_first(names);
    for (size_t i = 0; i < names->size; i++, name = json_node_next(name)) TRY(add_advisory(name->string, platform));
    return OK;
}

static enum status take_advisories(const struct verdict *verdict, struct refusal *why, struct intel_platform *platform)
{
    const struct json_node *const lists[] = {
        verdict->platform->facts.advisories,
        verdict->module != NULL ? verdict->module->facts.advisories : NULL,
        verdict->quoting_enclave->facts.advisories,
    };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (add_advisories(lists[i], platform) != OK)
            return refuse(why, ERR_COLLATERAL_MALFORMED, "advisoryIDs", "at most 64 for a platform and its software",
                          "more");
    }
    return OK;
}

static void shorten(int64_t *expires_s, int64_t until_s)
{
    if (until_s < *expires_s) *expires_s = until_s;
}

static int64_t earlier(int64_t a_s, int64_t b_s)
{
    return a_s < b_s ? a_s : b_s;
}

static int64_t end_of_validity_s(const struct pck_chain *chain, const struct collateral *collateral)
{
    int64_t expires_s = collateral->expires_s;
    shorten(&expires_s, period_of_certificate(chain->leaf, "").until_s);
    shorten(&expires_s, period_of_certificate(chain->ca, "").until_s);
    shorten(&expires_s, period_of_certificate(chain->root, "").until_s);
    return expires_s;
}

static enum status take_hashes(struct slice wire, const struct collateral *collateral, struct intel_platform *platform)
{
    copy(SLICE_ARRAY(collateral->qe_identity_hash), platform->qe_identity_hash, 32);
    copy(SLICE_ARRAY(collateral->qe_identity_certificates_hash), platform->qe_identity_certificates_hash, 32);
    copy(SLICE_ARRAY(collateral->root_crl_hash), platform->qe_identity_crl_hash, 32);
    copy(SLICE_ARRAY(collateral->tcb_info_hash), platform->tcb_info_hash, 32);
    copy(SLICE_ARRAY(collateral->tcb_info_certificates_hash), platform->tcb_info_certificates_hash, 32);
    copy(SLICE_ARRAY(collateral->root_crl_hash), platform->tcb_info_crl_hash, 32);
    return sha256(wire, platform->quote_hash);
}

static void take_pck(const struct pck *pck, struct intel_platform *platform)
{
    copy(SLICE_ARRAY(pck->ppid), platform->ppid, sizeof(platform->ppid));
    copy(SLICE_ARRAY(pck->fmspc), platform->fmspc, sizeof(platform->fmspc));
    copy(SLICE_ARRAY(pck->pce_id), platform->pce_id, sizeof(platform->pce_id));
    copy(SLICE_ARRAY(pck->components), platform->components, sizeof(platform->components));
    platform->pce_svn = pck->pce_svn;
    platform->has_instance = pck->has_instance;
    copy(SLICE_ARRAY(pck->instance_id), platform->instance_id, sizeof(platform->instance_id));
    platform->is_dynamic = pck->is_dynamic;
    platform->has_cached_keys = pck->has_cached_keys;
    platform->smt_enabled = pck->smt_enabled;
}

enum status claims_of_verdict(const struct verdict *verdict, const struct pck *pck, const struct collateral *collateral,
                              struct refusal *why, struct intel_platform *platform_out)
{
    *platform_out = (struct intel_platform){
        .simulated = collateral->anchor.is_simulated,
        .tcb_status = verdict->status,
        .tcb_date_s = verdict->platform->facts.date_s,
        .newest_tcb_date_s = verdict->newest_date_s,
        .tcb_evaluation = collateral_evaluation(collateral),
        .collateral_issued_s = earlier(collateral->tcb_info.issued_s, collateral->qe_identity.issued_s),
        .expires_s = collateral->expires_s,
    };
    take_pck(pck, platform_out);
    return take_advisories(verdict, why, platform_out);
}

static enum status take_platform(const struct verified *v, struct refusal *why, struct intel_platform *platform)
{
    TRY(claims_of_verdict(v->verdict, &v->chain->pck, v->collateral, why, platform));
    platform->qe_svn = v->quote->qe_report.svn;
    platform->expires_s = end_of_validity_s(v->chain, v->collateral);
    return take_hashes(v->wire, v->collateral, platform);
}

/* ---- enclaves ---- */

static void take_report(const struct report_body *report, struct sgx_claims *claims)
{
    claims->debug = (report->attribute_flags & ATTRIBUTE_DEBUG) != 0;
    claims->has_kss = (report->attribute_flags & ATTRIBUTE_KSS) != 0;
    claims->attribute_flags = report->attribute_flags;
    claims->attribute_xfrm = report->attribute_xfrm;
    claims->product_id = report->product_id;
    claims->svn = report->svn;
    claims->config_svn = report->config_svn;
    copy(report->mrenclave, claims->mrenclave, sizeof(claims->mrenclave));
    copy(report->mrsigner, claims->mrsigner, sizeof(claims->mrsigner));
    copy(report->config_id, claims->config_id, sizeof(claims->config_id));
    copy(report->extended_product_id, claims->extended_product_id, sizeof(claims->extended_product_id));
    copy(report->family_id, claims->family_id, sizeof(claims->family_id));
    copy(report->report_data, claims->report_data, sizeof(claims->report_data));
}

enum status claims_of_enclave(const struct verified *verified, struct refusal *why, struct sgx_claims *claims_out)
{
    struct sgx_claims claims = {};
    TRY(take_platform(verified, why, &claims.platform));
    take_report(&verified->quote->report, &claims);
    *claims_out = claims;
    return OK;
}

/* ---- domains ---- */

static void take_td_report(const struct td_report *report, struct tdx_claims *claims)
{
    enum { TUD_ATTRIBUTES = 0xff }; /* each makes a TD untrusted for production */
    claims->attributes = slice_number_le(report->td_attributes);
    claims->debug = (claims->attributes & TUD_ATTRIBUTES) != 0;
    claims->is_td15 = report->is_td15;
    copy(report->tee_tcb_svn, claims->tee_tcb_svn, sizeof(claims->tee_tcb_svn));
    copy(report->mrseam, claims->mrseam, sizeof(claims->mrseam));
    copy(report->mrsignerseam, claims->mrsignerseam, sizeof(claims->mrsignerseam));
    copy(report->seam_attributes, claims->seam_attributes, sizeof(claims->seam_attributes));
    copy(report->td_attributes, claims->td_attributes, sizeof(claims->td_attributes));
    copy(report->xfam, claims->xfam, sizeof(claims->xfam));
    copy(report->mrtd, claims->mrtd, sizeof(claims->mrtd));
    copy(report->mrconfigid, claims->mrconfigid, sizeof(claims->mrconfigid));
    copy(report->mrowner, claims->mrowner, sizeof(claims->mrowner));
    copy(report->mrownerconfig, claims->mrownerconfig, sizeof(claims->mrownerconfig));
    for (size_t i = 0; i < TD_RTMR_COUNT; i++) copy(report->rtmr[i], claims->rtmr[i], sizeof(claims->rtmr[i]));
    copy(report->report_data, claims->report_data, sizeof(claims->report_data));
    copy(report->tee_tcb_svn2, claims->tee_tcb_svn2, sizeof(claims->tee_tcb_svn2));
    copy(report->mrservicetd, claims->mrservicetd, sizeof(claims->mrservicetd));
}

enum status claims_of_domain(const struct verified *verified, struct refusal *why, struct tdx_claims *claims_out)
{
    struct tdx_claims claims = {};
    TRY(take_platform(verified, why, &claims.platform));
    take_td_report(&verified->quote->td_report, &claims);
    *claims_out = claims;
    return OK;
}
