/* SPDX-License-Identifier: Apache-2.0 */
#include "records/id.h"

#include "testing.h"

static void test_ids_are_fresh_and_valid(void **)
{
    struct record_id first, second;
    assert_ok(record_id_new(&first));
    assert_ok(record_id_new(&second));
    assert_string_not_equal(first.text, second.text);
    assert_true(record_id_is_valid(slice_of_text(first.text)));
    assert_true(fhir_id_is_valid(slice_of_text(first.text)));
    struct record_id copy;
    assert_ok(record_id_from(slice_of_text(first.text), &copy));
    assert_string_equal(copy.text, first.text);
}

static void test_other_forms_name_no_record(void **)
{
    struct record_id id;
    assert_status(record_id_from(SLICE_LITERAL(""), &id), ERR_NOT_FOUND);
    assert_status(record_id_from(SLICE_LITERAL("0123456789abcdef0123456789abcde"), &id), ERR_NOT_FOUND);
    assert_status(record_id_from(SLICE_LITERAL("0123456789ABCDEF0123456789abcdef"), &id), ERR_NOT_FOUND);
    assert_status(record_id_from(SLICE_LITERAL("../../../../../../../etc/passwd0"), &id), ERR_NOT_FOUND);
}

static void test_fhir_ids(void **)
{
    assert_true(fhir_id_is_valid(SLICE_LITERAL("A-1.b")));
    assert_false(fhir_id_is_valid(SLICE_LITERAL("")));
    assert_false(fhir_id_is_valid(SLICE_LITERAL("a_b")));
    assert_false(fhir_id_is_valid(SLICE_LITERAL("a/b")));
    char longest[FHIR_ID_MAX_BYTES + 2] = {};
    memset(longest, 'a', FHIR_ID_MAX_BYTES + 1);
    assert_false(fhir_id_is_valid(slice_of_text(longest)));
    assert_true(fhir_id_is_valid(slice_of_text(longest + 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_are_fresh_and_valid),
        cmocka_unit_test(test_other_forms_name_no_record),
        cmocka_unit_test(test_fhir_ids),
    };
    return cmocka_run_group_tests_name("records/id", tests, NULL, NULL);
}
