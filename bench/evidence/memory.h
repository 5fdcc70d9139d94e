/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether memory stays flat: `count` verifications by two threads, known and new chains of every kind in turn, and the
 * resident memory on the way. True if after two tenths it grew by no more than MEMORY_SLACK_BYTES.
 */
#pragma once

#include "subject.h"

enum { MEMORY_DEFAULT_COUNT = 1000000, MEMORY_SLACK_BYTES = 256 * 1024 };

bool memory_stays_flat(const struct subjects *subjects, size_t count);
