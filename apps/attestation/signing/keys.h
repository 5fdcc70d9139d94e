/* SPDX-License-Identifier: Apache-2.0
 *
 * The service's signing keys through its life: in the state (management/state.h), in the signers, and told to the
 * world. Opening makes the first key, if there is none; a thread makes the next one behind the start, rotates, and
 * follows what other replicas change.
 */
#pragma once

#include "attestation/signing/rotation.h"
#include "base/clock.h"

struct signing_keys_options {
    struct signers *signers;
    struct state *state;
    const struct clock *clock;
    const char *issuer;
    enum signing_algorithm algorithm; /* as the signers' */
    int64_t interval_s;               /* of rotation; 0: never by itself */
};

struct signing_keys; /* thread-safe */

/* All in `options` is borrowed. Afterwards every signer has the current key. Errors: those of signers and state. */
enum status signing_keys_open(const struct signing_keys_options *options, struct refusal *why,
                              struct signing_keys **keys_out);
/* Starts the thread, once. */
enum status signing_keys_start(struct signing_keys *keys);
void signing_keys_free(struct signing_keys *keys);

/* From the state's `changed`, on any thread: there is a new view. Returns at once. */
void signing_keys_changed(struct signing_keys *keys);

/* An administrator asks for another key: the next one signs from now on. */
enum status signing_keys_rotate(struct signing_keys *keys, struct refusal *why);

/* Append the documents of key_documents.h as they are now. */
enum status signing_keys_certs(struct signing_keys *keys, struct buffer *text);
enum status signing_keys_history(struct signing_keys *keys, struct buffer *text);
enum status signing_keys_metadata(struct signing_keys *keys, struct buffer *text);
