/* SPDX-License-Identifier: Apache-2.0
 *
 * How the C library's allocator keeps memory that was freed. Left alone, it keeps a heap for nearly every thread, and
 * once a megabyte was freed it takes megabytes from those heaps, too: a program that handles parts of films on several
 * threads then holds each thread's largest moment for good, and grows for an hour before it stops.
 */
#pragma once

/* Few: as many threads as there are processors seldom allocate at the same time. */
enum { ALLOCATION_HEAPS = 2 };

/* Large blocks go back to the system when they are freed, and threads share so many heaps; 0: ALLOCATION_HEAPS. For
 * main functions, before the first thread. */
void allocation_give_back(unsigned heaps);
