/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/inner.h"

#include "testing.h"

static enum status handle(struct platform *, const struct inner_request *, struct refusal *, struct inner_response *)
{
    return OK;
}

static const struct inner_route routes[] = {
    {"POST", "/fhir", INNER_STAFF, false, handle},
    {"POST", "/fhir/ServiceRequest", INNER_STAFF, false, handle},
    {"POST", "/fhir/{}", INNER_STAFF, false, handle},
    {"GET", "/fhir/{}/{}", INNER_STAFF, false, handle},
    {"GET", "/fhir/Patient/{}/$everything", INNER_STAFF, false, handle},
    {"PUT", "/films/{}/parts/{}", INNER_STAFF, false, handle},
};

/* The pattern that is found, or NULL. */
static const char *find(const char *method, const char *path, struct slice segments[INNER_SEGMENT_MAX_COUNT],
                        bool *is_path_known)
{
    const struct inner_route *const route =
        inner_route_find(routes, sizeof(routes) / sizeof(routes[0]), slice_of_text(method), slice_of_text(path),
                         segments, is_path_known);
    return route == NULL ? NULL : route->pattern;
}

static void test_finds_routes(void **)
{
    struct slice segments[INNER_SEGMENT_MAX_COUNT] = {};
    bool is_path_known;
    assert_string_equal(find("POST", "/fhir", segments, &is_path_known), "/fhir");
    assert_string_equal(find("POST", "/fhir/ServiceRequest", segments, &is_path_known), "/fhir/ServiceRequest");
    assert_string_equal(find("POST", "/fhir/Patient", segments, &is_path_known), "/fhir/{}");
    assert_true(slice_equal_text(segments[0], "Patient"));
    assert_string_equal(find("GET", "/fhir/Patient/7", segments, &is_path_known), "/fhir/{}/{}");
    assert_true(slice_equal_text(segments[0], "Patient"));
    assert_true(slice_equal_text(segments[1], "7"));
    assert_string_equal(find("GET", "/fhir/Patient/7/$everything", segments, &is_path_known),
                        "/fhir/Patient/{}/$everything");
    assert_true(slice_equal_text(segments[0], "7"));
    assert_string_equal(find("PUT", "/films/f/parts/0", segments, &is_path_known), "/films/{}/parts/{}");
    assert_true(slice_equal_text(segments[1], "0"));
}

static void test_finds_no_route(void **)
{
    static const char *const paths[] = {"",
                                        "/",
                                        "/fhi",
                                        "/fhir2",
                                        "/films/f/parts",
                                        "/FHIR",
                                        "/fhir//7/8",
                                        "/films//parts/0",
                                        "/films/f/parts/0/1",
                                        "fhir-",
                                        "//fhir",
                                        "/fhir/a/b/c",
                                        "/films/f/parts/"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct slice segments[INNER_SEGMENT_MAX_COUNT] = {};
        bool is_path_known = true;
        assert_null(find("POST", paths[i], segments, &is_path_known));
        assert_false(is_path_known);
    }
}

static void test_tells_a_wrong_method_from_a_wrong_path(void **)
{
    struct slice segments[INNER_SEGMENT_MAX_COUNT] = {};
    bool is_path_known = false;
    assert_null(find("DELETE", "/fhir", segments, &is_path_known));
    assert_true(is_path_known);
    assert_null(find("post", "/fhir", segments, &is_path_known));
    assert_true(is_path_known);
    assert_null(find("", "/fhir", segments, &is_path_known));
    assert_true(is_path_known);
}

static void test_segments_have_a_longest(void **)
{
    char path[8 + INNER_SEGMENT_MAX_BYTES + 2] = "/fhir/";
    struct slice segments[INNER_SEGMENT_MAX_COUNT] = {};
    bool is_path_known;
    memset(path + 6, 'a', INNER_SEGMENT_MAX_BYTES);
    assert_non_null(find("POST", path, segments, &is_path_known));
    assert_int_equal(segments[0].size, INNER_SEGMENT_MAX_BYTES);
    path[6 + INNER_SEGMENT_MAX_BYTES] = 'a';
    assert_null(find("POST", path, segments, &is_path_known));
}

static enum status query(const char *text, const char *name, struct buffer *value)
{
    const struct inner_request request = {.query = slice_of_text(text)};
    buffer_done(value);
    *value = buffer_of_maximum(INNER_QUERY_VALUE_MAX_BYTES);
    return inner_query(&request, name, value);
}

static void test_reads_queries(void **)
{
    struct buffer value = {};
    assert_ok(query("name=Weber", "name", &value));
    assert_true(slice_equal_text(buffer_slice(&value), "Weber"));
    assert_ok(query("a=1&name=J%C3%BCrgen+Wei%c3%9f&name=other", "name", &value));
    assert_true(slice_equal_text(buffer_slice(&value), "Jürgen Weiß"));
    assert_ok(query("x=1=2&&y", "x", &value));
    assert_true(slice_equal_text(buffer_slice(&value), "1=2"));
    assert_ok(query("x=1=2&&y", "y", &value));
    assert_int_equal(value.size, 0);
    assert_ok(query("name=%26%3D%2B", "name", &value));
    assert_true(slice_equal_text(buffer_slice(&value), "&=+"));
    buffer_done(&value);
}

static void test_missing_queries(void **)
{
    static const char *const texts[] = {"", "&", "names=x", "nam=x", "Name=x", "x=name", "n%61me=x"};
    struct buffer value = {};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_status(query(texts[i], "name", &value), ERR_FIELD_MISSING);
    buffer_done(&value);
}

static void test_bad_queries(void **)
{
    static const char *const texts[] = {
        "name=%",   "name=%4",   "name=%g1",       "name=%4%41",      /* escapes */
        "name=%00", "name=a%0a", "name=%7F",       "name=\t",         /* controls */
        "name=%ff", "name=%c3",  "name=%ed%a0%80", "name=%c0%af&x=y", /* UTF-8 */
    };
    struct buffer value = {};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_status(query(texts[i], "name", &value), ERR_FIELD_VALUE);
        assert_int_equal(value.size, 0);
    }
    buffer_done(&value);
}

static void test_queries_have_a_longest(void **)
{
    char text[5 + INNER_QUERY_VALUE_MAX_BYTES + 2] = "name=";
    struct buffer value = {};
    memset(text + 5, 'a', INNER_QUERY_VALUE_MAX_BYTES);
    assert_ok(query(text, "name", &value));
    assert_int_equal(value.size, INNER_QUERY_VALUE_MAX_BYTES);
    text[5 + INNER_QUERY_VALUE_MAX_BYTES] = 'a';
    assert_status(query(text, "name", &value), ERR_FIELD_VALUE);
    buffer_done(&value);
}

static void test_statuses(void **)
{
    static const struct {
        enum status status;
        unsigned expected;
    } cases[] = {
        {OK, 200},
        {ERR_FIELD_MISSING, 400},
        {ERR_JSON_SYNTAX, 400},
        {ERR_SESSION, 401},
        {ERR_SIGN_IN, 401},
        {ERR_FORBIDDEN, 403},
        {ERR_NOT_FOUND, 404},
        {ERR_CONFLICT, 409},
        {ERR_REPLAY, 409},
        {ERR_PRECONDITION, 412},
        {ERR_TOO_LARGE, 413},
        {ERR_FHIR, 422},
        {ERR_IMAGE_MALFORMED, 422},
        {ERR_CHILD_DIED, 422},
        {ERR_BUSY, 429},
        {ERR_THROTTLED, 429},
        {ERR_NO_MEMORY, 500},
        {ERR_STORE_CORRUPT, 500},
        {ERR_PEER_REFUSED, 502},
        {ERR_CONNECT, 502},
        {ERR_INFERENCE, 502},
        {ERR_CACHE, 503},
        {ERR_STORE, 503},
        {ERR_TIMEOUT, 504},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(inner_status_of(cases[i].status), cases[i].expected);
}

/* No failure is told as a success. */
static void test_every_failure_is_told_as_one(void **)
{
#define CHECK(name, number, text)                                                                                      \
    if (name != OK) assert_in_range(inner_status_of(name), 400, 599);
    STATUS_LIST(CHECK)
#undef CHECK
}

static json_t *body_of(const struct inner_response *response)
{
    json_t *json = NULL;
    assert_ok(json_parse(buffer_slice(&response->body), INNER_ANSWER_MAX_BYTES, NULL, &json));
    return json;
}

static void test_problems(void **)
{
    struct inner_response response = {};
    struct refusal why = {};
    (void)!refuse(&why, ERR_FIELD_VALUE, "size", "64 to 2048", "%d", 7);
    inner_problem(&response, ERR_FIELD_VALUE, &why, false);
    assert_int_equal(response.status, 400);
    assert_string_equal(response.content_type, "application/problem+json");
    json_t *const problem = body_of(&response);
    assert_string_equal(json_string_value(json_object_get(problem, "code")), "ERR_FIELD_VALUE");
    assert_string_equal(json_string_value(json_object_get(problem, "field")), "size");
    assert_string_equal(json_string_value(json_object_get(problem, "seen")), "7");
    assert_null(json_object_get(problem, "fix"));
    json_decref(problem);
    inner_response_done(&response);
}

static void test_problems_of_fhir(void **)
{
    struct inner_response response = {};
    const struct refusal why = {};
    inner_problem(&response, ERR_STORE, &why, true);
    assert_int_equal(response.status, 503);
    assert_string_equal(response.content_type, "application/fhir+json");
    json_t *const outcome = body_of(&response);
    assert_string_equal(json_string_value(json_object_get(outcome, "resourceType")), "OperationOutcome");
    json_decref(outcome);
    inner_response_done(&response);
}

/* What a handler wrote before it failed is not told: the resource that it speaks of was never kept. */
static void test_problems_echo_nothing_of_a_failed_handler(void **)
{
    struct inner_response response = {};
    assert_ok(inner_text(&response, 201, "application/fhir+json", SLICE_LITERAL("{\"family\":\"Weber\"}")));
    assert_ok(inner_field(&response, "location", "Patient/7"));
    assert_ok(inner_field(&response, "retry-after", "30"));
    assert_ok(inner_field(&response, "etag", "W/\"1\""));
    const struct refusal why = {};
    inner_problem(&response, ERR_THROTTLED, &why, false);
    assert_int_equal(response.status, 429);
    assert_int_equal(response.field_count, 1);
    assert_string_equal(response.fields[0].name, "retry-after");
    assert_string_equal(response.fields[0].value, "30");
    assert_ok(buffer_append_u8(&response.body, 0));
    assert_null(strstr((const char *)response.body.bytes, "Weber"));
    inner_response_done(&response);
}

static void test_fields_have_limits(void **)
{
    struct inner_response response = {};
    char value[INNER_FIELD_VALUE_MAX_BYTES + 1] = {};
    memset(value, 'a', INNER_FIELD_VALUE_MAX_BYTES);
    assert_status(inner_field(&response, "etag", value), ERR_TOO_LARGE);
    value[INNER_FIELD_VALUE_MAX_BYTES - 1] = '\0';
    for (size_t i = 0; i < INNER_FIELD_MAX_COUNT; i++) assert_ok(inner_field(&response, "etag", value));
    assert_status(inner_field(&response, "etag", "x"), ERR_TOO_LARGE);
    inner_response_done(&response);
}

static void test_a_document_that_could_not_be_made(void **)
{
    struct inner_response response = {};
    assert_status(inner_json(&response, 200, NULL), ERR_NO_MEMORY);
    inner_response_done(&response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_routes),
        cmocka_unit_test(test_finds_no_route),
        cmocka_unit_test(test_tells_a_wrong_method_from_a_wrong_path),
        cmocka_unit_test(test_segments_have_a_longest),
        cmocka_unit_test(test_reads_queries),
        cmocka_unit_test(test_missing_queries),
        cmocka_unit_test(test_bad_queries),
        cmocka_unit_test(test_queries_have_a_longest),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_every_failure_is_told_as_one),
        cmocka_unit_test(test_problems),
        cmocka_unit_test(test_problems_of_fhir),
        cmocka_unit_test(test_problems_echo_nothing_of_a_failed_handler),
        cmocka_unit_test(test_fields_have_limits),
        cmocka_unit_test(test_a_document_that_could_not_be_made),
    };
    return cmocka_run_group_tests_name("platform/inner", tests, NULL, NULL);
}
