/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/pck_source.h"

#include "base/encoding.h"
#include "crypto/x509.h"

#include <stdio.h>
#include <string.h>

enum { PPID_IN_CLEAR_BYTES = 16, KEY_LINE_BYTES = PCK_KEY_MAX_BYTES + 32, VERSION_4 = 4 };

enum status pck_request_of(const struct quote_facts *facts, struct refusal *why, struct pck_request *request_out)
{
    if (facts->ppid_size == 0)
        return refuse(why, ERR_UNSUPPORTED, "quote.certification_data.type", "1 to 3", "%u", facts->certification_type);
    struct pck_request request = {.pce_svn = facts->pce_svn, .ppid_size = (uint16_t)facts->ppid_size};
    memcpy(request.qe_id, facts->qe_id, sizeof(request.qe_id));
    memcpy(request.cpu_svn, facts->cpu_svn, sizeof(request.cpu_svn));
    memcpy(request.pce_id, facts->pce_id, sizeof(request.pce_id));
    memcpy(request.ppid, facts->ppid, facts->ppid_size);
    *request_out = request;
    return OK;
}

static enum status add(struct buffer *path, const char *name, struct slice bytes)
{
    TRY(buffer_append_text(path, name));
    return hex_encode(bytes, path);
}

static enum status write_path(const struct pck_service *service, const struct pck_request *request, struct buffer *path)
{
    const uint8_t pce_svn[] = {(uint8_t)request->pce_svn, (uint8_t)(request->pce_svn >> 8)};
    TRY(buffer_append_format(path, "/sgx/certification/v%u/pckcert",
                             service->version != 0 ? service->version : VERSION_4));
    TRY(add(path, "?cpusvn=", SLICE_ARRAY(request->cpu_svn)));
    TRY(add(path, "&pcesvn=", SLICE_ARRAY(pce_svn)));
    TRY(add(path, "&pceid=", SLICE_ARRAY(request->pce_id)));
    if (request->ppid_size != PPID_IN_CLEAR_BYTES)
        TRY(add(path, "&encrypted_ppid=", slice_of(request->ppid, request->ppid_size)));
    return service->subscription_key != NULL ? OK : add(path, "&qeid=", SLICE_ARRAY(request->qe_id));
}

enum status pck_fetch(const struct pck_service *service, const struct pck_request *request, struct refusal *why,
                      struct pacing_hint *hint, struct buffer *chain)
{
    CLEANUP(buffer_done) struct buffer path = buffer_of_maximum(SOURCE_PATH_MAX_BYTES);
    CLEANUP(http_answer_done) struct http_answer answer = {};
    CLEANUP(buffer_done) struct buffer key = buffer_of_maximum(KEY_LINE_BYTES);
    const char *headers[] = {NULL, NULL};
    const char *text;
    if (service->subscription_key != NULL) {
        TRY(buffer_append_format(&key, "Ocp-Apim-Subscription-Key: %s", service->subscription_key));
        TRY(buffer_text(&key, &headers[0]));
    }
    TRY(write_path(service, request, &path));
    TRY(buffer_text(&path, &text));
    TRY(source_get(service->client, text, service->subscription_key != NULL ? headers : NULL, CERTIFICATE_PEM_MAX_BYTES,
                   why, hint, &answer));
    TRY(buffer_append(chain, buffer_slice(&answer.body)));
    TRY(buffer_append_text(chain, "\n"));
    return source_chain(&answer, "SGX-PCK-Certificate-Issuer-Chain", why, chain);
}

/* The service picks the certificate of the highest versions that are not above the platform's. */
enum status pck_check(struct slice chain, const struct pck_request *request, const struct trust_roots *roots,
                      int64_t now_s, struct refusal *why, struct pck_facts *facts_out)
{
    TRY(pck_certificate_verify(chain, roots, now_s, why, facts_out));
    if (!slice_equal(SLICE_ARRAY(facts_out->pce_id), SLICE_ARRAY(request->pce_id)))
        return refuse(why, ERR_COLLATERAL_MISMATCH, "pck_chain.pceId", refusal_hex(SLICE_ARRAY(request->pce_id)).text,
                      "%s", refusal_hex(SLICE_ARRAY(facts_out->pce_id)).text);
    if (facts_out->pce_svn <= request->pce_svn) return OK;
    char expected[32];
    (void)snprintf(expected, sizeof(expected), "at most %u", request->pce_svn);
    return refuse(why, ERR_COLLATERAL_MISMATCH, "pck_chain.pceSvn", expected, "%u", facts_out->pce_svn);
}
