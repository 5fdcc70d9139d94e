/* SPDX-License-Identifier: Apache-2.0
 *
 * tpm_public_key and tpm_public_name: which keys may attest, and what they are called.
 */
#include "test_tpm.h"

static struct key *keys[3]; /* RSA, P-256, P-384 */

static int make_keys(void **)
{
    assert_ok(key_generate(KEY_RSA, 2048, &keys[0]));
    assert_ok(key_generate(KEY_P256, 0, &keys[1]));
    assert_ok(key_generate(KEY_P384, 0, &keys[2]));
    return 0;
}

static int free_keys(void **)
{
    for (size_t i = 0; i < 3; i++) key_cleanup(&keys[i]);
    return 0;
}

static void test_keys_of_each_kind_with_and_without_a_size(void **)
{
    for (size_t i = 0; i < 6; i++) {
        CLEANUP(buffer_done)
        struct buffer area = test_tpm_public(keys[i / 2], &(struct test_public){.bare = i % 2 == 1});
        CLEANUP(key_cleanup) struct key *key = NULL;
        assert_ok(tpm_public_key(buffer_slice(&area), NULL, &key));
        assert_true(key_equal(key, keys[i / 2]));
    }
}

static void test_a_name_is_the_digest_of_the_area_without_its_size(void **)
{
    const struct {
        uint16_t algorithm;
        enum hash hash;
    } cases[] = {{TPM_HASH_SHA256, HASH_SHA256}, {TPM_HASH_SHA384, HASH_SHA384}, {TPM_HASH_SHA512, HASH_SHA512}};
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(buffer_done)
        struct buffer area = test_tpm_public(keys[2], &(struct test_public){.name_algorithm = cases[i].algorithm});
        const struct slice bare = slice_part(buffer_slice(&area), 2, area.size);
        uint8_t name[TPM_NAME_MAX_BYTES], expected[TPM_NAME_MAX_BYTES] = {0, (uint8_t)cases[i].algorithm};
        size_t size;
        assert_ok(tpm_public_name(buffer_slice(&area), NULL, name, &size));
        assert_ok(hash_parts(cases[i].hash, &bare, 1, expected + 2));
        assert_slice_equal(slice_of(name, size), slice_of(expected, 2 + hash_bytes(cases[i].hash)));
        assert_ok(tpm_public_name(bare, NULL, name, &size));
        assert_memory_equal(name, expected, size);
    }
}

static void check(const struct key *key, const struct test_public *options, enum status status, const char *field)
{
    CLEANUP(buffer_done) struct buffer area = test_tpm_public(key, options);
    struct key *made = NULL;
    struct refusal why = {};
    assert_refused(tpm_public_key(buffer_slice(&area), &why, &made), status, &why, field);
}

static void test_each_attribute_that_an_attestation_key_needs(void **)
{
    const struct {
        uint32_t attributes;
        const char *field;
    } cases[] = {
        {TEST_TPM_ATTRIBUTES & ~UINT32_C(0x2), "public.objectAttributes.fixedTPM"},
        {TEST_TPM_ATTRIBUTES & ~UINT32_C(0x10), "public.objectAttributes.fixedParent"},
        {TEST_TPM_ATTRIBUTES & ~UINT32_C(0x20), "public.objectAttributes.sensitiveDataOrigin"},
        {TEST_TPM_ATTRIBUTES & ~UINT32_C(0x10000), "public.objectAttributes.restricted"},
        {TEST_TPM_ATTRIBUTES | UINT32_C(0x20000), "public.objectAttributes.decrypt"},
        {TEST_TPM_ATTRIBUTES & ~UINT32_C(0x40000), "public.objectAttributes.sign"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buffer_done)
        struct buffer area = test_tpm_public(keys[1], &(struct test_public){.attributes = cases[i].attributes});
        struct key *key = NULL;
        struct refusal why = {};
        assert_refused(tpm_public_key(buffer_slice(&area), &why, &key), ERR_TPM_KEY, &why, cases[i].field);
        assert_string_equal(why.expected, i == 4 ? "clear" : "set");
    }
}

static void test_algorithms_that_are_not_for_signing_are_refused(void **)
{
    check(keys[0], &(struct test_public){.type = 0x0008}, ERR_TPM_KEY, "public.type");
    check(keys[0], &(struct test_public){.name_algorithm = TPM_HASH_SHA1}, ERR_TPM_KEY, "public.nameAlg");
    check(keys[0], &(struct test_public){.name_algorithm = 0x0012}, ERR_TPM_KEY, "public.nameAlg");
    check(keys[0], &(struct test_public){.symmetric = 0x0006}, ERR_TPM_KEY, "public.parameters.symmetric");
    check(keys[0], &(struct test_public){.scheme = 0x0010}, ERR_TPM_KEY, "public.parameters.scheme");
    check(keys[0], &(struct test_public){.scheme = 0x0018}, ERR_TPM_KEY, "public.parameters.scheme");
    check(keys[1], &(struct test_public){.scheme = 0x0014}, ERR_TPM_KEY, "public.parameters.scheme");
    check(keys[1], &(struct test_public){.scheme = 0x001a}, ERR_TPM_KEY, "public.parameters.scheme");
    check(keys[1], &(struct test_public){.curve = 5}, ERR_TPM_KEY, "public.parameters.curveID");
    check(keys[1], &(struct test_public){.derivation = 0x0020}, ERR_TPM_KEY, "public.parameters.kdf");
    const char *const schemes[] = {"RSASSA or RSAPSS", "ECDSA"};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buffer_done) struct buffer area = test_tpm_public(keys[i], &(struct test_public){.scheme = 0x0010});
        struct key *made = NULL;
        struct refusal why = {};
        assert_status(tpm_public_key(buffer_slice(&area), &why, &made), ERR_TPM_KEY);
        assert_string_equal(why.expected, schemes[i]);
    }
    CLEANUP(buffer_done) struct buffer pss = test_tpm_public(keys[0], &(struct test_public){.scheme = 0x0016});
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(tpm_public_key(buffer_slice(&pss), NULL, &key));
}

/* ---- numbers ---- */

static void put_even_modulus(struct buffer *area, struct slice modulus)
{
    test_tpm_sized(area, modulus);
    area->bytes[area->size - 1] &= 0xfe;
}

static void put_short_modulus(struct buffer *area, struct slice modulus)
{
    test_tpm_sized(area, slice_part(modulus, 0, 128));
}

static void put_long_modulus(struct buffer *area, struct slice)
{
    static const uint8_t modulus[RSA_MAX_BYTES + 1] = {0x80};
    test_tpm_sized(area, SLICE_ARRAY(modulus));
}

static void put_point_off_the_curve(struct buffer *area, struct slice point)
{
    test_tpm_sized(area, slice_part(point, 0, 32));
    test_tpm_sized(area, slice_part(point, 0, 32));
}

static void put_long_x(struct buffer *area, struct slice point)
{
    test_tpm_sized(area, slice_part(point, 0, 33));
    test_tpm_sized(area, slice_part(point, 32, 32));
}

static void put_long_y(struct buffer *area, struct slice point)
{
    test_tpm_sized(area, slice_part(point, 0, 32));
    test_tpm_sized(area, slice_part(point, 31, 33));
}

static void test_numbers_that_are_no_key_are_refused(void **)
{
    check(keys[0], &(struct test_public){.bits = 1024}, ERR_TPM_MALFORMED, "public.parameters.keyBits");
    check(keys[0], &(struct test_public){.bits = 3072}, ERR_TPM_MALFORMED, "public.parameters.keyBits");
    check(keys[0], &(struct test_public){.exponent = 4}, ERR_KEY_INVALID, "public.unique");
    check(keys[0], &(struct test_public){.unique = put_even_modulus}, ERR_KEY_INVALID, "public.unique");
    check(keys[0], &(struct test_public){.bits = 1024, .unique = put_short_modulus}, ERR_KEY_INVALID, "public.unique");
    check(keys[0], &(struct test_public){.unique = put_long_modulus}, ERR_TPM_MALFORMED, "public.unique");
    check(keys[1], &(struct test_public){.unique = put_point_off_the_curve}, ERR_KEY_INVALID, "public.unique");
    check(keys[1], &(struct test_public){.unique = put_long_x}, ERR_TPM_MALFORMED, "public.unique.x");
    check(keys[1], &(struct test_public){.unique = put_long_y}, ERR_TPM_MALFORMED, "public.unique.y");
}

static void test_exponents_are_taken_as_written_and_zero_is_the_usual_one(void **)
{
    const uint32_t exponents[] = {0, 65537, 3};
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(buffer_done)
        struct buffer area = test_tpm_public(keys[0], &(struct test_public){.exponent = exponents[i]});
        CLEANUP(key_cleanup) struct key *key = NULL;
        assert_ok(tpm_public_key(buffer_slice(&area), NULL, &key));
        assert_int_equal(key_equal(key, keys[0]), i < 2);
    }
}

static void put_without_leading_zeros(struct buffer *area, struct slice point)
{
    test_tpm_sized(area, slice_part(point, 1, 31));
    test_tpm_sized(area, slice_part(point, 32, 32));
}

static void test_a_coordinate_without_its_leading_zero_is_taken(void **)
{
    CLEANUP(key_cleanup) struct key *key = NULL, *made = NULL;
    CLEANUP(buffer_done) struct buffer point = buffer_of_maximum(P256_POINT_BYTES);
    while (point.size == 0 || point.bytes[0] != 0) {
        key_cleanup(&key);
        buffer_clear(&point);
        assert_ok(key_generate(KEY_P256, 0, &key));
        assert_ok(key_public_bytes(key, &point));
    }
    CLEANUP(buffer_done)
    struct buffer area = test_tpm_public(key, &(struct test_public){.unique = put_without_leading_zeros});
    assert_ok(tpm_public_key(buffer_slice(&area), NULL, &made));
    assert_true(key_equal(made, key));
}

/* ---- sizes ---- */

static void test_areas_that_end_early_are_refused_wherever_they_end(void **)
{
    static const struct test_field_end fields[2][12] = {{{2, "public.type"},
                                                         {4, "public.nameAlg"},
                                                         {8, "public.objectAttributes"},
                                                         {10, "public.authPolicy"},
                                                         {12, "public.parameters.symmetric"},
                                                         {14, "public.parameters.scheme"},
                                                         {16, "public.parameters.scheme.hashAlg"},
                                                         {18, "public.parameters.keyBits"},
                                                         {22, "public.parameters.exponent"},
                                                         {280, "public.unique"}},
                                                        {{2, "public.type"},
                                                         {4, "public.nameAlg"},
                                                         {8, "public.objectAttributes"},
                                                         {10, "public.authPolicy"},
                                                         {12, "public.parameters.symmetric"},
                                                         {14, "public.parameters.scheme"},
                                                         {16, "public.parameters.scheme.hashAlg"},
                                                         {18, "public.parameters.curveID"},
                                                         {20, "public.parameters.kdf"},
                                                         {54, "public.unique.x"},
                                                         {88, "public.unique.y"}}};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buffer_done) struct buffer area = test_tpm_public(keys[i], &(struct test_public){.bare = true});
        for (size_t size = 0; size < area.size; size++) {
            struct key *key = NULL;
            struct refusal why = {};
            if (size == 2u + area.bytes[1]) continue; /* the type is then the size of what follows */
            assert_refused(tpm_public_key(slice_of(area.bytes, size), &why, &key), ERR_TPM_MALFORMED, &why,
                           test_field_at(fields[i], size));
        }
    }
}

static void test_bytes_behind_and_huge_areas_are_refused(void **)
{
    CLEANUP(buffer_done) struct buffer area = test_tpm_public(keys[1], &(struct test_public){.bare = true});
    struct key *key = NULL;
    struct refusal why = {};
    uint8_t name[TPM_NAME_MAX_BYTES];
    size_t size;
    assert_ok(buffer_append_u8(&area, 0));
    assert_refused(tpm_public_key(buffer_slice(&area), &why, &key), ERR_TRAILING_BYTES, &why, "public");
    assert_refused(tpm_public_name(buffer_slice(&area), &why, name, &size), ERR_TRAILING_BYTES, &why, "public");
    static const uint8_t huge[TPM_PUBLIC_MAX_BYTES + 1];
    assert_refused(tpm_public_key(SLICE_ARRAY(huge), &why, &key), ERR_TOO_LARGE, &why, "public");
    assert_refused(tpm_public_key(slice_of(huge, TPM_PUBLIC_MAX_BYTES), &why, &key), ERR_TPM_KEY, &why, "public.type");
}

static void test_a_policy_of_any_digest_is_passed_over_and_a_longer_one_refused(void **)
{
    CLEANUP(buffer_done) struct buffer area = test_tpm_public(keys[1], &(struct test_public){.bare = true});
    const uint8_t sizes[] = {64, 65};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buffer_done) struct buffer with_policy = buffer_of_maximum(1024);
        CLEANUP(key_cleanup) struct key *key = NULL;
        struct refusal why = {};
        uint8_t policy[65] = {};
        assert_ok(buffer_append(&with_policy, slice_of(area.bytes, 8)));
        test_tpm_sized(&with_policy, slice_of(policy, sizes[i]));
        assert_ok(buffer_append(&with_policy, slice_of(area.bytes + 10, area.size - 10)));
        if (i == 0)
            assert_ok(tpm_public_key(buffer_slice(&with_policy), &why, &key));
        else
            assert_refused(tpm_public_key(buffer_slice(&with_policy), &why, &key), ERR_TPM_MALFORMED, &why,
                           "public.authPolicy");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_each_kind_with_and_without_a_size),
        cmocka_unit_test(test_a_name_is_the_digest_of_the_area_without_its_size),
        cmocka_unit_test(test_each_attribute_that_an_attestation_key_needs),
        cmocka_unit_test(test_algorithms_that_are_not_for_signing_are_refused),
        cmocka_unit_test(test_numbers_that_are_no_key_are_refused),
        cmocka_unit_test(test_exponents_are_taken_as_written_and_zero_is_the_usual_one),
        cmocka_unit_test(test_a_coordinate_without_its_leading_zero_is_taken),
        cmocka_unit_test(test_areas_that_end_early_are_refused_wherever_they_end),
        cmocka_unit_test(test_bytes_behind_and_huge_areas_are_refused),
        cmocka_unit_test(test_a_policy_of_any_digest_is_passed_over_and_a_longer_one_refused),
    };
    return cmocka_run_group_tests_name("evidence/tpm_public", tests, make_keys, free_keys);
}
