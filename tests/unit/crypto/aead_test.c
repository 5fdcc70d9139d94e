/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aead.h"

#include "vectors.h"

static const uint8_t key[32] = {1, 2, 3}, nonce[AEAD_NONCE_BYTES] = {9};

static void test_seal_appends_and_opens_again(void **)
{
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(100), opened = buffer_of_maximum(100);
    assert_ok(buffer_append_text(&sealed, "head"));
    assert_ok(aead_seal(SLICE_ARRAY(key), SLICE_ARRAY(nonce), SLICE_LITERAL("bound"), SLICE_LITERAL("film"), &sealed));
    assert_int_equal(sealed.size, 4 + 4 + AEAD_TAG_BYTES);
    const struct slice box = slice_part(buffer_slice(&sealed), 4, sealed.size);
    assert_ok(buffer_append_text(&opened, "a "));
    assert_ok(aead_open(SLICE_ARRAY(key), SLICE_ARRAY(nonce), SLICE_LITERAL("bound"), box, &opened));
    assert_true(slice_equal_text(buffer_slice(&opened), "a film"));
}

static void test_every_altered_byte_is_refused_and_nothing_is_appended(void **)
{
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(100), opened = buffer_of_maximum(100);
    assert_ok(aead_seal(SLICE_ARRAY(key), SLICE_ARRAY(nonce), (struct slice){}, SLICE_LITERAL("film"), &sealed));
    for (size_t i = 0; i < sealed.size; i++) {
        sealed.bytes[i] ^= 1;
        assert_status(aead_open(SLICE_ARRAY(key), SLICE_ARRAY(nonce), (struct slice){}, buffer_slice(&sealed), &opened),
                      ERR_AUTHENTICATION);
        assert_int_equal(opened.size, 0);
        sealed.bytes[i] ^= 1;
    }
    assert_status(
        aead_open(SLICE_ARRAY(key), SLICE_ARRAY(nonce), SLICE_LITERAL("other"), buffer_slice(&sealed), &opened),
        ERR_AUTHENTICATION);
}

static void test_wrong_sizes_are_refused(void **)
{
    CLEANUP(buffer_done) struct buffer out = buffer_of_maximum(100);
    const struct slice text = SLICE_LITERAL("0123456789abcdef");
    assert_status(aead_seal(slice_of(key, 24), SLICE_ARRAY(nonce), text, text, &out), ERR_KEY_INVALID);
    assert_status(aead_seal(SLICE_ARRAY(key), slice_of(nonce, 11), text, text, &out), ERR_KEY_INVALID);
    assert_status(aead_open(slice_of(key, 0), SLICE_ARRAY(nonce), text, text, &out), ERR_KEY_INVALID);
    assert_status(aead_open(SLICE_ARRAY(key), SLICE_ARRAY(nonce), text, slice_of(text.bytes, 15), &out), ERR_TRUNCATED);
    struct buffer small = buffer_of_maximum(AEAD_TAG_BYTES);
    assert_status(aead_seal(SLICE_ARRAY(key), SLICE_ARRAY(nonce), text, text, &small), ERR_TOO_LARGE);
}

static void check_gcm(const json_t *group, const json_t *test)
{
    CLEANUP(buffer_done) struct buffer vector_key = vector_bytes(test, "key"), iv = vector_bytes(test, "iv");
    CLEANUP(buffer_done) struct buffer data = vector_bytes(test, "aad"), text = vector_bytes(test, "msg");
    CLEANUP(buffer_done) struct buffer sealed = vector_bytes(test, "ct"), tag = vector_bytes(test, "tag");
    CLEANUP(buffer_done) struct buffer out = buffer_of_maximum(VECTOR_MAX_BYTES);
    assert_ok(buffer_append(&sealed, buffer_slice(&tag)));
    const enum status opened =
        aead_open(buffer_slice(&vector_key), buffer_slice(&iv), buffer_slice(&data), buffer_slice(&sealed), &out);
    const int64_t key_bits = json_integer_value(json_object_get(group, "keySize"));
    const int64_t nonce_bits = json_integer_value(json_object_get(group, "ivSize"));
    if ((key_bits != 128 && key_bits != 256) || nonce_bits != 96) {
        assert_status(opened, ERR_KEY_INVALID);
        return;
    }
    if (!vector_is(test, "valid")) {
        assert_status(opened, ERR_AUTHENTICATION);
        return;
    }
    assert_ok(opened);
    assert_slice_equal(buffer_slice(&out), buffer_slice(&text));
    buffer_clear(&out);
    assert_ok(aead_seal(buffer_slice(&vector_key), buffer_slice(&iv), buffer_slice(&data), buffer_slice(&text), &out));
    assert_slice_equal(buffer_slice(&out), buffer_slice(&sealed));
}

static void test_wycheproof(void **)
{
    CLEANUP(json_done) json_t *file = vectors_load("vectors/wycheproof/aes_gcm_test.json");
    assert_int_equal(wycheproof_each(file, check_gcm), 316);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal_appends_and_opens_again),
        cmocka_unit_test(test_every_altered_byte_is_refused_and_nothing_is_appended),
        cmocka_unit_test(test_wrong_sizes_are_refused),
        cmocka_unit_test(test_wycheproof),
    };
    return cmocka_run_group_tests_name("crypto/aead", tests, NULL, NULL);
}
