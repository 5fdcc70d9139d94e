/* SPDX-License-Identifier: Apache-2.0
 *
 * lazaret-attestation: the attestation service, in Azure Attestation's wire form.
 */
#include "attestation/attested_log.h"
#include "attestation/collateral_setup.h"
#include "attestation/documents.h"
#include "attestation/front.h"
#include "attestation/host_policy.h"
#include "attestation/management/setup.h"
#include "attestation/routes.h"
#include "attestation/signing/policy_result.h"
#include "base/log.h"
#include "service/reload.h"
#include "service/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    CHAINS_KEPT = 1024,            /* PCK chains whose signatures need not be verified again */
    OWN_COLLATERAL_WAIT_MS = 5000, /* for this service's own evidence, outside any request */
};

struct settings {
    struct front_settings front;
    char issuer[ISSUER_NAME_MAX_BYTES + 1];
    struct collateral_configuration collateral;
    char policy[PATH_MAX];       /* of an appraisal policy, or "" */
    char attested_log[PATH_MAX]; /* or "" */
};

struct attestation {
    struct settings configuration;
    struct management_configuration management_configuration;
    struct service *service;
    struct signer signer;
    struct trust_roots roots;
    char cache_path[PATH_MAX];
    struct collateral_setup collateral;
    struct collateral_feed *feed;
    struct pck_feed *pck; /* NULL: the source is a folder */
    struct evidence_caches caches;
    struct stored_policy policies[ATTESTATION_TYPE_COUNT];
    struct buffer policy_text;
    struct appraisal_policy *policy;
    struct attested_log *attested_log;
    struct management_setup management;
    struct buffer certs, openid;
    struct attestation_routes routes;
    struct front front;
};

/* Tokens and key set name the issuer; a slash at its end would make it another name. */
static enum status read_issuer(const json_t *json, struct refusal *why,
                               char issuer_out[static ISSUER_NAME_MAX_BYTES + 1])
{
    TRY(configuration_text(json, "", "issuer", ISSUER_NAME_MAX_BYTES, why, issuer_out));
    const size_t size = strlen(issuer_out);
    if (strncmp(issuer_out, "https://", 8) == 0 && size > 8 && issuer_out[size - 1] != '/') return OK;
    return refuse(why, ERR_FIELD_VALUE, "issuer", "https://host[:port] without a slash at its end", "%s", issuer_out);
}

static enum status read_settings(const struct configuration *configuration, struct refusal *why,
                                 struct settings *settings)
{
    TRY(front_configure(configuration, why, &settings->front));
    TRY(read_issuer(configuration->json, why, settings->issuer));
    TRY(collateral_configure(configuration, why, &settings->collateral));
    TRY(host_policy_configure(configuration, why, settings->policy));
    return attested_log_configure(configuration, why, settings->attested_log);
}

static enum status configure(void *context, const struct configuration *configuration, struct refusal *why)
{
    struct attestation *const attestation = context;
    TRY(management_configure(configuration, why, &attestation->management_configuration));
    return read_settings(configuration, why, &attestation->configuration);
}

static enum status allow(void *context, const struct configuration *, struct sandbox *sandbox, struct refusal *why)
{
    const struct attestation *const attestation = context;
    const struct collateral_configuration *const collateral = &attestation->configuration.collateral;
    char log_folder[PATH_MAX];
    attested_log_folder(attestation->configuration.attested_log, log_folder);
    TRY(front_allow(&attestation->configuration.front, sandbox));
    TRY(reload_allow_file(sandbox, attestation->configuration.policy));
    TRY(sandbox_allow(sandbox, SANDBOX_CHANGE, log_folder));
    TRY(sandbox_allow(sandbox, SANDBOX_READ, collateral->folder));
    TRY(sandbox_allow(sandbox, SANDBOX_READ, collateral->ca));
    TRY(sandbox_allow(sandbox, SANDBOX_READ, collateral->subscription_key));
    TRY(management_allow(&attestation->management_configuration, sandbox, why));
    TRY(service_allow_url(sandbox, collateral->url, why));
    return service_allow_url(sandbox, collateral->root_crl_url, why);
}

static enum status open_signer(struct attestation *attestation, struct refusal *why)
{
    const struct service *const service = attestation->service;
    char path[PATH_MAX];
    bool is_new = false;
    TRY(service_state_path(service, "signing-key.sealed", path));
    const struct signer_key_options options = {
        .tee = service->tee,
        .path = path,
        .deployment = service->configuration->deployment,
        .issuer = attestation->configuration.issuer,
        .now_s = clock_now_s(service->clock),
    };
    TRY(signer_open(&options, why, &attestation->signer, &is_new));
    if (is_new)
        log_event(LOG_WARNING, "signing_key.new",
                  log_text(LOG_DETAIL, "relying parties need a manifest that names it"));
    return OK;
}

/* For quotes that carry no PCK certificate. */
static enum status open_pck(struct attestation *attestation)
{
    struct pck_feed_options options = {
        .clock = attestation->service->clock, .roots = &attestation->roots, .cache = attestation->cache_path};
    const enum status status = collateral_setup_pck(&attestation->collateral, &options.service);
    if (status != OK) return status == ERR_NOT_FOUND ? OK : status;
    return pck_feed_start(&options, &attestation->pck);
}

static enum status open_collateral(struct attestation *attestation, struct refusal *why)
{
    const struct service *const service = attestation->service;
    const struct manifest *const manifest = service->manifest;
    attestation->roots = (struct trust_roots){
        .simulated = (const struct key *const *)manifest->simulated_roots,
        .simulated_count = manifest->simulated_root_count,
    };
    TRY(service_state_path(service, "collateral", attestation->cache_path));
    if (mkdir(attestation->cache_path, 0700) != 0 && errno != EEXIST)
        return refuse(why, ERR_IO, attestation->cache_path, "a folder that can be made", "%s", strerror(errno));
    TRY(collateral_setup_open(&attestation->configuration.collateral, service->tunnel, why, &attestation->collateral));
    const struct collateral_feed_options options = {
        .clock = service->clock,
        .roots = &attestation->roots,
        .fetch = collateral_setup_fetch(&attestation->collateral),
        .fetch_context = collateral_setup_context(&attestation->collateral),
        .set = attestation->configuration.collateral.set,
        .minimum_evaluation = attestation->configuration.collateral.minimum_evaluation,
        .cache = attestation->cache_path,
    };
    TRY(collateral_feed_start(&options, &attestation->feed));
    TRY(open_pck(attestation));
    return verification_cache_new(CHAINS_KEPT, &attestation->caches.intel);
}

static enum status sign_result(void *context, const struct policy_result_question *question, struct refusal *why,
                               struct buffer *token)
{
    const struct attestation *const attestation = context;
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    TRY(policy_result_payload(attestation->configuration.issuer, question, why, &payload));
    return attestation_token_sign_text(attestation->configuration.issuer, buffer_slice(&payload),
                                       attestation->signer.id.text, attestation->signer.key, token);
}

static enum status hand_over_tee(void *context, struct service *service, struct refusal *why)
{
    struct attestation *const attestation = context;
    return management_setup_seal(service, why, &attestation->management);
}

static enum status open_management(struct attestation *attestation, struct refusal *why)
{
    struct management_configuration *const configuration = &attestation->management_configuration;
    struct management_setup *const management = &attestation->management;
    const struct state_options untold = {};
    TRY(management_setup_open_state(configuration, &untold, why, management));
    TRY(management_setup_open(attestation->service, configuration, attestation->configuration.issuer, why, management));
    management->options.sign = sign_result;
    management->options.context = attestation;
    return OK;
}

static enum status fill_routes(struct attestation *attestation)
{
    struct service *const service = attestation->service;
    attestation->certs = buffer_of_maximum(DOCUMENT_MAX_BYTES);
    attestation->openid = buffer_of_maximum(DOCUMENT_MAX_BYTES);
    TRY(document_certs(&attestation->signer, &attestation->certs));
    TRY(document_openid(attestation->configuration.issuer, &attestation->openid));
    attestation->routes = (struct attestation_routes){
        .attest =
            {
                .appraiser =
                    {
                        .roots = &attestation->roots,
                        .caches = &attestation->caches,
                        .issuer = attestation->configuration.issuer,
                        .minimum_tcb_evaluation = service->manifest->minimum_tcb_evaluation,
                        .operator_policy = attestation->policy,
                    },
                .policies = attestation->policies,
                .clock = service->clock,
                .collateral = attestation->feed,
                .pck = attestation->pck,
                .signer = &attestation->signer,
                .attested_log = attestation->attested_log,
            },
        .certs = buffer_slice(&attestation->certs),
        .openid = buffer_slice(&attestation->openid),
        .service = service,
        .management = &attestation->management.options,
    };
    return OK;
}

static enum status start(void *context, struct service *service, struct refusal *why)
{
    struct attestation *const attestation = context;
    attestation->service = service;
    TRY(open_signer(attestation, why));
    TRY(host_policy_open(attestation->configuration.policy, why, &attestation->policy));
    TRY(host_policy_read(attestation->configuration.policy, why, &attestation->policy_text));
    TRY(attested_log_open(attestation->configuration.attested_log, why, &attestation->attested_log));
    TRY(open_collateral(attestation, why));
    TRY(attest_default_policies(attestation->policies));
    TRY(open_management(attestation, why));
    TRY(fill_routes(attestation));
    return front_open(&attestation->configuration.front, attestation_options(&attestation->routes), service, why,
                      &attestation->front);
}

/* This service's own evidence goes the way of everybody's, but for the request. */
static enum status appraise_own(void *context, struct slice quote, struct slice runtime_data, struct refusal *why,
                                struct buffer *token)
{
    const struct attestation *const attestation = context;
    CLEANUP(attest_request_done)
    struct attest_request request = {
        .evidence = buffer_of_maximum(QUOTE_MAX_BYTES),
        .runtime = {.is_given = true, .is_json = true, .bytes = buffer_of_maximum(ATTESTATION_RUNTIME_MAX_BYTES)},
    };
    enum appraisal_step step;
    TRY(buffer_append(&request.evidence, quote));
    TRY(buffer_append(&request.runtime.bytes, runtime_data));
    return attest(&attestation->routes.attest, &request, OWN_COLLATERAL_WAIT_MS, why, &step, token);
}

static void drain(void *context, int64_t patience_ms)
{
    struct attestation *const attestation = context;
    front_drain(&attestation->front, patience_ms);
}

/* All that may fail comes before the first change. */
static enum status reload(void *context, const struct configuration *configuration, struct refusal *why)
{
    struct attestation *const attestation = context;
    struct settings *const settings = &attestation->configuration;
    struct settings next = {};
    struct tunnel_identity *identity = NULL;
    TRY(read_settings(configuration, why, &next));
    TRY(host_policy_check_same(settings->policy, &attestation->policy_text, why));
    TRY(front_read_identity(&next.front, why, &identity));
    front_take_up(&attestation->front, &next.front, identity);
    if (next.collateral.minimum_evaluation != settings->collateral.minimum_evaluation)
        collateral_feed_set_minimum(attestation->feed, next.collateral.minimum_evaluation);
    settings->front = next.front;
    settings->collateral.minimum_evaluation = next.collateral.minimum_evaluation;
    return OK;
}

static void interrupt(void *context)
{
    struct attestation *const attestation = context;
    collateral_setup_interrupt(&attestation->collateral);
    management_setup_interrupt(&attestation->management);
}

static void stop(void *context)
{
    struct attestation *const attestation = context;
    front_close(&attestation->front);
    collateral_feed_free(attestation->feed);
    pck_feed_free(attestation->pck);
    collateral_setup_done(&attestation->collateral);
    verification_cache_free(attestation->caches.intel);
    for (size_t i = 0; i < ATTESTATION_TYPE_COUNT; i++) stored_policy_done(&attestation->policies[i]);
    appraisal_policy_free(attestation->policy);
    buffer_done(&attestation->policy_text);
    attested_log_free(attestation->attested_log);
    management_setup_done(&attestation->management);
    management_configuration_done(&attestation->management_configuration);
    buffer_done(&attestation->certs);
    buffer_done(&attestation->openid);
    signer_done(&attestation->signer);
}

int main(int count, char **arguments)
{
    static struct attestation attestation;
    static const char *const own_names[] = {
        "tls", "issuer", "collateral", "portal_origins", "appraisal", "attested_log", "rate_limit", "management", NULL};
    static const char *const changeable[] = {"tls", "portal_origins", "rate_limit", "collateral.minimum_evaluation",
                                             NULL};
    static const struct service_program program = {
        .name = "lazaret-attestation",
        .role = "attestation",
        .summary = "the attestation service: verifies SGX quotes and issues tokens in Azure Attestation's form",
        .configuration_help =
            "  tls             {\"certificate\": PEM chain, \"key\": PEM} of the HTTPS listener (required)\n"
            "  issuer          the name in tokens and the address that clients know, https://host[:port] (required)\n"
            "  collateral      {\"folder\": PATH} or {\"url\": PCS or PCCS, \"ca\": PEM, \"root_crl_url\": URL,\n"
            "                  \"protocol\": 3 or 4, \"update\": standard or early, \"evaluation\": NUMBER}, each "
            "with\n"
            "                  \"minimum_evaluation\": NUMBER (required)\n"
            "  portal_origins  origins whose pages may call, such as [\"https://portal.example\"]\n"
            "  appraisal       PATH of an appraisal policy: evidence that it does not accept gets no token "
            "(docs/appraisal.md)\n"
            "  rate_limit      what each client address may ask for: {\"per_second\": requests (200; 0: any number),\n"
            "                  \"burst\": requests at once (400)}; a connection counts as eight\n"
            "  attested_log    PATH of a log of attested platforms, for: lazaret tcb preview\n"
            "  management      who may read and set policies (docs/operations.md; without it nobody may):\n"
            "                  {\"trust\": bearer or isolated, \"policy_signers\": PEM of an isolated service's "
            "first,\n"
            "                  \"administrators\": [{\"key\": JWK, \"right\": reader or contributor}, {\"issuer\": "
            "NAME,\n"
            "                  \"audience\": NAME, \"keys\": PATH or \"keys_url\": URL, \"ca\": PEM,\n"
            "                  \"readers\": {\"subjects\": [...], \"roles\": [...]}, \"contributors\": the same}],\n"
            "                  \"postgres\": CONNECTION shared with other replicas, instead of a file}\n",
        .own_names = own_names,
        .rate_limit = {.per_second = FRONT_REQUESTS_PER_SECOND, .burst = FRONT_REQUESTS_AT_ONCE},
        .changeable = changeable,
        .configure = configure,
        .hand_over_tee = hand_over_tee,
        .allow = allow,
        .appraise = appraise_own,
        .start = start,
        .drain = drain,
        .reload = reload,
        .interrupt = interrupt,
        .stop = stop,
    };
    return service_main(&program, &attestation, count, arguments);
}
