/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs many mutated policies over mutated claim sets: policy_mutations RUNS SEED FOLDER. Each begins as one of
 * the folder's inputs that have names and is changed one to sixteen times. The same seed makes the same runs; what a
 * run's number and seed are is told when one ends the program. The last line has what became of them, and the slowest.
 */
#include "policy_mutations.h"
#include "fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { INPUT_MAX_BYTES = 8192, SEED_MAX_COUNT = 64, CHANGE_MAX_COUNT = 16, DIGEST_NAME_BYTES = 40 };

struct input {
    uint8_t bytes[INPUT_MAX_BYTES];
    size_t size;
};

static struct input seeds[SEED_MAX_COUNT];
static size_t seed_count;
static unsigned long long run_number;

static void read_seed(const char *folder, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *const file = fopen(path, "rb");
    if (file == NULL) return;
    struct input *const seed = &seeds[seed_count];
    seed->size = fread(seed->bytes, 1, sizeof(seed->bytes), file);
    (void)fclose(file);
    if (seed->size > 0 && seed->size < sizeof(seed->bytes)) seed_count++;
}

/* Inputs that were made by hand have names; those that a fuzzer found are called by their digests. */
static int is_made_by_hand(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strlen(entry->d_name) < DIGEST_NAME_BYTES;
}

static void read_seeds(const char *folder)
{
    struct dirent **entries = NULL;
    const int count = scandir(folder, &entries, is_made_by_hand, alphasort);
    for (int i = 0; i < count; i++) {
        if (seed_count < SEED_MAX_COUNT) read_seed(folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static void tell_run(int)
{
    (void)fprintf(stderr, "in run %llu\n", run_number);
    (void)signal(SIGABRT, SIG_DFL);
}

static uint64_t processor_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static struct input *next_input(unsigned long long seed)
{
    static struct input input;
    mutation_state = seed * 0x9e3779b97f4a7c15 + run_number * 0xbf58476d1ce4e5b9;
    for (size_t i = 0; i < 4; i++) (void)below(2);
    input = seeds[below(seed_count)];
    const bool spares_tokens = below(4) > 0;
    for (size_t changes = 1 + below(CHANGE_MAX_COUNT); changes > 0; changes--)
        input.size = mutate_policy_input(input.bytes, input.size, sizeof(input.bytes), spares_tokens);
    return &input;
}

/* Whether the input's policy compiles: the others end there. */
static bool compiles(const struct input *input)
{
    CLEANUP(policy_cleanup) struct policy *policy = NULL;
    return policy_compile(policy_part(slice_of(input->bytes, input->size)), NULL, &policy) == OK;
}

int main(int count, char **arguments)
{
    if (count != 4) return 2;
    const unsigned long long runs = strtoull(arguments[1], NULL, 10), seed = strtoull(arguments[2], NULL, 10);
    read_seeds(arguments[3]);
    if (seed_count == 0) return 2;
    (void)signal(SIGABRT, tell_run);
    uint64_t slowest_us = 0, all_us = 0, compiled = 0;
    for (run_number = 0; run_number < runs; run_number++) {
        const struct input *const input = next_input(seed);
        compiled += compiles(input);
        const uint64_t before = processor_us();
        (void)LLVMFuzzerTestOneInput(input->bytes, input->size);
        const uint64_t taken_us = processor_us() - before;
        all_us += taken_us;
        if (taken_us > slowest_us) slowest_us = taken_us;
    }
    printf("%llu mutated policies and claim sets, %llu of them ran; processor time %llu us each, slowest %llu us\n",
           runs, (unsigned long long)compiled, (unsigned long long)(all_us / (runs > 0 ? runs : 1)),
           (unsigned long long)slowest_us);
    return 0;
}
