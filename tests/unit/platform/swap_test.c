/* SPDX-License-Identifier: Apache-2.0
 *
 * A hop is exchanged at each moment of a request: the answer is the 409 with the new statement, and nothing is done.
 * And what happens to a request while another, or the disk, gets in its way.
 */
#include "crypto/password.h"
#include "fakes.h"
#include "imaging/tensor.h"
#include "platform/film_store.h"
#include "records/fhir_build.h"
#include "records/resources.h"

#include "records_testing.h"

#include <pthread.h>
#include <signal.h>

enum { NOW_S = 1700000000 };

static struct place place;
static struct platform platform;
static struct service service;
static struct record_id patient, study;
static struct session_token session;

static struct account account_of(enum account_role role)
{
    struct record_id id;
    struct account account = {.role = role, .user = "somebody", .name = "Somebody"};
    assert_ok(record_id_new(&id));
    memcpy(account.id, id.text, sizeof(id.text));
    return account;
}

static void keep(struct store_transaction *transaction, json_t *resource, const struct record_id *id)
{
    assert_non_null(resource);
    assert_ok(resource_create(transaction, resource, id, NOW_S, NULL));
    json_decref(resource);
}

/* A patient with a film that waits for its diagnosis. */
static void make_study(void)
{
    struct store_transaction *transaction = NULL;
    struct film_record film = {.size = 1, .is_complete = true, .format = "png", .width = 1, .height = 1};
    assert_ok(record_id_new(&patient));
    assert_ok(record_id_new(&study));
    assert_ok(record_id_new(&film.id));
    film.patient = patient;
    film.study = study;
    assert_ok(store_begin(place.store, &transaction));
    keep(transaction,
         json_pack("{s:s, s:[{s:s}], s:s}", "resourceType", "Patient", "name", "family", "Weber", "birthDate",
                   "1970-01-01"),
         &patient);
    const struct fhir_study text = {.id = study, .patient = patient, .film = film.id, .now_s = NOW_S};
    json_t *resource = NULL;
    assert_ok(fhir_build_study(&text, &resource));
    keep(transaction, resource, &study);
    assert_ok(film_put(transaction, &film, 0));
    CLEANUP(buffer_done) struct buffer tensor = buffer_of_maximum(FILM_TENSOR_BYTES);
    uint8_t *values;
    assert_ok(buffer_extend(&tensor, FILM_TENSOR_BYTES, &values));
    memset(values, 0, FILM_TENSOR_BYTES);
    assert_ok(film_value_put(transaction, &film, FILM_TENSOR_TYPE, buffer_slice(&tensor)));
    assert_ok(store_commit(&transaction));
}

static int make(void **)
{
    hops_reset();
    place_make(&place);
    place_open(&place);
    platform = (struct platform){.store = place.store, .keys = place.keys, .service = &service, .long_work = 4};
    assert_ok(clock_new_fixed(NOW_S, &service.clock));
    open_custody(&platform);
    assert_ok(sessions_new(NULL, place.store, place.keys, &platform.sessions));
    make_study();
    const struct account clerk = account_of(ROLE_CLERK);
    struct session started;
    assert_ok(sessions_start(platform.sessions, &clerk, NOW_S, &session, &started));
    return 0;
}

static int clear(void **)
{
    sessions_cleanup(&platform.sessions);
    clock_cleanup(&service.clock);
    custody_free(platform.custody);
    place_remove(&place);
    buffer_done(&hops.cached);
    return 0;
}

struct wish {
    const char *method, *path, *key, *body, *statement;
    bool without_session;
};

static void ask(const struct wish *wish, struct inner_response *response)
{
    char authorization[128];
    (void)snprintf(authorization, sizeof(authorization), "Bearer %s", session.text);
    struct bhttp_request message = {
        .method = slice_of_text(wish->method),
        .path = slice_of_text(wish->path),
        .body = slice_of_text(wish->body),
    };
    const char *const statement = wish->statement == NULL ? GOOD_STATEMENT : wish->statement;
    const struct bhttp_field fields[] = {
        {SLICE_LITERAL("lazaret-statement"), slice_of_text(statement)},
        {SLICE_LITERAL("idempotency-key"), slice_of_text(wish->key)},
        {SLICE_LITERAL("authorization"), slice_of_text(authorization)},
    };
    message.field_count = wish->without_session ? 2 : 3;
    memcpy(message.fields, fields, message.field_count * sizeof(fields[0]));
    inner_response_done(response);
    *response = (struct inner_response){};
    inner_handle(&platform, &message, response);
}

static void answers(const struct wish *wish, unsigned status)
{
    struct inner_response response = {};
    ask(wish, &response);
    if (response.status != status)
        fail_msg("%s %s: %u instead of %u: %.*s", wish->method, wish->path, response.status, status,
                 (int)response.body.size, (const char *)response.body.bytes);
    inner_response_done(&response);
}

static void answers_chain_changed(const struct wish *wish)
{
    struct inner_response response = {};
    CLEANUP(json_done) json_t *problem = NULL;
    ask(wish, &response);
    assert_int_equal(response.status, 409);
    assert_int_equal(response.field_count, 0);
    assert_ok(json_parse(buffer_slice(&response.body), 65536, NULL, &problem));
    assert_string_equal(json_string_value(json_object_get(problem, "type")), "urn:lazaret:problem:chain-changed");
    assert_string_equal(json_string_value(json_object_get(problem, "statement")), "the new statement");
    inner_response_done(&response);
}

static size_t count(enum fhir_type type)
{
    struct store_transaction *transaction = NULL;
    CLEANUP(json_done) json_t *found = NULL;
    assert_ok(fhir_searchset_new(&found));
    assert_ok(store_begin(place.store, &transaction));
    assert_ok(resource_list_all(transaction, type, 100, found));
    store_rollback(&transaction);
    return json_array_size(json_object_get(found, "entry"));
}

static void assert_nothing_was_ordered(void)
{
    static const enum fhir_type types[] = {FHIR_SERVICE_REQUEST, FHIR_DIAGNOSTIC_REPORT, FHIR_OBSERVATION,
                                           FHIR_COMMUNICATION};
    for (size_t i = 0; i < 4; i++) assert_int_equal(count(types[i]), 0);
}

static const struct wish *order(void)
{
    static char body[512];
    static const struct wish wish = {.method = "POST", .path = "/fhir/ServiceRequest", .key = "order", .body = body};
    (void)snprintf(
        body, sizeof(body),
        "{\"resourceType\":\"ServiceRequest\",\"status\":\"active\",\"intent\":\"order\",\"code\":{\"text\":\"film\"},"
        "\"subject\":{\"reference\":\"Patient/%s\"},\"supportingInfo\":[{\"reference\":\"ImagingStudy/%s\"}]}",
        patient.text, study.text);
    return &wish;
}

static const struct wish registration = {
    .method = "POST",
    .path = "/fhir/Patient",
    .key = "registration",
    .body = "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"New\"}],\"gender\":\"other\",\"birthDate\":\"1980-"
            "01-01\"}",
};

static void test_without_a_swap_all_is_done(void **)
{
    answers(order(), 201);
    answers(&registration, 201);
    assert_int_equal(hops.runs, 1);
    assert_int_equal(hops.looks, 0);
    assert_int_equal(count(FHIR_SERVICE_REQUEST), 1);
    assert_int_equal(count(FHIR_PATIENT), 2);
}

static void test_a_request_that_names_another_statement(void **)
{
    struct wish wish = *order();
    wish.statement = "an earlier statement";
    answers_chain_changed(&wish);
    wish.statement = "";
    answers_chain_changed(&wish);
    assert_int_equal(hops.runs, 0);
    assert_nothing_was_ordered();
}

static void test_a_swap_as_the_hops_key_is_taken(void **)
{
    hops.swap_at = WHEN_THE_HOPS_KEY_IS_TAKEN;
    answers_chain_changed(order());
    assert_int_equal(hops.runs, 0);
    assert_nothing_was_ordered();
}

/* The hop that was named does not answer under its key any more: it is looked at before the client is told. */
static void test_a_swap_before_the_chain_has_noticed(void **)
{
    static const enum status failures[] = {ERR_PEER_REFUSED, ERR_CONNECT, ERR_TLS, ERR_CLOSED};
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        hops.holds = true;
        hops.swap_at = WHEN_THE_HOPS_ARE_LOOKED_AT;
        hops.model_status = failures[i];
        answers_chain_changed(order());
        assert_int_equal(hops.looks, i + 1);
        assert_nothing_was_ordered();
    }
}

static void test_a_hop_that_fails_as_itself_is_a_bad_gateway(void **)
{
    static const struct {
        enum status status;
        unsigned http;
    } failures[] = {
        {ERR_PEER_REFUSED, 502}, {ERR_CONNECT, 502},       {ERR_TLS, 502},       {ERR_CLOSED, 502},
        {ERR_HTTP_STATUS, 502},  {ERR_INFERENCE, 502},     {ERR_SIGNATURE, 502}, {ERR_TENSOR, 502},
        {ERR_JSON_SYNTAX, 502},  {ERR_FIELD_MISSING, 502}, {ERR_NOT_FOUND, 502}, {ERR_SESSION, 502},
        {ERR_TIMEOUT, 504},
    };
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        hops.model_status = failures[i].status;
        answers(order(), failures[i].http);
    }
    assert_nothing_was_ordered();
}

static void test_a_hop_that_is_not_accepted_is_not_used(void **)
{
    hops.diagnosis = CHAIN_REFUSED;
    answers(order(), 502);
    hops.diagnosis = CHAIN_UNREACHABLE;
    answers(order(), 502);
    assert_int_equal(hops.runs, 0);
    assert_nothing_was_ordered();
}

static void test_a_gate_that_is_swapped_as_the_session_is_found(void **)
{
    hops.swap_at = WHEN_THE_SESSION_IS_FOUND;
    answers_chain_changed(&registration);
    assert_int_equal(count(FHIR_PATIENT), 1);
    hops.holds = true;
    hops.swap_at = AT_NO_MOMENT;
    answers(&registration, 201);
}

static void test_a_gate_that_refuses_is_looked_at(void **)
{
    hops.cache_status = ERR_CACHE;
    answers(&registration, 503);
    hops.swap_at = WHEN_THE_HOPS_ARE_LOOKED_AT;
    answers_chain_changed(&registration);
    assert_int_equal(hops.looks, 2);
    assert_int_equal(count(FHIR_PATIENT), 1);
}

static void test_connections_are_held_to_the_gate_that_is_named(void **)
{
    answers(&registration, 201);
    const unsigned before = hops.forgotten;
    answers(&registration, 201);
    assert_int_equal(hops.forgotten, before);
    (void)snprintf(hops.gate_key, sizeof(hops.gate_key), "gate 2");
    answers(&registration, 201);
    assert_int_equal(hops.forgotten, before + 1);
}

static void test_no_session_is_given_out_through_another_gate(void **)
{
    CLEANUP(buffer_done) struct buffer hash = buffer_of_maximum(PASSWORD_HASH_MAX_BYTES + 1);
    const char *hash_text;
    assert_ok(password_hash(SLICE_LITERAL("a password"), &hash));
    assert_ok(buffer_text(&hash, &hash_text));
    const struct accounts_options options = {
        .store = place.store, .administrator_user = "admin", .administrator_hash = hash_text};
    assert_ok(accounts_new(&options, &platform.accounts));
    const struct wish sign_in = {.method = "POST",
                                 .path = "/session",
                                 .key = "in",
                                 .body = "{\"user\":\"admin\",\"password\":\"a password\"}",
                                 .without_session = true};
    answers(&sign_in, 201);
    hops.swap_at = WHEN_THE_SESSION_IS_KEPT;
    answers_chain_changed(&sign_in);
    accounts_cleanup(&platform.accounts);
}

static void test_during_an_upload(void **)
{
    char body[128], path[128];
    struct inner_response response = {};
    CLEANUP(json_done) json_t *film = NULL;
    (void)snprintf(body, sizeof(body), "{\"patient\":\"%s\",\"size\":%d}", patient.text, FILM_PART_BYTES + 3);
    ask(&(struct wish){.method = "POST", .path = "/films", .key = "film", .body = body}, &response);
    assert_int_equal(response.status, 201);
    assert_ok(json_parse(buffer_slice(&response.body), 4096, NULL, &film));
    inner_response_done(&response);
    const char *const id = json_string_value(json_object_get(film, "film"));
    (void)snprintf(path, sizeof(path), "/films/%s/parts/1", id);
    const struct wish part = {.method = "PUT", .path = path, .key = "part", .body = "abc"};
    hops.holds = false;
    answers_chain_changed(&part);
    hops.holds = true;
    char show[128];
    (void)snprintf(show, sizeof(show), "/films/%s", id);
    ask(&(struct wish){.method = "GET", .path = show}, &response);
    assert_int_equal(response.status, 200);
    CLEANUP(json_done) json_t *state = NULL;
    assert_ok(json_parse(buffer_slice(&response.body), 4096, NULL, &state));
    inner_response_done(&response);
    assert_int_equal(json_array_size(json_object_get(state, "received")), 0);
    answers(&part, 204);
}

static void order_at_the_same_time(void)
{
    answers(order(), 201);
}

/* Two orders under one key, one inside the other: the one that ends first is kept, and both get its answer. */
static void test_the_loser_of_a_shared_key_gets_the_first_answer(void **)
{
    struct inner_response loser = {}, again = {};
    hops.during_run = order_at_the_same_time;
    ask(order(), &loser);
    assert_int_equal(loser.status, 201);
    assert_int_equal(hops.runs, 2);
    assert_int_equal(count(FHIR_SERVICE_REQUEST), 1);
    assert_int_equal(count(FHIR_COMMUNICATION), 1);
    ask(order(), &again);
    assert_int_equal(hops.runs, 2);
    assert_true(slice_equal(buffer_slice(&loser.body), buffer_slice(&again.body)));
    assert_int_equal(loser.field_count, again.field_count);
    for (size_t i = 0; i < loser.field_count; i++) assert_string_equal(loser.fields[i].value, again.fields[i].value);
    inner_response_done(&loser);
    inner_response_done(&again);
}

/* Nor does it matter how the loser fails. */
static void fail_after_the_other(void)
{
    order_at_the_same_time();
    hops.model_status = ERR_TIMEOUT;
}

static void test_a_loser_that_fails_gets_the_first_answer(void **)
{
    hops.during_run = fail_after_the_other;
    answers(order(), 201);
    assert_int_equal(count(FHIR_SERVICE_REQUEST), 1);
}

static void test_signing_out_twice_is_no_failure(void **)
{
    const struct wish sign_out = {.method = "DELETE", .path = "/session", .key = "out"};
    answers(&sign_out, 204);
    answers(&sign_out, 204);
    answers(&(struct wish){.method = "GET", .path = "/session"}, 401);
    answers(&(struct wish){.method = "DELETE", .path = "/session", .key = "out", .without_session = true}, 401);
    hops.holds = false;
    answers_chain_changed(&sign_out);
}

static void watch_for_end(sigset_t *end_out)
{
    (void)sigemptyset(end_out);
    (void)sigaddset(end_out, SIGTERM);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, end_out, NULL), 0);
    service.main_thread = pthread_self();
    atomic_store(&service.failure, OK);
}

static bool is_asked_to_end(const sigset_t *end)
{
    const struct timespec at_once = {};
    return sigtimedwait(end, NULL, &at_once) == SIGTERM;
}

/* What only a new start mends: the program ends, and who keeps it running starts it again. */
static void test_a_store_that_failed_ends_the_program(void **)
{
    sigset_t end;
    watch_for_end(&end);
    answers(&registration, 201);
    assert_false(is_asked_to_end(&end));
    place_fail(&place);
    const struct wish another = {
        .method = "POST", .path = registration.path, .key = "another", .body = registration.body};
    answers(&another, 503);
    assert_true(is_asked_to_end(&end));
    assert_int_equal(atomic_load(&service.failure), ERR_STORE);
}

/* The sweep's commit failed, say: whatever comes next stops at its session already. */
static void test_a_store_that_failed_between_requests_ends_the_program(void **)
{
    sigset_t end;
    watch_for_end(&end);
    place_fail(&place);
    struct store_transaction *transaction = NULL;
    const struct store_record record = {.type = "Test", .id = "one", .owner = "", .value = SLICE_LITERAL("value")};
    assert_ok(store_begin(place.store, &transaction));
    assert_ok(store_put(transaction, &record, NULL, NULL));
    assert_status(store_commit(&transaction), ERR_STORE);
    assert_false(is_asked_to_end(&end));
    answers(&(struct wish){.method = "GET", .path = "/session"}, 503);
    assert_true(is_asked_to_end(&end));
}

#define SWAP_TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SWAP_TEST(test_without_a_swap_all_is_done),
        SWAP_TEST(test_a_request_that_names_another_statement),
        SWAP_TEST(test_a_swap_as_the_hops_key_is_taken),
        SWAP_TEST(test_a_swap_before_the_chain_has_noticed),
        SWAP_TEST(test_a_hop_that_fails_as_itself_is_a_bad_gateway),
        SWAP_TEST(test_a_hop_that_is_not_accepted_is_not_used),
        SWAP_TEST(test_a_gate_that_is_swapped_as_the_session_is_found),
        SWAP_TEST(test_a_gate_that_refuses_is_looked_at),
        SWAP_TEST(test_connections_are_held_to_the_gate_that_is_named),
        SWAP_TEST(test_no_session_is_given_out_through_another_gate),
        SWAP_TEST(test_during_an_upload),
        SWAP_TEST(test_the_loser_of_a_shared_key_gets_the_first_answer),
        SWAP_TEST(test_a_loser_that_fails_gets_the_first_answer),
        SWAP_TEST(test_signing_out_twice_is_no_failure),
        SWAP_TEST(test_a_store_that_failed_ends_the_program),
        SWAP_TEST(test_a_store_that_failed_between_requests_ends_the_program),
    };
    return cmocka_run_group_tests_name("platform/swap", tests, NULL, NULL);
}
