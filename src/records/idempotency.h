/* SPDX-License-Identifier: Apache-2.0
 *
 * The first answer to each state-changing request, kept for a day, so that a retry under the same key gets it again and
 * does nothing twice. It is written in the transaction of the effect itself: either both are there or neither.
 */
#pragma once

#include "records/store.h"

enum {
    IDEMPOTENCY_KEEP_S = 24 * 3600,
    IDEMPOTENCY_KEY_MAX_BYTES = 64,
    IDEMPOTENCY_HEADERS_MAX_BYTES = 4096,
    IDEMPOTENCY_BODY_MAX_BYTES = 2 << 20,
};

/* Which request: the account's id, the client's key (1 to 64 visible ASCII characters), and SHA-256 over what was asked
 * (method, path, body), so that a key used for something else is noticed. */
struct idempotency_key {
    const char *account;
    struct slice key;
    uint8_t request[32];
};

struct idempotency_answer {
    unsigned status;
    struct slice headers; /* the caller's own form */
    struct slice body;
};

/* ERR_FIELD_VALUE unless the key has the right form. */
enum status idempotency_key_check(struct slice key, struct refusal *why);

/* The answer given before; its slices borrow from `storage`. ERR_NOT_FOUND if there is none (or it is older than a
 * day), ERR_CONFLICT if the key was used for another request. */
enum status idempotency_find(struct store_transaction *transaction, const struct idempotency_key *key, int64_t now_s,
                             struct buffer *storage, struct idempotency_answer *answer_out);

/* Keeps the answer. ERR_CONFLICT if one is kept already. */
enum status idempotency_keep(struct store_transaction *transaction, const struct idempotency_key *key, int64_t now_s,
                             const struct idempotency_answer *answer);
