/* SPDX-License-Identifier: Apache-2.0
 *
 * Strangers' bytes are read by contained children without any key (base/nursery.h): body, base64, evidence, event logs,
 * draft policies. One question at a time each; a child that dies or hangs loses its request, and the next one gets
 * another child. Each keeps to one processor, where questions of that processor's threads come to it (link/seats.h).
 */
#pragma once

#include "attestation/appraise/shelf.h"
#include "base/nursery.h"
#include "evidence/attested.h"

enum {
    PARSER_QUEUE = 64,
    PARSER_TIMEOUT_MS = 5000, /* for one question, waiting for a child included */
    PARSER_MEMORY_BYTES = 256 * 1024 * 1024,
    PARSER_CHAINS_KEPT = 1024, /* certificate chains whose signatures a child need not verify again */
};

struct parsers; /* thread-safe */

struct parser_options {
    struct appraiser appraiser; /* without caches, which each child makes for itself */
    unsigned count;             /* of children at a time; 0: one for each processor that the program may use */
    unsigned queue;             /* of requests that wait for one; 0: PARSER_QUEUE */
    int timeout_ms;             /* 0: PARSER_TIMEOUT_MS */
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
    int supply_wait_ms; /* that the supply may take: the deadline is later by it */
};

enum parser_answer_kind {
    PARSER_ANSWER_REQUEST,   /* to be signed */
    PARSER_ANSWER_DRAFT,     /* finished: a token without a signature */
    PARSER_ANSWER_CHALLENGE, /* a TPM asks for one; nothing else is set */
};

/* What a parser makes of a body. */
struct parser_answer {
    enum parser_answer_kind kind;
    struct buffer token;    /* of a draft */
    struct buffer request;  /* attest_request_write's form */
    struct buffer outgoing; /* and the claims that the policy issued: claim_set_write's form */
    bool has_attested;      /* of a request with Intel's evidence: */
    struct attested attested;
};
void parser_answer_done(struct parser_answer *answer);

/* ERR_BUSY: no child is free and the queue is full. ERR_CHILD_DIED, ERR_TIMEOUT: this request is lost, the next is not.
 * Otherwise as appraise. */
enum status parsers_ask(struct parsers *parsers, const struct parser_question *question, link_supply *supply,
                        void *context, struct refusal *why, enum appraisal_step *step_out,
                        struct parser_answer *answer_out);
