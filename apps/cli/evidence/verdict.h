/* SPDX-License-Identifier: Apache-2.0
 *
 * What was found, and the two ways to tell it.
 */
#pragma once

#include "base/buffer.h"
#include "evidence/verify.h"

struct evidence_result {
    const char *tee; /* NULL if the command line did not get that far; then there is no time either */
    int64_t at_s;
    enum status status; /* OK: genuine, and accepted by the policy if there is one; else `why` says what was refused */
    struct refusal why;
    bool is_genuine; /* then `claims` hold, whatever the policy says */
    bool has_policy;
    bool is_nonce_compared;  /* of a TPM's quote */
    size_t padding;          /* zeros behind the quote that were left out */
    struct slice quote;      /* of SGX or TDX, else empty; borrowed */
    struct slice hcl_report; /* of Azure, else empty; borrowed */
    struct evidence_claims claims;
};

/* Both append without a last line end. One JSON object. */
enum status evidence_result_json(const struct evidence_result *result, struct buffer *text);

/* One screen for a person: who signed, what ran, how fresh, what is wrong, what to do. */
enum status evidence_result_text(const struct evidence_result *result, struct buffer *text);
