/* SPDX-License-Identifier: Apache-2.0
 *
 * What `lazaret verify evidence` was asked.
 */
#pragma once

#include "evidence/verify.h"

enum { EVIDENCE_CERTIFICATE_FILES_MAX_COUNT = 8 };

struct evidence_options {
    const char *tee; /* of --tee; NULL until the command line got that far */
    enum evidence_kind kind;
    const char *file, *collateral, *runtime_data, *policy;
    const char *certificates[EVIDENCE_CERTIFICATE_FILES_MAX_COUNT];
    size_t certificate_count;
    const char *crl;                                          /* AMD's */
    const char *quote, *signature, *pcrs, *event_log, *nonce; /* of a TPM; `quote` beside a binary HCL report */
    const char *td_quote;                                     /* beside a binary HCL report */
    const char *at, *simulated_root;
    int64_t at_s;
    bool json, allow_zero_padding;
};

/* Reads the command line and holds the options to the kind of evidence: one that the kind does not look at is refused,
 * lest somebody think that it was. ERR_USAGE. */
enum status evidence_options_read(int count, char **arguments, struct refusal *why, struct evidence_options *options);

bool evidence_options_are_intels(const struct evidence_options *options); /* sgx, oe or tdx */
