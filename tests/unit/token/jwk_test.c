/* SPDX-License-Identifier: Apache-2.0 */
#include "token/jwk.h"

#include "token/jws.h"
#include "vectors.h"

static json_t *parse(const char *text)
{
    json_t *value = NULL;
    assert_ok(json_parse(slice_of_text(text), 65536, NULL, &value));
    return value;
}

static void assert_refused(const char *text, enum status status, const char *field)
{
    CLEANUP(json_done) json_t *jwk = parse(text);
    struct refusal why = {};
    struct key *key = NULL;
    assert_status(jwk_to_key(jwk, "jwk", &why, &key), status);
    assert_string_equal(why.field, field);
}

static void test_each_kind_goes_out_and_comes_back(void **)
{
    const enum key_kind kinds[] = {KEY_P256, KEY_X25519, KEY_RSA};
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(key_cleanup) struct key *key = NULL, *again = NULL;
        CLEANUP(json_done) json_t *jwk = NULL;
        assert_ok(key_generate(kinds[i], 2048, &key));
        assert_ok(jwk_from_key(key, &jwk));
        assert_null(json_object_get(jwk, "d"));
        assert_ok(jwk_to_key(jwk, "", NULL, &again));
        assert_true(key_equal(key, again));
    }
    CLEANUP(key_cleanup) struct key *p384 = NULL;
    json_t *jwk = NULL;
    assert_ok(key_generate(KEY_P384, 0, &p384));
    assert_status(jwk_from_key(p384, &jwk), ERR_UNSUPPORTED);
}

#define POINT_X "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define POINT_Y "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"

static void test_malformed_keys_are_refused(void **)
{
    assert_refused("[]", ERR_FIELD_TYPE, "jwk");
    assert_refused("{}", ERR_FIELD_MISSING, "jwk.kty");
    assert_refused("{\"kty\":7}", ERR_FIELD_TYPE, "jwk.kty");
    assert_refused("{\"kty\":\"AKP\"}", ERR_UNSUPPORTED, "jwk.kty");
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"\",\"y\":\"\"}", ERR_UNSUPPORTED, "jwk.crv");
    assert_refused("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\"}", ERR_UNSUPPORTED, "jwk.crv");
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" POINT_X "\"}", ERR_FIELD_MISSING, "jwk.y");
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"" POINT_Y "\"}", ERR_FIELD_VALUE, "jwk.x");
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" POINT_Y "\",\"y\":\"" POINT_X "\"}", ERR_KEY_INVALID,
                   "jwk");
    assert_refused("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" POINT_X "A\"}", ERR_FIELD_VALUE, "jwk.x");
    assert_refused("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", ERR_KEY_INVALID, "jwk");
    assert_refused("{\"kty\":\"RSA\",\"n\":\"!\",\"e\":\"AQAB\"}", ERR_FIELD_VALUE, "jwk.n");
    assert_refused("{\"kty\":\"RSA\",\"n\":\"AQAB\"}", ERR_FIELD_MISSING, "jwk.e");
}

static void test_private_members_are_refused(void **)
{
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" POINT_X "\",\"y\":\"" POINT_Y "\",\"d\":\"AA\"}",
                   ERR_FIELD_UNKNOWN, "jwk");
    assert_refused("{\"kty\":\"oct\",\"k\":\"AA\"}", ERR_FIELD_UNKNOWN, "jwk");
}

#define POINT "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" POINT_X "\",\"y\":\"" POINT_Y "\""

static enum status read_set(const char *text, struct refusal *why, struct jwk_set *set)
{
    CLEANUP(json_done) json_t *value = parse(text);
    return jwk_set_from_json(value, "set", why, set);
}

static void test_keys_are_found_by_kid_or_thumbprint(void **)
{
    CLEANUP(jwk_set_done) struct jwk_set named = {}, unnamed = {};
    assert_ok(read_set("{\"keys\":[{\"kid\":\"a+/=\"," POINT "}]}", NULL, &named));
    assert_non_null(jwk_set_find(&named, SLICE_LITERAL("a+/=")));
    assert_null(jwk_set_find(&named, SLICE_LITERAL("a")));
    assert_null(jwk_set_find(&named, (struct slice){}));
    assert_ok(read_set("{\"keys\":[{" POINT "}]}", NULL, &unnamed));
    assert_non_null(jwk_set_find(&unnamed, SLICE_LITERAL("cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s")));
}

static void test_keys_that_cannot_verify_are_passed_over(void **)
{
    CLEANUP(jwk_set_done) struct jwk_set set = {};
    assert_ok(read_set("{\"keys\":["
                       "{\"kid\":\"1\",\"kty\":\"oct\",\"k\":\"AAAA\"},"
                       "{\"kid\":\"2\",\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" POINT_X "\"},"
                       "{\"kid\":\"3\",\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\",\"y\":\"AA\"},"
                       "{\"kid\":\"4\",\"use\":\"enc\"," POINT "},"
                       "{\"kid\":\"5\",\"alg\":\"ES384\"," POINT "},"
                       "{\"kid\":\"6\",\"alg\":7," POINT "},"
                       "{\"kid\":\"7\",\"use\":\"sig\",\"alg\":\"ES256\"," POINT "}]}",
                       NULL, &set));
    assert_int_equal(set.count, 1);
    assert_non_null(jwk_set_find(&set, SLICE_LITERAL("7")));
}

static void assert_set_refused(const char *text, enum status status, const char *field)
{
    CLEANUP(jwk_set_done) struct jwk_set set = {};
    struct refusal why = {};
    assert_status(read_set(text, &why, &set), status);
    assert_string_equal(why.field, field);
    assert_int_equal(set.count, 0);
}

static void test_malformed_sets_are_refused(void **)
{
    assert_set_refused("[]", ERR_FIELD_TYPE, "set");
    assert_set_refused("{}", ERR_FIELD_MISSING, "set.keys");
    assert_set_refused("{\"keys\":{}}", ERR_FIELD_TYPE, "set.keys");
    assert_set_refused("{\"keys\":[7]}", ERR_FIELD_TYPE, "set.keys[0]");
    assert_set_refused("{\"keys\":[{\"kid\":\"\"," POINT "}]}", ERR_FIELD_VALUE, "set.keys[0].kid");
    assert_set_refused("{\"keys\":[{\"kid\":\"a\"," POINT "},{\"kid\":\"a\"," POINT "}]}", ERR_FIELD_VALUE,
                       "set.keys[1].kid");
    assert_set_refused("{\"keys\":[{\"kid\":\"a\",\"x5c\":[]}]}", ERR_FIELD_VALUE, "set.keys[0].x5c");
    assert_set_refused("{\"keys\":[{\"kid\":\"a\",\"x5c\":[\"AAAA\"]}]}", ERR_CERTIFICATE_MALFORMED, "set.keys[0].x5c");
}

static void test_too_many_keys_are_refused(void **)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(65536);
    assert_ok(buffer_append_text(&text, "{\"keys\":["));
    for (int i = 0; i <= JWK_SET_MAX_COUNT; i++)
        assert_ok(buffer_append_format(&text, "%s{\"kid\":\"%d\"," POINT "}", i == 0 ? "" : ",", i));
    assert_ok(buffer_append_text(&text, "]}"));
    const char *whole;
    assert_ok(buffer_text(&text, &whole));
    assert_set_refused(whole, ERR_FIELD_VALUE, "set.keys");
    CLEANUP(jwk_set_done) struct jwk_set set = {};
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_generate(KEY_P256, 0, &key));
    char long_kid[JWK_KID_MAX_BYTES + 2] = {};
    memset(long_kid, 'k', JWK_KID_MAX_BYTES + 1);
    assert_status(jwk_set_add(&set, long_kid, key), ERR_TOO_LARGE);
}

/* A key set as Azure Attestation serves it: x5c and kid alone. The keys of 2020 had 1024 bits and are passed over. */
static void test_certificates_of_a_recorded_key_set(void **)
{
    CLEANUP(json_done) json_t *recorded = vectors_load("vectors/maa/uks-2020-oe-attest/get.certs.response.body.json");
    CLEANUP(jwk_set_done) struct jwk_set set = {};
    struct refusal why = {};
    const enum status status = jwk_set_from_json(recorded, "set", &why, &set);
    if (status != OK) fail_msg("%s: %s: %s", status_name(status), why.field, why.seen);
    for (size_t i = 0; i < set.count; i++) assert_int_equal(key_kind(set.items[i].key), KEY_RSA);
}

/* Whether the set verifies the JWS of a Wycheproof test; its payloads are not JSON. */
static bool verifies(const json_t *keys, const char *jws)
{
    CLEANUP(jwk_set_done) struct jwk_set set = {};
    CLEANUP(buffer_done) struct buffer header_text = buffer_of_maximum(4096), signature = buffer_of_maximum(1024);
    CLEANUP(json_done) json_t *header = NULL;
    struct slice head, rest, payload, tail;
    if (keys == NULL || jwk_set_from_json(keys, "", NULL, &set) != OK) return false;
    assert_true(slice_split(slice_of_text(jws), '.', &head, &rest));
    assert_true(slice_split(rest, '.', &payload, &tail));
    assert_ok(base64url_decode(head, &header_text));
    assert_ok(base64url_decode(tail, &signature));
    assert_ok(json_parse(buffer_slice(&header_text), 4096, NULL, &header));
    const struct key *const key = jwk_set_find(&set, slice_of_text(json_string_value(json_object_get(header, "kid"))));
    const struct slice input = slice_of(jws, head.size + 1 + payload.size);
    return key != NULL && key_verify(key, input, buffer_slice(&signature)) == OK;
}

/* Keys without secret parts only: HMAC is not supported. The weak key that Wycheproof calls ROCA is told apart by its
 * maker's fault alone, not by its form; key sets here come from a signed manifest. */
static void check_wycheproof(const json_t *group, const json_t *test)
{
    const json_t *const keys = json_object_get(group, "public");
    const char *const comment = json_string_value(json_object_get(test, "comment"));
    if (strcmp(comment, "rejectsKeyWithRocaVulnerability") == 0) return;
    const bool expected = vector_is(test, "valid") && keys != NULL;
    const json_t *const jws = json_object_get(test, "jws");
    if (json_is_string(jws)) assert_int_equal(verifies(keys, json_string_value(jws)), expected);
}

static void test_wycheproof(void **)
{
    CLEANUP(json_done) json_t *file = vectors_load("vectors/wycheproof/json_web_key_test.json");
    assert_int_equal(wycheproof_each(file, check_wycheproof), 26);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_goes_out_and_comes_back),
        cmocka_unit_test(test_malformed_keys_are_refused),
        cmocka_unit_test(test_private_members_are_refused),
        cmocka_unit_test(test_keys_are_found_by_kid_or_thumbprint),
        cmocka_unit_test(test_keys_that_cannot_verify_are_passed_over),
        cmocka_unit_test(test_malformed_sets_are_refused),
        cmocka_unit_test(test_too_many_keys_are_refused),
        cmocka_unit_test(test_certificates_of_a_recorded_key_set),
        cmocka_unit_test(test_wycheproof),
    };
    return cmocka_run_group_tests_name("token/jwk", tests, NULL, NULL);
}
