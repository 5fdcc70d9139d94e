/* SPDX-License-Identifier: Apache-2.0
 *
 * What bench/attestation.mjs is made of:
 *
 *     attest-load requests FILE COUNT HOST            inside the software TEE: appraisal requests, each with its quote
 *     attest-load run ADDRESS FILE CONNECTIONS SECONDS COUNT [FROM...]    load; one JSON object with what came of it
 *     attest-load first ADDRESS FILE                  asks until a token comes; prints when, by the clock
 *     attest-load limit SECONDS                       OpenSSL alone
 */
#include "limit.h"
#include "load.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void print_result(const struct load_result *result)
{
    (void)printf(
        "{\"answers\":%llu,\"seconds\":%.6f,\"processor_s\":%.6f,\"lost\":%llu,\"dialled\":%llu,\"failed\":%llu,"
        "\"p50_ms\":%.4f,\"p90_ms\":%.4f,\"p99_ms\":%.4f,\"max_ms\":%.4f,\"statuses\":{",
        (unsigned long long)result->answers, result->seconds, result->processor_s, (unsigned long long)result->lost,
        (unsigned long long)result->dialled, (unsigned long long)result->failed, result->p50_ms, result->p90_ms,
        result->p99_ms, result->max_ms);
    const char *comma = "";
    for (unsigned i = 0; i < LOAD_STATUS_MAX; i++) {
        if (result->statuses[i] == 0) continue;
        (void)printf("%s\"%u\":%llu", comma, i, (unsigned long long)result->statuses[i]);
        comma = ",";
    }
    (void)printf("}}\n");
}

static int run(int count, char **arguments)
{
    if (count < 7) return 2;
    const struct requests requests = requests_read(arguments[3]);
    const struct load load = {
        .address = arguments[2],
        .connections = (unsigned)strtoul(arguments[4], NULL, 10),
        .seconds = strtod(arguments[5], NULL),
        .count = strtoull(arguments[6], NULL, 10),
        .from = count > 7 ? (const char *const *)(arguments + 7) : NULL,
    };
    static struct load_result result;
    load_run(&load, &requests, &result);
    print_result(&result);
    return 0;
}

static int first(int count, char **arguments)
{
    enum { PATIENCE_S = 30 };
    if (count != 4) return 2;
    const struct requests requests = requests_read(arguments[3]);
    const time_t end = time(NULL) + PATIENCE_S;
    while (time(NULL) < end) {
        static struct load_result result;
        const struct load load = {.address = arguments[2], .connections = 1, .seconds = 1, .count = 1};
        struct timespec now;
        load_run(&load, &requests, &result);
        (void)clock_gettime(CLOCK_REALTIME, &now);
        if (result.statuses[200] == 0) continue;
        (void)printf("{\"at_ms\":%.3f}\n", (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6);
        return 0;
    }
    return 1;
}

static int limit(double seconds)
{
    const struct limit found = limit_measure(seconds);
    (void)printf("{\"verify_p256_us\":%.3f,\"sign_rsa_2048_us\":%.3f,\"sign_p256_us\":%.3f}\n", found.verify_p256,
                 found.sign_rsa_2048, found.sign_p256);
    return 0;
}

int main(int count, char **arguments)
{
    (void)signal(SIGPIPE, SIG_IGN);
    if (count == 5 && strcmp(arguments[1], "requests") == 0)
        return requests_make(arguments[2], strtoul(arguments[3], NULL, 10), arguments[4]);
    if (count > 1 && strcmp(arguments[1], "run") == 0) return run(count, arguments);
    if (count > 1 && strcmp(arguments[1], "first") == 0) return first(count, arguments);
    if (count == 3 && strcmp(arguments[1], "limit") == 0) return limit(strtod(arguments[2], NULL));
    (void)fprintf(stderr, "usage: attest-load requests|run|first|limit ...\n");
    return 2;
}
