/* SPDX-License-Identifier: Apache-2.0
 *
 * The files that the command line names, read and put together as evidence.
 */
#pragma once

#include "base/buffer.h"
#include "cli/evidence/options.h"

/* Everything that the evidence borrows from. */
struct evidence_inputs {
    struct evidence evidence;
    struct slice quote; /* of SGX or TDX, else empty */
    size_t padding;     /* zeros behind it that were left out */
    struct trust_roots roots;
    struct key *simulated_root;
    const struct key *simulated[1];
    struct buffer file, runtime_data, crl, nonce;
    struct buffer certificates[EVIDENCE_CERTIFICATE_FILES_MAX_COUNT], pck_chain;
    struct slice certificate_slices[EVIDENCE_CERTIFICATE_FILES_MAX_COUNT];
    struct collateral *collateral;
};

/* ERR_USAGE and ERR_IO for what the command line names wrongly; what the files hold is refused as evidence is. */
enum status evidence_inputs_read(const struct evidence_options *options, struct refusal *why,
                                 struct evidence_inputs *inputs);
void evidence_inputs_done(struct evidence_inputs *inputs);
