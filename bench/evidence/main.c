/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifications of evidence, as times the signatures that each of them has to verify, by OpenSSL on the same machine in
 * the same run.
 *     bench-evidence [SECONDS [ROW]]    how long each figure is measured (0.01 to 60, default 1); one row alone
 *     bench-evidence memory [COUNT]     whether memory stays flat over so many (default 1000000)
 * "warm": collateral, the platform's certificate and its quoting enclave's report are known; "fresh": those two are
 * new; "cold": nothing is known, the collateral's texts are read and verified too; what stands there twice is verified
 * once, and the figure for "all that is given" counts it as often as it stands there. All rows and their limits are
 * measured in turn, several times over, by processor time, and the median of the ratios is told: what else the machine
 * does meets all alike. Scaling is by the clock and holds on a quiet machine alone. The table goes to standard error, a
 * JSON object for each figure to standard output. Exit 1 if memory grew; ratios are told beside their bounds.
 */
#include "crypto/key.h"
#include "limit.h"
#include "measure.h"
#include "memory.h"
#include "stop.h"

#include <string.h>

enum {
    ROUND_COUNT = 9,
    /* Three chains of two certificates, the quote's of three, two lists, TCB info, QE identity, QE report, quote. */
    GIVEN_COUNT = 15,
};
static const double ratio_bound = 1.3, scaling_bound = 1.9;

static struct subjects subjects;
static const char *only;      /* the title of the one row to measure; NULL: all */
static struct key *token_key; /* RSA-2048, as a token's signer */

static void verify_and_sign(const void *subject, size_t turn)
{
    static const uint8_t token[2048] = {};
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(256);
    subject_verify(subject, turn);
    need("token signature", key_sign(token_key, SLICE_ARRAY(token), &signature), NULL);
}

static const struct row {
    const char *title;
    operation *run;
    const struct subject *subject;
    unsigned given; /* P-256 signatures in all that is given, those that stand there twice too; 0: those it verifies */
} rows[] = {
    {"SGX, warm", subject_verify, &subjects.sgx_known},
    {"SGX, fresh PCK certificate", subject_verify, &subjects.sgx_fresh},
    {"SGX, cold", subject_verify_cold, &subjects.sgx_known},
    {"TDX, warm", subject_verify, &subjects.tdx_known},
    {"TDX, fresh PCK certificate", subject_verify, &subjects.tdx_fresh},
    {"TDX, cold", subject_verify_cold, &subjects.tdx_known},
    {"SGX, warm, and a token signed", verify_and_sign, &subjects.sgx_known},
    {"SGX, fresh, and a token signed", verify_and_sign, &subjects.sgx_fresh},
    {"genuine SGX, warm", subject_verify, &subjects.sgx_genuine},
    {"genuine SGX, cold", subject_verify_cold, &subjects.sgx_genuine},
    {"genuine SGX, cold, all that is given", subject_verify_cold, &subjects.sgx_genuine, GIVEN_COUNT},
    {"genuine TDX, warm", subject_verify, &subjects.tdx_genuine},
    {"genuine TDX, cold", subject_verify_cold, &subjects.tdx_genuine},
    {"genuine TDX, cold, all that is given", subject_verify_cold, &subjects.tdx_genuine, GIVEN_COUNT},
    {"genuine SEV-SNP, warm", subject_verify, &subjects.snp_genuine},
    {"genuine SEV-SNP, fresh VCEK", subject_verify, &subjects.snp_fresh},
};
enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static struct result {
    struct signatures signatures; /* its own, counted */
    struct figure figures[THREAD_MAX_COUNT];
    double ratio, scaling;
} results[ROW_COUNT];

static bool is_measured(const struct row *row)
{
    return row->subject->is_there && (only == NULL || strcmp(row->title, only) == 0);
}

/* ---- measuring ---- */

static int compare_numbers(const void *left, const void *right)
{
    const double *const a = left, *const b = right;
    return (*a > *b) - (*a < *b);
}

static double median(double *numbers)
{
    qsort(numbers, ROUND_COUNT, sizeof(*numbers), compare_numbers);
    return numbers[ROUND_COUNT / 2];
}

/* The second turn's: the first one fills the cache where there is something to keep. */
static struct signatures count_signatures(const struct row *row)
{
    if (row->given > 0) return (struct signatures){.count = {[VERIFY_P256] = row->given}};
    row->run(row->subject, 0);
    limit_count_begin();
    row->run(row->subject, 1);
    return limit_count_end();
}

static void run_limit(const void *signatures, size_t)
{
    limit_run(signatures);
}

struct rounds {
    double per_second[THREAD_MAX_COUNT][ROUND_COUNT], cpu_us[THREAD_MAX_COUNT][ROUND_COUNT], ratio[ROUND_COUNT],
        scaling[ROUND_COUNT];
};

static void measure_round(const struct row *row, const struct result *result, size_t round, double seconds,
                          struct rounds *rounds)
{
    for (size_t threads = 1; threads <= THREAD_MAX_COUNT; threads++) {
        const struct figure figure = measure(row->run, row->subject, threads, seconds);
        rounds->per_second[threads - 1][round] = figure.per_second;
        rounds->cpu_us[threads - 1][round] = figure.cpu_us;
    }
    const struct figure limit = measure(run_limit, &result->signatures, 1, seconds);
    rounds->ratio[round] = rounds->cpu_us[0][round] / limit.cpu_us;
    rounds->scaling[round] = rounds->per_second[THREAD_MAX_COUNT - 1][round] / rounds->per_second[0][round];
}

static void measure_all(double seconds)
{
    static struct rounds rounds[ROW_COUNT];
    for (size_t round = 0; round < ROUND_COUNT; round++) {
        for (size_t i = 0; i < ROW_COUNT; i++) {
            if (!is_measured(&rows[i])) continue;
            if (round == 0) results[i].signatures = count_signatures(&rows[i]);
            measure_round(&rows[i], &results[i], round, seconds / ROUND_COUNT, &rounds[i]);
        }
    }
    for (size_t i = 0; i < ROW_COUNT; i++) {
        for (size_t thread = 0; thread < THREAD_MAX_COUNT; thread++)
            results[i].figures[thread] = (struct figure){.per_second = median(rounds[i].per_second[thread]),
                                                         .cpu_us = median(rounds[i].cpu_us[thread])};
        results[i].ratio = median(rounds[i].ratio);
        results[i].scaling = median(rounds[i].scaling);
    }
}

/* ---- telling ---- */

static void print_table(void)
{
    (void)fprintf(stderr, "  %-37s %-27s %8s %8s %6s %9s %8s\n", "", "its own signatures", "per s", "CPU us", "times",
                  "2 threads", "scaling");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        char own[64];
        const struct result *const result = &results[i];
        if (!is_measured(&rows[i])) continue;
        limit_describe(&result->signatures, own, sizeof(own));
        (void)fprintf(stderr, "  %-37s %-27s %8.0f %8.1f %6.2f %9.0f %8.2f%s%s\n", rows[i].title, own,
                      result->figures[0].per_second, result->figures[0].cpu_us, result->ratio,
                      result->figures[1].per_second, result->scaling,
                      result->ratio > ratio_bound ? "  above 1.3 times" : "",
                      result->scaling < scaling_bound ? "  below 1.9" : "");
    }
}

/* As bench/timing.h has it: a line for each figure. */
static void print_figure(const struct row *row, const char *of, double value, const char *unit)
{
    (void)printf("{\"bench\":\"evidence\",\"name\":\"%s%s\",\"value\":%.6g,\"unit\":\"%s\"}\n", row->title, of, value,
                 unit);
}

static void print_figures(void)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (!is_measured(&rows[i])) continue;
        print_figure(&rows[i], ", 1 thread", results[i].figures[0].per_second, "per s");
        print_figure(&rows[i], ", 2 threads", results[i].figures[1].per_second, "per s");
        print_figure(&rows[i], "", results[i].figures[0].cpu_us, "us of CPU");
        print_figure(&rows[i], "", results[i].ratio, "times its own signatures");
        print_figure(&rows[i], ", 2 threads", results[i].scaling, "times 1 thread");
    }
}

static int bench_speed(const char *seconds_text)
{
    const double seconds = seconds_text == NULL ? 1 : strtod(seconds_text, NULL);
    if (seconds < 0.01 || seconds > 60) stop("SECONDS is 0.01 to 60", ERR_USAGE, NULL);
    limit_set_up();
    need("token key", key_generate(KEY_RSA, 2048, &token_key), NULL);
    subjects_make(&subjects);
    measure_all(seconds);
    print_table();
    print_figures();
    return 0;
}

static int bench_memory(const char *count_text)
{
    const size_t count = count_text == NULL ? MEMORY_DEFAULT_COUNT : strtoul(count_text, NULL, 10);
    if (count < 100) stop("COUNT is at least 100", ERR_USAGE, NULL);
    subjects_make(&subjects);
    const bool is_flat = memory_stays_flat(&subjects, count);
    (void)fprintf(stderr, "  memory %s\n", is_flat ? "stays flat" : "grows");
    return is_flat ? 0 : 1;
}

int main(int count, char **words)
{
    if (count > 1 && strcmp(words[1], "memory") == 0) return bench_memory(count > 2 ? words[2] : NULL);
    if (count > 2) only = words[2];
    return bench_speed(count > 1 ? words[1] : NULL);
}
