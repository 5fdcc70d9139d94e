/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of the certificates given beside a report plays which part. They come in any order and form, from a host, a
 * file or AMD's service; one that plays no part is refused, so that nobody believes it was looked at. Names and form
 * alone are checked here.
 */
#pragma once

#include "crypto/x509.h"
#include "evidence/amd/authorities.h"
#include "evidence/amd/endorsement_key.h"

struct given {
    struct certificate_list list;
    const struct certificate *leaf;          /* the endorsement key's; these three borrow from `list` */
    const struct certificate *issuer, *root; /* NULL: not given */
    bool is_simulated; /* "Simulated" begins every name, so that no simulated part passes for a genuine one */
    struct endorsement_key key;
    struct amd_name issuer_name, root_name; /* what they must be called */
};

/* `is_vlek`: the kind of endorsement key to look for; a certificate of the other kind beside it is left alone, for a
 * host's table may hold both. ERR_CHAIN, ERR_CERTIFICATE_MALFORMED, ERR_COLLATERAL_MISSING, ERR_SNP_KEY, ERR_TOO_LARGE,
 * ERR_KEY_INVALID, ERR_UNSUPPORTED. */
enum status given_read(const struct snp_endorsements *endorsements, bool is_vlek, struct refusal *why,
                       struct given *given_out);
void given_done(struct given *given);

/* Digest of all that a chain of this kind is made from: certificates and revocation list. ERR_TOO_LARGE. */
enum status given_digest(const struct snp_endorsements *endorsements, bool is_vlek, struct refusal *why,
                         uint8_t digest_out[static 32]);
