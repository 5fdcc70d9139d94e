/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signer.h"

#include "crypto/x509.h"
#include "launcher_thread.h"

enum { NOW = 1800000000 };

#define DEPLOYMENT "abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE"

static const struct simulated_identity service = {.mrenclave = {0xaa}, .mrsigner = {0xbb}, .product_id = 1, .svn = 1};

struct scene {
    struct simulated_authority *authority;
    struct simulated_machine *machine;
    struct launcher_thread launcher;
    char folder[64], path[128];
};

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    assert_ok(simulated_authority_new(NOW, &scene->authority));
    assert_ok(simulated_machine_new(scene->authority, NULL, NOW, &scene->machine));
    launcher_thread_start(&scene->launcher, scene->machine, &service);
    (void)snprintf(scene->folder, sizeof(scene->folder), "/tmp/lazaret-signer-test-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    (void)snprintf(scene->path, sizeof(scene->path), "%s/signing-key.sealed", scene->folder);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *const scene = *state;
    launcher_thread_stop(&scene->launcher);
    simulated_machine_free(scene->machine);
    simulated_authority_free(scene->authority);
    (void)unlink(scene->path);
    (void)rmdir(scene->folder);
    free(scene);
    return 0;
}

static struct signer_key_options options_for(const struct scene *scene)
{
    return (struct signer_key_options){
        .tee = scene->launcher.tee,
        .path = scene->path,
        .deployment = DEPLOYMENT,
        .issuer = "https://localhost:7443",
        .now_s = NOW,
    };
}

static struct signer open_signer(const struct signer_key_options *options, bool expected_new)
{
    struct signer signer = {};
    bool is_new = !expected_new;
    assert_ok(signer_open(options, NULL, &signer, &is_new));
    assert_int_equal(is_new, expected_new);
    return signer;
}

static void test_the_key_comes_back_after_a_restart(void **state)
{
    const struct signer_key_options options = options_for(*state);
    CLEANUP(signer_done) struct signer first = open_signer(&options, true);
    CLEANUP(signer_done) struct signer second = open_signer(&options, false);
    assert_true(key_equal(first.key, second.key));
    assert_true(key_is_private(second.key));
    assert_string_equal(first.id.text, second.id.text);
    assert_slice_equal(buffer_slice(&first.certificate), buffer_slice(&second.certificate));
}

static void test_the_certificate_carries_the_services_own_quote(void **state)
{
    const struct signer_key_options options = options_for(*state);
    CLEANUP(signer_done) struct signer signer = open_signer(&options, true);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_ok(certificate_from_der(buffer_slice(&signer.certificate), &certificate));
    assert_ok(certificate_verify_signature(certificate, signer.key));
    assert_true(key_equal(certificate_key(certificate), signer.key));
    assert_string_equal(certificate_subject_common_name(certificate), "https://localhost:7443");
    assert_false(certificate_is_ca(certificate));
    struct slice quote;
    assert_ok(certificate_extension(certificate, ATTESTATION_QUOTE_OID, &quote));
    assert_slice_equal(slice_part(quote, 48 + 64, 32), SLICE_ARRAY(service.mrenclave));
    assert_slice_equal(slice_part(quote, 48 + 320, 32), SLICE_ARRAY(signer.id.digest));
    assert_true(slice_is_zero(slice_part(quote, 48 + 320 + 32, 32)));
}

static void test_another_deployment_issuer_or_measurement_gets_another_key(void **state)
{
    struct scene *const scene = *state;
    struct signer_key_options options = options_for(scene);
    CLEANUP(signer_done) struct signer first = open_signer(&options, true);
    options.deployment = "bbcdefghijklmnopqrstuvwxyz0123456789-_ABCDE";
    CLEANUP(signer_done) struct signer deployed = open_signer(&options, true);
    assert_false(key_equal(first.key, deployed.key));
    options.issuer = "https://other.example";
    CLEANUP(signer_done) struct signer issued = open_signer(&options, true);
    assert_false(key_equal(deployed.key, issued.key));
    launcher_thread_stop(&scene->launcher);
    struct simulated_identity changed = service;
    changed.mrenclave[0] ^= 1;
    launcher_thread_start(&scene->launcher, scene->machine, &changed);
    options.tee = scene->launcher.tee;
    CLEANUP(signer_done) struct signer measured = open_signer(&options, true);
    assert_false(key_equal(issued.key, measured.key));
}

static void test_an_altered_file_gives_no_key(void **state)
{
    struct scene *const scene = *state;
    const struct signer_key_options options = options_for(scene);
    CLEANUP(signer_done) struct signer first = open_signer(&options, true);
    CLEANUP(buffer_done) struct buffer file = read_whole(scene->path);
    for (size_t at = 0; at < file.size; at += 97) {
        file.bytes[at] ^= 1;
        assert_ok(file_write(scene->path, buffer_slice(&file), 0600, NULL));
        file.bytes[at] ^= 1;
        if (at > 200) continue; /* a new key costs time: the first few places show it */
        CLEANUP(signer_done) struct signer other = open_signer(&options, true);
        assert_false(key_equal(first.key, other.key));
    }
}

static void test_the_file_holds_no_key_in_clear(void **state)
{
    struct scene *const scene = *state;
    const struct signer_key_options options = options_for(scene);
    CLEANUP(signer_done) struct signer signer = open_signer(&options, true);
    CLEANUP(buffer_done) struct buffer file = read_whole(scene->path);
    assert_true(key_is_private(signer.key));
    assert_null(memmem(file.bytes, file.size, "PRIVATE KEY", 11));
}

static void test_a_long_issuer_gets_a_certificate_too(void **state)
{
    struct signer_key_options options = options_for(*state);
    options.issuer = "https://attestation.confidential.a-hospital-group-with-a-long-name.example:7443";
    CLEANUP(signer_done) struct signer signer = open_signer(&options, true);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_ok(certificate_from_der(buffer_slice(&signer.certificate), &certificate));
}

static void test_a_folder_that_is_away_is_told(void **state)
{
    struct signer_key_options options = options_for(*state);
    options.path = "/nonexistent/folder/key";
    struct signer signer = {};
    struct refusal why = {};
    bool is_new;
    assert_status(signer_open(&options, &why, &signer, &is_new), ERR_IO);
}

#define signer_unit_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        signer_unit_test(test_the_key_comes_back_after_a_restart),
        signer_unit_test(test_the_certificate_carries_the_services_own_quote),
        signer_unit_test(test_another_deployment_issuer_or_measurement_gets_another_key),
        signer_unit_test(test_an_altered_file_gives_no_key),
        signer_unit_test(test_the_file_holds_no_key_in_clear),
        signer_unit_test(test_a_long_issuer_gets_a_certificate_too),
        signer_unit_test(test_a_folder_that_is_away_is_told),
    };
    return cmocka_run_group_tests_name("attestation/signer", tests, NULL, NULL);
}
