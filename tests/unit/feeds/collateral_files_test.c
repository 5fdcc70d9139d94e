/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/collateral_files.h"

#include "testing.h"

#include <sys/stat.h>

static const char *const names[] = {
    "tcbinfo.json", "tcb_issuer_chain.pem",        "qe_identity.json", "pck.crl", "pck_crl_issuer_chain.pem",
    "root_ca.crl",  "qe_identity_issuer_chain.pem"};

struct scene {
    char folder[64];
};

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    (void)snprintf(scene->folder, sizeof(scene->folder), "/tmp/lazaret-collateral-test-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    *state = scene;
    return 0;
}

static void path_of(const struct scene *scene, const char *name, char path_out[static 128])
{
    (void)snprintf(path_out, 128, "%s/%s", scene->folder, name);
}

static int tear_down(void **state)
{
    struct scene *const scene = *state;
    char path[128];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        path_of(scene, names[i], path);
        (void)unlink(path);
    }
    (void)rmdir(scene->folder);
    free(scene);
    return 0;
}

static struct collateral_files example(void)
{
    struct collateral_files files = collateral_files_empty();
    assert_ok(buffer_append_text(&files.tcb_info, "tcb info"));
    assert_ok(buffer_append_text(&files.tcb_info_issuer_chain, "tcb chain"));
    assert_ok(buffer_append_text(&files.qe_identity, "qe identity"));
    assert_ok(buffer_append_text(&files.qe_identity_issuer_chain, "qe chain"));
    assert_ok(buffer_append_text(&files.pck_crl, "pck crl"));
    assert_ok(buffer_append_text(&files.pck_crl_issuer_chain, "pck chain"));
    assert_ok(buffer_append_text(&files.root_ca_crl, "root crl"));
    return files;
}

static void test_what_is_written_is_read(void **state)
{
    const struct scene *const scene = *state;
    CLEANUP(collateral_files_done) struct collateral_files files = example();
    CLEANUP(collateral_files_done) struct collateral_files read = {};
    assert_ok(collateral_files_write(scene->folder, &files, NULL));
    assert_ok(collateral_files_read(scene->folder, NULL, &read));
    const struct collateral_texts texts = collateral_files_texts(&read);
    assert_true(slice_equal_text(texts.tcb_info, "tcb info"));
    assert_true(slice_equal_text(texts.tcb_info_issuer_chain, "tcb chain"));
    assert_true(slice_equal_text(texts.qe_identity, "qe identity"));
    assert_true(slice_equal_text(texts.qe_identity_issuer_chain, "qe chain"));
    assert_true(slice_equal_text(texts.pck_crl, "pck crl"));
    assert_true(slice_equal_text(texts.pck_crl_issuer_chain, "pck chain"));
    assert_true(slice_equal_text(texts.root_ca_crl, "root crl"));
}

static void test_one_chain_may_serve_both_texts(void **state)
{
    const struct scene *const scene = *state;
    CLEANUP(collateral_files_done) struct collateral_files files = example();
    CLEANUP(collateral_files_done) struct collateral_files read = {};
    char path[128];
    assert_ok(collateral_files_write(scene->folder, &files, NULL));
    path_of(scene, "qe_identity_issuer_chain.pem", path);
    assert_int_equal(unlink(path), 0);
    assert_ok(collateral_files_read(scene->folder, NULL, &read));
    assert_true(slice_equal_text(buffer_slice(&read.qe_identity_issuer_chain), "tcb chain"));
}

static void test_a_missing_file_is_named(void **state)
{
    const struct scene *const scene = *state;
    for (size_t i = 0; i < 6; i++) {
        CLEANUP(collateral_files_done) struct collateral_files files = example();
        CLEANUP(collateral_files_done) struct collateral_files read = {};
        char path[128];
        struct refusal why = {};
        assert_ok(collateral_files_write(scene->folder, &files, NULL));
        path_of(scene, names[i], path);
        assert_int_equal(unlink(path), 0);
        assert_status(collateral_files_read(scene->folder, &why, &read), ERR_COLLATERAL_MISSING);
        assert_string_equal(why.field, names[i]);
    }
}

static void test_a_file_that_is_too_large_is_refused(void **state)
{
    const struct scene *const scene = *state;
    CLEANUP(collateral_files_done) struct collateral_files files = example();
    CLEANUP(collateral_files_done) struct collateral_files read = {};
    uint8_t *large;
    files.qe_identity.maximum = QE_IDENTITY_MAX_BYTES + 1000;
    assert_ok(buffer_extend(&files.qe_identity, QE_IDENTITY_MAX_BYTES, &large));
    assert_ok(collateral_files_write(scene->folder, &files, NULL));
    struct refusal why = {};
    assert_status(collateral_files_read(scene->folder, &why, &read), ERR_TOO_LARGE);
}

static void test_a_folder_that_cannot_be_made_is_refused(void **)
{
    CLEANUP(collateral_files_done) struct collateral_files files = example();
    struct refusal why = {};
    assert_status(collateral_files_write("/nonexistent/folder", &files, &why), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_written_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_chain_may_serve_both_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_missing_file_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_is_too_large_is_refused, set_up, tear_down),
        cmocka_unit_test(test_a_folder_that_cannot_be_made_is_refused),
    };
    return cmocka_run_group_tests_name("feeds/collateral_files", tests, NULL, NULL);
}
