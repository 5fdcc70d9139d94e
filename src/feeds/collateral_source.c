/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/collateral_source.h"

#include "base/encoding.h"
#include "base/file.h"
#include "crypto/x509.h"

#include <limits.h>
#include <stdio.h>

/* A chain's header when every byte is escaped; a list in hexadecimal. */
enum {
    CHAIN_HEADER_MAX_BYTES = HTTP_CLIENT_HEADER_MAX_BYTES,
    CRL_ANSWER_MAX_BYTES = 2 * CRL_MAX_BYTES,
    PATH_TEXT_BYTES = 128,
    STATUS_OK = 200,
    STATUS_NOT_FOUND = 404,
};

#define BASE_PATH "/sgx/certification/v4/"

struct collateral_platform_name collateral_platform_name(const struct collateral_platform *platform)
{
    struct collateral_platform_name name;
    const uint8_t *const f = platform->fmspc;
    (void)snprintf(name.text, sizeof(name.text), "%02x%02x%02x%02x%02x%02x-%s", f[0], f[1], f[2], f[3], f[4], f[5],
                   platform->ca);
    return name;
}

enum status collateral_fetch_folder(void *path, const struct collateral_platform *platform, struct refusal *why,
                                    struct collateral_files *files_out)
{
    char own[PATH_MAX];
    const int wanted = snprintf(own, sizeof(own), "%s/%s", (const char *)path, collateral_platform_name(platform).text);
    const bool has_own = wanted > 0 && (size_t)wanted < sizeof(own) && file_exists(own);
    return collateral_files_read(has_own ? own : path, why, files_out);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

enum status collateral_chain_decode(struct slice header, struct buffer *pem)
{
    for (size_t i = 0; i < header.size; i++) {
        if (header.bytes[i] != '%') {
            TRY(buffer_append_u8(pem, header.bytes[i]));
            continue;
        }
        const int high = i + 2 < header.size ? hex_digit(header.bytes[i + 1]) : -1;
        const int low = i + 2 < header.size ? hex_digit(header.bytes[i + 2]) : -1;
        if (high < 0 || low < 0) return ERR_HTTP_MALFORMED;
        TRY(buffer_append_u8(pem, (uint8_t)(high << 4 | low)));
        i += 2;
    }
    return OK;
}

static struct slice trim(struct slice text)
{
    while (text.size > 0 && (text.bytes[text.size - 1] == '\n' || text.bytes[text.size - 1] == '\r')) text.size--;
    return text;
}

static bool is_hexadecimal(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (hex_digit(text.bytes[i]) < 0) return false;
    }
    return text.size > 0;
}

enum status collateral_crl_decode(struct slice body, struct buffer *crl)
{
    const struct slice text = trim(body);
    return is_hexadecimal(text) ? hex_decode(text, crl) : buffer_append(crl, body);
}

static enum status get(struct http_client *client, const char *path, size_t max_answer, struct refusal *why,
                       struct http_answer *answer)
{
    const struct http_exchange exchange = {.method = "GET", .path = path, .max_answer = max_answer};
    TRY(http_client_exchange(client, &exchange, why, answer));
    if (answer->status == STATUS_OK) return OK;
    const enum status status = answer->status == STATUS_NOT_FOUND ? ERR_NOT_FOUND : ERR_HTTP_STATUS;
    return refuse(why, status, path, "200 from the collateral service", "%u", answer->status);
}

static enum status read_chain(const struct http_answer *answer, const char *name, struct refusal *why,
                              struct buffer *pem)
{
    CLEANUP(buffer_done) struct buffer header = buffer_of_maximum(CHAIN_HEADER_MAX_BYTES);
    if (http_answer_header(answer, name, &header) == OK && collateral_chain_decode(buffer_slice(&header), pem) == OK)
        return OK;
    return refuse(why, ERR_HTTP_MALFORMED, name, "an issuer chain, percent-encoded", "none");
}

static enum status get_tcb_info(struct http_client *client, const struct collateral_platform *platform,
                                struct refusal *why, struct collateral_files *files)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    const uint8_t *const f = platform->fmspc;
    char path[PATH_TEXT_BYTES];
    (void)snprintf(path, sizeof(path), BASE_PATH "tcb?fmspc=%02X%02X%02X%02X%02X%02X", f[0], f[1], f[2], f[3], f[4],
                   f[5]);
    TRY(get(client, path, TCB_INFO_MAX_BYTES, why, &answer));
    TRY(read_chain(&answer, "TCB-Info-Issuer-Chain", why, &files->tcb_info_issuer_chain));
    return buffer_append(&files->tcb_info, buffer_slice(&answer.body));
}

static enum status get_qe_identity(struct http_client *client, struct refusal *why, struct collateral_files *files)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    TRY(get(client, BASE_PATH "qe/identity", QE_IDENTITY_MAX_BYTES, why, &answer));
    TRY(read_chain(&answer, "SGX-Enclave-Identity-Issuer-Chain", why, &files->qe_identity_issuer_chain));
    return buffer_append(&files->qe_identity, buffer_slice(&answer.body));
}

static enum status get_pck_crl(struct http_client *client, const struct collateral_platform *platform,
                               struct refusal *why, struct collateral_files *files)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    char path[PATH_TEXT_BYTES];
    (void)snprintf(path, sizeof(path), BASE_PATH "pckcrl?ca=%s&encoding=der", platform->ca);
    TRY(get(client, path, CRL_ANSWER_MAX_BYTES, why, &answer));
    TRY(read_chain(&answer, "SGX-PCK-CRL-Issuer-Chain", why, &files->pck_crl_issuer_chain));
    return collateral_crl_decode(buffer_slice(&answer.body), &files->pck_crl);
}

static enum status get_root_crl(const struct collateral_service *service, struct refusal *why,
                                struct collateral_files *files)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    struct http_client *const client = service->root_crl_client != NULL ? service->root_crl_client : service->client;
    const char *const path = service->root_crl_path != NULL ? service->root_crl_path : BASE_PATH "rootcacrl";
    TRY(get(client, path, CRL_ANSWER_MAX_BYTES, why, &answer));
    return collateral_crl_decode(buffer_slice(&answer.body), &files->root_ca_crl);
}

enum status collateral_fetch_service(void *context, const struct collateral_platform *platform, struct refusal *why,
                                     struct collateral_files *files_out)
{
    const struct collateral_service *const service = context;
    CLEANUP(collateral_files_done) struct collateral_files files = collateral_files_empty();
    TRY(get_tcb_info(service->client, platform, why, &files));
    TRY(get_qe_identity(service->client, why, &files));
    TRY(get_pck_crl(service->client, platform, why, &files));
    TRY(get_root_crl(service, why, &files));
    *files_out = files;
    files = (struct collateral_files){};
    return OK;
}
