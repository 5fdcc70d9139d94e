/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/amd/chain.h"

#include "evidence/amd/certificates.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- ownership ---- */

struct snp_chain *snp_chain_share(const struct snp_chain *chain)
{
    struct snp_chain *const shared = (struct snp_chain *)chain; /* only the count of owners changes */
    atomic_fetch_add(&shared->owners, 1);
    return shared;
}

static void signer_done(struct signer *signer)
{
    certificate_free(signer->certificate);
    key_free(signer->key);
}

void snp_chain_free(struct snp_chain *chain)
{
    if (chain == NULL || atomic_fetch_sub(&chain->owners, 1) != 1) return;
    certificate_free(chain->leaf);
    signer_done(&chain->issuer);
    signer_done(&chain->root);
    crl_free(chain->crl);
    free(chain);
}

void snp_chain_cleanup(struct snp_chain **chain)
{
    snp_chain_free(*chain);
    *chain = NULL;
}

/* ---- refusals that name a certificate and a field of it ---- */

static enum status refuse_part(struct refusal *why, const char *part, const char *name, const char *expected,
                               const char *seen)
{
    char field[REFUSAL_FIELD_BYTES];
    (void)snprintf(field, sizeof(field), "%s.%s", part, name);
    return refuse(why, ERR_CHAIN, field, expected, "%s", seen);
}

/* ---- what a certificate in a role must be ---- */

static enum status check_understood(const struct certificate *certificate, const char *part, struct refusal *why)
{
    if (!certificate_has_unknown_critical_extension(certificate)) return OK;
    return refuse_part(why, part, "extensions", "no critical one that is not understood", "one");
}

static enum status check_authority(const struct certificate *certificate, bool is_root, const char *part,
                                   struct refusal *why)
{
    TRY(check_understood(certificate, part, why));
    if (key_kind(certificate_key(certificate)) != KEY_RSA)
        return refuse_part(why, part, "subjectPublicKeyInfo", "an RSA key", "another key");
    if (!certificate_is_ca(certificate))
        return refuse_part(why, part, "basicConstraints", "a certificate authority", "another certificate");
    if (is_root && certificate_path_length(certificate) == 0)
        return refuse_part(why, part, "basicConstraints.pathLenConstraint", "at least 1", "0");
    if (!certificate_may_sign_certificates(certificate))
        return refuse_part(why, part, "keyUsage", "keyCertSign", "another usage");
    if (is_root && !certificate_may_sign_crls(certificate))
        return refuse_part(why, part, "keyUsage", "cRLSign", "another usage");
    return OK;
}

/* AMD gives endorsement keys neither basicConstraints nor keyUsage. */
static enum status check_leaf(const struct certificate *certificate, const char *part, struct refusal *why)
{
    TRY(check_understood(certificate, part, why));
    if (key_kind(certificate_key(certificate)) != KEY_P384)
        return refuse_part(why, part, "subjectPublicKeyInfo", "a P-384 key", "another key");
    if (certificate_is_ca(certificate))
        return refuse_part(why, part, "basicConstraints", "no certificate authority", "one");
    return OK;
}

static enum status check_issued_by(const struct certificate *certificate, const struct amd_name *issuer_name,
                                   const char *issuer_text, const struct key *issuer, const char *part,
                                   struct refusal *why)
{
    if (!amd_name_is(issuer_name, certificate_issuer_der(certificate)))
        return refuse_part(why, part, "issuer", issuer_text, "another name");
    if (certificate_verify_signature(certificate, issuer) == OK) return OK;
    return refuse_part(why, part, "signature", "RSASSA-PSS with SHA-384 by its issuer", "another signature");
}

/* ---- authorities ---- */

static struct period period_of_published(const struct amd_authority *published, const char *part)
{
    return (struct period){.status = ERR_CERTIFICATE_EXPIRED,
                           .part = part,
                           .from_name = "notBefore",
                           .until_name = "notAfter",
                           .from_s = published->not_before_s,
                           .until_s = published->not_after_s + 1};
}

static enum status signer_of_published(const struct amd_authority *published, struct signer *signer)
{
    signer->serial = SLICE_ARRAY(published->serial);
    signer->period = period_of_published(published, signer->part);
    return amd_authority_key(published, &signer->key);
}

static void signer_of_certificate(const struct certificate *certificate, struct signer *signer)
{
    signer->certificate = certificate_share(certificate);
    signer->serial = certificate_serial(certificate);
    signer->period = period_of_certificate(certificate, signer->part);
    signer->key = key_share(certificate_key(certificate));
}

static enum status refuse_missing(struct refusal *why, const char *part, const char *expected)
{
    return refuse(why, ERR_COLLATERAL_MISSING, part, expected, "none among the certificates given");
}

static enum status check_pinned(const struct certificate *root, const struct amd_authority *published,
                                struct refusal *why)
{
    CLEANUP(key_cleanup) struct key *pinned = NULL;
    TRY(amd_authority_key(published, &pinned));
    if (key_equal(certificate_key(root), pinned)) return OK;
    return refuse_part(why, "ark", "subjectPublicKeyInfo", "the pinned key of AMD's root", "another key");
}

/* A root counts only for the key in it, yet it is checked whole: whoever alters it is told. */
static enum status take_root(const struct given *given, struct snp_chain *chain, struct refusal *why)
{
    const struct amd_authority *const published = amd_authority(chain->key.product, AMD_ARK);
    const struct certificate *const root = given->root;
    if (root == NULL)
        return chain->is_simulated ? refuse_missing(why, "ark", "the certificate of its root")
                                   : signer_of_published(published, &chain->root);
    if (!chain->is_simulated) TRY(check_pinned(root, published, why));
    TRY(check_authority(root, true, "ark", why));
    TRY(check_issued_by(root, &given->root_name, "its own name", certificate_key(root), "ark", why));
    signer_of_certificate(root, &chain->root);
    return OK;
}

static enum status take_issuer(const struct given *given, struct snp_chain *chain, struct refusal *why)
{
    const enum amd_role role = chain->key.is_vlek ? AMD_ASVK : AMD_ASK;
    const struct certificate *const issuer = given->issuer;
    const char *const part = chain->issuer.part;
    if (issuer == NULL)
        return chain->is_simulated ? refuse_missing(why, part, "the certificate of its authority")
                                   : signer_of_published(amd_authority(chain->key.product, role), &chain->issuer);
    TRY(check_authority(issuer, false, part, why));
    TRY(check_issued_by(issuer, &given->root_name, "the name of the product's ARK", chain->root.key, part, why));
    signer_of_certificate(issuer, &chain->issuer);
    return OK;
}

/* ---- the revocation list ---- */

static enum status take_crl(struct slice text, const struct given *given, struct snp_chain *chain, struct refusal *why)
{
    if (text.size == 0) return OK;
    const enum status status = crl_from_der_or_pem(text, &chain->crl);
    if (status != OK)
        return refuse(why, status, "crl", "a version 2 revocation list in strict DER or PEM", "%zu bytes that are none",
                      text.size);
    if (!amd_name_is(&given->root_name, crl_issuer_der(chain->crl)))
        return refuse(why, ERR_COLLATERAL_MISMATCH, "crl.issuer", "the name of the product's ARK", "another name");
    if (crl_has_unknown_critical_extension(chain->crl))
        return refuse(why, ERR_CRL_MALFORMED, "crl.extensions", "no critical one that is not understood", "one");
    if (crl_verify_signature(chain->crl, chain->root.key) != OK)
        return refuse(why, ERR_CRL_SIGNATURE, "crl.signature", "RSASSA-PSS with SHA-384 by the product's ARK",
                      "another signature");
    return OK;
}

static enum status check_not_revoked(const struct crl *crl, const struct signer *signer, struct refusal *why)
{
    char field[REFUSAL_FIELD_BYTES];
    if (!crl_lists(crl, signer->serial)) return OK;
    (void)snprintf(field, sizeof(field), "%s.serialNumber", signer->part);
    return refuse(why, ERR_CERTIFICATE_REVOKED, field, "a serial number that AMD has not revoked", "%s",
                  refusal_hex(signer->serial).text);
}

/* ---- the whole ---- */

static enum status verify(const struct snp_endorsements *endorsements, const struct given *given,
                          struct snp_chain *chain, struct refusal *why)
{
    TRY(check_leaf(given->leaf, chain->part, why));
    TRY(take_root(given, chain, why));
    TRY(take_issuer(given, chain, why));
    TRY(check_issued_by(given->leaf, &given->issuer_name, "the name of the authority for its kind and product",
                        chain->issuer.key, chain->part, why));
    return take_crl(endorsements->crl, given, chain, why);
}

enum status snp_chain_verify(const struct snp_endorsements *endorsements, bool is_vlek, struct refusal *why,
                             struct snp_chain **chain_out)
{
    CLEANUP(given_done) struct given given = {};
    TRY(given_read(endorsements, is_vlek, why, &given));
    CLEANUP(snp_chain_cleanup) struct snp_chain *chain = calloc(1, sizeof(*chain));
    if (chain == NULL) return ERR_NO_MEMORY;
    *chain = (struct snp_chain){.owners = 1,
                                .is_simulated = given.is_simulated,
                                .part = is_vlek ? "vlek" : "vcek",
                                .leaf = certificate_share(given.leaf),
                                .key = given.key,
                                .issuer.part = is_vlek ? "asvk" : "ask",
                                .root.part = "ark"};
    TRY(verify(endorsements, &given, chain, why));
    *chain_out = chain;
    chain = NULL;
    return OK;
}

enum status snp_chain_check_root([[maybe_unused]] const struct snp_endorsements *endorsements,
                                 const struct snp_chain *chain, struct refusal *why)
{
    if (!chain->is_simulated) return OK; /* its root is the pinned one */
#ifdef LAZARET_SIMULATION
    if (key_equal(endorsements->simulated_root, chain->root.key)) return OK;
#endif
    return refuse(why, ERR_CHAIN, "ark.subjectPublicKeyInfo", "the pinned key of AMD's root",
                  "another root, which is not accepted here");
}

enum status snp_chain_check(const struct snp_chain *chain, bool crl_required, int64_t now_s, struct refusal *why)
{
    const struct period leaf = period_of_certificate(chain->leaf, chain->part);
    TRY(period_check(&leaf, now_s, why));
    TRY(period_check(&chain->issuer.period, now_s, why));
    TRY(period_check(&chain->root.period, now_s, why));
    if (chain->crl == NULL) {
        if (!crl_required) return OK;
        (void)refuse(why, ERR_COLLATERAL_MISSING, "crl", "AMD's revocation list of the product", "none");
        return refuse_fix(why, ERR_COLLATERAL_MISSING, "fetch the list from AMD's key distribution service");
    }
    const struct period crl = period_of_crl(chain->crl, "crl");
    TRY(period_check(&crl, now_s, why));
    TRY(check_not_revoked(chain->crl, &chain->issuer, why));
    return check_not_revoked(chain->crl, &chain->root, why);
}

int64_t snp_chain_expires_s(const struct snp_chain *chain)
{
    const int64_t ends_s[] = {
        period_of_certificate(chain->leaf, chain->part).until_s,
        chain->issuer.period.until_s,
        chain->root.period.until_s,
        chain->crl == NULL ? INT64_MAX : crl_next_update_s(chain->crl),
    };
    int64_t first_s = INT64_MAX;
    for (size_t i = 0; i < sizeof(ends_s) / sizeof(ends_s[0]); i++) {
        if (ends_s[i] < first_s) first_s = ends_s[i];
    }
    return first_s;
}
