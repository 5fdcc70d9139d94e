/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/decode.h"

#include "corpus.h"

static enum film_format format_of(const char *name)
{
    CLEANUP(buffer_done) struct buffer file = corpus_file(name);
    CLEANUP(film_done) struct film film = {};
    assert_ok(image_decode(buffer_slice(&file), NULL, &film));
    return film.facts.format;
}

static void formats_are_known_by_their_content(void **state)
{
    (void)state;
    assert_int_equal(format_of("imaging_png/grey8"), FILM_PNG);
    assert_int_equal(format_of("imaging_jpeg/grey"), FILM_JPEG);
    assert_int_equal(format_of("imaging_dicom/explicit_8"), FILM_DICOM);
}

static void other_files_are_refused_without_showing_them(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "P", "%PDF-1.7 John Smith", "GIF89a", "\x89PNG\r\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct film film = {};
        struct refusal why = {};
        assert_status(image_decode(slice_of_text(texts[i]), &why, &film), ERR_IMAGE_FORMAT);
        assert_null(strstr(why.seen, "Smith"));
        assert_string_not_equal(why.fix, "");
    }
}

static void a_file_over_the_maximum_is_refused(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer file = buffer_of_maximum(FILM_FILE_MAX_BYTES + 1);
    uint8_t *place;
    struct film film = {};
    assert_ok(buffer_extend(&file, FILM_FILE_MAX_BYTES + 1, &place));
    assert_status(image_decode(buffer_slice(&file), NULL, &film), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_known_by_their_content),
        cmocka_unit_test(other_files_are_refused_without_showing_them),
        cmocka_unit_test(a_file_over_the_maximum_is_refused),
    };
    return cmocka_run_group_tests_name("imaging/decode", tests, NULL, NULL);
}
