/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/link/link.h"

#include "attestation/link/frame.h"
#include "base/clock.h"
#include "testing.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { DEADLINE_MS = 20000, ANSWER_MAX_BYTES = LINK_FRAME_MAX_BYTES };

/* ---- an answering side that does what the question's first letter (a capital) says ---- */

static enum status handle(void *context, struct link *link, struct slice question, struct refusal *why,
                          unsigned *step_out, struct buffer *answer)
{
    (void)context;
    const uint8_t deed = question.size > 0 ? question.bytes[0] : 0;
    *step_out = 3;
    if (deed == 'R') return refuse(why, ERR_FIELD_VALUE, "quote", "another one", "this one");
    if (deed == 'T') return refuse(why, ERR_TIMEOUT, "collateral", "in time", "too late");
    if (deed == 'X') _exit(1);
    if (deed == 'S') pause();
    if (deed == 'N') return ERR_NO_MEMORY;
    if (deed == 'B') {
        TRY(buffer_append_text(answer, "supplied: "));
        return link_ask_back(link, LINK_NEED_POLICY, slice_part(question, 1, SIZE_MAX), why, answer);
    }
    if (deed == 'E') { /* without end */
        for (;;) TRY(link_ask_back(link, LINK_NEED_PCK, SLICE_LITERAL("more"), why, answer));
    }
    return buffer_append(answer, question);
}

struct scene {
    int socket;
    pid_t child;
};

static struct scene begin(void)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct scene scene = {.socket = pair[0], .child = fork()};
    if (scene.child == 0) {
        (void)close(pair[0]);
        link_serve(pair[1], handle, NULL);
        _exit(0);
    }
    (void)close(pair[1]);
    return scene;
}

/* The answering side ends by itself when it is closed, unless it hangs. */
static void end(struct scene *scene, bool hangs)
{
    (void)close(scene->socket);
    if (hangs) (void)kill(scene->child, SIGKILL);
    int status;
    assert_int_equal(waitpid(scene->child, &status, 0), scene->child);
    if (!hangs) assert_true(WIFEXITED(status));
}

static enum status supply(void *context, enum link_need need, struct slice key, struct refusal *why,
                          struct buffer *supplied)
{
    unsigned *const times = context;
    (*times)++;
    if (slice_equal_text(key, "absent")) return refuse(why, ERR_NOT_FOUND, "policy", "one that is kept", "absent");
    assert_int_equal(need, slice_equal_text(key, "more") ? LINK_NEED_PCK : LINK_NEED_POLICY);
    return buffer_append(supplied, key);
}

static enum status ask(const struct scene *scene, struct slice question, struct refusal *why, unsigned *times,
                       struct buffer *answer)
{
    unsigned step = 77;
    const enum status status =
        link_ask(scene->socket, question, supply, times, clock_monotonic_ms() + DEADLINE_MS, why, &step, answer);
    assert_int_equal(step, status == ERR_CHILD_DIED ? 0 : 3);
    return status;
}

static void test_answers_of_every_size_are_appended(void **state)
{
    (void)state;
    struct scene scene = begin();
    static const size_t sizes[] = {0, 1, 7, 8, 9, 16375, 16376, 16377, 16384, 65536, 300000, LINK_FRAME_MAX_BYTES};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        CLEANUP(buffer_done) struct buffer question = buffer_of_maximum(LINK_FRAME_MAX_BYTES);
        CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(ANSWER_MAX_BYTES + 6);
        uint8_t *place;
        assert_ok(buffer_extend(&question, sizes[i], &place));
        for (size_t at = 0; at < sizes[i]; at++) place[at] = (uint8_t)(at * 31 + at / 251) | 0x80;
        assert_ok(buffer_append_text(&answer, "before"));
        unsigned times = 0;
        assert_ok(ask(&scene, buffer_slice(&question), NULL, &times, &answer));
        assert_slice_equal(slice_part(buffer_slice(&answer), 0, 6), SLICE_LITERAL("before"));
        assert_slice_equal(slice_part(buffer_slice(&answer), 6, SIZE_MAX), buffer_slice(&question));
        assert_int_equal(times, 0);
    }
    end(&scene, false);
}

static void test_oversize_questions_are_not_sent(void **state)
{
    (void)state;
    struct scene scene = begin();
    CLEANUP(buffer_done) struct buffer large = buffer_of_maximum(LINK_FRAME_MAX_BYTES + 1);
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(ANSWER_MAX_BYTES);
    uint8_t *place;
    assert_ok(buffer_extend(&large, LINK_FRAME_MAX_BYTES + 1, &place));
    assert_status(link_ask(scene.socket, buffer_slice(&large), NULL, NULL, clock_monotonic_ms() + DEADLINE_MS, NULL,
                           NULL, &answer),
                  ERR_TOO_LARGE);
    unsigned times = 0;
    assert_ok(ask(&scene, SLICE_LITERAL("still whole"), NULL, &times, &answer));
    assert_slice_equal(buffer_slice(&answer), SLICE_LITERAL("still whole"));
    end(&scene, false);
}

static void test_refusals_come_back_as_they_were_made(void **state)
{
    (void)state;
    struct scene scene = begin();
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(ANSWER_MAX_BYTES);
    struct refusal why;
    unsigned times = 0;
    assert_status(ask(&scene, SLICE_LITERAL("R"), &why, &times, &answer), ERR_FIELD_VALUE);
    assert_int_equal(why.status, ERR_FIELD_VALUE);
    assert_string_equal(why.field, "quote");
    assert_string_equal(why.seen, "this one");
    assert_string_equal(why.expected, "another one");
    assert_status(ask(&scene, SLICE_LITERAL("N"), &why, &times, &answer), ERR_NO_MEMORY);
    assert_status(ask(&scene, SLICE_LITERAL("R"), NULL, &times, &answer), ERR_FIELD_VALUE);
    assert_int_equal(answer.size, 0);
    end(&scene, false);
}

/* ERR_TIMEOUT and ERR_CHILD_DIED tell about the socket: a refusal with one of them would end a sound process. */
static void test_a_refused_timeout_is_not_the_sockets(void **state)
{
    (void)state;
    struct scene scene = begin();
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(ANSWER_MAX_BYTES);
    struct refusal why;
    unsigned times = 0;
    assert_status(ask(&scene, SLICE_LITERAL("T"), &why, &times, &answer), ERR_IO);
    assert_string_equal(why.field, "collateral");
    end(&scene, false);
}

static void test_what_is_asked_back_for_is_supplied(void **state)
{
    (void)state;
    struct scene scene = begin();
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(ANSWER_MAX_BYTES);
    unsigned times = 0;
    assert_ok(ask(&scene, SLICE_LITERAL("Bhash"), NULL, &times, &answer));
    assert_slice_equal(buffer_slice(&answer), SLICE_LITERAL("supplied: hash"));
    assert_int_equal(times, 1);
    end(&scene, false);
}

static void test_a_refused_supply_is_the_answering_sides_refusal(void **state)
{
    (void)state;
    struct scene scene = begin();
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(ANSWER_MAX_BYTES);
    struct refusal why;
    unsigned times = 0;
    assert_status(ask(&scene, SLICE_LITERAL("Babsent"), &why, &times, &answer), ERR_NOT_FOUND);
    assert_string_equal(why.field, "policy");
    assert_int_equal(answer.size, 0);
    assert_ok(ask(&scene, SLICE_LITERAL("next"), &why, &times, &answer));
    end(&scene, false);
}

static void test_asking_back_without_end_is_given_up(void **state)
{
    (void)state;
    struct scene scene = begin();
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(ANSWER_MAX_BYTES);
    unsigned step, times = 0;
    assert_status(link_ask(scene.socket, SLICE_LITERAL("E"), supply, &times, clock_monotonic_ms() + DEADLINE_MS, NULL,
                           &step, &answer),
                  ERR_CHILD_DIED);
    assert_int_equal(times, LINK_NEED_MAX_COUNT + 1);
    assert_int_equal(answer.size, 0);
    end(&scene, true); /* it may be writing just when it is closed */
}

static void test_asking_back_where_nothing_is_supplied_is_given_up(void **state)
{
    (void)state;
    struct scene scene = begin();
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(ANSWER_MAX_BYTES);
    assert_status(link_ask(scene.socket, SLICE_LITERAL("Bhash"), NULL, NULL, clock_monotonic_ms() + DEADLINE_MS, NULL,
                           NULL, &answer),
                  ERR_CHILD_DIED);
    end(&scene, false);
}

static void test_a_side_that_dies_is_noticed(void **state)
{
    (void)state;
    struct scene scene = begin();
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(ANSWER_MAX_BYTES);
    struct refusal why;
    unsigned times = 0;
    assert_status(ask(&scene, SLICE_LITERAL("X"), &why, &times, &answer), ERR_CHILD_DIED);
    assert_string_equal(why.field, "contained process");
    assert_status(ask(&scene, SLICE_LITERAL("next"), &why, &times, &answer), ERR_CHILD_DIED);
    end(&scene, false);
}

static void test_a_side_that_hangs_is_given_up(void **state)
{
    (void)state;
    struct scene scene = begin();
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(ANSWER_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer large = buffer_of_maximum(LINK_FRAME_MAX_BYTES);
    struct refusal why;
    const int64_t began_ms = clock_monotonic_ms();
    assert_status(link_ask(scene.socket, SLICE_LITERAL("S"), NULL, NULL, began_ms + 100, &why, NULL, &answer),
                  ERR_TIMEOUT);
    assert_in_range(clock_monotonic_ms() - began_ms, 99, 5000);
    /* A side that takes nothing neither blocks past the deadline. */
    uint8_t *place;
    assert_ok(buffer_extend(&large, LINK_FRAME_MAX_BYTES, &place));
    assert_status(
        link_ask(scene.socket, buffer_slice(&large), NULL, NULL, clock_monotonic_ms() + 50, &why, NULL, &answer),
        ERR_TIMEOUT);
    end(&scene, true);
}

/* ---- an answering side that was taken over: bytes of any kind ---- */

struct head {
    uint8_t kind, detail;
    uint16_t zero;
    uint32_t size;
};

/* The status of an ask that is answered with these bytes, and then nothing. */
static enum status ask_one_that_says(struct slice bytes, size_t answer_max, struct refusal *why)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(write(pair[1], bytes.bytes, bytes.size), (ssize_t)bytes.size);
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(answer_max);
    unsigned times = 0;
    (void)shutdown(pair[1], SHUT_WR);
    const enum status status =
        link_ask(pair[0], SLICE_LITERAL("q"), supply, &times, clock_monotonic_ms() + DEADLINE_MS, why, NULL, &answer);
    (void)close(pair[0]);
    (void)close(pair[1]);
    assert_true(status == OK || answer.size == 0);
    return status;
}

static enum status ask_one_with_head(struct head head, struct slice bytes, size_t answer_max)
{
    CLEANUP(buffer_done) struct buffer all = buffer_of_maximum(100000);
    struct refusal why;
    assert_ok(buffer_append(&all, slice_of(&head, sizeof(head))));
    assert_ok(buffer_append(&all, bytes));
    return ask_one_that_says(buffer_slice(&all), answer_max, &why);
}

static void test_frames_of_another_form_are_refused(void **state)
{
    (void)state;
    const struct slice four = SLICE_LITERAL("four");
    assert_ok(ask_one_with_head((struct head){FRAME_ANSWER, 0, 0, 4}, four, 4));
    assert_status(ask_one_with_head((struct head){FRAME_ANSWER, 0, 0, 4}, four, 3), ERR_CHILD_DIED);
    assert_status(ask_one_with_head((struct head){FRAME_ANSWER, 0, 1, 4}, four, 100), ERR_CHILD_DIED);
    assert_status(ask_one_with_head((struct head){FRAME_ANSWER, 0, 0, 3}, four, 100), ERR_CHILD_DIED);
    assert_status(ask_one_with_head((struct head){FRAME_ANSWER, 0, 0, 5}, four, 100), ERR_CHILD_DIED);
    assert_status(ask_one_with_head((struct head){FRAME_ANSWER, 0, 0, UINT32_MAX}, four, SIZE_MAX), ERR_CHILD_DIED);
    assert_status(ask_one_with_head((struct head){FRAME_ANSWER, 0, 0, LINK_FRAME_MAX_BYTES + 1}, four, SIZE_MAX),
                  ERR_CHILD_DIED);
    assert_status(ask_one_with_head((struct head){FRAME_QUESTION, 0, 0, 4}, four, 100), ERR_CHILD_DIED);
    assert_status(ask_one_with_head((struct head){FRAME_SUPPLY, 0, 0, 4}, four, 100), ERR_CHILD_DIED);
    assert_status(ask_one_with_head((struct head){0, 0, 0, 4}, four, 100), ERR_CHILD_DIED);
    assert_status(ask_one_with_head((struct head){FRAME_NEED, 0, 0, 4}, four, 100), ERR_CHILD_DIED);
    assert_status(ask_one_with_head((struct head){FRAME_NEED, LINK_NEED_ENDORSEMENTS + 1, 0, 4}, four, 100),
                  ERR_CHILD_DIED);
    struct refusal why;
    assert_status(ask_one_that_says(SLICE_LITERAL("\2\0\0"), 100, &why), ERR_CHILD_DIED);
}

static enum status ask_one_that_refuses(const struct refusal *refusal, size_t size)
{
    return ask_one_with_head((struct head){FRAME_REFUSAL, 0, 0, (uint32_t)size}, slice_of(refusal, size), 4096);
}

static void test_refusals_that_nobody_made_are_refused(void **state)
{
    (void)state;
    struct refusal good = {};
    (void)refuse(&good, ERR_SIGNATURE, "field", "expected", "seen");
    (void)refuse_fix(&good, ERR_SIGNATURE, "fix");
    assert_status(ask_one_that_refuses(&good, sizeof(good)), ERR_SIGNATURE);
    assert_status(ask_one_that_refuses(&good, sizeof(good) - 1), ERR_CHILD_DIED);
    struct refusal bad = good;
    bad.status = OK;
    assert_status(ask_one_that_refuses(&bad, sizeof(bad)), ERR_CHILD_DIED);
    bad = good;
    memset(&bad.status, 0x7f, sizeof(bad.status));
    assert_status(ask_one_that_refuses(&bad, sizeof(bad)), ERR_CHILD_DIED);
    char *const texts[] = {bad.field, bad.seen, bad.expected, bad.fix};
    const size_t sizes[] = {sizeof(bad.field), sizeof(bad.seen), sizeof(bad.expected), sizeof(bad.fix)};
    for (size_t i = 0; i < 4; i++) {
        bad = good;
        texts[i][0] = '\n';
        assert_status(ask_one_that_refuses(&bad, sizeof(bad)), ERR_CHILD_DIED);
        bad = good;
        memset(texts[i], 'a', sizes[i]);
        assert_status(ask_one_that_refuses(&bad, sizeof(bad)), ERR_CHILD_DIED);
    }
}

/* A side that sends byte by byte gains no time by it. */
static void *drip(void *argument)
{
    const int socket = *(const int *)argument;
    const struct head head = {FRAME_ANSWER, 0, 0, 100};
    for (size_t i = 0; i < sizeof(head) + 100; i++) {
        uint8_t byte = i < sizeof(head) ? ((const uint8_t *)&head)[i] : 'x';
        if (send(socket, &byte, 1, MSG_NOSIGNAL) != 1) break;
        (void)usleep(20000);
    }
    return NULL;
}

static void test_a_side_that_drips_is_given_up(void **state)
{
    (void)state;
    int pair[2];
    pthread_t thread;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(pthread_create(&thread, NULL, drip, &pair[1]), 0);
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(1000);
    const int64_t began_ms = clock_monotonic_ms();
    assert_status(link_ask(pair[0], SLICE_LITERAL("q"), NULL, NULL, began_ms + 200, NULL, NULL, &answer), ERR_TIMEOUT);
    assert_in_range(clock_monotonic_ms() - began_ms, 199, 1500);
    (void)close(pair[0]);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)close(pair[1]);
}

/* ---- an asking side that breaks the form ---- */

static void test_serving_ends_where_the_form_is_broken(void **state)
{
    (void)state;
    const struct head heads[] = {
        {FRAME_ANSWER, 0, 0, 0}, {FRAME_QUESTION, 0, 1, 0}, {FRAME_QUESTION, 0, 0, LINK_FRAME_MAX_BYTES + 1}};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct scene scene = begin();
        assert_int_equal(write(scene.socket, &heads[i], sizeof(heads[i])), sizeof(heads[i]));
        uint8_t byte;
        assert_int_equal(read(scene.socket, &byte, 1), 0);
        end(&scene, false);
    }
}

static void test_a_supply_of_another_form_ends_the_serving(void **state)
{
    (void)state;
    const struct head heads[] = {{FRAME_ANSWER, 0, 0, 0}, {FRAME_SUPPLY_REFUSED, 0, 0, 0}};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct scene scene = begin();
        struct frame frame;
        CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(4096);
        assert_ok(frame_send(scene.socket, (struct frame){.kind = FRAME_QUESTION}, SLICE_LITERAL("Bx"),
                             clock_monotonic_ms() + DEADLINE_MS));
        assert_ok(frame_receive(scene.socket, clock_monotonic_ms() + DEADLINE_MS, FRAME_NEED, &frame, &bytes, NULL));
        assert_int_equal(frame.kind, FRAME_NEED);
        buffer_clear(&bytes);
        assert_int_equal(write(scene.socket, &heads[i], sizeof(heads[i])), sizeof(heads[i]));
        assert_status(frame_receive(scene.socket, clock_monotonic_ms() + DEADLINE_MS, FRAME_NEED, &frame, &bytes, NULL),
                      ERR_CHILD_DIED);
        end(&scene, false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_of_every_size_are_appended),
        cmocka_unit_test(test_oversize_questions_are_not_sent),
        cmocka_unit_test(test_refusals_come_back_as_they_were_made),
        cmocka_unit_test(test_a_refused_timeout_is_not_the_sockets),
        cmocka_unit_test(test_what_is_asked_back_for_is_supplied),
        cmocka_unit_test(test_a_refused_supply_is_the_answering_sides_refusal),
        cmocka_unit_test(test_asking_back_without_end_is_given_up),
        cmocka_unit_test(test_asking_back_where_nothing_is_supplied_is_given_up),
        cmocka_unit_test(test_a_side_that_dies_is_noticed),
        cmocka_unit_test(test_a_side_that_hangs_is_given_up),
        cmocka_unit_test(test_frames_of_another_form_are_refused),
        cmocka_unit_test(test_refusals_that_nobody_made_are_refused),
        cmocka_unit_test(test_a_side_that_drips_is_given_up),
        cmocka_unit_test(test_serving_ends_where_the_form_is_broken),
        cmocka_unit_test(test_a_supply_of_another_form_ends_the_serving),
    };
    return cmocka_run_group_tests_name("attestation/link", tests, NULL, NULL);
}
