/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/json.h"
#include "testing.h"

#include <fcntl.h>

/* Runs `write_lines` with standard error in a file and returns what stands there then. */
static struct buffer captured(void (*write_lines)(void))
{
    char path[] = "/tmp/lazaret-log-test-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    const int saved = dup(STDERR_FILENO);
    (void)dup2(file, STDERR_FILENO);
    write_lines();
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    (void)close(file);
    struct buffer text = read_whole(path);
    (void)unlink(path);
    return text;
}

static void write_one(void)
{
    log_set_program("test");
    log_event(LOG_INFO, "session.refused", log_status(ERR_SIGN_IN), log_number(LOG_COUNT, -3),
              log_text(LOG_DETAIL, "a \"quoted\"\nline\\"));
    log_event(LOG_DEBUG, "not.written", log_number(LOG_COUNT, 1));
}

static void test_a_line_is_one_json_object(void **)
{
    CLEANUP(buffer_done) struct buffer text = captured(write_one);
    CLEANUP(json_done) json_t *line = NULL;
    assert_ok(json_parse(slice_of(text.bytes, text.size - 1), 4096, NULL, &line));
    assert_string_equal(json_string_value(json_object_get(line, "event")), "session.refused");
    assert_string_equal(json_string_value(json_object_get(line, "status")), "ERR_SIGN_IN");
    assert_string_equal(json_string_value(json_object_get(line, "program")), "test");
    assert_string_equal(json_string_value(json_object_get(line, "detail")), "a \"quoted\"?line\\");
    assert_int_equal(json_integer_value(json_object_get(line, "count")), -3);
}

static void write_refusal(void)
{
    struct refusal why = {};
    (void)!refuse(&why, ERR_FIELD_VALUE, "Patient.name", "a name", "%s", "Canary");
    log_refusal(LOG_WARNING, "request.refused", &why);
}

static void test_a_refusal_is_logged_without_what_was_seen(void **)
{
    CLEANUP(buffer_done) struct buffer text = captured(write_refusal);
    const char *line;
    assert_ok(buffer_text(&text, &line));
    assert_non_null(strstr(line, "Patient.name"));
    assert_null(strstr(line, "Canary"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_is_one_json_object),
        cmocka_unit_test(test_a_refusal_is_logged_without_what_was_seen),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
