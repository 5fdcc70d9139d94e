/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/runtime.h"

#include "tiny_model.h"

#include <fcntl.h>
#include <sys/mman.h>

static void the_library_is_loaded_from_a_sealed_copy(void **state)
{
    (void)state;
    uint8_t digest[SHA256_BYTES];
    int image = -1;
    struct runtime *runtime = NULL;
    runtime_digest(digest);
    assert_ok(runtime_image_open(runtime_path(), digest, NULL, &image));
    assert_int_equal(fcntl(image, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    assert_int_equal(pwrite(image, "x", 1, 0), -1);
    assert_ok(runtime_load(image, NULL, &runtime));
    assert_string_equal(runtime_version(runtime), "1.27.0");
    assert_string_equal(getenv("ORT_DISABLE_TELEMETRY"), "1");
    runtime_free(runtime);
    (void)close(image);
}

static void a_library_with_another_digest_is_refused(void **state)
{
    (void)state;
    uint8_t digest[SHA256_BYTES];
    int image = -1;
    struct refusal why = {};
    runtime_digest(digest);
    digest[31] ^= 1;
    assert_status(runtime_image_open(runtime_path(), digest, &why, &image), ERR_MODEL_DIGEST);
    assert_int_equal(image, -1);
    assert_string_not_equal(why.seen, why.expected);
    assert_string_not_equal(why.fix, "");
}

static void a_relative_path_is_refused(void **state)
{
    (void)state;
    const uint8_t digest[SHA256_BYTES] = {};
    int image = -1;
    assert_status(runtime_image_open("lib/libonnxruntime.so.1", digest, NULL, &image), ERR_CONFIG);
}

static void a_missing_library_is_refused(void **state)
{
    (void)state;
    const uint8_t digest[SHA256_BYTES] = {};
    int image = -1;
    assert_status(runtime_image_open("/nowhere/libonnxruntime.so.1", digest, NULL, &image), ERR_IO);
}

static void what_is_no_library_is_refused(void **state)
{
    (void)state;
    struct refusal why = {};
    struct runtime *runtime = NULL;
    const int image = memfd_create("not-a-library", MFD_CLOEXEC);
    assert_true(image >= 0);
    assert_status(runtime_load(image, &why, &runtime), ERR_INFERENCE);
    assert_null(runtime);
    (void)close(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First, because the loader knows a library by its path, and descriptors are used again. */
        cmocka_unit_test(what_is_no_library_is_refused),
        cmocka_unit_test(the_library_is_loaded_from_a_sealed_copy),
        cmocka_unit_test(a_library_with_another_digest_is_refused),
        cmocka_unit_test(a_relative_path_is_refused),
        cmocka_unit_test(a_missing_library_is_refused),
    };
    return cmocka_run_group_tests_name("inference/runtime", tests, NULL, NULL);
}
