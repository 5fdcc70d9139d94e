/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/management/administrators.h"

#include "policy_signing.h"

#define OWN_NAME "https://attest.example"
#define PROVIDER "https://login.example/tenant"
#define AUDIENCE "https://attest.azure.net"

enum { NOW_S = 1790000000 };

static struct {
    char folder[64], keys_path[128];
    struct key *local, *reader, *provider_rsa, *provider_ec, *stranger;
    json_t *configuration_json;
    struct configuration configuration;
    struct administrators administrators;
    struct clock *clock;
    struct key_set_source sources[ADMINISTRATOR_MAX_COUNT];
    struct key_set_feed *feed;
} scene;

static json_t *jwk_of(const struct key *key)
{
    json_t *jwk = NULL;
    assert_ok(jwk_from_key(key, &jwk));
    return jwk;
}

static json_t *configured(const char *keys_path)
{
    return json_pack("{s:[{s:o},{s:o,s:s},{s:s,s:s,s:s,s:{s:[s],s:[s]},s:{s:[s],s:[s]}}]}", "administrators", "key",
                     jwk_of(scene.local), "key", jwk_of(scene.reader), "right", "reader", "issuer", PROVIDER,
                     "audience", AUDIENCE, "keys", keys_path, "contributors", "subjects", "alice", "roles",
                     "Contributor", "readers", "subjects", "bob", "roles", "Reader");
}

static void write_keys(void)
{
    CLEANUP(json_done)
    json_t *set = json_pack("{s:[o,o]}", "keys", jwk_of(scene.provider_rsa), jwk_of(scene.provider_ec));
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SIGNED_MAX_BYTES);
    struct refusal why = {};
    assert_ok(json_write(set, &text));
    assert_ok(file_write(scene.keys_path, buffer_slice(&text), 0600, &why));
}

static int make_scene(void **)
{
    struct refusal why = {};
    (void)snprintf(scene.folder, sizeof(scene.folder), "/tmp/lazaret-administrators-XXXXXX");
    assert_non_null(mkdtemp(scene.folder));
    (void)snprintf(scene.keys_path, sizeof(scene.keys_path), "%s/keys.json", scene.folder);
    assert_ok(key_generate(KEY_P256, 0, &scene.local));
    assert_ok(key_generate(KEY_P256, 0, &scene.reader));
    assert_ok(key_generate(KEY_P256, 0, &scene.provider_ec));
    assert_ok(key_generate(KEY_P256, 0, &scene.stranger));
    assert_ok(key_generate(KEY_RSA, 2048, &scene.provider_rsa));
    write_keys();
    scene.configuration_json = configured(scene.keys_path);
    assert_ok(administrators_configure(&scene.configuration, scene.configuration_json, &why, &scene.administrators));
    assert_int_equal(scene.administrators.count, 3);
    scene.administrators.issuer = OWN_NAME;
    assert_ok(clock_new_fixed(NOW_S, &scene.clock));
    scene.sources[2] = (struct key_set_source){.name = PROVIDER, .path = scene.administrators.items[2].keys};
    const struct key_set_feed_options options = {.clock = scene.clock, .sources = scene.sources, .source_count = 3};
    assert_ok(key_set_feed_start(&options, &scene.feed));
    scene.administrators.feed = scene.feed;
    return 0;
}

static int free_scene(void **)
{
    administrators_done(&scene.administrators);
    key_set_feed_free(scene.feed);
    clock_free(scene.clock);
    json_done(&scene.configuration_json);
    struct key *const keys[] = {scene.local, scene.reader, scene.provider_rsa, scene.provider_ec, scene.stranger};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) key_free(keys[i]);
    (void)unlink(scene.keys_path);
    (void)rmdir(scene.folder);
    return 0;
}

static enum status check_text(const char *authorization, enum administrator_right right)
{
    struct refusal why = {};
    const enum status status = administrators_check(&scene.administrators, authorization, right, NOW_S, &why);
    if (status != OK) {
        assert_true(why.field[0] != '\0');
        assert_int_equal(why.status, status);
    }
    return status;
}

static enum status check_signed(const char *header, const char *payload, const struct key *key,
                                enum administrator_right right)
{
    CLEANUP(buffer_done) struct buffer token = sign_text(header, payload, key);
    CLEANUP(buffer_done) struct buffer authorization = buffer_of_maximum(SIGNED_MAX_BYTES);
    assert_ok(buffer_append_format(&authorization, "Bearer %s", text_of(&token)));
    return check_text(text_of(&authorization), right);
}

static const char *times(int64_t expires_s)
{
    static char text[64];
    (void)snprintf(text, sizeof(text), "\"exp\":%lld", (long long)expires_s);
    return text;
}

/* A payload of the given members and an expiry in ten minutes. */
static const char *with_expiry(const char *members)
{
    static char text[1024];
    (void)snprintf(text, sizeof(text), "{%s,%s}", members, times(NOW_S + 600));
    return text;
}

#define ES "{\"alg\":\"ES256\",\"typ\":\"JWT\"}"
#define RS "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"whatever\"}"
#define LOCAL "\"aud\":\"" OWN_NAME "\""
#define OIDC "\"iss\":\"" PROVIDER "\",\"aud\":\"" AUDIENCE "\""

static void test_a_local_administrator(void **)
{
    assert_ok(check_signed(ES, with_expiry(LOCAL), scene.local, RIGHT_CHANGE));
    assert_ok(check_signed(ES, with_expiry(LOCAL), scene.local, RIGHT_READ));
    assert_ok(check_signed(ES, with_expiry("\"aud\":[\"x\",\"" OWN_NAME "\"]"), scene.local, RIGHT_CHANGE));
}

static void test_a_local_reader(void **)
{
    assert_ok(check_signed(ES, with_expiry(LOCAL), scene.reader, RIGHT_READ));
    assert_status(check_signed(ES, with_expiry(LOCAL), scene.reader, RIGHT_CHANGE), ERR_FORBIDDEN);
}

static void test_a_local_token_lives_an_hour_at_most(void **)
{
    char payload[256];
    (void)snprintf(payload, sizeof(payload), "{" LOCAL ",%s}", times(NOW_S + BEARER_LOCAL_MAX_S + BEARER_SLACK_S));
    assert_ok(check_signed(ES, payload, scene.local, RIGHT_CHANGE));
    (void)snprintf(payload, sizeof(payload), "{" LOCAL ",%s}", times(NOW_S + BEARER_LOCAL_MAX_S + BEARER_SLACK_S + 1));
    assert_status(check_signed(ES, payload, scene.local, RIGHT_CHANGE), ERR_TOKEN_CLAIM);
}

static void test_times(void **)
{
    char payload[256];
    (void)snprintf(payload, sizeof(payload), "{" LOCAL ",%s}", times(NOW_S - BEARER_SLACK_S + 1));
    assert_ok(check_signed(ES, payload, scene.local, RIGHT_CHANGE));
    (void)snprintf(payload, sizeof(payload), "{" LOCAL ",%s}", times(NOW_S - BEARER_SLACK_S));
    assert_status(check_signed(ES, payload, scene.local, RIGHT_CHANGE), ERR_TOKEN_EXPIRED);
    (void)snprintf(payload, sizeof(payload), LOCAL ",\"nbf\":%d", NOW_S + BEARER_SLACK_S);
    assert_ok(check_signed(ES, with_expiry(payload), scene.local, RIGHT_CHANGE));
    (void)snprintf(payload, sizeof(payload), LOCAL ",\"nbf\":%d", NOW_S + BEARER_SLACK_S + 1);
    assert_status(check_signed(ES, with_expiry(payload), scene.local, RIGHT_CHANGE), ERR_TOKEN_NOT_YET_VALID);
    assert_status(check_signed(ES, "{" LOCAL "}", scene.local, RIGHT_CHANGE), ERR_TOKEN_CLAIM);
    assert_status(check_signed(ES, "{" LOCAL ",\"exp\":\"soon\"}", scene.local, RIGHT_CHANGE), ERR_TOKEN_CLAIM);
    assert_status(check_signed(ES, with_expiry(LOCAL ",\"nbf\":\"now\""), scene.local, RIGHT_CHANGE), ERR_TOKEN_CLAIM);
    assert_status(check_signed(ES, "{" LOCAL ",\"exp\":9223372036854775807}", scene.local, RIGHT_CHANGE),
                  ERR_TOKEN_CLAIM);
}

static void test_another_audience(void **)
{
    static const char *const members[] = {"\"aud\":\"https://other.example\"", "\"aud\":\"" OWN_NAME "/\"",
                                          "\"aud\":[]", "\"sub\":\"" OWN_NAME "\"", "\"aud\":5"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        assert_status(check_signed(ES, with_expiry(members[i]), scene.local, RIGHT_READ), ERR_TOKEN_CLAIM);
}

static void test_a_providers_contributors_and_readers(void **)
{
    const struct {
        const char *who;
        enum status reads, changes;
    } cases[] = {
        {OIDC ",\"sub\":\"alice\"", OK, OK},
        {OIDC ",\"oid\":\"alice\"", OK, OK},
        {OIDC ",\"sub\":\"x\",\"roles\":[\"y\",\"Contributor\"]", OK, OK},
        {OIDC ",\"roles\":\"Contributor\"", OK, OK},
        {OIDC ",\"sub\":\"bob\"", OK, ERR_FORBIDDEN},
        {OIDC ",\"roles\":[\"Reader\"]", OK, ERR_FORBIDDEN},
        {OIDC ",\"sub\":\"Contributor\",\"roles\":[\"alice\"]", ERR_FORBIDDEN, ERR_FORBIDDEN},
        {OIDC ",\"sub\":\"mallory\"", ERR_FORBIDDEN, ERR_FORBIDDEN},
        {OIDC, ERR_FORBIDDEN, ERR_FORBIDDEN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_status(check_signed(RS, with_expiry(cases[i].who), scene.provider_rsa, RIGHT_READ), cases[i].reads);
        assert_status(check_signed(ES, with_expiry(cases[i].who), scene.provider_ec, RIGHT_CHANGE), cases[i].changes);
    }
}

static void test_another_issuer_or_audience_of_a_provider(void **)
{
    assert_status(check_signed(ES, with_expiry("\"iss\":\"https://other\",\"aud\":\"" AUDIENCE "\",\"sub\":\"alice\""),
                               scene.provider_ec, RIGHT_READ),
                  ERR_TOKEN_ISSUER);
    assert_status(
        check_signed(ES, with_expiry("\"aud\":\"" AUDIENCE "\",\"sub\":\"alice\""), scene.provider_ec, RIGHT_READ),
        ERR_TOKEN_ISSUER);
    assert_status(check_signed(ES, with_expiry("\"iss\":\"" PROVIDER "\",\"aud\":\"other\",\"sub\":\"alice\""),
                               scene.provider_ec, RIGHT_READ),
                  ERR_TOKEN_CLAIM);
}

static void test_a_providers_token_has_its_time(void **)
{
    char payload[256];
    (void)snprintf(payload, sizeof(payload), "{" OIDC ",\"sub\":\"alice\",%s}", times(NOW_S - BEARER_SLACK_S));
    assert_status(check_signed(ES, payload, scene.provider_ec, RIGHT_READ), ERR_TOKEN_EXPIRED);
    /* Longer than a local administrator's may be. */
    (void)snprintf(payload, sizeof(payload), "{" OIDC ",\"sub\":\"alice\",%s}", times(NOW_S + 86400));
    assert_ok(check_signed(ES, payload, scene.provider_ec, RIGHT_READ));
    (void)snprintf(payload, sizeof(payload), OIDC ",\"sub\":\"alice\",\"nbf\":%d", NOW_S + BEARER_SLACK_S + 1);
    assert_status(check_signed(ES, with_expiry(payload), scene.provider_ec, RIGHT_READ), ERR_TOKEN_NOT_YET_VALID);
}

static void test_who_signs_for_whom(void **)
{
    /* A provider's key is no local administrator's, and the other way round. */
    assert_status(check_signed(ES, with_expiry(LOCAL), scene.provider_ec, RIGHT_READ), ERR_TOKEN_ISSUER);
    assert_status(check_signed(ES, with_expiry(OIDC ",\"sub\":\"alice\""), scene.local, RIGHT_READ), ERR_TOKEN_CLAIM);
    assert_status(check_signed(ES, with_expiry(LOCAL), scene.stranger, RIGHT_READ), ERR_TOKEN_SIGNATURE);
    assert_status(check_signed("{\"alg\":\"none\"}", with_expiry(LOCAL), NULL, RIGHT_READ), ERR_TOKEN_SIGNATURE);
}

static void test_headers_that_are_refused(void **)
{
    assert_status(check_signed(RS, with_expiry(LOCAL), scene.local, RIGHT_READ), ERR_TOKEN_ALGORITHM);
    assert_status(check_signed("{\"alg\":\"none\"}", with_expiry(LOCAL), scene.local, RIGHT_READ), ERR_TOKEN_ALGORITHM);
    assert_status(check_signed("{\"alg\":\"ES256\",\"crit\":[\"b64\"]}", with_expiry(LOCAL), scene.local, RIGHT_READ),
                  ERR_TOKEN_MALFORMED);
    assert_status(check_signed("{\"typ\":\"JWT\"}", with_expiry(LOCAL), scene.local, RIGHT_READ), ERR_TOKEN_MALFORMED);
    assert_status(check_signed(ES, "[]", scene.local, RIGHT_READ), ERR_TOKEN_MALFORMED);
}

static void test_authorizations_that_are_none(void **)
{
    assert_status(check_text(NULL, RIGHT_READ), ERR_TOKEN_MISSING);
    assert_status(check_text("", RIGHT_READ), ERR_TOKEN_MISSING);
    assert_status(check_text("Basic YTpi", RIGHT_READ), ERR_TOKEN_MISSING);
    assert_status(check_text("Bearer", RIGHT_READ), ERR_TOKEN_MISSING);
    assert_status(check_text("Bearer ", RIGHT_READ), ERR_TOKEN_MALFORMED);
    assert_status(check_text("Bearer a.b", RIGHT_READ), ERR_TOKEN_MALFORMED);
    assert_status(check_text("Bearer a.b.c.d", RIGHT_READ), ERR_TOKEN_MALFORMED);
    assert_status(check_text("Bearer a.b.!", RIGHT_READ), ERR_TOKEN_MALFORMED);
    assert_status(check_text("bearer a.b.AAAA", RIGHT_READ), ERR_TOKEN_SIGNATURE);
    char *const large = calloc(1, BEARER_MAX_BYTES + 32);
    memset(large, 'a', BEARER_MAX_BYTES + 7);
    memcpy(large, "Bearer ", 7);
    assert_status(check_text(large, RIGHT_READ), ERR_TOKEN_MALFORMED);
    large[BEARER_MAX_BYTES + 7] = 'a';
    assert_status(check_text(large, RIGHT_READ), ERR_TOO_LARGE);
    free(large);
}

static void test_nobody_without_administrators(void **)
{
    const struct administrators none = {.issuer = OWN_NAME};
    CLEANUP(buffer_done) struct buffer token = sign_text(ES, with_expiry(LOCAL), scene.local);
    CLEANUP(buffer_done) struct buffer authorization = buffer_of_maximum(SIGNED_MAX_BYTES);
    struct refusal why = {};
    assert_ok(buffer_append_format(&authorization, "Bearer %s", text_of(&token)));
    assert_status(administrators_check(&none, text_of(&authorization), RIGHT_READ, NOW_S, &why), ERR_TOKEN_SIGNATURE);
}

/* Whoever stands there several times may do what any of the entries allows. */
static void test_an_administrator_who_is_configured_twice(void **)
{
    struct administrators twice = scene.administrators;
    struct refusal why = {};
    CLEANUP(buffer_done) struct buffer token = sign_text(ES, with_expiry(LOCAL), scene.local);
    CLEANUP(buffer_done) struct buffer authorization = buffer_of_maximum(SIGNED_MAX_BYTES);
    assert_ok(buffer_append_format(&authorization, "Bearer %s", text_of(&token)));
    twice.items[1] = twice.items[0];
    for (size_t i = 0; i < 2; i++) {
        twice.items[i].is_reader_only = true;
        twice.items[1 - i].is_reader_only = false;
        assert_ok(administrators_check(&twice, text_of(&authorization), RIGHT_CHANGE, NOW_S, &why));
    }
}

static void test_keys_that_are_not_at_hand_count_for_nothing(void **)
{
    struct administrators without = scene.administrators;
    struct refusal why = {};
    CLEANUP(buffer_done) struct buffer token = sign_text(ES, with_expiry(OIDC ",\"sub\":\"alice\""), scene.provider_ec);
    CLEANUP(buffer_done) struct buffer authorization = buffer_of_maximum(SIGNED_MAX_BYTES);
    assert_ok(buffer_append_format(&authorization, "Bearer %s", text_of(&token)));
    assert_ok(administrators_check(&without, text_of(&authorization), RIGHT_READ, NOW_S, &why));
    without.feed = NULL;
    assert_status(administrators_check(&without, text_of(&authorization), RIGHT_READ, NOW_S, &why),
                  ERR_TOKEN_SIGNATURE);
}

/* ---- configuration ---- */

static void expect_configuration(const char *text, enum status status, const char *field)
{
    CLEANUP(json_done) json_t *json = NULL;
    CLEANUP(administrators_done) struct administrators administrators = {};
    struct refusal why = {};
    if (json_parse(slice_of_text(text), SIGNED_MAX_BYTES, &why, &json) != OK) fail_msg("%s", text);
    assert_status(administrators_configure(&scene.configuration, json, &why, &administrators), status);
    if (status != OK) assert_string_equal(why.field, field);
}

#define ONE(members) "{\"administrators\":[{" members "}]}"
#define BASIS "\"issuer\":\"i\",\"audience\":\"a\""

static void test_configurations(void **)
{
    expect_configuration("{}", OK, NULL);
    expect_configuration("{\"administrators\":5}", ERR_FIELD_TYPE, "management.administrators");
    expect_configuration("{\"administrators\":[5]}", ERR_FIELD_TYPE, "management.administrators[0]");
    expect_configuration(ONE("\"key\":{\"kty\":\"EC\"}"), ERR_FIELD_MISSING, "management.administrators[0].key.crv");
    expect_configuration(ONE("\"key\":{\"kty\":\"OKP\",\"crv\":\"X25519\","
                             "\"x\":\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\"}"),
                         ERR_FIELD_VALUE, "management.administrators[0].key");
    expect_configuration(ONE("\"key\":5"), ERR_FIELD_TYPE, "management.administrators[0].key");
    expect_configuration(ONE(BASIS ",\"keys\":\"k\",\"readers\":{\"subjects\":\"a\"}"), ERR_FIELD_TYPE,
                         "management.administrators[0].readers.subjects");
    expect_configuration(ONE(BASIS ",\"keys_url\":5"), ERR_FIELD_TYPE, "management.administrators[0].keys_url");
    expect_configuration(ONE("\"key\":{},\"other\":1"), ERR_FIELD_UNKNOWN, "management.administrators[0].other");
    expect_configuration(ONE("\"audience\":\"a\",\"keys\":\"k\""), ERR_FIELD_MISSING,
                         "management.administrators[0].issuer");
    expect_configuration(ONE("\"issuer\":\"i\",\"keys\":\"k\""), ERR_FIELD_MISSING,
                         "management.administrators[0].audience");
    expect_configuration(ONE(BASIS), ERR_FIELD_MISSING, "management.administrators[0].keys");
    expect_configuration(ONE(BASIS ",\"keys\":\"k\",\"keys_url\":\"https://k\""), ERR_FIELD_MISSING,
                         "management.administrators[0].keys");
    expect_configuration(ONE(BASIS ",\"keys_url\":\"http://k\""), ERR_FIELD_VALUE,
                         "management.administrators[0].keys_url");
    expect_configuration(ONE(BASIS ",\"keys_url\":\"k\""), ERR_CONFIG, "management.administrators[0].keys_url");
    expect_configuration(ONE(BASIS ",\"keys\":\"k\",\"readers\":5"), ERR_FIELD_TYPE,
                         "management.administrators[0].readers");
    expect_configuration(ONE(BASIS ",\"keys\":\"k\",\"readers\":{\"people\":[]}"), ERR_FIELD_UNKNOWN,
                         "management.administrators[0].readers.people");
    expect_configuration(ONE(BASIS ",\"keys\":\"k\",\"readers\":{\"roles\":[\"\"]}"), ERR_FIELD_VALUE,
                         "management.administrators[0].readers.roles[0]");
    expect_configuration(ONE(BASIS ",\"keys\":\"k\",\"contributors\":{\"subjects\":[5]}"), ERR_FIELD_VALUE,
                         "management.administrators[0].contributors.subjects[0]");
    expect_configuration(ONE(BASIS ",\"keys\":\"k\",\"what\":1"), ERR_FIELD_UNKNOWN,
                         "management.administrators[0].what");
    expect_configuration(ONE(BASIS ",\"keys_url\":\"https://k/x\",\"ca\":\"ca.pem\""), OK, NULL);
}

static void test_an_unknown_right(void **)
{
    CLEANUP(json_done)
    json_t *json = json_pack("{s:[{s:o,s:s}]}", "administrators", "key", jwk_of(scene.local), "right", "owner");
    CLEANUP(administrators_done) struct administrators administrators = {};
    struct refusal why = {};
    assert_status(administrators_configure(&scene.configuration, json, &why, &administrators), ERR_FIELD_VALUE);
    assert_string_equal(why.field, "management.administrators[0].right");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_local_administrator),
        cmocka_unit_test(test_a_local_reader),
        cmocka_unit_test(test_a_local_token_lives_an_hour_at_most),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_another_audience),
        cmocka_unit_test(test_a_providers_contributors_and_readers),
        cmocka_unit_test(test_another_issuer_or_audience_of_a_provider),
        cmocka_unit_test(test_a_providers_token_has_its_time),
        cmocka_unit_test(test_who_signs_for_whom),
        cmocka_unit_test(test_headers_that_are_refused),
        cmocka_unit_test(test_authorizations_that_are_none),
        cmocka_unit_test(test_nobody_without_administrators),
        cmocka_unit_test(test_an_administrator_who_is_configured_twice),
        cmocka_unit_test(test_keys_that_are_not_at_hand_count_for_nothing),
        cmocka_unit_test(test_configurations),
        cmocka_unit_test(test_an_unknown_right),
    };
    return cmocka_run_group_tests_name("attestation/administrators", tests, make_scene, free_scene);
}
