/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encoding.h"

#include "testing.h"

static void test_base64_vectors_of_rfc4648(void **)
{
    static const struct {
        const char *bytes, *base64, *base64url;
    } vectors[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"\xfb\xff\xfe", "+//+", "-__-"},
    };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(64);
        assert_ok(base64_encode(slice_of_text(vectors[i].bytes), &text));
        assert_true(slice_equal_text(buffer_slice(&text), vectors[i].base64));
        buffer_clear(&text);
        assert_ok(base64url_encode(slice_of_text(vectors[i].bytes), &text));
        assert_true(slice_equal_text(buffer_slice(&text), vectors[i].base64url));
        buffer_clear(&text);
        assert_ok(base64_decode(slice_of_text(vectors[i].base64), &text));
        assert_true(slice_equal_text(buffer_slice(&text), vectors[i].bytes));
        buffer_clear(&text);
        assert_ok(base64url_decode(slice_of_text(vectors[i].base64url), &text));
        assert_true(slice_equal_text(buffer_slice(&text), vectors[i].bytes));
        buffer_clear(&text);
        assert_ok(base64_decode_lenient(slice_of_text(vectors[i].base64), &text));
        assert_ok(base64_decode_lenient(slice_of_text(vectors[i].base64url), &text));
    }
}

static void test_base64_refuses_what_is_not_canonical(void **)
{
    static const char *const bad[] = {"Z", "Zg=", "Zg", "Zh==", "Zm9v\n", "Z===", "Zm 9", "Zm9v====", "-__-"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(64);
        assert_status(base64_decode(slice_of_text(bad[i]), &bytes), ERR_ENCODING);
        assert_int_equal(bytes.size, 0);
    }
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(64);
    assert_status(base64url_decode(SLICE_LITERAL("Zg=="), &bytes), ERR_ENCODING);
    assert_status(base64url_decode(SLICE_LITERAL("+//+"), &bytes), ERR_ENCODING);
    assert_status(base64url_decode(SLICE_LITERAL("Zh"), &bytes), ERR_ENCODING);
}

static void test_hex(void **)
{
    CLEANUP(buffer_done) struct buffer buffer = buffer_of_maximum(64);
    assert_ok(hex_encode(SLICE_LITERAL("\x00\xab\xff"), &buffer));
    assert_true(slice_equal_text(buffer_slice(&buffer), "00abff"));
    uint8_t bytes[3];
    assert_ok(hex_decode_exact(SLICE_LITERAL("00ABff"), 3, bytes));
    assert_memory_equal(bytes, "\x00\xab\xff", 3);
    assert_status(hex_decode_exact(SLICE_LITERAL("00ABf"), 3, bytes), ERR_ENCODING);
    assert_status(hex_decode_exact(SLICE_LITERAL("00ABffff"), 3, bytes), ERR_ENCODING);
    assert_status(hex_decode_exact(SLICE_LITERAL("00ABfg"), 3, bytes), ERR_ENCODING);
}

static void test_fixed_texts_of_32_bytes(void **)
{
    uint8_t bytes[32];
    for (size_t i = 0; i < sizeof(bytes); i++) bytes[i] = (uint8_t)(i * 7);
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(128);
    assert_ok(base64url_encode(SLICE_ARRAY(bytes), &text));
    assert_true(slice_equal_text(buffer_slice(&text), base64url_of_32(bytes).text));
    uint8_t back[32];
    assert_ok(base64url_decode_exact(buffer_slice(&text), 32, back));
    assert_memory_equal(back, bytes, 32);
    assert_status(base64url_decode_exact(SLICE_LITERAL("AAAA"), 32, back), ERR_ENCODING);
    buffer_clear(&text);
    assert_ok(hex_encode(SLICE_ARRAY(bytes), &text));
    assert_true(slice_equal_text(buffer_slice(&text), hex_of_32(bytes).text));
}

static void test_utf8(void **)
{
    assert_true(utf8_is_valid(SLICE_LITERAL("Zo\xc3\xab \xe6\x9d\x8e \xf0\x9f\xa9\xbb"), false));
    assert_false(utf8_is_valid(SLICE_LITERAL("\xc0\x80"), true));         /* overlong NUL */
    assert_false(utf8_is_valid(SLICE_LITERAL("\xed\xa0\x80"), true));     /* surrogate */
    assert_false(utf8_is_valid(SLICE_LITERAL("\xf4\x90\x80\x80"), true)); /* above U+10FFFF */
    assert_false(utf8_is_valid(SLICE_LITERAL("\xe6\x9d"), true));         /* cut short */
    assert_false(utf8_is_valid(SLICE_LITERAL("\x80"), true));             /* a sequence's middle */
    assert_false(utf8_is_valid(SLICE_LITERAL("\xff"), true));
    assert_false(utf8_is_valid(SLICE_LITERAL("a\nb"), false));
    assert_false(utf8_is_valid(SLICE_LITERAL("\xc3\xab\x1f"), false));
    assert_false(utf8_is_valid(SLICE_LITERAL("\xc3\xab\x7f"), false));
    assert_true(utf8_is_valid(SLICE_LITERAL("\x7f\x01\xc3\xab"), true));
    assert_true(utf8_is_valid(SLICE_LITERAL("a\nb"), true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_vectors_of_rfc4648),
        cmocka_unit_test(test_base64_refuses_what_is_not_canonical),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_fixed_texts_of_32_bytes),
        cmocka_unit_test(test_utf8),
    };
    return cmocka_run_group_tests_name("base/encoding", tests, NULL, NULL);
}
