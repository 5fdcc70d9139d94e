/* SPDX-License-Identifier: Apache-2.0 */
#include "records/master_key.h"

#include "records_testing.h"

/* Keys of one deployment, and the file's text made with them. */
struct fixture {
    struct secret sealing;
    struct key *recovery;
    struct secret master;
    struct buffer text;
    struct master_key_wrapping to;
};

static void fixture_done(struct fixture *fixture)
{
    secret_done(&fixture->sealing);
    key_cleanup(&fixture->recovery);
    secret_done(&fixture->master);
    buffer_done(&fixture->text);
}

static struct fixture make(void)
{
    struct fixture fixture = {.text = buffer_of_maximum(MASTER_KEY_FILE_MAX_BYTES)};
    assert_ok(secret_copy(SLICE_LITERAL("sealing key of this very machine"), &fixture.sealing));
    assert_ok(key_generate(KEY_X25519, 0, &fixture.recovery));
    assert_ok(master_key_new(&fixture.master));
    return fixture;
}

static void wrap(struct fixture *fixture)
{
    fixture->to = (struct master_key_wrapping){
        .deployment = SLICE_LITERAL("deployment"), .sealing_key = &fixture->sealing, .recovery = fixture->recovery};
    assert_ok(master_key_wrap(secret_slice(&fixture->master), &fixture->to, &fixture->text));
}

static void test_both_ways_open_it(void **)
{
    CLEANUP(fixture_done) struct fixture f = make();
    wrap(&f);
    CLEANUP(secret_done) struct secret opened = {};
    assert_ok(master_key_open(buffer_slice(&f.text), &f.to, NULL, &opened));
    assert_slice_equal(secret_slice(&opened), secret_slice(&f.master));
    CLEANUP(secret_done) struct secret recovered = {};
    assert_ok(master_key_recover(buffer_slice(&f.text), f.recovery, NULL, &recovered));
    assert_slice_equal(secret_slice(&recovered), secret_slice(&f.master));
    assert_ok(master_key_check(buffer_slice(&f.text), secret_slice(&recovered), NULL));
}

static void test_another_sealing_key_leaves_it_locked(void **)
{
    CLEANUP(fixture_done) struct fixture f = make();
    wrap(&f);
    CLEANUP(secret_done) struct secret other = {}, opened = {};
    assert_ok(secret_copy(SLICE_LITERAL("sealing key of another measuring"), &other));
    f.to.sealing_key = &other;
    struct refusal why = {};
    assert_status(master_key_open(buffer_slice(&f.text), &f.to, &why, &opened), ERR_STORE_LOCKED);
    assert_non_null(strstr(why.fix, "recovery key"));
    assert_int_equal(why.status, ERR_STORE_LOCKED);
}

static void test_another_deployment_leaves_it_locked(void **)
{
    CLEANUP(fixture_done) struct fixture f = make();
    wrap(&f);
    assert_ok(master_key_is_of(buffer_slice(&f.text), f.to.deployment, NULL));
    f.to.deployment = SLICE_LITERAL("another");
    assert_status(master_key_is_of(buffer_slice(&f.text), f.to.deployment, NULL), ERR_STORE_LOCKED);
    CLEANUP(secret_done) struct secret opened = {};
    assert_status(master_key_open(buffer_slice(&f.text), &f.to, NULL, &opened), ERR_STORE_LOCKED);
}

static void test_another_recovery_key_leaves_it_locked(void **)
{
    CLEANUP(fixture_done) struct fixture f = make();
    wrap(&f);
    CLEANUP(key_cleanup) struct key *other = NULL;
    assert_ok(key_generate(KEY_X25519, 0, &other));
    CLEANUP(secret_done) struct secret opened = {};
    assert_status(master_key_recover(buffer_slice(&f.text), other, NULL, &opened), ERR_STORE_LOCKED);
}

static void test_another_master_key_is_told(void **)
{
    CLEANUP(fixture_done) struct fixture f = make();
    wrap(&f);
    CLEANUP(secret_done) struct secret other = {};
    assert_ok(master_key_new(&other));
    assert_status(master_key_check(buffer_slice(&f.text), secret_slice(&other), NULL), ERR_STORE_LOCKED);
}

static void assert_corrupt(const struct fixture *f, const char *text)
{
    CLEANUP(secret_done) struct secret opened = {};
    struct refusal why = {};
    assert_status(master_key_open(slice_of_text(text), &f->to, &why, &opened), ERR_STORE_CORRUPT);
    assert_int_equal(why.status, ERR_STORE_CORRUPT);
}

static void test_a_file_of_another_form_is_corrupt(void **)
{
    CLEANUP(fixture_done) struct fixture f = make();
    wrap(&f);
    assert_corrupt(&f, "");
    assert_corrupt(&f, "{}");
    assert_corrupt(&f, "{\"version\":2}");
    assert_corrupt(&f, "{\"version\":1,\"deployment\":\"deployment\",\"check\":\"AA\"}");
    assert_corrupt(&f, "{\"version\":1,\"extra\":1}");
    CLEANUP(secret_done) struct secret opened = {};
    for (size_t cut = 0; cut < f.text.size; cut++)
        assert_status(master_key_open(slice_of(f.text.bytes, cut), &f.to, NULL, &opened), ERR_STORE_CORRUPT);
}

static void test_keys_of_another_kind_are_refused(void **)
{
    CLEANUP(fixture_done) struct fixture f = make();
    wrap(&f);
    CLEANUP(key_cleanup) struct key *p256 = NULL;
    assert_ok(key_generate(KEY_P256, 0, &p256));
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(MASTER_KEY_FILE_MAX_BYTES);
    struct master_key_wrapping to = f.to;
    to.recovery = p256;
    assert_status(master_key_wrap(secret_slice(&f.master), &to, &text), ERR_KEY_INVALID);
    CLEANUP(secret_done) struct secret short_key = {};
    assert_ok(secret_copy(SLICE_LITERAL("short"), &short_key));
    to = f.to;
    to.sealing_key = &short_key;
    assert_status(master_key_wrap(secret_slice(&f.master), &to, &text), ERR_KEY_INVALID);
    assert_status(master_key_wrap(SLICE_LITERAL("short"), &f.to, &text), ERR_KEY_INVALID);
}

static void test_load_makes_once_and_opens_again(void **)
{
    CLEANUP(place_remove) struct place place;
    place_make(&place);
    CLEANUP(fixture_done) struct fixture f = make();
    wrap(&f);
    CLEANUP(secret_done) struct secret first = {}, second = {};
    assert_ok(master_key_load(place.folder, false, &f.to, NULL, &first));
    assert_ok(master_key_load(place.folder, true, &f.to, NULL, &second));
    assert_slice_equal(secret_slice(&first), secret_slice(&second));
}

static void test_a_store_without_its_key_file_is_locked(void **)
{
    CLEANUP(place_remove) struct place place;
    place_make(&place);
    CLEANUP(fixture_done) struct fixture f = make();
    wrap(&f);
    CLEANUP(secret_done) struct secret opened = {};
    struct refusal why = {};
    assert_status(master_key_load(place.folder, true, &f.to, &why, &opened), ERR_STORE_LOCKED);
    assert_non_null(strstr(why.fix, "backup"));
    const struct slice master = secret_slice(&f.master), deployment = f.to.deployment;
    assert_status(master_key_fits(place.folder, master, deployment, NULL), ERR_STORE_LOCKED);
    assert_status(master_key_inherit(place.folder, master, &f.to, NULL), ERR_STORE_LOCKED);
}

static struct buffer key_file(const struct place *place)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", place->folder, MASTER_KEY_FILE);
    return read_whole(path);
}

static void test_a_new_recovery_key_in_the_manifest_is_taken_over(void **)
{
    CLEANUP(place_remove) struct place place;
    place_make(&place);
    CLEANUP(fixture_done) struct fixture f = make();
    wrap(&f);
    CLEANUP(secret_done) struct secret master = {}, again = {}, recovered = {};
    assert_ok(master_key_load(place.folder, false, &f.to, NULL, &master));
    CLEANUP(key_cleanup) struct key *newer = NULL;
    assert_ok(key_generate(KEY_X25519, 0, &newer));
    f.to.recovery = newer;
    assert_ok(master_key_load(place.folder, true, &f.to, NULL, &again));
    assert_ok(master_key_keep(place.folder, secret_slice(&again), &f.to, NULL));
    CLEANUP(buffer_done) struct buffer text = key_file(&place);
    assert_status(master_key_recover(buffer_slice(&text), f.recovery, NULL, &recovered), ERR_STORE_LOCKED);
    assert_ok(master_key_recover(buffer_slice(&text), newer, NULL, &recovered));
    assert_slice_equal(secret_slice(&recovered), secret_slice(&master));
}

static void test_recovery_brings_a_store_to_another_machine(void **)
{
    CLEANUP(place_remove) struct place place;
    place_make(&place);
    CLEANUP(fixture_done) struct fixture f = make();
    wrap(&f);
    CLEANUP(secret_done) struct secret master = {}, recovered = {}, opened = {}, machine = {}, stranger = {};
    assert_ok(master_key_load(place.folder, false, &f.to, NULL, &master));
    CLEANUP(buffer_done) struct buffer text = key_file(&place);
    assert_ok(master_key_recover(buffer_slice(&text), f.recovery, NULL, &recovered));
    assert_ok(secret_copy(SLICE_LITERAL("sealing key of the other machine"), &machine));
    f.to.sealing_key = &machine;
    assert_status(master_key_load(place.folder, true, &f.to, NULL, &opened), ERR_STORE_LOCKED);
    assert_ok(master_key_new(&stranger));
    const struct slice deployment = f.to.deployment;
    assert_status(master_key_fits(place.folder, secret_slice(&stranger), deployment, NULL), ERR_STORE_LOCKED);
    assert_status(master_key_fits(place.folder, secret_slice(&recovered), SLICE_LITERAL("another"), NULL),
                  ERR_STORE_LOCKED);
    assert_ok(master_key_fits(place.folder, secret_slice(&recovered), deployment, NULL));
    assert_ok(master_key_keep(place.folder, secret_slice(&recovered), &f.to, NULL));
    assert_ok(master_key_load(place.folder, true, &f.to, NULL, &opened));
    assert_slice_equal(secret_slice(&opened), secret_slice(&master));
}

/* Opens with the sealing key of the text. */
static enum status open_as(const struct place *place, const struct fixture *f, const char *sealing_text)
{
    CLEANUP(secret_done) struct secret sealing = {}, opened = {};
    assert_ok(secret_copy(slice_of_text(sealing_text), &sealing));
    struct master_key_wrapping to = f->to;
    to.sealing_key = &sealing;
    return master_key_load(place->folder, true, &to, NULL, &opened);
}

static void test_an_heir_opens_it_beside_the_owner(void **)
{
    CLEANUP(place_remove) struct place place;
    place_make(&place);
    CLEANUP(fixture_done) struct fixture f = make();
    wrap(&f);
    static const char owner_text[] = "sealing key of this very machine", heir_text[] = "sealing key of the successor";
    CLEANUP(secret_done) struct secret master = {}, heir = {}, stranger = {};
    assert_ok(master_key_load(place.folder, false, &f.to, NULL, &master));
    assert_ok(secret_copy(slice_of_text(heir_text), &heir));
    struct master_key_wrapping to = f.to;
    to.sealing_key = &heir;
    assert_status(open_as(&place, &f, heir_text), ERR_STORE_LOCKED);
    /* Only the key that the file wraps, only for the deployment that it is of. */
    assert_ok(master_key_new(&stranger));
    assert_status(master_key_inherit(place.folder, secret_slice(&stranger), &to, NULL), ERR_STORE_LOCKED);
    to.deployment = SLICE_LITERAL("another");
    assert_status(master_key_inherit(place.folder, secret_slice(&master), &to, NULL), ERR_STORE_LOCKED);
    to.deployment = f.to.deployment;
    assert_ok(master_key_inherit(place.folder, secret_slice(&master), &to, NULL));
    assert_ok(open_as(&place, &f, heir_text));
    assert_ok(open_as(&place, &f, owner_text));
    assert_status(open_as(&place, &f, "sealing key of a third program"), ERR_STORE_LOCKED);
    /* The recovery key still opens it, and once the heir has the store the owner is out. */
    CLEANUP(buffer_done) struct buffer text = key_file(&place);
    CLEANUP(secret_done) struct secret recovered = {};
    assert_ok(master_key_recover(buffer_slice(&text), f.recovery, NULL, &recovered));
    assert_ok(master_key_keep(place.folder, secret_slice(&master), &to, NULL));
    assert_ok(open_as(&place, &f, heir_text));
    assert_status(open_as(&place, &f, owner_text), ERR_STORE_LOCKED);
}

static void test_an_owner_that_keeps_it_forgets_the_heir(void **)
{
    CLEANUP(place_remove) struct place place;
    place_make(&place);
    CLEANUP(fixture_done) struct fixture f = make();
    wrap(&f);
    CLEANUP(secret_done) struct secret master = {}, heir = {};
    assert_ok(master_key_load(place.folder, false, &f.to, NULL, &master));
    assert_ok(secret_copy(SLICE_LITERAL("sealing key of the successor"), &heir));
    struct master_key_wrapping to = f.to;
    to.sealing_key = &heir;
    assert_ok(master_key_inherit(place.folder, secret_slice(&master), &to, NULL));
    assert_ok(master_key_keep(place.folder, secret_slice(&master), &f.to, NULL));
    assert_status(open_as(&place, &f, "sealing key of the successor"), ERR_STORE_LOCKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways_open_it),
        cmocka_unit_test(test_another_sealing_key_leaves_it_locked),
        cmocka_unit_test(test_another_deployment_leaves_it_locked),
        cmocka_unit_test(test_another_recovery_key_leaves_it_locked),
        cmocka_unit_test(test_another_master_key_is_told),
        cmocka_unit_test(test_a_file_of_another_form_is_corrupt),
        cmocka_unit_test(test_keys_of_another_kind_are_refused),
        cmocka_unit_test(test_load_makes_once_and_opens_again),
        cmocka_unit_test(test_a_store_without_its_key_file_is_locked),
        cmocka_unit_test(test_a_new_recovery_key_in_the_manifest_is_taken_over),
        cmocka_unit_test(test_an_heir_opens_it_beside_the_owner),
        cmocka_unit_test(test_an_owner_that_keeps_it_forgets_the_heir),
        cmocka_unit_test(test_recovery_brings_a_store_to_another_machine),
    };
    return cmocka_run_group_tests_name("records/master_key", tests, NULL, NULL);
}
