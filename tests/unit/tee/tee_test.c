/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/tee.h"

#include "testing.h"

static void test_without_a_tee_the_refusal_says_what_to_do(void **)
{
    (void)unsetenv("LAZARET_SOFTTEE");
    struct tee *tee = NULL;
    struct refusal why = {};
    assert_status(tee_open(&why, &tee), ERR_TEE_ABSENT);
    assert_null(tee);
    assert_true(strlen(why.fix) > 0);
}

static enum status remote_quote(void *context, struct slice data, struct buffer *quote)
{
    *(size_t *)context += data.size;
    return buffer_append_text(quote, "remote quote");
}

static void test_one_that_another_process_keeps_gives_quotes_over_data_alone(void **)
{
    struct tee *tee = NULL;
    size_t seen = 0;
    assert_ok(tee_new_remote(remote_quote, &seen, &tee));
    CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(100);
    CLEANUP(secret_done) struct secret key = {};
    struct tee_measurement measurement;
    const uint8_t report_data[TEE_REPORT_DATA_BYTES] = {};
    assert_ok(tee_quote_data(tee, SLICE_LITERAL("data"), &quote));
    assert_true(slice_equal_text(buffer_slice(&quote), "remote quote"));
    assert_int_equal(seen, 4);
    assert_true(tee_quote(tee, report_data, &quote) != OK);
    assert_true(tee_sealing_key(tee, SLICE_LITERAL("label"), &key) != OK);
    assert_true(tee_measure(tee, &measurement) != OK);
    assert_int_equal(tee_descriptor(tee), -1);
    tee_free(tee);
}

#ifdef LAZARET_SIMULATION

#include "tee/softtee_message.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

static void assert_absent(const char *value, const char *seen)
{
    assert_int_equal(setenv("LAZARET_SOFTTEE", value, 1), 0);
    struct tee *tee = NULL;
    struct refusal why = {};
    assert_status(tee_open(&why, &tee), ERR_TEE_ABSENT);
    assert_string_equal(why.seen, seen);
}

static void test_another_value_or_descriptor_is_no_tee(void **)
{
    assert_absent("4", "another value");
    assert_absent("", "another value");
    (void)close(SOFTTEE_DESCRIPTOR);
    assert_absent("3", "no such socket");
    const int file = open("/dev/null", O_RDONLY);
    assert_int_equal(dup2(file, SOFTTEE_DESCRIPTOR), SOFTTEE_DESCRIPTOR);
    assert_absent("3", "no such socket");
    (void)close(SOFTTEE_DESCRIPTOR);
    if (file != SOFTTEE_DESCRIPTOR) (void)close(file);
}

/* A launcher that gives prepared answers, one to each request. */
struct launcher {
    int socket;
    struct slice answer;
    size_t count;
    uint8_t request[128];
    size_t request_size;
    pthread_t thread;
};

static void *answer(void *context)
{
    struct launcher *const launcher = context;
    for (size_t i = 0; i < launcher->count; i++) {
        const ssize_t got = recv(launcher->socket, launcher->request, sizeof(launcher->request), 0);
        if (got <= 0) return NULL;
        launcher->request_size = (size_t)got;
        (void)!send(launcher->socket, launcher->answer.bytes, launcher->answer.size, 0);
    }
    return NULL;
}

static struct tee *open_with(struct launcher *launcher)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    const int high = fcntl(ends[0], F_DUPFD, 30), theirs = fcntl(ends[1], F_DUPFD, 30);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_int_equal(dup2(theirs, SOFTTEE_DESCRIPTOR), SOFTTEE_DESCRIPTOR);
    (void)close(theirs);
    assert_int_equal(setenv("LAZARET_SOFTTEE", "3", 1), 0);
    struct tee *tee = NULL;
    assert_ok(tee_open(NULL, &tee));
    launcher->socket = high;
    assert_int_equal(pthread_create(&launcher->thread, NULL, answer, launcher), 0);
    return tee;
}

static void end(struct tee *tee, struct launcher *launcher)
{
    tee_free(tee);
    (void)pthread_join(launcher->thread, NULL);
    (void)close(launcher->socket);
}

static void test_what_was_handed_over_is_taken_away(void **)
{
    struct launcher launcher = {.count = 1};
    struct tee *const tee = open_with(&launcher);
    assert_string_equal(tee_name(tee), "softtee");
    assert_null(getenv("LAZARET_SOFTTEE"));
    assert_int_equal(fcntl(SOFTTEE_DESCRIPTOR, F_GETFD), -1);
    end(tee, &launcher);
}

static void test_quotes_and_keys_come_through(void **)
{
    struct launcher launcher = {.answer = SLICE_LITERAL("\0quote"), .count = 1};
    struct tee *tee = open_with(&launcher);
    const uint8_t report_data[TEE_REPORT_DATA_BYTES] = {7};
    CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(100);
    assert_ok(tee_quote(tee, report_data, &quote));
    assert_true(slice_equal_text(buffer_slice(&quote), "quote"));
    assert_int_equal(launcher.request_size, 65);
    assert_int_equal(launcher.request[0], SOFTTEE_QUOTE);
    assert_int_equal(launcher.request[1], 7);
    end(tee, &launcher);
    struct launcher second = {.answer = SLICE_LITERAL("\0"
                                                      "0123456789abcdef0123456789abcdef"),
                              .count = 1};
    tee = open_with(&second);
    CLEANUP(secret_done) struct secret key = {};
    assert_status(tee_sealing_key(tee, SLICE_LITERAL(""), &key), ERR_FIELD_VALUE);
    assert_ok(tee_sealing_key(tee, SLICE_LITERAL("label"), &key));
    assert_true(slice_equal_text(secret_slice(&key), "0123456789abcdef0123456789abcdef"));
    end(tee, &second);
}

static void test_measurements_come_through(void **)
{
    static const uint8_t answer_bytes[69] = {[1] = 0xaa, [33] = 0xbb, [66] = 3, [68] = 4};
    struct launcher launcher = {.answer = SLICE_ARRAY(answer_bytes), .count = 1};
    struct tee *const tee = open_with(&launcher);
    struct tee_measurement measurement;
    assert_ok(tee_measure(tee, &measurement));
    assert_int_equal(measurement.mrenclave[0], 0xaa);
    assert_int_equal(measurement.mrsigner[0], 0xbb);
    assert_int_equal(measurement.product_id, 3);
    assert_int_equal(measurement.svn, 4);
    end(tee, &launcher);
}

static void test_after_a_bad_answer_the_tee_answers_no_more(void **)
{
    struct launcher launcher = {.answer = SLICE_LITERAL("\1"), .count = 1};
    struct tee *const tee = open_with(&launcher);
    CLEANUP(secret_done) struct secret key = {};
    assert_status(tee_sealing_key(tee, SLICE_LITERAL("label"), &key), ERR_TEE_PROTOCOL);
    assert_status(tee_sealing_key(tee, SLICE_LITERAL("label"), &key), ERR_TEE_PROTOCOL);
    end(tee, &launcher);
}

static void test_a_short_key_is_refused(void **)
{
    struct launcher launcher = {.answer = SLICE_LITERAL("\0short"), .count = 1};
    struct tee *const tee = open_with(&launcher);
    CLEANUP(secret_done) struct secret key = {};
    assert_status(tee_sealing_key(tee, SLICE_LITERAL("label"), &key), ERR_TEE_PROTOCOL);
    end(tee, &launcher);
}

static void test_a_launcher_that_is_gone_is_noticed(void **)
{
    struct launcher launcher = {.count = 0};
    struct tee *const tee = open_with(&launcher);
    (void)pthread_join(launcher.thread, NULL);
    (void)close(launcher.socket);
    struct tee_measurement measurement;
    assert_status(tee_measure(tee, &measurement), ERR_TEE_PROTOCOL);
    tee_free(tee);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_tee_the_refusal_says_what_to_do),
        cmocka_unit_test(test_one_that_another_process_keeps_gives_quotes_over_data_alone),
#ifdef LAZARET_SIMULATION
        cmocka_unit_test(test_another_value_or_descriptor_is_no_tee),
        cmocka_unit_test(test_what_was_handed_over_is_taken_away),
        cmocka_unit_test(test_quotes_and_keys_come_through),
        cmocka_unit_test(test_measurements_come_through),
        cmocka_unit_test(test_after_a_bad_answer_the_tee_answers_no_more),
        cmocka_unit_test(test_a_short_key_is_refused),
        cmocka_unit_test(test_a_launcher_that_is_gone_is_noticed),
#endif
    };
    return cmocka_run_group_tests_name("tee/tee", tests, NULL, NULL);
}
