/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/claims.h"

#include "crypto/hash.h"

#include <string.h>

/* Copies a slice whose size the parser has fixed. */
static void copy(struct slice from, uint8_t *to, size_t size)
{
    if (from.size == size) memcpy(to, from.bytes, size);
}

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

/* Keeps the list sorted and each name once. */
static enum status add_advisory(const char *name, struct sgx_claims *claims)
{
    size_t at = 0;
    while (at < claims->platform.advisory_count && strcmp(claims->platform.advisories[at], name) < 0) at++;
    if (at < claims->platform.advisory_count && strcmp(claims->platform.advisories[at], name) == 0) return OK;
    if (claims->platform.advisory_count == ADVISORY_MAX_COUNT) return ERR_COLLATERAL_MALFORMED;
    memmove(claims->platform.advisories[at + 1], claims->platform.advisories[at],
            (claims->platform.advisory_count - at) * sizeof(claims->platform.advisories[0]));
    memset(claims->platform.advisories[at], 0, sizeof(claims->platform.advisories[at]));
    memcpy(claims->platform.advisories[at], name, strnlen(name, ADVISORY_MAX_BYTES));
    claims->platform.advisory_count++;
    return OK;
}

static enum status add_advisories(const json_t *names, struct sgx_claims *claims)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        TRY(add_advisory(json_string_value(json_array_get(names, i)), claims));
    return OK;
}

static enum status take_advisories(const struct verdict *verdict, struct refusal *why, struct sgx_claims *claims)
{
    if (add_advisories(verdict->platform->facts.advisories, claims) == OK &&
        add_advisories(verdict->quoting_enclave->facts.advisories, claims) == OK)
        return OK;
    return refuse(why, ERR_COLLATERAL_MALFORMED, "advisoryIDs", "at most 64 for a platform and its quoting enclave",
                  "more");
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
    struct collateral_facts facts;
    collateral_facts(collateral, &facts);
    int64_t expires_s = facts.expires_s;
    shorten(&expires_s, period_of_certificate(chain->leaf, "").until_s);
    shorten(&expires_s, period_of_certificate(chain->ca, "").until_s);
    shorten(&expires_s, period_of_certificate(chain->root, "").until_s);
    return expires_s;
}

static enum status take_hashes(struct slice wire, const struct collateral *collateral, struct sgx_claims *claims)
{
    copy(SLICE_ARRAY(collateral->qe_identity_hash), claims->platform.qe_identity_hash, 32);
    copy(SLICE_ARRAY(collateral->qe_identity_certificates_hash), claims->platform.qe_identity_certificates_hash, 32);
    copy(SLICE_ARRAY(collateral->root_crl_hash), claims->platform.qe_identity_crl_hash, 32);
    copy(SLICE_ARRAY(collateral->tcb_info_hash), claims->platform.tcb_info_hash, 32);
    copy(SLICE_ARRAY(collateral->tcb_info_certificates_hash), claims->platform.tcb_info_certificates_hash, 32);
    copy(SLICE_ARRAY(collateral->root_crl_hash), claims->platform.tcb_info_crl_hash, 32);
    return sha256(wire, claims->platform.quote_hash);
}

enum status claims_fill(const struct quote *quote, struct slice wire, const struct pck_chain *chain,
                        const struct collateral *collateral, const struct verdict *verdict, struct refusal *why,
                        struct sgx_claims *claims_out)
{
    struct collateral_facts facts;
    collateral_facts(collateral, &facts);
    struct sgx_claims claims = {
        .platform = {.simulated = chain->anchor.is_simulated,
                     .tcb_status = verdict->status,
                     .tcb_date_s = verdict->platform->facts.date_s,
                     .tcb_evaluation = facts.tcb_evaluation,
                     .collateral_issued_s = earlier(collateral->tcb_info.issued_s, collateral->qe_identity.issued_s),
                     .expires_s = end_of_validity_s(chain, collateral)},
    };
    take_report(&quote->report, &claims);
    copy(SLICE_ARRAY(chain->pck.fmspc), claims.platform.fmspc, sizeof(claims.platform.fmspc));
    TRY(take_advisories(verdict, why, &claims));
    TRY(take_hashes(wire, collateral, &claims));
    *claims_out = claims;
    return OK;
}
