/* SPDX-License-Identifier: Apache-2.0
 *
 * SGX appraisals per second with warm collateral, against what OpenSSL's signatures alone allow on the same machine in
 * the same run. Method: simulated machines are minted before the clock starts; each measure runs for SECONDS in one
 * thread and in two; the PCK chain is either known (one machine) or fresh (so many machines that each has left the
 * cache again when its turn comes). The limit is OpenSSL's own calls with keys made beforehand. The rows are measured
 * in turn, several times over, and the median of each is told. One genuine quote of the shared vectors (LAZARET_SHARED)
 * is measured too, for comparison with dcap-qvl.mjs; it is left out where they are absent. bench-evidence [SECONDS] the
 * table goes to standard error, a JSON object for each figure to standard output
 */
#include "base/file.h"
#include "crypto/x509.h"
#include "evidence/intel.h"
#include "tee/simulation/machine.h"

#include <limits.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MACHINE_COUNT = 512,
    CACHE_FRESH_COUNT = 64, /* small enough that a machine is forgotten before it comes again */
    CACHE_KNOWN_COUNT = 64,
    KNOWN_QUOTE_COUNT = 64,
    THREAD_MAX_COUNT = 2,
    ROUND_COUNT = 9,
    NOW_S = 1790000000,
    SIGNED_BYTES = 432,
};

static void stop(const char *what, enum status status, const struct refusal *why)
{
    (void)fprintf(stderr, "bench-evidence: %s: %s %s %s\n", what, status_name(status), why == NULL ? "" : why->field,
                  why == NULL ? "" : why->seen);
    exit(1);
}

static void need(const char *what, enum status status, const struct refusal *why)
{
    if (status != OK) stop(what, status, why);
}

/* ---- what is measured ---- */

struct quotes {
    struct buffer *items;
    size_t count;
    const struct collateral *collateral;
    const struct trust_roots *roots;
    int64_t now_s;
    struct verification_cache *cache;
};

struct limit {
    EVP_PKEY *p256, *rsa;
    uint8_t message[SIGNED_BYTES], digest[32];
    uint8_t signature[80];
    size_t signature_size;
};

struct bench {
    struct quotes known, fresh, genuine;
    struct limit limit;
    struct key *token_key; /* RSA-2048, as a token's signer */
};

/* One operation; `turn` counts up over all threads. */
typedef void operation(struct bench *bench, size_t turn);

static void appraise(const struct quotes *quotes, size_t turn)
{
    struct sgx_claims claims;
    struct refusal why = {};
    need("appraisal",
         sgx_quote_verify(&(struct intel_evidence){.quote = buffer_slice(&quotes->items[turn % quotes->count])},
                          quotes->collateral, quotes->roots, quotes->now_s, quotes->cache, &why, &claims),
         &why);
}

static void sign_token(struct bench *bench)
{
    static const uint8_t token[2048] = {};
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(256);
    need("token signature", key_sign(bench->token_key, SLICE_ARRAY(token), &signature), NULL);
}

static void run_known(struct bench *bench, size_t turn)
{
    appraise(&bench->known, turn);
}
static void run_fresh(struct bench *bench, size_t turn)
{
    appraise(&bench->fresh, turn);
}
static void run_genuine(struct bench *bench, size_t turn)
{
    appraise(&bench->genuine, turn);
}
static void run_known_signed(struct bench *bench, size_t turn)
{
    appraise(&bench->known, turn);
    sign_token(bench);
}
static void run_fresh_signed(struct bench *bench, size_t turn)
{
    appraise(&bench->fresh, turn);
    sign_token(bench);
}

/* ---- the limit ---- */

static void verify_p256(const struct limit *limit)
{
    EVP_PKEY_CTX *const context = EVP_PKEY_CTX_new_from_pkey(NULL, limit->p256, NULL);
    const bool is_good = EVP_PKEY_verify_init(context) == 1 &&
                         EVP_PKEY_verify(context, limit->signature, limit->signature_size, limit->digest, 32) == 1;
    EVP_PKEY_CTX_free(context);
    if (!is_good) stop("OpenSSL verification", ERR_CRYPTO, NULL);
}

static void sign_rsa(const struct limit *limit)
{
    uint8_t signature[256];
    size_t size = sizeof(signature);
    EVP_PKEY_CTX *const context = EVP_PKEY_CTX_new_from_pkey(NULL, limit->rsa, NULL);
    const bool is_good = EVP_PKEY_sign_init(context) == 1 &&
                         EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
                         EVP_PKEY_sign(context, signature, &size, limit->digest, 32) == 1;
    EVP_PKEY_CTX_free(context);
    if (!is_good) stop("OpenSSL signature", ERR_CRYPTO, NULL);
}

static void run_two(struct bench *bench, size_t)
{
    for (int i = 0; i < 2; i++) verify_p256(&bench->limit);
}
static void run_three(struct bench *bench, size_t)
{
    for (int i = 0; i < 3; i++) verify_p256(&bench->limit);
}
static void run_two_signed(struct bench *bench, size_t turn)
{
    run_two(bench, turn);
    sign_rsa(&bench->limit);
}
static void run_three_signed(struct bench *bench, size_t turn)
{
    run_three(bench, turn);
    sign_rsa(&bench->limit);
}

static void make_limit(struct limit *limit)
{
    EVP_MD_CTX *const context = EVP_MD_CTX_new();
    limit->p256 = EVP_EC_gen("P-256");
    limit->rsa = EVP_RSA_gen(2048);
    limit->signature_size = sizeof(limit->signature);
    if (EVP_Q_digest(NULL, "SHA256", NULL, limit->message, sizeof(limit->message), limit->digest, NULL) != 1 ||
        EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, limit->p256) != 1 ||
        EVP_DigestSign(context, limit->signature, &limit->signature_size, limit->message, sizeof(limit->message)) != 1)
        stop("OpenSSL keys", ERR_CRYPTO, NULL);
    EVP_MD_CTX_free(context);
}

/* ---- evidence ---- */

static struct buffer make_quote(const struct simulated_machine *machine, size_t number)
{
    const struct simulated_identity identity = {.product_id = 1, .svn = 1};
    const uint8_t report_data[64] = {(uint8_t)number, (uint8_t)(number >> 8)};
    struct buffer quote = buffer_of_maximum(QUOTE_MAX_BYTES);
    need("quote", simulated_machine_quote(machine, &identity, report_data, &quote), NULL);
    return quote;
}

static struct simulated_machine *make_machine(const struct simulated_authority *authority)
{
    struct simulated_machine *machine = NULL;
    need("machine", simulated_machine_new(authority, NULL, NOW_S, &machine), NULL);
    return machine;
}

static struct buffer *make_quotes(const struct simulated_authority *authority, size_t machines, size_t per_machine)
{
    struct buffer *const quotes = calloc(machines * per_machine, sizeof(*quotes));
    if (quotes == NULL) stop("quotes", ERR_NO_MEMORY, NULL);
    for (size_t i = 0; i < machines; i++) {
        struct simulated_machine *const machine = make_machine(authority);
        for (size_t j = 0; j < per_machine; j++) quotes[i * per_machine + j] = make_quote(machine, j);
        simulated_machine_free(machine);
    }
    return quotes;
}

static const struct collateral *make_collateral(const struct simulated_authority *authority,
                                                const struct trust_roots *roots)
{
    struct simulated_collateral parts = {};
    struct collateral *collateral = NULL;
    struct refusal why = {};
    need(
        "collateral",
        simulated_authority_collateral(authority, &(const struct simulated_collateral_options){.now_s = NOW_S}, &parts),
        NULL);
    const struct collateral_texts texts = {
        .tcb_info = buffer_slice(&parts.tcb_info),
        .tcb_info_issuer_chain = buffer_slice(&parts.tcb_issuer_chain),
        .qe_identity = buffer_slice(&parts.qe_identity),
        .qe_identity_issuer_chain = buffer_slice(&parts.tcb_issuer_chain),
        .pck_crl = buffer_slice(&parts.pck_crl),
        .pck_crl_issuer_chain = buffer_slice(&parts.pck_crl_issuer_chain),
        .root_ca_crl = buffer_slice(&parts.root_ca_crl),
    };
    need("collateral", collateral_new(&texts, roots, &why, &collateral), &why);
    simulated_collateral_done(&parts);
    return collateral;
}

static struct verification_cache *make_cache(size_t count)
{
    struct verification_cache *cache = NULL;
    need("cache", verification_cache_new(count, &cache), NULL);
    return cache;
}

static void make_evidence(struct bench *bench)
{
    static const struct key *root;
    static struct trust_roots roots;
    struct simulated_authority *authority = NULL;
    need("authority", simulated_authority_new(NOW_S, &authority), NULL);
    root = key_share(simulated_authority_root(authority));
    roots = (struct trust_roots){.simulated = &root, .simulated_count = 1};
    const struct collateral *const collateral = make_collateral(authority, &roots);
    bench->known = (struct quotes){.items = make_quotes(authority, 1, KNOWN_QUOTE_COUNT),
                                   .count = KNOWN_QUOTE_COUNT,
                                   .collateral = collateral,
                                   .roots = &roots,
                                   .now_s = NOW_S,
                                   .cache = make_cache(CACHE_KNOWN_COUNT)};
    bench->fresh = bench->known;
    bench->fresh.items = make_quotes(authority, MACHINE_COUNT, 1);
    bench->fresh.count = MACHINE_COUNT;
    bench->fresh.cache = make_cache(CACHE_FRESH_COUNT);
    simulated_authority_free(authority);
}

/* ---- a genuine quote, the one that other verifiers are given too ---- */

#define GENUINE_CASE "vectors/sgx/sgx-v3-00606a000000-268c0681"
#define GENUINE_COLLATERAL GENUINE_CASE "/collateral-20250620-ev17"
enum { GENUINE_TIME_S = 1750416906 };

static struct buffer read_part(const char *shared, const char *name)
{
    char path[PATH_MAX];
    struct refusal why = {};
    struct buffer bytes = buffer_of_maximum(CRL_MAX_BYTES);
    (void)snprintf(path, sizeof(path), "%s/%s", shared, name);
    need(path, file_read(path, &why, &bytes), &why);
    return bytes;
}

static const struct collateral *read_collateral(const char *shared)
{
    CLEANUP(buffer_done) struct buffer tcb_info = read_part(shared, GENUINE_COLLATERAL "/tcbinfo.json");
    CLEANUP(buffer_done) struct buffer tcb_chain = read_part(shared, GENUINE_COLLATERAL "/tcb_issuer_chain.pem");
    CLEANUP(buffer_done) struct buffer identity = read_part(shared, GENUINE_COLLATERAL "/qe_identity.json");
    CLEANUP(buffer_done) struct buffer pck_crl = read_part(shared, GENUINE_COLLATERAL "/pck.crl");
    CLEANUP(buffer_done) struct buffer crl_chain = read_part(shared, GENUINE_COLLATERAL "/pck_crl_issuer_chain.pem");
    CLEANUP(buffer_done) struct buffer root_crl = read_part(shared, GENUINE_COLLATERAL "/root_ca.crl");
    const struct collateral_texts texts = {
        .tcb_info = buffer_slice(&tcb_info),
        .tcb_info_issuer_chain = buffer_slice(&tcb_chain),
        .qe_identity = buffer_slice(&identity),
        .qe_identity_issuer_chain = buffer_slice(&tcb_chain),
        .pck_crl = buffer_slice(&pck_crl),
        .pck_crl_issuer_chain = buffer_slice(&crl_chain),
        .root_ca_crl = buffer_slice(&root_crl),
    };
    struct collateral *collateral = NULL;
    struct refusal why = {};
    need("collateral", collateral_new(&texts, NULL, &why, &collateral), &why);
    return collateral;
}

static void read_genuine(struct bench *bench)
{
    static struct buffer quote;
    const char *const named = getenv("LAZARET_SHARED");
    const char *const shared = named != NULL ? named : "../shared";
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", shared, GENUINE_CASE);
    if (!file_exists(path)) {
        (void)fprintf(stderr, "  no shared vectors at %s: the genuine quote is left out\n", path);
        return;
    }
    quote = read_part(shared, GENUINE_CASE "/quote.bin");
    bench->genuine = (struct quotes){.items = &quote,
                                     .count = 1,
                                     .collateral = read_collateral(shared),
                                     .now_s = GENUINE_TIME_S,
                                     .cache = make_cache(CACHE_KNOWN_COUNT)};
}

/* ---- the clock ---- */

static double now(clockid_t clock)
{
    struct timespec time;
    (void)clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

struct round {
    struct bench *bench;
    operation *run;
    atomic_size_t turn;
    atomic_bool is_over;
};

static void *work(void *context)
{
    struct round *const round = context;
    while (!atomic_load_explicit(&round->is_over, memory_order_relaxed))
        round->run(round->bench, atomic_fetch_add(&round->turn, 1));
    return NULL;
}

struct figure {
    double per_second, cpu_us; /* processor time of all threads for one operation */
};

static struct figure measure(struct bench *bench, operation *run, size_t threads, double seconds)
{
    struct round round = {.bench = bench, .run = run};
    pthread_t workers[THREAD_MAX_COUNT];
    const double start = now(CLOCK_MONOTONIC), cpu_start = now(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < threads; i++) {
        if (pthread_create(&workers[i], NULL, work, &round) != 0) stop("thread", ERR_INTERNAL, NULL);
    }
    const struct timespec wait = {.tv_sec = (time_t)seconds,
                                  .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    (void)nanosleep(&wait, NULL);
    atomic_store(&round.is_over, true);
    for (size_t i = 0; i < threads; i++) (void)pthread_join(workers[i], NULL);
    const double turns = (double)atomic_load(&round.turn);
    return (struct figure){.per_second = turns / (now(CLOCK_MONOTONIC) - start),
                           .cpu_us = 1e6 * (now(CLOCK_PROCESS_CPUTIME_ID) - cpu_start) / turns};
}

/* ---- the table ---- */

static const struct row {
    const char *name, *title;
    operation *run;
    const char *limit; /* the row whose figure is 100 % */
    bool genuine;
} rows[] = {
    {"limit_2", "OpenSSL: 2 P-256 verifications", run_two, NULL, false},
    {"limit_3", "OpenSSL: 3 P-256 verifications", run_three, NULL, false},
    {"limit_2_rsa", "OpenSSL: 2 verifications, 1 RSA-2048 signature", run_two_signed, NULL, false},
    {"limit_3_rsa", "OpenSSL: 3 verifications, 1 RSA-2048 signature", run_three_signed, NULL, false},
    {"known", "appraisal, known PCK certificate", run_known, "limit_2", false},
    {"fresh", "appraisal, fresh PCK certificate", run_fresh, "limit_3", false},
    {"known_signed", "known, with an RSA-2048 signature", run_known_signed, "limit_2_rsa", false},
    {"fresh_signed", "fresh, with an RSA-2048 signature", run_fresh_signed, "limit_2_rsa", false},
    {"genuine", "appraisal, the genuine quote of other verifiers", run_genuine, "limit_2", true},
};
enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static struct figure figures[ROW_COUNT][THREAD_MAX_COUNT];

static int compare_figures(const void *left, const void *right)
{
    const struct figure *const a = left, *const b = right;
    return a->per_second < b->per_second ? -1 : a->per_second > b->per_second;
}

static bool is_measured(const struct row *row, const struct bench *bench)
{
    return !row->genuine || bench->genuine.count > 0;
}

/* All rows in turn, several times over, and the median of each: what else the machine does then meets all alike. */
static void measure_all(struct bench *bench, size_t threads, double seconds)
{
    static struct figure rounds[ROW_COUNT][ROUND_COUNT];
    for (size_t round = 0; round < ROUND_COUNT; round++) {
        for (size_t i = 0; i < ROW_COUNT; i++) {
            if (!is_measured(&rows[i], bench)) continue;
            rounds[i][round] = measure(bench, rows[i].run, threads, seconds / ROUND_COUNT);
        }
    }
    for (size_t i = 0; i < ROW_COUNT; i++) {
        qsort(rounds[i], ROUND_COUNT, sizeof(rounds[i][0]), compare_figures);
        figures[i][threads - 1] = rounds[i][ROUND_COUNT / 2];
    }
}

static double limit_of(const struct row *row, size_t thread)
{
    for (size_t i = 0; row->limit != NULL && i < ROW_COUNT; i++) {
        if (strcmp(rows[i].name, row->limit) == 0) return figures[i][thread].per_second;
    }
    return 0;
}

static void print_row(const struct row *row, const struct figure *row_figures)
{
    (void)fprintf(stderr, "  %-47s", row->title);
    for (size_t thread = 0; thread < THREAD_MAX_COUNT; thread++) {
        const double limit = limit_of(row, thread);
        char part[16] = "";
        if (limit > 0) (void)snprintf(part, sizeof(part), "%.0f %%", 100 * row_figures[thread].per_second / limit);
        (void)fprintf(stderr, " %9.0f %8s %8.1f", row_figures[thread].per_second, part, row_figures[thread].cpu_us);
    }
    (void)fprintf(stderr, "\n");
}

static void print_table(const struct bench *bench)
{
    (void)fprintf(stderr, "  %-47s %27s %27s\n", "SGX appraisals, warm collateral", "1 thread", "2 threads");
    (void)fprintf(stderr, "  %-47s %9s %8s %8s %9s %8s %8s\n", "", "per s", "of limit", "CPU us", "per s", "of limit",
                  "CPU us");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (is_measured(&rows[i], bench)) print_row(&rows[i], figures[i]);
    }
}

/* As bench/timing.h has it: a line for each figure. */
static void print_figure(const struct row *row, size_t threads, double value, const char *unit)
{
    (void)printf("{\"bench\":\"evidence\",\"name\":\"%s, %zu thread%s\",\"value\":%.6g,\"unit\":\"%s\"}\n", row->title,
                 threads, threads == 1 ? "" : "s", value, unit);
}

static void print_figures(const struct bench *bench)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        for (size_t thread = 0; is_measured(&rows[i], bench) && thread < THREAD_MAX_COUNT; thread++) {
            const double limit = limit_of(&rows[i], thread);
            print_figure(&rows[i], thread + 1, figures[i][thread].per_second, "per s");
            print_figure(&rows[i], thread + 1, figures[i][thread].cpu_us, "us of CPU");
            if (limit > 0) print_figure(&rows[i], thread + 1, figures[i][thread].per_second / limit, "of limit");
        }
    }
}

int main(int count, char **words)
{
    static struct bench bench;
    const double seconds = count > 1 ? strtod(words[1], NULL) : 1;
    if (count > 2 || seconds < 0.01 || seconds > 60) stop("SECONDS is 0.01 to 60", ERR_USAGE, NULL);
    make_limit(&bench.limit);
    need("token key", key_generate(KEY_RSA, 2048, &bench.token_key), NULL);
    make_evidence(&bench);
    read_genuine(&bench);
    for (size_t threads = 1; threads <= THREAD_MAX_COUNT; threads++) measure_all(&bench, threads, seconds);
    print_table(&bench);
    print_figures(&bench);
    return 0;
}
