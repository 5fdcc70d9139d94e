/* SPDX-License-Identifier: Apache-2.0
 *
 * The form of the software TEE's state: a tag, a version, a kind and a fixed number of length-prefixed fields. It holds
 * private keys, so it is bytes in a buffer (wiped when freed) rather than JSON. A later version adds fields at the end;
 * readers of this version refuse newer ones instead of dropping what they do not know.
 */
#pragma once

#include "base/buffer.h"
#include "base/reader.h"
#include "base/refusal.h"

enum simulation_state_kind { SIMULATION_STATE_AUTHORITY = 1, SIMULATION_STATE_MACHINE = 2 };

enum { SIMULATION_STATE_VERSION = 1, SIMULATION_STATE_MAX_BYTES = 64 * 1024 };

enum status simulation_state_begin(enum simulation_state_kind kind, struct buffer *state);
enum status simulation_state_add(struct buffer *state, struct slice field);

/* Reads exactly `count` fields, borrowed from `state`. ERR_TRUNCATED, ERR_TRAILING_BYTES, ERR_FIELD_VALUE for another
 * tag or kind, ERR_UNSUPPORTED for another version. */
enum status simulation_state_read(struct slice state, enum simulation_state_kind kind, size_t count,
                                  struct refusal *why, struct slice *fields_out);
