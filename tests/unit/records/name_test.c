/* SPDX-License-Identifier: Apache-2.0 */
#include "records/name.h"

#include "testing.h"

static void assert_folds(const char *name, const char *expected)
{
    CLEANUP(buffer_done) struct buffer folded = buffer_of_maximum(4096);
    assert_ok(name_fold(slice_of_text(name), &folded));
    const char *text;
    assert_ok(buffer_text(&folded, &text));
    assert_string_equal(text, expected);
}

static void test_case_accents_and_signs_fold_away(void **)
{
    assert_folds("Müller", "muller");
    assert_folds("MU\xcc\x88LLER", "muller"); /* a combining diaeresis */
    assert_folds("Strauß", "strauss");
    assert_folds("Łódź Æsir Œuvre Þór", "lodz aesir oeuvre thor");
    assert_folds("O'Brien O\xe2\x80\x99Hara", "obrien ohara");
    assert_folds("  Jean-Luc,  von  Bülow. ", "jean luc von bulow");
    assert_folds("a\xc3\x97"
                 "b",
                 "a b"); /* the sign for times */
    assert_folds("Ωμέγα ЖУК Ёлка", "ωμέγα жук ёлка");
    assert_folds("田中", "田中");
    assert_folds("R2\xc2\xa0"
                 "D2",
                 "r2 d2");
    assert_folds("", "");
    assert_folds("-- ,", "");
}

static void test_invalid_text_is_refused(void **)
{
    CLEANUP(buffer_done) struct buffer folded = buffer_of_maximum(4096);
    assert_status(name_fold(SLICE_LITERAL("\xc3"), &folded), ERR_ENCODING);
    char longest[NAME_MAX_BYTES + 1];
    memset(longest, 'a', sizeof(longest));
    assert_status(name_fold(SLICE_ARRAY(longest), &folded), ERR_TOO_LARGE);
    CLEANUP(buffer_done) struct buffer small = buffer_of_maximum(2);
    assert_status(name_fold(SLICE_LITERAL("abc"), &small), ERR_TOO_LARGE);
}

static void test_prefixes_count_letters_not_bytes(void **)
{
    const struct slice word = slice_of_text("жук");
    assert_int_equal(name_letters(word), 3);
    assert_slice_equal(name_prefix(word, 2), slice_of_text("жу"));
    assert_slice_equal(name_prefix(word, 9), word);
    assert_int_equal(name_prefix(word, 0).size, 0);
}

static void test_each_word_of_the_question_begins_a_word_of_the_name(void **)
{
    const struct slice name = SLICE_LITERAL("jean luc bulow");
    assert_true(name_matches(name, SLICE_LITERAL("bul je")));
    assert_true(name_matches(name, SLICE_LITERAL("jean")));
    assert_false(name_matches(name, SLICE_LITERAL("jean paul")));
    assert_false(name_matches(name, SLICE_LITERAL("uc")));
    assert_true(name_matches(name, SLICE_LITERAL("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case_accents_and_signs_fold_away),
        cmocka_unit_test(test_invalid_text_is_refused),
        cmocka_unit_test(test_prefixes_count_letters_not_bytes),
        cmocka_unit_test(test_each_word_of_the_question_begins_a_word_of_the_name),
    };
    return cmocka_run_group_tests_name("records/name", tests, NULL, NULL);
}
