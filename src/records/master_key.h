/* SPDX-License-Identifier: Apache-2.0
 *
 * The master key of the record store: 32 random bytes, kept in one file and wrapped twice, to the TEE's sealing key
 * and to the hospital's offline recovery key (architecture 5.9). Wrapping is pure but for random numbers; only the
 * functions at the end touch the file.
 *
 * The file is JSON: {"version":1, "deployment":T, "check":B64U, "sealed":B64U, "heir"?:B64U, "recovery":{"key":T,
 * "encapsulated":B64U, "wrapped":B64U}}. `sealed` is AES-256-GCM under HKDF(sealing key, deployment); `heir` is the
 * same for a successor, from the moment when it was given the key until it has opened the store; `recovery` is HPKE
 * (X25519, HKDF-SHA256, AES-256-GCM) with the info "lazaret-master-key/1 " and the deployment; `check` is HKDF(master
 * key, deployment), so that a wrong key is told before a store is opened with it. The file is the host's to alter:
 * altering it can lock the store, not open it.
 */
#pragma once

#include "base/refusal.h"
#include "base/secret.h"
#include "crypto/key.h"
#include "records/sealed.h"

enum { MASTER_KEY_FILE_MAX_BYTES = 4096, MASTER_KEY_DEPLOYMENT_MAX_BYTES = 64 };

/* Name of the file in the state folder. */
#define MASTER_KEY_FILE "master-key.json"

/* To whom a master key is wrapped. All are borrowed. */
struct master_key_wrapping {
    struct slice deployment;          /* the deployment key's thumbprint */
    const struct secret *sealing_key; /* the TEE's; any size from 16 bytes */
    const struct key *recovery;       /* X25519, public */
};

enum status master_key_new(struct secret *master_out);

/* Appends the file's text. ERR_KEY_INVALID for a key of another kind or size. */
enum status master_key_wrap(struct slice master, const struct master_key_wrapping *to, struct buffer *text);

/* Opens with the sealing key. ERR_STORE_LOCKED if that does not open it, or if it is of another deployment;
 * ERR_STORE_CORRUPT if the text is not of this form. */
enum status master_key_open(struct slice text, const struct master_key_wrapping *to, struct refusal *why,
                            struct secret *master_out);

/* Opens with the recovery private key: for the command line, away from the enclave. ERR_STORE_LOCKED if that key does
 * not open it, else as above. */
enum status master_key_recover(struct slice text, const struct key *recovery_private, struct refusal *why,
                               struct secret *master_out);

/* Whether the text is of this deployment, by its own word. ERR_STORE_LOCKED if not. */
enum status master_key_is_of(struct slice text, struct slice deployment, struct refusal *why);

/* Whether `master` is the key that the text wraps. ERR_STORE_LOCKED if not. */
enum status master_key_check(struct slice text, struct slice master, struct refusal *why);

/* The service's start: opens `folder`'s file, or makes it with a new key if there is neither a key nor a store.
 * ERR_STORE_LOCKED also if a store stands there (`store_exists`) without its key file. */
enum status master_key_load(const char *folder, bool store_exists, const struct master_key_wrapping *to,
                            struct refusal *why, struct secret *master_out);

/* Once the store is open with this key: wraps it anew, to this sealing key alone and to the manifest's present recovery
 * key, so that a wrapping that the host spoiled does not wait for the day when it is needed. */
enum status master_key_keep(const char *folder, struct slice master, const struct master_key_wrapping *to,
                            struct refusal *why);

/* Whether `folder`'s file is of this deployment and wraps this key, which came from elsewhere (hand-over, recovery).
 * Says nothing about where it came from: the file is the host's. ERR_STORE_LOCKED. */
enum status master_key_fits(const char *folder, struct slice master, struct slice deployment, struct refusal *why);

/* A successor that was given the key: adds its own wrapping as `heir` and leaves the rest, so that the predecessor
 * opens the file as well until the successor calls master_key_keep. ERR_STORE_LOCKED as above. */
enum status master_key_inherit(const char *folder, struct slice master, const struct master_key_wrapping *to,
                               struct refusal *why);
