/* SPDX-License-Identifier: Apache-2.0
 *
 * Strangers' bytes are read by contained children without any key (base/nursery.h): body, base64, evidence, event logs,
 * draft policies. One question at a time each; a child that dies or hangs loses its request, and the next one gets
 * another child.
 */
#pragma once

#include "attestation/appraise/shelf.h"
#include "base/nursery.h"

struct parsers; /* thread-safe */

struct parser_options {
    struct appraiser appraiser; /* without caches, which each child makes for itself */
    unsigned count;             /* of children at a time; 0: one for each processor */
    unsigned queue;             /* of requests that wait for one; 0: 64 */
};

/* Forks the nursery; before keys and threads. */
enum status parsers_start(const struct parser_options *options, struct refusal *why, struct parsers **parsers_out);
void parsers_free(struct parsers *parsers);

struct parser_question {
    enum attestation_type type;
    struct slice body;
    uint64_t generation; /* of the collateral feed */
    uint8_t policy[32];  /* digest of the stored JWS */
    int64_t now_s;
};

/* What a parser makes of a body. */
struct parser_answer {
    bool is_draft;
    struct buffer token;    /* of a draft: unsecured, finished */
    struct buffer request;  /* otherwise: attest_request_write's form */
    struct buffer outgoing; /* and the claims that the policy issued: claim_set_write's form */
};
void parser_answer_done(struct parser_answer *answer);

/* ERR_BUSY: no child is free and the queue is full. ERR_CHILD_DIED, ERR_TIMEOUT: this request is lost, the next is not.
 * Otherwise as appraise. */
enum status parsers_ask(struct parsers *parsers, const struct parser_question *question, link_supply *supply,
                        void *context, struct refusal *why, enum appraisal_step *step_out,
                        struct parser_answer *answer_out);
