/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/own_token.h"

#include "testing.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_without_its_thread),
        cmocka_unit_test(test_nothing_to_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
