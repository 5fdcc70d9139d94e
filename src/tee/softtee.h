/* SPDX-License-Identifier: Apache-2.0
 *
 * The software TEE's side in the program, in simulation builds only; used through tee/tee.h.
 */
#pragma once

#include "tee/tee.h"

/* Takes over the descriptor that the environment names and removes both from where a child would find them.
 * ERR_TEE_ABSENT. */
enum status softtee_open(struct refusal *why, int *socket_out);

/* One request and its answer, whose payload is appended. ERR_TEE_PROTOCOL; ERR_TIMEOUT, after which the socket is not
 * to be used again, because the late answer could be taken for that of another request. */
enum status softtee_call(int socket, int operation, struct slice operand, struct buffer *payload);
