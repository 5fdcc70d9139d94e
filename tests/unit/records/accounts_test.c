/* SPDX-License-Identifier: Apache-2.0 */
#include "records/accounts.h"

#include "base/clock.h"
#include "crypto/password.h"
#include "records_testing.h"

static struct place place;
static struct accounts *accounts;

static int set_up(void **)
{
    place_make(&place);
    place_open(&place);
    CLEANUP(buffer_done) struct buffer hash = buffer_of_maximum(PASSWORD_HASH_MAX_BYTES);
    assert_ok(password_hash(SLICE_LITERAL("administrator's"), &hash));
    const char *text;
    assert_ok(buffer_text(&hash, &text));
    const struct accounts_options options = {
        .store = place.store, .administrator_user = "admin", .administrator_hash = text};
    assert_ok(accounts_new(&options, &accounts));
    return 0;
}

static int tear_down(void **)
{
    accounts_cleanup(&accounts);
    place_remove(&place);
    return 0;
}

static struct account_form form_of(const char *user, const char *role)
{
    return (struct account_form){.user = slice_of_text(user),
                                 .name = SLICE_LITERAL("Ida Zebra"),
                                 .role = slice_of_text(role),
                                 .password = SLICE_LITERAL("correct horse")};
}

static enum status add(const struct account_form *form)
{
    struct account_draft draft;
    TRY(account_draft(form, NULL, &draft));
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(place.store, &transaction));
    TRY(account_add(accounts, transaction, &draft));
    return store_commit(&transaction);
}

static enum status sign_in(const char *user, const char *password, int64_t now_s, struct account *account_out,
                           int64_t *retry_after_s_out)
{
    return accounts_sign_in(accounts, slice_of_text(user), slice_of_text(password), now_s, account_out,
                            retry_after_s_out);
}

static void test_an_account_signs_in(void **)
{
    const struct account_form form = form_of("Ida.Zebra", "clinician");
    assert_ok(add(&form));
    struct account account;
    assert_ok(sign_in("ida.zebra", "correct horse", 1000, &account, NULL));
    assert_string_equal(account.user, "ida.zebra");
    assert_string_equal(account.name, "Ida Zebra");
    assert_int_equal(account.role, ROLE_CLINICIAN);
    assert_true(record_id_is_valid(slice_of_text(account.id)));
    assert_ok(sign_in("IDA.Zebra", "correct horse", 1000, &account, NULL));
    place_close(&place);
    CLEANUP(buffer_done) struct buffer file = read_whole(place.store_path);
    assert_null(memmem(file.bytes, file.size, "zebra", 5));
    assert_null(memmem(file.bytes, file.size, "argon2", 6));
}

static void test_wrong_and_unknown_look_alike(void **)
{
    const struct account_form form = form_of("ida", "clerk");
    assert_ok(add(&form));
    struct account account;
    assert_status(sign_in("ida", "wrong horse", 1000, &account, NULL), ERR_SIGN_IN);
    assert_status(sign_in("otto", "correct horse", 1000, &account, NULL), ERR_SIGN_IN);
    assert_status(sign_in("", "correct horse", 1000, &account, NULL), ERR_SIGN_IN);
    assert_status(sign_in("a b", "correct horse", 1000, &account, NULL), ERR_SIGN_IN);
    assert_status(sign_in("ida", "", 1000, &account, NULL), ERR_SIGN_IN);
}

/* Both ways hash once with the same parameters; the times are of one order on any machine. */
static void test_unknown_names_take_the_same_effort(void **)
{
    const struct account_form form = form_of("ida", "clerk");
    assert_ok(add(&form));
    struct account account;
    int64_t known_ms = 0, unknown_ms = 0;
    for (int i = 0; i < 4; i++) {
        const int64_t start_ms = clock_monotonic_ms();
        assert_status(sign_in("ida", "wrong horse", 1000, &account, NULL), ERR_SIGN_IN);
        const int64_t middle_ms = clock_monotonic_ms();
        assert_status(sign_in("otto", "wrong horse", 1000, &account, NULL), ERR_SIGN_IN);
        known_ms += middle_ms - start_ms;
        unknown_ms += clock_monotonic_ms() - middle_ms;
    }
    assert_true(unknown_ms * 4 > known_ms && known_ms * 4 > unknown_ms);
}

static void test_failures_are_throttled(void **)
{
    struct account account;
    int64_t retry_after_s = 0;
    for (int i = 0; i < ACCOUNT_ATTEMPTS; i++)
        assert_status(sign_in("admin", "wrong", 1000, &account, &retry_after_s), ERR_SIGN_IN);
    assert_status(sign_in("Admin", "administrator's", 1100, &account, &retry_after_s), ERR_THROTTLED);
    assert_int_equal(retry_after_s, ACCOUNT_WINDOW_S - 100);
    assert_ok(sign_in("admin", "administrator's", 1000 + ACCOUNT_WINDOW_S, &account, NULL));
}

static void test_the_first_administrator_is_the_manifests(void **)
{
    struct account account;
    assert_ok(sign_in("ADMIN", "administrator's", 1000, &account, NULL));
    assert_string_equal(account.id, ACCOUNT_FIRST_ID);
    assert_int_equal(account.role, ROLE_ADMINISTRATOR);
    const struct account_form form = form_of("Admin", "clerk");
    assert_status(add(&form), ERR_CONFLICT);
}

static void test_a_user_name_is_taken_once(void **)
{
    const struct account_form first = form_of("ida", "clerk"), second = form_of("IDA", "clinician");
    assert_ok(add(&first));
    assert_status(add(&second), ERR_CONFLICT);
}

static void assert_form_refused(struct account_form form, const char *field)
{
    struct account_draft draft;
    struct refusal why = {};
    assert_status(account_draft(&form, &why, &draft), ERR_FIELD_VALUE);
    assert_string_equal(why.field, field);
    assert_null(strstr(why.seen, "horse"));
}

static void test_bad_forms_are_refused_by_field(void **)
{
    assert_form_refused(form_of("", "clerk"), "user");
    assert_form_refused(form_of("ida zebra", "clerk"), "user");
    assert_form_refused(form_of("idä", "clerk"), "user");
    assert_form_refused(form_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "clerk"), "user");
    assert_form_refused(form_of("ida", "owner"), "role");
    struct account_form form = form_of("ida", "clerk");
    form.password = SLICE_LITERAL("horse");
    assert_form_refused(form, "password");
    form = form_of("ida", "clerk");
    form.name = SLICE_LITERAL("");
    assert_form_refused(form, "name");
    form.name = SLICE_LITERAL("a\nb");
    assert_form_refused(form, "name");
}

static void test_finding_and_listing(void **)
{
    const struct account_form first = form_of("ida", "clerk"), second = form_of("otto", "administrator");
    assert_ok(add(&first));
    assert_ok(add(&second));
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    assert_ok(store_begin(place.store, &transaction));
    struct account account;
    assert_ok(account_find(transaction, SLICE_LITERAL("Otto"), &account));
    assert_int_equal(account.role, ROLE_ADMINISTRATOR);
    assert_status(account_find(transaction, SLICE_LITERAL("x"), &account), ERR_NOT_FOUND);
    assert_status(account_find(transaction, SLICE_LITERAL("?"), &account), ERR_NOT_FOUND);
    CLEANUP(json_done) json_t *array = json_array();
    assert_ok(account_list(transaction, array));
    assert_int_equal(json_array_size(array), 2);
    assert_null(json_object_get(json_array_get(array, 0), "password_hash"));
}

static void test_json_round_trip_and_its_refusals(void **)
{
    const struct account account = {.id = "1", .user = "ida", .name = "Ida", .role = ROLE_CLERK};
    CLEANUP(json_done) json_t *object = NULL;
    assert_ok(account_json(&account, &object));
    struct account again = {};
    assert_ok(account_from_json(object, NULL, &again));
    assert_memory_equal(&account, &again, sizeof(account));
    assert_int_equal(json_object_set_new(object, "role", json_string("owner")), 0);
    assert_status(account_from_json(object, NULL, &again), ERR_FIELD_VALUE);
    assert_int_equal(json_object_del(object, "user"), 0);
    assert_status(account_from_json(object, NULL, &again), ERR_FIELD_MISSING);
}

#define ACCOUNT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCOUNT_TEST(test_an_account_signs_in),
        ACCOUNT_TEST(test_wrong_and_unknown_look_alike),
        ACCOUNT_TEST(test_unknown_names_take_the_same_effort),
        ACCOUNT_TEST(test_failures_are_throttled),
        ACCOUNT_TEST(test_the_first_administrator_is_the_manifests),
        ACCOUNT_TEST(test_a_user_name_is_taken_once),
        ACCOUNT_TEST(test_bad_forms_are_refused_by_field),
        ACCOUNT_TEST(test_finding_and_listing),
        cmocka_unit_test(test_json_round_trip_and_its_refusals),
    };
    return cmocka_run_group_tests_name("records/accounts", tests, NULL, NULL);
}
