/* SPDX-License-Identifier: Apache-2.0
 *
 * Receipts (architecture 5.8): what this enclave has computed, signed by its attested signing key, so that it can be
 * checked years later. Input and output are committed to by HMAC under fresh salts that travel beside the receipt,
 * never in it: who has the receipt alone learns nothing of a picture. Receipts of one run of the program form a chain.
 *
 * Payload: {"caller": B64U hash of the caller's token, "counter": n, "deployment": T, "iat": t, "input_hmac": B64U,
 * "model": {"digest","name","version"}, "output_hmac": B64U, "policy_hash": B64U, "previous": B64U hash of the receipt
 * before | null, "run": ID, "tcb": "by policy", "tenant": T, "token": this enclave's token}.
 */
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "inference/model_package.h"
#include "token/relying_party.h"

enum { RECEIPT_MAX_BYTES = 64 * 1024, RECEIPT_SALT_BYTES = 32 };

struct receipt_book; /* thread-safe */

/* `key` is the enclave's signing key, shared; `clock` and `package` are borrowed; `deployment` (T) is copied. */
enum status receipt_book_new(const struct key *key, const struct clock *clock, const struct model_package *package,
                             const char *deployment, struct receipt_book **book_out);
void receipt_book_free(struct receipt_book *book);

/* The enclave's token that receipts carry from now on. ERR_NO_MEMORY, ERR_TOO_LARGE: the old one stays. */
enum status receipt_book_set_token(struct receipt_book *book, struct slice token, const char *policy_hash);
bool receipt_book_has_token(struct receipt_book *book);

struct receipt {
    struct buffer jws;
    uint8_t input_salt[RECEIPT_SALT_BYTES], output_salt[RECEIPT_SALT_BYTES];
};
void receipt_done(struct receipt *receipt);

/* `input` is the input tensor's bytes, the outputs those of `result` one after the other; `caller` is the hash of the
 * caller's token (B64U). ERR_TOKEN_MISSING until there is a token. */
enum status receipt_issue(struct receipt_book *book, struct slice input, const struct inference_result *result,
                          const char *caller, struct receipt *receipt_out);
