/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/model_package.h"

#include "tiny_model.h"

static void a_package_is_read(void **state)
{
    (void)state;
    const struct model_package package = tiny_package("tiny.json");
    assert_string_equal(package.name, "tiny");
    assert_string_equal(package.version, "1.0.0");
    assert_string_equal(package.file, "tiny.onnx");
    assert_string_equal(package.input.name, "image");
    assert_int_equal(package.input.rank, 4);
    assert_int_equal(package.input.shape[3], 4);
    assert_int_equal(package.output_count, 3);
    assert_int_equal(package.finding_output, 0);
    assert_int_equal(package.suitability_output, 2);
    assert_int_equal(package.suitability_count, 2);
    assert_string_equal(package.suitability[1].name, "corner");
    assert_true(package.finding.threshold == 0.5);
}

static void outputs_are_found_by_name(void **state)
{
    (void)state;
    const struct model_package package = tiny_package("tiny.json");
    size_t index = 9;
    assert_ptr_equal(model_package_output(&package, SLICE_LITERAL("heatmap"), &index), &package.outputs[1]);
    assert_int_equal(index, 1);
    assert_null(model_package_output(&package, SLICE_LITERAL("heat"), &index));
    assert_int_equal(index, 1);
}

/* The tiny package with the value at `path` (two names at most; the second may be empty) replaced by `value`. */
static enum status parse_with(const char *name, const char *inner, const char *value, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer json = read_whole(tiny_path("tiny.json"));
    CLEANUP(buffer_done) struct buffer changed = buffer_of_maximum(1 << 20);
    CLEANUP(json_done) json_t *root = NULL;
    struct model_package package;
    assert_ok(json_parse(buffer_slice(&json), 1 << 20, NULL, &root));
    json_t *const place = inner[0] != '\0' ? json_object_get(root, name) : root;
    const char *const member = inner[0] != '\0' ? inner : name;
    if (value == NULL)
        assert_int_equal(json_object_del(place, member), 0);
    else
        assert_int_equal(json_object_set_new(place, member, json_loads(value, JSON_DECODE_ANY, NULL)), 0);
    assert_ok(json_write(root, &changed));
    return model_package_parse(buffer_slice(&changed), why, &package);
}

static void missing_members_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"name",  "version", "file",    "sha256",
                                        "input", "outputs", "finding", "suitability"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_status(parse_with(names[i], "", NULL, NULL), ERR_FIELD_MISSING);
    assert_status(parse_with("finding", "code", NULL, NULL), ERR_FIELD_MISSING);
    assert_status(parse_with("input", "shape", NULL, NULL), ERR_FIELD_MISSING);
}

static void names_that_leave_the_folder_are_refused(void **state)
{
    (void)state;
    assert_status(parse_with("file", "", "\"../x\"", NULL), ERR_FIELD_VALUE);
    assert_status(parse_with("file", "", "\".x\"", NULL), ERR_FIELD_VALUE);
    assert_status(parse_with("name", "", "\"a b\"", NULL), ERR_FIELD_VALUE);
}

static void digests_of_another_length_are_refused(void **state)
{
    (void)state;
    struct refusal why = {};
    assert_int_not_equal(parse_with("sha256", "", "\"00ff\"", &why), OK);
    assert_int_not_equal(why.status, OK);
}

static void shapes_out_of_bounds_are_refused(void **state)
{
    (void)state;
    static const char *const shapes[] = {"[-1]",     "[1,1,4,4]", "[-1,0]",       "[-1,4097]",  "[-1,-1]",
                                         "[-1,1.5]", "[\"n\",1]", "[-1,1,1,1,1]", "[-1,\"4\"]", "[]"};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        assert_int_not_equal(parse_with("input", "shape", shapes[i], NULL), OK);
    assert_status(parse_with("input", "shape", "[-1,4096,4096]", NULL), ERR_TOO_LARGE);
}

static void other_datatypes_are_refused(void **state)
{
    (void)state;
    assert_status(parse_with("input", "datatype", "\"UINT8\"", NULL), ERR_FIELD_VALUE);
}

static void thresholds_out_of_bounds_are_refused(void **state)
{
    (void)state;
    static const char *const thresholds[] = {"0", "1", "-0.5", "1.5"};
    for (size_t i = 0; i < 4; i++)
        assert_status(parse_with("finding", "threshold", thresholds[i], NULL), ERR_FIELD_VALUE);
    assert_status(parse_with("finding", "threshold", "\"0.5\"", NULL), ERR_FIELD_TYPE);
}

static void parts_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    assert_status(parse_with("finding", "code", "\"fracture\"", NULL), ERR_MODEL);
    assert_status(parse_with("finding", "code", "\"heatmap\"", NULL), ERR_MODEL);
    assert_status(parse_with("suitability", "", "[{\"name\":\"a\",\"reason\":\"b\"}]", NULL), ERR_MODEL);
    assert_status(parse_with("outputs", "",
                             "[{\"name\":\"pneumonia\",\"datatype\":\"FP32\",\"shape\":[-1,1]},"
                             "{\"name\":\"pneumonia\",\"datatype\":\"FP32\",\"shape\":[-1,1]}]",
                             NULL),
                  ERR_MODEL);
    assert_status(parse_with("outputs", "",
                             "[{\"name\":\"pneumonia\",\"datatype\":\"FP32\",\"shape\":[-1,1]},"
                             "{\"name\":\"heatmap\",\"datatype\":\"FP32\",\"shape\":[-1,2,2,2]},"
                             "{\"name\":\"suitability\",\"datatype\":\"FP32\",\"shape\":[-1,2]}]",
                             NULL),
                  ERR_MODEL);
}

static void every_shorter_text_is_refused(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer json = read_whole(tiny_path("tiny.json"));
    struct model_package package;
    for (size_t size = 0; size + 2 < json.size; size++)
        assert_status(model_package_parse(slice_of(json.bytes, size), NULL, &package), ERR_JSON_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_package_is_read),
        cmocka_unit_test(outputs_are_found_by_name),
        cmocka_unit_test(missing_members_are_refused),
        cmocka_unit_test(names_that_leave_the_folder_are_refused),
        cmocka_unit_test(digests_of_another_length_are_refused),
        cmocka_unit_test(shapes_out_of_bounds_are_refused),
        cmocka_unit_test(other_datatypes_are_refused),
        cmocka_unit_test(thresholds_out_of_bounds_are_refused),
        cmocka_unit_test(parts_that_do_not_fit_are_refused),
        cmocka_unit_test(every_shorter_text_is_refused),
    };
    return cmocka_run_group_tests_name("inference/model_package", tests, NULL, NULL);
}
