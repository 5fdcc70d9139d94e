/* SPDX-License-Identifier: Apache-2.0
 *
 * lazaret-attestation: the attestation service, in Azure Attestation's wire form.
 */
#include "attestation/attested_log.h"
#include "attestation/collateral_setup.h"
#include "attestation/front.h"
#include "attestation/host_policy.h"
#include "attestation/management/setup.h"
#include "attestation/routes.h"
#include "attestation/signing/setup.h"
#include "attestation/tpm_setup.h"
#include "base/encoding.h"
#include "base/log.h"
#include "service/reload.h"
#include "service/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    OWN_COLLATERAL_WAIT_MS = 5000, /* for this service's own evidence, outside any request */
    ATTESTATION_HEAPS = 8,         /* lanes that share two wait for each other */
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
    struct signing_configuration signing_configuration;
    char tpm_roots_path[PATH_MAX]; /* or "" */
    struct service *service;
    struct trust_roots roots;
    struct tpm_roots *tpm_roots;
    struct appraiser appraiser;
    struct parsers *parsers;
    struct signing_setup signing;
    char cache_path[PATH_MAX];
    struct collateral_setup collateral;
    struct collateral_feed *feed;
    struct pck_feed *pck; /* NULL: the source is a folder */
    struct buffer policy_text;
    struct appraisal_policy *policy;
    struct attested_log *attested_log;
    struct management_setup management;
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
    TRY(signing_configure(configuration, why, &attestation->signing_configuration));
    TRY(tpm_setup_configure(configuration, why, attestation->tpm_roots_path));
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

/* What parsers and signers appraise with; it lives as long as the program, and is copied by forking. */
static enum status fill_appraiser(struct attestation *attestation, struct refusal *why)
{
    const struct manifest *const manifest = attestation->service->manifest;
    TRY(host_policy_open(attestation->configuration.policy, why, &attestation->policy));
    TRY(host_policy_read(attestation->configuration.policy, why, &attestation->policy_text));
    TRY(tpm_setup_open(attestation->tpm_roots_path, why, &attestation->tpm_roots));
    attestation->roots = (struct trust_roots){
        .simulated = (const struct key *const *)manifest->simulated_roots,
        .simulated_count = manifest->simulated_root_count,
    };
    attestation->appraiser = (struct appraiser){
        .roots = &attestation->roots,
        .tpm_roots = attestation->tpm_roots,
        .issuer = attestation->configuration.issuer,
        .minimum_tcb_evaluation = manifest->minimum_tcb_evaluation,
        .operator_policy = attestation->policy,
    };
    return OK;
}

/* Strangers' parsers are forked while there is nothing in memory that they must not have. */
static enum status before_threads(void *context, struct service *service, struct refusal *why)
{
    struct attestation *const attestation = context;
    attestation->service = service;
    TRY(fill_appraiser(attestation, why));
    const struct parser_options options = {.appraiser = attestation->appraiser};
    return parsers_start(&options, why, &attestation->parsers);
}

/* The state's key is derived first: afterwards only the signers have the TEE. */
static enum status hand_over_tee(void *context, struct service *service, struct refusal *why)
{
    struct attestation *const attestation = context;
    TRY(management_setup_seal(service, why, &attestation->management));
    return signing_setup_fork(&attestation->signing_configuration, &attestation->appraiser, service, why,
                              &attestation->signing);
}

static bool goes_on_without(void *context, pid_t process)
{
    const struct attestation *const attestation = context;
    return signers_outlive(attestation->signing.signers, process);
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
    return open_pck(attestation);
}

static enum status sign_result(void *context, const struct policy_result_question *question, struct refusal *why,
                               struct buffer *token)
{
    const struct attestation *const attestation = context;
    return signers_policy_result(attestation->signing.signers, question, why, token);
}

static void on_state(void *context, const struct state_view *)
{
    struct attestation *const attestation = context;
    signing_setup_changed(&attestation->signing);
}

static enum status open_management(struct attestation *attestation, struct refusal *why)
{
    struct management_configuration *const configuration = &attestation->management_configuration;
    struct management_setup *const management = &attestation->management;
    const struct state_options options = {.changed = on_state, .context = attestation};
    TRY(management_setup_open_state(configuration, &options, why, management));
    TRY(management_setup_open(attestation->service, configuration, attestation->configuration.issuer, why, management));
    management->options.sign = sign_result;
    management->options.context = attestation;
    return signing_setup_open(&attestation->signing_configuration, attestation->service, management->options.state,
                              attestation->configuration.issuer, why, &attestation->signing);
}

static void fill_routes(struct attestation *attestation)
{
    attestation->routes = (struct attestation_routes){
        .attest =
            {
                .parsers = attestation->parsers,
                .signers = attestation->signing.signers,
                .state = attestation->management.options.state,
                .supplies = {.collateral = attestation->feed, .pck = attestation->pck},
                .attested_log = attestation->attested_log,
                .clock = attestation->service->clock,
            },
        .keys = attestation->signing.keys,
        .service = attestation->service,
        .management = &attestation->management.options,
    };
}

static enum status start(void *context, struct service *service, struct refusal *why)
{
    struct attestation *const attestation = context;
    TRY(attested_log_open(attestation->configuration.attested_log, why, &attestation->attested_log));
    TRY(open_collateral(attestation, why));
    TRY(open_management(attestation, why));
    fill_routes(attestation);
    return front_open(&attestation->configuration.front, attestation_options(&attestation->routes), service, why,
                      &attestation->front);
}

/* This service's own evidence goes the way of everybody's, but that it may wait for collateral. */
static enum status appraise_own(void *context, struct slice quote, struct slice runtime_data, struct refusal *why,
                                struct buffer *token)
{
    const struct attestation *const attestation = context;
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(ATTEST_QUOTE_BODY_MAX_BYTES);
    CLEANUP(attest_answer_done) struct attest_answer answer = {};
    enum appraisal_step step;
    TRY(buffer_append_text(&body, "{\"quote\":\""));
    TRY(base64url_encode(quote, &body));
    TRY(buffer_append_text(&body, "\",\"runtimeData\":{\"dataType\":\"JSON\",\"data\":\""));
    TRY(base64url_encode(runtime_data, &body));
    TRY(buffer_append_text(&body, "\"}}"));
    const struct attest_question question = {
        .type = ATTESTATION_SGX_ENCLAVE, .body = buffer_slice(&body), .wait_ms = OWN_COLLATERAL_WAIT_MS};
    TRY(attest_flow_ask(&attestation->routes.attest, &question, why, &step, &answer));
    return buffer_append(token, buffer_slice(&answer.token));
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
    signing_setup_close(&attestation->signing);
    appraisal_policy_free(attestation->policy);
    buffer_done(&attestation->policy_text);
    attested_log_free(attestation->attested_log);
    management_setup_done(&attestation->management);
    management_configuration_done(&attestation->management_configuration);
    signing_setup_done(&attestation->signing);
    parsers_free(attestation->parsers);
    tpm_roots_free(attestation->tpm_roots);
}

int main(int count, char **arguments)
{
    static struct attestation attestation;
    static const char *const own_names[] = {"tls",         "issuer",       "collateral", "portal_origins",
                                            "appraisal",   "attested_log", "rate_limit", "management",
                                            "signing_key", "tpm_roots",    NULL};
    static const char *const changeable[] = {"tls", "portal_origins", "rate_limit", "collateral.minimum_evaluation",
                                             NULL};
    static const struct service_program program = {
        .name = "lazaret-attestation",
        .role = "attestation",
        .summary = "the attestation service: verifies evidence and issues tokens in Azure Attestation's form",
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
            "                  \"postgres\": CONNECTION shared with other replicas, instead of a file}\n"
            "  signing_key     {\"algorithm\": RS256 (default) or ES256, \"rotation_days\": NUMBER (0: never)}\n"
            "  tpm_roots       PEM of authorities of attestation identity keys; without it no AIK certificate is "
            "valid\n",
        .own_names = own_names,
        .rate_limit = {.per_second = FRONT_REQUESTS_PER_SECOND, .burst = FRONT_REQUESTS_AT_ONCE},
        .heaps = ATTESTATION_HEAPS,
        .changeable = changeable,
        .configure = configure,
        .before_threads = before_threads,
        .hand_over_tee = hand_over_tee,
        .goes_on_without = goes_on_without,
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
