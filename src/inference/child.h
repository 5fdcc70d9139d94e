/* SPDX-License-Identifier: Apache-2.0
 *
 * The model in a contained process: ONNX Runtime and the model are loaded there, without sockets, without files that
 * can be written, without other programs; pictures go in and results come out over a socket pair. If the process dies,
 * the request that it died of fails and another is started.
 */
#pragma once

#include "inference/model_package.h"
#include "inference/runtime.h"

enum {
    INFERENCE_LOAD_TIMEOUT_MS = 60000,
    INFERENCE_RUN_TIMEOUT_MS = 10000,
};

#define INFERENCE_MEMORY_BYTES (UINT64_C(2) << 30) /* of address space */

struct inference_options {
    const char *runtime_path; /* absolute */
    uint8_t runtime_sha256[RUNTIME_DIGEST_BYTES];
    const char *model_path;
    const struct model_package *package; /* names the model's digest; copied */
    unsigned threads;
};

struct inference_child; /* thread-safe: callers wait for each other */

/* Reads both files, checks their digests, forks, and waits until the model is loaded. Call before any thread is
 * started. ERR_IO, ERR_MODEL_DIGEST, ERR_MODEL, ERR_INFERENCE, ERR_UNSUPPORTED (no sandbox), ERR_TIMEOUT. */
enum status inference_child_start(const struct inference_options *options, struct refusal *why,
                                  struct inference_child **child_out);
void inference_child_stop(struct inference_child *child);

/* As session_run, and: ERR_CHILD_DIED, ERR_TIMEOUT. */
enum status inference_child_run(struct inference_child *child, size_t batch, struct slice input, struct refusal *why,
                                struct inference_result *result_out);

/* Whether a process has the model loaded. If the last one died, another is being started meanwhile. */
bool inference_child_is_ready(struct inference_child *child);
