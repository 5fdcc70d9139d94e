/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/pck.h"

#include "plain_server.h"
#include "test_pki.h"

struct scene {
    struct test_pki pki;
    struct buffer leaf, issuers; /* PEM; percent-encoded */
    struct plain_server server;
    struct http_client *client;
    struct clock *clock;
    int64_t now_ms;
    char cache[64];
    struct pck_feed *feed;
    struct pck_request request;
    unsigned status;
    bool has_issuers;
    char target[2048], head[PLAIN_SERVER_REQUEST_BYTES + 1];
};

static int64_t scene_ms(void *context)
{
    const struct scene *const scene = context;
    return scene->now_ms;
}

static void answer(void *context, const char *target, const char *head, int client)
{
    struct scene *const scene = context;
    CLEANUP(buffer_done) struct buffer headers = buffer_of_maximum(32768);
    const char *text;
    (void)snprintf(scene->target, sizeof(scene->target), "%.2047s", target);
    (void)snprintf(scene->head, sizeof(scene->head), "%s", head);
    if (scene->has_issuers) {
        assert_ok(buffer_append_text(&headers, "SGX-PCK-Certificate-Issuer-Chain: "));
        assert_ok(buffer_append(&headers, buffer_slice(&scene->issuers)));
        assert_ok(buffer_append_text(&headers, "\r\n"));
    }
    assert_ok(buffer_text(&headers, &text));
    plain_server_respond(client, scene->status, text, buffer_slice(&scene->leaf));
}

static void percent_encode(const struct buffer *text, struct buffer *encoded)
{
    for (size_t i = 0; i < text->size; i++) assert_ok(buffer_append_format(encoded, "%%%02X", text->bytes[i]));
}

static void open_feed(struct scene *scene)
{
    const struct pck_feed_options options = {
        .clock = scene->clock,
        .roots = pki_roots(&scene->pki),
        .service = {.client = scene->client},
        .cache = scene->cache,
        .timing = {.monotonic_ms = scene_ms, .time = scene, .seed = 3, .by_hand = true}};
    assert_ok(pck_feed_start(&options, &scene->feed));
}

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    scene->status = 200;
    scene->has_issuers = true;
    scene->pki = pki_make(NULL);
    scene->leaf = pki_pem(&scene->pki, (const enum pki_role[]){PKI_LEAF}, 1);
    scene->issuers = buffer_of_maximum(32768);
    percent_encode(&scene->pki.ca_chain, &scene->issuers);
    scene->request = (struct pck_request){
        .qe_id = {0x9e}, .cpu_svn = {4, 4}, .pce_svn = 0x0104, .ppid_size = 384, .ppid = {0xab, [383] = 0xcd}};
    assert_ok(clock_new_fixed(PKI_NOW_S, &scene->clock));
    plain_server_start(&scene->server, answer, scene);
    assert_ok(http_client_new(scene->server.url, NULL, &scene->client));
    (void)snprintf(scene->cache, sizeof(scene->cache), "/tmp/lazaret-pck-test-XXXXXX");
    assert_non_null(mkdtemp(scene->cache));
    open_feed(scene);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *const scene = *state;
    char command[128];
    pck_feed_free(scene->feed);
    http_client_free(scene->client);
    plain_server_stop(&scene->server);
    clock_free(scene->clock);
    buffer_done(&scene->leaf);
    buffer_done(&scene->issuers);
    pki_done(&scene->pki);
    (void)snprintf(command, sizeof(command), "rm -r %s", scene->cache);
    assert_int_equal(system(command), 0);
    free(scene);
    return 0;
}

static enum status ask(struct scene *scene, struct refusal *why, struct pck_certificate **certificate_out)
{
    const enum status status = pck_feed_get(scene->feed, &scene->request, 0, why, certificate_out);
    if (status != ERR_COLLATERAL_MISSING) return status;
    (void)pck_feed_turn(scene->feed);
    return pck_feed_get(scene->feed, &scene->request, 0, why, certificate_out);
}

static void test_a_miss_is_answered_at_once_and_what_came_outlives_a_restart(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    CLEANUP(pck_certificate_cleanup) struct pck_certificate *first = NULL;
    CLEANUP(pck_certificate_cleanup) struct pck_certificate *again = NULL;
    assert_status(pck_feed_get(scene->feed, &scene->request, 0, &why, &first), ERR_COLLATERAL_MISSING);
    assert_string_equal(why.fix, "ask again in 1 s");
    assert_int_equal(atomic_load(&scene->server.requests), 0);
    (void)pck_feed_turn(scene->feed);
    assert_ok(pck_feed_get(scene->feed, &scene->request, 0, &why, &first));
    const struct pck_facts *const facts = pck_certificate_facts(first);
    assert_int_equal(facts->fmspc[5], 7);
    assert_string_equal(facts->ca, "platform");
    assert_int_equal(facts->expires_s, PKI_NOW_S + 100 * PKI_DAY_S + 1);
    scene->status = 500;
    pck_feed_free(scene->feed);
    open_feed(scene);
    assert_ok(ask(scene, &why, &again));
    assert_slice_equal(pck_certificate_chain(again), pck_certificate_chain(first));
}

static void test_the_question_names_what_the_quote_says(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    CLEANUP(pck_certificate_cleanup) struct pck_certificate *certificate = NULL;
    assert_ok(ask(scene, &why, &certificate));
    assert_non_null(strstr(scene->target, "/sgx/certification/v4/pckcert?cpusvn=04040000000000000000000000000000"
                                          "&pcesvn=0401&pceid=0000&encrypted_ppid=ab00"));
    assert_non_null(strstr(scene->target, "00cd&qeid=9e000000000000000000000000000000"));
    assert_null(strstr(scene->head, "Ocp-Apim-Subscription-Key"));
    CLEANUP(buffer_done) struct buffer chain = buffer_of_maximum(65536);
    struct pacing_hint hint = {};
    const struct pck_service service = {.client = scene->client, .version = 3, .subscription_key = "secret"};
    scene->request.ppid_size = 16;
    assert_ok(pck_fetch(&service, &scene->request, &why, &hint, &chain));
    assert_string_equal(scene->target, "/sgx/certification/v3/pckcert?cpusvn=04040000000000000000000000000000"
                                       "&pcesvn=0401&pceid=0000");
    assert_non_null(strstr(scene->head, "\r\nOcp-Apim-Subscription-Key: secret\r\n"));
}

static void test_certificates_that_do_not_fit_are_refused(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    struct pck_certificate *certificate = NULL;
    scene->request.pce_id[1] = 1;
    assert_status(ask(scene, &why, &certificate), ERR_COLLATERAL_MISMATCH);
    assert_string_equal(why.field, "pck_chain.pceId");
    scene->request.pce_id[1] = 0;
    scene->request.pce_svn = 3;
    assert_status(ask(scene, &why, &certificate), ERR_COLLATERAL_MISMATCH);
    assert_string_equal(why.field, "pck_chain.pceSvn");
    scene->request.pce_svn = 5;
    clock_set(scene->clock, PKI_NOW_S + 101 * PKI_DAY_S);
    assert_status(ask(scene, &why, &certificate), ERR_CERTIFICATE_EXPIRED);
    assert_string_equal(why.field, "pck_chain.pck_certificate.notAfter");
}

static void test_an_answer_without_issuers_or_of_another_root_is_refused(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    struct pck_certificate *certificate = NULL;
    scene->has_issuers = false;
    assert_status(ask(scene, &why, &certificate), ERR_HTTP_MALFORMED);
    assert_string_equal(why.field, "SGX-PCK-Certificate-Issuer-Chain");
    struct test_pki other = pki_make(NULL);
    scene->has_issuers = true;
    scene->request.pce_svn = 6;
    buffer_done(&scene->leaf);
    scene->leaf = pki_pem(&other, (const enum pki_role[]){PKI_LEAF}, 1);
    assert_status(ask(scene, &why, &certificate), ERR_CHAIN);
    pki_done(&other);
    assert_null(certificate);
}

static void test_a_quote_with_its_certificate_asks_for_none(void **)
{
    struct refusal why = {};
    struct pck_request request;
    assert_status(pck_request_of(&(struct quote_facts){.certification_type = 5}, &why, &request), ERR_UNSUPPORTED);
    assert_string_equal(why.field, "quote.certification_data.type");
}

#define feed_unit_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        feed_unit_test(test_a_miss_is_answered_at_once_and_what_came_outlives_a_restart),
        feed_unit_test(test_the_question_names_what_the_quote_says),
        feed_unit_test(test_certificates_that_do_not_fit_are_refused),
        feed_unit_test(test_an_answer_without_issuers_or_of_another_root_is_refused),
        cmocka_unit_test(test_a_quote_with_its_certificate_asks_for_none),
    };
    return cmocka_run_group_tests_name("feeds/pck", tests, NULL, NULL);
}
