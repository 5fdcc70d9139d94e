/* SPDX-License-Identifier: Apache-2.0
 *
 * What is asked to be appraised, of any type: read from the body of POST /attest/... (reference: azure-attestation
 * sections 1.3, 1.4 and 1.8) by a parser process, and passed on to a signer process in a form of our own, in which
 * every part is bytes with a size. Members of bodies that are not known are passed over, names are found in any case,
 * as the service that we are compatible with does; base64 is read leniently in both alphabets.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "evidence/verify.h"
#include "policy/policy.h"
#include "token/attestation_token.h"

enum {
    ATTEST_NONCE_MAX_BYTES = 1024,
    ATTEST_EVIDENCE_MAX_BYTES = 512 * 1024, /* a TPM's message with its event logs; quotes are bounded more narrowly */
    ATTEST_BODY_MAX_BYTES = 1024 * 1024,
    ATTEST_QUOTE_BODY_MAX_BYTES = 384 * 1024, /* of all types but a TPM's */
    ATTEST_DRAFT_MAX_BYTES = 176 * 1024,      /* a policy's text, or a JWS of it, as large as one that can be set */
};

enum attestation_type {
    ATTESTATION_SGX_ENCLAVE,
    ATTESTATION_OPEN_ENCLAVE,
    ATTESTATION_SEV_SNP_VM,
    ATTESTATION_TDX_VM,
    ATTESTATION_TPM,
    ATTESTATION_TYPE_COUNT
};
const char *attestation_type_name(enum attestation_type type); /* "SgxEnclave", as in paths */
/* In any case of letters. */
bool attestation_type_from_name(struct slice name, enum attestation_type *type_out);

/* "runtimeData" or "initTimeData". */
struct attest_data {
    bool is_given, is_json;
    struct buffer bytes;
};

struct attest_request {
    enum attestation_type type;
    struct buffer evidence;     /* quote, Open Enclave report, SNP report; a TPM's: its message (tpm/tpm.h) */
    struct buffer endorsements; /* SNP: PEM of VCEK, ASK, ARK; otherwise empty */
    struct attest_data runtime, init_time;
    struct buffer nonce; /* empty if none was given */
    bool has_draft;
    struct buffer draft; /* the policy's text */
};
void attest_request_done(struct attest_request *request);

/* From a body of JSON. ERR_JSON_SYNTAX, ERR_FIELD_*, ERR_TOO_LARGE. */
enum status attest_request_parse(enum attestation_type type, struct slice body, struct refusal *why,
                                 struct attest_request *request_out);

/* The form between processes; what was written is read back as it was. A draft does not go along: what it leads to is
 * never signed. ERR_TRUNCATED and others for bytes that are no such request. */
enum status attest_request_write(const struct attest_request *request, struct buffer *bytes);
enum status attest_request_read(struct slice bytes, struct refusal *why, struct attest_request *request_out);
