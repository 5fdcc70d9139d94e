/* SPDX-License-Identifier: Apache-2.0
 *
 * The enclave's tests play the launcher themselves: the other end of the socket is in this process.
 */
#include "tee/enclave.h"

#include "base/reader.h"
#include "tee/softtee_message.h"
#include "testing.h"

#include <fcntl.h>
#include <sys/socket.h>

#define DEPLOYMENT "abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE"

static struct tee *open_tee(int *launcher_out)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    const int ours = fcntl(ends[0], F_DUPFD, 30), theirs = fcntl(ends[1], F_DUPFD, 30);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_int_equal(dup2(theirs, SOFTTEE_DESCRIPTOR), SOFTTEE_DESCRIPTOR);
    (void)close(theirs);
    assert_int_equal(setenv("LAZARET_SOFTTEE", "3", 1), 0);
    struct tee *tee = NULL;
    assert_ok(tee_open(NULL, &tee));
    *launcher_out = ours;
    return tee;
}

static void test_it_makes_its_keys_and_binds_them(void **)
{
    int launcher;
    struct tee *const tee = open_tee(&launcher);
    struct enclave *enclave = NULL;
    const struct enclave_options options = {
        .service = "platform", .version = "0.1.0", .deployment = DEPLOYMENT, .has_hpke = true};
    assert_ok(enclave_new(tee, &options, &enclave));
    assert_int_equal(key_kind(enclave_key(enclave, KEY_USE_TLS)), KEY_P256);
    assert_int_equal(key_kind(enclave_key(enclave, KEY_USE_SIGN)), KEY_P256);
    assert_int_equal(key_kind(enclave_key(enclave, KEY_USE_HPKE)), KEY_X25519);
    assert_true(key_is_private(enclave_key(enclave, KEY_USE_TLS)));
    assert_false(key_equal(enclave_key(enclave, KEY_USE_TLS), enclave_key(enclave, KEY_USE_SIGN)));

    CLEANUP(json_done) json_t *json = NULL;
    assert_ok(json_parse(enclave_runtime_data(enclave), RUNTIME_DATA_MAX_BYTES, NULL, &json));
    struct runtime_data data = {};
    assert_ok(runtime_data_from_json(json, "", NULL, &data));
    assert_string_equal(data.service, "platform");
    assert_string_equal(data.deployment, DEPLOYMENT);
    assert_true(key_equal(data.keys[KEY_USE_HPKE], enclave_key(enclave, KEY_USE_HPKE)));
    assert_slice_equal(buffer_slice(&data.ohttp), enclave_ohttp_configuration(enclave));
    runtime_data_done(&data);

    /* A quote asks for exactly these bytes' digest, and zeros. */
    const uint8_t prepared[] = {0, 'q'};
    assert_int_equal(send(launcher, prepared, sizeof(prepared), 0), 2);
    CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(100);
    assert_ok(enclave_quote(enclave, &quote));
    assert_true(slice_equal_text(buffer_slice(&quote), "q"));
    uint8_t request[128], expected[REPORT_DATA_BYTES];
    assert_int_equal(recv(launcher, request, sizeof(request), 0), 65);
    assert_ok(runtime_data_report_data(enclave_runtime_data(enclave), expected));
    assert_memory_equal(request + 1, expected, sizeof(expected));
    assert_true(slice_is_zero(slice_of(request + 33, 32)));
    enclave_free(enclave);
    tee_free(tee);
    (void)close(launcher);
}

static void test_the_key_configuration_has_the_rfcs_form(void **)
{
    int launcher;
    struct tee *const tee = open_tee(&launcher);
    struct enclave *enclave = NULL;
    const struct enclave_options options = {
        .service = "platform", .version = "0.1.0", .deployment = DEPLOYMENT, .has_hpke = true};
    assert_ok(enclave_new(tee, &options, &enclave));
    /* RFC 9458 section 3.1: key id, KEM 0x0020, the key, 8 bytes of algorithms: HKDF-SHA256 with AES-256-GCM, then
     * AES-128-GCM. */
    CLEANUP(buffer_done) struct buffer expected = buffer_of_maximum(64);
    assert_ok(buffer_append(&expected, SLICE_LITERAL("\x01\x00\x20")));
    assert_ok(key_public_bytes(enclave_key(enclave, KEY_USE_HPKE), &expected));
    assert_ok(buffer_append(&expected, SLICE_LITERAL("\x00\x08\x00\x01\x00\x02\x00\x01\x00\x01")));
    assert_slice_equal(enclave_ohttp_configuration(enclave), buffer_slice(&expected));
    enclave_free(enclave);
    tee_free(tee);
    (void)close(launcher);
}

static void test_a_renewed_key_is_in_the_evidence_and_changes_no_other(void **)
{
    int launcher;
    struct tee *const tee = open_tee(&launcher);
    struct enclave *enclave = NULL;
    const struct enclave_options options = {
        .service = "platform", .version = "0.1.0", .deployment = DEPLOYMENT, .has_hpke = true};
    assert_ok(enclave_new(tee, &options, &enclave));
    const struct key *const sign = enclave_key(enclave, KEY_USE_SIGN), *const tls = enclave_key(enclave, KEY_USE_TLS);
    const struct key *const before = enclave_key(enclave, KEY_USE_HPKE);
    assert_ok(enclave_renew_hpke(enclave));
    assert_ptr_equal(enclave_key(enclave, KEY_USE_SIGN), sign);
    assert_ptr_equal(enclave_key(enclave, KEY_USE_TLS), tls);
    assert_false(key_equal(enclave_key(enclave, KEY_USE_HPKE), before)); /* which is still there to compare */
    CLEANUP(json_done) json_t *json = NULL;
    struct runtime_data data = {};
    assert_ok(json_parse(enclave_runtime_data(enclave), RUNTIME_DATA_MAX_BYTES, NULL, &json));
    assert_ok(runtime_data_from_json(json, "data", NULL, &data));
    assert_true(key_equal(data.keys[KEY_USE_HPKE], enclave_key(enclave, KEY_USE_HPKE)));
    assert_slice_equal(buffer_slice(&data.ohttp), enclave_ohttp_configuration(enclave));
    runtime_data_done(&data);
    enclave_free(enclave);
    tee_free(tee);
    (void)close(launcher);
}

static void test_without_sealed_requests_there_is_no_hpke_key(void **)
{
    int launcher;
    struct tee *const tee = open_tee(&launcher);
    struct enclave *enclave = NULL;
    const struct enclave_options options = {.service = "gate", .version = "0.1.0", .deployment = DEPLOYMENT};
    assert_ok(enclave_new(tee, &options, &enclave));
    assert_null(enclave_key(enclave, KEY_USE_HPKE));
    assert_null(enclave_key(enclave, KEY_USE_COUNT));
    assert_int_equal(enclave_ohttp_configuration(enclave).size, 0);
    assert_status(enclave_renew_hpke(enclave), ERR_UNSUPPORTED);
    enclave_free(enclave);
    tee_free(tee);
    (void)close(launcher);
}

static void test_names_have_their_size(void **)
{
    struct enclave *enclave = NULL;
    const struct enclave_options cases[] = {
        {.service = "", .version = "1", .deployment = DEPLOYMENT},
        {.service = "gate", .version = "", .deployment = DEPLOYMENT},
        {.service = "gate", .version = "1", .deployment = "short"},
        {.service = "a-service-whose-name-is-too-long-to-be-one", .version = "1", .deployment = DEPLOYMENT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_status(enclave_new(NULL, &cases[i], &enclave), ERR_FIELD_VALUE);
    assert_null(enclave);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_makes_its_keys_and_binds_them),
        cmocka_unit_test(test_the_key_configuration_has_the_rfcs_form),
        cmocka_unit_test(test_a_renewed_key_is_in_the_evidence_and_changes_no_other),
        cmocka_unit_test(test_without_sealed_requests_there_is_no_hpke_key),
        cmocka_unit_test(test_names_have_their_size),
    };
    return cmocka_run_group_tests_name("tee/enclave", tests, NULL, NULL);
}
