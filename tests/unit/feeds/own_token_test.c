/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/own_token.h"

#include "tokens.h"

#include <unistd.h>

/* An enclave whose evidence is appraised as the test says. */
static struct {
    struct token_fixture tokens;
    struct enclave *enclave;
    struct clock *clock;
    int64_t issued_s;
    _Atomic unsigned arrived;
} place;

enum status tee_quote_data(struct tee *, struct slice, struct buffer *evidence)
{
    return buffer_append_text(evidence, "a quote");
}

static enum status appraise(void *, struct slice, struct slice runtime_data, struct refusal *, struct buffer *token)
{
    struct test_token text = {
        .issuer = TOKEN_TEST_ISSUER,
        .issued_s = place.issued_s,
        .runtime = runtime_data,
        .policy_hash = TOKEN_TEST_POLICY,
        .product_id = TOKEN_TEST_PRODUCT,
        .svn = TOKEN_TEST_SVN,
    };
    memset(text.mrenclave, 0xee, 32);
    CLEANUP(json_done) json_t *payload = test_token_payload(&text);
    return attestation_token_sign(payload, TOKEN_TEST_KID, place.tokens.issuer, token);
}

static void arrived(void *, struct slice, const struct token_claims *)
{
    place.arrived++;
}

static int make(void **)
{
    const struct enclave_options options = {
        .service = "platform", .version = "1", .deployment = TOKEN_TEST_DEPLOYMENT, .has_hpke = true};
    CLEANUP(key_cleanup) struct key *issuer = NULL;
    assert_ok(key_generate(KEY_P256, 0, &issuer));
    token_fixture_init(&place.tokens, issuer);
    place.arrived = 0;
    assert_ok(enclave_new(NULL, &options, &place.enclave));
    assert_ok(clock_new_fixed(TOKEN_TEST_NOW_S, &place.clock));
    return 0;
}

static int clear(void **)
{
    clock_cleanup(&place.clock);
    enclave_free(place.enclave);
    token_fixture_done(&place.tokens);
    return 0;
}

static struct own_token *feed_of(bool is_issuer)
{
    const struct own_token_options options = {
        .clock = place.clock,
        .enclave = place.enclave,
        .rules = &place.tokens.rules,
        .role = &place.tokens.role,
        .appraise = appraise,
        .is_issuer = is_issuer,
        .arrived = arrived,
    };
    struct own_token *feed = NULL;
    assert_ok(own_token_new(&options, &feed));
    return feed;
}

/* Until the feed has a token, or says why it has none. */
static enum status outcome_of(struct own_token *feed)
{
    for (int i = 0; i < 3000; i++) {
        struct refusal why = {};
        if (own_token_get(feed, &why, NULL, NULL, NULL) == OK) return OK;
        if (why.status != OK) return why.status;
        (void)usleep(10000);
    }
    return ERR_TIMEOUT;
}

static void test_a_token_raises_the_floor_to_its_time_of_issue(void **)
{
    struct own_token *const feed = feed_of(false);
    place.issued_s = TOKEN_TEST_NOW_S + TOKEN_CLOCK_SLACK_S;
    assert_ok(own_token_start(feed));
    assert_ok(outcome_of(feed));
    assert_int_equal(place.arrived, 1);
    assert_int_equal(clock_floor_s(place.clock), place.issued_s);
    own_token_free(feed);
}

/* An attestation service whose clock is ahead: its tokens are refused before they can move anybody's clock. */
static void test_a_token_of_the_future_is_refused_and_moves_no_floor(void **)
{
    static const int64_t ahead_s[] = {TOKEN_CLOCK_SLACK_S + 1, 3600, 365 * 24 * 3600};
    for (size_t i = 0; i < sizeof(ahead_s) / sizeof(ahead_s[0]); i++) {
        struct own_token *const feed = feed_of(false);
        place.issued_s = TOKEN_TEST_NOW_S + ahead_s[i];
        assert_ok(own_token_start(feed));
        assert_status(outcome_of(feed), ERR_TOKEN_NOT_YET_VALID);
        assert_int_equal(place.arrived, 0);
        assert_int_equal(clock_floor_s(place.clock), 0);
        own_token_free(feed);
    }
}

static void test_a_token_of_the_past_is_refused(void **)
{
    struct own_token *const feed = feed_of(false);
    place.issued_s = TOKEN_TEST_NOW_S - TOKEN_DEFAULT_MAX_AGE_S;
    assert_ok(own_token_start(feed));
    assert_status(outcome_of(feed), ERR_TOKEN_EXPIRED);
    own_token_free(feed);
}

/* The attestation service's own tokens carry its own host's time: kept as a floor, a wrong clock would never mend. */
static void test_a_token_that_this_program_issued_moves_no_floor(void **)
{
    struct own_token *const feed = feed_of(true);
    place.issued_s = TOKEN_TEST_NOW_S;
    assert_ok(own_token_start(feed));
    assert_ok(outcome_of(feed));
    assert_int_equal(place.arrived, 1);
    assert_int_equal(clock_floor_s(place.clock), 0);
    own_token_free(feed);
}

static struct key *first_key;

static void note_keys(void *, struct slice, const struct token_claims *claims)
{
    const struct key *const key = claims->runtime.keys[KEY_USE_HPKE];
    /* What is shown is what the enclave holds now, and all other keys stay what they were. */
    if (!key_equal(key, enclave_key(place.enclave, KEY_USE_HPKE))) return;
    if (!key_equal(claims->runtime.keys[KEY_USE_TLS], enclave_key(place.enclave, KEY_USE_TLS))) return;
    if (first_key == NULL) {
        first_key = key_share(key);
        place.arrived = 1;
    } else if (!key_equal(key, first_key)) {
        place.arrived = 2;
    }
}

static void test_a_renewed_key_comes_with_a_token_that_names_it(void **)
{
    const struct own_token_options options = {
        .clock = place.clock,
        .enclave = place.enclave,
        .rules = &place.tokens.rules,
        .role = &place.tokens.role,
        .appraise = appraise,
        .arrived = note_keys,
    };
    struct own_token *feed = NULL;
    place.issued_s = TOKEN_TEST_NOW_S;
    assert_ok(own_token_new(&options, &feed));
    own_token_renew_key_every(feed, 100);
    assert_ok(own_token_start(feed));
    for (int i = 0; i < 3000 && place.arrived < 2; i++) (void)usleep(10000);
    assert_int_equal(place.arrived, 2);
    own_token_free(feed);
    key_cleanup(&first_key);
}

/* A listener may ask as soon as it is open, before the feed's thread runs and after it has ended. */
static void test_answers_without_its_thread(void **)
{
    const struct own_token_options options = {};
    struct own_token *feed = NULL;
    assert_ok(own_token_new(&options, &feed));
    struct refusal why = {};
    struct buffer token = buffer_of_maximum(TOKEN_MAX_BYTES);
    assert_status(own_token_get(feed, &why, &token, NULL, NULL), ERR_FEED_STALE);
    assert_int_equal(token.size, 0);
    own_token_stop(feed);
    assert_status(own_token_get(feed, &why, NULL, NULL, NULL), ERR_FEED_STALE);
    own_token_free(feed);
    buffer_done(&token);
}

static void test_nothing_to_end(void **)
{
    own_token_stop(NULL);
    own_token_free(NULL);
}

#define FEED_TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_without_its_thread),
        cmocka_unit_test(test_nothing_to_end),
        FEED_TEST(test_a_token_raises_the_floor_to_its_time_of_issue),
        FEED_TEST(test_a_token_of_the_future_is_refused_and_moves_no_floor),
        FEED_TEST(test_a_token_of_the_past_is_refused),
        FEED_TEST(test_a_token_that_this_program_issued_moves_no_floor),
        FEED_TEST(test_a_renewed_key_comes_with_a_token_that_names_it),
    };
    return cmocka_run_group_tests_name("feeds/own_token", tests, NULL, NULL);
}
