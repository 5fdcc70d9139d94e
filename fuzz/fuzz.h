/* SPDX-License-Identifier: Apache-2.0
 *
 * The one entry of a fuzz target. Returns 0 always; a fault shows as a crash or a sanitizer's report.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The most that one allocation may take for any input. A target says it in the parsers' own maxima, and guard.c holds
 * it to that; what says nothing is held to FUZZ_ALLOCATION_MAX_BYTES. JSON takes a pointer of 8 bytes for a value of 2
 * (a digit and its comma), in arrays that are doubled. */
extern const size_t fuzz_allocation_max;
enum { FUZZ_ALLOCATION_MAX_BYTES = 64 << 20, FUZZ_JSON_GROWTH = 8 };
