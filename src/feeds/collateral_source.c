/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/collateral_source.h"

#include "base/file.h"
#include "crypto/x509.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* A list in hexadecimal. */
enum { CRL_ANSWER_MAX_BYTES = 2 * CRL_MAX_BYTES, QUERY_MAX_BYTES = 48 };

struct collateral_platform_name collateral_platform_name(const struct collateral_platform *platform)
{
    struct collateral_platform_name name;
    const uint8_t *const f = platform->fmspc;
    (void)snprintf(name.text, sizeof(name.text), "%s%02x%02x%02x%02x%02x%02x-%s",
                   platform->tee == INTEL_TDX ? "tdx-" : "", f[0], f[1], f[2], f[3], f[4], f[5], platform->ca);
    return name;
}

enum status collateral_fetch_folder(void *path, const struct collateral_platform *platform, struct refusal *why,
                                    struct pacing_hint *, struct collateral_files *files_out)
{
    char own[PATH_MAX];
    const int wanted = snprintf(own, sizeof(own), "%s/%s", (const char *)path, collateral_platform_name(platform).text);
    const bool has_own = wanted > 0 && (size_t)wanted < sizeof(own) && file_exists(own);
    return collateral_files_read(has_own ? own : path, why, files_out);
}

/* ---- the protocol ---- */

/* What a fetch needs at each step. */
struct fetch {
    const struct collateral_service *service;
    const struct collateral_platform *platform;
    unsigned version;
    char set[QUERY_MAX_BYTES]; /* "update=early", or "" */
    struct refusal *why;
    struct pacing_hint *hint;
    struct collateral_files *files;
};

static void name_set(struct fetch *fetch)
{
    const struct collateral_set *const set = &fetch->service->set;
    if (set->evaluation > 0)
        (void)snprintf(fetch->set, sizeof(fetch->set), "tcbEvaluationDataNumber=%lld", (long long)set->evaluation);
    else if (set->is_early)
        (void)snprintf(fetch->set, sizeof(fetch->set), "update=early");
}

static enum status ask(const struct fetch *fetch, const char *path, size_t max_answer, struct http_answer *answer)
{
    return source_get(fetch->service->client, path, NULL, max_answer, fetch->why, fetch->hint, answer);
}

static enum status get_tcb_info(const struct fetch *fetch)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    const uint8_t *const f = fetch->platform->fmspc;
    char path[SOURCE_PATH_MAX_BYTES];
    (void)snprintf(path, sizeof(path), "/%s/certification/v%u/tcb?fmspc=%02X%02X%02X%02X%02X%02X%s%s",
                   intel_tee_name(fetch->platform->tee), fetch->version, f[0], f[1], f[2], f[3], f[4], f[5],
                   fetch->set[0] != '\0' ? "&" : "", fetch->set);
    TRY(ask(fetch, path, TCB_INFO_MAX_BYTES, &answer));
    const char *const header = fetch->version == PCS_VERSION_3 ? "SGX-TCB-Info-Issuer-Chain" : "TCB-Info-Issuer-Chain";
    TRY(source_chain(&answer, header, fetch->why, &fetch->files->tcb_info_issuer_chain));
    return buffer_append(&fetch->files->tcb_info, buffer_slice(&answer.body));
}

static enum status get_qe_identity(const struct fetch *fetch)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    char path[SOURCE_PATH_MAX_BYTES];
    (void)snprintf(path, sizeof(path), "/%s/certification/v%u/qe/identity%s%s", intel_tee_name(fetch->platform->tee),
                   fetch->version, fetch->set[0] != '\0' ? "?" : "", fetch->set);
    TRY(ask(fetch, path, QE_IDENTITY_MAX_BYTES, &answer));
    TRY(source_chain(&answer, "SGX-Enclave-Identity-Issuer-Chain", fetch->why,
                     &fetch->files->qe_identity_issuer_chain));
    return buffer_append(&fetch->files->qe_identity, buffer_slice(&answer.body));
}

/* One and the same for SGX and TDX. */
static enum status get_pck_crl(const struct fetch *fetch)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    char path[SOURCE_PATH_MAX_BYTES];
    (void)snprintf(path, sizeof(path), "/sgx/certification/v%u/pckcrl?ca=%s&encoding=der", fetch->version,
                   fetch->platform->ca);
    TRY(ask(fetch, path, CRL_ANSWER_MAX_BYTES, &answer));
    TRY(source_chain(&answer, "SGX-PCK-CRL-Issuer-Chain", fetch->why, &fetch->files->pck_crl_issuer_chain));
    return collateral_crl_decode(buffer_slice(&answer.body), &fetch->files->pck_crl);
}

static enum status get_root_crl(const struct fetch *fetch)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    const struct collateral_service *const service = fetch->service;
    struct http_client *const client = service->root_crl_client != NULL ? service->root_crl_client : service->client;
    char beside[SOURCE_PATH_MAX_BYTES];
    (void)snprintf(beside, sizeof(beside), "/sgx/certification/v%u/rootcacrl", fetch->version);
    TRY(source_get(client, service->root_crl_path != NULL ? service->root_crl_path : beside, NULL, CRL_ANSWER_MAX_BYTES,
                   fetch->why, fetch->hint, &answer));
    return collateral_crl_decode(buffer_slice(&answer.body), &fetch->files->root_ca_crl);
}

static enum status get_all(const struct fetch *fetch)
{
    if (fetch->platform->tee == INTEL_TDX && fetch->version < PCS_VERSION_4)
        return refuse(fetch->why, ERR_CONFIG, "collateral.protocol", "4, the first with TDX", "%u", fetch->version);
    TRY(get_tcb_info(fetch));
    TRY(get_qe_identity(fetch));
    TRY(get_pck_crl(fetch));
    return get_root_crl(fetch);
}

enum status collateral_fetch_service(void *context, const struct collateral_platform *platform, struct refusal *why,
                                     struct pacing_hint *hint, struct collateral_files *files_out)
{
    const struct collateral_service *const service = context;
    CLEANUP(collateral_files_done) struct collateral_files files = collateral_files_empty();
    struct fetch fetch = {.service = service,
                          .platform = platform,
                          .version = service->version != 0 ? service->version : PCS_VERSION_4,
                          .why = why,
                          .hint = hint,
                          .files = &files};
    name_set(&fetch);
    TRY(get_all(&fetch));
    *files_out = files;
    files = (struct collateral_files){};
    return OK;
}

/* ---- what came ---- */

enum status collateral_check_platform(const struct collateral_platform *platform, const struct collateral_facts *facts,
                                      struct refusal *why)
{
    struct collateral_platform seen = {.tee = facts->tee};
    memcpy(seen.fmspc, facts->fmspc, sizeof(seen.fmspc));
    (void)snprintf(seen.ca, sizeof(seen.ca), "%s", facts->ca);
    const struct collateral_platform_name wanted_name = collateral_platform_name(platform),
                                          seen_name = collateral_platform_name(&seen);
    if (strcmp(wanted_name.text, seen_name.text) == 0) return OK;
    return refuse(why, ERR_COLLATERAL_MISMATCH, "collateral", wanted_name.text, "%s", seen_name.text);
}

enum status collateral_check_set(const struct collateral_set *set, const struct collateral_facts *facts,
                                 struct refusal *why)
{
    const int64_t wanted = set->evaluation, tcb_info = facts->issue.tcb_info_evaluation,
                  qe_identity = facts->issue.qe_identity_evaluation;
    if (wanted == 0 || (tcb_info == wanted && qe_identity == wanted)) return OK;
    char expected[32];
    (void)snprintf(expected, sizeof(expected), "%lld", (long long)wanted);
    return refuse(why, ERR_COLLATERAL_MISMATCH, "collateral.tcbEvaluationDataNumber", expected, "%lld and %lld",
                  (long long)tcb_info, (long long)qe_identity);
}
