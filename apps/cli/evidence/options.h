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
    const char *file, *collateral, *runtime_data, *crl, *nonce;
    const char *signature, *pcrs, *event_log;     /* of a TPM's quote */
    const char *tpm_quote, *ak_public, *td_quote; /* beside a binary HCL report; the key's public area */
    const char *certificates[EVIDENCE_CERTIFICATE_FILES_MAX_COUNT];
    size_t certificate_count;
    const char *at, *simulated_root;
    int64_t at_s;
    bool json, allow_zero_padding;
};

/* Reads the command line and holds the options to the kind of evidence. ERR_USAGE. */
enum status evidence_options_read(int count, char **arguments, struct refusal *why, struct evidence_options *options);
