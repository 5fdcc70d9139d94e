/* SPDX-License-Identifier: Apache-2.0
 *
 * How many files, sockets among them, this process may have open at once.
 */
#pragma once

#include <stddef.h>

/* Raises the soft limit to `wanted` if it is lower and the hard limit allows it. Answers what may be open from now on,
 * which is less than `wanted` where the hard limit is. For the start of a program. */
size_t descriptors_allow(size_t wanted);
