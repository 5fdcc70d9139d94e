/* SPDX-License-Identifier: Apache-2.0
 *
 * What the service must not forget: policies, policy signers, signing keys and their history. One sealed document with
 * a version (records/document.h), in SQLite or, shared by replicas, in PostgreSQL; each change is wholly there or not
 * at all, and what another replica changed is seen within a second.
 */
#pragma once

#include "attestation/appraise/request.h"
#include "attestation/signing/signers.h"
#include "records/document.h"

enum { STATE_MAX_BYTES = 4 * 1024 * 1024, STATE_POLICY_SIGNER_MAX_COUNT = RESULT_CERTIFICATE_MAX_COUNT };

enum state_key_use { STATE_KEY_NEXT, STATE_KEY_CURRENT, STATE_KEY_RETIRED };
struct state_key {
    struct signing_key key;
    enum state_key_use use;
    int64_t made_s, current_since_s, retired_s; /* 0: not yet */
};

struct state_policy {
    struct buffer jws;  /* as it was set, or the default wrapped with alg none; empty: there is none (Tpm) */
    uint8_t digest[32]; /* SHA-256 of it: what processes ask for it by */
    bool is_default;
};

/* One version of it: immutable, shared. */
struct state_view {
    uint64_t version;
    struct state_policy policies[ATTESTATION_TYPE_COUNT];
    struct buffer policy_signers[STATE_POLICY_SIGNER_MAX_COUNT]; /* DER */
    size_t policy_signer_count;
    struct state_key keys[SIGNING_KEY_MAX_COUNT]; /* oldest first */
    size_t key_count;
};

struct state; /* thread-safe */

/* `changed` is called with each new view, also the first, on any thread. */
struct state_options {
    struct document *document; /* borrowed */
    void (*changed)(void *context, const struct state_view *view);
    void *context;
};
enum status state_open(const struct state_options *options, struct refusal *why, struct state **state_out);
void state_free(struct state *state);

/* The newest view that is known, an owner more; state_view_free gives it back. */
const struct state_view *state_view(struct state *state);
void state_view_free(const struct state_view *view);

/* Changes what `change` changes in a copy of the newest view, and makes it durable before it returns. If another
 * replica was faster, `change` is called again with that one's. Its refusal is the answer, and nothing changes then. */
typedef enum status state_change(void *context, struct state_view *view, struct refusal *why);
enum status state_apply(struct state *state, state_change *change, void *context, struct refusal *why);
