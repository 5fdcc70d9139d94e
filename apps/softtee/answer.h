/* SPDX-License-Identifier: Apache-2.0
 *
 * What the launcher answers to a program's request. Pure: the caller has made sure who sent it.
 */
#pragma once

#include "tee/simulation/machine.h"
#include "tee/softtee_message.h"

/* Appends the whole answer; requests that cannot be met get a refusal. Fails only if there is no room for one. */
enum status softtee_answer(const struct simulated_machine *machine, const struct simulated_identity *identity,
                           struct slice request, struct buffer *answer);
