/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of one signer: contained, it answers the table of question.h until the service closes. Private to signers.
 */
#pragma once

#include "attestation/signing/signing_key.h"
#include "crypto/random.h"

/* What a signer is forked with. */
struct signer_plan {
    struct appraiser appraiser;
    struct signing_place place; /* its TEE only in the first signer */
    struct slice challenge_key; /* of TPM challenges, the same in every signer */
};

/* A nursery_work: `context` is the plan. */
void signer_process(const void *context, int socket);
