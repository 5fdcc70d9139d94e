/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of POST /attest/SgxEnclave (reference: azure-attestation sections 1.3 and 1.4). Members that are not known
 * are passed over, as the service that we are compatible with does; base64 is read leniently in both alphabets.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "evidence/intel.h"
#include "token/attestation_token.h"

enum {
    ATTEST_NONCE_MAX_BYTES = 1024,
    /* A quote and two data in base64, with room for the rest. */
    ATTEST_BODY_MAX_BYTES = (QUOTE_MAX_BYTES + 2 * ATTESTATION_RUNTIME_MAX_BYTES) / 3 * 4 + 16 * 1024,
};

/* "runtimeData" or "initTimeData". */
struct attest_data {
    bool is_given, is_json;
    struct buffer bytes;
};

struct attest_request {
    struct buffer quote;
    struct attest_data runtime, init_time;
    struct buffer nonce; /* empty if none was given */
};
void attest_request_done(struct attest_request *request);

/* ERR_JSON_SYNTAX, ERR_FIELD_*, ERR_TOO_LARGE; ERR_UNSUPPORTED for a draft policy, whose tokens would be unsigned. */
enum status attest_request_read(struct slice body, struct refusal *why, struct attest_request *request_out);
