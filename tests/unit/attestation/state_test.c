/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/management/state.h"

#include "attestation/management/state_form.h"
#include "base/clock.h"

#include "../records/postgres_testing.h"

#include <pthread.h>
#include <stdatomic.h>

static struct postgres server;

struct place {
    char folder[64], path[128];
    struct secret key;
    struct document_options options;
};

static void place_make(struct place *place, bool is_shared)
{
    static unsigned number;
    static char names[16][32];
    *place = (struct place){.folder = "/tmp/lazaret-state-test-XXXXXX"};
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->path, sizeof(place->path), "%s/state.db", place->folder);
    assert_ok(secret_alloc(32, &place->key));
    (void)snprintf(names[number % 16], sizeof(names[0]), "state %u", number);
    place->options = (struct document_options){.path = is_shared ? NULL : place->path,
                                               .postgres = is_shared ? server.connection : NULL,
                                               .name = names[number++ % 16],
                                               .key = &place->key};
}

static void place_remove(struct place *place)
{
    char command[128];
    secret_done(&place->key);
    (void)snprintf(command, sizeof(command), "rm -rf %s", place->folder);
    assert_int_equal(system(command), 0);
}

/* One replica. */
struct replica {
    struct document *document;
    struct state *state;
    _Atomic uint64_t told; /* the newest version that `changed` was called with */
    _Atomic unsigned tellings;
};

static void on_changed(void *context, const struct state_view *view)
{
    struct replica *const replica = context;
    assert_true(view->version > atomic_load(&replica->told));
    atomic_store(&replica->told, view->version);
    (void)atomic_fetch_add(&replica->tellings, 1);
}

static void replica_open(const struct place *place, struct replica *replica)
{
    struct refusal why = {};
    *replica = (struct replica){};
    assert_ok(document_open(&place->options, &why, &replica->document));
    const struct state_options options = {.document = replica->document, .changed = on_changed, .context = replica};
    assert_ok(state_open(&options, &why, &replica->state));
}

static void replica_close(struct replica *replica)
{
    state_free(replica->state);
    document_free(replica->document);
}

static enum status set_tpm(void *context, struct state_view *view, struct refusal *)
{
    return state_policy_set(&view->policies[ATTESTATION_TPM], slice_of_text(context), false);
}

static void expect_tpm(struct replica *replica, const char *expected)
{
    const struct state_view *const view = state_view(replica->state);
    assert_slice_equal(buffer_slice(&view->policies[ATTESTATION_TPM].jws), slice_of_text(expected));
    state_view_free(view);
}

static void test_the_first_start_makes_defaults(void **)
{
    struct place place;
    struct replica replica;
    place_make(&place, false);
    replica_open(&place, &replica);
    const struct state_view *const view = state_view(replica.state);
    assert_int_equal(view->version, 1);
    assert_true(view->policies[ATTESTATION_SGX_ENCLAVE].is_default);
    assert_true(view->policies[ATTESTATION_SGX_ENCLAVE].jws.size > 0);
    state_view_free(view);
    assert_int_equal(replica.told, 1);
    replica_close(&replica);
    replica_open(&place, &replica);
    assert_int_equal(replica.told, 1); /* not made anew */
    replica_close(&replica);
    place_remove(&place);
}

static void test_a_change_lasts(void **)
{
    struct place place;
    struct replica replica;
    struct refusal why = {};
    place_make(&place, false);
    replica_open(&place, &replica);
    const struct state_view *const before = state_view(replica.state);
    assert_ok(state_apply(replica.state, set_tpm, (void *)"a.b.c", &why));
    assert_int_equal(before->policies[ATTESTATION_TPM].jws.size, 0); /* who holds a view keeps it */
    state_view_free(before);
    expect_tpm(&replica, "a.b.c");
    assert_int_equal(replica.told, 2);
    replica_close(&replica);
    replica_open(&place, &replica);
    expect_tpm(&replica, "a.b.c");
    replica_close(&replica);
    place_remove(&place);
}

static enum status change_and_refuse(void *, struct state_view *view, struct refusal *why)
{
    TRY(state_policy_set(&view->policies[ATTESTATION_TPM], SLICE_LITERAL("never"), false));
    return refuse(why, ERR_FORBIDDEN, "test", "nothing", "something");
}

static void test_a_change_that_refuses_changes_nothing(void **)
{
    struct place place;
    struct replica replica;
    struct refusal why = {};
    place_make(&place, false);
    replica_open(&place, &replica);
    assert_status(state_apply(replica.state, change_and_refuse, NULL, &why), ERR_FORBIDDEN);
    assert_string_equal(why.field, "test");
    expect_tpm(&replica, "");
    assert_int_equal(replica.told, 1);
    replica_close(&replica);
    place_remove(&place);
}

static enum status grow_too_large(void *, struct state_view *view, struct refusal *)
{
    for (size_t i = 0; i < SIGNING_KEY_MAX_COUNT; i++) {
        uint8_t *bytes;
        TRY(buffer_extend(&view->keys[i].key.sealed, SIGNING_KEY_MAX_BYTES, &bytes));
        TRY(buffer_extend(&view->keys[i].key.certificate, SIGNING_KEY_MAX_BYTES, &bytes));
        view->keys[i].key.kid[0] = 'k';
    }
    view->key_count = SIGNING_KEY_MAX_COUNT;
    return OK;
}

static void test_a_state_over_the_maximum_is_refused(void **)
{
    struct place place;
    struct replica replica;
    struct refusal why = {};
    place_make(&place, false);
    replica_open(&place, &replica);
    assert_status(state_apply(replica.state, grow_too_large, NULL, &why), ERR_TOO_LARGE);
    assert_string_equal(why.field, "state");
    assert_int_equal(replica.told, 1);
    replica_close(&replica);
    place_remove(&place);
}

static void test_a_document_of_another_form_is_refused(void **)
{
    struct place place;
    struct document *document = NULL;
    struct state *state = NULL;
    struct refusal why = {};
    place_make(&place, false);
    assert_ok(document_open(&place.options, &why, &document));
    assert_ok(document_write(document, 0, SLICE_LITERAL("no state"), &why));
    const struct state_options options = {.document = document};
    assert_status(state_open(&options, &why, &state), ERR_STORE_CORRUPT);
    document_free(document);
    place_remove(&place);
}

/* ---- replicas ---- */

static void wait_until_told(struct replica *replica, uint64_t version)
{
    for (int64_t end_ms = clock_monotonic_ms() + 1000; atomic_load(&replica->told) < version;) {
        if (clock_monotonic_ms() > end_ms) fail_msg("a change was not seen within a second");
        const struct timespec pause = {.tv_nsec = 2000000};
        (void)nanosleep(&pause, NULL);
    }
}

static void test_replicas_see_each_others_changes_within_a_second(void **)
{
    struct place place;
    struct replica one, other;
    struct refusal why = {};
    place_make(&place, true);
    replica_open(&place, &one);
    replica_open(&place, &other);
    assert_int_equal(other.told, 1);
    assert_ok(state_apply(one.state, set_tpm, (void *)"by.one.", &why));
    wait_until_told(&other, 2);
    expect_tpm(&other, "by.one.");
    assert_ok(state_apply(other.state, set_tpm, (void *)"by.other.", &why));
    wait_until_told(&one, 3);
    expect_tpm(&one, "by.other.");
    replica_close(&one);
    replica_close(&other);
    place_remove(&place);
}

enum { CHANGES = 40 };

static enum status count_up(void *, struct state_view *view, struct refusal *)
{
    view->keys[0].key.kid[0] = 'k';
    view->key_count = 1;
    view->keys[0].made_s++;
    return OK;
}

static void *count_many(void *context)
{
    struct replica *const replica = context;
    struct refusal why = {};
    for (int i = 0; i < CHANGES; i++) assert_ok(state_apply(replica->state, count_up, NULL, &why));
    return NULL;
}

static void test_no_change_of_two_replicas_is_lost(void **)
{
    struct place place;
    struct replica one, other;
    pthread_t threads[4];
    place_make(&place, true);
    replica_open(&place, &one);
    replica_open(&place, &other);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, i % 2 == 0 ? &one : &other), 0);
    for (size_t i = 0; i < 4; i++) (void)pthread_join(threads[i], NULL);
    wait_until_told(&one, 1 + 4 * CHANGES);
    wait_until_told(&other, 1 + 4 * CHANGES);
    const struct state_view *const view = state_view(one.state);
    assert_int_equal(view->keys[0].made_s, 4 * CHANGES);
    state_view_free(view);
    replica_close(&one);
    replica_close(&other);
    place_remove(&place);
}

static void test_a_change_while_the_database_is_away_is_refused(void **)
{
    struct place place;
    struct replica replica;
    struct refusal why = {};
    place_make(&place, true);
    replica_open(&place, &replica);
    postgres_kill(&server);
    assert_status(state_apply(replica.state, set_tpm, (void *)"a.b.c", &why), ERR_STORE);
    expect_tpm(&replica, ""); /* what is known goes on being served */
    postgres_resume(&server);
    assert_ok(state_apply(replica.state, set_tpm, (void *)"a.b.c", &why));
    expect_tpm(&replica, "a.b.c");
    replica_close(&replica);
    place_remove(&place);
}

static int start_server(void **)
{
    postgres_start(&server);
    return 0;
}

static int stop_server(void **)
{
    postgres_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest in_a_file[] = {
        cmocka_unit_test(test_the_first_start_makes_defaults),
        cmocka_unit_test(test_a_change_lasts),
        cmocka_unit_test(test_a_change_that_refuses_changes_nothing),
        cmocka_unit_test(test_a_state_over_the_maximum_is_refused),
        cmocka_unit_test(test_a_document_of_another_form_is_refused),
    };
    const struct CMUnitTest shared[] = {
        cmocka_unit_test(test_replicas_see_each_others_changes_within_a_second),
        cmocka_unit_test(test_no_change_of_two_replicas_is_lost),
        cmocka_unit_test(test_a_change_while_the_database_is_away_is_refused),
    };
    const int failed = cmocka_run_group_tests_name("attestation/state", in_a_file, NULL, NULL);
    if (!postgres_is_installed()) return failed;
    return failed + cmocka_run_group_tests_name("attestation/state_shared", shared, start_server, stop_server);
}
