/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/endorsements.h"

#include "amd_pki.h"
#include "crypto/x509.h"
#include "crypto/x509_issue.h"
#include "plain_server.h"

enum { HOUR_S = 3600 };

struct scene {
    struct amd_pki pki;
    struct buffer chain; /* PEM */
    struct plain_server server;
    struct http_client *client;
    struct clock *clock;
    int64_t now_ms;
    char cache[64];
    struct endorsement_feed *feed;
    unsigned status;       /* of all answers; 200: what was asked for */
    unsigned chip_status;  /* of answers for chips */
    unsigned chips, lists; /* asked for */
    char last_chip[1024];
};

static int64_t scene_ms(void *context)
{
    const struct scene *const scene = context;
    return scene->now_ms;
}

static void pass(struct scene *scene, int64_t seconds)
{
    scene->now_ms += seconds * 1000;
    clock_set(scene->clock, scene->now_ms / 1000);
}

static void answer(void *context, const char *target, const char *, int client)
{
    struct scene *const scene = context;
    const bool is_chain = strcmp(target, "/vcek/v1/Milan/cert_chain") == 0,
               is_list = strcmp(target, "/vcek/v1/Milan/crl") == 0;
    scene->lists += is_list;
    scene->chips += !is_chain && !is_list;
    if (!is_chain && !is_list) (void)snprintf(scene->last_chip, sizeof(scene->last_chip), "%.1000s", target);
    const unsigned status = !is_chain && !is_list && scene->chip_status != 200 ? scene->chip_status : scene->status;
    if (status != 200)
        plain_server_respond(client, status, "Retry-After: 1800\r\n", (struct slice){});
    else
        plain_server_respond(client, 200, "",
                             is_chain  ? buffer_slice(&scene->chain)
                             : is_list ? buffer_slice(&scene->pki.crl)
                                       : scene->pki.given[AMD_PKI_LEAF]);
}

static void open_feed(struct scene *scene)
{
    const struct endorsement_feed_options options = {
        .clock = scene->clock,
        .simulated_root = scene->pki.keys[AMD_PKI_ROOT],
        .client = scene->client,
        .cache = scene->cache,
        .timing = {.monotonic_ms = scene_ms, .time = scene, .seed = 3, .by_hand = true}};
    assert_ok(endorsement_feed_start(&options, &scene->feed));
}

static void reopen_feed(struct scene *scene)
{
    endorsement_feed_free(scene->feed);
    open_feed(scene);
}

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    scene->status = scene->chip_status = 200;
    scene->pki = amd_pki_make(NULL);
    scene->chain = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    assert_ok(certificate_pem(scene->pki.given[AMD_PKI_ISSUER], &scene->chain));
    assert_ok(certificate_pem(scene->pki.given[AMD_PKI_ROOT], &scene->chain));
    assert_ok(clock_new_fixed(AMD_NOW_S, &scene->clock));
    pass(scene, AMD_NOW_S);
    plain_server_start(&scene->server, answer, scene);
    assert_ok(http_client_new(scene->server.url, NULL, &scene->client));
    (void)snprintf(scene->cache, sizeof(scene->cache), "/tmp/lazaret-endorsement-test-XXXXXX");
    assert_non_null(mkdtemp(scene->cache));
    open_feed(scene);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *const scene = *state;
    char command[128];
    endorsement_feed_free(scene->feed);
    http_client_free(scene->client);
    plain_server_stop(&scene->server);
    clock_free(scene->clock);
    buffer_done(&scene->chain);
    amd_pki_done(&scene->pki);
    (void)snprintf(command, sizeof(command), "rm -r %s", scene->cache);
    assert_int_equal(system(command), 0);
    free(scene);
    return 0;
}

static struct endorsement_request request_of(const struct scene *scene)
{
    struct snp_report_facts facts;
    struct endorsement_request request;
    assert_ok(snp_report_facts(buffer_slice(&scene->pki.report), NULL, &facts));
    assert_ok(endorsement_request_of(&facts, NULL, &request));
    return request;
}

static enum status ask(struct scene *scene, const struct endorsement_request *request, struct refusal *why)
{
    CLEANUP(endorsement_cleanup) struct endorsement *endorsement = NULL;
    const enum status status = endorsement_feed_get(scene->feed, request, 0, why, &endorsement);
    if (status != ERR_COLLATERAL_MISSING) return status;
    (void)endorsement_feed_turn(scene->feed);
    return endorsement_feed_get(scene->feed, request, 0, why, &endorsement);
}

static void test_a_report_verifies_with_what_was_fetched(void **state)
{
    struct scene *const scene = *state;
    const struct endorsement_request request = request_of(scene);
    struct refusal why = {};
    CLEANUP(endorsement_cleanup) struct endorsement *endorsement = NULL;
    assert_status(endorsement_feed_get(scene->feed, &request, 0, &why, &endorsement), ERR_COLLATERAL_MISSING);
    assert_string_equal(why.fix, "ask again in 1 s");
    (void)endorsement_feed_turn(scene->feed);
    assert_ok(endorsement_feed_get(scene->feed, &request, 0, &why, &endorsement));
    struct slice certificates[2];
    struct snp_endorsements texts = endorsement_texts(endorsement, certificates);
    texts.simulated_root = scene->pki.keys[AMD_PKI_ROOT];
    struct snp_claims claims;
    assert_ok(snp_report_verify(buffer_slice(&scene->pki.report), &texts, AMD_NOW_S, NULL, &why, &claims));
    assert_true(claims.crl_checked);
    assert_non_null(strstr(scene->last_chip, "/vcek/v1/Milan/1111111111111111"));
    assert_non_null(strstr(scene->last_chip, "?blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=217"));
    assert_int_equal(clock_floor_s(scene->clock), AMD_NOW_S - 10 * AMD_DAY_S);
}

static void move_crl(struct mint_crl *text)
{
    text->this_update_s += 20 * AMD_DAY_S;
    text->next_update_s += 20 * AMD_DAY_S;
}

static void renew_crl(struct scene *scene)
{
    buffer_done(&scene->pki.crl);
    scene->pki.crl = amd_pki_crl(&scene->pki, &(struct amd_pki_options){.crl = move_crl});
}

static void test_a_certificate_is_fetched_once_and_lists_every_day(void **state)
{
    struct scene *const scene = *state;
    const struct endorsement_request request = request_of(scene);
    struct refusal why = {};
    assert_ok(ask(scene, &request, &why));
    for (int hour = 0; hour < 15 * 24; hour++) {
        if (hour == 9 * 24) {
            /* The next list is issued when the clock has come to it. */
            pass(scene, 24 * HOUR_S);
            renew_crl(scene);
        }
        pass(scene, HOUR_S);
        while (endorsement_feed_turn(scene->feed) == 0) {}
        if (hour < 9 * 24 - 1) assert_ok(ask(scene, &request, &why));
    }
    assert_ok(ask(scene, &request, &why));
    assert_int_equal(scene->chips, 1);
    assert_in_range(scene->lists, 12, 24);
    reopen_feed(scene);
    assert_ok(ask(scene, &request, &why));
    assert_int_equal(scene->chips, 1);
}

static void test_what_is_kept_serves_after_a_restart_without_the_service(void **state)
{
    struct scene *const scene = *state;
    const struct endorsement_request request = request_of(scene);
    struct refusal why = {};
    assert_ok(ask(scene, &request, &why));
    scene->status = 500;
    reopen_feed(scene);
    assert_ok(ask(scene, &request, &why));
    (void)endorsement_feed_turn(scene->feed);
    assert_ok(ask(scene, &request, &why));
    pass(scene, 10 * AMD_DAY_S);
    while (endorsement_feed_turn(scene->feed) == 0) {}
    assert_status(ask(scene, &request, &why), ERR_COLLATERAL_EXPIRED);
    assert_non_null(strstr(why.seen, "500"));
    assert_int_equal(scene->chips, 1);
}

static void test_an_older_list_is_refused_also_after_a_restart(void **state)
{
    struct scene *const scene = *state;
    const struct endorsement_request request = request_of(scene);
    struct refusal why = {};
    pass(scene, 10 * AMD_DAY_S + HOUR_S);
    renew_crl(scene);
    assert_ok(ask(scene, &request, &why));
    buffer_done(&scene->pki.crl);
    scene->pki.crl = amd_pki_crl(&scene->pki, &(struct amd_pki_options){});
    char command[256];
    (void)snprintf(command, sizeof(command), "rm %s/snp-Milan/crl.der", scene->cache);
    assert_int_equal(system(command), 0);
    clock_free(scene->clock);
    assert_ok(clock_new_fixed(AMD_NOW_S, &scene->clock));
    reopen_feed(scene);
    assert_status(ask(scene, &request, &why), ERR_COLLATERAL_OLD);
    assert_string_equal(why.field, "root_ca_crl.thisUpdate");
}

static void test_a_certificate_of_another_chip_or_version_is_refused(void **state)
{
    struct scene *const scene = *state;
    struct endorsement_request request = request_of(scene);
    struct refusal why = {};
    request.chip_id[63] ^= 1;
    assert_status(ask(scene, &request, &why), ERR_SNP_KEY);
    assert_string_equal(why.field, "vcek.hwID");
    request = request_of(scene);
    request.tcb.snp++;
    assert_status(ask(scene, &request, &why), ERR_SNP_KEY);
    assert_string_equal(why.field, "vcek.tcb");
}

static void test_a_service_that_limits_is_left_alone(void **state)
{
    struct scene *const scene = *state;
    struct endorsement_request request = request_of(scene);
    struct refusal why = {};
    scene->chip_status = 429;
    assert_status(ask(scene, &request, &why), ERR_HTTP_STATUS);
    assert_non_null(strstr(why.fix, "asked again later"));
    for (uint8_t i = 1; i < 50; i++) {
        request.chip_id[0] = i;
        (void)!ask(scene, &request, &why);
    }
    assert_status(ask(scene, &request, &why), ERR_BUSY);
    pass(scene, 1799);
    request = request_of(scene);
    assert_status(ask(scene, &request, &why), ERR_HTTP_STATUS);
    assert_int_equal(scene->chips, 1);
    scene->chip_status = 200;
    pass(scene, 60);
    while (endorsement_feed_turn(scene->feed) == 0) {}
    assert_ok(ask(scene, &request, &why));
}

static void test_what_the_service_cannot_give_is_not_asked_for(void **state)
{
    const struct scene *const scene = *state;
    struct snp_report_facts facts;
    struct endorsement_request request;
    struct refusal why = {};
    assert_ok(snp_report_facts(buffer_slice(&scene->pki.report), NULL, &facts));
    facts.has_chip_id = false;
    assert_status(endorsement_request_of(&facts, &why, &request), ERR_UNSUPPORTED);
    assert_string_equal(why.field, "report.chip_id");
    facts.is_vlek = true;
    assert_status(endorsement_request_of(&facts, &why, &request), ERR_UNSUPPORTED);
    assert_string_equal(why.field, "report.signing_key");
}

static void test_a_chip_of_the_third_generation_is_named_by_eight_bytes(void **)
{
    struct scene scene = {.status = 200, .chip_status = 404};
    struct endorsement_request request = {.product = SNP_TURIN,
                                          .chip_id = {0xab, 1, 2, 3, 4, 5, 6, 7},
                                          .tcb = {.fmc = 1, .boot_loader = 2, .tee = 3, .snp = 4, .microcode = 81}};
    CLEANUP(buffer_done) struct buffer vcek = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    struct pacing_hint hint = {};
    struct refusal why = {};
    struct http_client *client = NULL;
    plain_server_start(&scene.server, answer, &scene);
    assert_ok(http_client_new(scene.server.url, NULL, &client));
    assert_status(endorsement_fetch_vcek(client, &request, &why, &hint, &vcek), ERR_NOT_FOUND);
    assert_string_equal(scene.last_chip,
                        "/vcek/v1/Turin/ab01020304050607?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=81");
    http_client_free(client);
    plain_server_stop(&scene.server);
}

#define feed_unit_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        feed_unit_test(test_a_report_verifies_with_what_was_fetched),
        feed_unit_test(test_a_certificate_is_fetched_once_and_lists_every_day),
        feed_unit_test(test_what_is_kept_serves_after_a_restart_without_the_service),
        feed_unit_test(test_an_older_list_is_refused_also_after_a_restart),
        feed_unit_test(test_a_certificate_of_another_chip_or_version_is_refused),
        feed_unit_test(test_a_service_that_limits_is_left_alone),
        feed_unit_test(test_what_the_service_cannot_give_is_not_asked_for),
        cmocka_unit_test(test_a_chip_of_the_third_generation_is_named_by_eight_bytes),
    };
    return cmocka_run_group_tests_name("feeds/endorsements", tests, NULL, NULL);
}
