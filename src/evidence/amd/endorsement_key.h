/* SPDX-License-Identifier: Apache-2.0
 *
 * What AMD's certificate of an endorsement key says in its extensions 1.3.6.1.4.1.3704.1.* (publication 57230, "VCEK
 * certificate extensions"): for which product, chip or cloud, and security versions the key was made.
 */
#pragma once

#include "crypto/x509.h"
#include "evidence/amd/product.h"

struct endorsement_key {
    bool is_vlek;
    enum snp_product product;
    uint8_t tcb[SNP_TCB_BYTES];            /* as a TCB_VERSION of the product */
    uint8_t chip_id[SNP_CHIP_ID_BYTES];    /* of a VCEK, as CHIP_ID has it: zeros behind a shorter one */
    char csp_id[SNP_CSP_ID_MAX_BYTES + 1]; /* of a VLEK */
};

/* `is_vlek` says which kind to read it as; the certificate's name says so, too, and was compared. `part` ("vcek")
 * begins the names in refusals. ERR_CERTIFICATE_MALFORMED, ERR_UNSUPPORTED. */
enum status endorsement_key_read(const struct certificate *certificate, bool is_vlek, const char *part,
                                 struct refusal *why, struct endorsement_key *key_out);
