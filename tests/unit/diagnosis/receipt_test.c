/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnosis/receipt.h"

#include "base/encoding.h"
#include "tiny_result.h"
#include "token/jws.h"

#define DEPLOYMENT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define POLICY "bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw"
#define CALLER "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"

struct desk {
    struct key *key;
    struct clock *clock;
    struct model_package package;
    struct receipt_book *book;
};

static int set_up(void **state)
{
    struct desk *const desk = calloc(1, sizeof(*desk));
    if (desk == NULL || key_generate(KEY_P256, 0, &desk->key) != OK) return -1;
    if (clock_new_fixed(1763700000, &desk->clock) != OK) return -1;
    desk->package = tiny_package("tiny.json");
    *state = desk;
    return receipt_book_new(desk->key, desk->clock, &desk->package, DEPLOYMENT, &desk->book) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct desk *const desk = *state;
    receipt_book_free(desk->book);
    clock_free(desk->clock);
    key_free(desk->key);
    free(desk);
    return 0;
}

static struct receipt issue(struct desk *desk, struct slice input)
{
    static const float suitable[] = {0, 0};
    CLEANUP(inference_result_done) struct inference_result result = result_with(1, suitable);
    struct receipt receipt = {};
    assert_ok(receipt_issue(desk->book, input, &result, CALLER, &receipt));
    return receipt;
}

/* The verified payload; the JWS borrows from the receipt. */
static struct jws verified(const struct desk *desk, const struct receipt *receipt)
{
    struct jws jws = {};
    assert_ok(jws_parse(buffer_slice(&receipt->jws), NULL, &jws));
    assert_ok(jws_verify(&jws, JWS_TYP_RECEIPT, desk->key, NULL));
    return jws;
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void without_a_token_there_is_no_receipt(void **state)
{
    struct desk *const desk = *state;
    static const float suitable[] = {0, 0};
    CLEANUP(inference_result_done) struct inference_result result = result_with(1, suitable);
    struct receipt receipt = {};
    assert_false(receipt_book_has_token(desk->book));
    assert_status(receipt_issue(desk->book, SLICE_LITERAL("in"), &result, CALLER, &receipt), ERR_TOKEN_MISSING);
    assert_null(receipt.jws.bytes);
}

static void a_receipt_says_what_was_done(void **state)
{
    struct desk *const desk = *state;
    assert_ok(receipt_book_set_token(desk->book, SLICE_LITERAL("t.o.k"), POLICY));
    assert_true(receipt_book_has_token(desk->book));
    CLEANUP(receipt_done) struct receipt receipt = issue(desk, SLICE_LITERAL("in"));
    CLEANUP(jws_done) struct jws jws = verified(desk, &receipt);
    assert_string_equal(text_of(jws.payload, "caller"), CALLER);
    assert_string_equal(text_of(jws.payload, "deployment"), DEPLOYMENT);
    assert_string_equal(text_of(jws.payload, "policy_hash"), POLICY);
    assert_string_equal(text_of(jws.payload, "token"), "t.o.k");
    assert_string_equal(text_of(jws.payload, "tcb"), "by policy");
    assert_string_equal(text_of(json_object_get(jws.payload, "model"), "name"), "tiny");
    assert_string_equal(text_of(json_object_get(jws.payload, "model"), "version"), "1.0.0");
    assert_string_equal(text_of(json_object_get(jws.payload, "model"), "digest"), hex_of_32(desk->package.sha256).text);
    assert_int_equal(json_integer_value(json_object_get(jws.payload, "iat")), 1763700000);
    assert_int_equal(json_integer_value(json_object_get(jws.payload, "counter")), 1);
    assert_true(json_is_null(json_object_get(jws.payload, "previous")));
}

static void assert_commits(const json_t *payload, const char *name, const uint8_t *salt, struct slice bytes)
{
    uint8_t mac[SHA256_BYTES];
    assert_ok(hmac_sha256(slice_of(salt, RECEIPT_SALT_BYTES), bytes, mac));
    assert_string_equal(text_of(payload, name), base64url_of_32(mac).text);
}

static void input_and_output_are_committed_to_under_fresh_salts(void **state)
{
    struct desk *const desk = *state;
    static const float suitable[] = {0, 0};
    CLEANUP(inference_result_done) struct inference_result result = result_with(1, suitable);
    CLEANUP(buffer_done) struct buffer outputs = buffer_of_maximum(1024);
    assert_ok(receipt_book_set_token(desk->book, SLICE_LITERAL("t.o.k"), POLICY));
    CLEANUP(receipt_done) struct receipt first = issue(desk, SLICE_LITERAL("in"));
    CLEANUP(receipt_done) struct receipt second = issue(desk, SLICE_LITERAL("in"));
    CLEANUP(jws_done) struct jws jws = verified(desk, &first);
    for (size_t i = 0; i < 3; i++) assert_ok(buffer_append(&outputs, buffer_slice(&result.outputs[i])));
    assert_commits(jws.payload, "input_hmac", first.input_salt, SLICE_LITERAL("in"));
    assert_commits(jws.payload, "output_hmac", first.output_salt, buffer_slice(&outputs));
    assert_memory_not_equal(first.input_salt, first.output_salt, RECEIPT_SALT_BYTES);
    assert_memory_not_equal(first.input_salt, second.input_salt, RECEIPT_SALT_BYTES);
    /* The salt does not stand in the receipt: who has the receipt alone cannot try pictures out. */
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(1 << 16);
    assert_ok(json_write(jws.payload, &payload));
    const char *text;
    assert_ok(buffer_text(&payload, &text));
    assert_null(strstr(text, base64url_of_32(first.input_salt).text));
}

static void receipts_form_a_chain(void **state)
{
    struct desk *const desk = *state;
    uint8_t hash[SHA256_BYTES];
    assert_ok(receipt_book_set_token(desk->book, SLICE_LITERAL("t.o.k"), POLICY));
    CLEANUP(receipt_done) struct receipt first = issue(desk, SLICE_LITERAL("a"));
    CLEANUP(receipt_done) struct receipt second = issue(desk, SLICE_LITERAL("b"));
    CLEANUP(jws_done) struct jws one = verified(desk, &first);
    CLEANUP(jws_done) struct jws two = verified(desk, &second);
    assert_ok(jws_hash(buffer_slice(&first.jws), hash));
    assert_string_equal(text_of(two.payload, "previous"), base64url_of_32(hash).text);
    assert_int_equal(json_integer_value(json_object_get(two.payload, "counter")), 2);
    assert_string_equal(text_of(one.payload, "run"), text_of(two.payload, "run"));
}

static void a_new_token_is_carried_from_then_on(void **state)
{
    struct desk *const desk = *state;
    assert_ok(receipt_book_set_token(desk->book, SLICE_LITERAL("t.o.k"), POLICY));
    assert_ok(receipt_book_set_token(desk->book, SLICE_LITERAL("n.e.w"), "other"));
    CLEANUP(receipt_done) struct receipt receipt = issue(desk, SLICE_LITERAL("in"));
    CLEANUP(jws_done) struct jws jws = verified(desk, &receipt);
    assert_string_equal(text_of(jws.payload, "token"), "n.e.w");
    assert_string_equal(text_of(jws.payload, "policy_hash"), "other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_token_there_is_no_receipt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_receipt_says_what_was_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(input_and_output_are_committed_to_under_fresh_salts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(receipts_form_a_chain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_token_is_carried_from_then_on, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("diagnosis/receipt", tests, NULL, NULL);
}
