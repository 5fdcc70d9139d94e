/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include "vectors.h"

static void assert_digest(const uint8_t *digest, size_t size, const char *expected)
{
    CLEANUP(buffer_done) struct buffer bytes = bytes_of_hex(expected);
    assert_slice_equal(slice_of(digest, size), buffer_slice(&bytes));
}

/* FIPS 180-4 examples. */
static void test_digests(void **)
{
    uint8_t digest[SHA256_BYTES], longer[SHA384_BYTES];
    assert_ok(sha256(SLICE_LITERAL("abc"), digest));
    assert_digest(digest, sizeof(digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_ok(sha256((struct slice){}, digest));
    assert_digest(digest, sizeof(digest), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_ok(sha384(SLICE_LITERAL("abc"), longer));
    assert_digest(longer, sizeof(longer),
                  "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
}

/* FIPS 180-4 examples again, by name. */
static void test_digests_that_are_told_at_run_time(void **)
{
    const struct {
        enum hash hash;
        const char *expected;
    } cases[] = {
        {HASH_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {HASH_SHA384,
         "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
        {HASH_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    };
    const struct slice parts[] = {SLICE_LITERAL("a"), SLICE_LITERAL("bc")};
    for (size_t i = 0; i < 4; i++) {
        uint8_t digest[HASH_MAX_BYTES];
        assert_ok(hash_parts(cases[i].hash, parts, 2, digest));
        assert_digest(digest, hash_bytes(cases[i].hash), cases[i].expected);
    }
}

static void test_parts_and_streams_equal_the_whole(void **)
{
    uint8_t whole[SHA256_BYTES], parts[SHA256_BYTES], streamed[SHA256_BYTES];
    assert_ok(sha256(SLICE_LITERAL("abcdef"), whole));
    const struct slice pieces[] = {SLICE_LITERAL("ab"), {}, SLICE_LITERAL("cdef")};
    assert_ok(sha256_parts(pieces, 3, parts));
    assert_memory_equal(parts, whole, SHA256_BYTES);
    CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
    assert_ok(sha256_stream_new(&stream));
    for (size_t i = 0; i < 3; i++) assert_ok(sha256_stream_add(stream, pieces[i]));
    assert_ok(sha256_stream_end(stream, streamed));
    assert_memory_equal(streamed, whole, SHA256_BYTES);
}

/* RFC 4231 test case 2, and the empty key. */
static void test_hmac(void **)
{
    uint8_t mac[SHA256_BYTES];
    assert_ok(hmac_sha256(SLICE_LITERAL("Jefe"), SLICE_LITERAL("what do ya want for nothing?"), mac));
    assert_digest(mac, sizeof(mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_ok(hmac_sha256((struct slice){}, (struct slice){}, mac));
    assert_digest(mac, sizeof(mac), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* RFC 5869 appendix A.1. */
static void test_hkdf_steps(void **)
{
    CLEANUP(buffer_done) struct buffer input = bytes_of_hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    CLEANUP(buffer_done) struct buffer salt = bytes_of_hex("000102030405060708090a0b0c");
    uint8_t key[SHA256_BYTES], output[42];
    assert_ok(hkdf_extract(buffer_slice(&salt), buffer_slice(&input), key));
    assert_digest(key, sizeof(key), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    assert_ok(hkdf_expand(SLICE_ARRAY(key), SLICE_LITERAL("\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9"), 42, output));
    assert_digest(output, sizeof(output),
                  "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    /* In place. */
    assert_ok(hkdf_expand(SLICE_ARRAY(key), SLICE_LITERAL("\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9"), 32, key));
    assert_memory_equal(key, output, sizeof(key));
}

static void check_hkdf(const json_t *, const json_t *test)
{
    CLEANUP(buffer_done) struct buffer input = vector_bytes(test, "ikm"), salt = vector_bytes(test, "salt");
    CLEANUP(buffer_done) struct buffer info = vector_bytes(test, "info"), expected = vector_bytes(test, "okm");
    const size_t size = (size_t)json_integer_value(json_object_get(test, "size"));
    CLEANUP(secret_done) struct secret output = {};
    const enum status status =
        hkdf_derive(buffer_slice(&input), buffer_slice(&salt), buffer_slice(&info), size, &output);
    if (vector_is(test, "invalid")) {
        assert_status(status, ERR_TOO_LARGE);
        return;
    }
    assert_ok(status);
    assert_slice_equal(secret_slice(&output), buffer_slice(&expected));
}

static void test_hkdf_wycheproof(void **)
{
    CLEANUP(json_done) json_t *file = vectors_load("vectors/wycheproof/hkdf_sha256_test.json");
    assert_int_equal(wycheproof_each(file, check_hkdf), 86);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digests),
        cmocka_unit_test(test_digests_that_are_told_at_run_time),
        cmocka_unit_test(test_parts_and_streams_equal_the_whole),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_hkdf_steps),
        cmocka_unit_test(test_hkdf_wycheproof),
    };
    return cmocka_run_group_tests_name("crypto/hash", tests, NULL, NULL);
}
