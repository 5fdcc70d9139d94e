/* SPDX-License-Identifier: Apache-2.0
 * Hits own_token_appraise_remotely, collateral_fetch_service, pck_fetch, endorsement_fetch_vcek,
 * endorsement_fetch_authorities and endorsement_check: what an attestation service, a collateral service and AMD's
 * service answer; and collateral_issue_parse: what a feed keeps on disk. The input is a digit (the answers' status) and
 * the answers' heads and bodies, each answer up to "\n%%\n". */
#include "base/json_tree.h"
#include "crypto/x509.h"
#include "feeds/collateral_issue.h"
#include "feeds/collateral_source.h"
#include "feeds/endorsement_source.h"
#include "feeds/own_token.h"
#include "feeds/pck_source.h"
#include "fuzz.h"
#include "parts.h"

const size_t fuzz_allocation_max = JSON_TREE_MAX_NODES * sizeof(struct json_node);

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

/* A source cannot make us wait for longer than the maximum, nor call a pause with any other answer. */
static void check_hint(const struct pacing_hint *hint)
{
    if (hint->retry_after_s < 0 || hint->retry_after_s > PACING_RETRY_AFTER_MAX_S) abort();
    if (hint->is_limited && answer_status != 429 && answer_status != 503) abort();
}

static void fetch_collateral(enum intel_tee tee, unsigned version)
{
    const struct collateral_platform platform = {.ca = "platform", .tee = tee};
    struct collateral_service service = {.version = version, .set.is_early = tee == INTEL_TDX};
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    struct refusal why = {};
    struct pacing_hint hint = {};
    const enum status status = collateral_fetch_service(&service, &platform, &why, &hint, &files);
    check_hint(&hint);
    if (status != OK) return;
    CLEANUP(certificate_list_done) struct certificate_list list = {};
    CLEANUP(crl_cleanup) struct crl *crl = NULL;
    (void)!certificate_list_from_pem(buffer_slice(&files.tcb_info_issuer_chain), &list);
    (void)!crl_from_der_or_pem(buffer_slice(&files.root_ca_crl), &crl);
}

static void fetch_pck(void)
{
    static const struct pck_service service = {.subscription_key = "key"};
    static const struct pck_request request = {.ppid_size = 256};
    CLEANUP(buffer_done) struct buffer chain = buffer_of_maximum(2 * CERTIFICATE_PEM_MAX_BYTES);
    struct pck_facts facts;
    struct refusal why = {};
    struct pacing_hint hint = {};
    const enum status status = pck_fetch(&service, &request, &why, &hint, &chain);
    check_hint(&hint);
    if (status == OK && pck_check(buffer_slice(&chain), &request, NULL, 0, &why, &facts) == OK) abort();
}

static void fetch_endorsements(void)
{
    static const struct endorsement_request request = {.product = SNP_TURIN};
    CLEANUP(endorsement_files_done) struct endorsement_files files = endorsement_files_empty();
    struct snp_endorsement_facts facts;
    struct refusal why = {};
    struct pacing_hint hint = {};
    const bool is_whole = endorsement_fetch_vcek(NULL, &request, &why, &hint, &files.vcek) == OK &&
                          endorsement_fetch_authorities(NULL, request.product, &why, &hint, &files) == OK;
    check_hint(&hint);
    if (is_whole && endorsement_check(&files, &request, NULL, 0, &why, &facts) == OK) abort();
}

/* What was read and is written reads the same. */
static void read_kept(struct slice text)
{
    struct collateral_issue issue, highest = {};
    struct refusal why = {};
    if (collateral_issue_parse(text, &why, &issue) != OK) return;
    collateral_issue_raise(&highest, &issue);
    if (collateral_issue_check(&issue, &highest, &why) != OK) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const unsigned statuses[] = {200, 404, 429, 410, 503, 401, 500, 302};
    if (size == 0) return 0;
    const struct slice rest = slice_of(bytes + 1, size - 1);
    answer_status = statuses[(uint8_t)(bytes[0] - '0') % (sizeof(statuses) / sizeof(statuses[0]))];
    answers = rest;
    fetch_token();
    answers = rest;
    fetch_collateral(INTEL_SGX, PCS_VERSION_3);
    answers = rest;
    fetch_collateral(INTEL_TDX, PCS_VERSION_4);
    answers = rest;
    fetch_pck();
    answers = rest;
    fetch_endorsements();
    read_kept(rest);
    return 0;
}
