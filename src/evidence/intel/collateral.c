/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/collateral.h"

#include "crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void collateral_free(struct collateral *collateral)
{
    if (collateral == NULL || atomic_fetch_sub(&collateral->owners, 1) != 1) return;
    issuer_chain_done(&collateral->pck_crl_chain);
    issuer_chain_done(&collateral->tcb_info_chain);
    issuer_chain_done(&collateral->qe_identity_chain);
    crl_free(collateral->root_crl);
    crl_free(collateral->pck_crl);
    tcb_info_done(&collateral->tcb_info);
    qe_identity_done(&collateral->qe_identity);
    free(collateral);
}

void collateral_cleanup(struct collateral **collateral)
{
    collateral_free(*collateral);
    *collateral = NULL;
}

struct collateral *collateral_share(const struct collateral *collateral)
{
    struct collateral *const shared = (struct collateral *)collateral; /* only the count of owners changes */
    if (shared != NULL) atomic_fetch_add(&shared->owners, 1);
    return shared;
}

/* ---- revocation lists ---- */

enum status check_not_revoked(const struct crl *crl, const struct certificate *certificate, const char *part,
                              struct refusal *why)
{
    if (!crl_lists(crl, certificate_serial(certificate))) return OK;
    return refuse(why, ERR_CERTIFICATE_REVOKED, part, "a serial number that its issuer has not revoked", "%s",
                  refusal_hex(certificate_serial(certificate)).text);
}

static enum status read_crl(struct slice text, const char *part, struct refusal *why, struct crl **crl_out)
{
    const enum status status = crl_from_der_or_pem(text, crl_out);
    if (status == OK) return OK;
    return refuse(why, status, part, "a version 2 revocation list in strict DER or PEM", "%zu bytes that are none",
                  text.size);
}

static enum status check_crl(const struct crl *crl, const struct certificate *issuer, const char *part,
                             struct refusal *why)
{
    char field[REFUSAL_FIELD_BYTES];
    (void)snprintf(field, sizeof(field), "%s.issuer", part);
    if (!slice_equal(crl_issuer_der(crl), certificate_subject_der(issuer)))
        return refuse(why, ERR_COLLATERAL_MISMATCH, field, certificate_subject_common_name(issuer), "another issuer");
    (void)snprintf(field, sizeof(field), "%s.extensions", part);
    if (crl_has_unknown_critical_extension(crl))
        return refuse(why, ERR_CRL_MALFORMED, field, "no critical one that is not understood", "one");
    (void)snprintf(field, sizeof(field), "%s.nextUpdate", part);
    if (crl_next_update_s(crl) == 0) return refuse(why, ERR_CRL_MALFORMED, field, "a time", "nothing");
    (void)snprintf(field, sizeof(field), "%s.signature", part);
    if (crl_verify_signature(crl, certificate_key(issuer)) != OK)
        return refuse(why, ERR_CRL_SIGNATURE, field, "a signature by its issuer", "another one");
    return OK;
}

static enum status take_crls(const struct collateral_texts *texts, const struct trust_roots *roots, struct refusal *why,
                             struct collateral *c)
{
    TRY(issuer_chain_verify(texts->pck_crl_issuer_chain, ROLE_PCK_CA, "pck_crl_issuer_chain", NULL, roots, why,
                            &c->pck_crl_chain));
    c->anchor = c->pck_crl_chain.anchor;
    TRY(read_crl(texts->root_ca_crl, "root_ca_crl", why, &c->root_crl));
    TRY(check_crl(c->root_crl, c->pck_crl_chain.root, "root_ca_crl", why));
    TRY(check_not_revoked(c->root_crl, c->pck_crl_chain.signer, "pck_crl_issuer_chain.signer.serialNumber", why));
    TRY(read_crl(texts->pck_crl, "pck_crl", why, &c->pck_crl));
    return check_crl(c->pck_crl, c->pck_crl_chain.signer, "pck_crl", why);
}

/* ---- TCB info and QE identity ---- */

static enum status check_anchor(const struct collateral *c, const struct issuer_chain *chain, const char *part,
                                struct refusal *why)
{
    if (anchor_equal(&c->anchor, &chain->anchor)) return OK;
    return refuse(why, ERR_CHAIN, part, "the root at which the revocation lists end", "another accepted root");
}

static enum status check_signed_json(const struct signed_json *json, const struct issuer_chain *chain,
                                     const char *field, struct refusal *why)
{
    if (key_verify(certificate_key(chain->signer), json->signed_text, SLICE_ARRAY(json->signature)) == OK) return OK;
    return refuse(why, ERR_COLLATERAL_SIGNATURE, field, "a signature over the exact text by the TCB signing key",
                  "another one");
}

static enum status take_tcb_info(const struct collateral_texts *texts, const struct trust_roots *roots,
                                 struct refusal *why, struct collateral *c)
{
    static const char part[] = "tcb_info_issuer_chain";
    TRY(issuer_chain_verify(texts->tcb_info_issuer_chain, ROLE_TCB_SIGNING, part, &c->pck_crl_chain, roots, why,
                            &c->tcb_info_chain));
    TRY(check_anchor(c, &c->tcb_info_chain, part, why));
    TRY(check_not_revoked(c->root_crl, c->tcb_info_chain.signer, "tcb_info_issuer_chain.signer.serialNumber", why));
    TRY(tcb_info_parse(texts->tcb_info, why, &c->tcb_info));
    TRY(check_signed_json(&c->tcb_info.json, &c->tcb_info_chain, "tcb_info.signature", why));
    c->tcb_info.json.signed_text = (struct slice){}; /* borrowed from `texts` */
    return OK;
}

static enum status take_qe_identity(const struct collateral_texts *texts, const struct trust_roots *roots,
                                    struct refusal *why, struct collateral *c)
{
    static const char part[] = "qe_identity_issuer_chain";
    TRY(issuer_chain_verify(texts->qe_identity_issuer_chain, ROLE_TCB_SIGNING, part, &c->tcb_info_chain, roots, why,
                            &c->qe_identity_chain));
    TRY(check_anchor(c, &c->qe_identity_chain, part, why));
    TRY(check_not_revoked(c->root_crl, c->qe_identity_chain.signer, "qe_identity_issuer_chain.signer.serialNumber",
                          why));
    TRY(qe_identity_parse(texts->qe_identity, why, &c->qe_identity));
    TRY(check_signed_json(&c->qe_identity.json, &c->qe_identity_chain, "qe_identity.signature", why));
    c->qe_identity.json.signed_text = (struct slice){}; /* borrowed from `texts` */
    const enum enclave_id wanted = c->tcb_info.tee == INTEL_TDX ? ENCLAVE_TD_QE : ENCLAVE_QE;
    if (c->qe_identity.id != wanted)
        return refuse(why, ERR_COLLATERAL_MISMATCH, "enclaveIdentity.id", enclave_id_name(wanted), "%s",
                      enclave_id_name(c->qe_identity.id));
    return OK;
}

const char *intel_tee_name(enum intel_tee tee)
{
    return tee == INTEL_TDX ? "tdx" : "sgx";
}

/* ---- time ---- */

static void add_period(struct collateral *c, struct period period)
{
    if (c->period_count == 0 || period.until_s < c->expires_s) c->expires_s = period.until_s;
    c->periods[c->period_count++] = period;
}

/* In the order in which a fault is told: certificates and lists first, as what they vouch for is read through them. */
static void add_periods(struct collateral *c)
{
    add_period(c, period_of_certificate(c->pck_crl_chain.root, "pck_crl_issuer_chain.root_ca"));
    add_period(c, period_of_certificate(c->pck_crl_chain.signer, "pck_crl_issuer_chain.signer"));
    add_period(c, period_of_crl(c->root_crl, "root_ca_crl"));
    add_period(c, period_of_crl(c->pck_crl, "pck_crl"));
    add_period(c, period_of_certificate(c->tcb_info_chain.root, "tcb_info_issuer_chain.root_ca"));
    add_period(c, period_of_certificate(c->tcb_info_chain.signer, "tcb_info_issuer_chain.signer"));
    add_period(c, period_of_json(c->tcb_info.issued_s, c->tcb_info.next_update_s, "tcb_info"));
    add_period(c, period_of_certificate(c->qe_identity_chain.root, "qe_identity_issuer_chain.root_ca"));
    add_period(c, period_of_certificate(c->qe_identity_chain.signer, "qe_identity_issuer_chain.signer"));
    add_period(c, period_of_json(c->qe_identity.issued_s, c->qe_identity.next_update_s, "qe_identity"));
}

enum status collateral_check_time(const struct collateral *collateral, int64_t now_s, struct refusal *why)
{
    for (size_t i = 0; i < collateral->period_count; i++) TRY(period_check(&collateral->periods[i], now_s, why));
    return OK;
}

/* ---- the whole ---- */

static enum status take_hashes(const struct collateral_texts *texts, struct collateral *c)
{
    TRY(sha256(texts->tcb_info, c->tcb_info_hash));
    TRY(sha256(texts->tcb_info_issuer_chain, c->tcb_info_certificates_hash));
    TRY(sha256(texts->qe_identity, c->qe_identity_hash));
    TRY(sha256(texts->qe_identity_issuer_chain, c->qe_identity_certificates_hash));
    return sha256(texts->root_ca_crl, c->root_crl_hash);
}

enum status collateral_new(const struct collateral_texts *texts, const struct trust_roots *roots, struct refusal *why,
                           struct collateral **collateral_out)
{
    CLEANUP(collateral_cleanup) struct collateral *collateral = calloc(1, sizeof(*collateral));
    if (collateral == NULL) return ERR_NO_MEMORY;
    atomic_init(&collateral->owners, 1);
    TRY(take_crls(texts, roots, why, collateral));
    TRY(take_tcb_info(texts, roots, why, collateral));
    TRY(take_qe_identity(texts, roots, why, collateral));
    TRY(take_hashes(texts, collateral));
    add_periods(collateral);
    *collateral_out = collateral;
    collateral = NULL;
    return OK;
}

/* The latest issue of the parts that are issued again and again, not of certificates. */
static int64_t latest_issue_s(const struct collateral *collateral)
{
    int64_t latest_s = 0;
    for (size_t i = 0; i < collateral->period_count; i++) {
        const struct period period = collateral->periods[i];
        if (period.status != ERR_CERTIFICATE_EXPIRED && period.from_s > latest_s) latest_s = period.from_s;
    }
    return latest_s;
}

int64_t collateral_evaluation(const struct collateral *collateral)
{
    const int64_t tcb_info = collateral->tcb_info.evaluation, qe_identity = collateral->qe_identity.evaluation;
    return tcb_info < qe_identity ? tcb_info : qe_identity;
}

static struct collateral_issue issue_of(const struct collateral *collateral)
{
    struct collateral_issue issue = {
        .tcb_info_evaluation = collateral->tcb_info.evaluation,
        .qe_identity_evaluation = collateral->qe_identity.evaluation,
        .tcb_info_s = collateral->tcb_info.issued_s,
        .qe_identity_s = collateral->qe_identity.issued_s,
        .pck_crl_s = crl_this_update_s(collateral->pck_crl),
        .root_crl_s = crl_this_update_s(collateral->root_crl),
    };
    crl_number(collateral->pck_crl, issue.pck_crl_number);
    crl_number(collateral->root_crl, issue.root_crl_number);
    return issue;
}

void collateral_facts(const struct collateral *collateral, struct collateral_facts *facts_out)
{
    const struct certificate *const ca = collateral->pck_crl_chain.signer;
    struct collateral_facts facts = {
        .tee = collateral->tcb_info.tee,
        .tcb_evaluation = collateral_evaluation(collateral),
        .newest_tcb_date_s = collateral->tcb_info.levels[0].facts.date_s,
        .issued_s = latest_issue_s(collateral),
        .expires_s = collateral->expires_s,
        .simulated = collateral->anchor.is_simulated,
        .issue = issue_of(collateral),
    };
    memcpy(facts.fmspc, collateral->tcb_info.fmspc, sizeof(facts.fmspc));
    (void)snprintf(facts.ca, sizeof(facts.ca), "%s", pck_ca_kind(slice_of_text(certificate_subject_common_name(ca))));
    *facts_out = facts;
}

enum status collateral_check_tee(const struct collateral *collateral, enum intel_tee tee, struct refusal *why)
{
    if (collateral->tcb_info.tee == tee) return OK;
    return refuse(why, ERR_COLLATERAL_MISMATCH, "tcbInfo.id", intel_tee_name(tee), "%s",
                  intel_tee_name(collateral->tcb_info.tee));
}

enum status collateral_check_model(const struct collateral *collateral, const struct pck *pck, struct refusal *why)
{
    const struct tcb_info *const info = &collateral->tcb_info;
    if (!slice_equal(SLICE_ARRAY(pck->fmspc), SLICE_ARRAY(info->fmspc)))
        return refuse(why, ERR_COLLATERAL_MISMATCH, "tcbInfo.fmspc", refusal_hex(SLICE_ARRAY(pck->fmspc)).text, "%s",
                      refusal_hex(SLICE_ARRAY(info->fmspc)).text);
    if (!info->has_pce_id || !slice_equal(SLICE_ARRAY(pck->pce_id), SLICE_ARRAY(info->pce_id)))
        return refuse(why, ERR_COLLATERAL_MISMATCH, "tcbInfo.pceId", refusal_hex(SLICE_ARRAY(pck->pce_id)).text, "%s",
                      info->has_pce_id ? refusal_hex(SLICE_ARRAY(info->pce_id)).text : "nothing");
    return OK;
}
