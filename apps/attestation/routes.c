/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/routes.h"

#include "attestation/answer.h"
#include "attestation/management/routes.h"
#include "attestation/signing/key_routes.h"
#include "service/evidence_endpoint.h"

enum { ATTESTATION_WORKERS = 4, ATTESTATION_QUEUE = 256 };

static void respond(void *context, enum attestation_type type, const struct http_request *request,
                    struct http_response *response)
{
    const struct attestation_routes *const routes = context;
    attest_respond(&routes->attest, type, request, response);
}

static void handle_sgx(void *context, const struct http_request *request, struct http_response *response)
{
    respond(context, ATTESTATION_SGX_ENCLAVE, request, response);
}

static void handle_open_enclave(void *context, const struct http_request *request, struct http_response *response)
{
    respond(context, ATTESTATION_OPEN_ENCLAVE, request, response);
}

static void handle_snp(void *context, const struct http_request *request, struct http_response *response)
{
    respond(context, ATTESTATION_SEV_SNP_VM, request, response);
}

static void handle_tdx(void *context, const struct http_request *request, struct http_response *response)
{
    respond(context, ATTESTATION_TDX_VM, request, response);
}

static void handle_tpm(void *context, const struct http_request *request, struct http_response *response)
{
    respond(context, ATTESTATION_TPM, request, response);
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

/* Such as AzureGuest, whose tokens are sealed to Azure's own virtual TPMs. */
static void handle_other_type(void *, const struct http_request *request, struct http_response *response)
{
    struct refusal why = {};
    (void)!refuse(&why, ERR_UNSUPPORTED, "attestationType", "SgxEnclave, OpenEnclave, SevSnpVm, TdxVm or Tpm", "%s",
                  http_request_segment(request, "type"));
    answer_unhandled(NULL, request, response, 404, &why);
}

struct http_server_options attestation_options(struct attestation_routes *routes)
{
    static const struct http_route table[] = {
        {"POST", "/attest/SgxEnclave", ATTEST_QUOTE_BODY_MAX_BYTES, handle_sgx, "application/json"},
        {"POST", "/attest/OpenEnclave", ATTEST_QUOTE_BODY_MAX_BYTES, handle_open_enclave, "application/json"},
        {"POST", "/attest/SevSnpVm", ATTEST_QUOTE_BODY_MAX_BYTES, handle_snp, "application/json"},
        {"POST", "/attest/TdxVm", ATTEST_QUOTE_BODY_MAX_BYTES, handle_tdx, "application/json"},
        {"POST", "/attest/Tpm", ATTEST_BODY_MAX_BYTES, handle_tpm, "application/json"},
        {"POST", "/attest/{type}", ATTEST_QUOTE_BODY_MAX_BYTES, handle_other_type},
        MANAGEMENT_ROUTES,
        KEY_ROUTES,
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
