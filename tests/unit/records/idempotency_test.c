/* SPDX-License-Identifier: Apache-2.0 */
#include "records/idempotency.h"

#include "records_testing.h"

static struct place place;

static int set_up(void **)
{
    place_make(&place);
    place_open(&place);
    return 0;
}

static int tear_down(void **)
{
    place_remove(&place);
    return 0;
}

static const struct idempotency_key asked = {.account = "1", .key = {(const uint8_t *)"key", 3}, .request = {1}};

static enum status find(const struct idempotency_key *key, int64_t now_s, const char *expected_body)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(place.store, &transaction));
    CLEANUP(buffer_done) struct buffer storage = {};
    struct idempotency_answer answer;
    TRY(idempotency_find(transaction, key, now_s, &storage, &answer));
    assert_int_equal(answer.status, 201);
    assert_slice_equal(answer.headers, SLICE_LITERAL("location: x"));
    assert_slice_equal(answer.body, slice_of_text(expected_body));
    return OK;
}

static enum status keep(const struct idempotency_key *key, int64_t now_s, const char *body, bool commit)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(place.store, &transaction));
    const struct idempotency_answer answer = {
        .status = 201, .headers = SLICE_LITERAL("location: x"), .body = slice_of_text(body)};
    TRY(idempotency_keep(transaction, key, now_s, &answer));
    return commit ? store_commit(&transaction) : OK;
}

static void test_a_retry_gets_the_first_answer(void **)
{
    assert_status(find(&asked, 1000, ""), ERR_NOT_FOUND);
    assert_ok(keep(&asked, 1000, "first", true));
    assert_ok(find(&asked, 1001, "first"));
    assert_status(keep(&asked, 1001, "second", true), ERR_CONFLICT);
    place_close(&place);
    place_open(&place);
    assert_ok(find(&asked, 1001, "first"));
}

static void test_it_goes_with_the_effect(void **)
{
    assert_ok(keep(&asked, 1000, "first", false));
    assert_status(find(&asked, 1001, ""), ERR_NOT_FOUND);
}

static void test_other_accounts_and_keys_have_their_own(void **)
{
    assert_ok(keep(&asked, 1000, "first", true));
    struct idempotency_key other = asked;
    other.account = "2";
    assert_status(find(&other, 1000, ""), ERR_NOT_FOUND);
    other = asked;
    other.key = SLICE_LITERAL("kez");
    assert_status(find(&other, 1000, ""), ERR_NOT_FOUND);
}

static void test_a_key_used_for_something_else_is_noticed(void **)
{
    assert_ok(keep(&asked, 1000, "first", true));
    struct idempotency_key other = asked;
    other.request[31] = 1;
    assert_status(find(&other, 1000, ""), ERR_CONFLICT);
    assert_status(keep(&other, 1000, "second", true), ERR_CONFLICT);
}

static void test_after_a_day_it_is_forgotten(void **)
{
    assert_ok(keep(&asked, 1000, "first", true));
    assert_ok(find(&asked, 1000 + IDEMPOTENCY_KEEP_S - 1, "first"));
    assert_status(find(&asked, 1000 + IDEMPOTENCY_KEEP_S, ""), ERR_NOT_FOUND);
    assert_ok(keep(&asked, 1000 + IDEMPOTENCY_KEEP_S, "second", true));
    assert_ok(find(&asked, 1000 + IDEMPOTENCY_KEEP_S, "second"));
}

static void test_keys_are_bounded_visible_text(void **)
{
    struct refusal why = {};
    assert_ok(idempotency_key_check(SLICE_LITERAL("0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"), NULL));
    assert_status(idempotency_key_check(SLICE_LITERAL(""), &why), ERR_FIELD_VALUE);
    assert_string_equal(why.field, "idempotency-key");
    assert_status(idempotency_key_check(SLICE_LITERAL("a b"), NULL), ERR_FIELD_VALUE);
    assert_status(idempotency_key_check(SLICE_LITERAL("\x7f"), NULL), ERR_FIELD_VALUE);
    char longest[IDEMPOTENCY_KEY_MAX_BYTES + 1];
    memset(longest, 'k', sizeof(longest));
    assert_status(idempotency_key_check(SLICE_ARRAY(longest), NULL), ERR_FIELD_VALUE);
    struct idempotency_key bad = asked;
    bad.key = SLICE_LITERAL("");
    assert_status(keep(&bad, 1000, "", true), ERR_FIELD_VALUE);
}

static void test_answers_are_bounded(void **)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    assert_ok(store_begin(place.store, &transaction));
    const struct idempotency_answer answer = {.body = {(const uint8_t *)"", IDEMPOTENCY_BODY_MAX_BYTES + 1}};
    assert_status(idempotency_keep(transaction, &asked, 1000, &answer), ERR_TOO_LARGE);
}

#define IDEMPOTENCY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IDEMPOTENCY_TEST(test_a_retry_gets_the_first_answer),
        IDEMPOTENCY_TEST(test_it_goes_with_the_effect),
        IDEMPOTENCY_TEST(test_other_accounts_and_keys_have_their_own),
        IDEMPOTENCY_TEST(test_a_key_used_for_something_else_is_noticed),
        IDEMPOTENCY_TEST(test_after_a_day_it_is_forgotten),
        IDEMPOTENCY_TEST(test_keys_are_bounded_visible_text),
        IDEMPOTENCY_TEST(test_answers_are_bounded),
    };
    return cmocka_run_group_tests_name("records/idempotency", tests, NULL, NULL);
}
