/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages, challenges, and which authorities attestation identity keys are trusted by.
 */
#include "attestation/tpm/roots.h"

#include "tpm_requests.h"

/* ---- messages ---- */

static enum status kind_of(const char *message, struct refusal *why, enum tpm_message_kind *kind_out)
{
    return tpm_message_kind(slice_of_text(message), why, kind_out);
}

static void test_messages(void **)
{
    enum tpm_message_kind kind;
    assert_ok(kind_of("{\"payload\":{\"type\":\"aikcert\"},\"metadata\":{\"os_ver\":\"10\"}}", NULL, &kind));
    assert_int_equal(kind, TPM_MESSAGE_INIT);
    assert_ok(kind_of("{\"payload\":{\"request\":\"a.b.c\"}}", NULL, &kind));
    assert_int_equal(kind, TPM_MESSAGE_REQUEST);
}

static void test_messages_that_are_none(void **)
{
    static const struct {
        const char *text, *field;
        enum status status;
    } bad[] = {
        {"{}", "payload", ERR_FIELD_MISSING},
        {"{\"payload\":7}", "payload", ERR_FIELD_TYPE},
        {"{\"payload\":{}}", "payload.type", ERR_FIELD_MISSING},
        {"{\"payload\":{\"type\":\"ekcert\"}}", "payload.type", ERR_FIELD_VALUE},
        {"{\"payload\":{\"request\":\"\"}}", "payload.request", ERR_FIELD_VALUE},
        {"[]", "payload", ERR_FIELD_MISSING},
        {"nothing", "data", ERR_JSON_SYNTAX},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct refusal why = {};
        enum tpm_message_kind kind;
        assert_refused(kind_of(bad[i].text, &why, &kind), bad[i].status, &why, bad[i].field);
    }
}

static void assert_body(const struct buffer *body, const char *expected)
{
    CLEANUP(json_done) json_t *object = NULL;
    CLEANUP(buffer_done) struct buffer message = buffer_of_maximum(4096);
    assert_ok(json_parse(buffer_slice(body), 4096, NULL, &object));
    assert_ok(json_get_base64url(object, "", "data", 4096, NULL, &message));
    assert_true(slice_equal_text(buffer_slice(&message), expected));
}

static void test_answers(void **)
{
    CLEANUP(buffer_done) struct buffer challenge = buffer_of_maximum(4096), report = buffer_of_maximum(4096);
    assert_ok(tpm_write_challenge(SLICE_LITERAL("\1\2\3"), SLICE_LITERAL("\xff\xfe"), &challenge));
    assert_body(&challenge, "{\"payload\":{\"challenge\":\"AQID\",\"service_context\":\"__4\"}}");
    assert_ok(tpm_write_report(SLICE_LITERAL("a.b.c"), &report));
    assert_body(&report, "{\"payload\":{\"report\":\"a.b.c\"}}");
}

/* ---- challenges ---- */

static const uint8_t key[TPM_CHALLENGE_KEY_BYTES] = {1, 2, 3}, other_key[TPM_CHALLENGE_KEY_BYTES] = {1, 2, 4};

static struct tpm_report *answer_to(struct slice challenge, struct slice context)
{
    const struct tpm_rules rules = {.roots = machine()->roots, .require_valid_aik_cert = true};
    struct tpm_report *report;
    CLEANUP(buffer_done)
    struct buffer message = machine_message(&(struct machine_request){.challenge = challenge, .context = context});
    assert_ok(tpm_report_verify(buffer_slice(&message), &rules, MACHINE_NOW_S, NULL, &report));
    return report;
}

static void make(struct buffer *challenge, struct buffer *context)
{
    *challenge = buffer_of_maximum(TPM_CHALLENGE_BYTES);
    *context = buffer_of_maximum(TPM_CONTEXT_MAX_BYTES);
    assert_ok(tpm_challenge_make(SLICE_ARRAY(key), MACHINE_NOW_S, challenge, context));
}

static void test_a_challenge_is_good_for_ten_minutes(void **)
{
    CLEANUP(buffer_done) struct buffer challenge, context;
    struct refusal why = {};
    make(&challenge, &context);
    CLEANUP(tpm_report_cleanup) struct tpm_report *report = answer_to(buffer_slice(&challenge), buffer_slice(&context));
    assert_ok(tpm_challenge_check(report, SLICE_ARRAY(key), MACHINE_NOW_S, NULL));
    assert_ok(tpm_challenge_check(report, SLICE_ARRAY(key), MACHINE_NOW_S + TPM_CHALLENGE_LIFE_S, NULL));
    assert_ok(tpm_challenge_check(report, SLICE_ARRAY(key), MACHINE_NOW_S - TPM_CHALLENGE_CLOCK_SLACK_S, NULL));
    assert_refused(tpm_challenge_check(report, SLICE_ARRAY(key), MACHINE_NOW_S + TPM_CHALLENGE_LIFE_S + 1, &why),
                   ERR_TPM_NONCE, &why, "challenge");
    assert_refused(tpm_challenge_check(report, SLICE_ARRAY(key), MACHINE_NOW_S - TPM_CHALLENGE_CLOCK_SLACK_S - 1, &why),
                   ERR_TPM_NONCE, &why, "challenge");
    assert_refused(tpm_challenge_check(report, SLICE_ARRAY(other_key), MACHINE_NOW_S, &why), ERR_TPM_NONCE, &why,
                   "service_context");
}

static void test_contexts_of_others(void **)
{
    CLEANUP(buffer_done) struct buffer challenge, context, second, second_context;
    struct refusal why = {};
    make(&challenge, &context);
    make(&second, &second_context);
    CLEANUP(tpm_report_cleanup)
    struct tpm_report *mixed = answer_to(buffer_slice(&challenge), buffer_slice(&second_context));
    assert_refused(tpm_challenge_check(mixed, SLICE_ARRAY(key), MACHINE_NOW_S, &why), ERR_TPM_NONCE, &why, "challenge");
    context.bytes[context.size - 1] ^= 1;
    CLEANUP(tpm_report_cleanup)
    struct tpm_report *altered = answer_to(buffer_slice(&challenge), buffer_slice(&context));
    assert_refused(tpm_challenge_check(altered, SLICE_ARRAY(key), MACHINE_NOW_S, &why), ERR_TPM_NONCE, &why,
                   "service_context");
    CLEANUP(tpm_report_cleanup) struct tpm_report *cut = answer_to(buffer_slice(&challenge), SLICE_LITERAL("short"));
    assert_refused(tpm_challenge_check(cut, SLICE_ARRAY(key), MACHINE_NOW_S, &why), ERR_TPM_NONCE, &why,
                   "service_context");
}

/* ---- authorities ---- */

struct chain {
    struct buffer root, intermediate, leaf, pem;
    struct certificate *root_certificate, *intermediate_certificate;
    struct tpm_roots *roots;
};

static void chain_done(struct chain *chain)
{
    buffer_done(&chain->root);
    buffer_done(&chain->intermediate);
    buffer_done(&chain->leaf);
    buffer_done(&chain->pem);
    certificate_free(chain->root_certificate);
    certificate_free(chain->intermediate_certificate);
    tpm_roots_free(chain->roots);
}

/* AIK, authority, root; `change` is what a test makes wrong. */
static struct chain make_chain(void (*change)(int place, struct machine_certificate *certificate))
{
    struct chain chain = {};
    struct machine_certificate root = {.subject = machine()->authority, .issuer = machine()->authority, .is_ca = true};
    struct machine_certificate middle = {.subject = machine()->stranger, .issuer = machine()->authority, .is_ca = true};
    struct machine_certificate leaf = {.subject = machine()->aik, .issuer = machine()->stranger};
    if (change != NULL) {
        change(0, &root);
        change(1, &middle);
        change(2, &leaf);
    }
    chain.root = machine_certificate(&root, (struct slice){});
    const struct slice name = machine_name(buffer_slice(&chain.root), &chain.root_certificate);
    chain.intermediate = machine_certificate(&middle, name);
    chain.leaf =
        machine_certificate(&leaf, machine_name(buffer_slice(&chain.intermediate), &chain.intermediate_certificate));
    chain.pem = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    assert_ok(certificate_pem(buffer_slice(&chain.leaf), &chain.pem));
    assert_ok(certificate_pem(buffer_slice(&chain.intermediate), &chain.pem));
    CLEANUP(buffer_done) struct buffer roots = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    assert_ok(certificate_pem(buffer_slice(&chain.root), &roots));
    assert_ok(tpm_roots_from_pem(buffer_slice(&roots), NULL, &chain.roots));
    return chain;
}

static enum status check(const struct chain *chain, struct refusal *why)
{
    return tpm_aik_check(chain->roots, buffer_slice(&chain->pem), machine()->aik, MACHINE_NOW_S, why);
}

static void test_a_chain_of_three(void **)
{
    CLEANUP(chain_done) struct chain chain = make_chain(NULL);
    assert_ok(check(&chain, NULL));
}

static void test_an_authority_may_be_trusted_itself(void **)
{
    CLEANUP(chain_done) struct chain chain = make_chain(NULL);
    CLEANUP(tpm_roots_cleanup) struct tpm_roots *roots = NULL;
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    assert_ok(certificate_pem(buffer_slice(&chain.intermediate), &pem));
    assert_ok(tpm_roots_from_pem(buffer_slice(&pem), NULL, &roots));
    assert_ok(tpm_aik_check(roots, buffer_slice(&chain.leaf), machine()->aik, MACHINE_NOW_S, NULL));
}

static void without_purpose(int place, struct machine_certificate *certificate)
{
    certificate->no_purpose = place == 2;
}

static void with_unknown(int place, struct machine_certificate *certificate)
{
    certificate->unknown_critical = place == 2;
}

static void old_leaf(int place, struct machine_certificate *certificate)
{
    if (place == 2) certificate->not_after_s = MACHINE_NOW_S - 1;
}

static void young_leaf(int place, struct machine_certificate *certificate)
{
    if (place == 2) certificate->not_before_s = MACHINE_NOW_S + 1;
}

static void old_authority(int place, struct machine_certificate *certificate)
{
    if (place == 1) certificate->not_after_s = MACHINE_NOW_S - 1;
}

static void old_root(int place, struct machine_certificate *certificate)
{
    if (place == 0) certificate->not_after_s = MACHINE_NOW_S - 1;
}

static void no_authority(int place, struct machine_certificate *certificate)
{
    if (place == 1) certificate->is_ca = false;
}

static void leaf_authority(int place, struct machine_certificate *certificate)
{
    if (place == 2) certificate->is_ca = true;
}

static void another_issuer(int place, struct machine_certificate *certificate)
{
    if (place == 2) certificate->issuer = machine()->ecc;
}

static void another_key(int place, struct machine_certificate *certificate)
{
    if (place == 2) certificate->subject = machine()->other;
}

static void short_path(int place, struct machine_certificate *certificate)
{
    if (place == 0) certificate->no_path = true;
}

static void test_chains_that_are_none(void **)
{
    static const struct {
        void (*change)(int place, struct machine_certificate *certificate);
        enum status status;
        const char *field;
    } bad[] = {
        {without_purpose, ERR_CHAIN, "aik_cert.extendedKeyUsage"},
        {with_unknown, ERR_CHAIN, "aik_cert"},
        {old_leaf, ERR_CERTIFICATE_EXPIRED, "aik_cert"},
        {young_leaf, ERR_CERTIFICATE_EXPIRED, "aik_cert"},
        {old_authority, ERR_CERTIFICATE_EXPIRED, "aik_cert"},
        {old_root, ERR_CERTIFICATE_EXPIRED, "aik_cert"},
        {no_authority, ERR_CHAIN, "aik_cert.issuer"},
        {leaf_authority, ERR_CHAIN, "aik_cert"},
        {another_issuer, ERR_CHAIN, "aik_cert.issuer"},
        {another_key, ERR_CHAIN, "aik_cert.subjectPublicKeyInfo"},
        {short_path, ERR_CHAIN, "aik_cert.issuer.pathLenConstraint"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CLEANUP(chain_done) struct chain chain = make_chain(bad[i].change);
        struct refusal why = {};
        assert_refused(check(&chain, &why), bad[i].status, &why, bad[i].field);
    }
}

static void test_no_certificate_and_no_authorities(void **)
{
    CLEANUP(chain_done) struct chain chain = make_chain(NULL);
    struct refusal why = {};
    assert_refused(tpm_aik_check(chain.roots, (struct slice){}, machine()->aik, MACHINE_NOW_S, &why), ERR_CHAIN, &why,
                   "aik_cert");
    assert_refused(tpm_aik_check(NULL, buffer_slice(&chain.pem), machine()->aik, MACHINE_NOW_S, &why), ERR_CHAIN, &why,
                   "tpm_roots");
    assert_refused(tpm_aik_check(machine()->roots, SLICE_LITERAL("DER"), machine()->aik, MACHINE_NOW_S, &why),
                   ERR_CERTIFICATE_MALFORMED, &why, "aik_cert");
    assert_refused(tpm_aik_check(chain.roots, buffer_slice(&chain.leaf), machine()->aik, MACHINE_NOW_S, &why),
                   ERR_CHAIN, &why, "aik_cert.issuer"); /* its authority was not sent along */
}

static void test_roots_that_are_none(void **)
{
    CLEANUP(chain_done) struct chain chain = make_chain(NULL);
    CLEANUP(buffer_done)
    struct buffer leaf = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES), many = buffer_of_maximum(TPM_ROOTS_MAX_BYTES);
    struct tpm_roots *roots = NULL;
    struct refusal why = {};
    assert_refused(tpm_roots_from_pem((struct slice){}, &why, &roots), ERR_CHAIN, &why, "tpm_roots");
    assert_refused(tpm_roots_from_pem(SLICE_LITERAL("no PEM"), &why, &roots), ERR_ENCODING, &why, "tpm_roots");
    assert_ok(certificate_pem(buffer_slice(&chain.leaf), &leaf));
    assert_refused(tpm_roots_from_pem(buffer_slice(&leaf), &why, &roots), ERR_CHAIN, &why, "tpm_roots");
    for (int i = 0; i <= TPM_ROOT_MAX_COUNT; i++) assert_ok(certificate_pem(buffer_slice(&chain.root), &many));
    assert_refused(tpm_roots_from_pem(buffer_slice(&many), &why, &roots), ERR_TOO_LARGE, &why, "tpm_roots");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_messages_that_are_none),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_a_challenge_is_good_for_ten_minutes),
        cmocka_unit_test(test_contexts_of_others),
        cmocka_unit_test(test_a_chain_of_three),
        cmocka_unit_test(test_an_authority_may_be_trusted_itself),
        cmocka_unit_test(test_chains_that_are_none),
        cmocka_unit_test(test_no_certificate_and_no_authorities),
        cmocka_unit_test(test_roots_that_are_none),
    };
    return cmocka_run_group_tests_name("attestation/tpm/flow", tests, NULL, NULL);
}
