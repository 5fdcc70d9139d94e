/* SPDX-License-Identifier: Apache-2.0
 *
 * The names that the service has for itself: what stands under them in any token is the service's word. A policy may
 * issue whatever it likes, and Azure's real policies issue some of these; it is evaluated as ever, and only its issue
 * does not reach the token. To refuse such a policy would break those that were written for Azure.
 */
#pragma once

#include "base/slice.h"

bool is_reserved_claim(struct slice name);

/* x-lazaret-tcb-*: issued only with a value that the service found itself. */
bool is_level_claim(struct slice name);
