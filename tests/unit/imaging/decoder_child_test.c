/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/decoder_child.h"

#include "corpus.h"
#include "imaging/png_write.h"

#include <pthread.h>
#include <signal.h>

static int start(void **state)
{
    struct decoder *decoder = NULL;
    const enum status status = decoder_start(NULL, &decoder);
    *state = decoder;
    return status == OK ? 0 : -1;
}

static int stop(void **state)
{
    decoder_stop(*state);
    return 0;
}

static void the_child_gives_what_decoding_gives(void **state)
{
    static const char *const names[] = {"imaging_png/grey8", "imaging_png/interlaced", "imaging_jpeg/rgb_of_colours",
                                        "imaging_dicom/implicit_12_inverted"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CLEANUP(buffer_done) struct buffer file = corpus_file(names[i]);
        CLEANUP(film_done) struct film here = {};
        CLEANUP(film_done) struct film there = {};
        assert_ok(image_decode(buffer_slice(&file), NULL, &here));
        assert_ok(decoder_decode(*state, buffer_slice(&file), NULL, &there));
        assert_int_equal(there.width, here.width);
        assert_int_equal(there.height, here.height);
        assert_slice_equal(buffer_slice(&there.pixels), buffer_slice(&here.pixels));
        assert_int_equal(there.facts.is_colour, here.facts.is_colour);
        assert_int_equal(there.facts.age_days, here.facts.age_days);
        assert_string_equal(there.facts.modality, here.facts.modality);
        assert_string_equal(there.facts.transfer_syntax, here.facts.transfer_syntax);
    }
}

static void refusals_come_through(void **state)
{
    CLEANUP(buffer_done) struct buffer file = corpus_file("imaging_jpeg/progressive");
    struct film film = {};
    struct refusal why = {};
    assert_status(decoder_decode(*state, buffer_slice(&file), &why, &film), ERR_IMAGE_UNSUPPORTED);
    assert_int_equal(why.status, ERR_IMAGE_UNSUPPORTED);
    assert_string_equal(why.seen, "progressive");
    assert_status(decoder_decode(*state, slice_of(file.bytes, 100), NULL, &film), ERR_IMAGE_MALFORMED);
    assert_status(decoder_decode(*state, SLICE_LITERAL("text"), NULL, &film), ERR_IMAGE_FORMAT);
    assert_status(decoder_decode(*state, (struct slice){}, NULL, &film), ERR_IMAGE_FORMAT);
}

static void a_file_over_the_maximum_is_refused(void **state)
{
    const uint8_t byte = 0;
    struct film film = {};
    assert_status(decoder_decode(*state, slice_of(&byte, FILM_FILE_MAX_BYTES + 1), NULL, &film), ERR_TOO_LARGE);
}

static void *decode_some(void *decoder)
{
    CLEANUP(buffer_done) struct buffer file = corpus_file("imaging_jpeg/grey");
    bool all = true;
    for (int i = 0; i < 5; i++) {
        CLEANUP(film_done) struct film film = {};
        all = decoder_decode(decoder, buffer_slice(&file), NULL, &film) == OK && all;
    }
    return all ? decoder : NULL;
}

static void several_threads_may_decode_at_once(void **state)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&threads[i], NULL, decode_some, *state), 0);
    for (int i = 0; i < 3; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, *state);
    }
}

/* A bit flipped anywhere gives a film or a clean refusal, never a dead child. */
static void damaged_files_do_not_kill_the_child(void **state)
{
    static const char *const names[] = {"imaging_png/palette", "imaging_jpeg/grey", "imaging_dicom/table_8"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CLEANUP(buffer_done) struct buffer file = corpus_file(names[i]);
        for (size_t at = 0; at < file.size; at += 23) {
            CLEANUP(film_done) struct film film = {};
            file.bytes[at] ^= 0x55;
            assert_int_not_equal(decoder_decode(*state, buffer_slice(&file), NULL, &film), ERR_CHILD_DIED);
            file.bytes[at] ^= 0x55;
        }
    }
}

/* The first child of `parent`, 0 if there is none. */
static pid_t child_of(pid_t parent)
{
    char path[64];
    int child = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
    FILE *const file = fopen(path, "r");
    if (file == NULL) return 0;
    if (fscanf(file, "%d", &child) != 1) child = 0;
    (void)fclose(file);
    return child;
}

/* Kills the processes of the nursery as they come up, as many as it is told to. */
struct killer {
    pid_t nursery;
    int wanted;
    _Atomic int killed;
    _Atomic bool is_over;
};

static void *kill_some(void *context)
{
    struct killer *const killer = context;
    for (pid_t last = 0; !killer->is_over && killer->killed < killer->wanted;) {
        const pid_t child = child_of(killer->nursery);
        if (child == 0 || child == last || kill(child, SIGKILL) != 0) continue;
        last = child;
        killer->killed++;
    }
    return NULL;
}

static struct buffer large_picture(void)
{
    enum { SIDE = 2048 };
    CLEANUP(film_done) struct film film = {.width = SIDE, .height = SIDE, .pixels = buffer_of_maximum(SIDE * SIDE)};
    uint8_t *pixels;
    uint32_t noise = 1;
    assert_ok(buffer_extend(&film.pixels, (size_t)SIDE * SIDE, &pixels));
    for (size_t i = 0; i < film.pixels.size; i++) pixels[i] = (uint8_t)((noise = noise * 1664525 + 1013904223) >> 24);
    struct buffer file = buffer_of_maximum(16 << 20);
    assert_ok(png_write_film(&film, SIDE, &file));
    return file;
}

static enum status decode_while_killing(struct decoder *decoder, pid_t nursery, int count, int *killed_out)
{
    CLEANUP(buffer_done) struct buffer file = large_picture();
    CLEANUP(film_done) struct film film = {};
    struct killer killer = {.nursery = nursery, .wanted = count};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, kill_some, &killer), 0);
    const enum status status = decoder_decode(decoder, buffer_slice(&file), NULL, &film);
    killer.is_over = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
    *killed_out = killer.killed;
    return status;
}

/* The kill may come too late; then it is tried again. */
static void a_child_that_dies_costs_nothing_and_two_cost_the_picture(void **state)
{
    const pid_t nursery = child_of(getpid());
    assert_true(nursery > 0);
    bool was_killed = false, was_refused = false;
    for (int tries = 0; tries < 100 && !was_killed; tries++) {
        int killed;
        assert_ok(decode_while_killing(*state, nursery, 1, &killed));
        was_killed = killed == 1;
    }
    assert_true(was_killed);
    for (int tries = 0; tries < 100 && !was_refused; tries++) {
        int killed;
        const enum status status = decode_while_killing(*state, nursery, 2, &killed);
        /* Before the child was there it was not the picture's fault. */
        was_refused = status == ERR_CHILD_DIED;
        assert_true(was_refused || status == ERR_IO || status == OK);
        if (was_refused) assert_int_equal(killed, 2);
    }
    assert_true(was_refused);
    the_child_gives_what_decoding_gives(state);
}

static void without_its_nursery_nothing_is_said_of_the_picture(void **)
{
    struct decoder *decoder = NULL;
    const pid_t others = child_of(getpid());
    assert_ok(decoder_start(NULL, &decoder));
    pid_t nursery = 0;
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
    FILE *const file = fopen(path, "r");
    assert_non_null(file);
    while (fscanf(file, "%d", &nursery) == 1 && nursery == others) {}
    (void)fclose(file);
    assert_true(nursery > 0 && nursery != others);
    assert_int_equal(kill(nursery, SIGKILL), 0);
    CLEANUP(buffer_done) struct buffer picture = corpus_file("imaging_jpeg/grey");
    enum status status = OK;
    for (int tries = 0; tries < 1000 && status == OK; tries++) {
        CLEANUP(film_done) struct film film = {};
        status = decoder_decode(decoder, buffer_slice(&picture), NULL, &film);
    }
    decoder_stop(decoder);
    assert_status(status, ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_child_gives_what_decoding_gives),
        cmocka_unit_test(refusals_come_through),
        cmocka_unit_test(a_file_over_the_maximum_is_refused),
        cmocka_unit_test(several_threads_may_decode_at_once),
        cmocka_unit_test(damaged_files_do_not_kill_the_child),
        cmocka_unit_test(a_child_that_dies_costs_nothing_and_two_cost_the_picture),
        cmocka_unit_test(without_its_nursery_nothing_is_said_of_the_picture),
    };
    return cmocka_run_group_tests_name("imaging/decoder_child", tests, start, stop);
}
