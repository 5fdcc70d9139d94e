/* SPDX-License-Identifier: Apache-2.0
 *
 * The SGX ECDSA quote, version 3 (reference: evidence-formats sections 1, 2 and 4), taken apart. Slices borrow from the
 * quote. Nothing here is verified: that is verify.h.
 */
#pragma once

#include "base/refusal.h"

enum {
    QUOTE_HEADER_BYTES = 48,
    REPORT_BODY_BYTES = 384,
    REPORT_DATA_BYTES = 64,
    ATTESTATION_KEY_BYTES = 64,
    QUOTE_SIGNATURE_BYTES = 64,
};

enum certification_type {
    CERTIFICATION_PPID_PLAIN = 1,
    CERTIFICATION_PPID_RSA2048 = 2,
    CERTIFICATION_PPID_RSA3072 = 3,
    CERTIFICATION_PCK_LEAF = 4,
    CERTIFICATION_PCK_CHAIN = 5,
    CERTIFICATION_QE_REPORT = 6,
    CERTIFICATION_PLATFORM_MANIFEST = 7,
};

/* ATTRIBUTES.FLAGS */
enum {
    ATTRIBUTE_INIT = 0x01,
    ATTRIBUTE_DEBUG = 0x02,
    ATTRIBUTE_KSS = 0x80,
};

struct report_body {
    struct slice whole;
    struct slice cpu_svn; /* 16 */
    uint32_t misc_select;
    struct slice attributes; /* 16: flags and XFRM */
    uint64_t attribute_flags, attribute_xfrm;
    struct slice mrenclave, mrsigner;                       /* 32 each */
    struct slice extended_product_id, config_id, family_id; /* 16, 64, 16: with key separation and sharing (KSS) */
    uint16_t product_id, svn, config_svn;
    struct slice report_data; /* 64 */
};

struct quote {
    uint16_t qe_svn, pce_svn;
    struct slice user_data;   /* 20 */
    struct slice signed_part; /* header and report */
    struct report_body report;
    struct slice signature;       /* r || s by the attestation key */
    struct slice attestation_key; /* x || y */
    struct report_body qe_report;
    struct slice qe_report_signature; /* r || s by the PCK key */
    struct slice qe_authentication_data;
    enum certification_type certification_type;
    struct slice certification_data;
};

/* Strict: every length must fit exactly, and nothing may follow. ERR_QUOTE_MALFORMED, ERR_TRAILING_BYTES,
 * ERR_QUOTE_UNSUPPORTED (another version, key type, TEE or vendor), ERR_TOO_LARGE. */
enum status quote_parse(struct slice wire, struct refusal *why, struct quote *quote_out);

/* Some stacks hand quotes out in a larger buffer. Cuts `wire` to the length that its own fields give; what follows must
 * be zeros: ERR_TRAILING_BYTES. For callers that were told to accept that. */
enum status quote_without_padding(struct slice wire, struct refusal *why, struct slice *quote_out);
