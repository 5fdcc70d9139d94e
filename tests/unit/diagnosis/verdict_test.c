/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnosis/verdict.h"

#include "tiny_result.h"

static struct receipt receipt_of(const char *text)
{
    struct receipt receipt = {.jws = buffer_of_maximum(64), .input_salt = {1}, .output_salt = {2}};
    assert_ok(buffer_append_text(&receipt.jws, text));
    return receipt;
}

static json_t *parameters_for(size_t batch, const float *suitability)
{
    const struct model_package package = tiny_package("tiny.json");
    CLEANUP(inference_result_done) struct inference_result result = result_with(batch, suitability);
    CLEANUP(receipt_done) struct receipt receipt = receipt_of("a.b.c");
    json_t *parameters = NULL;
    assert_ok(verdict_parameters(&package, &result, &receipt, &parameters));
    return parameters;
}

static const char *text_of(const json_t *parameters, const char *name)
{
    return json_string_value(json_object_get(parameters, name));
}

static void suitable_pictures_have_no_reason(void **state)
{
    (void)state;
    static const float values[] = {1, 0.5F, -3, 1};
    CLEANUP(json_done) json_t *parameters = parameters_for(2, values);
    assert_null(json_object_get(parameters, "unsuitable"));
    assert_string_equal(text_of(parameters, "receipt"), "a.b.c");
    assert_int_equal(strlen(text_of(parameters, "receipt_input_salt")), 43);
    assert_string_not_equal(text_of(parameters, "receipt_input_salt"), text_of(parameters, "receipt_output_salt"));
    assert_int_equal(strlen(text_of(parameters, "model_digest")), 64);
    assert_true(json_real_value(json_object_get(parameters, "threshold")) == 0.5);
}

static void the_strongest_reason_is_named(void **state)
{
    (void)state;
    static const float values[] = {1.5F, 2};
    CLEANUP(json_done) json_t *parameters = parameters_for(1, values);
    assert_string_equal(text_of(parameters, "unsuitable"), "The corner is too bright.");
}

static void with_several_pictures_the_picture_is_named_too(void **state)
{
    (void)state;
    static const float values[] = {0, 1, 1.001F, 1, 9, 9};
    CLEANUP(json_done) json_t *parameters = parameters_for(3, values);
    assert_string_equal(text_of(parameters, "unsuitable"), "Picture 2: The picture is too bright.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suitable_pictures_have_no_reason),
        cmocka_unit_test(the_strongest_reason_is_named),
        cmocka_unit_test(with_several_pictures_the_picture_is_named_too),
    };
    return cmocka_run_group_tests_name("diagnosis/verdict", tests, NULL, NULL);
}
