/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/successor.h"

#include "base/log.h"
#include "platform/inheritance.h"
#include "platform/platform.h"
#include "records/key_parcel.h"
#include "records/master_key.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ANSWER_MAX_BYTES = 64 * 1024, PROBLEM_TEXT_MAX_BYTES = 256 };

struct successor {
    struct platform *platform;
    struct web_client public;    /* the predecessor's public listener */
    struct attested_client peer; /* its hand-over listener */
    struct store_head least;     /* what it said about its store; generation 0 before that */
    bool knows_store;
    enum status last_failure;
    pthread_t thread;
    bool is_running;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool is_stopping;
};

/* ---- asking ---- */

/* What the predecessor says in a problem document; its texts are for the operator. */
static enum status refused_by_predecessor(const struct http_answer *answer, struct refusal *why)
{
    CLEANUP(json_done) json_t *problem = NULL;
    (void)!json_parse(buffer_slice(&answer->body), ANSWER_MAX_BYTES, NULL, &problem);
    const char *const code = json_string_value(json_object_get(problem, "code"));
    const char *const field = json_string_value(json_object_get(problem, "field"));
    const char *const seen = json_string_value(json_object_get(problem, "seen"));
    (void)!refuse(why, ERR_PEER_REFUSED, field == NULL ? "predecessor" : field, "a predecessor that hands over",
                  "%u %s %s", answer->status, code == NULL ? "" : code, seen == NULL ? "" : seen);
    return refuse_fix(why, ERR_PEER_REFUSED, "see the predecessor's log, and the manifest of this program");
}

static enum status ask(struct http_client *client, const struct http_exchange *exchange, struct refusal *why,
                       struct http_answer *answer_out)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    const enum status status = http_client_exchange(client, exchange, why, &answer);
    if (status == OK && answer.status / 100 == 2) {
        *answer_out = answer;
        answer = (struct http_answer){};
        return OK;
    }
    /* The next attempt dials anew, and its peer is checked anew. */
    http_client_forget_connections(client);
    return status != OK ? status : refused_by_predecessor(&answer, why);
}

static enum status show_manifest(struct successor *successor, struct refusal *why)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    const struct http_exchange exchange = {
        .method = "POST",
        .path = "/hand-over/manifest",
        .content_type = "application/jose",
        .body = successor->platform->service->manifest_text,
        .max_answer = ANSWER_MAX_BYTES,
    };
    return ask(successor->public.http, &exchange, why, &answer);
}

static enum status ask_key(struct successor *successor, struct refusal *why, struct http_answer *answer_out)
{
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(TOKEN_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(TOKEN_MAX_BYTES + 64);
    TRY(own_token_get(successor->platform->service->token, why, &token, NULL, NULL));
    CLEANUP(json_done) json_t *request = json_pack("{s:s%}", "token", token.bytes, token.size);
    if (request == NULL) return ERR_NO_MEMORY;
    TRY(json_write(request, &body));
    const struct http_exchange exchange = {
        .method = "POST",
        .path = "/hand-over/key",
        .content_type = "application/json",
        .body = buffer_slice(&body),
        .max_answer = ANSWER_MAX_BYTES,
    };
    return ask(successor->peer.http, &exchange, why, answer_out);
}

static enum status ask_store(struct successor *successor, struct refusal *why, struct http_answer *answer_out)
{
    const struct http_exchange exchange = {
        .method = "POST",
        .path = "/hand-over/store",
        .max_answer = ANSWER_MAX_BYTES,
        .timeout_ms = SUCCESSOR_STORE_TIMEOUT_MS,
    };
    return ask(successor->peer.http, &exchange, why, answer_out);
}

/* ---- taking ---- */

/* Rollback protection is inherited: by an upgrade neither the manifest nor the clock goes back. */
static enum status check_manifest(const struct successor *successor, const struct inheritance *inheritance,
                                  struct refusal *why)
{
    const int64_t own = successor->platform->service->manifest->version;
    char expected[64];
    if (inheritance->manifest_version <= own) return OK;
    (void)snprintf(expected, sizeof(expected), "at least %lld", (long long)inheritance->manifest_version);
    return refuse(why, ERR_MANIFEST_OLD, "manifest.version", expected, "%lld", (long long)own);
}

static enum status keep_floors(const struct successor *successor, const struct inheritance *inheritance,
                               struct refusal *why)
{
    struct service *const service = successor->platform->service;
    clock_raise_floor(service->clock, inheritance->clock_floor_s);
    return service_remember_manifest(service, service->manifest->version, why);
}

static enum status take_master(const struct platform *platform, const json_t *parcel, struct refusal *why)
{
    const struct service *const service = platform->service;
    const struct key_parcel_route route = {
        .purpose = KEY_PARCEL_HAND_OVER,
        .deployment = slice_of_text(service->configuration->deployment),
        .recipient = enclave_key(service->enclave, KEY_USE_HPKE),
    };
    CLEANUP(secret_done) struct secret master = {}, own_key = {};
    struct master_key_wrapping wrapping;
    TRY(key_parcel_open(&route, parcel, why, &master));
    TRY(records_wrapping(platform, &own_key, &wrapping));
    return master_key_inherit(service->configuration->state, secret_slice(&master), &wrapping, why);
}

static enum status take_key(struct successor *successor, struct refusal *why)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    CLEANUP(json_done) json_t *parcel = NULL;
    struct inheritance inheritance;
    TRY(ask_key(successor, why, &answer));
    TRY(inheritance_read(buffer_slice(&answer.body), why, &inheritance, &parcel));
    TRY(check_manifest(successor, &inheritance, why));
    TRY(take_master(successor->platform, parcel, why));
    TRY(keep_floors(successor, &inheritance, why));
    successor->least = inheritance.head;
    successor->knows_store = true;
    return OK;
}

static enum status take_store(struct successor *successor, struct refusal *why)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    CLEANUP(json_done) json_t *parcel = NULL;
    struct inheritance inheritance;
    TRY(ask_store(successor, why, &answer));
    TRY(inheritance_read(buffer_slice(&answer.body), why, &inheritance, &parcel));
    TRY(keep_floors(successor, &inheritance, why));
    successor->least = inheritance.head;
    return OK;
}

static enum status take_over(struct successor *successor, struct refusal *why)
{
    TRY(own_token_get(successor->platform->service->token, why, NULL, NULL, NULL));
    TRY(show_manifest(successor, why));
    TRY(take_key(successor, why));
    return take_store(successor, why);
}

/* The predecessor may be away, for good or between two attempts: what is wrapped to this program and used by nobody is
 * opened all the same. */
static enum status attempt(struct successor *successor, struct refusal *why)
{
    struct refusal ignored = {};
    const enum status asked = take_over(successor, why);
    const enum status opened = records_open_own(successor->platform, successor->knows_store ? &successor->least : NULL,
                                                asked == OK ? why : &ignored);
    if (opened == OK || asked == OK) return opened;
    if (opened == ERR_STORE_CORRUPT) *why = ignored;
    return opened == ERR_STORE_CORRUPT ? opened : asked;
}

/* ---- the thread ---- */

static bool waits_for_next(struct successor *successor)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)SUCCESSOR_RETRY_MS * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&successor->mutex);
    int result = 0;
    while (!successor->is_stopping && result == 0)
        result = pthread_cond_timedwait(&successor->wake, &successor->mutex, &until);
    const bool goes_on = !successor->is_stopping;
    (void)pthread_mutex_unlock(&successor->mutex);
    return goes_on;
}

static void tell_failure(struct successor *successor, enum status status, struct refusal *why)
{
    if (why->status == OK) (void)!refuse(why, status, "predecessor", "a hand-over", "none");
    if (status != successor->last_failure) log_refusal(LOG_WARNING, "hand_over.not_yet", why);
    successor->last_failure = status;
    custody_explain(successor->platform->custody, why);
}

static void *wait_for_records(void *context)
{
    struct successor *const successor = context;
    do {
        struct refusal why = {};
        if (custody_now(successor->platform->custody) != CUSTODY_LOCKED) return NULL;
        const enum status status = attempt(successor, &why);
        if (status == OK) {
            log_event(LOG_WARNING, "hand_over.taken", log_status(status));
            return NULL;
        }
        tell_failure(successor, status, &why);
    } while (waits_for_next(successor));
    return NULL;
}

/* A predecessor is whom this manifest names as platform, or as one of its predecessors: a stranger's "predecessor"
 * could give away a key that strangers know, with a key file and a store of its own making. */
static enum status open_clients(struct successor *successor, const struct successor_options *options,
                                struct refusal *why)
{
    struct service *const service = successor->platform->service;
    TRY(web_client_new(service, options->url, options->ca, why, &successor->public));
    TRY(attested_client_new(service, options->hand_over, "platform", why, &successor->peer));
    struct tunnel_peer_rule rule = {.rules = &service->manifest->relying_party, .roles = {service->role}};
    rule.role_count = 1;
    if (service->manifest->predecessors.identity_count > 0) {
        rule.roles[1] = &service->manifest->predecessors;
        rule.role_count = 2;
    }
    tunnel_endpoint_set_rule(successor->peer.endpoint, &rule);
    return OK;
}

static void init_waiting(struct successor *successor)
{
    pthread_condattr_t monotonic;
    (void)pthread_mutex_init(&successor->mutex, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&successor->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

enum status successor_new(struct platform *platform, const struct successor_options *options, struct refusal *why,
                          struct successor **successor_out)
{
    struct successor *const successor = calloc(1, sizeof(*successor));
    if (successor == NULL) return ERR_NO_MEMORY;
    successor->platform = platform;
    init_waiting(successor);
    enum status status = open_clients(successor, options, why);
    if (status == OK) {
        successor->is_running = pthread_create(&successor->thread, NULL, wait_for_records, successor) == 0;
        status = successor->is_running ? OK : ERR_NO_MEMORY;
    }
    if (status == OK)
        *successor_out = successor;
    else
        successor_free(successor);
    return status;
}

void successor_free(struct successor *successor)
{
    if (successor == NULL) return;
    (void)pthread_mutex_lock(&successor->mutex);
    successor->is_stopping = true;
    (void)pthread_cond_signal(&successor->wake);
    (void)pthread_mutex_unlock(&successor->mutex);
    if (successor->is_running) (void)pthread_join(successor->thread, NULL);
    attested_client_done(&successor->peer);
    web_client_done(&successor->public);
    (void)pthread_cond_destroy(&successor->wake);
    (void)pthread_mutex_destroy(&successor->mutex);
    free(successor);
}

void successor_token_arrived(struct successor *successor, struct slice token)
{
    if (attested_client_show(&successor->peer, successor->platform->service, token) != OK)
        log_event(LOG_ERROR, "hand_over.token_not_shown", log_status(ERR_INTERNAL));
}
