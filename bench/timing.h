/* SPDX-License-Identifier: Apache-2.0
 *
 * What every benchmark shares: operations per second of a function on one or two threads, and figures printed as table
 * rows and as one JSON line per figure ({"bench","name","value","unit"}) that scripts/run-bench collects.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BENCH_MAX_THREADS = 8 };

/* One operation; `context` belongs to one thread. False stops the benchmark: a figure of failing calls is worth
 * nothing. */
typedef bool bench_operation(void *context);

static inline double bench_now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct bench_worker {
    bench_operation *operation;
    void *context;
    double seconds;
    uint64_t count;
    bool failed;
    pthread_t thread;
};

static inline void *bench_work(void *argument)
{
    struct bench_worker *const worker = argument;
    const double end = bench_now_s() + worker->seconds;
    while (!worker->failed && bench_now_s() < end) {
        for (int i = 0; i < 8 && !worker->failed; i++, worker->count++)
            worker->failed = !worker->operation(worker->context);
    }
    return NULL;
}

/* Operations per second, all threads together, each with a context of its own, over `seconds` after a short warm-up. */
static inline double bench_rate(bench_operation *operation, void *const *contexts, size_t threads, double seconds)
{
    struct bench_worker workers[BENCH_MAX_THREADS] = {};
    for (int round = 0; round < 2; round++) {
        const double started = bench_now_s();
        for (size_t i = 0; i < threads; i++) {
            workers[i] = (struct bench_worker){
                .operation = operation, .context = contexts[i], .seconds = round == 0 ? seconds / 10 : seconds};
            if (pthread_create(&workers[i].thread, NULL, bench_work, &workers[i]) != 0) abort();
        }
        uint64_t count = 0;
        for (size_t i = 0; i < threads; i++) {
            (void)pthread_join(workers[i].thread, NULL);
            count += workers[i].count;
            if (workers[i].failed) {
                (void)fprintf(stderr, "bench: an operation failed\n");
                exit(1);
            }
        }
        if (round == 1) return (double)count / (bench_now_s() - started);
    }
    return 0;
}

/* A figure, for the table (standard error) and for the collector (standard output). */
static inline void bench_figure(const char *bench, const char *name, double value, const char *unit)
{
    (void)fprintf(stderr, "  %-58s %12.*f %s\n", name, value < 100 ? 3 : 0, value, unit);
    (void)printf("{\"bench\":\"%s\",\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}\n", bench, name, value, unit);
}
