/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/decoder_child.h"

#include "corpus.h"

#include <pthread.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_child_gives_what_decoding_gives), cmocka_unit_test(refusals_come_through),
        cmocka_unit_test(a_file_over_the_maximum_is_refused),  cmocka_unit_test(several_threads_may_decode_at_once),
        cmocka_unit_test(damaged_files_do_not_kill_the_child),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
