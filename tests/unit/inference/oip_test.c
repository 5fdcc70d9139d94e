/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/oip.h"

#include "tiny_model.h"

#define PIXELS_4 "1,2,3,4"
#define PIXELS_16 PIXELS_4 "," PIXELS_4 "," PIXELS_4 "," PIXELS_4
#define ROW "[1,2,3,4]"
#define PICTURE "[[" ROW "," ROW "," ROW "," ROW "]]"

static enum status parse(const char *json, struct refusal *why, struct oip_request *request)
{
    const struct model_package package = tiny_package("tiny.json");
    return oip_request_parse(slice_of_text(json), NULL, &package, why, request);
}

static void assert_refused(const char *json, enum status expected, const char *field)
{
    struct refusal why = {};
    struct oip_request request = {};
    assert_status(parse(json, &why, &request), expected);
    assert_string_equal(why.field, field);
    assert_null(request.input.bytes);
}

static void assert_tiny_picture(const struct oip_request *request)
{
    assert_int_equal(request->input.size, request->batch * TINY_ITEM_BYTES);
    for (size_t i = 0; i < request->input.size / sizeof(float); i++)
        assert_near(float_at(&request->input, i), (double)(i % 4 + 1));
}

/* ---- requests ---- */

static void flat_and_nested_numbers_are_read(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"inputs\":[{\"name\":\"image\",\"datatype\":\"FP32\",\"shape\":[1,1,4,4],\"data\":[" PIXELS_16 "]}]}",
        "{\"inputs\":[{\"name\":\"image\",\"datatype\":\"FP32\",\"shape\":[1,1,4,4],\"data\":[" PICTURE "]}]}",
        "{\"inputs\":[{\"name\":\"image\",\"datatype\":\"FP32\",\"shape\":[2,1,4,4],\"data\":[" PICTURE "," PICTURE
        "]}]}",
    };
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(oip_request_done) struct oip_request request = {};
        assert_ok(parse(texts[i], NULL, &request));
        assert_int_equal(request.batch, i < 2 ? 1 : 2);
        assert_tiny_picture(&request);
        assert_int_equal(request.output_count, 3);
        assert_string_equal(request.id, "");
    }
}

#define INPUT "\"inputs\":[{\"name\":\"image\",\"datatype\":\"FP32\",\"shape\":[1,1,4,4],\"data\":[" PIXELS_16 "]}]"

static void outputs_are_those_asked_for(void **state)
{
    (void)state;
    CLEANUP(oip_request_done) struct oip_request request = {};
    assert_ok(parse("{\"id\":\"a-1\"," INPUT ",\"parameters\":{\"binary_data_output\":true},\"outputs\":["
                    "{\"name\":\"heatmap\"},{\"name\":\"pneumonia\",\"parameters\":{\"binary_data\":false}}]}",
                    NULL, &request));
    assert_string_equal(request.id, "a-1");
    assert_int_equal(request.output_count, 2);
    assert_int_equal(request.outputs[0].index, 1);
    assert_true(request.outputs[0].is_binary);
    assert_int_equal(request.outputs[1].index, 0);
    assert_false(request.outputs[1].is_binary);
}

static void bodies_that_are_no_request_are_refused(void **state)
{
    (void)state;
    assert_refused("", ERR_JSON_SYNTAX, "json");
    assert_refused("[]", ERR_FIELD_TYPE, "body");
    assert_refused("{}", ERR_FIELD_MISSING, "inputs");
    assert_refused("{\"inputs\":[]}", ERR_TENSOR, "inputs");
    assert_refused("{\"inputs\":[3]}", ERR_TENSOR, "inputs");
    assert_refused("{\"inputs\":{}}", ERR_FIELD_TYPE, "inputs");
    assert_refused("{\"id\":\"a\\u0007\"," INPUT "}", ERR_FIELD_VALUE, "id");
    assert_refused("{\"id\":7," INPUT "}", ERR_FIELD_TYPE, "id");
}

static void tensors_that_the_model_does_not_take_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *datatype, *shape;
    } cases[] = {
        {"Image", "FP32", "[1,1,4,4]"},   {"image", "FP64", "[1,1,4,4]"}, {"image", "FP32", "[0,1,4,4]"},
        {"image", "FP32", "[9,1,4,4]"},   {"image", "FP32", "[1,4,4]"},   {"image", "FP32", "[1,1,4,5]"},
        {"image", "FP32", "[1,1,4,-4]"},  {"image", "FP32", "[16]"},      {"image", "FP32", "[1,1,2,8]"},
        {"image", "FP32", "[1,1,4,4.0]"}, {"image", "FP32", "[]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text),
                       "{\"inputs\":[{\"name\":\"%s\",\"datatype\":\"%s\",\"shape\":%s,\"data\":[" PIXELS_16 "]}]}",
                       cases[i].name, cases[i].datatype, cases[i].shape);
        assert_refused(text, ERR_TENSOR, "inputs");
    }
}

static void assert_data_refused(const char *data, enum status expected)
{
    char text[1024];
    struct oip_request request = {};
    (void)snprintf(text, sizeof(text),
                   "{\"inputs\":[{\"name\":\"image\",\"datatype\":\"FP32\",\"shape\":[1,1,4,4],\"data\":%s}]}", data);
    assert_status(parse(text, NULL, &request), expected);
}

static void data_that_does_not_fit_the_shape_is_refused(void **state)
{
    (void)state;
    assert_data_refused("[" PIXELS_4 "]", ERR_TENSOR);
    assert_data_refused("[]", ERR_TENSOR);
    assert_data_refused("[[" ROW "," ROW "," ROW "," ROW "]]", ERR_TENSOR);
    assert_data_refused("[[[" ROW "," ROW "," ROW ",[1,2,3]]]]", ERR_TENSOR);
    assert_data_refused("[[[" ROW "," ROW "," ROW ",[1,2,3,\"4\"]]]]", ERR_TENSOR);
    assert_data_refused("[" PIXELS_4 "," PIXELS_4 "," PIXELS_4 ",1,2,3,null]", ERR_TENSOR);
    assert_data_refused("7", ERR_FIELD_TYPE);
}

static void values_that_are_no_greys_are_refused(void **state)
{
    (void)state;
    assert_data_refused("[" PIXELS_4 "," PIXELS_4 "," PIXELS_4 ",1,2,3,-1]", ERR_TENSOR);
    assert_data_refused("[" PIXELS_4 "," PIXELS_4 "," PIXELS_4 ",1,2,3,255.5]", ERR_TENSOR);
    assert_data_refused("[" PIXELS_4 "," PIXELS_4 "," PIXELS_4 ",1,2,3,1e300]", ERR_TENSOR);
}

static void outputs_that_the_model_does_not_give_are_refused(void **state)
{
    (void)state;
    assert_refused("{" INPUT ",\"outputs\":[{\"name\":\"fracture\"}]}", ERR_TENSOR, "outputs");
    assert_refused("{" INPUT ",\"outputs\":[{\"name\":\"heatmap\"},{\"name\":\"heatmap\"}]}", ERR_FIELD_VALUE,
                   "outputs");
    assert_refused("{" INPUT ",\"outputs\":[{\"name\":\"heatmap\",\"parameters\":{\"classification\":3}}]}",
                   ERR_UNSUPPORTED, "outputs.parameters");
    assert_refused("{" INPUT ",\"outputs\":[{\"name\":\"heatmap\",\"parameters\":{\"binary_data\":1}}]}",
                   ERR_FIELD_TYPE, "outputs.parameters.binary_data");
}

/* ---- binary requests ---- */

#define BINARY_HEAD                                                                                                    \
    "{\"inputs\":[{\"name\":\"image\",\"datatype\":\"FP32\",\"shape\":[1,1,4,4],\"parameters\":{\"binary_data_size\":"

struct binary_request {
    struct buffer body;
    char json_size[16];
};

static struct binary_request binary_request(const char *size, const char *rest, size_t bytes)
{
    static const float greys[] = {51, 51};
    struct binary_request request = {.body = buffer_of_maximum(4096)};
    CLEANUP(buffer_done) struct buffer pictures = tiny_pictures(2, greys);
    assert_ok(buffer_append_text(&request.body, BINARY_HEAD));
    assert_ok(buffer_append_text(&request.body, size));
    assert_ok(buffer_append_text(&request.body, rest));
    (void)snprintf(request.json_size, sizeof(request.json_size), "%zu", request.body.size);
    assert_ok(buffer_append(&request.body, slice_part(buffer_slice(&pictures), 0, bytes)));
    return request;
}

static enum status parse_binary(struct binary_request *request, const char *json_size)
{
    const struct model_package package = tiny_package("tiny.json");
    CLEANUP(oip_request_done) struct oip_request parsed = {};
    const enum status status = oip_request_parse(
        buffer_slice(&request->body), json_size != NULL ? json_size : request->json_size, &package, NULL, &parsed);
    if (status == OK) assert_near(float_at(&parsed.input, 15), 51);
    buffer_done(&request->body);
    return status;
}

static void binary_values_are_read(void **state)
{
    (void)state;
    struct binary_request request = binary_request("64", "}}]}", 64);
    assert_ok(parse_binary(&request, NULL));
}

static void binary_sizes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct binary_request other = binary_request("60", "}}]}", 60);
    assert_status(parse_binary(&other, NULL), ERR_TENSOR);
    struct binary_request shorter = binary_request("64", "}}]}", 63);
    assert_status(parse_binary(&shorter, NULL), ERR_TRUNCATED);
    struct binary_request longer = binary_request("64", "}}]}", 65);
    assert_status(parse_binary(&longer, NULL), ERR_TRAILING_BYTES);
    struct binary_request negative = binary_request("-64", "}}]}", 64);
    assert_status(parse_binary(&negative, NULL), ERR_FIELD_VALUE);
    struct binary_request both = binary_request("64", "},\"data\":[" PIXELS_16 "]}]}", 64);
    assert_status(parse_binary(&both, NULL), ERR_FIELD_VALUE);
}

static void sizes_of_the_json_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "x", "-1", "1e3", " 5", "99999", "9999999999"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct binary_request request = binary_request("64", "}}]}", 64);
        assert_status(parse_binary(&request, texts[i]), ERR_FIELD_VALUE);
    }
    struct binary_request cut = binary_request("64", "}}]}", 64);
    assert_status(parse_binary(&cut, "20"), ERR_JSON_SYNTAX);
}

/* ---- answers ---- */

static struct inference_result tiny_result(void)
{
    static const float scores[] = {0.25F, 0.75F};
    static const float maps[] = {0, 0.125F, 0.5F, 1, 1, 0, 0, 0.25F};
    static const float suitable[] = {0.5F, 0.25F, 2, 0.125F};
    struct inference_result result = {.batch = 2, .output_count = 3};
    for (size_t i = 0; i < 3; i++) result.outputs[i] = buffer_of_maximum(64);
    assert_ok(buffer_append(&result.outputs[0], SLICE_ARRAY(scores)));
    assert_ok(buffer_append(&result.outputs[1], SLICE_ARRAY(maps)));
    assert_ok(buffer_append(&result.outputs[2], SLICE_ARRAY(suitable)));
    return result;
}

static void answers_in_numbers_are_json_alone(void **state)
{
    (void)state;
    const struct model_package package = tiny_package("tiny.json");
    CLEANUP(inference_result_done) struct inference_result result = tiny_result();
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(4096);
    CLEANUP(json_done) json_t *parameters = json_pack("{s:s}", "model_digest", "00");
    const struct oip_request request = {.id = "q", .batch = 2, .output_count = 1, .outputs = {{.index = 2}}};
    size_t json_size = 9;
    assert_ok(oip_answer_write(&request, &package, &result, parameters, &body, &json_size));
    assert_int_equal(json_size, 0);
    assert_slice_equal(buffer_slice(&body),
                       SLICE_LITERAL("{\"id\":\"q\",\"model_name\":\"tiny\",\"model_version\":\"1.0.0\",\"outputs\":[{"
                                     "\"data\":[0.5,0.25,2.0,0.125],\"datatype\":\"FP32\",\"name\":\"suitability\","
                                     "\"shape\":[2,2]}],\"parameters\":{\"model_digest\":\"00\"}}"));
}

/* Writes the answer with all outputs binary. */
static void write_binary(struct buffer *body, char json_size[static 16])
{
    const struct model_package package = tiny_package("tiny.json");
    CLEANUP(inference_result_done) struct inference_result result = tiny_result();
    CLEANUP(json_done) json_t *parameters = json_pack("{s:s}", "receipt", "a.b.c");
    const struct oip_request request = {.batch = 2, .output_count = 3, .outputs = {{0, true}, {1, true}, {2, true}}};
    size_t size = 0;
    assert_ok(oip_answer_write(&request, &package, &result, parameters, body, &size));
    assert_true(size > 0 && size < body->size);
    (void)snprintf(json_size, 16, "%zu", size);
}

static void binary_answers_are_read_back(void **state)
{
    (void)state;
    char json_size[16];
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(4096);
    CLEANUP(inference_result_done) struct inference_result result = tiny_result();
    CLEANUP(oip_answer_done) struct oip_answer answer = {};
    write_binary(&body, json_size);
    assert_ok(oip_answer_parse(buffer_slice(&body), json_size, 2, NULL, &answer));
    assert_string_equal(answer.model_name, "tiny");
    assert_string_equal(answer.model_version, "1.0.0");
    assert_string_equal(json_string_value(json_object_get(answer.parameters, "receipt")), "a.b.c");
    assert_int_equal(answer.output_count, 3);
    assert_string_equal(answer.specs[1].name, "heatmap");
    assert_int_equal(answer.specs[1].shape[2], 2);
    for (size_t i = 0; i < 3; i++)
        assert_slice_equal(buffer_slice(&answer.values[i]), buffer_slice(&result.outputs[i]));
}

static void answers_for_another_number_of_pictures_are_refused(void **state)
{
    (void)state;
    char json_size[16];
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(4096);
    struct oip_answer answer = {};
    write_binary(&body, json_size);
    assert_status(oip_answer_parse(buffer_slice(&body), json_size, 1, NULL, &answer), ERR_TENSOR);
}

static void every_shorter_answer_is_refused(void **state)
{
    (void)state;
    char json_size[16];
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(4096);
    write_binary(&body, json_size);
    for (size_t size = 0; size < body.size; size++) {
        struct oip_answer answer = {};
        assert_int_not_equal(oip_answer_parse(slice_of(body.bytes, size), json_size, 2, NULL, &answer), OK);
        assert_null(answer.parameters);
    }
}

static void answers_with_what_is_no_number_are_refused(void **state)
{
    (void)state;
    char json_size[16];
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(4096);
    struct oip_answer answer = {};
    write_binary(&body, json_size);
    memset(body.bytes + body.size - 4, 0xff, 4);
    assert_status(oip_answer_parse(buffer_slice(&body), json_size, 2, NULL, &answer), ERR_TENSOR);
}

static void written_requests_are_read_back(void **state)
{
    (void)state;
    static const float greys[] = {7, 255};
    const struct model_package package = tiny_package("tiny.json");
    CLEANUP(buffer_done) struct buffer pictures = tiny_pictures(2, greys);
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(4096);
    CLEANUP(oip_request_done) struct oip_request request = {};
    char json_size[16];
    size_t size;
    assert_ok(oip_request_write(&package.input, 2, buffer_slice(&pictures), "r-1", &body, &size));
    (void)snprintf(json_size, sizeof(json_size), "%zu", size);
    assert_ok(oip_request_parse(buffer_slice(&body), json_size, &package, NULL, &request));
    assert_string_equal(request.id, "r-1");
    assert_int_equal(request.batch, 2);
    assert_slice_equal(buffer_slice(&request.input), buffer_slice(&pictures));
    assert_int_equal(request.output_count, 3);
    assert_true(request.outputs[2].is_binary);
    assert_status(oip_request_write(&package.input, 3, buffer_slice(&pictures), "r-1", &body, &size), ERR_TENSOR);
}

/* ---- metadata ---- */

static void metadata_names_the_model(void **state)
{
    (void)state;
    const struct model_package package = tiny_package("tiny.json");
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(8192);
    CLEANUP(json_done) json_t *root = NULL;
    assert_ok(oip_write_model(&package, &body));
    assert_ok(json_parse(buffer_slice(&body), 8192, NULL, &root));
    assert_string_equal(json_string_value(json_object_get(root, "name")), "tiny");
    assert_string_equal(json_string_value(json_array_get(json_object_get(root, "versions"), 0)), "1.0.0");
    const json_t *const input = json_array_get(json_object_get(root, "inputs"), 0);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(input, "shape"), 0)), -1);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(input, "shape"), 2)), 4);
    assert_int_equal(json_array_size(json_object_get(root, "outputs")), 3);
    const json_t *const parameters = json_object_get(root, "parameters");
    assert_int_equal(json_string_length(json_object_get(parameters, "model_digest")), 64);
    assert_int_equal(json_array_size(json_object_get(parameters, "suitability")), 2);
}

static void metadata_names_the_server(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(256);
    assert_ok(oip_write_server("lazaret-diagnosis", "0.1.0", &body));
    assert_slice_equal(
        buffer_slice(&body),
        SLICE_LITERAL(
            "{\"extensions\":[\"binary_tensor_data\"],\"name\":\"lazaret-diagnosis\",\"version\":\"0.1.0\"}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat_and_nested_numbers_are_read),
        cmocka_unit_test(outputs_are_those_asked_for),
        cmocka_unit_test(bodies_that_are_no_request_are_refused),
        cmocka_unit_test(tensors_that_the_model_does_not_take_are_refused),
        cmocka_unit_test(data_that_does_not_fit_the_shape_is_refused),
        cmocka_unit_test(values_that_are_no_greys_are_refused),
        cmocka_unit_test(outputs_that_the_model_does_not_give_are_refused),
        cmocka_unit_test(binary_values_are_read),
        cmocka_unit_test(binary_sizes_that_do_not_fit_are_refused),
        cmocka_unit_test(sizes_of_the_json_that_do_not_fit_are_refused),
        cmocka_unit_test(answers_in_numbers_are_json_alone),
        cmocka_unit_test(binary_answers_are_read_back),
        cmocka_unit_test(answers_for_another_number_of_pictures_are_refused),
        cmocka_unit_test(every_shorter_answer_is_refused),
        cmocka_unit_test(answers_with_what_is_no_number_are_refused),
        cmocka_unit_test(written_requests_are_read_back),
        cmocka_unit_test(metadata_names_the_model),
        cmocka_unit_test(metadata_names_the_server),
    };
    return cmocka_run_group_tests_name("inference/oip", tests, NULL, NULL);
}
