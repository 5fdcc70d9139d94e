/* SPDX-License-Identifier: Apache-2.0
 *
 * The PCS protocol against the software TEE's own server on a loopback port.
 */
#include "feeds/collateral_source.h"

#include "http/server.h"
#include "simulated_source.h"
#include "softtee/serve.h"

enum { NOW = 1800000000 };

struct scene {
    struct simulated_source source;
    struct clock *clock;
    struct collateral_desk *desk;
    struct http_server *server;
    struct http_client *client;
};

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    uint16_t port;
    char url[64];
    simulated_source_init(&scene->source, NOW);
    assert_ok(clock_new_fixed(NOW, &scene->clock));
    assert_ok(collateral_desk_new(scene->source.authority, scene->clock, &scene->desk));
    const struct http_server_options options = collateral_desk_options(scene->desk);
    assert_ok(http_server_new(&options, &scene->server));
    assert_ok(http_server_listen_plain(scene->server, "127.0.0.1:0", NULL, &port));
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
    assert_ok(http_client_new(url, NULL, &scene->client));
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *const scene = *state;
    http_client_free(scene->client);
    http_server_free(scene->server);
    collateral_desk_free(scene->desk);
    clock_free(scene->clock);
    simulated_source_done(&scene->source);
    free(scene);
    return 0;
}

static void test_a_service_brings_what_verification_needs(void **state)
{
    struct scene *const scene = *state;
    struct collateral_service service = {.client = scene->client};
    const struct collateral_platform platform = simulated_platform();
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    struct refusal why = {};
    struct pacing_hint hint = {};
    assert_ok(collateral_fetch_service(&service, &platform, &why, &hint, &files));
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    const struct collateral_texts texts = collateral_files_texts(&files);
    assert_ok(collateral_new(&texts, &scene->source.roots, &why, &collateral));
}

static void test_an_unknown_platform_is_not_found(void **state)
{
    struct scene *const scene = *state;
    struct collateral_service service = {.client = scene->client};
    struct collateral_platform platform = simulated_platform();
    platform.fmspc[0] ^= 1;
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    struct refusal why = {};
    struct pacing_hint hint = {};
    assert_status(collateral_fetch_service(&service, &platform, &why, &hint, &files), ERR_NOT_FOUND);
    assert_string_equal(why.seen, "404");
    platform = simulated_platform();
    (void)snprintf(platform.ca, sizeof(platform.ca), "processor");
    assert_status(collateral_fetch_service(&service, &platform, &why, &hint, &files), ERR_NOT_FOUND);
}

static void test_a_service_that_is_away_is_told(void **)
{
    struct http_client *client = NULL;
    assert_ok(http_client_new("http://127.0.0.1:1", NULL, &client));
    struct collateral_service service = {.client = client};
    const struct collateral_platform platform = simulated_platform();
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    struct refusal why = {};
    struct pacing_hint hint = {};
    assert_status(collateral_fetch_service(&service, &platform, &why, &hint, &files), ERR_CONNECT);
    http_client_free(client);
}

static void test_a_folder_may_hold_one_platform_or_several(void **state)
{
    struct scene *const scene = *state;
    char folder[] = "/tmp/lazaret-source-test-XXXXXX", own[128], command[256];
    assert_non_null(mkdtemp(folder));
    const struct collateral_platform platform = simulated_platform();
    CLEANUP(collateral_files_done) struct collateral_files made = {};
    CLEANUP(collateral_files_done) struct collateral_files first = {};
    CLEANUP(collateral_files_done) struct collateral_files second = {};
    struct refusal why = {};
    struct pacing_hint hint = {};
    assert_status(collateral_fetch_folder(folder, &platform, &why, &hint, &first), ERR_COLLATERAL_MISSING);
    assert_ok(simulated_files(scene->source.authority, NOW, &made));
    assert_ok(collateral_files_write(folder, &made, NULL));
    assert_ok(collateral_fetch_folder(folder, &platform, &why, &hint, &first));
    buffer_clear(&made.tcb_info);
    assert_ok(buffer_append_text(&made.tcb_info, "its own"));
    (void)snprintf(own, sizeof(own), "%s/4c5a52540001-platform", folder);
    assert_ok(collateral_files_write(own, &made, NULL));
    assert_ok(collateral_fetch_folder(folder, &platform, &why, &hint, &second));
    assert_true(slice_equal_text(buffer_slice(&second.tcb_info), "its own"));
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void test_issuer_chains_are_percent_encoded(void **)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(64);
    assert_ok(collateral_chain_decode(SLICE_LITERAL("a%20b+c%0A%2B%3d"), &pem));
    assert_true(slice_equal_text(buffer_slice(&pem), "a b+c\n+="));
    static const char *const faults[] = {"%", "a%2", "%zz", "%-1"};
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        assert_status(collateral_chain_decode(slice_of_text(faults[i]), &pem), ERR_HTTP_MALFORMED);
}

static void test_lists_may_come_as_hexadecimal(void **)
{
    CLEANUP(buffer_done) struct buffer hex = buffer_of_maximum(64);
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(64);
    assert_ok(collateral_crl_decode(SLICE_LITERAL("3082AB\r\n"), &hex));
    assert_slice_equal(buffer_slice(&hex), SLICE_LITERAL("\x30\x82\xab"));
    assert_ok(collateral_crl_decode(SLICE_LITERAL("\x30\x82\xab\n"), &der));
    assert_slice_equal(buffer_slice(&der), SLICE_LITERAL("\x30\x82\xab\n"));
    assert_status(collateral_crl_decode(SLICE_LITERAL("308"), &hex), ERR_ENCODING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_service_brings_what_verification_needs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_unknown_platform_is_not_found, set_up, tear_down),
        cmocka_unit_test(test_a_service_that_is_away_is_told),
        cmocka_unit_test_setup_teardown(test_a_folder_may_hold_one_platform_or_several, set_up, tear_down),
        cmocka_unit_test(test_issuer_chains_are_percent_encoded),
        cmocka_unit_test(test_lists_may_come_as_hexadecimal),
    };
    return cmocka_run_group_tests_name("feeds/collateral_source", tests, NULL, NULL);
}
