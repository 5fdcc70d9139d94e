/* SPDX-License-Identifier: Apache-2.0
 *
 * The collateral server over a loopback port.
 */
#include "softtee/serve.h"

#include "base/json.h"
#include "crypto/x509.h"
#include "plain_http.h"

enum { NOW = 1800000000, ANSWER_MAX_BYTES = 256 * 1024 };

struct scene {
    struct simulated_authority *authority;
    struct clock *clock;
    struct collateral_desk *desk;
    struct http_server *server;
    uint16_t port;
};

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    assert_ok(simulated_authority_new(NOW, &scene->authority));
    assert_ok(clock_new_fixed(NOW, &scene->clock));
    assert_ok(collateral_desk_new(scene->authority, scene->clock, &scene->desk));
    const struct http_server_options options = collateral_desk_options(scene->desk);
    assert_ok(http_server_new(&options, &scene->server));
    assert_ok(http_server_listen_plain(scene->server, "127.0.0.1:0", NULL, &scene->port));
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *const scene = *state;
    http_server_free(scene->server);
    collateral_desk_free(scene->desk);
    clock_free(scene->clock);
    simulated_authority_free(scene->authority);
    free(scene);
    return 0;
}

static void get(const struct scene *scene, const char *target, struct plain_answer *answer_out)
{
    plain_request(scene->port, "GET", target, "", (struct slice){}, answer_out);
}

static void test_tcb_info_comes_with_its_chain(void **state)
{
    CLEANUP(plain_answer_done) struct plain_answer answer = {};
    get(*state, "/sgx/certification/v4/tcb?fmspc=4c5a52540001", &answer);
    assert_int_equal(answer.status, 200);
    assert_non_null(strcasestr(answer.head, "\r\ncontent-type: application/json"));
    assert_non_null(strcasestr(answer.head, "\r\ntcb-info-issuer-chain: -----BEGIN%20CERTIFICATE-----%0A"));
    assert_non_null(strcasestr(answer.head, "\r\nrequest-id: "));
    CLEANUP(json_done) json_t *json = NULL;
    assert_ok(json_parse(answer.body, ANSWER_MAX_BYTES, NULL, &json));
    const json_t *const info = json_object_get(json, "tcbInfo");
    assert_string_equal(json_string_value(json_object_get(info, "fmspc")), "4c5a52540001");
    assert_string_equal(json_string_value(json_object_get(info, "id")), "SGX");
}

static void test_qe_identity_comes_with_its_chain(void **state)
{
    CLEANUP(plain_answer_done) struct plain_answer answer = {};
    get(*state, "/sgx/certification/v4/qe/identity", &answer);
    assert_int_equal(answer.status, 200);
    assert_non_null(strcasestr(answer.head, "\r\nsgx-enclave-identity-issuer-chain: -----BEGIN%20"));
    CLEANUP(json_done) json_t *json = NULL;
    assert_ok(json_parse(answer.body, ANSWER_MAX_BYTES, NULL, &json));
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "enclaveIdentity"), "id")), "QE");
}

static void test_revocation_lists_come_in_both_forms(void **state)
{
    CLEANUP(plain_answer_done) struct plain_answer der = {};
    CLEANUP(plain_answer_done) struct plain_answer pem = {};
    CLEANUP(plain_answer_done) struct plain_answer root = {};
    get(*state, "/sgx/certification/v4/pckcrl?ca=platform&encoding=der", &der);
    get(*state, "/sgx/certification/v4/pckcrl?ca=platform", &pem);
    get(*state, "/sgx/certification/v4/rootcacrl", &root);
    assert_non_null(strcasestr(der.head, "\r\nsgx-pck-crl-issuer-chain: -----BEGIN%20"));
    CLEANUP(crl_cleanup) struct crl *from_der = NULL;
    CLEANUP(crl_cleanup) struct crl *from_pem = NULL;
    CLEANUP(crl_cleanup) struct crl *of_root = NULL;
    assert_ok(crl_from_der(der.body, &from_der));
    assert_ok(crl_from_der_or_pem(pem.body, &from_pem));
    assert_slice_equal(crl_der(from_der), crl_der(from_pem));
    assert_ok(crl_from_der(root.body, &of_root));
    const struct scene *const scene = *state;
    assert_ok(crl_verify_signature(of_root, simulated_authority_root(scene->authority)));
}

static void test_other_platforms_and_paths_are_not_served(void **state)
{
    static const struct {
        const char *target;
        unsigned status;
    } cases[] = {
        {"/sgx/certification/v4/tcb?fmspc=00906ed50000", 404},
        {"/sgx/certification/v4/tcb", 400},
        {"/sgx/certification/v4/tcb?fmspc=4c5a5254", 400},
        {"/sgx/certification/v4/pckcrl?ca=processor", 404},
        {"/sgx/certification/v4/pckcrl", 400},
        {"/sgx/certification/v3/qe/identity", 404},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(plain_answer_done) struct plain_answer answer = {};
        get(*state, cases[i].target, &answer);
        assert_int_equal(answer.status, cases[i].status);
    }
}

static void test_it_is_signed_anew_once_a_day(void **state)
{
    const struct scene *const scene = *state;
    static const char target[] = "/sgx/certification/v4/qe/identity";
    CLEANUP(plain_answer_done) struct plain_answer first = {};
    CLEANUP(plain_answer_done) struct plain_answer same = {};
    CLEANUP(plain_answer_done) struct plain_answer next = {};
    get(scene, target, &first);
    clock_set(scene->clock, NOW + COLLATERAL_RENEW_S - 1);
    get(scene, target, &same);
    assert_slice_equal(first.body, same.body);
    clock_set(scene->clock, NOW + COLLATERAL_RENEW_S);
    get(scene, target, &next);
    assert_int_equal(next.status, 200);
    assert_false(slice_equal(first.body, next.body));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tcb_info_comes_with_its_chain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_qe_identity_comes_with_its_chain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_revocation_lists_come_in_both_forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_platforms_and_paths_are_not_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_it_is_signed_anew_once_a_day, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("softtee/serve", tests, NULL, NULL);
}
