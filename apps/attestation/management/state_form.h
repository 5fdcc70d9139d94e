/* SPDX-License-Identifier: Apache-2.0
 *
 * The state's bytes inside its sealed document, and its first content. Pure.
 */
#pragma once

#include "attestation/management/state.h"
#include "token/jws.h"

enum { STATE_POLICY_JWS_MAX_BYTES = JWS_MAX_BYTES };

/* A view that owns nothing yet; its buffers have their maxima. */
void state_view_init(struct state_view *view);
void state_view_clear(struct state_view *view);
enum status state_view_copy(const struct state_view *view, struct state_view *copy_out);

/* Makes a policy that of `jws`, with its digest; empty: there is none. */
enum status state_policy_set(struct state_policy *policy, struct slice jws, bool is_default);

/* The default policy's JWS (reference: azure-attestation section 4.6), wrapped with alg none; nothing for Tpm. */
enum status state_default_policy(enum attestation_type type, struct buffer *jws);

/* Default policies, no signers, no keys. */
enum status state_defaults(struct state_view *view_out);

/* `version` is the document's own. ERR_STORE_CORRUPT for bytes that no state_write made, ERR_TOO_LARGE. */
enum status state_write(const struct state_view *view, struct buffer *bytes);
enum status state_read(struct slice bytes, struct refusal *why, struct state_view *view_out);
