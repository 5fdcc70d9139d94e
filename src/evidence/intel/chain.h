/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificate chains up to a pinned root (reference: evidence-formats sections 5, 6 and 10 step 2): names, purposes,
 * path lengths, keys and signatures. Chains are put together by names, never by position, and the root in them counts
 * only for the key in it. Dates and revocation are left to the caller, who checks them on every use.
 */
#pragma once

#include "crypto/x509.h"
#include "evidence/intel.h"
#include "evidence/intel/pck.h"

#include <stdatomic.h>

enum certificate_role { ROLE_ROOT_CA, ROLE_PCK_CA, ROLE_PCK_CERTIFICATE, ROLE_TCB_SIGNING };

/* The key at which a chain ends; borrowed from the chain's root. */
struct anchor {
    const struct key *key;
    uint8_t point[P256_POINT_BYTES];
    bool is_simulated;
};

/* Intel's root, or in a simulation build one that `roots` names. NULL stands for Intel's alone. */
bool anchor_is_accepted(const struct anchor *anchor, const struct trust_roots *roots);
bool anchor_equal(const struct anchor *a, const struct anchor *b);

/* Signer and root, as PCS serves them in its headers: exactly two certificates. */
struct issuer_chain {
    struct certificate *signer, *root;
    struct anchor anchor;
};

/* `role` is ROLE_PCK_CA or ROLE_TCB_SIGNING; `part` ("tcb_info_issuer_chain") begins the names in refusals. `known` (or
 * NULL) was verified before: what of the two certificates is the same, byte by byte, is not verified once more.
 * ERR_CHAIN, ERR_CERTIFICATE_MALFORMED, ERR_KEY_INVALID, ERR_TOO_LARGE. */
enum status issuer_chain_verify(struct slice pem, enum certificate_role role, const char *part,
                                const struct issuer_chain *known, const struct trust_roots *roots, struct refusal *why,
                                struct issuer_chain *chain_out);
void issuer_chain_done(struct issuer_chain *chain);

/* PCK certificate, its CA and the root, exactly three. Immutable; shared between threads. */
struct pck_chain {
    atomic_uint owners;
    struct certificate *leaf, *ca, *root;
    struct anchor anchor;
    uint8_t point[P256_POINT_BYTES]; /* of the PCK key; of a verified chain alone */
    struct pck pck;
};

/* Where the certificates stand, each text PEM: all in one, or the PCK certificate apart from its issuers. In the second
 * case `all` has the issuers and may have the same PCK certificate once more; empty, it stands for the known issuers.
 */
struct pck_source {
    struct slice all;
    struct slice leaf;
    const char *part; /* begins the names in refusals: "certification_data" or "pck_chain" */
};

/* `known` is a CA and its root that are verified already: where a chain holds the same bytes, only the PCK
 * certificate's own signature is left to check. Errors as above. */
enum status pck_chain_verify(const struct pck_source *source, const struct issuer_chain *known,
                             const struct trust_roots *roots, struct refusal *why, struct pck_chain **chain_out);

/* Parsed and put together, but not verified: for finding out which collateral is needed. `ca_kind_out` is "processor"
 * or "platform". The second reads the source's PCK certificate alone. */
enum status pck_chain_read(const struct pck_source *source, struct refusal *why, struct pck *pck_out,
                           const char **ca_kind_out);
enum status pck_leaf_read(const struct pck_source *source, struct refusal *why, struct pck *pck_out,
                          const char **ca_kind_out);

struct pck_chain *pck_chain_share(const struct pck_chain *chain);
void pck_chain_free(struct pck_chain *chain);
void pck_chain_cleanup(struct pck_chain **chain);

/* "processor" or "platform", from the CA's name; NULL for another. */
const char *pck_ca_kind(struct slice common_name);
