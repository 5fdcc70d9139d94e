/* SPDX-License-Identifier: Apache-2.0 */
#include "service/service.h"

#include "base/allocation.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"
#include "channel/address.h"
#include "service/floor.h"
#include "service/options.h"
#include "service/reload.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, HTTPS_PORT = 443 };

/* Everything that service_main owns, in the order in which it is made. */
struct runtime {
    const char *path; /* of the configuration */
    struct configuration configuration;
    json_t *in_force;       /* its JSON, or that of a later one that was taken up */
    struct sandbox sandbox; /* here for its size alone */
    struct service service;
    struct secret sealing_key;
    struct manifest manifest;
    struct buffer manifest_text;
    char floor_path[PATH_MAX];
    pthread_mutex_t floor_mutex; /* over the file and this: */
    int64_t manifest_version;    /* the newest that was seen */
    struct web_client attestation;
    bool is_started;
};

static int tell_refusal(const char *name, const struct refusal *why)
{
    char line[1024];
    refusal_text(why, line, sizeof(line));
    (void)fprintf(stderr, "%s: %s\n", name, line);
    return why->status == ERR_USAGE ? EXIT_USAGE : EXIT_REFUSED;
}

static void print_help(const struct service_program *program)
{
    (void)printf(
        "%s: %s\n\n"
        "usage: %s --config FILE [--check-config] | --help | --version\n\n"
        "The configuration is one JSON object. Members of every program:\n"
        "  manifest      path of the deployment's signed manifest (required)\n"
        "  deployment    thumbprint of the deployment key, as 'lazaret manifest key' prints it (required)\n"
        "  state         folder of this program alone, mode 0700 (required)\n"
        "  listen        address to listen on, \"host:port\"; port 0 takes a free one (required)\n"
        "  attestation   {\"url\": attestation service, \"ca\": PEM file with its TLS anchors}\n"
        "  ready_file    file that is written with the port once the program listens\n"
        "  log_level     debug, info (default), warning, error\n"
        "  drain_s       how many seconds a stop waits at most for requests that are under way (10)\n"
        "  limits        what peers may take, each member optional: {\"connections\": 4096, \"handshake_s\": 10,\n"
        "                \"head_s\": 10, \"body_s\": 20 (and one more for each 4 KiB), \"idle_s\": 60, \"stall_s\": "
        "30}\n"
        "Members of this program:\n%s\n"
        "Relative paths are taken from the file's folder. Logs are JSON lines on standard error.\n",
        program->name, program->summary, program->name, program->configuration_help);
}

static enum status check_state_folder(const char *path, struct refusal *why)
{
    struct stat facts;
    if (stat(path, &facts) != 0 && errno == ENOENT && mkdir(path, 0700) != 0)
        return refuse(why, ERR_CONFIG, "state", "a folder that can be made", "%s", strerror(errno));
    if (stat(path, &facts) != 0 || !S_ISDIR(facts.st_mode))
        return refuse(why, ERR_CONFIG, "state", "a folder", "%s", path);
    if ((facts.st_mode & 077) != 0) {
        (void)!refuse(why, ERR_CONFIG, "state", "mode 0700", "mode %04o", (unsigned)(facts.st_mode & 07777));
        return refuse_fix(why, ERR_CONFIG, "chmod 700 the folder: other users must not read or change it");
    }
    return OK;
}

static enum status read_manifest(struct runtime *runtime, struct refusal *why)
{
    runtime->manifest_text = buffer_of_maximum(MANIFEST_MAX_BYTES + 1);
    struct buffer *const text = &runtime->manifest_text;
    TRY(file_read(runtime->configuration.manifest, why, text));
    while (text->size > 0 && text->bytes[text->size - 1] == '\n') buffer_truncate(text, text->size - 1);
    TRY(manifest_verify(buffer_slice(text), slice_of_text(runtime->configuration.deployment), why, &runtime->manifest));
    runtime->service.manifest = &runtime->manifest;
    runtime->service.manifest_text = buffer_slice(text);
    runtime->service.role = manifest_role(&runtime->manifest, runtime->service.program->role);
    if (runtime->service.role == NULL)
        return refuse(why, ERR_MANIFEST, "manifest.roles", runtime->service.program->role, "no rule for this program");
    return OK;
}

/* Each measurement has a file of its own: a successor that starts in the same folder must not wipe what its predecessor
 * remembers, or the predecessor could be started again under an older manifest. */
static enum status name_floor(struct runtime *runtime)
{
    struct tee_measurement measurement;
    char name[32];
    TRY(tee_measure(runtime->service.tee, &measurement));
    (void)snprintf(name, sizeof(name), "floor-%.16s", hex_of_32(measurement.mrenclave).text);
    return service_state_path(&runtime->service, name, runtime->floor_path);
}

static enum status write_floor(struct runtime *runtime, struct refusal *why)
{
    struct floor floor = {.time_s = clock_floor_s(runtime->service.clock),
                          .manifest_version = runtime->manifest_version};
    /* Of a newer version than its own it knows no more than that. */
    if (runtime->manifest_version == runtime->manifest.version)
        memcpy(floor.manifest_digest, runtime->manifest.digest, sizeof(floor.manifest_digest));
    return floor_write(runtime->floor_path, &runtime->sealing_key, &floor, why);
}

static enum status check_newest(const struct manifest *manifest, const struct floor *floor, struct refusal *why)
{
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "at least %lld", (long long)floor->manifest_version);
    if (manifest->version < floor->manifest_version)
        return refuse(why, ERR_MANIFEST_OLD, "manifest.version", expected, "%lld", (long long)manifest->version);
    static const uint8_t unknown[sizeof(floor->manifest_digest)];
    const bool is_known = memcmp(floor->manifest_digest, unknown, sizeof(unknown)) != 0;
    if (manifest->version > floor->manifest_version || !is_known ||
        memcmp(manifest->digest, floor->manifest_digest, sizeof(floor->manifest_digest)) == 0)
        return OK;
    (void)!refuse(why, ERR_MANIFEST_OLD, "manifest", "the one of this version that was seen before", "another");
    return refuse_fix(why, ERR_MANIFEST_OLD, "give each manifest that is signed a version of its own");
}

/* The floor is raised by what the manifest's signature proves, and the newest manifest is remembered. */
static enum status hold_floor(struct runtime *runtime, struct refusal *why)
{
    struct service *const service = &runtime->service;
    TRY(name_floor(runtime));
    CLEANUP(buffer_done) struct buffer label = buffer_of_maximum(TEE_LABEL_MAX_BYTES);
    TRY(buffer_append_format(&label, "state:%s", runtime->configuration.deployment));
    TRY(tee_sealing_key(service->tee, buffer_slice(&label), &runtime->sealing_key));
    struct floor floor;
    TRY(floor_read(runtime->floor_path, &runtime->sealing_key, why, &floor));
    TRY(check_newest(&runtime->manifest, &floor, why));
    clock_raise_floor(service->clock, floor.time_s);
    clock_raise_floor(service->clock, runtime->manifest.issued_s);
    runtime->manifest_version = runtime->manifest.version;
    return write_floor(runtime, why);
}

static enum status make_enclave(struct runtime *runtime)
{
    const struct enclave_options options = {
        .service = runtime->service.program->role,
        .version = LAZARET_VERSION,
        .deployment = runtime->configuration.deployment,
        .has_hpke = runtime->service.program->has_hpke,
    };
    return enclave_new(runtime->service.tee, &options, &runtime->service.enclave);
}

static enum status split_url(const char *url, struct refusal *why, struct address_authority *authority_out)
{
    static const struct slice scheme = SLICE_LITERAL("https://");
    const struct slice text = slice_of_text(url), authority = slice_part(text, scheme.size, text.size);
    if (slice_starts_with(text, scheme) && address_of_authority(authority, HTTPS_PORT, NULL, authority_out) == OK)
        return OK;
    return refuse(why, ERR_CONFIG, "url", "https://host[:port] without a path", "%s", url);
}

static enum status open_web_client(struct tunnel *tunnel, const char *url, const char *ca_path, struct refusal *why,
                                   struct web_client *client)
{
    client->ca = buffer_of_maximum(CONFIGURATION_MAX_BYTES);
    if (ca_path[0] != '\0') TRY(file_read(ca_path, why, &client->ca));
    struct address_authority authority;
    TRY(split_url(url, why, &authority));
    const struct tunnel_target target = {
        .address = authority.address, .server_name = authority.host, .ca_pem = buffer_slice(&client->ca)};
    TRY(tunnel_dialer_new(tunnel, &target, why, &client->dialer));
    return http_client_new(url, client->dialer, &client->http);
}

enum status web_client_new(struct service *service, const char *url, const char *ca_path, struct refusal *why,
                           struct web_client *client_out)
{
    CLEANUP(web_client_done) struct web_client client = {};
    TRY(open_web_client(service->tunnel, url, ca_path, why, &client));
    *client_out = client;
    client = (struct web_client){};
    return OK;
}

void web_client_done(struct web_client *client)
{
    http_client_free(client->http);
    tunnel_dialer_free(client->dialer);
    buffer_done(&client->ca);
    *client = (struct web_client){};
}

static enum status connect_attestation(struct runtime *runtime, struct refusal *why)
{
    const struct configuration *const configuration = &runtime->configuration;
    if (configuration->attestation_url[0] == '\0') {
        if (runtime->service.program->appraise != NULL) return OK;
        return refuse(why, ERR_CONFIG, "attestation", "{\"url\": ...}", "nothing");
    }
    TRY(web_client_new(&runtime->service, configuration->attestation_url, configuration->attestation_ca, why,
                       &runtime->attestation));
    runtime->service.attestation = runtime->attestation.http;
    return OK;
}

enum status service_remember_manifest(struct service *service, int64_t version, struct refusal *why)
{
    struct runtime *const runtime = (struct runtime *)((char *)service - offsetof(struct runtime, service));
    (void)pthread_mutex_lock(&runtime->floor_mutex);
    const int64_t before = runtime->manifest_version;
    if (version > before) runtime->manifest_version = version;
    const enum status status = write_floor(runtime, why);
    if (status != OK) runtime->manifest_version = before;
    (void)pthread_mutex_unlock(&runtime->floor_mutex);
    return status;
}

/* On the token feed's thread. */
static void on_token(void *context, struct slice token, const struct token_claims *claims)
{
    struct runtime *const runtime = context;
    struct service *const service = &runtime->service;
    if (service_show_token(service, token, service->attested) != OK)
        log_event(LOG_ERROR, "token.not_shown", log_status(ERR_INTERNAL));
    if (service->program->token_arrived != NULL)
        service->program->token_arrived(service->context, service, token, claims);
    struct refusal why = {};
    if (service_remember_manifest(service, runtime->manifest.version, &why) != OK)
        log_refusal(LOG_WARNING, "floor.not_written", &why);
}

static enum status make_token_feed(struct runtime *runtime)
{
    struct service *const service = &runtime->service;
    const bool remote = service->program->appraise == NULL;
    const struct own_token_options options = {
        .clock = service->clock,
        .enclave = service->enclave,
        .rules = &runtime->manifest.relying_party,
        .role = service->role,
        .appraise = remote ? own_token_appraise_remotely : service->program->appraise,
        .appraise_context = remote ? (void *)service->attestation : service->context,
        .is_issuer = !remote,
        .arrived = on_token,
        .arrived_context = runtime,
    };
    return own_token_new(&options, &service->token);
}

static void block_signals(const struct service_program *program, sigset_t *signals_out)
{
    (void)sigemptyset(signals_out);
    (void)sigaddset(signals_out, SIGTERM);
    (void)sigaddset(signals_out, SIGINT);
    (void)sigaddset(signals_out, SIGCHLD);
    if (program->reload != NULL) (void)sigaddset(signals_out, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, signals_out, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    /* A file that may not grow is an error of the write, as on a full disk. */
    (void)signal(SIGXFSZ, SIG_IGN);
}

static enum status make_clock(const struct configuration *configuration, struct refusal *why, struct clock **clock_out)
{
#ifdef LAZARET_SIMULATION
    const char *const path = configuration->insecure_clock_file;
    if (path[0] != '\0') {
        log_event(LOG_WARNING, "clock.insecure", log_text(LOG_DETAIL, "the clock is what a file of the host says"));
        if (clock_new_insecure(path, clock_out) == OK) return OK;
        return refuse(why, ERR_CONFIG, "insecure_clock_file", "a file that can be read", "%s", path);
    }
#endif
    (void)configuration;
    (void)why;
    return clock_new(clock_out);
}

static enum status make_trust(struct runtime *runtime, struct refusal *why)
{
    struct service *const service = &runtime->service;
    TRY(tee_open(why, &service->tee));
    TRY(check_state_folder(runtime->configuration.state, why));
    TRY(read_manifest(runtime, why));
    return make_clock(&runtime->configuration, why, &service->clock);
}

/* Who is forked when has in memory what was there by then: strangers' parsers nothing, whoever keeps the TEE not the
 * enclave's keys. */
static enum status make_processes_and_keys(struct runtime *runtime, struct refusal *why)
{
    struct service *const service = &runtime->service;
    const struct service_program *const program = service->program;
    if (program->before_threads != NULL) TRY(program->before_threads(service->context, service, why));
    TRY(hold_floor(runtime, why));
    if (program->hand_over_tee != NULL) TRY(program->hand_over_tee(service->context, service, why));
    return make_enclave(runtime);
}

/* After the last fork and before the first thread. */
static enum status shut_in(struct runtime *runtime, struct refusal *why)
{
    const struct service_program *const program = runtime->service.program;
    struct sandbox *const sandbox = &runtime->sandbox;
    if (program->allow != NULL) TRY(program->allow(runtime->service.context, &runtime->configuration, sandbox, why));
    if (program->reload != NULL && reload_allow_file(sandbox, runtime->path) != OK)
        return refuse(why, ERR_CONFIG, "configuration", "fewer paths", "more than the sandbox can name");
    return service_enter_sandbox(&runtime->configuration, sandbox, why);
}

static enum status start(struct runtime *runtime, struct refusal *why)
{
    struct service *const service = &runtime->service;
    TRY(make_trust(runtime, why));
    TRY(make_processes_and_keys(runtime, why));
    TRY(shut_in(runtime, why));
    TRY(tunnel_new(service->clock, &runtime->configuration.tunnel_limits, &service->tunnel));
    TRY(tunnel_endpoint_new(&service->attested));
    TRY(connect_attestation(runtime, why));
    /* There before the listeners, which ask it; running after them, because it calls what they are made of. */
    TRY(make_token_feed(runtime));
    runtime->is_started = true;
    TRY(service->program->start(service->context, service, why));
    return own_token_start(service->token);
}

static void stop(struct runtime *runtime)
{
    struct service *const service = &runtime->service;
    service->is_stopping = true;
    http_client_interrupt(service->attestation);
    if (service->program->interrupt != NULL) service->program->interrupt(service->context);
    /* First its thread, which calls the program; the feed itself last, because the program's listeners ask it. */
    own_token_stop(service->token);
    if (runtime->is_started) service->program->stop(service->context);
    own_token_free(service->token);
    web_client_done(&runtime->attestation);
    tunnel_free(service->tunnel);
    tunnel_endpoint_free(service->attested);
    enclave_free(service->enclave);
    clock_free(service->clock);
    manifest_done(&runtime->manifest);
    secret_done(&runtime->sealing_key);
    tee_free(service->tee);
    buffer_done(&runtime->manifest_text);
}

/* Whoever ended is left for the one that started it to wait for, unless the program goes on without it. */
static bool has_lost_child(struct service *service)
{
    for (;;) {
        siginfo_t ended = {};
        if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) return false;
        if (service->program->goes_on_without == NULL ||
            !service->program->goes_on_without(service->context, ended.si_pid))
            return true;
        (void)waitpid(ended.si_pid, NULL, WNOHANG);
        log_event(LOG_ERROR, "program.goes_on_without_child", log_number(LOG_COUNT, ended.si_pid));
    }
}

static void drain(struct service *service)
{
    enum { MS_PER_S = 1000 };
    service->is_draining = true;
    if (service->program->drain == NULL || service->drain_s == 0) return;
    service->program->drain(service->context, (int64_t)service->drain_s * MS_PER_S);
}

/* The children were forked before there were keys and threads, so the program cannot fork them again: it ends, and who
 * keeps it running starts it anew. */
static int wait_for_end(struct runtime *runtime, const sigset_t *signals)
{
    struct service *const service = &runtime->service;
    for (;;) {
        int signal_number = 0;
        (void)sigwait(signals, &signal_number);
        if (signal_number == SIGHUP) {
            configuration_reload(service, runtime->path, &runtime->in_force);
            continue;
        }
        const enum status failure = atomic_load(&service->failure);
        if (failure != OK) {
            log_event(LOG_ERROR, "program.failed", log_status(failure));
            return EXIT_REFUSED;
        }
        if (signal_number != SIGCHLD) {
            log_event(LOG_INFO, "program.stopping", log_number(LOG_COUNT, signal_number));
            drain(service);
            return 0;
        }
        if (has_lost_child(service)) {
            log_event(LOG_ERROR, "program.child_ended", log_status(ERR_CHILD_DIED));
            return EXIT_REFUSED;
        }
    }
}

static int run(const struct service_program *program, struct runtime *runtime)
{
    sigset_t signals;
    block_signals(program, &signals);
    runtime->service.main_thread = pthread_self();
    struct refusal why = {};
    const enum status status = start(runtime, &why);
    int exit_code = 0;
    if (status == OK) {
        exit_code = wait_for_end(runtime, &signals);
    } else {
        if (why.status == OK)
            (void)!refuse(&why, status, program->name, "a program that can start", "%s", status_name(status));
        exit_code = tell_refusal(program->name, &why);
    }
    stop(runtime);
    return exit_code;
}

static enum status prepare(const struct service_program *program, void *context, const struct options *options,
                           struct runtime *runtime, struct refusal *why)
{
    const struct configuration_defaults defaults = {.own_names = program->own_names, .rate_limit = program->rate_limit};
    TRY(configuration_read(options->config_path, &defaults, why, &runtime->configuration));
    log_set_level(runtime->configuration.log_level);
    runtime->path = options->config_path;
    runtime->in_force = json_incref(runtime->configuration.json);
    runtime->service.drain_s = runtime->configuration.drain_s;
    runtime->service.program = program;
    runtime->service.context = context;
    runtime->service.configuration = &runtime->configuration;
    return program->configure == NULL ? OK : program->configure(context, &runtime->configuration, why);
}

/* What can be told without a TEE: the configuration and its manifest. */
static int check_configuration(struct runtime *runtime, const char *path)
{
    struct refusal why = {};
    const enum status status = read_manifest(runtime, &why);
    manifest_done(&runtime->manifest);
    if (status != OK) return tell_refusal(runtime->service.program->name, &why);
    (void)printf("%s: %s and its manifest are usable\n", runtime->service.program->name, path);
    return 0;
}

int service_main(const struct service_program *program, void *context, int count, char **arguments)
{
    process_harden();
    allocation_give_back(program->heaps);
    json_wipe_what_is_freed();
    log_set_program(program->name);
    struct options options = {};
    struct refusal why = {};
    if (sandbox_forbid(&why) != OK || options_parse(count, arguments, &why, &options) != OK)
        return tell_refusal(program->name, &why);
    if (options.action == OPTIONS_HELP) {
        print_help(program);
        return 0;
    }
    if (options.action == OPTIONS_VERSION) {
        (void)printf("%s %s%s\n", program->name, LAZARET_VERSION, LAZARET_BUILD_KIND);
        return 0;
    }
    struct runtime *const runtime = calloc(1, sizeof(*runtime));
    if (runtime == NULL) return EXIT_REFUSED;
    (void)pthread_mutex_init(&runtime->floor_mutex, NULL);
    int exit_code = 0;
    if (prepare(program, context, &options, runtime, &why) != OK)
        exit_code = tell_refusal(program->name, &why);
    else if (options.action == OPTIONS_CHECK_CONFIG)
        exit_code = check_configuration(runtime, options.config_path);
    else
        exit_code = run(program, runtime);
    json_done(&runtime->in_force);
    configuration_done(&runtime->configuration);
    (void)pthread_mutex_destroy(&runtime->floor_mutex);
    free(runtime);
    return exit_code;
}

void service_fail(struct service *service, enum status reason)
{
    atomic_store(&service->failure, reason);
    (void)pthread_kill(service->main_thread, SIGTERM);
}

enum status service_state_path(const struct service *service, const char *name, char path_out[static PATH_MAX])
{
    const int wanted = snprintf(path_out, PATH_MAX, "%s/%s", service->configuration->state, name);
    return wanted < 0 || wanted >= PATH_MAX ? ERR_CONFIG : OK;
}

bool service_is_ready(struct service *service, struct refusal *why)
{
    if (service->is_draining) {
        (void)!refuse(why, ERR_CLOSED, "program", "one that goes on", "one that stops");
        return false;
    }
    if (own_token_get(service->token, why, NULL, NULL, NULL) != OK) return false;
    return service->program->is_ready == NULL || service->program->is_ready(service->context, why);
}

void service_respond_health(struct http_response *response)
{
    http_respond(response, 200, "application/json", SLICE_LITERAL("{\"status\":\"alive\"}"));
}

void service_respond_ready(struct service *service, struct http_response *response)
{
    struct refusal why = {};
    if (service_is_ready(service, &why)) {
        http_respond(response, 200, "application/json", SLICE_LITERAL("{\"status\":\"ready\"}"));
        return;
    }
    if (why.status == OK) (void)!refuse(&why, ERR_FEED_STALE, "attestation token", "a fresh token", "none yet");
    http_respond_problem(response, 503, NULL, &why);
}

enum status service_listening(struct service *service, uint16_t port, struct refusal *why)
{
    log_event(LOG_INFO, "program.listening", log_text(LOG_ADDRESS, service->configuration->listen),
              log_number(LOG_COUNT, port), log_text(LOG_VERSION, LAZARET_VERSION));
    if (service->configuration->ready_file[0] == '\0') return OK;
    char text[16];
    const int size = snprintf(text, sizeof(text), "%u\n", port);
    return file_write(service->configuration->ready_file, slice_of(text, (size_t)size), 0644, why);
}

enum status service_show_token(const struct service *service, struct slice token, struct tunnel_endpoint *endpoint)
{
    struct tunnel_identity *identity = NULL;
    TRY(tunnel_identity_attested(enclave_key(service->enclave, KEY_USE_TLS), token, clock_now_s(service->clock),
                                 &identity));
    tunnel_endpoint_set_identity(endpoint, identity);
    return OK;
}

static enum status open_client(struct service *service, const char *address, const struct role_rule *role,
                               struct refusal *why, struct attested_client *client)
{
    TRY(tunnel_endpoint_new(&client->endpoint));
    const struct tunnel_peer_rule rule = {.rules = &service->manifest->relying_party, .roles = {role}, .role_count = 1};
    tunnel_endpoint_set_rule(client->endpoint, &rule);
    const struct tunnel_target target = {.address = address, .endpoint = client->endpoint};
    TRY(tunnel_dialer_new(service->tunnel, &target, why, &client->dialer));
    char url[ADDRESS_MAX_BYTES + 16];
    (void)snprintf(url, sizeof(url), "https://%s", address);
    return http_client_new(url, client->dialer, &client->http);
}

enum status attested_client_new(struct service *service, const char *address, const char *role, struct refusal *why,
                                struct attested_client *client_out)
{
    const struct role_rule *const rule = manifest_role(service->manifest, role);
    if (rule == NULL) return refuse(why, ERR_MANIFEST, "manifest.roles", role, "no rule for this peer");
    CLEANUP(attested_client_done) struct attested_client client = {};
    TRY(open_client(service, address, rule, why, &client));
    *client_out = client;
    client = (struct attested_client){};
    return OK;
}

void attested_client_done(struct attested_client *client)
{
    http_client_free(client->http);
    tunnel_dialer_free(client->dialer);
    tunnel_endpoint_free(client->endpoint);
    *client = (struct attested_client){};
}

enum status attested_client_show(struct attested_client *client, struct service *service, struct slice token)
{
    return service_show_token(service, token, client->endpoint);
}
