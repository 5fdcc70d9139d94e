/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/header_gate.h"

#include "testing.h"

static const struct film_facts child_chest = {
    .format = FILM_DICOM,
    .age_days = 4 * 365,
    .modality = "DX",
    .body_part = "CHEST",
    .view_position = "AP",
    .photometric = "MONOCHROME2",
};

static void assert_refused(const struct film_facts *facts, const char *field, const char *seen)
{
    struct refusal why = {};
    assert_status(header_gate_check(facts, &why), ERR_IMAGE_UNSUITABLE);
    assert_string_equal(why.field, field);
    assert_string_equal(why.seen, seen);
    assert_string_not_equal(why.expected, "");
}

static void a_childs_chest_film_passes(void **state)
{
    (void)state;
    assert_ok(header_gate_check(&child_chest, NULL));
}

static void a_file_that_says_nothing_passes(void **state)
{
    (void)state;
    const struct film_facts silent = {.format = FILM_PNG, .age_days = FILM_AGE_UNKNOWN};
    assert_ok(header_gate_check(&silent, NULL));
}

static void radiographs_of_every_kind_pass(void **state)
{
    (void)state;
    static const char *const modalities[] = {"CR", "DX", "RG"};
    for (size_t i = 0; i < 3; i++) {
        struct film_facts facts = child_chest;
        (void)snprintf(facts.modality, sizeof(facts.modality), "%s", modalities[i]);
        assert_ok(header_gate_check(&facts, NULL));
    }
}

static void other_modalities_are_refused(void **state)
{
    (void)state;
    static const char *const modalities[] = {"CT", "MR", "US", "XC", "OT", "NM", "CRX"};
    for (size_t i = 0; i < sizeof(modalities) / sizeof(modalities[0]); i++) {
        struct film_facts facts = child_chest;
        (void)snprintf(facts.modality, sizeof(facts.modality), "%s", modalities[i]);
        assert_refused(&facts, "modality", modalities[i]);
    }
}

static void the_chest_is_known_by_its_names(void **state)
{
    (void)state;
    static const char *const parts[] = {"CHEST", "CHEST PA", "THORAX", "TORAX AP", "LUNG"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct film_facts facts = child_chest;
        (void)snprintf(facts.body_part, sizeof(facts.body_part), "%s", parts[i]);
        assert_ok(header_gate_check(&facts, NULL));
    }
}

static void other_parts_of_the_body_are_refused(void **state)
{
    (void)state;
    struct film_facts facts = child_chest;
    (void)snprintf(facts.body_part, sizeof(facts.body_part), "LEG");
    assert_refused(&facts, "body part", "LEG");
}

static void side_views_are_refused(void **state)
{
    (void)state;
    struct film_facts facts = child_chest;
    (void)snprintf(facts.view_position, sizeof(facts.view_position), "LL");
    assert_refused(&facts, "view position", "LL");
}

static void adults_are_refused(void **state)
{
    (void)state;
    struct film_facts facts = child_chest;
    facts.age_days = 18 * 365 + 364;
    assert_ok(header_gate_check(&facts, NULL));
    facts.age_days = 19 * 365;
    assert_refused(&facts, "patient age", "19 years");
}

static void colour_pictures_are_refused(void **state)
{
    (void)state;
    const struct film_facts photograph = {.format = FILM_JPEG, .age_days = FILM_AGE_UNKNOWN, .is_colour = true};
    assert_refused(&photograph, "colour", "a colour picture");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_childs_chest_film_passes),      cmocka_unit_test(a_file_that_says_nothing_passes),
        cmocka_unit_test(radiographs_of_every_kind_pass),  cmocka_unit_test(other_modalities_are_refused),
        cmocka_unit_test(the_chest_is_known_by_its_names), cmocka_unit_test(other_parts_of_the_body_are_refused),
        cmocka_unit_test(side_views_are_refused),          cmocka_unit_test(adults_are_refused),
        cmocka_unit_test(colour_pictures_are_refused),
    };
    return cmocka_run_group_tests_name("imaging/header_gate", tests, NULL, NULL);
}
