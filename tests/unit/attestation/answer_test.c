/* SPDX-License-Identifier: Apache-2.0
 *
 * Which refusal is answered with which status, code and headers.
 */
#include "attestation/answer.h"

#include "base/json.h"
#include "plain_http.h"
#include "testing.h"

struct asked {
    enum appraisal_step step;
    enum status status;
};

static void handle(void *context, const struct http_request *, struct http_response *response)
{
    const struct asked *const asked = context;
    struct refusal why = {};
    (void)!refuse(&why, asked->status, "field", "something", "else");
    answer_refusal(response, asked->step, &why);
}

static void test_each_refusal_has_its_code(void **)
{
    static const struct {
        struct asked asked;
        unsigned http_status;
        const char *code, *retry_after;
    } cases[] = {
        {{APPRAISAL_REQUEST, ERR_FIELD_VALUE}, 400, "InvalidParameter", NULL},
        {{APPRAISAL_REQUEST, ERR_POLICY_SYNTAX}, 400, "PolicyParsingError", NULL},
        {{APPRAISAL_REQUEST, ERR_POLICY_LIMIT}, 400, "PolicyParsingError", NULL},
        {{APPRAISAL_REQUEST, ERR_TOKEN_MALFORMED}, 400, "InvalidOperation", NULL},
        {{APPRAISAL_EVIDENCE, ERR_QUOTE_SIGNATURE}, 400, "InvalidParameter", NULL},
        {{APPRAISAL_POLICY, ERR_POLICY_DENIED}, 400, "PolicyEvaluationError", NULL},
        {{APPRAISAL_POLICY, ERR_APPRAISAL}, 400, "PolicyEvaluationError", NULL},
        {{APPRAISAL_COLLATERAL, ERR_NOT_FOUND}, 400, "InvalidQuote", NULL},
        {{APPRAISAL_COLLATERAL, ERR_COLLATERAL_MISSING}, 503, "ServiceUnavailable", "1"},
        {{APPRAISAL_COLLATERAL, ERR_CONNECT}, 503, "ServiceUnavailable", "15"},
        {{APPRAISAL_COLLATERAL, ERR_BUSY}, 503, "ServiceUnavailable", "15"},
        {{APPRAISAL_SIGNING, ERR_BUSY}, 429, "TooManyRequests", "1"},
        {{APPRAISAL_SIGNING, ERR_CHILD_DIED}, 500, "InternalError", NULL},
        {{APPRAISAL_SIGNING, ERR_TIMEOUT}, 500, "InternalError", NULL},
        {{APPRAISAL_SIGNING, ERR_SIGNATURE}, 500, "InternalError", NULL},
        {{APPRAISAL_EVIDENCE, ERR_NO_MEMORY}, 500, "InternalError", NULL},
    };
    struct asked asked = {};
    struct http_server *server = NULL;
    uint16_t port;
    static const struct http_route route = {"GET", "/", 0, handle};
    const struct http_server_options options = {.routes = &route, .route_count = 1, .context = &asked};
    assert_ok(http_server_new(&options, &server));
    assert_ok(http_server_listen_plain(server, "127.0.0.1:0", NULL, &port));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(plain_answer_done) struct plain_answer answer = {};
        CLEANUP(json_done) json_t *json = NULL;
        char header[64];
        asked = cases[i].asked;
        plain_request(port, "GET", "/", "", (struct slice){}, &answer);
        assert_int_equal(answer.status, cases[i].http_status);
        assert_ok(json_parse(answer.body, 1 << 16, NULL, &json));
        const json_t *const error = json_object_get(json, "error");
        assert_string_equal(json_string_value(json_object_get(error, "code")), cases[i].code);
        (void)snprintf(header, sizeof(header), "\r\nx-ms-error-code: %s\r\n", cases[i].code);
        assert_non_null(strcasestr(answer.head, header));
        (void)snprintf(header, sizeof(header), "\r\nretry-after: %s\r\n", cases[i].retry_after);
        assert_true((strcasestr(answer.head, "\r\nretry-after: ") != NULL) == (cases[i].retry_after != NULL));
        if (cases[i].retry_after != NULL) assert_non_null(strcasestr(answer.head, header));
        /* What was lost or is our own fault is not described to the client. */
        assert_true((json_object_get(error, "innererror") == NULL) == (cases[i].http_status == 500));
    }
    http_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_refusal_has_its_code)};
    return cmocka_run_group_tests_name("attestation/answer", tests, NULL, NULL);
}
