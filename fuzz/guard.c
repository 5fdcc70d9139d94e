/* SPDX-License-Identifier: Apache-2.0
 *
 * Holds every input to two limits while libFuzzer runs: no allocation above the target's fuzz_allocation_max, and not
 * more than LAZARET_FUZZ_MAX_MS (unset: any) of this thread's processor time, which a busy machine does not lengthen.
 * An input that breaks one ends the run as a crash does and is kept. The linker puts this before the target (--wrap).
 * At the end it tells the largest allocation and the slowest input.
 */
#include "fuzz.h"

#include <sanitizer/allocator_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The linker gives these names to the target's own entry and to what stands before it.
 * NOLINTBEGIN(bugprone-reserved-identifier) */
int __real_LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int __wrap_LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

/* What is done once (a table that the library makes, a page that is touched) is not the input's: the least of so many
 * tries counts. */
enum { TRY_COUNT = 3 };

/* Not a weak definition with a default: clang takes the value of a constant for granted. */
#pragma weak fuzz_allocation_max

static atomic_bool is_running; /* the target, for an input of the fuzzer's */
static atomic_size_t largest_allocation;
static uint64_t limit_ns, slowest_ns;

/* OpenSSL makes tables for itself once that take this much. */
enum { LIBRARY_MAX_BYTES = 8192 };

static size_t allocation_max(void)
{
    const size_t said = &fuzz_allocation_max != NULL ? fuzz_allocation_max : FUZZ_ALLOCATION_MAX_BYTES;
    return said > LIBRARY_MAX_BYTES ? said : LIBRARY_MAX_BYTES;
}

static void on_allocation(const volatile void *, size_t size)
{
    if (!atomic_load(&is_running) || size <= atomic_load(&largest_allocation)) return;
    atomic_store(&largest_allocation, size);
    if (size <= allocation_max()) return;
    atomic_store(&is_running, false);
    (void)fprintf(stderr, "ERROR: one allocation of %zu bytes; the target's maximum is %zu\n", size, allocation_max());
    __sanitizer_print_stack_trace();
    abort();
}

static void on_release(const volatile void *)
{
}

static void tell(void)
{
    (void)fprintf(stderr, "stat::largest_allocation_bytes: %zu\nstat::slowest_cpu_us: %llu\n",
                  atomic_load(&largest_allocation), (unsigned long long)(slowest_ns / 1000));
}

static void set_up(void)
{
    const char *const limit_ms = getenv("LAZARET_FUZZ_MAX_MS");
    limit_ns = limit_ms == NULL ? UINT64_MAX : strtoull(limit_ms, NULL, 10) * 1000000;
    (void)__sanitizer_install_malloc_and_free_hooks(on_allocation, on_release);
    (void)atexit(tell);
}

static uint64_t run(const uint8_t *bytes, size_t size)
{
    struct timespec before, after;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    atomic_store(&is_running, true);
    (void)__real_LLVMFuzzerTestOneInput(bytes, size);
    atomic_store(&is_running, false);
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    return (uint64_t)(after.tv_sec - before.tv_sec) * 1000000000 + (uint64_t)after.tv_nsec - (uint64_t)before.tv_nsec;
}

static uint64_t least_of_tries(const uint8_t *bytes, size_t size)
{
    uint64_t least_ns = run(bytes, size);
    for (int i = 1; i < TRY_COUNT && least_ns > limit_ns; i++) {
        const uint64_t again_ns = run(bytes, size);
        if (again_ns < least_ns) least_ns = again_ns;
    }
    return least_ns;
}

int __wrap_LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static bool is_set_up;
    if (!is_set_up) {
        (void)__real_LLVMFuzzerTestOneInput(bytes, 0); /* with which the target sets itself up */
        set_up();
        is_set_up = true;
    }
    const uint64_t taken_ns = least_of_tries(bytes, size);
    if (taken_ns > slowest_ns) slowest_ns = taken_ns;
    if (taken_ns <= limit_ns) return 0;
    (void)fprintf(stderr, "ERROR: %llu us of processor time for one input of %zu bytes\n",
                  (unsigned long long)(taken_ns / 1000), size);
    abort();
}
