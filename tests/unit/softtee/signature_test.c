/* SPDX-License-Identifier: Apache-2.0 */
#include "softtee/signature.h"

#include "base/json.h"
#include "crypto/hash.h"
#include "testing.h"

static const struct simulated_identity program = {
    .mrenclave = {1, 2, 3}, .product_id = 0x0102, .svn = 0xfffe, .debug = true};

struct scene {
    struct key *key;
    struct buffer text;
};

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    assert_ok(key_generate(KEY_RSA, SIGNATURE_KEY_BITS, &scene->key));
    scene->text = buffer_of_maximum(SIGNATURE_MAX_BYTES);
    assert_ok(signature_write(&program, scene->key, &scene->text));
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *const scene = *state;
    key_free(scene->key);
    buffer_done(&scene->text);
    free(scene);
    return 0;
}

static void test_what_was_signed_comes_back_with_its_signer(void **state)
{
    const struct scene *const scene = *state;
    struct simulated_identity read;
    uint8_t mrsigner[32];
    assert_ok(signature_read(buffer_slice(&scene->text), NULL, &read));
    assert_ok(signature_signer(scene->key, mrsigner));
    assert_memory_equal(read.mrenclave, program.mrenclave, 32);
    assert_memory_equal(read.mrsigner, mrsigner, 32);
    assert_int_equal(read.product_id, program.product_id);
    assert_int_equal(read.svn, program.svn);
    assert_true(read.debug);
}

static void test_the_signer_is_the_digest_of_the_modulus_little_endian(void **state)
{
    const struct scene *const scene = *state;
    CLEANUP(buffer_done) struct buffer modulus = buffer_of_maximum(RSA_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer exponent = buffer_of_maximum(RSA_MAX_BYTES);
    assert_ok(key_rsa_numbers(scene->key, &modulus, &exponent));
    for (size_t i = 0; i < modulus.size / 2; i++) {
        const uint8_t kept = modulus.bytes[i];
        modulus.bytes[i] = modulus.bytes[modulus.size - 1 - i];
        modulus.bytes[modulus.size - 1 - i] = kept;
    }
    uint8_t expected[32], seen[32];
    assert_ok(sha256(buffer_slice(&modulus), expected));
    assert_ok(signature_signer(scene->key, seen));
    assert_memory_equal(seen, expected, 32);
}

static enum status read_changed(const struct scene *scene, const char *name, json_t *value)
{
    CLEANUP(json_done) json_t *json = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SIGNATURE_MAX_BYTES);
    assert_ok(json_parse(buffer_slice(&scene->text), SIGNATURE_MAX_BYTES, NULL, &json));
    if (value == NULL)
        (void)json_object_del(json, name);
    else
        (void)json_object_set_new(json, name, value);
    assert_ok(json_write(json, &text));
    struct simulated_identity read;
    struct refusal why = {};
    return signature_read(buffer_slice(&text), &why, &read);
}

static void test_every_signed_member_is_covered(void **state)
{
    const struct scene *const scene = *state;
    assert_status(read_changed(scene, "product_id", json_integer(1)), ERR_SIGNATURE);
    assert_status(read_changed(scene, "svn", json_integer(1)), ERR_SIGNATURE);
    assert_status(read_changed(scene, "debug", json_false()), ERR_SIGNATURE);
    char mrenclave[65];
    memset(mrenclave, '0', 64);
    mrenclave[64] = '\0';
    assert_status(read_changed(scene, "mrenclave", json_string(mrenclave)), ERR_SIGNATURE);
}

static void test_malformed_files_are_refused(void **state)
{
    const struct scene *const scene = *state;
    static const char *const names[] = {"mrenclave", "product_id", "svn", "debug", "modulus", "signature"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_status(read_changed(scene, names[i], NULL), ERR_FIELD_MISSING);
    assert_status(read_changed(scene, "mrsigner", json_string("00")), ERR_FIELD_UNKNOWN);
    assert_status(read_changed(scene, "svn", json_integer(65536)), ERR_FIELD_VALUE);
    assert_status(read_changed(scene, "svn", json_string("1")), ERR_FIELD_TYPE);
    assert_status(read_changed(scene, "modulus", json_string("00")), ERR_FIELD_VALUE);
    struct simulated_identity read;
    assert_status(signature_read(SLICE_LITERAL("no json"), NULL, &read), ERR_JSON_SYNTAX);
}

static void test_only_rsa_3072_signs(void **)
{
    CLEANUP(key_cleanup) struct key *elliptic = NULL;
    CLEANUP(key_cleanup) struct key *short_key = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SIGNATURE_MAX_BYTES);
    assert_ok(key_generate(KEY_P256, 0, &elliptic));
    assert_ok(key_generate(KEY_RSA, 2048, &short_key));
    assert_status(signature_write(&program, elliptic, &text), ERR_KEY_INVALID);
    assert_status(signature_write(&program, short_key, &text), ERR_KEY_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_signed_comes_back_with_its_signer),
        cmocka_unit_test(test_the_signer_is_the_digest_of_the_modulus_little_endian),
        cmocka_unit_test(test_every_signed_member_is_covered),
        cmocka_unit_test(test_malformed_files_are_refused),
        cmocka_unit_test(test_only_rsa_3072_signs),
    };
    return cmocka_run_group_tests_name("softtee/signature", tests, set_up, tear_down);
}
