/* SPDX-License-Identifier: Apache-2.0 */
#include "base/allocation.h"

#include <malloc.h>

/* Larger than what most requests need, smaller than a part of a film. Setting it also stops the library from raising
 * it. Two heaps: as many threads as there are processors seldom allocate at the same time. */
enum { LARGE_BLOCK_BYTES = 128 * 1024, KEPT_AT_THE_TOP_BYTES = 256 * 1024, HEAPS = 2 };

void allocation_give_back(void)
{
    /* Where it is not to be had, memory is only kept for longer. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_AT_THE_TOP_BYTES);
    (void)mallopt(M_ARENA_MAX, HEAPS);
}
