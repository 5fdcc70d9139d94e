/* SPDX-License-Identifier: Apache-2.0
 *
 * What every service program has in common, so that a program is its configuration, its routes and nothing else:
 * command line, configuration, TEE, manifest, clock with its floor, keys, tunnel, own token kept fresh, signals,
 * orderly stop.
 *
 *     int main(int count, char **arguments)
 *     {
 *         struct gate gate = {};
 *         static const struct service_program program = { .name = "lazaret-gate", .role = "gate", ... };
 *         return service_main(&program, &gate, count, arguments);
 *     }
 *
 * Exit codes: 0 stopped by a signal, or --help, --version, --check-config; 1 refused to start (one line on standard
 * error says field, seen, expected, what to do), or lost the process that forks its contained children; 2 usage.
 */
#pragma once

#include "base/clock.h"
#include "channel/tunnel.h"
#include "feeds/own_token.h"
#include "http/server.h"
#include "policy/manifest.h"
#include "service/configuration.h"
#include "service/sandboxing.h"
#include "tee/enclave.h"
#include "tee/tee.h"

#include <pthread.h>
#include <stdatomic.h>

/* What a running program works with. All borrowed from service_main, valid from `start` to the return of `stop`. */
struct service {
    const struct service_program *program;
    void *context; /* the program's own state */
    const struct configuration *configuration;
    struct clock *clock;
    struct tee *tee;
    const struct manifest *manifest;
    struct slice manifest_text;   /* the JWS, as it was read */
    const struct role_rule *role; /* this program's own role in the manifest */
    struct enclave *enclave;
    struct tunnel *tunnel;
    struct tunnel_endpoint
        *attested; /* shows this program's token; for attested listeners and dialers, whose rule the program sets */
    struct own_token *token;
    struct http_client *attestation; /* the attestation service; NULL if none is configured */
    _Atomic bool is_stopping, is_draining;
    int drain_s;                  /* of the configuration in force; the main thread's */
    pthread_t main_thread;        /* which waits for the program's end */
    _Atomic(enum status) failure; /* of service_fail; OK: none */
};

struct service_program {
    const char *name;               /* "lazaret-gate" */
    const char *role;               /* "gate" */
    const char *summary;            /* one sentence, for --help */
    const char *configuration_help; /* the program's own members, one per line, for --help */
    const char *const *own_names;   /* the program's own configuration members, NULL-terminated */
    struct rate_limit rate_limit;   /* of each client, if "rate_limit" is among `own_names` and not given */
    unsigned heaps;                 /* that its threads share (base/allocation.h); 0: as few as there */
    bool has_hpke;                  /* the enclave has an HPKE key and offers an OHTTP key configuration */

    /* Reads the program's own members; nothing else happens with --check-config. May be NULL. */
    enum status (*configure)(void *context, const struct configuration *configuration, struct refusal *why);

    /* Before there are threads, keys, or anything of the state folder in memory: the place to fork contained children,
     * which are to hold nothing that they do not need. The manifest and the TEE are there. May be NULL. */
    enum status (*before_threads)(void *context, struct service *service, struct refusal *why);

    /* After that, and before the enclave's keys are made: the place to give the TEE to a process that is to keep it
     * alone, leaving another in service->tee; what the program seals with is derived here or not at all. May be NULL.
     */
    enum status (*hand_over_tee)(void *context, struct service *service, struct refusal *why);

    /* Asked when a process has ended that the program forked: whether it goes on without it. NULL: never. On the main
     * thread. */
    bool (*goes_on_without)(void *context, pid_t process);

    /* Names what the program opens and dials from its configuration on, for its sandbox. May be NULL. */
    enum status (*allow)(void *context, const struct configuration *configuration, struct sandbox *sandbox,
                         struct refusal *why);

    /* Appraises this program's own evidence; NULL: the configured attestation service does. */
    own_token_appraise *appraise;

    /* Opens what the program needs and its listeners. Its own token may not be there yet: listeners that show it are
     * opened all the same and refuse until it is. */
    enum status (*start)(void *context, struct service *service, struct refusal *why);

    /* Called with each new token, on the feed's thread, after `start`. May be NULL. */
    void (*token_arrived)(void *context, struct service *service, struct slice token,
                          const struct token_claims *claims);

    /* On SIGTERM, before anything ends: takes no new connections, answers what is under way, for at most `patience_ms`.
     * /readyz says 503 from here on. May be NULL. */
    void (*drain)(void *context, int64_t patience_ms);

    /* On SIGHUP: takes up a configuration that differs from the one in force in `changeable` alone (service/reload.h),
     * or refuses it and changes nothing; also reads files anew that it names, whose folders `allow` must have named
     * (reload_allow_file). On the main thread, while the program serves. NULL: SIGHUP ends the program. */
    enum status (*reload)(void *context, const struct configuration *configuration, struct refusal *why);
    const char *const *changeable; /* "name" or "object.name", NULL-terminated; drain_s and log_level always are */

    /* First of all when the program stops: ends what is under way at peers, which may hang. Called also when `start`
     * failed half-way. May be NULL. */
    void (*interrupt)(void *context);

    /* Closes everything. Called also when `start` failed half-way. */
    void (*stop)(void *context);

    /* Whether the program can serve; if not, `why` says what it waits for. NULL: it can once it has a token. */
    bool (*is_ready)(void *context, struct refusal *why);
};

int service_main(const struct service_program *program, void *context, int count, char **arguments);

/* Ends the program in order, as SIGTERM does, but as a failure (exit 1): for what only a new start mends. Whoever keeps
 * the program running starts it again. From any thread, after `start` was called. */
void service_fail(struct service *service, enum status reason);

/* The path of a file in the program's state folder. */
enum status service_state_path(const struct service *service, const char *name, char path_out[static PATH_MAX]);

/* Remembers, sealed and on the disk, that a manifest of this version was seen: an older one is refused at the next
 * start. Never lowers it. ERR_IO. */
enum status service_remember_manifest(struct service *service, int64_t version, struct refusal *why);

/* Ready, with the reason if not: the program's is_ready, after its token is there. */
bool service_is_ready(struct service *service, struct refusal *why);

/* Answers to GET /healthz (200 while the process lives) and GET /readyz (200, or 503 with the reason). */
void service_respond_health(struct http_response *response);
void service_respond_ready(struct service *service, struct http_response *response);

/* Tells whoever waits that the program listens: writes the port to `ready_file` if configured, and logs it. */
enum status service_listening(struct service *service, uint16_t port, struct refusal *why);

/* A dialer and client for an attested peer: checks that it is `role`, shows this program's token. The endpoint is the
 * client's own, so that its rule can differ from the listeners'. */
struct attested_client {
    struct tunnel_endpoint *endpoint;
    struct tunnel_dialer *dialer;
    struct http_client *http;
};
enum status attested_client_new(struct service *service, const char *address, const char *role, struct refusal *why,
                                struct attested_client *client_out);
void attested_client_done(struct attested_client *client);
/* To be called when a new token arrives. */
enum status attested_client_show(struct attested_client *client, struct service *service, struct slice token);

/* A client over ordinary TLS: `url` is "https://host[:port]", `ca_path` a PEM file with the anchors ("": the system's).
 */
struct web_client {
    struct buffer ca;
    struct tunnel_dialer *dialer;
    struct http_client *http;
};
enum status web_client_new(struct service *service, const char *url, const char *ca_path, struct refusal *why,
                           struct web_client *client_out);
void web_client_done(struct web_client *client);

/* Gives `endpoint` an identity of this enclave's TLS key and `token`. */
enum status service_show_token(const struct service *service, struct slice token, struct tunnel_endpoint *endpoint);
