/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps this enclave's attestation token fresh: a thread makes a quote, has it appraised, checks the token as any
 * relying party would, and hands it out. Anew at half of the token's accepted age; after a failure with growing pauses.
 * Never in a request's path.
 */
#pragma once

#include "base/clock.h"
#include "http/client.h"
#include "tee/enclave.h"
#include "token/relying_party.h"

enum {
    OWN_TOKEN_FIRST_RETRY_MS = 200,
    OWN_TOKEN_LAST_RETRY_MS = 2000,
    OWN_TOKEN_ANSWER_MAX_BYTES = TOKEN_MAX_BYTES + 1024,
};

/* Turns evidence into a token, appended: by default a call to the attestation service; the attestation service
 * appraises itself. */
typedef enum status own_token_appraise(void *context, struct slice quote, struct slice runtime_data,
                                       struct refusal *why, struct buffer *token);

/* Called on the feed's thread with each new token, before it is handed out. */
typedef void own_token_arrived(void *context, struct slice token, const struct token_claims *claims);

struct own_token_options {
    struct clock *clock; /* its floor rises with each token's time of issue, unless the issuer is this program */
    struct enclave *enclave;
    const struct relying_party_rules *rules; /* of the manifest */
    const struct role_rule *role;            /* this program's own role */
    own_token_appraise *appraise;
    void *appraise_context;
    bool is_issuer;             /* appraises itself: its tokens carry this host's own time, which proves nothing */
    own_token_arrived *arrived; /* may be NULL */
    void *arrived_context;
};

struct own_token;
/* A feed that has no token yet and asks for none: own_token_get may be called from now on, so what serves strangers can
 * be opened before the thread runs. All pointers in `options` are borrowed for the feed's life. */
enum status own_token_new(const struct own_token_options *options, struct own_token **feed_out);

/* Before the thread starts: the enclave gets a new HPKE key after each `interval_ms`, and the token that names it comes
 * next. A key that nobody was shown, because no token came, is replaced in its turn. */
void own_token_renew_key_every(struct own_token *feed, int64_t interval_ms);

/* Starts the thread, once. What `arrived` works with must be there. */
enum status own_token_start(struct own_token *feed);

/* Ends the thread: nothing calls `arrived` any more. own_token_get still answers. */
void own_token_stop(struct own_token *feed);
void own_token_free(struct own_token *feed);

/* Appends the token, and the quote and runtime data that it is about (each may be NULL). ERR_FEED_STALE, with the last
 * failure in `why`, if there is none that is valid now. */
enum status own_token_get(struct own_token *feed, struct refusal *why, struct buffer *token, struct buffer *quote,
                          struct buffer *runtime_data);

/* The default own_token_appraise: POST /attest/SgxEnclave. `context` is a struct http_client of the service. */
enum status own_token_appraise_remotely(void *context, struct slice quote, struct slice runtime_data,
                                        struct refusal *why, struct buffer *token);
