/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signing/keys.h"

#include "attestation/signing/key_documents.h"
#include "stage.h"

#include <malloc.h>

/* A service's keys over its signers and a state on disk. */
struct service_keys {
    struct stage stage;
    struct document *document;
    struct state *state;
    struct clock *clock;
    struct signing_keys *keys;
};

static char folder[64];
static struct secret document_key;

static void changed(void *context, const struct state_view *)
{
    const struct service_keys *const service = context;
    if (service->keys != NULL) signing_keys_changed(service->keys);
}

static void start(struct service_keys *service, const struct simulated_machine *machine)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/state.db", folder);
    *service = (struct service_keys){};
    stage_set(&service->stage);
    if (machine != NULL) service->stage.launcher.machine = machine;
    service->stage.options.algorithm = SIGNING_ES256; /* quickly made */
    stage_start(&service->stage);
    const struct document_options document = {.path = path, .name = "state", .key = &document_key};
    assert_ok(document_open(&document, NULL, &service->document));
    const struct state_options state = {.document = service->document, .changed = changed, .context = service};
    assert_ok(state_open(&state, NULL, &service->state));
    assert_ok(clock_new_fixed(STAGE_NOW, &service->clock));
    const struct signing_keys_options options = {.signers = service->stage.signers,
                                                 .state = service->state,
                                                 .clock = service->clock,
                                                 .issuer = STAGE_ISSUER,
                                                 .algorithm = SIGNING_ES256,
                                                 .interval_s = 30 * 86400};
    struct refusal why = {};
    const enum status status = signing_keys_open(&options, &why, &service->keys);
    if (status != OK) fail_msg("%s: %s %s", status_name(status), why.field, why.seen);
}

static void stop(struct service_keys *service)
{
    signing_keys_free(service->keys);
    service->keys = NULL;
    state_free(service->state);
    document_free(service->document);
    clock_free(service->clock);
    stage_clear(&service->stage);
}

static int set_up(void **)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/lazaret-keys-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return secret_alloc(32, &document_key) == OK ? 0 : 1;
}

static int tear_down(void **)
{
    char command[128];
    secret_done(&document_key);
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

struct kids {
    char current[ATTESTATION_KEY_ID_BYTES + 1], next[ATTESTATION_KEY_ID_BYTES + 1];
    size_t count;
};

static struct kids kids_of(const struct service_keys *service)
{
    struct kids kids = {};
    const struct state_view *const view = state_view(service->state);
    kids.count = view->key_count;
    for (size_t i = 0; i < view->key_count; i++) {
        if (view->keys[i].use == STATE_KEY_CURRENT) memcpy(kids.current, view->keys[i].key.kid, sizeof(kids.current));
        if (view->keys[i].use == STATE_KEY_NEXT) memcpy(kids.next, view->keys[i].key.kid, sizeof(kids.next));
    }
    state_view_free(view);
    return kids;
}

static struct kids wait_for_next(const struct service_keys *service)
{
    for (int i = 0; i < 500; i++) {
        const struct kids kids = kids_of(service);
        if (kids.next[0] != '\0') return kids;
        (void)usleep(10000);
    }
    fail_msg("no next key was made");
    return (struct kids){};
}

/* The kid that tokens have. */
static void assert_signs_with(const struct service_keys *service, const char *kid)
{
    const struct policy_result_question question = {.kind = RESULT_POLICY_REMOVED, .now_s = STAGE_NOW};
    for (int i = 0; i < 4; i++) {
        CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
        CLEANUP(jws_done) struct jws jws = {};
        assert_ok(signers_policy_result(service->stage.signers, &question, NULL, &token));
        assert_ok(jws_parse(buffer_slice(&token), NULL, &jws));
        assert_true(slice_equal_text(jws.kid, kid));
    }
}

static size_t listed(const struct service_keys *service)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(KEY_CERTS_MAX_BYTES);
    CLEANUP(json_done) json_t *json = NULL;
    assert_ok(signing_keys_certs(service->keys, &text));
    assert_ok(json_parse(buffer_slice(&text), KEY_CERTS_MAX_BYTES, NULL, &json));
    return json_array_size(json_object_get(json, "keys"));
}

static void test_the_first_key_is_there_at_once_and_the_next_behind_the_start(void **)
{
    struct service_keys service;
    start(&service, NULL);
    assert_int_equal(kids_of(&service).count, 1);
    assert_signs_with(&service, kids_of(&service).current);
    assert_int_equal(listed(&service), 1);
    assert_ok(signing_keys_start(service.keys));
    const struct kids kids = wait_for_next(&service);
    assert_string_not_equal(kids.current, kids.next);
    for (int i = 0; i < 500 && listed(&service) < 2; i++) (void)usleep(10000);
    assert_int_equal(listed(&service), 2);
    stop(&service);
}

static void test_the_key_is_the_same_after_a_restart(void **)
{
    struct service_keys first, second;
    start(&first, NULL);
    const struct kids kids = kids_of(&first);
    struct simulated_machine *const machine = first.stage.machine;
    struct simulated_authority *const authority = first.stage.authority;
    first.stage.machine = NULL;
    first.stage.authority = NULL;
    stop(&first);
    start(&second, machine);
    assert_int_equal(kids_of(&second).count, 1);
    assert_signs_with(&second, kids.current);
    stop(&second);
    simulated_machine_free(machine);
    simulated_authority_free(authority);
}

static void test_an_administrator_gets_another_key_at_once(void **)
{
    struct service_keys service;
    start(&service, NULL);
    assert_ok(signing_keys_start(service.keys));
    const struct kids before = wait_for_next(&service);
    struct refusal why = {};
    assert_ok(signing_keys_rotate(service.keys, &why));
    assert_string_equal(kids_of(&service).current, before.next);
    assert_signs_with(&service, before.next);
    const struct kids after = wait_for_next(&service);
    assert_int_equal(after.count, 3);
    for (int i = 0; i < 500 && listed(&service) < 3; i++) (void)usleep(10000);
    assert_int_equal(listed(&service), 3); /* the one before stays */
    CLEANUP(buffer_done) struct buffer history = buffer_of_maximum(KEY_HISTORY_MAX_BYTES);
    assert_ok(signing_keys_history(service.keys, &history));
    assert_true(history.size > 0);
    stop(&service);
}

static void test_keys_rotate_by_themselves(void **)
{
    struct service_keys service;
    start(&service, NULL);
    assert_ok(signing_keys_start(service.keys));
    const struct kids before = wait_for_next(&service);
    clock_set(service.clock, STAGE_NOW + 30 * 86400);
    signing_keys_changed(service.keys);
    for (int i = 0; i < 500 && strcmp(kids_of(&service).current, before.next) != 0; i++) (void)usleep(10000);
    assert_string_equal(kids_of(&service).current, before.next);
    (void)wait_for_next(&service);
    stop(&service);
}

/* Another machine cannot open them: it makes its own, and both are listed. */
static void test_another_machine_makes_its_own_keys(void **)
{
    struct service_keys first, second;
    start(&first, NULL);
    stop(&first);
    start(&second, NULL);
    assert_int_equal(kids_of(&second).count, 2);
    assert_int_equal(listed(&second), 2);
    stop(&second);
}

#define in_a_folder(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    /* The threads' own arenas reserve more address space than signers may have; programs fork before there are any. */
    (void)mallopt(M_ARENA_MAX, 1);
    const struct CMUnitTest tests[] = {
        in_a_folder(test_the_first_key_is_there_at_once_and_the_next_behind_the_start),
        in_a_folder(test_the_key_is_the_same_after_a_restart),
        in_a_folder(test_an_administrator_gets_another_key_at_once),
        in_a_folder(test_keys_rotate_by_themselves),
        in_a_folder(test_another_machine_makes_its_own_keys),
    };
    return cmocka_run_group_tests_name("attestation/signing/keys", tests, NULL, NULL);
}
