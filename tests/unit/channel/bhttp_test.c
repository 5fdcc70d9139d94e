/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/bhttp.h"

#include "vectors.h"

static struct bhttp_field field(const char *name, const char *value)
{
    return (struct bhttp_field){.name = slice_of_text(name), .value = slice_of_text(value)};
}

static struct bhttp_request make_request(void)
{
    return (struct bhttp_request){
        .method = SLICE_LITERAL("POST"),
        .scheme = SLICE_LITERAL("https"),
        .authority = SLICE_LITERAL("platform"),
        .path = SLICE_LITERAL("/fhir?patient=7"),
        .fields = {field("date", "Sat, 21 Nov 2026 10:00:00 GMT"), field("x", ""), field("accept", "a\tb c")},
        .field_count = 3,
        .body = SLICE_LITERAL("{}"),
    };
}

static struct buffer written_request(const struct bhttp_request *request)
{
    struct buffer message = buffer_of_maximum(1 << 20);
    assert_ok(bhttp_write_request(request, &message));
    return message;
}

static void test_a_request_comes_back(void **)
{
    const struct bhttp_request request = make_request();
    CLEANUP(buffer_done) struct buffer message = written_request(&request);
    struct bhttp_request read;
    assert_ok(bhttp_read_request(buffer_slice(&message), NULL, &read));
    assert_slice_equal(read.method, request.method);
    assert_slice_equal(read.scheme, request.scheme);
    assert_slice_equal(read.authority, request.authority);
    assert_slice_equal(read.path, request.path);
    assert_int_equal(read.field_count, 3);
    assert_slice_equal(read.fields[2].value, SLICE_LITERAL("a\tb c"));
    assert_slice_equal(read.body, request.body);
}

static void test_a_response_comes_back(void **)
{
    const struct bhttp_response response = {
        .status = 409, .fields = {field("etag", "W/\"1\"")}, .field_count = 1, .body = SLICE_LITERAL("body")};
    CLEANUP(buffer_done) struct buffer message = buffer_of_maximum(1000);
    assert_ok(bhttp_write_response(&response, &message));
    struct bhttp_response read;
    assert_ok(bhttp_read_response(buffer_slice(&message), NULL, &read));
    assert_int_equal(read.status, 409);
    assert_slice_equal(read.fields[0].value, SLICE_LITERAL("W/\"1\""));
    assert_slice_equal(read.body, SLICE_LITERAL("body"));
}

static void test_lengths_of_every_size(void **)
{
    static const size_t sizes[] = {0, 63, 64, 16383, 16384, 100000};
    static uint8_t body[100000];
    struct bhttp_request request = make_request();
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        request.body = slice_of(body, sizes[i]);
        CLEANUP(buffer_done) struct buffer message = written_request(&request);
        struct bhttp_request read;
        assert_ok(bhttp_read_request(buffer_slice(&message), NULL, &read));
        assert_int_equal(read.body.size, sizes[i]);
    }
}

static enum status read_hex(const char *hex, struct bhttp_request *request_out)
{
    CLEANUP(buffer_done) struct buffer message = bytes_of_hex(hex);
    return bhttp_read_request(buffer_slice(&message), NULL, request_out);
}

/* GET https://example.com/ without the empty parts at its end, and with each of them: RFC 9292 section 3.8. */
#define CONTROL                                                                                                        \
    "0003474554056874747073"                                                                                           \
    "0b6578616d706c652e636f6d"                                                                                         \
    "012f"

static void test_empty_parts_may_be_left_out_and_padding_follow(void **)
{
    struct bhttp_request request;
    const char *const messages[] = {CONTROL, CONTROL "00", CONTROL "0000", CONTROL "000000",
                                    CONTROL "0000000000000000"};
    for (size_t i = 0; i < 5; i++) {
        assert_ok(read_hex(messages[i], &request));
        assert_int_equal(request.field_count + request.body.size, 0);
    }
    struct bhttp_response response;
    assert_ok(bhttp_read_response(SLICE_LITERAL("\x01\x40\xc8"), NULL, &response));
    assert_int_equal(response.status, 200);
    assert_status(read_hex(CONTROL "00000001", &request), ERR_BHTTP);
    assert_status(read_hex(CONTROL "0000020161", &request), ERR_BHTTP); /* a trailer section */
}

static void test_longer_forms_of_a_length_are_read(void **)
{
    struct bhttp_request request;
    assert_ok(read_hex("00"
                       "4003474554"
                       "80000005"
                       "6874747073"
                       "c00000000000000b"
                       "6578616d706c652e636f6d"
                       "012f00",
                       &request));
    assert_ok(read_hex("4000"
                       "03474554056874747073"
                       "0b6578616d706c652e636f6d"
                       "012f00",
                       &request));
}

static void test_lengths_beyond_the_message_are_refused(void **)
{
    struct bhttp_request request;
    assert_status(read_hex("00ffffffffffffffff", &request), ERR_TRUNCATED);
    assert_status(read_hex("0004474554", &request), ERR_TRUNCATED);
    assert_status(read_hex(CONTROL "0002", &request), ERR_TRUNCATED);
    assert_status(read_hex(CONTROL "05", &request), ERR_TRUNCATED);
    /* A field that would end behind its section. */
    assert_status(read_hex(CONTROL "030161026162", &request), ERR_TRUNCATED);
}

static void test_every_shorter_prefix_that_loses_something_is_refused(void **)
{
    const struct bhttp_request request = make_request();
    CLEANUP(buffer_done) struct buffer message = written_request(&request);
    struct bhttp_request read;
    /* The last byte says "no trailers" and may be left out. */
    for (size_t size = 0; size < message.size - 1; size++) {
        struct refusal why = {};
        const enum status status = bhttp_read_request(slice_of(message.bytes, size), &why, &read);
        if (status == OK)
            assert_int_equal(read.body.size, 0); /* cut between two sections */
        else
            assert_status(status, ERR_TRUNCATED);
    }
}

static void test_other_framings_are_refused(void **)
{
    struct bhttp_request request;
    struct bhttp_response response;
    assert_status(read_hex("01"
                           "40c8",
                           &request),
                  ERR_BHTTP);
    assert_status(read_hex("02"
                           "03474554056874747073"
                           "0b6578616d706c652e636f6d"
                           "012f0000",
                           &request),
                  ERR_BHTTP);
    assert_status(read_hex("04", &request), ERR_BHTTP);
    assert_status(read_hex("", &request), ERR_TRUNCATED);
    assert_status(bhttp_read_response(SLICE_LITERAL("\x00\x40\xc8"), NULL, &response), ERR_BHTTP);
    assert_status(bhttp_read_response(SLICE_LITERAL("\x03\x40\xc8"), NULL, &response), ERR_BHTTP);
}

static enum status write_and_read_status(unsigned status, const char *hex)
{
    const struct bhttp_response response = {.status = status};
    CLEANUP(buffer_done) struct buffer message = buffer_of_maximum(100), bytes = bytes_of_hex(hex);
    struct bhttp_response read;
    const enum status written = bhttp_write_response(&response, &message);
    assert_status(bhttp_read_response(buffer_slice(&bytes), NULL, &read), written);
    return written;
}

static void test_only_final_statuses_are_taken(void **)
{
    assert_ok(write_and_read_status(200, "0140c800"));
    assert_ok(write_and_read_status(599, "01425700"));
    assert_status(write_and_read_status(100, "01406400"), ERR_BHTTP);
    assert_status(write_and_read_status(199, "0140c700"), ERR_BHTTP);
    assert_status(write_and_read_status(600, "01425800"), ERR_BHTTP);
    assert_status(write_and_read_status(0, "010000"), ERR_BHTTP);
}

/* Writes by hand what the writer refuses, and wants the reader to refuse it too. */
static void assert_field_refused(const char *name, const char *value, enum status status)
{
    struct bhttp_request request = make_request();
    request.fields[0] = field(name, value);
    CLEANUP(buffer_done) struct buffer message = buffer_of_maximum(1 << 20);
    assert_status(bhttp_write_request(&request, &message), ERR_BHTTP);
    assert_int_equal(message.size, 0);
    CLEANUP(buffer_done) struct buffer bytes = bytes_of_hex(CONTROL), section = buffer_of_maximum(1 << 20);
    assert_ok(buffer_append_u16(&section, (uint16_t)(strlen(name) | 0x4000)));
    assert_ok(buffer_append_text(&section, name));
    assert_ok(buffer_append_u16(&section, (uint16_t)(strlen(value) | 0x4000)));
    assert_ok(buffer_append_text(&section, value));
    assert_ok(buffer_append_u16(&bytes, (uint16_t)(section.size | 0x4000)));
    assert_ok(buffer_append(&bytes, buffer_slice(&section)));
    struct refusal why = {};
    struct bhttp_request read;
    assert_status(bhttp_read_request(buffer_slice(&bytes), &why, &read), status);
    if (strlen(value) > 4) assert_null(strstr(why.seen, value));
}

static void test_forbidden_field_names_are_refused(void **)
{
    const char *const names[] = {
        "",      "Date",     ":path",      ":status",           "a b",     "a\n",        "a:",
        "a\x7f", "\xc3\xa4", "connection", "transfer-encoding", "upgrade", "keep-alive", "proxy-connection"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) assert_field_refused(names[i], "v", ERR_BHTTP);
}

static void test_forbidden_field_values_are_refused(void **)
{
    const char *const values[] = {"a\nb", "a\rb", "\x01", "a\x7f", "\xc3\xa4", " a", "a ", "\ta", "secret\n"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) assert_field_refused("n", values[i], ERR_BHTTP);
}

static void test_sizes_and_counts_are_bounded(void **)
{
    char name[BHTTP_FIELD_NAME_MAX_BYTES + 2] = {}, value[BHTTP_FIELD_VALUE_MAX_BYTES + 2] = {};
    memset(name, 'n', BHTTP_FIELD_NAME_MAX_BYTES + 1);
    memset(value, 'v', BHTTP_FIELD_VALUE_MAX_BYTES + 1);
    assert_field_refused(name, "v", ERR_TOO_LARGE);
    assert_field_refused("n", value, ERR_TOO_LARGE);
    CLEANUP(buffer_done) struct buffer bytes = bytes_of_hex(CONTROL);
    assert_ok(buffer_append_u16(&bytes, 0x4000 | (BHTTP_FIELD_MAX_COUNT + 1) * 3));
    for (int i = 0; i <= BHTTP_FIELD_MAX_COUNT; i++) assert_ok(buffer_append(&bytes, SLICE_LITERAL("\x01n\x00")));
    struct bhttp_request read;
    assert_status(bhttp_read_request(buffer_slice(&bytes), NULL, &read), ERR_TOO_LARGE);
    struct bhttp_request request = make_request();
    request.field_count = BHTTP_FIELD_MAX_COUNT + 1;
    assert_status(bhttp_write_request(&request, &bytes), ERR_BHTTP);
}

static void test_forbidden_control_data_is_refused(void **)
{
    static const struct {
        const char *method, *scheme, *authority, *path;
    } cases[] = {
        {"", "https", "a", "/"},        {"G T", "https", "a", "/"},   {"GET", "", "a", "/"},
        {"GET", "ht:tp", "a", "/"},     {"GET", "https", "a b", "/"}, {"GET", "https", "a", ""},
        {"GET", "https", "a", "x"},     {"GET", "https", "a", "/ "},  {"GET", "https", "a", "/\n"},
        {"GET", "https", "a\x01", "/"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bhttp_request request = make_request(), read;
        const char *const texts[] = {cases[i].method, cases[i].scheme, cases[i].authority, cases[i].path};
        request.method = slice_of_text(texts[0]);
        request.scheme = slice_of_text(texts[1]);
        request.authority = slice_of_text(texts[2]);
        request.path = slice_of_text(texts[3]);
        CLEANUP(buffer_done) struct buffer message = buffer_of_maximum(1000);
        assert_status(bhttp_write_request(&request, &message), ERR_BHTTP);
        assert_ok(buffer_append_u8(&message, 0));
        for (size_t j = 0; j < 4; j++) {
            assert_ok(buffer_append_u8(&message, (uint8_t)strlen(texts[j])));
            assert_ok(buffer_append_text(&message, texts[j]));
        }
        assert_ok(buffer_append_u8(&message, 0));
        assert_status(bhttp_read_request(buffer_slice(&message), NULL, &read), ERR_BHTTP);
    }
    static uint8_t path[BHTTP_CONTROL_MAX_BYTES + 1];
    memset(path, '/', sizeof(path));
    struct bhttp_request request = make_request();
    request.path = SLICE_ARRAY(path);
    CLEANUP(buffer_done) struct buffer message = buffer_of_maximum(10000);
    assert_status(bhttp_write_request(&request, &message), ERR_BHTTP);
}

static void test_a_field_that_stands_there_twice_is_as_if_absent(void **)
{
    const struct bhttp_field fields[] = {field("a", "1"), field("b", "2"), field("a", "3")};
    assert_int_equal(bhttp_field(fields, 3, "a").size, 0);
    assert_slice_equal(bhttp_field(fields, 3, "b"), SLICE_LITERAL("2"));
    assert_int_equal(bhttp_field(fields, 3, "c").size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_comes_back),
        cmocka_unit_test(test_a_response_comes_back),
        cmocka_unit_test(test_lengths_of_every_size),
        cmocka_unit_test(test_empty_parts_may_be_left_out_and_padding_follow),
        cmocka_unit_test(test_longer_forms_of_a_length_are_read),
        cmocka_unit_test(test_lengths_beyond_the_message_are_refused),
        cmocka_unit_test(test_every_shorter_prefix_that_loses_something_is_refused),
        cmocka_unit_test(test_other_framings_are_refused),
        cmocka_unit_test(test_only_final_statuses_are_taken),
        cmocka_unit_test(test_forbidden_field_names_are_refused),
        cmocka_unit_test(test_forbidden_field_values_are_refused),
        cmocka_unit_test(test_sizes_and_counts_are_bounded),
        cmocka_unit_test(test_forbidden_control_data_is_refused),
        cmocka_unit_test(test_a_field_that_stands_there_twice_is_as_if_absent),
    };
    return cmocka_run_group_tests_name("channel/bhttp", tests, NULL, NULL);
}
