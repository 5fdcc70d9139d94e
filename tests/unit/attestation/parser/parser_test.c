/* SPDX-License-Identifier: Apache-2.0
 *
 * Real contained children, which are killed, crash and hang.
 */
#include "attestation/parser/parser.h"

#include "base/clock.h"
#include "parts.h"

#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define PERMIT "version=1.0; authorizationrules{=> permit();}; issuancerules{};"
#define DENY "version=1.0; authorizationrules{=> deny();}; issuancerules{};"

struct scene {
    struct parts parts;
    struct parsers *parsers;
};

static struct parser_options options_of(const struct scene *scene)
{
    return (struct parser_options){
        .appraiser = {.roots = &scene->parts.source.roots,
                      .issuer = "https://localhost:7443",
                      .minimum_tcb_evaluation = SIMULATED_TCB_EVALUATION},
        .count = 2,
    };
}

static void open_scene(struct scene *scene, struct parser_options (*change)(struct parser_options))
{
    *scene = (struct scene){};
    parts_make(&scene->parts);
    struct parser_options options = options_of(scene);
    if (change != NULL) options = change(options);
    assert_ok(parsers_start(&options, NULL, &scene->parsers));
    parts_start(&scene->parts);
}

static void close_scene(struct scene *scene)
{
    parsers_free(scene->parsers);
    parts_close(&scene->parts);
}

static enum status ask_as(struct scene *scene, enum attestation_type type, struct slice body, struct refusal *why,
                          enum appraisal_step *step_out, struct parser_answer *answer_out)
{
    struct parser_question question = {.type = type,
                                       .body = body,
                                       .generation = collateral_feed_generation(scene->parts.feed),
                                       .now_s = PARTS_NOW,
                                       .supply_wait_ms = PARTS_PATIENCE_MS};
    memcpy(question.policy, scene->parts.view.policies[type].digest, sizeof(question.policy));
    return parsers_ask(scene->parsers, &question, supply_need, &scene->parts.supply, why, step_out, answer_out);
}

static enum status ask(struct scene *scene, const char *nonce, const char *extra, struct refusal *why,
                       struct parser_answer *answer_out)
{
    CLEANUP(buffer_done) struct buffer body = parts_body(&scene->parts, "{\"a\":1}", nonce, extra);
    enum appraisal_step step;
    return ask_as(scene, ATTESTATION_SGX_ENCLAVE, buffer_slice(&body), why, &step, answer_out);
}

static enum status ask_once(struct scene *scene, const char *nonce)
{
    CLEANUP(parser_answer_done) struct parser_answer answer = {};
    return ask(scene, nonce, "", NULL, &answer);
}

/* ---- what comes back ---- */

static void test_a_request_comes_back_verified_and_with_its_claims(void **)
{
    struct scene scene;
    CLEANUP(parser_answer_done) struct parser_answer answer = {};
    CLEANUP(attest_request_done) struct attest_request request = {};
    CLEANUP(claim_set_cleanup) struct claim_set *outgoing = NULL;
    open_scene(&scene, NULL);
    assert_ok(ask(&scene, "n", "", NULL, &answer));
    assert_int_equal(answer.kind, PARSER_ANSWER_REQUEST);
    assert_ok(attest_request_read(buffer_slice(&answer.request), NULL, &request));
    assert_int_equal(request.type, ATTESTATION_SGX_ENCLAVE);
    assert_true(slice_equal_text(buffer_slice(&request.nonce), "n"));
    assert_ok(claim_set_new(&outgoing));
    assert_ok(claim_set_read(buffer_slice(&answer.outgoing), NULL, outgoing));
    assert_int_equal(claim_set_count(outgoing), 6); /* of the default policy */
    assert_non_null(claim_set_find(outgoing, "sgx-mrenclave"));
    assert_true(answer.has_attested);
    assert_true(answer.attested.time_s == PARTS_NOW);
    assert_memory_equal(answer.attested.numbers.fmspc, simulated_fmspc, sizeof(simulated_fmspc));
    close_scene(&scene);
}

static void test_a_draft_comes_back_as_a_token_without_a_signature(void **)
{
    static const struct slice head = SLICE_LITERAL("eyJhbGciOiJub25lI");
    struct scene scene;
    CLEANUP(parser_answer_done) struct parser_answer answer = {};
    open_scene(&scene, NULL);
    assert_ok(ask(&scene, "n", ",\"draftPolicyForAttestation\":\"" PERMIT "\"", NULL, &answer));
    assert_int_equal(answer.kind, PARSER_ANSWER_DRAFT);
    assert_true(slice_starts_with(buffer_slice(&answer.token), head));
    assert_int_equal(answer.token.bytes[answer.token.size - 1], '.');
    assert_int_equal(answer.request.size + answer.outgoing.size, 0);
    close_scene(&scene);
}

static void test_each_refusal_comes_back_with_its_step(void **)
{
    struct scene scene;
    open_scene(&scene, NULL);
    CLEANUP(buffer_done) struct buffer good = parts_body(&scene.parts, "{}", "n", "");
    CLEANUP(buffer_done) struct buffer other = parts_body(&scene.parts, "{}", "n", "");
    CLEANUP(buffer_done)
    struct buffer denied = parts_body(&scene.parts, "{}", "n", ",\"draftPolicyForAttestation\":\"" DENY "\"");
    CLEANUP(buffer_done)
    struct buffer wrong = parts_body(&scene.parts, "{}", "n", ",\"draftPolicyForAttestation\":\"version\"");
    uint8_t *const runtime = memmem(other.bytes, other.size, "\"data\":\"e30", 11);
    runtime[9] = '2';
    runtime[10] = 'A';
    const struct {
        struct slice body;
        enum attestation_type type;
        enum status status;
        enum appraisal_step step;
    } cases[] = {
        {SLICE_LITERAL("{"), ATTESTATION_SGX_ENCLAVE, ERR_JSON_SYNTAX, APPRAISAL_REQUEST},
        {SLICE_LITERAL("{\"quote\":\"AQID\"}"), ATTESTATION_SGX_ENCLAVE, ERR_QUOTE_MALFORMED, APPRAISAL_EVIDENCE},
        {buffer_slice(&good), ATTESTATION_TDX_VM, ERR_QUOTE_UNSUPPORTED, APPRAISAL_EVIDENCE},
        {buffer_slice(&other), ATTESTATION_SGX_ENCLAVE, ERR_REPORT_DATA, APPRAISAL_EVIDENCE},
        {buffer_slice(&denied), ATTESTATION_SGX_ENCLAVE, ERR_POLICY_DENIED, APPRAISAL_POLICY},
        {buffer_slice(&wrong), ATTESTATION_SGX_ENCLAVE, ERR_POLICY_SYNTAX, APPRAISAL_REQUEST},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct parser_answer answer = {};
        struct refusal why = {};
        enum appraisal_step step;
        assert_status(ask_as(&scene, cases[i].type, cases[i].body, &why, &step, &answer), cases[i].status);
        assert_int_equal(step, cases[i].step);
        assert_true(why.field[0] != '\0');
    }
    close_scene(&scene);
}

/* ---- children that die and hang ---- */

static struct parser_options impatient(struct parser_options options)
{
    options.timeout_ms = 200 - PARTS_PATIENCE_MS;
    return options;
}

static void test_a_child_that_dies_loses_its_request_alone(void **)
{
    struct scene scene;
    open_scene(&scene, NULL);
    assert_ok(ask_once(&scene, "n"));
    for (int i = 0; i < 5; i++) {
        assert_status(ask_once(&scene, "insecure_crash"), ERR_CHILD_DIED);
        assert_ok(ask_once(&scene, "n"));
    }
    close_scene(&scene);
}

/* Processes whose parent is `parent`; returns how many there are. */
static size_t children_of(pid_t parent, pid_t *children_out, size_t max_count)
{
    size_t count = 0;
    DIR *const processes = opendir("/proc");
    for (const struct dirent *entry; processes != NULL && (entry = readdir(processes)) != NULL;) {
        char path[64], line[256] = "";
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        (void)snprintf(path, sizeof(path), "/proc/%.20s/stat", entry->d_name);
        FILE *const file = fopen(path, "r");
        if (file == NULL) continue;
        const char *const read = fgets(line, sizeof(line), file);
        (void)fclose(file);
        const char *const name_end = read == NULL ? NULL : strrchr(line, ')');
        char state;
        int parent_seen;
        if (name_end == NULL || sscanf(name_end, ") %c %d", &state, &parent_seen) != 2) continue;
        if (parent_seen == parent && state != 'Z' && count < max_count)
            children_out[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
    }
    if (processes != NULL) (void)closedir(processes);
    return count;
}

static void pause_ms(long pause)
{
    const struct timespec time = {.tv_nsec = pause * 1000000};
    (void)nanosleep(&time, NULL);
}

static void test_a_child_that_hangs_is_killed_and_replaced(void **)
{
    enum { MAX = 16 };
    struct scene scene;
    pid_t nursery, children[MAX];
    open_scene(&scene, impatient);
    assert_int_equal(children_of(getpid(), &nursery, 1), 1);
    for (int i = 0; i < 3; i++) {
        assert_status(ask_once(&scene, "insecure_hang"), ERR_TIMEOUT);
        assert_ok(ask_once(&scene, "n"));
    }
    size_t count = MAX;
    for (int i = 0; i < 100 && (count = children_of(nursery, children, MAX)) > 2; i++) pause_ms(10);
    assert_int_equal(count, 2);
    close_scene(&scene);
}

/* ---- processors ---- */

/* Whether there are two children, each on the processor of its place alone. */
static bool keep_to_their_processors(pid_t nursery)
{
    enum { MAX = 16 };
    const struct processors all = processors_allowed();
    pid_t children[MAX];
    bool is_found[2] = {};
    const size_t count = children_of(nursery, children, MAX);
    for (size_t i = 0; i < count; i++) {
        cpu_set_t set;
        CPU_ZERO(&set);
        if (sched_getaffinity(children[i], sizeof(set), &set) != 0 || CPU_COUNT(&set) != 1) return false;
        const bool is_first = CPU_ISSET((size_t)all.numbers[0], &set) && !is_found[0];
        if (!is_first && !CPU_ISSET((size_t)all.numbers[1 % all.count], &set)) return false;
        is_found[is_first ? 0 : 1] = true;
    }
    return count == 2 && is_found[0] && is_found[1];
}

/* It takes a child a while to start. */
static void assert_keep_to_their_processors(pid_t nursery)
{
    for (int i = 0; i < 1000 && !keep_to_their_processors(nursery); i++) pause_ms(10);
    assert_true(keep_to_their_processors(nursery));
}

static void test_each_child_and_who_replaces_it_keep_to_a_processor(void **)
{
    struct scene scene;
    pid_t nursery;
    open_scene(&scene, NULL);
    assert_int_equal(children_of(getpid(), &nursery, 1), 1);
    assert_keep_to_their_processors(nursery);
    const struct processors all = processors_allowed();
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(processors_keep_to(all.numbers[i % all.count]));
        assert_status(ask_once(&scene, "insecure_crash"), ERR_CHILD_DIED);
        assert_ok(ask_once(&scene, "n"));
        assert_ok(processors_spread(&all));
        assert_keep_to_their_processors(nursery);
    }
    close_scene(&scene);
}

struct load {
    struct scene *scene;
    _Atomic bool is_over;
    _Atomic unsigned served, died, other;
};

static void *ask_on_and_on(void *context)
{
    struct load *const load = context;
    while (!atomic_load(&load->is_over)) {
        const enum status status = ask_once(load->scene, "n");
        (void)atomic_fetch_add(status == OK ? &load->served : status == ERR_CHILD_DIED ? &load->died : &load->other, 1);
    }
    return NULL;
}

static void test_children_that_are_killed_under_load_cost_a_request_each_at_most(void **)
{
    enum { THREADS = 4, KILLS = 100, MAX = 16 };
    struct scene scene;
    pthread_t threads[THREADS];
    pid_t nursery, children[MAX];
    unsigned kills = 0;
    open_scene(&scene, NULL);
    struct load load = {.scene = &scene};
    assert_int_equal(children_of(getpid(), &nursery, 1), 1);
    assert_ok(ask_once(&scene, "n"));
    for (size_t i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, ask_on_and_on, &load), 0);
    while (kills < KILLS) {
        const size_t count = children_of(nursery, children, MAX);
        assert_true(count > 0 || kills > 0);
        if (count > 0 && kill(children[kills % count], SIGKILL) == 0) kills++;
        pause_ms(3);
    }
    atomic_store(&load.is_over, true);
    for (size_t i = 0; i < THREADS; i++) (void)pthread_join(threads[i], NULL);
    print_message("%u served, %u lost by %u kills\n", load.served, load.died, kills);
    assert_int_equal(load.other, 0);
    assert_true(load.died <= kills);
    assert_true(load.served > 0);
    /* A child may have been killed while nobody asked: its place is found empty by one question at most. */
    for (int i = 0; i < 2; i++) (void)!ask_once(&scene, "n");
    for (int i = 0; i < 10; i++) assert_ok(ask_once(&scene, "n"));
    close_scene(&scene);
}

/* ---- more than can be served ---- */

static struct parser_options narrow(struct parser_options options)
{
    options.count = 1;
    options.queue = 1;
    options.timeout_ms = 500 - PARTS_PATIENCE_MS;
    return options;
}

static void *ask_and_hang(void *context)
{
    (void)!ask_once(context, "insecure_hang");
    return NULL;
}

static void *ask_and_wait(void *context)
{
    (void)!ask_once(context, "n");
    return NULL;
}

static void test_who_finds_the_queue_full_is_told_at_once(void **)
{
    struct scene scene;
    struct refusal why = {};
    struct parser_answer answer = {};
    pthread_t hanging, waiting;
    open_scene(&scene, narrow);
    assert_ok(ask_once(&scene, "n"));
    assert_int_equal(pthread_create(&hanging, NULL, ask_and_hang, &scene), 0);
    pause_ms(100);
    assert_int_equal(pthread_create(&waiting, NULL, ask_and_wait, &scene), 0);
    pause_ms(100);
    const int64_t before_ms = clock_monotonic_ms();
    assert_status(ask(&scene, "n", "", &why, &answer), ERR_BUSY);
    assert_true(clock_monotonic_ms() - before_ms < 100);
    assert_string_equal(why.field, "attestation");
    (void)pthread_join(hanging, NULL);
    (void)pthread_join(waiting, NULL);
    assert_ok(ask_once(&scene, "n"));
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_comes_back_verified_and_with_its_claims),
        cmocka_unit_test(test_a_draft_comes_back_as_a_token_without_a_signature),
        cmocka_unit_test(test_each_refusal_comes_back_with_its_step),
        cmocka_unit_test(test_a_child_that_dies_loses_its_request_alone),
        cmocka_unit_test(test_a_child_that_hangs_is_killed_and_replaced),
        cmocka_unit_test(test_each_child_and_who_replaces_it_keep_to_a_processor),
        cmocka_unit_test(test_children_that_are_killed_under_load_cost_a_request_each_at_most),
        cmocka_unit_test(test_who_finds_the_queue_full_is_told_at_once),
    };
    return cmocka_run_group_tests_name("attestation/parser/parser", tests, NULL, NULL);
}
