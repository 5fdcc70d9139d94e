/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel.h"

#include "crypto/hash.h"
#include "evidence/intel/certification.h"
#include "evidence/intel/claims.h"
#include "evidence/intel/verification_cache.h"

/* ---- the PCK chain ---- */

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

static enum status check_report_signature(const struct quote *quote, const struct pck_chain *chain, struct refusal *why)
{
    if (key_verify(certificate_key(chain->leaf), quote->qe_report.whole, quote->qe_report_signature) == OK) return OK;
    return refuse(why, ERR_QE_REPORT_SIGNATURE, "qe_report_signature", "a signature by the PCK key", "another one");
}

static enum status check_quoting_enclave(const struct quote *quote, const struct qe_identity *identity,
                                         struct refusal *why)
{
    TRY(check_initialised(&quote->qe_report, "qe_report.attributes", why));
    TRY(check_qe_report_data(quote, why));
    return qe_identity_check(identity, &quote->qe_report, why);
}

static enum status read_attestation_key(const struct quote *quote, struct refusal *why, struct key **key_out)
{
    if (key_from_p256_point(quote->attestation_key, key_out) == OK) return OK;
    return refuse(why, ERR_KEY_INVALID, "attestation_key", "a point of P-256", "%s",
                  refusal_hex(quote->attestation_key).text);
}

/* All quotes of one attestation key carry the same report of the quoting enclave with the same signature: the key is
 * kept under the digest of what vouches for it. That is four parts of fixed size, and all that decides, so whoever
 * changes any byte is told as ever; only keys that a pinned root vouches for get here, and nobody can crowd others out.
 * What the report says is looked at each time. `key` is the caller's to free in any case. */
static enum status take_attestation_key(const struct quote *quote, const struct pck_chain *chain,
                                        const struct qe_identity *identity, struct verification_cache *cache,
                                        struct refusal *why, struct key **key)
{
    const struct slice parts[] = {SLICE_ARRAY(chain->point), quote->qe_report.whole, quote->qe_report_signature,
                                  quote->attestation_key};
    uint8_t digest[SHA256_BYTES];
    TRY(sha256_parts(parts, sizeof(parts) / sizeof(parts[0]), digest));
    *key = verification_cache_find_key(cache, digest);
    if (*key == NULL) TRY(check_report_signature(quote, chain, why));
    TRY(check_quoting_enclave(quote, identity, why));
    if (*key != NULL) return OK;
    TRY(read_attestation_key(quote, why, key));
    verification_cache_keep_key(cache, digest, *key);
    return OK;
}

static enum status check_signatures(const struct quote *quote, const struct pck_chain *chain,
                                    const struct qe_identity *identity, struct verification_cache *cache,
                                    struct refusal *why)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    TRY(take_attestation_key(quote, chain, identity, cache, why, &key));
    if (key_verify(key, quote->signed_part, quote->signature) == OK) return OK;
    return refuse(why, ERR_QUOTE_SIGNATURE, "signature", "a signature by the attestation key", "another one");
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
    return collateral_check_model(collateral, &chain->pck, why);
}

static enum status check_tee(enum intel_tee quote, enum intel_tee wanted, struct refusal *why)
{
    if (quote == wanted) return OK;
    return refuse(why, ERR_QUOTE_UNSUPPORTED, "header.tee_type", intel_tee_name(wanted), "%s", intel_tee_name(quote));
}

/* What both kinds of quote have in common, up to where their bodies are looked at. */
static enum status open_evidence(const struct intel_evidence *evidence, enum intel_tee tee,
                                 const struct collateral *collateral, const struct trust_roots *roots, int64_t now_s,
                                 struct verification_cache *cache, struct refusal *why, struct quote *quote_out,
                                 struct pck_chain **chain_out)
{
    CLEANUP(pck_chain_cleanup) struct pck_chain *chain = NULL;
    TRY(quote_parse(evidence->quote, why, quote_out));
    TRY(check_tee(quote_out->tee, tee, why));
    TRY(collateral_check_tee(collateral, tee, why));
    TRY(certification_chain(quote_out, evidence->pck_chain, collateral, roots, cache, why, &chain));
    TRY(check_chain(chain, collateral, roots, now_s, why));
    *chain_out = chain;
    chain = NULL;
    return OK;
}

enum status sgx_quote_verify(const struct intel_evidence *evidence, const struct collateral *collateral,
                             const struct trust_roots *roots, int64_t now_s, struct verification_cache *cache,
                             struct refusal *why, struct sgx_claims *claims_out)
{
    struct quote quote;
    CLEANUP(pck_chain_cleanup) struct pck_chain *chain = NULL;
    TRY(open_evidence(evidence, INTEL_SGX, collateral, roots, now_s, cache, why, &quote, &chain));
    TRY(check_signatures(&quote, chain, &collateral->qe_identity, cache, why));
    TRY(check_initialised(&quote.report, "report.attributes", why));
    struct verdict verdict;
    TRY(verdict_of_enclave(&quote, &chain->pck, collateral, why, &verdict));
    const struct verified verified = {&quote, evidence->quote, chain, collateral, &verdict};
    return claims_of_enclave(&verified, why, claims_out);
}

enum status tdx_quote_verify(const struct intel_evidence *evidence, const struct collateral *collateral,
                             const struct trust_roots *roots, int64_t now_s, struct verification_cache *cache,
                             struct refusal *why, struct tdx_claims *claims_out)
{
    struct quote quote;
    const struct tdx_modules *const modules = &collateral->tcb_info.modules;
    const struct tdx_module_identity *module;
    CLEANUP(pck_chain_cleanup) struct pck_chain *chain = NULL;
    TRY(open_evidence(evidence, INTEL_TDX, collateral, roots, now_s, cache, why, &quote, &chain));
    TRY(tdx_module_find(modules, quote.td_report.tee_tcb_svn, why, &module));
    TRY(tdx_module_check(modules, module, &quote.td_report, why));
    TRY(check_signatures(&quote, chain, &collateral->qe_identity, cache, why));
    struct verdict verdict;
    TRY(verdict_of_domain(&quote, &chain->pck, collateral, module, why, &verdict));
    const struct verified verified = {&quote, evidence->quote, chain, collateral, &verdict};
    return claims_of_domain(&verified, why, claims_out);
}
