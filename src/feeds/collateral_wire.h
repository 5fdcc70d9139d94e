/* SPDX-License-Identifier: Apache-2.0
 *
 * One platform's collateral as one run of bytes, for handing it to another process, which verifies it again: each text
 * in the order of struct collateral_texts as its size in four bytes and its bytes. Pure.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "evidence/intel.h"

enum { COLLATERAL_WIRE_MAX_BYTES = 2 * 1024 * 1024 - 4096 }; /* real ones have a hundredth of it */

/* Appends. ERR_TOO_LARGE if the buffer cannot take it. */
enum status collateral_wire_write(const struct collateral_texts *texts, struct refusal *why, struct buffer *bytes);

/* Borrowed from `bytes`. ERR_TRUNCATED, ERR_TRAILING_BYTES. */
enum status collateral_wire_read(struct slice bytes, struct refusal *why, struct collateral_texts *texts_out);
