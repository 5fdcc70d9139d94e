/* SPDX-License-Identifier: Apache-2.0
 *
 * ECDSA quotes of versions 3 to 5, SGX and TDX (reference: evidence-formats sections 2 and 4), taken apart. Slices
 * borrow from the quote. Nothing here is verified: that is verify.c.
 */
#pragma once

#include "evidence/intel.h"
#include "evidence/intel/report.h"

enum {
    QUOTE_HEADER_BYTES = 48,
    QUOTE_USER_DATA_BYTES = 20,
    ATTESTATION_KEY_BYTES = 64,
    QUOTE_SIGNATURE_BYTES = 64,
};

/* What the signature data brings for finding the PCK certificate. Versions 4 and 5 wrap it in type 6 together with the
 * quoting enclave's report; here stands what is inside. */
enum certification_type {
    CERTIFICATION_PPID_PLAIN = 1,
    CERTIFICATION_PPID_RSA2048 = 2,
    CERTIFICATION_PPID_RSA3072 = 3,
    CERTIFICATION_PCK_LEAF = 4,
    CERTIFICATION_PCK_CHAIN = 5,
    CERTIFICATION_QE_REPORT = 6,
};

struct quote {
    uint16_t version;
    enum intel_tee tee;
    struct slice user_data;       /* 20, of which the first 16 are the quoting enclave's id */
    struct slice signed_part;     /* all before the signature data's length */
    struct report_body report;    /* SGX */
    struct td_report td_report;   /* TDX */
    struct slice signature;       /* r || s by the attestation key */
    struct slice attestation_key; /* x || y */
    struct report_body qe_report;
    struct slice qe_report_signature; /* r || s by the PCK key */
    struct slice qe_authentication_data;
    enum certification_type certification_type; /* 1 to 5 */
    struct slice certification_data;
};

/* Strict: every length must fit exactly, and nothing may follow. ERR_QUOTE_MALFORMED, ERR_TRAILING_BYTES,
 * ERR_QUOTE_UNSUPPORTED (another version, key type, TEE, vendor or certification data), ERR_TOO_LARGE. */
enum status quote_parse(struct slice wire, struct refusal *why, struct quote *quote_out);

/* Cuts a quote, as long as its own fields say, from what follows. Errors as above, but for trailing bytes. */
enum status quote_split(struct slice wire, struct refusal *why, struct slice *quote_out, struct slice *rest_out);
