/* SPDX-License-Identifier: Apache-2.0
 *
 * Who gets in: the handshake between a platform and a gate, accepted, and refused for each reason, on either side.
 */
#include "tunnels.h"

static void set_claim(struct tunnel_side *side, const char *claim, json_t *value)
{
    assert_int_equal(json_object_set_new(side->fixture.payload, claim, value), 0);
}

/* ---- what can be wrong with a side ---- */

static void with_expired_token(struct tunnel_side *side)
{
    set_claim(side, "exp", json_integer(TOKEN_TEST_NOW_S - TOKEN_CLOCK_SLACK_S - 1));
    set_claim(side, "iat", json_integer(TOKEN_TEST_NOW_S - 1000));
    set_claim(side, "nbf", json_integer(TOKEN_TEST_NOW_S - 1000));
}

static void with_another_key(struct tunnel_side *side)
{
    key_cleanup(&side->fixture.keys[KEY_USE_TLS]);
    assert_ok(key_generate(KEY_P256, 0, &side->fixture.keys[KEY_USE_TLS]));
}

static void with_the_signing_key(struct tunnel_side *side)
{
    key_cleanup(&side->fixture.keys[KEY_USE_TLS]);
    side->fixture.keys[KEY_USE_TLS] = key_share(side->fixture.keys[KEY_USE_SIGN]);
}

static void with_another_role(struct tunnel_side *side)
{
    assert_int_equal(json_object_set_new(tunnel_test_lazaret(side), "service", json_string("diagnosis")), 0);
}

static void with_another_measurement(struct tunnel_side *side)
{
    static const char other[] = "abababababababababababababababababababababababababababababababab";
    set_claim(side, "x-ms-sgx-mrenclave", json_string(other));
}

static void with_debug(struct tunnel_side *side)
{
    set_claim(side, "x-ms-sgx-is-debuggable", json_true());
}

static void with_another_deployment(struct tunnel_side *side)
{
    static const char other[] = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";
    assert_int_equal(json_object_set_new(tunnel_test_lazaret(side), "deployment", json_string(other)), 0);
}

static void with_unknown_issuer(struct tunnel_side *side)
{
    set_claim(side, "iss", json_string("https://other.example"));
}

static void with_forged_signature(struct tunnel_side *side)
{
    key_cleanup(&side->fixture.issuer);
    assert_ok(key_generate(KEY_P256, 0, &side->fixture.issuer));
}

static void with_another_policy(struct tunnel_side *side)
{
    set_claim(side, "x-ms-policy-hash", json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
}

/* ---- the two directions ---- */

static void assert_no_connection(struct tunnel_fixture *fixture)
{
    struct tunnel_counts counts;
    tunnel_listener_counts(fixture->listener, &counts);
    assert_int_equal(counts.accepted, 0);
    assert_int_equal(counts.open, 0);
    assert_int_equal(fixture->socket_count, 0);
}

/* The gate refuses; the platform hears so, without the reason. */
static void assert_client_refused(struct tunnel_fixture *fixture, enum status expected)
{
    struct refusal why = {};
    int client = -1;
    assert_status(tunnel_test_dial(fixture, &why, &client, NULL), ERR_PEER_REFUSED);
    assert_int_equal(client, -1);
    assert_status(why.status, ERR_PEER_REFUSED);
    assert_string_equal(why.field, "tls.alert");
    tunnel_test_wait(fixture, &fixture->refused_count, 1);
    assert_status(fixture->refused.status, expected);
    struct tunnel_counts counts;
    tunnel_listener_counts(fixture->listener, &counts);
    assert_int_equal(counts.refused, 1);
    assert_no_connection(fixture);
}

/* The platform refuses and knows why; the gate's handshake fails. */
static void assert_server_refused(struct tunnel_fixture *fixture, enum status expected)
{
    struct refusal why = {};
    int client = -1;
    assert_status(tunnel_test_dial(fixture, &why, &client, NULL), ERR_PEER_REFUSED);
    assert_int_equal(client, -1);
    assert_status(why.status, expected);
    assert_string_not_equal(why.field, "");
    assert_no_connection(fixture);
}

static void both_directions(void (*spoil)(struct tunnel_side *), enum status expected)
{
    static struct tunnel_fixture fixture;
    tunnel_fixture_init(&fixture);
    spoil(&fixture.platform);
    tunnel_test_show(&fixture, &fixture.platform);
    assert_client_refused(&fixture, expected);
    tunnel_fixture_done(&fixture);

    tunnel_fixture_init(&fixture);
    spoil(&fixture.gate);
    tunnel_test_show(&fixture, &fixture.gate);
    assert_server_refused(&fixture, expected);
    tunnel_fixture_done(&fixture);
}

static void test_expired_token(void **)
{
    both_directions(with_expired_token, ERR_TOKEN_EXPIRED);
}

static void test_token_of_another_key(void **)
{
    both_directions(with_another_key, ERR_TOKEN_KEY_BINDING);
}

static void test_attested_key_of_another_use(void **)
{
    both_directions(with_the_signing_key, ERR_TOKEN_KEY_BINDING);
}

static void test_another_role(void **)
{
    both_directions(with_another_role, ERR_TOKEN_SERVICE);
}

static void test_another_measurement(void **)
{
    both_directions(with_another_measurement, ERR_TOKEN_IDENTITY);
}

static void test_debug_enclave(void **)
{
    both_directions(with_debug, ERR_TOKEN_DEBUG);
}

static void test_another_deployment(void **)
{
    both_directions(with_another_deployment, ERR_TOKEN_DEPLOYMENT);
}

static void test_unknown_issuer(void **)
{
    both_directions(with_unknown_issuer, ERR_TOKEN_ISSUER);
}

static void test_forged_signature(void **)
{
    both_directions(with_forged_signature, ERR_TOKEN_SIGNATURE);
}

static void test_another_policy(void **)
{
    both_directions(with_another_policy, ERR_TOKEN_POLICY);
}

/* ---- no certificate, no token, no rule ---- */

static void test_no_client_certificate(void **)
{
    static struct tunnel_fixture fixture;
    tunnel_fixture_init(&fixture);
    tunnel_endpoint_free(fixture.platform.endpoint);
    assert_ok(tunnel_endpoint_new(&fixture.platform.endpoint));
    tunnel_test_accept(&fixture.platform, &fixture.gate);
    assert_client_refused(&fixture, ERR_TOKEN_MISSING);
    tunnel_fixture_done(&fixture);
}

static void test_certificate_without_token(void **)
{
    static struct tunnel_fixture fixture;
    CLEANUP(web_certificate_done) struct web_certificate web = web_certificate_make(TOKEN_TEST_NOW_S);
    tunnel_fixture_init(&fixture);
    tunnel_endpoint_set_identity(fixture.platform.endpoint, web_certificate_identity(&web));
    assert_client_refused(&fixture, ERR_TOKEN_MISSING);
    tunnel_fixture_done(&fixture);

    tunnel_fixture_init(&fixture);
    tunnel_endpoint_set_identity(fixture.gate.endpoint, web_certificate_identity(&web));
    assert_server_refused(&fixture, ERR_TOKEN_MISSING);
    tunnel_fixture_done(&fixture);
}

static void test_without_a_rule_nobody_gets_in(void **)
{
    static struct tunnel_fixture fixture;
    tunnel_fixture_init(&fixture);
    const struct tunnel_peer_rule none = {};
    tunnel_endpoint_set_rule(fixture.gate.endpoint, &none);
    assert_client_refused(&fixture, ERR_PEER_REFUSED);
    tunnel_fixture_done(&fixture);

    tunnel_fixture_init(&fixture);
    const struct tunnel_peer_rule no_roles = {.rules = &fixture.gate.fixture.rules};
    tunnel_endpoint_set_rule(fixture.platform.endpoint, &no_roles);
    assert_server_refused(&fixture, ERR_PEER_REFUSED);
    tunnel_fixture_done(&fixture);
}

static void test_a_server_without_identity_fails_the_handshake(void **)
{
    static struct tunnel_fixture fixture;
    tunnel_fixture_init_with(&fixture, NULL);
    struct tunnel_endpoint *empty = NULL;
    assert_ok(tunnel_endpoint_new(&empty));
    tunnel_fixture_listen(&fixture, empty);
    struct refusal why = {};
    int client = -1;
    assert_status(tunnel_test_dial(&fixture, &why, &client, NULL), ERR_TLS);
    assert_string_equal(why.field, "tls.alert");
    tunnel_fixture_done(&fixture);
    tunnel_endpoint_free(empty);
}

/* ---- accepted ---- */

static void test_both_sides_know_each_other(void **)
{
    static struct tunnel_fixture fixture;
    tunnel_fixture_init(&fixture);
    struct refusal why = {};
    struct tunnel_peer peer = {};
    int client = -1;
    assert_ok(tunnel_test_dial(&fixture, &why, &client, &peer));
    const int server = tunnel_test_server_socket(&fixture, 0);
    assert_string_equal(peer.service, "gate");
    assert_string_equal(fixture.peers[0].service, "platform");
    assert_int_equal(peer.valid_until_s, TOKEN_TEST_NOW_S - 60 + TOKEN_DEFAULT_MAX_AGE_S);
    uint8_t thumbprint[32], token_hash[32];
    assert_ok(key_thumbprint(fixture.gate.fixture.keys[KEY_USE_TLS], thumbprint));
    assert_string_equal(peer.key, base64url_of_32(thumbprint).text);
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(TOKEN_MAX_BYTES);
    const struct tunnel_target target = {.address = fixture.address, .endpoint = fixture.platform.endpoint};
    struct tunnel_peer probed = {};
    assert_ok(tunnel_probe(fixture.tunnel, &target, TUNNEL_TEST_TIMEOUT_MS, &why, &token, &probed));
    assert_ok(jws_hash(buffer_slice(&token), token_hash));
    assert_string_equal(probed.token_hash, base64url_of_32(token_hash).text);
    tunnel_test_send(client, SLICE_LITERAL("ping"));
    tunnel_test_expect(server, "ping");
    tunnel_test_send(server, SLICE_LITERAL("pong"));
    tunnel_test_expect(client, "pong");
    (void)close(client);
    tunnel_test_expect_end(server);
    tunnel_fixture_done(&fixture);
}

static void test_any_of_several_roles(void **)
{
    static struct tunnel_fixture fixture;
    tunnel_fixture_init(&fixture);
    struct role_rule diagnosis = fixture.platform.fixture.role;
    (void)snprintf(diagnosis.service, sizeof(diagnosis.service), "diagnosis");
    const struct tunnel_peer_rule rule = {
        .rules = &fixture.gate.fixture.rules, .roles = {&diagnosis, &fixture.platform.fixture.role}, .role_count = 2};
    tunnel_endpoint_set_rule(fixture.gate.endpoint, &rule);
    (void)close(tunnel_test_connect(&fixture));
    /* The refusal that counts is the one under the token's own role. */
    with_another_measurement(&fixture.platform);
    tunnel_test_show(&fixture, &fixture.platform);
    struct refusal why = {};
    int client = -1;
    assert_status(tunnel_test_dial(&fixture, &why, &client, NULL), ERR_PEER_REFUSED);
    tunnel_test_wait(&fixture, &fixture.refused_count, 1);
    assert_status(fixture.refused.status, ERR_TOKEN_IDENTITY);
    tunnel_fixture_done(&fixture);
}

static void pin(struct tunnel_fixture *fixture, const char *thumbprint)
{
    struct tunnel_peer_rule rule = {
        .rules = &fixture->platform.fixture.rules, .roles = {&fixture->gate.fixture.role}, .role_count = 1};
    (void)snprintf(rule.pinned_key, sizeof(rule.pinned_key), "%s", thumbprint);
    tunnel_endpoint_set_rule(fixture->platform.endpoint, &rule);
}

static void test_a_pinned_key(void **)
{
    static struct tunnel_fixture fixture;
    tunnel_fixture_init(&fixture);
    uint8_t thumbprint[32];
    assert_ok(key_thumbprint(fixture.gate.fixture.keys[KEY_USE_TLS], thumbprint));
    pin(&fixture, base64url_of_32(thumbprint).text);
    (void)close(tunnel_test_connect(&fixture));
    tunnel_fixture_done(&fixture);

    tunnel_fixture_init(&fixture);
    pin(&fixture, base64url_of_32(thumbprint).text);
    assert_server_refused(&fixture, ERR_PEER_REFUSED);
    tunnel_fixture_done(&fixture);
}

static void test_a_probe_gives_the_token_also_when_it_refuses(void **)
{
    static struct tunnel_fixture fixture;
    tunnel_fixture_init(&fixture);
    with_another_measurement(&fixture.gate);
    tunnel_test_show(&fixture, &fixture.gate);
    const struct tunnel_target target = {.address = fixture.address, .endpoint = fixture.platform.endpoint};
    struct refusal why = {};
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(TOKEN_MAX_BYTES);
    assert_status(tunnel_probe(fixture.tunnel, &target, TUNNEL_TEST_TIMEOUT_MS, &why, &token, NULL), ERR_PEER_REFUSED);
    assert_status(why.status, ERR_TOKEN_IDENTITY);
    CLEANUP(jws_done) struct jws jws = {};
    assert_ok(jws_parse(buffer_slice(&token), NULL, &jws));
    tunnel_fixture_done(&fixture);
}

static void test_identity_and_rule_are_exchanged_while_serving(void **)
{
    static struct tunnel_fixture fixture;
    tunnel_fixture_init(&fixture);
    struct tunnel_peer before = {}, after = {};
    struct refusal why = {};
    int first = -1, second = -1, third = -1;
    assert_ok(tunnel_test_dial(&fixture, &why, &first, &before));
    set_claim(&fixture.gate, "jti", json_string("another"));
    tunnel_test_show(&fixture, &fixture.gate);
    assert_ok(tunnel_test_dial(&fixture, &why, &second, &after));
    assert_string_not_equal(before.token_hash, after.token_hash);
    /* A new rule refuses newcomers and leaves those who are in. */
    const struct tunnel_peer_rule nobody = {.rules = &fixture.gate.fixture.rules};
    tunnel_endpoint_set_rule(fixture.gate.endpoint, &nobody);
    assert_status(tunnel_test_dial(&fixture, &why, &third, NULL), ERR_PEER_REFUSED);
    const int server = tunnel_test_server_socket(&fixture, 0);
    tunnel_test_send(first, SLICE_LITERAL("still here"));
    tunnel_test_expect(server, "still here");
    (void)close(first);
    (void)close(second);
    tunnel_fixture_done(&fixture);
}

static void test_a_connection_ends_with_the_token(void **)
{
    static struct tunnel_fixture fixture;
    tunnel_fixture_init(&fixture);
    const int client = tunnel_test_connect(&fixture);
    const int server = tunnel_test_server_socket(&fixture, 0);
    tunnel_test_send(client, SLICE_LITERAL("before"));
    tunnel_test_expect(server, "before");
    clock_set(fixture.clock, TOKEN_TEST_NOW_S - 60 + TOKEN_DEFAULT_MAX_AGE_S);
    tunnel_test_expect_end(client);
    tunnel_test_expect_end(server);
    (void)close(client);
    tunnel_fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_sides_know_each_other),
        cmocka_unit_test(test_no_client_certificate),
        cmocka_unit_test(test_certificate_without_token),
        cmocka_unit_test(test_expired_token),
        cmocka_unit_test(test_token_of_another_key),
        cmocka_unit_test(test_attested_key_of_another_use),
        cmocka_unit_test(test_another_role),
        cmocka_unit_test(test_another_measurement),
        cmocka_unit_test(test_debug_enclave),
        cmocka_unit_test(test_another_deployment),
        cmocka_unit_test(test_unknown_issuer),
        cmocka_unit_test(test_forged_signature),
        cmocka_unit_test(test_another_policy),
        cmocka_unit_test(test_without_a_rule_nobody_gets_in),
        cmocka_unit_test(test_a_server_without_identity_fails_the_handshake),
        cmocka_unit_test(test_any_of_several_roles),
        cmocka_unit_test(test_a_pinned_key),
        cmocka_unit_test(test_a_probe_gives_the_token_also_when_it_refuses),
        cmocka_unit_test(test_identity_and_rule_are_exchanged_while_serving),
        cmocka_unit_test(test_a_connection_ends_with_the_token),
    };
    return cmocka_run_group_tests_name("channel/tunnel_peer", tests, NULL, NULL);
}
