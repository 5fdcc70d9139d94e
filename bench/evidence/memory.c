/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include "measure.h"
#include "stop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* The heap has found its shape by the second sample. A byte lost in each verification would be 800 KB from there on. */
enum { SAMPLE_COUNT = 10, SETTLED = 2 };

struct task {
    const struct subjects *subjects;
    atomic_size_t turn;
    size_t until; /* the turn before which to stop */
};

static size_t resident_bytes(void)
{
    size_t whole = 0, resident = 0;
    FILE *const file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%zu %zu", &whole, &resident) != 2) stop("/proc/self/statm", ERR_INTERNAL, NULL);
    (void)fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* Of twenty: one each of TDX known and new and of SEV-SNP (if it is there), the others of SGX known and new. */
static void verify_one(const struct subjects *subjects, size_t turn)
{
    const struct subject *const rare[] = {&subjects->tdx_known, &subjects->tdx_fresh, &subjects->snp_genuine};
    const size_t which = turn % 20;
    const struct subject *const subject = which < sizeof(rare) / sizeof(rare[0]) && rare[which]->is_there
                                              ? rare[which]
                                              : (which % 2 == 0 ? &subjects->sgx_known : &subjects->sgx_fresh);
    subject_verify(subject, turn);
    if (turn % 1000 == 0) subject_verify_cold(&subjects->sgx_known, turn);
}

static void *work(void *context)
{
    struct task *const task = context;
    for (size_t turn; (turn = atomic_fetch_add(&task->turn, 1)) < task->until;) verify_one(task->subjects, turn);
    return NULL;
}

static void verify_some(const struct subjects *subjects, size_t from, size_t until)
{
    struct task task = {.subjects = subjects, .turn = from, .until = until};
    pthread_t workers[THREAD_MAX_COUNT];
    for (size_t i = 0; i < THREAD_MAX_COUNT; i++) {
        if (pthread_create(&workers[i], NULL, work, &task) != 0) stop("thread", ERR_INTERNAL, NULL);
    }
    for (size_t i = 0; i < THREAD_MAX_COUNT; i++) (void)pthread_join(workers[i], NULL);
}

static void tell(size_t count, size_t bytes)
{
    (void)fprintf(stderr, "  %10zu verifications %10zu KiB resident\n", count, bytes / 1024);
    (void)printf(
        "{\"bench\":\"evidence\",\"name\":\"resident after %zu verifications\",\"value\":%zu,\"unit\":\"bytes\"}\n",
        count, bytes);
}

bool memory_stays_flat(const struct subjects *subjects, size_t count)
{
    size_t first = 0, last = 0;
    for (size_t i = 1; i <= SAMPLE_COUNT; i++) {
        verify_some(subjects, count / SAMPLE_COUNT * (i - 1), count / SAMPLE_COUNT * i);
        last = resident_bytes();
        if (i == SETTLED) first = last;
        tell(count / SAMPLE_COUNT * i, last);
    }
    return last <= first + MEMORY_SLACK_BYTES;
}
