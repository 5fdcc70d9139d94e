/* SPDX-License-Identifier: Apache-2.0
 *
 * The signers: contained processes, forked before the service meets a stranger, that alone hold the signing keys and
 * the way to the TEE. They answer from a table of permitted questions (below) and nothing else. For a token they are
 * given evidence and the claims that a parser found; they verify the evidence's signatures again, evaluate the policy
 * again, refuse if the claims are not their own, and sign what they found themselves: a parser taken over cannot vouch
 * for what was never measured. Each keeps to one processor, where questions of that processor's threads come to it
 * (link/seats.h).
 */
#pragma once

#include "attestation/appraise/shelf.h"
#include "tee/tee.h"
#include "token/attestation_token.h"

#include <sys/types.h>

enum {
    SIGNING_KEY_BITS = 2048,
    SIGNING_KEY_MAX_BYTES = 64 * 1024, /* one key, sealed, with its certificate */
    SIGNING_KEY_MAX_COUNT = 250,       /* with all that ever signed: the history is for good */
};

enum signing_algorithm { SIGNING_RS256, SIGNING_ES256 };

struct signers; /* thread-safe */

struct signer_options {
    struct appraiser appraiser; /* without caches */
    struct tee *tee;            /* taken over: afterwards only the first signer has it */
    const char *deployment;     /* thumbprint: part of the sealing key's label */
    enum signing_algorithm algorithm;
    unsigned count; /* of processes; 0: one for each processor that the program may use */
    unsigned queue; /* of questions that wait for one; 0: 64 */
};

/* Forks. Before threads. The TEE is taken over only on OK. */
enum status signers_start(const struct signer_options *options, struct refusal *why, struct signers **signers_out);
void signers_free(struct signers *signers);

/* For service_program.goes_on_without. The first signer has the TEE, and no other can take its place: the service ends
 * with it. Without another one it goes on; the question that it had is lost with ERR_CHILD_DIED, and nobody asks it
 * again. */
bool signers_outlive(struct signers *signers, pid_t process);

/* ---- the table of permitted questions ---- */

/* A key, as the state keeps it: what only a signer opens, and what everybody may see. */
struct signing_key {
    char kid[ATTESTATION_KEY_ID_BYTES + 1];
    struct buffer certificate; /* DER, with the service's own quote over the key */
    struct buffer sealed;
};
void signing_key_done(struct signing_key *key);

/* Makes a key inside, with its certificate. `issuer` is in its subject. */
enum status signers_make_key(struct signers *signers, int64_t now_s, struct refusal *why, struct signing_key *key_out);
/* Whether these signers can open a key, or those of another machine or measurement that share the state. */
bool signers_own_key(const struct signers *signers, const struct signing_key *key);
/* Opens a sealed key in every signer; `kid` signs from now on. ERR_AUTHENTICATION: sealed by another measurement. */
enum status signers_use_key(struct signers *signers, const struct signing_key *key, struct refusal *why);

/* An attestation token, from a parser's answer. */
struct signer_question {
    struct slice request;  /* attest_request_write's form */
    struct slice outgoing; /* claim_set_write's form: what the parser says that the policy issued */
    uint64_t generation;
    uint8_t policy[32];
    int64_t now_s;
};
enum status signers_token(struct signers *signers, const struct signer_question *question, link_supply *supply,
                          void *context, struct refusal *why, enum appraisal_step *step_out, struct buffer *token);

/* The answer to a call about policies and certificates (reference: azure-attestation section 1.6): nothing but the
 * members named here gets into the token. */
enum policy_result_kind {
    RESULT_POLICY,              /* jws */
    RESULT_POLICY_UPDATED,      /* token_hash, certificates if it was signed */
    RESULT_POLICY_REMOVED,      /* nothing */
    RESULT_CERTIFICATES,        /* certificates */
    RESULT_CERTIFICATE_PRESENT, /* thumbprint */
    RESULT_CERTIFICATE_ABSENT,  /* thumbprint */
};
enum { RESULT_CERTIFICATE_MAX_COUNT = 64 };
struct policy_result_question {
    enum policy_result_kind kind;
    struct slice jws;
    uint8_t token_hash[32];
    uint8_t thumbprint[20];           /* SHA-1 of the certificate */
    const struct slice *certificates; /* DER */
    size_t certificate_count;
    int64_t now_s;
};
enum status signers_policy_result(struct signers *signers, const struct policy_result_question *question,
                                  struct refusal *why, struct buffer *token);

/* A TPM's challenge and the context that comes back with its answer, which only the signers can open. Appends. */
enum status signers_challenge(struct signers *signers, int64_t now_s, struct refusal *why, struct buffer *challenge,
                              struct buffer *context);

/* A TEE for the service itself, whose only way to one this is: quotes over runtime data, nothing else. */
enum status signers_tee(struct signers *signers, struct tee **tee_out);
