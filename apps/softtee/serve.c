/* SPDX-License-Identifier: Apache-2.0 */
#include "softtee/serve.h"

#include "base/encoding.h"
#include "crypto/random.h"
#include "crypto/x509.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_VALUE_MAX_BYTES = 12 * 1024, PEM_MAX_BYTES = 256 * 1024 };

struct collateral_desk {
    const struct simulated_authority *authority;
    const struct clock *clock;
    pthread_mutex_t mutex;
    struct simulated_collateral collateral;
    int64_t signed_s; /* 0: nothing is signed yet */
};

enum status collateral_desk_new(const struct simulated_authority *authority, const struct clock *clock,
                                struct collateral_desk **desk_out)
{
    struct collateral_desk *const desk = calloc(1, sizeof(*desk));
    if (desk == NULL) return ERR_NO_MEMORY;
    desk->authority = authority;
    desk->clock = clock;
    (void)pthread_mutex_init(&desk->mutex, NULL);
    *desk_out = desk;
    return OK;
}

void collateral_desk_free(struct collateral_desk *desk)
{
    if (desk == NULL) return;
    simulated_collateral_done(&desk->collateral);
    (void)pthread_mutex_destroy(&desk->mutex);
    free(desk);
}

/* Under the mutex. A clock that went back counts as well: what was signed would lie in the future. */
static enum status renew(struct collateral_desk *desk)
{
    const int64_t now_s = clock_now_s(desk->clock);
    if (desk->signed_s != 0 && now_s >= desk->signed_s && now_s < desk->signed_s + COLLATERAL_RENEW_S) return OK;
    struct simulated_collateral fresh = {};
    const struct simulated_collateral_options options = {.now_s = now_s};
    TRY(simulated_authority_collateral(desk->authority, &options, &fresh));
    simulated_collateral_done(&desk->collateral);
    desk->collateral = fresh;
    desk->signed_s = now_s;
    return OK;
}

static bool is_unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c) != NULL;
}

static enum status percent_encode(struct slice text, struct buffer *encoded)
{
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.bytes[i];
        if (c != 0 && is_unreserved(c))
            TRY(buffer_append_u8(encoded, c));
        else
            TRY(buffer_append_format(encoded, "%%%02X", c));
    }
    return OK;
}

static enum status respond_chain(struct http_response *response, const char *header, const struct buffer *chain)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(HEADER_VALUE_MAX_BYTES);
    const char *text;
    TRY(percent_encode(buffer_slice(chain), &value));
    TRY(buffer_text(&value, &text));
    http_respond_header(response, header, text);
    return OK;
}

static void respond_request_id(struct http_response *response)
{
    struct random_id id;
    if (random_id(&id) == OK) http_respond_header(response, "Request-ID", id.text);
}

static enum status respond_pem(struct http_response *response, const struct buffer *der)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(PEM_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer base64 = buffer_of_maximum(PEM_MAX_BYTES);
    enum { LINE = 64 };
    TRY(base64_encode(buffer_slice(der), &base64));
    TRY(buffer_append_text(&pem, "-----BEGIN X509 CRL-----\n"));
    for (size_t at = 0; at < base64.size; at += LINE) {
        TRY(buffer_append(&pem, slice_part(buffer_slice(&base64), at, LINE)));
        TRY(buffer_append_text(&pem, "\n"));
    }
    TRY(buffer_append_text(&pem, "-----END X509 CRL-----\n"));
    http_respond(response, 200, "application/x-pem-file", buffer_slice(&pem));
    return OK;
}

static enum status respond_tcb_info(struct collateral_desk *desk, const struct http_request *request,
                                    struct http_response *response)
{
    uint8_t fmspc[SIMULATED_FMSPC_BYTES];
    const char *const text = http_request_query(request, "fmspc");
    if (text == NULL || hex_decode_exact(slice_of_text(text), sizeof(fmspc), fmspc) != OK) {
        http_respond(response, 400, "text/plain", SLICE_LITERAL("fmspc: 12 hexadecimal digits are expected\n"));
        return OK;
    }
    if (!slice_equal(SLICE_ARRAY(fmspc), SLICE_ARRAY(simulated_fmspc))) {
        http_respond(response, 404, "text/plain", SLICE_LITERAL("no TCB info for this FMSPC\n"));
        return OK;
    }
    TRY(respond_chain(response, "TCB-Info-Issuer-Chain", &desk->collateral.tcb_issuer_chain));
    http_respond(response, 200, "application/json", buffer_slice(&desk->collateral.tcb_info));
    return OK;
}

static enum status respond_qe_identity(struct collateral_desk *desk, const struct http_request *,
                                       struct http_response *response)
{
    TRY(respond_chain(response, "SGX-Enclave-Identity-Issuer-Chain", &desk->collateral.tcb_issuer_chain));
    http_respond(response, 200, "application/json", buffer_slice(&desk->collateral.qe_identity));
    return OK;
}

static enum status respond_pck_crl(struct collateral_desk *desk, const struct http_request *request,
                                   struct http_response *response)
{
    const char *const ca = http_request_query(request, "ca");
    const char *const encoding = http_request_query(request, "encoding");
    if (ca == NULL || strcmp(ca, "platform") != 0) {
        http_respond(response, ca == NULL ? 400 : 404, "text/plain", SLICE_LITERAL("ca: only platform is served\n"));
        return OK;
    }
    TRY(respond_chain(response, "SGX-PCK-CRL-Issuer-Chain", &desk->collateral.pck_crl_issuer_chain));
    if (encoding == NULL || strcmp(encoding, "der") != 0) return respond_pem(response, &desk->collateral.pck_crl);
    http_respond(response, 200, "application/pkix-crl", buffer_slice(&desk->collateral.pck_crl));
    return OK;
}

static enum status respond_root_crl(struct collateral_desk *desk, const struct http_request *,
                                    struct http_response *response)
{
    http_respond(response, 200, "application/pkix-crl", buffer_slice(&desk->collateral.root_ca_crl));
    return OK;
}

typedef enum status respond(struct collateral_desk *desk, const struct http_request *request,
                            struct http_response *response);

static void answer(void *context, const struct http_request *request, struct http_response *response,
                   respond *respond_with)
{
    struct collateral_desk *const desk = context;
    respond_request_id(response);
    (void)pthread_mutex_lock(&desk->mutex);
    enum status status = renew(desk);
    if (status == OK) status = respond_with(desk, request, response);
    (void)pthread_mutex_unlock(&desk->mutex);
    if (status != OK) http_respond(response, 500, "text/plain", SLICE_LITERAL("the collateral could not be signed\n"));
}

static void handle_tcb_info(void *context, const struct http_request *request, struct http_response *response)
{
    answer(context, request, response, respond_tcb_info);
}

static void handle_qe_identity(void *context, const struct http_request *request, struct http_response *response)
{
    answer(context, request, response, respond_qe_identity);
}

static void handle_pck_crl(void *context, const struct http_request *request, struct http_response *response)
{
    answer(context, request, response, respond_pck_crl);
}

static void handle_root_crl(void *context, const struct http_request *request, struct http_response *response)
{
    answer(context, request, response, respond_root_crl);
}

struct http_server_options collateral_desk_options(struct collateral_desk *desk)
{
    static const struct http_route routes[] = {
        {"GET", "/sgx/certification/v4/tcb", 0, handle_tcb_info},
        {"GET", "/sgx/certification/v4/qe/identity", 0, handle_qe_identity},
        {"GET", "/sgx/certification/v4/pckcrl", 0, handle_pck_crl},
        {"GET", "/sgx/certification/v4/rootcacrl", 0, handle_root_crl},
    };
    return (struct http_server_options){
        .routes = routes, .route_count = sizeof(routes) / sizeof(routes[0]), .context = desk, .workers = 2};
}
