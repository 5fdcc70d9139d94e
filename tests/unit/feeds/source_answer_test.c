/* SPDX-License-Identifier: Apache-2.0
 *
 * Services of every version, and services that lie, over a real connection.
 */
#include "feeds/collateral_source.h"
#include "feeds/source_connection.h"

#include "base/clock.h"
#include "plain_server.h"

#include <sys/resource.h>
#include <time.h>

enum { ENDLESS_MAX_BYTES = 64 << 20, MEMORY_MAX_KB = 16 * 1024 };

static const char *chain_text = "-----BEGIN%20CERTIFICATE-----%0A";

struct scene {
    struct plain_server server;
    struct http_client *client;
    struct collateral_service service;
    char targets[8][256];
    unsigned target_count;
    unsigned status;     /* of the answer to the first question; 200: good ones */
    const char *headers; /* of it */
    bool is_hexadecimal, is_endless, drips;
    size_t sent;
};

static void send_endless(struct scene *scene, int client)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n";
    static uint8_t chunk[64 * 1024];
    plain_server_send(client, SLICE_LITERAL(head));
    while (scene->sent < ENDLESS_MAX_BYTES) {
        const ssize_t sent = send(client, chunk, sizeof(chunk), MSG_NOSIGNAL);
        if (sent <= 0) return;
        scene->sent += (size_t)sent;
    }
}

static void send_drops(int client)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    plain_server_send(client, SLICE_LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"));
    while (send(client, "x", 1, MSG_NOSIGNAL) == 1) (void)nanosleep(&pause, NULL);
}

/* Both names of the header, so that which one is read shows in what comes of it. */
static void send_good(const struct scene *scene, const char *target, int client)
{
    char headers[512];
    const bool is_list = strstr(target, "crl") != NULL;
    (void)snprintf(headers, sizeof(headers),
                   "SGX-TCB-Info-Issuer-Chain: three%s\r\nTCB-Info-Issuer-Chain: four%s\r\n"
                   "SGX-Enclave-Identity-Issuer-Chain: qe%s\r\nSGX-PCK-CRL-Issuer-Chain: crl%s\r\n",
                   chain_text, chain_text, chain_text, chain_text);
    plain_server_respond(client, 200, headers,
                         !is_list                ? SLICE_LITERAL("{}")
                         : scene->is_hexadecimal ? SLICE_LITERAL("3082AB\n")
                                                 : SLICE_LITERAL("\x30\x82\xab"));
}

static void answer(void *context, const char *target, const char *, int client)
{
    struct scene *const scene = context;
    (void)snprintf(scene->targets[scene->target_count++ % 8], 256, "%.255s", target);
    if (scene->is_endless)
        send_endless(scene, client);
    else if (scene->drips)
        send_drops(client);
    else if (scene->status != 200)
        plain_server_respond(client, scene->status, scene->headers, SLICE_LITERAL("no"));
    else
        send_good(scene, target, client);
}

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    scene->status = 200;
    scene->headers = "";
    plain_server_start(&scene->server, answer, scene);
    assert_ok(http_client_new(scene->server.url, NULL, &scene->client));
    scene->service.client = scene->client;
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *const scene = *state;
    http_client_free(scene->client);
    plain_server_stop(&scene->server);
    free(scene);
    return 0;
}

static const struct collateral_platform platform = {.fmspc = {0x00, 0x90, 0x6e, 0xd5, 0x00, 0x00}, .ca = "processor"};

static enum status fetch_for(struct scene *scene, enum intel_tee tee, struct refusal *why, struct pacing_hint *hint,
                             struct collateral_files *files)
{
    struct collateral_platform asked = platform;
    asked.tee = tee;
    return collateral_fetch_service(&scene->service, &asked, why, hint, files);
}

static void assert_targets(const struct scene *scene, const char *const targets[4])
{
    for (size_t i = 0; i < 4; i++) assert_string_equal(scene->targets[i], targets[i]);
}

static void test_version_4_asks_at_its_paths_and_reads_its_header(void **state)
{
    struct scene *const scene = *state;
    struct pacing_hint hint = {};
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    assert_ok(fetch_for(scene, INTEL_SGX, NULL, &hint, &files));
    assert_targets(scene, (const char *const[]){"/sgx/certification/v4/tcb?fmspc=00906ED50000",
                                                "/sgx/certification/v4/qe/identity",
                                                "/sgx/certification/v4/pckcrl?ca=processor&encoding=der",
                                                "/sgx/certification/v4/rootcacrl"});
    assert_true(slice_starts_with(buffer_slice(&files.tcb_info_issuer_chain), SLICE_LITERAL("four-----BEGIN CERT")));
    assert_slice_equal(buffer_slice(&files.pck_crl), SLICE_LITERAL("\x30\x82\xab"));
}

static void test_version_3_asks_at_its_paths_and_reads_its_header_and_hexadecimal_lists(void **state)
{
    struct scene *const scene = *state;
    struct pacing_hint hint = {};
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    scene->service.version = PCS_VERSION_3;
    scene->is_hexadecimal = true;
    assert_ok(fetch_for(scene, INTEL_SGX, NULL, &hint, &files));
    assert_targets(scene, (const char *const[]){"/sgx/certification/v3/tcb?fmspc=00906ED50000",
                                                "/sgx/certification/v3/qe/identity",
                                                "/sgx/certification/v3/pckcrl?ca=processor&encoding=der",
                                                "/sgx/certification/v3/rootcacrl"});
    assert_true(slice_starts_with(buffer_slice(&files.tcb_info_issuer_chain), SLICE_LITERAL("three-----BEGIN CERT")));
    assert_slice_equal(buffer_slice(&files.pck_crl), SLICE_LITERAL("\x30\x82\xab"));
    assert_slice_equal(buffer_slice(&files.root_ca_crl), SLICE_LITERAL("\x30\x82\xab"));
}

static void test_trust_domains_have_paths_of_their_own_since_version_4(void **state)
{
    struct scene *const scene = *state;
    struct pacing_hint hint = {};
    struct refusal why = {};
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    scene->service.set.is_early = true;
    assert_ok(fetch_for(scene, INTEL_TDX, NULL, &hint, &files));
    assert_targets(scene, (const char *const[]){"/tdx/certification/v4/tcb?fmspc=00906ED50000&update=early",
                                                "/tdx/certification/v4/qe/identity?update=early",
                                                "/sgx/certification/v4/pckcrl?ca=processor&encoding=der",
                                                "/sgx/certification/v4/rootcacrl"});
    scene->service.version = PCS_VERSION_3;
    collateral_files_done(&files);
    files = (struct collateral_files){};
    assert_status(fetch_for(scene, INTEL_TDX, &why, &hint, &files), ERR_CONFIG);
    assert_string_equal(why.field, "collateral.protocol");
    assert_int_equal(scene->target_count, 4);
}

static void test_one_evaluation_is_asked_for_by_its_number(void **state)
{
    struct scene *const scene = *state;
    struct pacing_hint hint = {};
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    scene->service.set.evaluation = 18;
    assert_ok(fetch_for(scene, INTEL_SGX, NULL, &hint, &files));
    assert_string_equal(scene->targets[0], "/sgx/certification/v4/tcb?fmspc=00906ED50000&tcbEvaluationDataNumber=18");
    assert_string_equal(scene->targets[1], "/sgx/certification/v4/qe/identity?tcbEvaluationDataNumber=18");
}

static void test_each_refusal_of_a_service_is_told(void **state)
{
    struct scene *const scene = *state;
    static const struct {
        unsigned http;
        const char *headers;
        enum status status;
        const char *seen, *fix;
        bool is_limited;
        int64_t retry_after_s;
    } cases[] = {
        {404, "", ERR_NOT_FOUND, "404", "", false, 0},
        {401, "", ERR_HTTP_STATUS, "401", "subscription", false, 0},
        {403, "", ERR_HTTP_STATUS, "403", "subscription", false, 0},
        {410, "", ERR_HTTP_STATUS, "410 Gone", "newer", false, 0},
        {429, "Retry-After: 90\r\n", ERR_HTTP_STATUS, "429", "asked again later", true, 90},
        {429, "", ERR_HTTP_STATUS, "429", "asked again later", true, 0},
        {503, "Date: Sat, 21 Nov 2026 10:00:00 GMT\r\nRetry-After: Sat, 21 Nov 2026 10:01:00 GMT\r\n", ERR_HTTP_STATUS,
         "503", "", true, 60},
        {503, "Retry-After: Sat, 21 Nov 2026 10:01:00 GMT\r\n", ERR_HTTP_STATUS, "503", "", true, 0},
        {500, "Retry-After: never\r\n", ERR_HTTP_STATUS, "500", "", false, 0},
        {302, "Location: http://127.0.0.1:1/\r\n", ERR_HTTP_STATUS, "302", "", false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(collateral_files_done) struct collateral_files files = {};
        struct pacing_hint hint = {};
        struct refusal why = {};
        scene->status = cases[i].http;
        scene->headers = cases[i].headers;
        assert_status(fetch_for(scene, INTEL_SGX, &why, &hint, &files), cases[i].status);
        assert_string_equal(why.seen, cases[i].seen);
        assert_non_null(strstr(why.fix, cases[i].fix));
        assert_int_equal(hint.is_limited, cases[i].is_limited);
        assert_int_equal(hint.retry_after_s, cases[i].retry_after_s);
    }
}

static void test_an_answer_without_a_chain_is_refused(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    struct pacing_hint hint = {};
    struct refusal why = {};
    chain_text = "%zz";
    assert_status(fetch_for(scene, INTEL_SGX, &why, &hint, &files), ERR_HTTP_MALFORMED);
    chain_text = "-----BEGIN%20CERTIFICATE-----%0A";
    assert_string_equal(why.field, "TCB-Info-Issuer-Chain");
}

static long memory_kb(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* The other end sees the connection close after the named maximum, and what the kernel holds on the way. */
static void test_ten_gigabytes_are_cut_at_the_named_maximum(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    struct pacing_hint hint = {};
    struct refusal why = {};
    const long before_kb = memory_kb();
    scene->is_endless = true;
    assert_status(fetch_for(scene, INTEL_SGX, &why, &hint, &files), ERR_TOO_LARGE);
    assert_string_equal(why.expected, "at most 524288 bytes");
    assert_int_equal(scene->target_count, 1);
    assert_in_range(scene->sent, 0, ENDLESS_MAX_BYTES / 2);
    assert_in_range(memory_kb() - before_kb, 0, MEMORY_MAX_KB);
}

static void test_drops_do_not_go_on_for_ever(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    struct pacing_hint hint = {};
    struct refusal why = {};
    const int64_t from_ms = clock_monotonic_ms();
    scene->drips = true;
    assert_status(fetch_for(scene, INTEL_SGX, &why, &hint, &files), ERR_TIMEOUT);
    assert_in_range(clock_monotonic_ms() - from_ms, HTTP_CLIENT_TIMEOUT_MS - 500, HTTP_CLIENT_TIMEOUT_MS + 5000);
}

#define source_unit_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        source_unit_test(test_version_4_asks_at_its_paths_and_reads_its_header),
        source_unit_test(test_version_3_asks_at_its_paths_and_reads_its_header_and_hexadecimal_lists),
        source_unit_test(test_trust_domains_have_paths_of_their_own_since_version_4),
        source_unit_test(test_one_evaluation_is_asked_for_by_its_number),
        source_unit_test(test_each_refusal_of_a_service_is_told),
        source_unit_test(test_an_answer_without_a_chain_is_refused),
        source_unit_test(test_ten_gigabytes_are_cut_at_the_named_maximum),
        source_unit_test(test_drops_do_not_go_on_for_ever),
    };
    return cmocka_run_group_tests_name("feeds/source_answer", tests, NULL, NULL);
}
