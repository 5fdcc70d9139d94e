/* SPDX-License-Identifier: Apache-2.0
 *
 * The successor's side of a hand-over (docs/protocols.md, section 13): while the records are locked, a thread asks the
 * predecessor for them, every SUCCESSOR_RETRY_MS. The order makes that a death of either side at any moment leaves the
 * store to one of them:
 *
 *   1. the key is asked for        the predecessor serves on
 *   2. the key file names both     either opens it now
 *   3. the store is asked for      the predecessor finishes what is under way, closes, and does not open again
 *   4. the store is opened         SQLite's lock lets in one process at a time
 *   5. the key file names this one
 *
 * If the predecessor is away after 2, its store is free, and is opened.
 */
#pragma once

#include "service/service.h"

enum { SUCCESSOR_RETRY_MS = 500, SUCCESSOR_STORE_TIMEOUT_MS = 40000 /* more than CUSTODY_DRAIN_MS */ };

struct successor_options {
    char url[ADDRESS_MAX_BYTES + 1];       /* of the predecessor's public listener */
    char ca[PATH_MAX];                     /* its anchors; "": the system's */
    char hand_over[ADDRESS_MAX_BYTES + 1]; /* "host:port" of its hand-over listener */
};

struct platform;
struct successor;

/* Both are borrowed. The thread ends by itself once the records are open. */
enum status successor_new(struct platform *platform, const struct successor_options *options, struct refusal *why,
                          struct successor **successor_out);
void successor_free(struct successor *successor);
void successor_token_arrived(struct successor *successor, struct slice token);
