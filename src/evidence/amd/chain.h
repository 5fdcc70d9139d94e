/* SPDX-License-Identifier: Apache-2.0
 *
 * The chain from an endorsement key to the pinned root of its product: ARK, ASK, VCEK, or ARK, ASVK, VLEK (publication
 * 57230, "Certificate chain"). Put together by names, never by position; what is not part of it is refused. Dates and
 * revocation are checked on every use, for chains are kept.
 */
#pragma once

#include "evidence/amd/authorities.h"
#include "evidence/amd/endorsement_key.h"
#include "evidence/period.h"

#include <stdatomic.h>

/* An authority in the chain, from a certificate or as AMD published it. */
struct signer {
    const char *part;                /* "ark", "ask", "asvk": begins the names in refusals */
    struct certificate *certificate; /* NULL: as published */
    struct key *key;
    struct slice serial; /* borrowed from what it was taken from */
    struct period period;
};

/* Immutable; shared between threads. */
struct snp_chain {
    atomic_uint owners;
    bool is_simulated;
    const char *part; /* "vcek" or "vlek" */
    struct certificate *leaf;
    struct endorsement_key key;
    struct signer issuer, root; /* ASK or ASVK, and ARK */
    struct crl *crl;            /* signed by the root; NULL: none was given */
};

/* Everything that does not depend on report and time. `is_vlek` is the kind that the report names; its certificate must
 * be among those given. A simulated chain is verified up to the root that it brings: whether that root is accepted is
 * for the caller. ERR_CHAIN, ERR_CERTIFICATE_MALFORMED, ERR_COLLATERAL_MISSING, ERR_CRL_*, ERR_SNP_KEY, ERR_TOO_LARGE,
 * ERR_KEY_INVALID, ERR_UNSUPPORTED. */
enum status snp_chain_verify(const struct snp_endorsements *endorsements, bool is_vlek, struct refusal *why,
                             struct snp_chain **chain_out);

/* Whether the root is AMD's, or the simulated one that these endorsements accept. ERR_CHAIN. */
enum status snp_chain_check_root(const struct snp_endorsements *endorsements, const struct snp_chain *chain,
                                 struct refusal *why);

/* Dates of certificates and list, and revocation. */
enum status snp_chain_check(const struct snp_chain *chain, bool crl_required, int64_t now_s, struct refusal *why);

/* First second at which snp_chain_check fails. */
int64_t snp_chain_expires_s(const struct snp_chain *chain);

struct snp_chain *snp_chain_share(const struct snp_chain *chain);
void snp_chain_free(struct snp_chain *chain);
void snp_chain_cleanup(struct snp_chain **chain);
