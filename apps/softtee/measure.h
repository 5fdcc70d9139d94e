/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading a program so that it cannot change any more, and measuring what was loaded.
 *
 * MRENCLAVE = SHA-256("lazaret-softtee/1" || 0 || SHA-256(program) || for each library: file name || 0 ||
 * SHA-256(file)), libraries in the order of their file names. The program's bytes are those of a sealed memory file,
 * the same that is executed. Which libraries it loads is asked of the dynamic loader itself (`ld.so --list`), with the
 * same file and the same empty environment, so that search paths, capabilities of the processor and preloads are
 * followed just as at the real start; only the loaders of the system are accepted as a program's interpreter.
 *
 * Limits (docs/threat-model.md): libraries are hashed as files just before the start, so one that is exchanged between
 * measurement and loading is not noticed; and what a program loads later by itself (dlopen: ONNX Runtime, name service
 * and conversion modules) is not part of its measurement. Programs pin the digests of what they open.
 */
#pragma once

#include "base/refusal.h"

#include <stddef.h>
#include <stdint.h>

enum { PROGRAM_MAX_BYTES = 512 * 1024 * 1024, LIBRARY_MAX_COUNT = 256, LOADER_LIST_MAX_BYTES = 128 * 1024 };

struct loaded_program {
    int descriptor; /* sealed memory file with the program's bytes; close-on-exec, 20 or above */
    uint8_t mrenclave[32];
};

/* ERR_IO, ERR_TOO_LARGE, ERR_UNSUPPORTED for what is not a 64-bit ELF program with a known loader, ERR_FIELD_VALUE for
 * a library that is not found. The caller closes with program_unload. */
enum status program_load(const char *path, struct refusal *why, struct loaded_program *program_out);
void program_unload(struct loaded_program *program);
