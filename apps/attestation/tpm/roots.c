/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm/roots.h"

#include "crypto/der_read.h"
#include "crypto/pem.h"

#include <stdlib.h>

enum { CHAIN_MAX_COUNT = 5 };

/* TCG Credential Profiles for TPM 2.0, tcg-kp-AIKCertificate. */
static const uint8_t aik_purpose[] = {0x67, 0x81, 0x05, 0x08, 0x03};

/* Critical extensions that say nothing against the use made here: the TPM's model in the alternative name, purposes
 * (which are looked at) and policies. */
static const char *const understood[] = {"2.5.29.17", "2.5.29.37", "2.5.29.32", NULL};

struct tpm_roots {
    struct certificate *items[TPM_ROOT_MAX_COUNT];
    size_t count;
};

void tpm_roots_free(struct tpm_roots *roots)
{
    if (roots == NULL) return;
    for (size_t i = 0; i < roots->count; i++) certificate_free(roots->items[i]);
    free(roots);
}

void tpm_roots_cleanup(struct tpm_roots **roots)
{
    tpm_roots_free(*roots);
    *roots = NULL;
}

static enum status refuse_chain(struct refusal *why, const char *field, const char *expected, const char *seen)
{
    return refuse(why, ERR_CHAIN, field, expected, "%s", seen);
}

static enum status check_authority(const struct certificate *certificate, const char *field, struct refusal *why)
{
    if (!certificate_understood(certificate, understood))
        return refuse_chain(why, field, "no critical extension that is not understood", "one");
    if (!certificate_is_ca(certificate) || !certificate_may_sign_certificates(certificate))
        return refuse_chain(why, field, "an authority that signs certificates", "another certificate");
    return OK;
}

enum status tpm_roots_from_pem(struct slice pem, struct refusal *why, struct tpm_roots **roots_out)
{
    CLEANUP(tpm_roots_cleanup) struct tpm_roots *roots = calloc(1, sizeof(*roots));
    if (roots == NULL) return ERR_NO_MEMORY;
    if (pem.size > TPM_ROOTS_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "tpm_roots", "at most 524288 bytes", "%zu bytes", pem.size);
    while (pem.size > 0) {
        CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
        if (roots->count == TPM_ROOT_MAX_COUNT)
            return refuse(why, ERR_TOO_LARGE, "tpm_roots", "at most 64 certificates", "more");
        enum status status = pem_read(&pem, "CERTIFICATE", &der);
        if (status == OK) status = certificate_from_der(buffer_slice(&der), &roots->items[roots->count]);
        if (status != OK)
            return refuse(why, status, "tpm_roots", "certificates in PEM", "none in place %zu", roots->count + 1);
        TRY(check_authority(roots->items[roots->count++], "tpm_roots", why));
    }
    if (roots->count == 0) return refuse_chain(why, "tpm_roots", "at least one certificate in PEM", "none");
    *roots_out = roots;
    roots = NULL;
    return OK;
}

/* ---- a chain ---- */

/* extendedKeyUsage: SEQUENCE OF OBJECT IDENTIFIER. */
static bool has_aik_purpose(const struct certificate *certificate)
{
    struct slice value, purpose;
    struct reader outer, purposes;
    if (certificate_extension(certificate, "2.5.29.37", &value) != OK) return false;
    outer = reader_over(value);
    if (der_enter(&outer, DER_TAG_SEQUENCE, &purposes) != OK) return false;
    while (reader_left(&purposes) > 0) {
        if (der_content(&purposes, DER_TAG_OID, &purpose) != OK) return false;
        if (slice_equal(purpose, SLICE_ARRAY(aik_purpose))) return true;
    }
    return false;
}

static enum status check_leaf(const struct certificate *leaf, const struct key *aik, struct refusal *why)
{
    if (!certificate_understood(leaf, understood))
        return refuse_chain(why, "aik_cert", "no critical extension that is not understood", "one");
    if (certificate_is_ca(leaf)) return refuse_chain(why, "aik_cert", "no certificate authority", "one");
    if (!key_equal(certificate_key(leaf), aik))
        return refuse_chain(why, "aik_cert.subjectPublicKeyInfo", "the key in aik_pub", "another key");
    if (!has_aik_purpose(leaf))
        return refuse_chain(why, "aik_cert.extendedKeyUsage", "2.23.133.8.3, an attestation identity key",
                            "other purposes");
    return OK;
}

static enum status check_dates(const struct certificate *certificate, int64_t now_s, struct refusal *why)
{
    if (now_s >= certificate_not_before_s(certificate) && now_s <= certificate_not_after_s(certificate)) return OK;
    return refuse(why, ERR_CERTIFICATE_EXPIRED, "aik_cert", "a chain that is valid now", "one from %lld to %lld",
                  (long long)certificate_not_before_s(certificate), (long long)certificate_not_after_s(certificate));
}

static bool has_issued(const struct certificate *issuer, const struct certificate *certificate)
{
    return slice_equal(certificate_subject_der(issuer), certificate_issuer_der(certificate)) &&
           certificate_verify_signature(certificate, certificate_key(issuer)) == OK;
}

static const struct certificate *issuer_among(struct certificate *const *items, size_t count,
                                              const struct certificate *certificate)
{
    for (size_t i = 0; i < count; i++) {
        if (has_issued(items[i], certificate)) return items[i];
    }
    return NULL;
}

/* `below`: authorities between the issuer and the key. */
static enum status check_issuer(const struct certificate *issuer, int below, int64_t now_s, struct refusal *why)
{
    TRY(check_authority(issuer, "aik_cert.issuer", why));
    const int limit = certificate_path_length(issuer);
    if (limit >= 0 && below > limit)
        return refuse_chain(why, "aik_cert.issuer.pathLenConstraint", "as many authorities as it allows", "more");
    return check_dates(issuer, now_s, why);
}

static enum status walk(const struct tpm_roots *roots, const struct certificate_list *chain, int64_t now_s,
                        struct refusal *why)
{
    const struct certificate *at = chain->items[0];
    for (int below = 0; below < CHAIN_MAX_COUNT; below++) {
        TRY(check_dates(at, now_s, why));
        const struct certificate *const root = issuer_among(roots->items, roots->count, at);
        if (root != NULL) return check_issuer(root, below, now_s, why);
        at = issuer_among(chain->items + 1, chain->count - 1, at);
        if (at == NULL) break;
        TRY(check_issuer(at, below, now_s, why));
    }
    (void)refuse_chain(why, "aik_cert.issuer", "a chain to one of tpm_roots", "another one");
    return refuse_fix(why, ERR_CHAIN, "name the authority that issued it in the configuration's tpm_roots");
}

static enum status read_chain(struct slice aik_cert, struct refusal *why, struct certificate_list *chain_out)
{
    enum status status;
    if (pem_is_likely(aik_cert)) {
        status = certificate_list_from_pem(aik_cert, chain_out);
    } else {
        status = certificate_from_der(aik_cert, &chain_out->items[0]);
        chain_out->count = status == OK ? 1 : 0;
    }
    if (status == OK || status == ERR_NO_MEMORY) return status;
    return refuse(why, status, "aik_cert", "an X.509 certificate", "%zu other bytes", aik_cert.size);
}

enum status tpm_aik_check(const struct tpm_roots *roots, struct slice aik_cert, const struct key *aik, int64_t now_s,
                          struct refusal *why)
{
    CLEANUP(certificate_list_done) struct certificate_list chain = {};
    if (aik_cert.size == 0) return refuse_chain(why, "aik_cert", "a certificate of the AIK", "none");
    if (roots == NULL) {
        (void)refuse_chain(why, "tpm_roots", "authorities that AIK certificates are trusted by", "none");
        return refuse_fix(why, ERR_CHAIN, "configure tpm_roots, or set a policy with require_valid_aik_cert false");
    }
    TRY(read_chain(aik_cert, why, &chain));
    if (chain.count == 0) return refuse_chain(why, "aik_cert", "a certificate of the AIK", "none");
    TRY(check_leaf(chain.items[0], aik, why));
    return walk(roots, &chain, now_s, why);
}
