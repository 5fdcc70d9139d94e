/* SPDX-License-Identifier: Apache-2.0
 *
 * The platform's downstream hops and the chain statement about them (docs/protocols.md, section 6). A thread verifies
 * the hops every CHAIN_CHECK_MS, and every CHAIN_RETRY_MS while one is not accepted; never in a request's path. A
 * statement stays good for requests for CHAIN_STATEMENT_LIFE_S seconds as long as the hops that it names show the same
 * keys with the same verdict.
 */
#pragma once

#include "records/id.h"
#include "service/evidence_endpoint.h"
#include "service/service.h"

enum {
    CHAIN_CHECK_MS = 5000,
    CHAIN_RETRY_MS = 250,
    CHAIN_STATEMENT_LIFE_S = 600,
    CHAIN_KEPT_STATEMENTS = 64,
    CHAIN_HOP_TIMEOUT_MS = 3000,
    CHAIN_LOOK_TIMEOUT_MS = 8000, /* a look at each hop, and the one that may be under way */
};

enum chain_hop_kind { CHAIN_GATE, CHAIN_DIAGNOSIS, CHAIN_HOP_COUNT };
enum chain_verdict { CHAIN_UNREACHABLE, CHAIN_REFUSED, CHAIN_ACCEPTED };

/* Where the store stands, for its head in the statement. ERR_STORE_LOCKED: it is not open here, and there is no head.
 */
typedef enum status chain_store_head(void *context, char store_id_out[static RECORD_ID_BYTES + 1],
                                     int64_t *generation_out, uint8_t head_out[static 32]);

struct chain;
struct chain_options {
    struct service *service;                /* borrowed */
    const char *addresses[CHAIN_HOP_COUNT]; /* "host:port", borrowed */
    chain_store_head *store_head;
    void *store_context;
};
enum status chain_new(const struct chain_options *options, struct refusal *why, struct chain **chain_out);
void chain_free(struct chain *chain);

/* Shows the new token to the hops from now on, and checks them again. */
void chain_token_arrived(struct chain *chain, struct slice token);

/* Appends the current statement; a fresh one is signed when the last is older than a minute. ERR_FEED_STALE before the
 * first check. */
enum status chain_statement(struct chain *chain, struct buffer *jws);

/* Requests must name a statement of after this call. */
void chain_forget_statements(struct chain *chain);

/* Whether a request that names this statement (base64url of its SHA-256) may be served now. */
bool chain_accepts(struct chain *chain, struct slice statement_hash);

/* The verdict on a hop, the key that it showed when it was last accepted ("" if it is not) and, appended unless NULL,
 * its token. */
enum status chain_hop(struct chain *chain, enum chain_hop_kind kind, enum chain_verdict *verdict_out,
                      char key_out[static THUMBPRINT_TEXT_BYTES + 1], struct buffer *token);

/* A hop answered with another key, or not at all: the verdicts are taken anew, on the chain's thread. Returns when a
 * look that began after this call has ended, or after CHAIN_LOOK_TIMEOUT_MS. */
void chain_look_again(struct chain *chain);
