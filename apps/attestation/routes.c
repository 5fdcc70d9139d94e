/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/routes.h"

#include "attestation/answer.h"
#include "attestation/api_version.h"
#include "attestation/management/routes.h"
#include "service/evidence_endpoint.h"

#include <string.h>

enum { ATTESTATION_WORKERS = 4, ATTESTATION_QUEUE = 256 };

#define JSON_TYPE "application/json; charset=utf-8"

static enum status read_and_attest(const struct attest_service *service, enum attestation_type type,
                                   const struct http_request *request, struct refusal *why,
                                   enum appraisal_step *step_out, struct buffer *token)
{
    CLEANUP(attest_request_done) struct attest_request asked = {};
    *step_out = APPRAISAL_REQUEST;
    TRY(api_version_check(request, why));
    TRY(attest_request_parse(type, request->body, why, &asked));
    return attest(service, &asked, 0, why, step_out, token);
}

static void answer_attest(void *context, enum attestation_type type, const struct http_request *request,
                          struct http_response *response)
{
    const struct attestation_routes *const routes = context;
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    struct refusal why = {};
    enum appraisal_step step;
    answer_headers(request, response);
    const enum status status = read_and_attest(&routes->attest, type, request, &why, &step, &token);
    if (status == OK) {
        answer_token(response, buffer_slice(&token));
        return;
    }
    if (why.status == OK) (void)!refuse(&why, status, "request", "appraisable evidence", "something else");
    answer_refusal(response, step, &why);
}

static void handle_sgx(void *context, const struct http_request *request, struct http_response *response)
{
    answer_attest(context, ATTESTATION_SGX_ENCLAVE, request, response);
}

static void handle_open_enclave(void *context, const struct http_request *request, struct http_response *response)
{
    answer_attest(context, ATTESTATION_OPEN_ENCLAVE, request, response);
}

static void handle_certs(void *context, const struct http_request *request, struct http_response *response)
{
    const struct attestation_routes *const routes = context;
    answer_headers(request, response);
    http_respond(response, 200, JSON_TYPE, routes->certs);
}

static void handle_openid(void *context, const struct http_request *request, struct http_response *response)
{
    const struct attestation_routes *const routes = context;
    answer_headers(request, response);
    http_respond(response, 200, JSON_TYPE, routes->openid);
}

static void handle_evidence(void *context, const struct http_request *request, struct http_response *response)
{
    const struct attestation_routes *const routes = context;
    service_respond_evidence(routes->service, request, (struct slice){}, response);
}

static void handle_health(void *, const struct http_request *, struct http_response *response)
{
    service_respond_health(response);
}

static void handle_ready(void *context, const struct http_request *, struct http_response *response)
{
    const struct attestation_routes *const routes = context;
    service_respond_ready(routes->service, response);
}

struct http_server_options attestation_options(struct attestation_routes *routes)
{
    static const struct http_route table[] = {
        {"POST", "/attest/SgxEnclave", ATTEST_BODY_MAX_BYTES, handle_sgx, "application/json"},
        {"POST", "/attest/OpenEnclave", ATTEST_BODY_MAX_BYTES, handle_open_enclave, "application/json"},
        MANAGEMENT_ROUTES,
        {"GET", "/certs", 0, handle_certs},
        {"GET", "/.well-known/openid-configuration", 0, handle_openid},
        {"GET", EVIDENCE_ENDPOINT_PATH, 0, handle_evidence},
        {"GET", "/healthz", 0, handle_health},
        {"GET", "/readyz", 0, handle_ready},
    };
    return (struct http_server_options){
        .routes = table,
        .route_count = sizeof(table) / sizeof(table[0]),
        .context = routes,
        .workers = ATTESTATION_WORKERS,
        .queue = ATTESTATION_QUEUE,
        .retry_after_header = "x-ms-retry-after-ms",
        .case_insensitive_paths = true,
        .respond_refusal = answer_unhandled,
    };
}
