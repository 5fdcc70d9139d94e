/* SPDX-License-Identifier: Apache-2.0
 *
 * The calls by which policies and policy signers are read and changed (reference: azure-attestation sections 1.1 and
 * 1.5 to 1.7): GET and PUT /policies/{type}, POST /policies/{type}:reset, GET /certificates, POST /certificates:add and
 * :remove. The caller is an administrator (administrators.h), which is checked before a byte of the body is looked at.
 *
 * Two models of trust:
 *   bearer    administrators decide. A policy may be signed, by any certificate, which is then told in tokens; there
 *             are no policy signers.
 *   isolated  a policy is set or reset, and policy signers are added and removed, by a JWS that one of the policy
 *             signers signed: the first certificate in it is one of theirs, byte for byte. A chain behind it is checked
 *             for its form and gives no right. The service begins with the signers of its configuration; the last one
 *             cannot be removed.
 *
 * What was sent is kept as it was sent, once its policy compiles; it is durable before the answer leaves.
 */
#pragma once

#include "attestation/management/administrators.h"
#include "attestation/management/state.h"

struct management_options {
    struct state *state;
    const struct administrators *administrators;
    const struct clock *clock;
    bool is_isolated;
    const char *challenge; /* for WWW-Authenticate */
    /* signers_policy_result, with its signers. */
    enum status (*sign)(void *context, const struct policy_result_question *question, struct refusal *why,
                        struct buffer *token);
    void *context; /* for `sign` */
};

enum management_call {
    MANAGEMENT_POLICY_GET,
    MANAGEMENT_POLICY_SET,
    MANAGEMENT_POLICY_RESET,
    MANAGEMENT_CERTIFICATES_GET,
    MANAGEMENT_CERTIFICATE_ADD,
    MANAGEMENT_CERTIFICATE_REMOVE,
};

struct management_question {
    enum management_call call;
    struct slice type;         /* of a policy call: as the path names it */
    const char *authorization; /* the header's value, or NULL */
    struct slice body;
};

/* Answers with a result token, appended. Refusals are told apart by management_code. */
enum status management_answer(const struct management_options *management, const struct management_question *question,
                              struct refusal *why, struct buffer *token);

/* The HTTP status and the error's code (reference: section 1.9) of a refusal of management_answer. */
struct management_code {
    unsigned http_status;
    const char *code;
};
struct management_code management_code(enum status status);

/* An isolated service's first policy signers: puts those of a PEM file into a state that has none. ERR_CONFIG for a
 * file without any. */
enum status management_begin_isolated(struct state *state, struct slice pem, struct refusal *why);
