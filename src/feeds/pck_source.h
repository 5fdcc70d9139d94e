/* SPDX-License-Identifier: Apache-2.0
 *
 * PCK certificates of quotes that carry none (certification data types 1 to 3): Intel's service or a PCCS finds them by
 * the encrypted PPID and the security versions in the quote.
 */
#pragma once

#include "evidence/intel.h"
#include "feeds/source_answer.h"

enum { PCK_KEY_MAX_BYTES = 128 };

/* What names the certificate; bytes in the order of the quote. */
struct pck_request {
    uint8_t qe_id[QE_ID_BYTES], cpu_svn[16], pce_id[2];
    uint16_t pce_svn;
    uint16_t ppid_size; /* 256 or 384: encrypted; 16: in clear, by which nobody is asked */
    uint8_t ppid[ENCRYPTED_PPID_MAX_BYTES];
};

/* From what a quote says of itself. ERR_UNSUPPORTED for a quote that has its certificate. */
enum status pck_request_of(const struct quote_facts *facts, struct refusal *why, struct pck_request *request_out);

struct pck_service {
    struct http_client *client;
    unsigned version;             /* 3 or 4; 0: 4 */
    const char *subscription_key; /* for Intel's service, which wants one; NULL: a PCCS, which is told the QE's id */
};

/* Appends PEM: the certificate, its CA and the root. Errors of source_get; ERR_HTTP_MALFORMED without issuers. `hint`
 * is zero at the call. */
enum status pck_fetch(const struct pck_service *service, const struct pck_request *request, struct refusal *why,
                      struct pacing_hint *hint, struct buffer *chain);

/* Verified at `now_s`, and of the PCE that was asked for, at no higher security version. Errors of
 * pck_certificate_verify; ERR_COLLATERAL_MISMATCH. */
enum status pck_check(struct slice chain, const struct pck_request *request, const struct trust_roots *roots,
                      int64_t now_s, struct refusal *why, struct pck_facts *facts_out);
