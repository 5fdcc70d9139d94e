/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/manifest.h"

#include "crypto/hash.h"
#include "manifests.h"
#include "token/jws.h"

static struct key *deployment_key;

static int make_key(void **)
{
    return key_generate(KEY_P256, 0, &deployment_key) == OK ? 0 : -1;
}

static int drop_key(void **)
{
    key_cleanup(&deployment_key);
    return 0;
}

static enum status verify(struct slice jws, struct refusal *why)
{
    CLEANUP(manifest_done) struct manifest manifest = {};
    const struct base64url32 deployment = manifest_test_thumbprint(deployment_key);
    return manifest_verify(jws, slice_of_text(deployment.text), why, &manifest);
}

static enum status sign(const json_t *payload, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(MANIFEST_MAX_BYTES);
    return manifest_sign(payload, deployment_key, why, &jws);
}

/* Signed without manifest_sign's own checks. */
static struct buffer sign_anything(const json_t *payload, const char *type, const struct key *key,
                                   const struct key *shown)
{
    CLEANUP(json_done) json_t *header = json_object(), *jwk = NULL;
    struct buffer jws = buffer_of_maximum(MANIFEST_MAX_BYTES);
    if (shown != NULL) {
        assert_ok(jwk_from_key(shown, &jwk));
        assert_int_equal(json_object_set(header, "jwk", jwk), 0);
    }
    assert_ok(jws_sign(type, NULL, header, payload, key, &jws));
    return jws;
}

static void test_what_is_signed_is_read(void **)
{
    CLEANUP(json_done) json_t *payload = manifest_test_payload(deployment_key);
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(MANIFEST_MAX_BYTES);
    struct refusal why = {};
    if (manifest_sign(payload, deployment_key, &why, &jws) != OK) fail_msg("%s: %s", why.field, why.seen);
    CLEANUP(manifest_done) struct manifest manifest = {};
    const struct base64url32 deployment = manifest_test_thumbprint(deployment_key);
    assert_ok(manifest_verify(buffer_slice(&jws), slice_of_text(deployment.text), NULL, &manifest));
    assert_int_equal(manifest.version, 2);
    assert_int_equal(manifest.issued_s, 1763700000);
    assert_string_equal(manifest.name, "Demo hospital");
    assert_string_equal(manifest.deployment, deployment.text);
    assert_int_equal(manifest.minimum_tcb_evaluation, 1);
    assert_string_equal(manifest.administrator.user, "admin");
    assert_int_equal(key_kind(manifest.recovery), KEY_X25519);
    assert_false(manifest.relying_party.accept_simulated);
    assert_true(json_equal(manifest.payload, payload));
    uint8_t digest[32];
    assert_ok(sha256(buffer_slice(&jws), digest));
    assert_memory_equal(manifest.digest, digest, 32);
}

static void test_roles_and_issuers_are_read(void **)
{
    CLEANUP(json_done) json_t *payload = manifest_test_payload(deployment_key);
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(MANIFEST_MAX_BYTES);
    assert_ok(manifest_sign(payload, deployment_key, NULL, &jws));
    CLEANUP(manifest_done) struct manifest manifest = {};
    const struct base64url32 deployment = manifest_test_thumbprint(deployment_key);
    assert_ok(manifest_verify(buffer_slice(&jws), slice_of_text(deployment.text), NULL, &manifest));
    const struct role_rule *const platform = manifest_role(&manifest, "platform");
    const struct role_rule *const diagnosis = manifest_role(&manifest, "diagnosis");
    assert_null(manifest_role(&manifest, "gate"));
    assert_string_equal(platform->deployment, deployment.text);
    assert_int_equal(platform->identity_count, 1);
    assert_true(platform->identities[0].has_mrenclave && !platform->identities[0].has_mrsigner);
    assert_int_equal(platform->identities[0].mrenclave[0], 0xee);
    assert_false(platform->identities[0].debug);
    assert_string_equal(diagnosis->deployment, MANIFEST_TEST_DIGEST);
    assert_true(diagnosis->identities[0].has_mrsigner && diagnosis->identities[0].debug);
    assert_int_equal(diagnosis->identities[0].product_id, 3);
    assert_int_equal(diagnosis->identities[0].minimum_svn, 1);
    const struct relying_party_rules *const rules = &manifest.relying_party;
    assert_int_equal(rules->issuer_count, 1);
    assert_int_equal(rules->max_age_s, 3600);
    assert_string_equal(rules->issuers[0].issuer, "https://localhost:7443");
    assert_string_equal(rules->issuers[0].policy_hashes[0], MANIFEST_TEST_DIGEST);
    assert_non_null(jwk_set_find(&rules->issuers[0].keys, SLICE_LITERAL("k")));
}

static void test_a_first_manifest_has_no_issuers(void **)
{
    CLEANUP(json_done) json_t *payload = manifest_test_payload(deployment_key);
    assert_int_equal(json_object_set_new(payload, "issuers", json_array()), 0);
    assert_ok(sign(payload, NULL));
}

/* ---- who signed it ---- */

static void test_another_deployment_key_is_refused(void **)
{
    CLEANUP(key_cleanup) struct key *other = NULL;
    assert_ok(key_generate(KEY_P256, 0, &other));
    CLEANUP(json_done) json_t *payload = manifest_test_payload(other);
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(MANIFEST_MAX_BYTES);
    assert_ok(manifest_sign(payload, other, NULL, &jws));
    struct refusal why = {};
    assert_status(verify(buffer_slice(&jws), &why), ERR_MANIFEST_SIGNATURE);
    assert_string_equal(why.field, "header.jwk");
    assert_string_not_equal(why.fix, "");
}

static void test_a_signature_by_another_key_is_refused(void **)
{
    CLEANUP(key_cleanup) struct key *other = NULL;
    assert_ok(key_generate(KEY_P256, 0, &other));
    CLEANUP(json_done) json_t *payload = manifest_test_payload(deployment_key);
    CLEANUP(buffer_done) struct buffer jws = sign_anything(payload, JWS_TYP_MANIFEST, other, deployment_key);
    struct refusal why = {};
    assert_status(verify(buffer_slice(&jws), &why), ERR_MANIFEST_SIGNATURE);
    assert_string_equal(why.field, "signature");
}

static void test_a_signature_of_another_type_is_refused(void **)
{
    CLEANUP(json_done) json_t *payload = manifest_test_payload(deployment_key);
    CLEANUP(buffer_done) struct buffer jws = sign_anything(payload, JWS_TYP_STATEMENT, deployment_key, deployment_key);
    assert_status(verify(buffer_slice(&jws), NULL), ERR_MANIFEST_SIGNATURE);
}

static void test_a_header_without_a_key_is_refused(void **)
{
    CLEANUP(json_done) json_t *payload = manifest_test_payload(deployment_key);
    CLEANUP(buffer_done) struct buffer jws = sign_anything(payload, JWS_TYP_MANIFEST, deployment_key, NULL);
    assert_status(verify(buffer_slice(&jws), NULL), ERR_MANIFEST_SIGNATURE);
}

static void test_a_key_of_another_kind_is_refused(void **)
{
    CLEANUP(key_cleanup) struct key *rsa = NULL, *public_key = NULL;
    assert_ok(key_generate(KEY_RSA, 2048, &rsa));
    CLEANUP(json_done) json_t *payload = manifest_test_payload(rsa);
    CLEANUP(buffer_done) struct buffer jws = sign_anything(payload, JWS_TYP_MANIFEST, rsa, rsa);
    CLEANUP(buffer_done) struct buffer point = buffer_of_maximum(P256_POINT_BYTES);
    CLEANUP(manifest_done) struct manifest manifest = {};
    const struct base64url32 deployment = manifest_test_thumbprint(rsa);
    assert_status(manifest_verify(buffer_slice(&jws), slice_of_text(deployment.text), NULL, &manifest),
                  ERR_MANIFEST_SIGNATURE);
    assert_status(manifest_sign(payload, rsa, NULL, &point), ERR_MANIFEST_SIGNATURE);
    assert_ok(key_public_bytes(deployment_key, &point));
    assert_ok(key_from_p256_point(buffer_slice(&point), &public_key));
    assert_status(manifest_sign(payload, public_key, NULL, &point), ERR_MANIFEST_SIGNATURE);
}

static void test_every_altered_byte_is_refused(void **)
{
    CLEANUP(json_done) json_t *payload = manifest_test_payload(deployment_key);
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(MANIFEST_MAX_BYTES);
    assert_ok(manifest_sign(payload, deployment_key, NULL, &jws));
    for (size_t i = 0; i < jws.size; i += 7) {
        const uint8_t kept = jws.bytes[i];
        jws.bytes[i] = kept == 'A' ? 'B' : 'A';
        assert_true(verify(buffer_slice(&jws), NULL) != OK);
        jws.bytes[i] = kept;
    }
    for (size_t size = 0; size < jws.size; size += 5) assert_true(verify(slice_of(jws.bytes, size), NULL) != OK);
    assert_ok(verify(buffer_slice(&jws), NULL));
}

static void test_a_payload_that_names_another_deployment_is_refused(void **)
{
    CLEANUP(json_done) json_t *payload = manifest_test_payload(deployment_key);
    assert_int_equal(json_object_set_new(payload, "deployment", json_string(MANIFEST_TEST_DIGEST)), 0);
    struct refusal why = {};
    assert_status(sign(payload, &why), ERR_MANIFEST);
    assert_string_equal(why.field, "manifest.deployment");
}

static void test_text_that_is_no_jws_is_refused(void **)
{
    assert_status(verify((struct slice){}, NULL), ERR_MANIFEST);
    assert_status(verify(SLICE_LITERAL("{}"), NULL), ERR_MANIFEST);
    static const uint8_t large[MANIFEST_MAX_BYTES + 1];
    assert_status(verify(SLICE_ARRAY(large), NULL), ERR_MANIFEST);
    CLEANUP(json_done) json_t *array = json_array();
    assert_status(sign(array, NULL), ERR_MANIFEST);
}

/* ---- what stands in it ---- */

/* Both ways in: signing refuses the payload, and so does verifying one that was signed by other means. */
static void assert_payload_refused(const json_t *payload, const char *field)
{
    struct refusal why = {};
    assert_status(sign(payload, &why), ERR_MANIFEST);
    assert_int_equal(why.status, ERR_MANIFEST);
    assert_string_equal(why.field, field);
    CLEANUP(buffer_done) struct buffer jws = sign_anything(payload, JWS_TYP_MANIFEST, deployment_key, deployment_key);
    assert_status(verify(buffer_slice(&jws), &why), ERR_MANIFEST);
    assert_string_equal(why.field, field);
}

static void test_every_required_member_is_required(void **)
{
    static const char *const names[] = {"version",    "issued",        "name",
                                        "roles",      "issuers",       "token_max_age",
                                        "deployment", "administrator", "minimum_tcb_evaluation",
                                        "recovery"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CLEANUP(json_done) json_t *payload = manifest_test_payload(deployment_key);
        char field[64];
        (void)snprintf(field, sizeof(field), "manifest.%s", names[i]);
        assert_int_equal(json_object_set_new(payload, names[i], json_true()), 0);
        assert_payload_refused(payload, field);
        assert_int_equal(json_object_del(payload, names[i]), 0);
        assert_payload_refused(payload, field);
    }
}

/* Replaces the value at a path of member names and indices ("roles.platform.identities.0.tee") by JSON text; "-"
 * removes it. Returns through a refused sign. */
static void assert_change_refused(const char *where, const char *value, const char *field)
{
    CLEANUP(json_done) json_t *payload = manifest_test_payload(deployment_key);
    json_t *at = payload;
    struct slice rest = slice_of_text(where), name;
    char text[64];
    while (slice_split(rest, '.', &name, &rest)) {
        (void)snprintf(text, sizeof(text), "%.*s", (int)name.size, name.bytes);
        at = json_is_array(at) ? json_array_get(at, (size_t)(text[0] - '0')) : json_object_get(at, text);
        assert_non_null(at);
    }
    (void)snprintf(text, sizeof(text), "%.*s", (int)rest.size, rest.bytes);
    json_t *const replacement = json_loads(value, JSON_DECODE_ANY, NULL);
    if (replacement == NULL)
        assert_int_equal(json_object_del(at, text), 0);
    else if (json_is_array(at))
        assert_int_equal(json_array_set_new(at, (size_t)(text[0] - '0'), replacement), 0);
    else
        assert_int_equal(json_object_set_new(at, text, replacement), 0);
    assert_payload_refused(payload, field);
}

static void test_unknown_members_are_refused(void **)
{
    assert_change_refused("minimum_tcb", "1", "manifest.minimum_tcb");
    assert_change_refused("roles.platform.idenities", "[]", "manifest.roles.platform.idenities");
    assert_change_refused("roles.platform.identities.0.debugg", "true", "manifest.roles.platform.identities[0].debugg");
    assert_change_refused("issuers.0.key", "{}", "manifest.issuers[0].key");
    assert_change_refused("administrator.password", "\"x\"", "manifest.administrator.password");
}

/* Who hands records over to the platform; in no other role is there anything to hand over. */
static void test_predecessors_of_the_platform(void **)
{
    static const char *const identities[] = {"[]", "[{\"tee\":\"sgx\",\"mrenclave\":\"" MANIFEST_TEST_HEX "\"}]"};
    for (size_t count = 0; count < 2; count++) {
        CLEANUP(json_done) json_t *payload = manifest_test_payload(deployment_key);
        CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(MANIFEST_MAX_BYTES);
        CLEANUP(manifest_done) struct manifest manifest = {};
        const struct base64url32 deployment = manifest_test_thumbprint(deployment_key);
        json_t *const platform = json_object_get(json_object_get(payload, "roles"), "platform");
        assert_int_equal(json_object_set_new(platform, "predecessors", json_loads(identities[count], 0, NULL)), 0);
        assert_ok(manifest_sign(payload, deployment_key, NULL, &jws));
        assert_ok(manifest_verify(buffer_slice(&jws), slice_of_text(deployment.text), NULL, &manifest));
        assert_int_equal(manifest.predecessors.identity_count, count);
        /* A role of the same name and deployment: the same checks, but for the identity. */
        assert_string_equal(manifest.predecessors.service, "platform");
        assert_string_equal(manifest.predecessors.deployment, deployment.text);
        assert_int_equal(manifest_role(&manifest, "platform")->identity_count, 1);
    }
    assert_change_refused("roles.platform.predecessors", "{}", "manifest.roles.platform.predecessors");
    assert_change_refused("roles.platform.predecessors", "[7]", "manifest.roles.platform.predecessors[0]");
    assert_change_refused("roles.platform.predecessors", "[{\"tee\":\"sgx\"}]",
                          "manifest.roles.platform.predecessors[0]");
    assert_change_refused("roles.diagnosis.predecessors", "[]", "manifest.roles.diagnosis.predecessors");
}

static void test_numbers_have_bounds(void **)
{
    assert_change_refused("version", "0", "manifest.version");
    assert_change_refused("issued", "-1", "manifest.issued");
    assert_change_refused("token_max_age", "59", "manifest.token_max_age");
    assert_change_refused("token_max_age", "28801", "manifest.token_max_age");
    assert_change_refused("minimum_tcb_evaluation", "-1", "manifest.minimum_tcb_evaluation");
    assert_change_refused("roles.diagnosis.identities.0.product_id", "65536",
                          "manifest.roles.diagnosis.identities[0].product_id");
}

static void test_texts_have_bounds(void **)
{
    assert_change_refused("name", "\"\"", "manifest.name");
    assert_change_refused("name", "\"a\\nb\"", "manifest.name");
    assert_change_refused("deployment", "\"AAAA\"", "manifest.deployment");
    assert_change_refused("administrator.user", "\"\"", "manifest.administrator.user");
    assert_change_refused("administrator.password_hash", "\"secret\"", "manifest.administrator.password_hash");
}

static void test_bad_roles_are_refused(void **)
{
    assert_change_refused("roles.platform", "[]", "manifest.roles.platform");
    assert_change_refused("roles.a-name-that-is-longer-than-32-bytes", "{}",
                          "manifest.roles.a-name-that-is-longer-than-32-bytes");
    assert_change_refused("roles.platform.deployment", "\"AAAA\"", "manifest.roles.platform.deployment");
    assert_change_refused("roles.platform.identities", "-", "manifest.roles.platform.identities");
    assert_change_refused("roles",
                          "{\"1\":{\"identities\":[]},\"2\":{\"identities\":[]},\"3\":{\"identities\":[]},"
                          "\"4\":{\"identities\":[]},\"5\":{\"identities\":[]},\"6\":{\"identities\":[]},"
                          "\"7\":{\"identities\":[]},\"8\":{\"identities\":[]},\"9\":{\"identities\":[]}}",
                          "manifest.roles");
}

static void test_bad_identities_are_refused(void **)
{
    const char *const first = "manifest.roles.platform.identities[0]";
    assert_change_refused("roles.platform.identities.0", "7", first);
    assert_change_refused("roles.platform.identities.0.mrenclave", "-", first);
    assert_change_refused("roles.platform.identities.0.tee", "-", "manifest.roles.platform.identities[0].tee");
    assert_change_refused("roles.platform.identities.0.tee", "\"tdx\"", "manifest.roles.platform.identities[0].tee");
    assert_change_refused("roles.platform.identities.0.mrenclave", "\"ee\"",
                          "manifest.roles.platform.identities[0].mrenclave");
    assert_change_refused("roles.platform.identities.0.debug", "1", "manifest.roles.platform.identities[0].debug");
    assert_change_refused("roles.platform.identities.0.product_id", "1", first);
    assert_change_refused("roles.platform.identities.0.minimum_svn", "1", first);
    assert_change_refused("roles.diagnosis.identities.0.product_id", "-",
                          "manifest.roles.diagnosis.identities[0].product_id");
    assert_change_refused("roles.diagnosis.identities.0.minimum_svn", "-",
                          "manifest.roles.diagnosis.identities[0].minimum_svn");
}

static void test_bad_issuers_are_refused(void **)
{
    assert_change_refused("issuers.0", "7", "manifest.issuers[0]");
    assert_change_refused("issuers.0.issuer", "\"\"", "manifest.issuers[0].issuer");
    assert_change_refused("issuers.0.policy_hashes", "[]", "manifest.issuers[0].policy_hashes");
    assert_change_refused("issuers.0.policy_hashes", "[7]", "manifest.issuers[0].policy_hashes[0]");
    assert_change_refused("issuers.0.policy_hashes", "[\"x\"]", "manifest.issuers[0].policy_hashes[0]");
    assert_change_refused("issuers.0.keys", "[]", "manifest.issuers[0].keys");
    assert_change_refused("issuers.0.keys", "{\"keys\":[]}", "manifest.issuers[0].keys");
    assert_change_refused("issuers.0.keys", "{\"keys\":[{\"kty\":\"EC\"}]}", "manifest.issuers[0].keys.keys[0].crv");
    assert_change_refused("issuers", "[{},{},{},{},{}]", "manifest.issuers");
}

static void test_an_issuer_that_stands_there_twice_is_refused(void **)
{
    CLEANUP(json_done) json_t *payload = manifest_test_payload(deployment_key);
    json_t *const issuers = json_object_get(payload, "issuers");
    assert_int_equal(json_array_append(issuers, json_array_get(issuers, 0)), 0);
    assert_payload_refused(payload, "manifest.issuers[1].issuer");
}

static void test_the_recovery_key_must_be_x25519_and_public(void **)
{
    assert_change_refused("recovery", "{" MANIFEST_TEST_POINT "}", "manifest.recovery");
    assert_change_refused("recovery.d", "\"AA\"", "manifest.recovery");
}

/* ---- simulation ---- */

#ifdef LAZARET_SIMULATION
static void test_simulation_names_its_roots(void **)
{
    CLEANUP(json_done) json_t *payload = manifest_test_payload(deployment_key);
    CLEANUP(json_done) json_t *simulation = json_loads("{\"roots\":[{" MANIFEST_TEST_POINT "}]}", 0, NULL);
    assert_int_equal(json_object_set(payload, "simulation", simulation), 0);
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(MANIFEST_MAX_BYTES);
    assert_ok(manifest_sign(payload, deployment_key, NULL, &jws));
    CLEANUP(manifest_done) struct manifest manifest = {};
    const struct base64url32 deployment = manifest_test_thumbprint(deployment_key);
    assert_ok(manifest_verify(buffer_slice(&jws), slice_of_text(deployment.text), NULL, &manifest));
    assert_true(manifest.relying_party.accept_simulated);
    assert_int_equal(manifest.simulated_root_count, 1);
    assert_int_equal(key_kind(manifest.simulated_roots[0]), KEY_P256);
}

static void test_bad_simulation_is_refused(void **)
{
    assert_change_refused("simulation", "null", "manifest.simulation");
    assert_change_refused("simulation", "{}", "manifest.simulation.roots");
    assert_change_refused("simulation", "{\"roots\":[],\"on\":true}", "manifest.simulation.on");
    assert_change_refused("simulation", "{\"roots\":[{}]}", "manifest.simulation.roots[0].kty");
    assert_change_refused("simulation", "{\"roots\":[1,2,3,4,5]}", "manifest.simulation.roots");
    assert_change_refused("simulation",
                          "{\"roots\":[{\"kty\":\"OKP\",\"crv\":\"X25519\","
                          "\"x\":\"hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo\"}]}",
                          "manifest.simulation.roots[0]");
}

static void test_simulation_without_roots_accepts_nothing_simulated(void **)
{
    CLEANUP(json_done) json_t *payload = manifest_test_payload(deployment_key);
    assert_int_equal(json_object_set_new(payload, "simulation", json_pack("{s:[]}", "roots")), 0);
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(MANIFEST_MAX_BYTES);
    assert_ok(manifest_sign(payload, deployment_key, NULL, &jws));
    CLEANUP(manifest_done) struct manifest manifest = {};
    const struct base64url32 deployment = manifest_test_thumbprint(deployment_key);
    assert_ok(manifest_verify(buffer_slice(&jws), slice_of_text(deployment.text), NULL, &manifest));
    assert_false(manifest.relying_party.accept_simulated);
}
#else
static void test_a_release_build_refuses_simulation(void **)
{
    CLEANUP(json_done) json_t *payload = manifest_test_payload(deployment_key);
    assert_int_equal(json_object_set_new(payload, "simulation", json_pack("{s:[]}", "roots")), 0);
    assert_status(sign(payload, NULL), ERR_MANIFEST_SIMULATION);
    CLEANUP(buffer_done) struct buffer jws = sign_anything(payload, JWS_TYP_MANIFEST, deployment_key, deployment_key);
    assert_status(verify(buffer_slice(&jws), NULL), ERR_MANIFEST_SIMULATION);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_signed_is_read),
        cmocka_unit_test(test_roles_and_issuers_are_read),
        cmocka_unit_test(test_a_first_manifest_has_no_issuers),
        cmocka_unit_test(test_another_deployment_key_is_refused),
        cmocka_unit_test(test_a_signature_by_another_key_is_refused),
        cmocka_unit_test(test_a_signature_of_another_type_is_refused),
        cmocka_unit_test(test_a_header_without_a_key_is_refused),
        cmocka_unit_test(test_a_key_of_another_kind_is_refused),
        cmocka_unit_test(test_every_altered_byte_is_refused),
        cmocka_unit_test(test_a_payload_that_names_another_deployment_is_refused),
        cmocka_unit_test(test_text_that_is_no_jws_is_refused),
        cmocka_unit_test(test_every_required_member_is_required),
        cmocka_unit_test(test_unknown_members_are_refused),
        cmocka_unit_test(test_predecessors_of_the_platform),
        cmocka_unit_test(test_numbers_have_bounds),
        cmocka_unit_test(test_texts_have_bounds),
        cmocka_unit_test(test_bad_roles_are_refused),
        cmocka_unit_test(test_bad_identities_are_refused),
        cmocka_unit_test(test_bad_issuers_are_refused),
        cmocka_unit_test(test_an_issuer_that_stands_there_twice_is_refused),
        cmocka_unit_test(test_the_recovery_key_must_be_x25519_and_public),
#ifdef LAZARET_SIMULATION
        cmocka_unit_test(test_simulation_names_its_roots),
        cmocka_unit_test(test_bad_simulation_is_refused),
        cmocka_unit_test(test_simulation_without_roots_accepts_nothing_simulated),
#else
        cmocka_unit_test(test_a_release_build_refuses_simulation),
#endif
    };
    return cmocka_run_group_tests_name("policy/manifest", tests, make_key, drop_key);
}
