/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include "stop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

struct round {
    operation *run;
    const void *context;
    atomic_size_t turn;
    atomic_bool is_over;
};

static double now_s(clockid_t clock)
{
    struct timespec time;
    (void)clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void *work(void *context)
{
    struct round *const round = context;
    while (!atomic_load_explicit(&round->is_over, memory_order_relaxed))
        round->run(round->context, atomic_fetch_add(&round->turn, 1));
    return NULL;
}

struct figure measure(operation *run, const void *context, size_t threads, double seconds)
{
    struct round round = {.run = run, .context = context};
    pthread_t workers[THREAD_MAX_COUNT];
    const double start_s = now_s(CLOCK_MONOTONIC), cpu_start_s = now_s(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < threads; i++) {
        if (pthread_create(&workers[i], NULL, work, &round) != 0) stop("thread", ERR_INTERNAL, NULL);
    }
    const struct timespec wait = {.tv_sec = (time_t)seconds,
                                  .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    (void)nanosleep(&wait, NULL);
    atomic_store(&round.is_over, true);
    for (size_t i = 0; i < threads; i++) (void)pthread_join(workers[i], NULL);
    const double turns = (double)atomic_load(&round.turn);
    return (struct figure){.per_second = turns / (now_s(CLOCK_MONOTONIC) - start_s),
                           .cpu_us = 1e6 * (now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_start_s) / turns};
}
