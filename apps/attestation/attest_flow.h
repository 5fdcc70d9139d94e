/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of POST /attest/{type}: a parser reads and verifies, a signer verifies again and signs, and this service
 * supplies both. It parses no body and holds no key.
 */
#pragma once

#include "attestation/attested_log.h"
#include "attestation/parser/parser.h"
#include "attestation/signing/signers.h"
#include "attestation/supplies.h"

/* All borrowed; may be used by several threads. */
struct attest_flow {
    struct parsers *parsers;
    struct signers *signers;
    struct state *state;
    struct supplies supplies;
    struct attested_log *attested_log; /* NULL: none */
    const struct clock *clock;
};

struct attest_question {
    enum attestation_type type;
    struct slice body;
    int wait_ms; /* for collateral; 0 in a request's path */
};

struct attest_answer {
    bool is_challenge;   /* a TPM asks for one: `challenge` and `context` are set, else `token` */
    struct buffer token; /* without a signature if the request brought a draft policy */
    struct buffer challenge, context;
};
void attest_answer_done(struct attest_answer *answer);

/* `step_out` is written in any case. Errors: those of parsers_ask and signers_token; ERR_NOT_FOUND in the step
 * APPRAISAL_POLICY if no policy has been set for the type, before anything is read. */
enum status attest_flow_ask(const struct attest_flow *flow, const struct attest_question *question, struct refusal *why,
                            enum appraisal_step *step_out, struct attest_answer *answer_out);
