/* SPDX-License-Identifier: Apache-2.0
 *
 * The one entry of a fuzz target. Returns 0 always; a fault shows as a crash or a sanitizer's report.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
