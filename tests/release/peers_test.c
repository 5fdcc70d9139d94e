/* SPDX-License-Identifier: Apache-2.0
 *
 * The tunnel of a release build between two attested peers, as the gate, the diagnosis service and the platform have
 * it: a token from simulated evidence opens it in neither direction, though the rules of both say that it might.
 */
#include "tunnels.h"

static struct tunnel_fixture fixture;

static int set_up(void **)
{
    tunnel_fixture_init(&fixture);
    fixture.gate.fixture.rules.accept_simulated = true;
    fixture.platform.fixture.rules.accept_simulated = true;
    return 0;
}

static int tear_down(void **)
{
    tunnel_fixture_done(&fixture);
    return 0;
}

static void show_simulated(struct tunnel_side *side)
{
    assert_int_equal(json_object_set_new(side->fixture.payload, "lazaret-simulated", json_true()), 0);
    tunnel_test_show(&fixture, side);
}

/* Else the refusals below would prove nothing. */
static void test_peers_with_hardware_tokens_meet(void **)
{
    struct refusal why = {};
    int client = -1;
    assert_ok(tunnel_test_dial(&fixture, &why, &client, NULL));
    (void)tunnel_test_server_socket(&fixture, 0);
    (void)close(client);
}

static void test_a_simulated_caller_is_refused(void **)
{
    static const char *const servers[] = {"gate", "diagnosis"};
    show_simulated(&fixture.platform);
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        struct refusal why = {};
        int client = -1;
        assert_int_equal(json_object_set_new(tunnel_test_lazaret(&fixture.gate), "service", json_string(servers[i])),
                         0);
        (void)snprintf(fixture.gate.fixture.role.service, sizeof(fixture.gate.fixture.role.service), "%s", servers[i]);
        tunnel_test_accept(&fixture.platform, &fixture.gate);
        tunnel_test_show(&fixture, &fixture.gate);
        assert_status(tunnel_test_dial(&fixture, &why, &client, NULL), ERR_PEER_REFUSED);
        tunnel_test_wait(&fixture, &fixture.refused_count, i + 1);
        assert_status(fixture.refused.status, ERR_TOKEN_SIMULATED);
    }
    assert_int_equal(fixture.socket_count, 0);
}

static void test_a_simulated_server_is_refused(void **)
{
    struct refusal why = {};
    int client = -1;
    show_simulated(&fixture.gate);
    assert_status(tunnel_test_dial(&fixture, &why, &client, NULL), ERR_PEER_REFUSED);
    assert_status(why.status, ERR_TOKEN_SIMULATED);
    assert_int_equal(fixture.socket_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_peers_with_hardware_tokens_meet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_simulated_caller_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_simulated_server_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("release/peers", tests, NULL, NULL);
}
