/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signing/rotation.h"

#include "attestation/signing/key_documents.h"
#include "base/json.h"
#include "crypto/x509_issue.h"
#include "testing.h"
#include "token/jwk.h"

enum { NOW = 1800000000, DAY = 86400 };

/* Which keys are ours is told by the sealed bytes' first. */
static bool is_ours(const void *, const struct signing_key *key)
{
    return key->sealed.size > 0 && key->sealed.bytes[0] == 'o';
}

static const struct rotation_rule rule = {.is_ours = is_ours, .interval_s = 30 * DAY};
static const struct rotation_rule rule_es256 = {.is_ours = is_ours, .interval_s = 30 * DAY, .algorithm = SIGNING_ES256};
static const struct rotation_rule rule_never = {.is_ours = is_ours};

static struct signing_key made_of(enum key_kind kind, const char *sealed)
{
    static struct key *keys[4]; /* RSA keys take their time to make */
    if (keys[kind] == NULL) assert_ok(key_generate(kind, SIGNING_KEY_BITS, &keys[kind]));
    struct signing_key made = {.certificate = buffer_of_maximum(SIGNING_KEY_MAX_BYTES),
                               .sealed = buffer_of_maximum(SIGNING_KEY_MAX_BYTES)};
    const struct certificate_text text = {.subject = {.common_name = "test"},
                                          .subject_key = keys[kind],
                                          .issuer_key = keys[kind],
                                          .not_before_s = NOW,
                                          .not_after_s = NOW + DAY};
    static unsigned number;
    assert_ok(certificate_issue(&text, &made.certificate));
    assert_ok(buffer_append_text(&made.sealed, sealed));
    (void)snprintf(made.kid, sizeof(made.kid), "key %u", number++);
    return made;
}

static enum status apply(struct state_view *view, const struct rotation_rule *by, enum rotation_step step,
                         enum key_kind kind, const char *sealed, int64_t now_s)
{
    CLEANUP(signing_key_done) struct signing_key made = made_of(kind, sealed);
    return rotation_apply(by, step, &made, now_s, view);
}

static void clear(struct state_view *view)
{
    for (size_t i = 0; i < view->key_count; i++) signing_key_done(&view->keys[i].key);
}

#define with_view CLEANUP(clear) struct state_view

static enum rotation_step step(const struct state_view *view, const struct rotation_rule *by, int64_t now_s)
{
    return rotation_decide(view, by, now_s, false).step;
}

static void test_a_service_begins_with_a_current_and_a_next_key(void **)
{
    with_view view = {};
    assert_int_equal(step(&view, &rule, NOW), ROTATION_MAKE_CURRENT);
    assert_ok(apply(&view, &rule, ROTATION_MAKE_CURRENT, KEY_RSA, "ours", NOW));
    assert_int_equal(view.keys[0].use, STATE_KEY_CURRENT);
    assert_int_equal(view.keys[0].current_since_s, NOW);
    assert_int_equal(step(&view, &rule, NOW), ROTATION_MAKE_NEXT);
    assert_ok(apply(&view, &rule, ROTATION_MAKE_NEXT, KEY_RSA, "ours", NOW + 1));
    assert_int_equal(view.key_count, 2);
    assert_int_equal(view.keys[1].use, STATE_KEY_NEXT);
    const struct rotation_plan plan = rotation_decide(&view, &rule, NOW + 1, false);
    assert_int_equal(plan.step, ROTATION_NOTHING);
    assert_int_equal(plan.again_s, NOW + 30 * DAY);
}

static void begin(struct state_view *view, int64_t next_made_s)
{
    assert_ok(apply(view, &rule, ROTATION_MAKE_CURRENT, KEY_RSA, "ours", NOW));
    assert_ok(apply(view, &rule, ROTATION_MAKE_NEXT, KEY_RSA, "ours", next_made_s));
}

static void test_the_next_key_signs_after_its_time_and_the_current_one_retires(void **)
{
    with_view view = {};
    begin(&view, NOW);
    assert_int_equal(step(&view, &rule, NOW + 30 * DAY - 1), ROTATION_NOTHING);
    assert_int_equal(step(&view, &rule, NOW + 30 * DAY), ROTATION_ADVANCE);
    assert_ok(rotation_apply(&rule, ROTATION_ADVANCE, NULL, NOW + 30 * DAY, &view));
    assert_int_equal(view.keys[0].use, STATE_KEY_RETIRED);
    assert_int_equal(view.keys[0].retired_s, NOW + 30 * DAY);
    assert_int_equal(view.keys[0].key.sealed.size, 0);
    assert_true(view.keys[0].key.certificate.size > 0);
    assert_int_equal(view.keys[1].use, STATE_KEY_CURRENT);
    assert_int_equal(view.keys[1].current_since_s, NOW + 30 * DAY);
    assert_int_equal(step(&view, &rule, NOW + 30 * DAY), ROTATION_MAKE_NEXT);
}

/* A key that was made late is listed for a day all the same. */
static void test_no_key_signs_by_itself_before_it_was_listed(void **)
{
    with_view view = {};
    begin(&view, NOW + 30 * DAY);
    const struct rotation_plan plan = rotation_decide(&view, &rule, NOW + 31 * DAY - 1, false);
    assert_int_equal(plan.step, ROTATION_NOTHING);
    assert_int_equal(plan.again_s, NOW + 31 * DAY);
    assert_int_equal(step(&view, &rule, NOW + 31 * DAY), ROTATION_ADVANCE);
}

static void test_rotation_can_be_left_to_administrators(void **)
{
    with_view view = {};
    begin(&view, NOW);
    const struct rotation_plan plan = rotation_decide(&view, &rule_never, NOW + 3000 * (int64_t)DAY, false);
    assert_int_equal(plan.step, ROTATION_NOTHING);
    assert_int_equal(plan.again_s, INT64_MAX);
    assert_int_equal(rotation_decide(&view, &rule_never, NOW + 1, true).step, ROTATION_ADVANCE);
}

static void test_another_algorithm_comes_with_the_key_after_next(void **)
{
    with_view view = {};
    begin(&view, NOW);
    /* The next key never signed: another takes its place. */
    assert_int_equal(step(&view, &rule_es256, NOW + 1), ROTATION_MAKE_NEXT);
    assert_ok(apply(&view, &rule_es256, ROTATION_MAKE_NEXT, KEY_P256, "ours", NOW + 1));
    assert_int_equal(view.key_count, 2);
    assert_int_equal(step(&view, &rule_es256, NOW + 1), ROTATION_NOTHING);
    assert_int_equal(step(&view, &rule_es256, NOW + 1 + DAY), ROTATION_ADVANCE);
}

static void test_keys_of_other_replicas_are_left_alone(void **)
{
    with_view view = {};
    begin(&view, NOW);
    for (size_t i = 0; i < 2; i++) view.keys[i].key.sealed.bytes[0] = 't';
    assert_int_equal(step(&view, &rule, NOW), ROTATION_MAKE_CURRENT);
    begin(&view, NOW);
    assert_int_equal(view.key_count, 4);
    assert_ok(rotation_apply(&rule, ROTATION_ADVANCE, NULL, NOW, &view));
    assert_int_equal(view.keys[0].use, STATE_KEY_CURRENT);
    assert_int_equal(view.keys[1].use, STATE_KEY_NEXT);
    assert_int_equal(view.keys[2].use, STATE_KEY_RETIRED);
    assert_int_equal(view.keys[3].use, STATE_KEY_CURRENT);
}

static void test_steps_that_another_replica_did_are_not_done_again(void **)
{
    with_view view = {};
    begin(&view, NOW);
    assert_status(apply(&view, &rule, ROTATION_MAKE_CURRENT, KEY_RSA, "ours", NOW), ERR_CONFLICT);
    assert_status(apply(&view, &rule, ROTATION_MAKE_NEXT, KEY_RSA, "ours", NOW), ERR_CONFLICT);
    assert_ok(rotation_apply(&rule, ROTATION_ADVANCE, NULL, NOW, &view));
    assert_status(rotation_apply(&rule, ROTATION_ADVANCE, NULL, NOW, &view), ERR_CONFLICT);
    assert_int_equal(view.key_count, 2);
}

static void test_a_full_history_keeps_its_keys(void **)
{
    with_view view = {};
    assert_ok(apply(&view, &rule, ROTATION_MAKE_CURRENT, KEY_RSA, "ours", NOW));
    view.key_count = SIGNING_KEY_MAX_COUNT;
    for (size_t i = 1; i < SIGNING_KEY_MAX_COUNT; i++) view.keys[i].use = STATE_KEY_RETIRED;
    const struct rotation_plan plan = rotation_decide(&view, &rule, NOW + 300 * DAY, true);
    assert_int_equal(plan.step, ROTATION_NOTHING);
    assert_true(plan.is_full);
    assert_status(apply(&view, &rule, ROTATION_MAKE_NEXT, KEY_RSA, "ours", NOW), ERR_TOO_LARGE);
    assert_int_equal(view.key_count, SIGNING_KEY_MAX_COUNT);
}

/* ---- documents ---- */

static json_t *parsed(const struct buffer *text)
{
    json_t *json = NULL;
    assert_ok(json_parse(buffer_slice(text), KEY_HISTORY_MAX_BYTES, NULL, &json));
    return json;
}

static const char *member(const json_t *json, size_t index, const char *name)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(json, "keys"), index), name));
}

static void three_keys(struct state_view *view)
{
    begin(view, NOW);
    assert_ok(rotation_apply(&rule, ROTATION_ADVANCE, NULL, NOW + DAY, view));
    assert_ok(apply(view, &rule_es256, ROTATION_MAKE_NEXT, KEY_P256, "ours", NOW + DAY));
}

static void test_the_key_set_lists_current_next_and_retired_keys(void **)
{
    with_view view = {};
    three_keys(&view);
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(KEY_CERTS_MAX_BYTES);
    assert_ok(key_documents_certs(&view, NOW + DAY, &text));
    CLEANUP(json_done) json_t *json = parsed(&text);
    assert_int_equal(json_array_size(json_object_get(json, "keys")), 3);
    assert_string_equal(member(json, 0, "kid"), view.keys[1].key.kid);
    assert_string_equal(member(json, 1, "kid"), view.keys[2].key.kid);
    assert_string_equal(member(json, 2, "kid"), view.keys[0].key.kid);
    assert_string_equal(member(json, 0, "alg"), "RS256");
    assert_string_equal(member(json, 0, "kty"), "RSA");
    assert_string_equal(member(json, 0, "use"), "sig");
    assert_string_equal(member(json, 1, "alg"), "ES256");
    const json_t *const first = json_array_get(json_object_get(json, "keys"), 0);
    assert_int_equal(json_array_size(json_object_get(first, "x5c")), 1);
    assert_int_equal(json_object_size(first), 7);
    struct jwk_set set = {};
    assert_ok(jwk_set_from_json(json, "", NULL, &set));
    assert_int_equal(set.count, 3);
    jwk_set_done(&set);
}

static void test_retired_keys_leave_the_key_set_after_their_last_token_and_never_the_history(void **)
{
    with_view view = {};
    three_keys(&view);
    const int64_t end_s = NOW + DAY + ROTATION_RETIRED_LISTED_S;
    assert_true(rotation_is_listed(&view.keys[0], end_s - 1));
    assert_false(rotation_is_listed(&view.keys[0], end_s));
    assert_true(rotation_is_listed(&view.keys[1], end_s));
    CLEANUP(buffer_done) struct buffer certs = buffer_of_maximum(KEY_CERTS_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer history = buffer_of_maximum(KEY_HISTORY_MAX_BYTES);
    assert_ok(key_documents_certs(&view, end_s, &certs));
    assert_ok(key_documents_history(&view, &history));
    CLEANUP(json_done) json_t *listed = parsed(&certs);
    CLEANUP(json_done) json_t *all = parsed(&history);
    assert_int_equal(json_array_size(json_object_get(listed, "keys")), 2);
    assert_int_equal(json_array_size(json_object_get(all, "keys")), 3);
    assert_string_equal(member(all, 0, "status"), "retired");
    assert_string_equal(member(all, 1, "status"), "current");
    assert_string_equal(member(all, 2, "status"), "next");
    const json_t *const first = json_array_get(json_object_get(all, "keys"), 0);
    assert_int_equal(json_integer_value(json_object_get(first, "made")), NOW);
    assert_int_equal(json_integer_value(json_object_get(first, "current_since")), NOW);
    assert_int_equal(json_integer_value(json_object_get(first, "retired")), NOW + DAY);
    assert_null(json_object_get(json_array_get(json_object_get(all, "keys"), 2), "current_since"));
}

static void test_the_metadata_names_issuer_keys_and_algorithm(void **)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(KEY_METADATA_MAX_BYTES);
    assert_ok(key_documents_metadata("https://localhost:7443", SIGNING_ES256, &text));
    CLEANUP(json_done) json_t *json = parsed(&text);
    assert_string_equal(json_string_value(json_object_get(json, "issuer")), "https://localhost:7443");
    assert_string_equal(json_string_value(json_object_get(json, "jwks_uri")), "https://localhost:7443/certs");
    assert_string_equal(json_string_value(json_object_get(json, "revocation_endpoint")),
                        "https://localhost:7443/revoke");
    assert_int_equal(json_array_size(json_object_get(json, "response_types_supported")), 2);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(json, "id_token_signing_alg_values_supported"), 0)), "ES256");
    assert_int_equal(json_array_size(json_object_get(json, "claims_supported")), 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_service_begins_with_a_current_and_a_next_key),
        cmocka_unit_test(test_the_next_key_signs_after_its_time_and_the_current_one_retires),
        cmocka_unit_test(test_no_key_signs_by_itself_before_it_was_listed),
        cmocka_unit_test(test_rotation_can_be_left_to_administrators),
        cmocka_unit_test(test_another_algorithm_comes_with_the_key_after_next),
        cmocka_unit_test(test_keys_of_other_replicas_are_left_alone),
        cmocka_unit_test(test_steps_that_another_replica_did_are_not_done_again),
        cmocka_unit_test(test_a_full_history_keeps_its_keys),
        cmocka_unit_test(test_the_key_set_lists_current_next_and_retired_keys),
        cmocka_unit_test(test_retired_keys_leave_the_key_set_after_their_last_token_and_never_the_history),
        cmocka_unit_test(test_the_metadata_names_issuer_keys_and_algorithm),
    };
    return cmocka_run_group_tests_name("attestation/signing/rotation", tests, NULL, NULL);
}
