/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a policy's text stands: in a compact JWS whose payload is {"AttestationPolicy": BASE64URL(text)} (reference:
 * azure-attestation section 1.5), signed or not, or by itself.
 */
#pragma once

#include "policy/policy.h"
#include "token/jws.h"

/* The text in a JWS, appended. ERR_TOKEN_MALFORMED, ERR_POLICY_LIMIT. */
enum status policy_text_of_jws(const struct jws *jws, struct refusal *why, struct buffer *text);

/* Whether what was given is a compact JWS and no text: a policy has characters that no JWS has, from its first line on
 * ("version= 1.0;"). */
bool policy_text_is_jws(struct slice given);

/* The text of a draft, given by itself or as a JWS, whose signature counts for nothing; appended.
 * ERR_TOKEN_MALFORMED, ERR_POLICY_LIMIT. */
enum status policy_text_of_draft(struct slice draft, struct refusal *why, struct buffer *text);
