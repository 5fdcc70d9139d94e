/* SPDX-License-Identifier: Apache-2.0
 *
 * The platform's side of a diagnosis: sends pixels at the model's input size to the diagnosis enclave over attested
 * TLS, pinned to the key that the chain statement names, and checks the receipt of what comes back. Only the tensor
 * leaves: no header, name or identifier.
 */
#pragma once

#include "base/json.h"
#include "crypto/hash.h"
#include "service/service.h"

enum {
    DIAGNOSIS_TEXT_MAX_BYTES = 256,
    DIAGNOSIS_HEATMAP_MAX_SIDE = 64,
    DIAGNOSIS_ANSWER_MAX_BYTES = 512 * 1024,
    DIAGNOSIS_TIMEOUT_MS = 15000, /* for those who came before, and the exchange itself */
    DIAGNOSIS_RECEIPT_MAX_BYTES = 64 * 1024,
};

struct diagnosis_result {
    char model_name[DIAGNOSIS_TEXT_MAX_BYTES], model_version[DIAGNOSIS_TEXT_MAX_BYTES], model_digest[65];
    double score, threshold; /* calibrated; 0 to 1 */
    bool is_unsuitable;
    char unsuitable_reason[DIAGNOSIS_TEXT_MAX_BYTES]; /* the model's own words */
    uint32_t heatmap_side;
    struct buffer heatmap; /* side * side FP32, little endian */
    struct buffer receipt; /* JWS, verified */
};
void diagnosis_result_done(struct diagnosis_result *result);

struct diagnosis_client;
enum status diagnosis_client_new(struct service *service, const char *address, struct refusal *why,
                                 struct diagnosis_client **client_out);
void diagnosis_client_free(struct diagnosis_client *client);

/* Ends what is under way: the program stops. NULL is allowed. */
void diagnosis_client_interrupt(struct diagnosis_client *client);

/* Shows a new token of the platform from now on. */
void diagnosis_client_token_arrived(struct diagnosis_client *client, struct slice token);

/* Sends one film's tensor to the hop whose TLS key is `pinned_key` and whose verified token is `token`.
 * ERR_PEER_REFUSED: another key is shown now; nothing was sent. ERR_CONNECT, ERR_TIMEOUT, ERR_INFERENCE, ERR_TENSOR
 * (the model's answer has another shape), ERR_SIGNATURE (the receipt). */
enum status diagnosis_client_run(struct diagnosis_client *client, const char *pinned_key, struct slice token,
                                 struct slice tensor, struct refusal *why, struct diagnosis_result *result_out);
