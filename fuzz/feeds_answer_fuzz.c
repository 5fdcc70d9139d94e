/* SPDX-License-Identifier: Apache-2.0
 * Hits own_token_appraise_remotely and collateral_fetch_service: what an attestation service and a collateral service
 * answer. The input is a digit (even: 200, odd: 404) and the answers' heads and bodies, each answer up to "\n%%\n". */
#include "crypto/x509.h"
#include "feeds/collateral_source.h"
#include "feeds/own_token.h"
#include "fuzz.h"
#include "parts.h"

const size_t fuzz_allocation_max = TCB_INFO_MAX_BYTES;

static struct slice answers;
static unsigned answer_status;

enum status __wrap_http_client_exchange(struct http_client *client, const struct http_exchange *exchange,
                                        struct refusal *why, struct http_answer *answer_out);
enum status __wrap_http_client_exchange(struct http_client *, const struct http_exchange *exchange, struct refusal *,
                                        struct http_answer *answer_out)
{
    struct slice body = take_until(&answers, SLICE_LITERAL("\n%%\n"));
    const struct slice head = take_until(&body, SLICE_LITERAL("\n\n"));
    if (head.size + 2 > HTTP_CLIENT_HEADER_MAX_BYTES || body.size > exchange->max_answer) return ERR_TOO_LARGE;
    *answer_out = (struct http_answer){.status = answer_status,
                                       .body = buffer_of_maximum(exchange->max_answer),
                                       .headers = buffer_of_maximum(HTTP_CLIENT_HEADER_MAX_BYTES)};
    must(buffer_append(&answer_out->headers, head));
    must(buffer_append_text(&answer_out->headers, "\n"));
    must(buffer_append(&answer_out->body, body));
    return OK;
}

static void fetch_token(void)
{
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(TOKEN_MAX_BYTES);
    struct refusal why = {};
    const enum status status =
        own_token_appraise_remotely(NULL, SLICE_LITERAL("quote"), SLICE_LITERAL("{}"), &why, &token);
    if (status != OK && token.size > 0) abort();
}

static void fetch_collateral(void)
{
    static const struct collateral_platform platform = {.ca = "platform"};
    static struct collateral_service service;
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    struct refusal why = {};
    struct pacing_hint hint = {};
    if (collateral_fetch_service(&service, &platform, &why, &hint, &files) != OK) return;
    CLEANUP(certificate_list_done) struct certificate_list list = {};
    CLEANUP(crl_cleanup) struct crl *crl = NULL;
    (void)!certificate_list_from_pem(buffer_slice(&files.tcb_info_issuer_chain), &list);
    (void)!crl_from_der_or_pem(buffer_slice(&files.root_ca_crl), &crl);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) return 0;
    answer_status = (bytes[0] & 1) != 0 ? 404 : 200;
    answers = slice_of(bytes + 1, size - 1);
    fetch_token();
    answers = slice_of(bytes + 1, size - 1);
    fetch_collateral();
    return 0;
}
