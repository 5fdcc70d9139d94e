/* SPDX-License-Identifier: Apache-2.0
 *
 * What a signer says about policies and their certificates (reference: azure-attestation section 1.6). Private to
 * signers. Pure.
 */
#pragma once

#include "attestation/signing/signers.h"

/* The payload's text, appended: issuer, times (POLICY_RESULT_LIFE_S), and the members of its kind. ERR_FIELD_VALUE: a
 * policy that is not a compact JWS by its characters; ERR_CERTIFICATE_MALFORMED, ERR_UNSUPPORTED: a certificate that
 * cannot be read, or of a key that signs no policy. */
enum { POLICY_RESULT_LIFE_S = 3600 };
enum status policy_result_payload(const char *issuer, const struct policy_result_question *question,
                                  struct refusal *why, struct buffer *payload);
