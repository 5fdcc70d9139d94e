/* SPDX-License-Identifier: Apache-2.0 */
#include "base/allocation.h"

#include <malloc.h>

/* Larger than what most requests need, smaller than a part of a film. Setting it also stops the library from raising
 * it. */
enum { LARGE_BLOCK_BYTES = 128 * 1024, KEPT_AT_THE_TOP_BYTES = 256 * 1024 };

void allocation_give_back(unsigned heaps)
{
    /* Where it is not to be had, memory is only kept for longer. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_AT_THE_TOP_BYTES);
    (void)mallopt(M_ARENA_MAX, heaps > 0 ? (int)heaps : ALLOCATION_HEAPS);
}
