/* SPDX-License-Identifier: Apache-2.0
 *
 * ONNX Runtime, loaded at run time from bytes whose digest was checked. It is large and knows how to do much that has
 * no place here, so it is only ever loaded in a contained child (inference/child.h), in benchmarks and in tests.
 */
#pragma once

#include "base/refusal.h"

enum { RUNTIME_FILE_MAX_BYTES = 128 * 1024 * 1024, RUNTIME_DIGEST_BYTES = 32 };

/* Copies the library at `path` (absolute) into a sealed memory file if its SHA-256 is `sha256`: the bytes that were
 * checked are the bytes that run, whatever happens to the file. The caller closes `descriptor_out`.
 * ERR_CONFIG (a relative path), ERR_IO, ERR_TOO_LARGE, ERR_MODEL_DIGEST. */
enum status runtime_image_open(const char *path, const uint8_t sha256[static RUNTIME_DIGEST_BYTES], struct refusal *why,
                               int *descriptor_out);

struct runtime;

/* Loads the library from the sealed file and makes its environment: silent, without telemetry. Sets
 * ORT_DISABLE_TELEMETRY in this process's environment first, so no other thread may run yet. Once in a process: the
 * loader knows a library by its path, and this one's names a descriptor. ERR_INFERENCE. */
enum status runtime_load(int image, struct refusal *why, struct runtime **runtime_out);
void runtime_free(struct runtime *runtime);
void runtime_cleanup(struct runtime **runtime);
const char *runtime_version(const struct runtime *runtime); /* "1.27.0" */
