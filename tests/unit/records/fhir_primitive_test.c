/* SPDX-License-Identifier: Apache-2.0 */
#include "records/fhir_primitive.h"

#include "testing.h"

static bool is_date(const char *text)
{
    return fhir_date_is_valid(slice_of_text(text));
}

static void test_dates_are_days_of_the_calendar(void **)
{
    assert_true(is_date("1980"));
    assert_true(is_date("1980-12"));
    assert_true(is_date("1980-02-29"));
    assert_true(is_date("2000-02-29"));
    assert_false(is_date("1900-02-29"));
    assert_false(is_date("1981-02-29"));
    assert_false(is_date("1980-13"));
    assert_false(is_date("1980-00-01"));
    assert_false(is_date("1980-04-31"));
    assert_false(is_date("1980-04-00"));
    assert_false(is_date("0000"));
    assert_false(is_date("80-04-01"));
    assert_false(is_date("1980-4-1"));
    assert_false(is_date("1980/04/01"));
    assert_false(is_date("1980-04-01 "));
    assert_false(is_date(""));
}

static bool is_datetime(const char *text)
{
    return fhir_datetime_is_valid(slice_of_text(text));
}

static void test_times_need_their_zone(void **)
{
    assert_true(is_datetime("2025-11-21T10:00:00Z"));
    assert_true(is_datetime("2025-11-21T10:00:00.123+14:00"));
    assert_true(is_datetime("2025-11-21"));
    assert_false(is_datetime("2025-11-21T10:00:00"));
    assert_false(is_datetime("2025-11-21T10:00Z"));
    assert_false(is_datetime("2025-11-21T24:00:00Z"));
    assert_false(is_datetime("2025-11-21T10:60:00Z"));
    assert_false(is_datetime("2025-11-21T10:00:00.Z"));
    assert_false(is_datetime("2025-11-21T10:00:00+15:00"));
    assert_false(is_datetime("2025-11-21T10:00:00+1:00"));
    assert_false(is_datetime("2025-11-31T10:00:00Z"));
    assert_false(fhir_instant_is_valid(slice_of_text("2025-11-21")));
}

static void test_the_future_begins_after_the_last_zone(void **)
{
    const int64_t now_s = 1763719200; /* 2025-11-21T10:00:00Z: in Kiribati the 22nd has begun */
    assert_false(fhir_date_is_future(slice_of_text("2025-11-21"), now_s));
    assert_false(fhir_date_is_future(slice_of_text("2025-11-22"), now_s));
    assert_true(fhir_date_is_future(slice_of_text("2025-11-23"), now_s));
    assert_false(fhir_date_is_future(slice_of_text("2025"), now_s));
    assert_true(fhir_date_is_future(slice_of_text("2026"), now_s));
    assert_true(fhir_date_is_future(slice_of_text("2025-12"), now_s));
}

static void test_strings(void **)
{
    assert_true(fhir_string_is_valid(slice_of_text("Jürgen 田"), false));
    assert_false(fhir_string_is_valid(slice_of_text("a\nb"), false));
    assert_true(fhir_string_is_valid(slice_of_text("a\r\n\tb"), true));
    assert_false(fhir_string_is_valid(slice_of_text("a\x01"), true));
    assert_false(fhir_string_is_valid(slice_of_text("a\x7f"), true));
    assert_false(fhir_string_is_valid(slice_of_text("a\xc2\x85"), true));
    assert_false(fhir_string_is_valid(slice_of_text("  "), false));
    assert_false(fhir_string_is_valid(slice_of_text(" \n"), true));
    assert_false(fhir_string_is_valid(slice_of_text("\xff"), false));
}

static void test_codes_and_uris(void **)
{
    assert_true(fhir_code_is_valid(slice_of_text("in progress")));
    assert_false(fhir_code_is_valid(slice_of_text(" in")));
    assert_false(fhir_code_is_valid(slice_of_text("in ")));
    assert_false(fhir_code_is_valid(slice_of_text("in  progress")));
    assert_false(fhir_code_is_valid((struct slice){}));
    assert_true(fhir_uri_is_valid(slice_of_text("urn:oid:1.2")));
    assert_false(fhir_uri_is_valid(slice_of_text("urn: oid")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates_are_days_of_the_calendar),
        cmocka_unit_test(test_times_need_their_zone),
        cmocka_unit_test(test_the_future_begins_after_the_last_zone),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_codes_and_uris),
    };
    return cmocka_run_group_tests_name("records/fhir_primitive", tests, NULL, NULL);
}
