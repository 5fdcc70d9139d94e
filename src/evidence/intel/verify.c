/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel.h"

#include "crypto/hash.h"
#include "evidence/intel/claims.h"
#include "evidence/intel/collateral.h"
#include "evidence/intel/quote.h"
#include "evidence/intel/verification_cache.h"

#include <stdio.h>

/* ---- the PCK chain ---- */

static enum status check_certification_type(const struct quote *quote, struct refusal *why)
{
    static const char *const seen[] = {
        [CERTIFICATION_PPID_PLAIN] = "1: the platform's id in clear, no certificate",
        [CERTIFICATION_PPID_RSA2048] = "2: the platform's id encrypted with RSA-2048, no certificate",
        [CERTIFICATION_PPID_RSA3072] = "3: the platform's id encrypted with RSA-3072, no certificate",
        [CERTIFICATION_PCK_LEAF] = "4: the PCK certificate alone, without its issuers",
        [CERTIFICATION_QE_REPORT] = "6: a nested report, which belongs in quotes of version 4 and 5",
        [CERTIFICATION_PLATFORM_MANIFEST] = "7: a platform manifest, no certificate",
    };
    if (quote->certification_type == CERTIFICATION_PCK_CHAIN) return OK;
    (void)refuse(why, ERR_UNSUPPORTED, "certification_data.type", "5: the chain of PCK certificates", "%s",
                 seen[quote->certification_type]);
    return refuse_fix(why, ERR_UNSUPPORTED, "let the quote provider library fetch the PCK certificate (type 5 quotes)");
}

/* A verified chain of this quote: kept from an earlier call, or verified now and kept. */
static enum status take_chain(const struct quote *quote, const struct collateral *collateral,
                              const struct trust_roots *roots, struct verification_cache *cache, struct refusal *why,
                              struct pck_chain **chain_out)
{
    uint8_t digest[SHA256_BYTES];
    TRY(sha256(quote->certification_data, digest));
    CLEANUP(pck_chain_cleanup) struct pck_chain *chain = verification_cache_find(cache, digest);
    if (chain == NULL) {
        TRY(pck_chain_verify(quote->certification_data, &collateral->pck_crl_chain, roots, why, &chain));
        verification_cache_keep(cache, digest, chain);
    }
    *chain_out = chain;
    chain = NULL;
    return OK;
}

/* Simulated and genuine parts never mix: one root stands behind all of them, and the caller accepts it now. */
static enum status check_roots(const struct pck_chain *chain, const struct collateral *collateral,
                               const struct trust_roots *roots, struct refusal *why)
{
    if (!anchor_is_accepted(&chain->anchor, roots))
        return refuse(why, ERR_CHAIN, "root_ca", "a pinned root", "a root that is not accepted here");
    if (!anchor_equal(&chain->anchor, &collateral->anchor))
        return refuse(why, ERR_CHAIN, "root_ca", "the root at which the collateral ends", "another accepted root");
    return OK;
}

static enum status check_chain_time(const struct pck_chain *chain, int64_t now_s, struct refusal *why)
{
    const struct period periods[] = {
        period_of_certificate(chain->leaf, "pck_certificate"),
        period_of_certificate(chain->ca, "pck_ca"),
        period_of_certificate(chain->root, "root_ca"),
    };
    for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) TRY(period_check(&periods[i], now_s, why));
    return OK;
}

/* The list must be by the very CA that issued the PCK certificate, known by name and key. */
static enum status check_revocation(const struct pck_chain *chain, const struct collateral *collateral,
                                    struct refusal *why)
{
    const struct certificate *const signer = collateral->pck_crl_chain.signer;
    if (!slice_equal(crl_issuer_der(collateral->pck_crl), certificate_issuer_der(chain->leaf)) ||
        (chain->ca != signer && !key_equal(certificate_key(chain->ca), certificate_key(signer))))
        return refuse(why, ERR_COLLATERAL_MISMATCH, "pck_crl.issuer", certificate_subject_common_name(chain->ca), "%s",
                      certificate_subject_common_name(signer));
    TRY(check_not_revoked(collateral->root_crl, chain->ca, "pck_ca.serialNumber", why));
    return check_not_revoked(collateral->pck_crl, chain->leaf, "pck_certificate.serialNumber", why);
}

static enum status check_platform(const struct pck *pck, const struct tcb_info *info, struct refusal *why)
{
    if (!slice_equal(SLICE_ARRAY(pck->fmspc), SLICE_ARRAY(info->fmspc)))
        return refuse(why, ERR_COLLATERAL_MISMATCH, "tcbInfo.fmspc", refusal_hex(SLICE_ARRAY(pck->fmspc)).text, "%s",
                      refusal_hex(SLICE_ARRAY(info->fmspc)).text);
    if (!info->has_pce_id || !slice_equal(SLICE_ARRAY(pck->pce_id), SLICE_ARRAY(info->pce_id)))
        return refuse(why, ERR_COLLATERAL_MISMATCH, "tcbInfo.pceId", refusal_hex(SLICE_ARRAY(pck->pce_id)).text, "%s",
                      info->has_pce_id ? refusal_hex(SLICE_ARRAY(info->pce_id)).text : "nothing");
    return OK;
}

/* ---- the quote ---- */

/* Hardware sets INIT in every report that it makes. */
static enum status check_initialised(const struct report_body *report, const char *field, struct refusal *why)
{
    if ((report->attribute_flags & ATTRIBUTE_INIT) != 0) return OK;
    return refuse(why, ERR_QUOTE_MALFORMED, field, "flags with INIT", "%#llx",
                  (unsigned long long)report->attribute_flags);
}

/* The quoting enclave vouches for the attestation key in its report data: SHA-256(key || authentication data) || 0. */
static enum status check_qe_report_data(const struct quote *quote, struct refusal *why)
{
    const struct slice parts[] = {quote->attestation_key, quote->qe_authentication_data};
    uint8_t expected[REPORT_DATA_BYTES] = {};
    TRY(sha256_parts(parts, 2, expected));
    if (slice_equal(quote->qe_report.report_data, SLICE_ARRAY(expected))) return OK;
    return refuse(why, ERR_QE_REPORT_DATA, "qe_report.report_data", refusal_hex(SLICE_ARRAY(expected)).text, "%s",
                  refusal_hex(quote->qe_report.report_data).text);
}

static enum status check_quoting_enclave(const struct quote *quote, const struct pck_chain *chain,
                                         const struct qe_identity *identity, struct refusal *why)
{
    if (key_verify(certificate_key(chain->leaf), quote->qe_report.whole, quote->qe_report_signature) != OK)
        return refuse(why, ERR_QE_REPORT_SIGNATURE, "qe_report_signature", "a signature by the PCK key", "another one");
    TRY(check_initialised(&quote->qe_report, "qe_report.attributes", why));
    TRY(check_qe_report_data(quote, why));
    return qe_identity_check(identity, &quote->qe_report, why);
}

static enum status check_quote_signature(const struct quote *quote, struct refusal *why)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    if (key_from_p256_point(quote->attestation_key, &key) != OK)
        return refuse(why, ERR_KEY_INVALID, "attestation_key", "a point of P-256", "%s",
                      refusal_hex(quote->attestation_key).text);
    if (key_verify(key, quote->signed_part, quote->signature) != OK)
        return refuse(why, ERR_QUOTE_SIGNATURE, "signature", "a signature by the attestation key", "another one");
    return check_initialised(&quote->report, "report.attributes", why);
}

/* ---- TCB ---- */

static enum status match_levels(const struct quote *quote, const struct pck_chain *chain,
                                const struct collateral *collateral, struct refusal *why, struct verdict *verdict)
{
    const struct tcb_info *const info = &collateral->tcb_info;
    verdict->platform = tcb_match(info->levels, info->level_count, &chain->pck);
    if (verdict->platform == NULL)
        return refuse(why, ERR_TCB_NOT_SUPPORTED, "pck_certificate.tcb", "at least the lowest level in the TCB info",
                      "components %s, PCESVN %u", refusal_hex(SLICE_ARRAY(chain->pck.components)).text,
                      chain->pck.pce_svn);
    verdict->quoting_enclave = qe_identity_level(&collateral->qe_identity, quote->qe_report.svn);
    if (verdict->quoting_enclave == NULL)
        return refuse(why, ERR_TCB_NOT_SUPPORTED, "qe_report.isvsvn", "at least the lowest level in the QE identity",
                      "%u", quote->qe_report.svn);
    return OK;
}

static enum status judge(const struct quote *quote, const struct pck_chain *chain, const struct collateral *collateral,
                         struct refusal *why, struct verdict *verdict)
{
    TRY(match_levels(quote, chain, collateral, why, verdict));
    const struct level_status platform = verdict->platform->facts.status;
    const struct level_status merged = tcb_merge(platform, verdict->quoting_enclave->facts.status);
    if (merged.is_revoked)
        return refuse(why, ERR_TCB_REVOKED, platform.is_revoked ? "pck_certificate.tcb" : "qe_report.isvsvn",
                      "a level that is not revoked", "Revoked");
    verdict->status = merged.status;
    return OK;
}

/* ---- the whole ---- */

/* Steps 2 to 4 of the reference, section 10: everything that the quote's own bytes do not decide. */
static enum status check_chain(const struct pck_chain *chain, const struct collateral *collateral,
                               const struct trust_roots *roots, int64_t now_s, struct refusal *why)
{
    TRY(check_roots(chain, collateral, roots, why));
    TRY(check_chain_time(chain, now_s, why));
    TRY(collateral_check_time(collateral, now_s, why));
    TRY(check_revocation(chain, collateral, why));
    return check_platform(&chain->pck, &collateral->tcb_info, why);
}

enum status sgx_quote_verify(struct slice quote_bytes, const struct collateral *collateral,
                             const struct trust_roots *roots, int64_t now_s, struct verification_cache *cache,
                             struct refusal *why, struct sgx_claims *claims_out)
{
    struct quote quote;
    TRY(quote_parse(quote_bytes, why, &quote));
    TRY(check_certification_type(&quote, why));
    CLEANUP(pck_chain_cleanup) struct pck_chain *chain = NULL;
    TRY(take_chain(&quote, collateral, roots, cache, why, &chain));
    TRY(check_chain(chain, collateral, roots, now_s, why));
    TRY(check_quoting_enclave(&quote, chain, &collateral->qe_identity, why));
    TRY(check_quote_signature(&quote, why));
    struct verdict verdict = {};
    TRY(judge(&quote, chain, collateral, why, &verdict));
    return claims_fill(&quote, quote_bytes, chain, collateral, &verdict, why, claims_out);
}

enum status quote_platform(struct slice quote_bytes, struct refusal *why, uint8_t fmspc_out[static 6],
                           char ca_out[static 16])
{
    struct quote quote;
    TRY(quote_parse(quote_bytes, why, &quote));
    TRY(check_certification_type(&quote, why));
    CLEANUP(pck_chain_cleanup) struct pck_chain *chain = NULL;
    TRY(pck_chain_read(quote.certification_data, why, &chain));
    const char *const kind = pck_ca_kind(chain->ca);
    if (kind == NULL)
        return refuse(why, ERR_CHAIN, "pck_ca.subject.commonName", "PCK Platform CA or PCK Processor CA", "%s",
                      certificate_subject_common_name(chain->ca));
    for (size_t i = 0; i < FMSPC_BYTES; i++) fmspc_out[i] = chain->pck.fmspc[i];
    (void)snprintf(ca_out, 16, "%s", kind);
    return OK;
}
