/* SPDX-License-Identifier: Apache-2.0
 *
 * A model in ONNX Runtime, ready to run. For one thread at a time; the runtime makes its own.
 */
#pragma once

#include "inference/model_package.h"
#include "inference/runtime.h"

enum { SESSION_MAX_THREADS = 64 };

/* The digest alone, before anything is made of the file: ERR_MODEL_DIGEST. */
enum status session_check_digest(const struct model_package *package, struct slice model, struct refusal *why);

struct session;

/* `model` is the file's bytes, whose digest must be the package's: ERR_MODEL_DIGEST. The model must take and give what
 * the package says: ERR_MODEL. `runtime` is borrowed and must outlive the session; `package` and `model` are not kept.
 * `threads`: 1 to SESSION_MAX_THREADS (ERR_CONFIG). */
enum status session_new(struct runtime *runtime, const struct model_package *package, struct slice model,
                        unsigned threads, struct refusal *why, struct session **session_out);
void session_free(struct session *session);
void session_cleanup(struct session **session);

/* `input`: `batch` pictures, 1 to MODEL_MAX_BATCH, FP32. ERR_TENSOR for another size, ERR_INFERENCE if the run fails or
 * gives what is not a number. */
enum status session_run(struct session *session, size_t batch, struct slice input, struct refusal *why,
                        struct inference_result *result_out);
