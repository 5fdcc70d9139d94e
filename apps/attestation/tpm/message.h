/* SPDX-License-Identifier: Apache-2.0
 *
 * The document in a body's `data`. Private to this room.
 */
#pragma once

#include "attestation/tpm/tpm.h"
#include "base/json_tree.h"

enum { TPM_MESSAGE_MAX_BYTES = TPM_REQUEST_MAX_BYTES + 4096 };

struct tpm_message {
    enum tpm_message_kind kind;
    struct json_tree tree;
    struct slice request; /* the JWS, borrowed from the tree; empty for TPM_MESSAGE_INIT */
};
void tpm_message_done(struct tpm_message *message);

/* Members that are not known, such as `metadata`, are passed over. ERR_JSON_SYNTAX, ERR_FIELD_*, ERR_TOO_LARGE. */
enum status tpm_message_parse(struct slice message, struct refusal *why, struct tpm_message *message_out);
