/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signing/signers.h"

#include "attestation/signing/question.h"
#include "attestation/signing/signer_process.h"
#include "base/clock.h"
#include "base/nursery.h"
#include "base/sanitized.h"
#include "crypto/x509.h"
#include "evidence/intel.h"
#include "stage.h"
#include "token/runtime_data.h"

#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>

#define RUNTIME_DATA "{\"keys\":[],\"lazaret\":{}}"

static int set_up(void **state)
{
    struct stage *const stage = calloc(1, sizeof(*stage));
    stage_set(stage);
    stage_start(stage);
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    stage_clear(*state);
    free(*state);
    return 0;
}

static struct signing_key make_key(struct stage *stage)
{
    struct signing_key key;
    struct refusal why = {};
    assert_ok(signers_make_key(stage->signers, STAGE_NOW, &why, &key));
    return key;
}

/* ---- keys ---- */

static void test_a_new_key_is_certified_by_the_services_own_quote(void **state)
{
    CLEANUP(signing_key_done) struct signing_key key = make_key(*state);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    struct attestation_key_id id;
    assert_ok(certificate_from_der(buffer_slice(&key.certificate), &certificate));
    assert_ok(certificate_verify_signature(certificate, certificate_key(certificate)));
    assert_int_equal(key_kind(certificate_key(certificate)), KEY_RSA);
    assert_ok(attestation_key_id(certificate_key(certificate), &id));
    assert_string_equal(id.text, key.kid);
    assert_string_equal(certificate_subject_common_name(certificate), STAGE_ISSUER);
    assert_slice_equal(certificate_issuer_der(certificate), certificate_subject_der(certificate));
    assert_false(certificate_is_ca(certificate));
    assert_true(certificate_not_before_s(certificate) < STAGE_NOW);
    struct slice report;
    struct oe_evidence evidence;
    assert_ok(certificate_extension(certificate, ATTESTATION_REPORT_OID, &report));
    assert_ok(oe_evidence_open(report, NULL, &evidence));
    assert_int_equal(evidence.form, OE_REPORT);
    assert_slice_equal(slice_part(evidence.quote, 48 + 64, 32), SLICE_ARRAY(stage_service.mrenclave));
    assert_slice_equal(slice_part(evidence.quote, 48 + 320, 32), SLICE_ARRAY(id.digest));
    assert_true(slice_is_zero(slice_part(evidence.quote, 48 + 320 + 32, 32)));
}

static void test_elliptic_keys_can_be_configured_and_long_names_do_not_fit(void **)
{
    struct stage stage;
    stage_set(&stage);
    stage.options.algorithm = SIGNING_ES256;
    stage.options.appraiser.issuer = "https://a-name-that-is-longer-than-a-common-name-may-be.attestation.example";
    stage_start(&stage);
    CLEANUP(signing_key_done) struct signing_key key = make_key(&stage);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_ok(certificate_from_der(buffer_slice(&key.certificate), &certificate));
    assert_int_equal(key_kind(certificate_key(certificate)), KEY_P256);
    assert_string_equal(certificate_subject_common_name(certificate), "Lazaret attestation service");
    stage_clear(&stage);
}

/* Of what the question says and no other. */
static json_t *policy_result(struct stage *stage, const struct policy_result_question *question,
                             const struct signing_key *key)
{
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    CLEANUP(jws_done) struct jws jws = {};
    struct refusal why = {};
    assert_ok(signers_policy_result(stage->signers, question, &why, &token));
    assert_ok(jws_parse(buffer_slice(&token), NULL, &jws));
    assert_ok(certificate_from_der(buffer_slice(&key->certificate), &certificate));
    assert_ok(jws_verify(&jws, JWS_TYP_TOKEN, certificate_key(certificate), NULL));
    assert_true(slice_equal_text(jws.kid, key->kid));
    assert_string_equal(json_string_value(json_object_get(jws.header, "jku")), STAGE_ISSUER "/certs");
    assert_int_equal(json_object_size(jws.header), 4);
    return json_incref(jws.payload);
}

/* With as many questions at once as there are signers, each of them answers. */
struct result_thread {
    struct stage *stage;
    const struct signing_key *key;
};

static void *ask_results(void *context)
{
    const struct result_thread *const thread = context;
    for (int i = 0; i < 20; i++) {
        const struct policy_result_question question = {.kind = RESULT_POLICY_REMOVED, .now_s = STAGE_NOW};
        json_decref(policy_result(thread->stage, &question, thread->key));
    }
    return NULL;
}

static void test_every_signer_signs_with_the_key_in_use(void **state)
{
    struct stage *const stage = *state;
    CLEANUP(signing_key_done) struct signing_key first = make_key(stage);
    CLEANUP(signing_key_done) struct signing_key second = make_key(stage);
    const struct signing_key *const keys[] = {&first, &second};
    for (int i = 0; i < 2; i++) {
        assert_ok(signers_use_key(stage->signers, keys[i], NULL));
        struct result_thread thread = {.stage = stage, .key = keys[i]};
        pthread_t threads[4];
        for (int t = 0; t < 4; t++) assert_int_equal(pthread_create(&threads[t], NULL, ask_results, &thread), 0);
        for (int t = 0; t < 4; t++) assert_int_equal(pthread_join(threads[t], NULL), 0);
    }
}

static void test_without_a_key_nothing_is_signed(void **state)
{
    struct stage *const stage = *state;
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    const struct policy_result_question question = {.kind = RESULT_POLICY_REMOVED, .now_s = STAGE_NOW};
    struct refusal why;
    assert_status(signers_policy_result(stage->signers, &question, &why, &token), ERR_INTERNAL);
    assert_string_equal(why.field, "signing key");
    assert_int_equal(token.size, 0);
}

static void test_sealed_keys_come_back_after_a_restart_and_to_nobody_else(void **state)
{
    struct stage *const stage = *state;
    CLEANUP(signing_key_done) struct signing_key key = make_key(stage);
    assert_true(signers_own_key(stage->signers, &key));
    struct stage next;
    stage_set(&next);
    next.machine = (simulated_machine_free(next.machine), NULL);
    next.launcher.machine = stage->machine;
    stage_start(&next);
    assert_true(signers_own_key(next.signers, &key));
    assert_ok(signers_use_key(next.signers, &key, NULL));
    for (size_t at = 0; at < key.sealed.size; at += 97) {
        key.sealed.bytes[at] ^= 1;
        const enum status expected = at == 0 ? ERR_UNSUPPORTED : ERR_AUTHENTICATION;
        /* The tag is a name, not part of the secret. */
        if (at == 0 || at > SIGNING_TAG_BYTES) assert_status(signers_use_key(next.signers, &key, NULL), expected);
        key.sealed.bytes[at] ^= 1;
    }
    memcpy(key.kid, "another", 7);
    assert_status(signers_use_key(next.signers, &key, NULL), ERR_AUTHENTICATION);
    stage_clear(&next);
}

static void assert_not_theirs(struct stage *stage, const struct signing_key *key, bool is_named_theirs)
{
    stage_start(stage);
    assert_int_equal(signers_own_key(stage->signers, key), is_named_theirs);
    assert_status(signers_use_key(stage->signers, key, NULL), ERR_AUTHENTICATION);
    stage_clear(stage);
}

static void test_another_measurement_deployment_or_issuer_opens_no_key(void **state)
{
    struct stage *const stage = *state;
    CLEANUP(signing_key_done) struct signing_key key = make_key(stage);
    struct stage next;
    stage_set(&next);
    next.launcher.machine = stage->machine;
    next.launcher.identity.mrenclave[0] ^= 1;
    assert_not_theirs(&next, &key, false);
    stage_set(&next);
    next.launcher.machine = stage->machine;
    next.options.deployment = "bbcdefghijklmnopqrstuvwxyz0123456789-_ABCDE";
    assert_not_theirs(&next, &key, false);
    stage_set(&next);
    next.launcher.machine = stage->machine;
    next.options.appraiser.issuer = "https://other.example";
    assert_not_theirs(&next, &key, true);
}

/* ---- what is said about policies ---- */

static void test_results_hold_their_members_and_no_others(void **state)
{
    struct stage *const stage = *state;
    CLEANUP(signing_key_done) struct signing_key key = make_key(stage);
    assert_ok(signers_use_key(stage->signers, &key, NULL));
    const struct slice certificate = buffer_slice(&key.certificate);
    const struct {
        struct policy_result_question question;
        const char *members; /* besides the four of all, JSON; "x5c" is looked at by itself */
    } cases[] = {
        {{.kind = RESULT_POLICY, .jws = SLICE_LITERAL("eyJ.e30.")}, "{\"x-ms-policy\":\"eyJ.e30.\"}"},
        {{.kind = RESULT_POLICY_UPDATED, .token_hash = {0xff, 0xff, 0xff}},
         "{\"x-ms-policy-result\":\"Updated\","
         "\"x-ms-policy-token-hash\":\"____AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"},
        {{.kind = RESULT_POLICY_UPDATED, .certificates = &certificate, .certificate_count = 1},
         "{\"x-ms-policy-result\":\"Updated\","
         "\"x-ms-policy-signer\":{\"alg\":\"RS256\",\"kty\":\"RSA\",\"use\":\"sig\"},"
         "\"x-ms-policy-token-hash\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"},
        {{.kind = RESULT_POLICY_REMOVED}, "{\"x-ms-policy-result\":\"Removed\"}"},
        {{.kind = RESULT_CERTIFICATES}, "{\"x-ms-policy-certificates\":{\"keys\":[]}}"},
        {{.kind = RESULT_CERTIFICATE_PRESENT, .thumbprint = {0xab, 0x01}},
         "{\"x-ms-certificate-thumbprint\":\"AB01000000000000000000000000000000000000\","
         "\"x-ms-policycertificates-result\":\"IsPresent\"}"},
        {{.kind = RESULT_CERTIFICATE_ABSENT},
         "{\"x-ms-certificate-thumbprint\":\"0000000000000000000000000000000000000000\","
         "\"x-ms-policycertificates-result\":\"IsAbsent\"}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct policy_result_question question = cases[i].question;
        question.now_s = STAGE_NOW;
        CLEANUP(json_done) json_t *payload = policy_result(stage, &question, &key);
        CLEANUP(json_done) json_t *expected = NULL;
        assert_ok(json_parse(slice_of_text(cases[i].members), 4096, NULL, &expected));
        json_object_set_new(expected, "iss", json_string(STAGE_ISSUER));
        json_object_set_new(expected, "iat", json_integer(STAGE_NOW));
        json_object_set_new(expected, "nbf", json_integer(STAGE_NOW));
        json_object_set_new(expected, "exp", json_integer(STAGE_NOW + 3600));
        json_t *const signer = json_object_get(payload, "x-ms-policy-signer");
        if (signer != NULL) {
            assert_int_equal(json_array_size(json_object_get(signer, "x5c")), 1);
            json_object_del(signer, "x5c");
        }
        assert_true(json_equal(payload, expected));
    }
}

static void test_listed_certificates_are_described(void **state)
{
    struct stage *const stage = *state;
    CLEANUP(signing_key_done) struct signing_key key = make_key(stage);
    assert_ok(signers_use_key(stage->signers, &key, NULL));
    const struct slice certificates[] = {buffer_slice(&key.certificate), buffer_slice(&key.certificate)};
    const struct policy_result_question question = {
        .kind = RESULT_CERTIFICATES, .certificates = certificates, .certificate_count = 2, .now_s = STAGE_NOW};
    CLEANUP(json_done) json_t *payload = policy_result(stage, &question, &key);
    const json_t *const keys = json_object_get(json_object_get(payload, "x-ms-policy-certificates"), "keys");
    assert_int_equal(json_array_size(keys), 2);
    assert_int_equal(json_object_size(json_array_get(keys, 1)), 4);
    assert_string_equal(json_string_value(json_object_get(json_array_get(keys, 1), "kty")), "RSA");
}

static void test_results_that_would_say_anything_else_are_refused(void **state)
{
    struct stage *const stage = *state;
    CLEANUP(signing_key_done) struct signing_key key = make_key(stage);
    assert_ok(signers_use_key(stage->signers, &key, NULL));
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    struct policy_result_question question = {
        .kind = RESULT_POLICY, .jws = SLICE_LITERAL("a.b.c\"}"), .now_s = STAGE_NOW};
    struct refusal why;
    assert_status(signers_policy_result(stage->signers, &question, &why, &token), ERR_FIELD_VALUE);
    assert_string_equal(why.field, "policy");
    const struct slice none = SLICE_LITERAL("no certificate");
    question = (struct policy_result_question){
        .kind = RESULT_CERTIFICATES, .certificates = &none, .certificate_count = 1, .now_s = STAGE_NOW};
    assert_status(signers_policy_result(stage->signers, &question, &why, &token), ERR_CERTIFICATE_MALFORMED);
    assert_int_equal(token.size, 0);
}

/* ---- the TEE ---- */

static void test_the_service_gets_quotes_over_runtime_data_and_nothing_else(void **state)
{
    struct stage *const stage = *state;
    struct tee *tee = NULL;
    assert_ok(signers_tee(stage->signers, &tee));
    CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(TEE_EVIDENCE_MAX_BYTES);
    uint8_t expected[REPORT_DATA_BYTES];
    assert_ok(tee_quote_data(tee, SLICE_LITERAL(RUNTIME_DATA), &quote));
    assert_ok(runtime_data_report_data(SLICE_LITERAL(RUNTIME_DATA), expected));
    assert_slice_equal(slice_part(buffer_slice(&quote), 48 + 320, 64), SLICE_ARRAY(expected));
    assert_status(tee_quote_data(tee, SLICE_LITERAL("-----BEGIN PUBLIC KEY-----\n"), &quote), ERR_FIELD_VALUE);
    CLEANUP(secret_done) struct secret key = {};
    assert_true(tee_sealing_key(tee, SLICE_LITERAL("state"), &key) != OK);
    tee_free(tee);
}

/* ---- the table, without the service's own checks before it ---- */

static enum status ask_signer(struct stage *stage, bool has_tee, struct slice question)
{
    static const uint8_t key[TEE_SEALING_KEY_BYTES];
    const struct signer_plan plan = {
        .appraiser = {.issuer = STAGE_ISSUER},
        .place = {.tee = has_tee ? stage->launcher.tee : NULL, .sealing_key = SLICE_ARRAY(key), .issuer = STAGE_ISSUER},
        .challenge_key = SLICE_ARRAY(key),
    };
    const struct nursery_plan nursery = {
        .name = "signer",
        .work = signer_process,
        .context = &plan,
        .containment = {.level = CONTAINED_COMPUTE, .memory_bytes = 1 << 29},
        .keep_descriptor = has_tee ? tee_descriptor(stage->launcher.tee) : -1,
    };
    pid_t process;
    int socket, end;
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(LINK_FRAME_MAX_BYTES);
    assert_ok(nursery_fork(&nursery, ANY_PROCESSOR, NULL, &process, &socket));
    const enum status status =
        link_ask(socket, question, NULL, NULL, clock_monotonic_ms() + 20000, NULL, NULL, &answer);
    (void)close(socket);
    assert_int_equal(waitpid(process, &end, 0), process);
    assert_true(WIFEXITED(end) && WEXITSTATUS(end) == 0);
    return status;
}

static enum status ask_deed(struct stage *stage, bool has_tee, const struct signer_ask *ask)
{
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(4096);
    assert_ok(signer_ask_write(ask, &bytes));
    return ask_signer(stage, has_tee, buffer_slice(&bytes));
}

static void test_a_question_that_is_not_permitted_ends_the_signer(void **)
{
    struct stage stage;
    stage_set(&stage);
    assert_ok(ask_deed(&stage, true, &(struct signer_ask){.deed = SIGNER_QUOTE, .data = SLICE_LITERAL(RUNTIME_DATA)}));
    assert_ok(ask_deed(&stage, true, &(struct signer_ask){.deed = SIGNER_MAKE_KEY, .now_s = STAGE_NOW}));
    /* Not by a signer without the TEE. */
    assert_status(
        ask_deed(&stage, false, &(struct signer_ask){.deed = SIGNER_QUOTE, .data = SLICE_LITERAL(RUNTIME_DATA)}),
        ERR_CHILD_DIED);
    assert_status(ask_deed(&stage, false, &(struct signer_ask){.deed = SIGNER_MAKE_KEY, .now_s = STAGE_NOW}),
                  ERR_CHILD_DIED);
    /* By none. */
    assert_status(ask_deed(&stage, true,
                           &(struct signer_ask){.deed = SIGNER_QUOTE, .data = SLICE_LITERAL("-----BEGIN PUBLIC KEY")}),
                  ERR_CHILD_DIED);
    assert_status(ask_signer(&stage, true, SLICE_LITERAL("")), ERR_CHILD_DIED);
    assert_status(ask_signer(&stage, true, SLICE_LITERAL("\x63")), ERR_CHILD_DIED);
    assert_status(ask_signer(&stage, true, SLICE_LITERAL("\1 trailing bytes")), ERR_CHILD_DIED);
    stage_clear(&stage);
}

/* ---- processes ---- */

/* This process's children, by the name that they have; the first that was started first. */
static size_t find_signers(const char *name, pid_t *processes_out, size_t max_count)
{
    size_t count = 0;
    char path[300], line[256], wanted[64];
    DIR *const folder = opendir("/proc");
    (void)snprintf(wanted, sizeof(wanted), "Name:\t%s\n", name);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        (void)snprintf(path, sizeof(path), "/proc/%s/status", entry->d_name);
        FILE *const file = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? fopen(path, "r") : NULL;
        if (file == NULL) continue;
        bool is_named = fgets(line, sizeof(line), file) != NULL && strcmp(line, wanted) == 0, is_ours = false;
        while (fgets(line, sizeof(line), file) != NULL)
            if (strncmp(line, "PPid:", 5) == 0) is_ours = strtol(line + 5, NULL, 10) == getpid();
        (void)fclose(file);
        if (is_named && is_ours && count < max_count) processes_out[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
    }
    (void)closedir(folder);
    return count;
}

static pid_t only_signer(const char *name)
{
    /* A process names itself, which may take it a while after its fork. */
    pid_t processes[4];
    size_t count = 0;
    for (int i = 0; i < 1000 && (count = find_signers(name, processes, 4)) == 0; i++) (void)usleep(10000);
    assert_int_equal(count, 1);
    return processes[0];
}

static void assert_line(pid_t process, const char *file_name, const char *line)
{
    char path[64], text[8192] = "";
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", process, file_name);
    FILE *const file = fopen(path, "r");
    assert_non_null(file);
    (void)!fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    if (strstr(text, line) == NULL) fail_msg("%s has no %s:\n%s", path, line, text);
}

static unsigned count_descriptors(pid_t process)
{
    char path[64];
    unsigned count = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/fd", process);
    DIR *const folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) count += entry->d_name[0] != '.';
    (void)closedir(folder);
    return count;
}

static void test_signers_are_contained_before_the_first_question(void **state)
{
    struct stage *const stage = *state;
    CLEANUP(signing_key_done) struct signing_key key = make_key(stage);
    assert_ok(signers_use_key(stage->signers, &key, NULL));
    static const char *const names[] = {"signer-with-tee", "signer"};
    for (int i = 0; i < 2; i++) {
        const pid_t process = only_signer(names[i]);
        assert_line(process, "status", "Seccomp:\t2");
        assert_line(process, "status", "NoNewPrivs:\t1");
        assert_line(process, "limits", "Max core file size        0                    0 ");
        if (UNDER_ADDRESS_SANITIZER == 0) assert_line(process, "limits", "Max address space         536870912 ");
        /* The standard ones, its socket, and for the first the way to the TEE. */
        assert_int_equal(count_descriptors(process), i == 0 ? 5 : 4);
    }
}

static void *ask_one(void *context)
{
    static const struct policy_result_question question = {.kind = RESULT_POLICY_REMOVED, .now_s = STAGE_NOW};
    struct stage *const stage = context;
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    return (void *)(uintptr_t)signers_policy_result(stage->signers, &question, NULL, &token);
}

static enum status asked(struct stage *stage)
{
    return (enum status)(uintptr_t)ask_one(stage);
}

static void wait_until_it_waits(void)
{
    (void)usleep(200000);
}

/* ---- processors ---- */

enum { THE_FIRST, OTHER };

/* The calling thread, and those that it starts, run where that signer does. Returns where they did before. */
static struct processors stand_at(unsigned signer)
{
    const struct processors all = processors_allowed();
    assert_ok(processors_keep_to(all.numbers[signer % all.count]));
    return all;
}

static void assert_keeps_to(pid_t process, int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    assert_int_equal(sched_getaffinity(process, sizeof(set), &set), 0);
    assert_int_equal(CPU_COUNT(&set), 1);
    assert_true(CPU_ISSET((size_t)processor, &set));
}

static void test_each_signer_keeps_to_a_processor(void **state)
{
    struct stage *const stage = *state;
    CLEANUP(signing_key_done) struct signing_key key = make_key(stage);
    assert_ok(signers_use_key(stage->signers, &key, NULL)); /* so that both are at work */
    const struct processors all = processors_allowed();
    assert_keeps_to(only_signer("signer-with-tee"), all.numbers[0]);
    assert_keeps_to(only_signer("signer"), all.numbers[1 % all.count]);
}

/* The other one would never answer. */
static void test_a_question_goes_to_the_signer_of_its_processor(void **state)
{
    struct stage *const stage = *state;
    CLEANUP(signing_key_done) struct signing_key key = make_key(stage);
    assert_ok(signers_use_key(stage->signers, &key, NULL));
    const struct processors all = processors_allowed();
    if (all.count < 2) skip();
    static const char *const names[] = {"signer", "signer-with-tee"};
    for (unsigned signer = THE_FIRST; signer <= OTHER; signer++) {
        const pid_t stopped = only_signer(names[signer]);
        assert_int_equal(kill(stopped, SIGSTOP), 0);
        (void)stand_at(signer);
        for (int i = 0; i < 5; i++) assert_ok(asked(stage));
        assert_int_equal(kill(stopped, SIGCONT), 0);
        assert_ok(processors_spread(&all));
    }
}

/* ---- losing one ---- */

/* kill -9 while it has a question: that one is lost, the others are answered. */
static void test_without_another_signer_the_first_goes_on(void **state)
{
    struct stage *const stage = *state;
    CLEANUP(signing_key_done) struct signing_key key = make_key(stage);
    assert_ok(signers_use_key(stage->signers, &key, NULL));
    const pid_t first = only_signer("signer-with-tee"), other = only_signer("signer");
    assert_false(signers_outlive(stage->signers, first));
    assert_false(signers_outlive(stage->signers, getpid()));
    assert_int_equal(kill(other, SIGSTOP), 0);
    pthread_t thread;
    void *status;
    const struct processors all = stand_at(OTHER);
    assert_int_equal(pthread_create(&thread, NULL, ask_one, stage), 0);
    wait_until_it_waits();
    assert_int_equal(kill(other, SIGKILL), 0);
    assert_int_equal(pthread_join(thread, &status), 0);
    assert_int_equal((uintptr_t)status, ERR_CHILD_DIED);
    assert_int_equal(waitpid(other, NULL, 0), other);
    assert_true(signers_outlive(stage->signers, other));
    for (int i = 0; i < 5; i++) assert_ok(asked(stage));
    assert_ok(signers_use_key(stage->signers, &key, NULL));
    assert_ok(asked(stage));
    assert_ok(processors_spread(&all));
}

static void test_without_the_first_there_are_no_quotes_and_the_service_ends(void **state)
{
    struct stage *const stage = *state;
    CLEANUP(signing_key_done) struct signing_key key = make_key(stage), next = {};
    const pid_t first = only_signer("signer-with-tee");
    assert_int_equal(kill(first, SIGKILL), 0);
    struct refusal why;
    assert_status(signers_make_key(stage->signers, STAGE_NOW, &why, &next), ERR_CHILD_DIED);
    assert_status(signers_make_key(stage->signers, STAGE_NOW, &why, &next), ERR_CHILD_DIED);
    assert_string_equal(why.field, "signers");
    assert_false(signers_outlive(stage->signers, first));
}

static void test_questions_beyond_the_queue_are_refused_at_once(void **)
{
    struct stage stage;
    stage_set(&stage);
    stage.options.count = 1;
    stage.options.queue = 1;
    stage_start(&stage);
    CLEANUP(signing_key_done) struct signing_key key = make_key(&stage);
    assert_ok(signers_use_key(stage.signers, &key, NULL));
    const pid_t signer = only_signer("signer-with-tee");
    assert_int_equal(kill(signer, SIGSTOP), 0);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_one, &stage), 0);
        wait_until_it_waits();
    }
    assert_status(asked(&stage), ERR_BUSY);
    assert_int_equal(kill(signer, SIGCONT), 0);
    for (int i = 0; i < 2; i++) {
        void *status;
        assert_int_equal(pthread_join(threads[i], &status), 0);
        assert_int_equal((uintptr_t)status, OK);
    }
    stage_clear(&stage);
}

static void test_they_end_with_the_service(void **)
{
    struct stage stage;
    stage_set(&stage);
    stage_start(&stage);
    pid_t process;
    (void)only_signer("signer");
    (void)only_signer("signer-with-tee");
    stage_clear(&stage);
    assert_int_equal(find_signers("signer", &process, 1), 0);
    assert_int_equal(find_signers("signer-with-tee", &process, 1), 0);
}

#define with_signers(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    /* The threads' own arenas reserve more address space than signers may have; programs fork before there are any. */
    (void)mallopt(M_ARENA_MAX, 1);
    const struct CMUnitTest tests[] = {
        with_signers(test_a_new_key_is_certified_by_the_services_own_quote),
        cmocka_unit_test(test_elliptic_keys_can_be_configured_and_long_names_do_not_fit),
        with_signers(test_every_signer_signs_with_the_key_in_use),
        with_signers(test_without_a_key_nothing_is_signed),
        with_signers(test_sealed_keys_come_back_after_a_restart_and_to_nobody_else),
        with_signers(test_another_measurement_deployment_or_issuer_opens_no_key),
        with_signers(test_results_hold_their_members_and_no_others),
        with_signers(test_listed_certificates_are_described),
        with_signers(test_results_that_would_say_anything_else_are_refused),
        with_signers(test_the_service_gets_quotes_over_runtime_data_and_nothing_else),
        cmocka_unit_test(test_a_question_that_is_not_permitted_ends_the_signer),
        with_signers(test_signers_are_contained_before_the_first_question),
        with_signers(test_each_signer_keeps_to_a_processor),
        with_signers(test_a_question_goes_to_the_signer_of_its_processor),
        with_signers(test_without_another_signer_the_first_goes_on),
        with_signers(test_without_the_first_there_are_no_quotes_and_the_service_ends),
        cmocka_unit_test(test_questions_beyond_the_queue_are_refused_at_once),
        cmocka_unit_test(test_they_end_with_the_service),
    };
    return cmocka_run_group_tests_name("attestation/signing/signers", tests, NULL, NULL);
}
