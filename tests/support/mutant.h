/* SPDX-License-Identifier: Apache-2.0
 *
 * What the sources that `scripts/mutants` rewrites call where they decide something. One mutant is switched on by
 * LAZARET_MUTANT=intel/pck.c:17 (file below src/evidence, number); with LAZARET_MUTANT_RECORD=file none is, and each
 * that would have changed a decision is noted there, a line each. A rewritten file names itself MUTANT_FILE and its
 * last number MUTANT_COUNT before it includes this.
 */
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int mutant_chosen; /* 0: none in this file */
static const char *mutant_record;
static bool mutant_noted[MUTANT_COUNT + 1];

[[gnu::constructor]] static void mutant_start(void)
{
    const char *const name = getenv("LAZARET_MUTANT");
    const size_t size = strlen(MUTANT_FILE ":");
    mutant_record = getenv("LAZARET_MUTANT_RECORD");
    if (name != NULL && strncmp(name, MUTANT_FILE ":", size) == 0) mutant_chosen = (int)strtol(name + size, NULL, 10);
}

/* At once, as a test may end without its exit handlers. */
static void mutant_note(int number)
{
    char line[128];
    if (mutant_noted[number]) return;
    mutant_noted[number] = true;
    const int size = snprintf(line, sizeof(line), "%s:%d\n", MUTANT_FILE, number);
    const int file = open(mutant_record, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || write(file, line, (size_t)size) != size) abort();
    (void)close(file);
}

/* Asked only where the mutant decides otherwise than the original. Number 0: there is no such mutant. */
static inline bool mutant_is_on(int number)
{
    if (mutant_record != NULL && number != 0) mutant_note(number);
    return number != 0 && number == mutant_chosen;
}

static inline bool mutant_condition(int never, int always, bool value)
{
    return value != mutant_is_on(value ? never : always);
}

/* Failure is taken for success. */
static inline int mutant_status(int number, int status)
{
    return status != 0 && mutant_is_on(number) ? 0 : status;
}

/* A comparison that differs from the original where both sides are equal. */
static inline bool mutant_bound(int number, bool is_equal, bool value)
{
    return value != (is_equal && mutant_is_on(number));
}
