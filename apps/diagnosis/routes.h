/* SPDX-License-Identifier: Apache-2.0
 *
 * The Open Inference Protocol's routes (docs/protocols.md, section 9). They know nothing of TLS: whoever reaches them
 * has been checked by the tunnel, and is asked for once more here.
 */
#pragma once

#include "diagnosis/receipt.h"
#include "http/server.h"
#include "inference/child.h"

struct diagnosis {
    const struct model_package *package;
    struct inference_child *child;
    struct receipt_book *receipts;
};

/* For http_server_options, whose context is the struct diagnosis. */
extern const struct http_route diagnosis_routes[];
extern const size_t diagnosis_route_count;

/* The model is loaded and there is a token to put into receipts. */
bool diagnosis_is_ready(const struct diagnosis *diagnosis, struct refusal *why);
