/* SPDX-License-Identifier: Apache-2.0 */
#include "records/resp.h"

#include "testing.h"

static enum status read_text(const char *text, struct resp_reply *reply_out, size_t *left_out)
{
    struct reader reader = reader_over(slice_of_text(text));
    const enum status status = resp_read(&reader, reply_out);
    *left_out = reader_left(&reader);
    return status;
}

static struct resp_reply read_one(const char *text)
{
    struct resp_reply reply = {};
    size_t left;
    assert_ok(read_text(text, &reply, &left));
    assert_int_equal(left, 0);
    return reply;
}

static void assert_refused(const char *text)
{
    struct resp_reply reply;
    size_t left;
    assert_status(read_text(text, &reply, &left), ERR_CACHE);
    assert_int_equal(left, strlen(text));
}

static void test_each_kind(void **)
{
    struct resp_reply reply = read_one("+OK\r\n");
    assert_int_equal(reply.values[0].kind, RESP_STATUS);
    assert_true(slice_equal_text(reply.values[0].text, "OK"));
    reply = read_one("-ERR no\r\n");
    assert_int_equal(reply.values[0].kind, RESP_ERROR);
    reply = read_one(":-42\r\n");
    assert_int_equal(reply.values[0].number, -42);
    reply = read_one("$3\r\na\r\n\r\n");
    assert_int_equal(reply.values[0].kind, RESP_BULK);
    assert_true(slice_equal_text(reply.values[0].text, "a\r\n"));
    reply = read_one("$0\r\n\r\n");
    assert_int_equal(reply.values[0].kind, RESP_BULK);
    assert_int_equal(read_one("$-1\r\n").values[0].kind, RESP_NULL);
    assert_int_equal(read_one("*-1\r\n").values[0].kind, RESP_NULL);
}

static void test_arrays_stand_before_their_elements(void **)
{
    const struct resp_reply reply = read_one("*3\r\n:1\r\n*1\r\n+a\r\n$1\r\nb\r\n");
    assert_int_equal(reply.count, 5);
    assert_int_equal(reply.values[0].number, 3);
    assert_int_equal(reply.values[2].kind, RESP_ARRAY);
    assert_true(slice_equal_text(reply.values[3].text, "a"));
    assert_true(slice_equal_text(reply.values[4].text, "b"));
}

static void test_every_shorter_prefix_asks_for_more(void **)
{
    const char text[] = "*3\r\n:1\r\n*1\r\n+a\r\n$1\r\nb\r\n";
    for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
        struct reader reader = reader_over(slice_of(text, cut));
        struct resp_reply reply;
        assert_status(resp_read(&reader, &reply), ERR_TRUNCATED);
        assert_int_equal(reader_left(&reader), cut);
    }
}

static void test_what_follows_is_left(void **)
{
    struct resp_reply reply;
    size_t left;
    assert_ok(read_text("+OK\r\n+more", &reply, &left));
    assert_int_equal(left, 5);
}

static void test_claims_over_the_maximum_are_refused_at_once(void **)
{
    assert_refused("$1048577\r\n");
    assert_refused("$9223372036854775807\r\n");
    assert_refused("$99999999999999999999999\r\n");
    assert_refused("*65\r\n");
    assert_refused("*2147483647\r\n");
    assert_refused("$-2\r\n");
    assert_refused("*-2\r\n");
}

static void test_arrays_count_together(void **)
{
    struct resp_reply reply;
    size_t left;
    assert_status(read_text("*64\r\n", &reply, &left), ERR_TRUNCATED);
    /* 2 arrays that claim 62 and 1: all in all 65 elements. */
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(4096);
    assert_ok(buffer_append_text(&text, "*2\r\n*62\r\n"));
    for (int i = 0; i < 62; i++) assert_ok(buffer_append_text(&text, ":1\r\n"));
    assert_ok(buffer_append_text(&text, "*1\r\n:1\r\n"));
    const char *whole;
    assert_ok(buffer_text(&text, &whole));
    assert_refused(whole);
}

static void test_depth_is_bounded(void **)
{
    (void)read_one("*1\r\n*1\r\n:1\r\n");
    assert_refused("*1\r\n*1\r\n*1\r\n:1\r\n");
}

static void test_lines_are_bounded_and_whole(void **)
{
    char line[RESP_LINE_MAX_BYTES + 8] = "+";
    memset(line + 1, 'a', RESP_LINE_MAX_BYTES + 2);
    assert_refused(line);
    assert_refused("+a\nb\r\n");
    assert_refused("+a\rb\r\n");
    assert_refused("$1\r\nabc");
}

static void test_other_forms_are_refused(void **)
{
    assert_refused("HTTP/1.1 400 Bad Request\r\n");
    assert_refused(":\r\n");
    assert_refused(":-\r\n");
    assert_refused(":+1\r\n");
    assert_refused(":1a\r\n");
    assert_refused("%1\r\n");
    assert_refused("_\r\n");
}

static void test_commands(void **)
{
    const struct slice arguments[] = {SLICE_LITERAL("GET"), SLICE_LITERAL("a\r\n")};
    CLEANUP(buffer_done) struct buffer command = buffer_of_maximum(64);
    assert_ok(resp_write_command(arguments, 2, &command));
    assert_slice_equal(buffer_slice(&command), SLICE_LITERAL("*2\r\n$3\r\nGET\r\n$3\r\na\r\n\r\n"));
    CLEANUP(buffer_done) struct buffer small = buffer_of_maximum(8);
    assert_status(resp_write_command(arguments, 2, &small), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind),
        cmocka_unit_test(test_arrays_stand_before_their_elements),
        cmocka_unit_test(test_every_shorter_prefix_asks_for_more),
        cmocka_unit_test(test_what_follows_is_left),
        cmocka_unit_test(test_claims_over_the_maximum_are_refused_at_once),
        cmocka_unit_test(test_arrays_count_together),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_lines_are_bounded_and_whole),
        cmocka_unit_test(test_other_forms_are_refused),
        cmocka_unit_test(test_commands),
    };
    return cmocka_run_group_tests_name("records/resp", tests, NULL, NULL);
}
