/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/hand_over.h"

#include "base/encoding.h"
#include "base/log.h"
#include "platform/inheritance.h"
#include "platform/platform.h"
#include "records/key_parcel.h"
#include "records/master_key.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_REQUEST_MAX_BYTES = TOKEN_MAX_BYTES + 64, HAND_OVER_WORKERS = 1 };

struct hand_over {
    struct platform *platform;
    struct tunnel_endpoint *endpoint;
    struct tunnel_listener *listener;
    struct http_server *server;
    pthread_mutex_t mutex; /* over what follows */
    struct manifest manifest;
    bool has_manifest;
    char heir[THUMBPRINT_TEXT_BYTES + 1]; /* T of the TLS key of whoever was given the master key last; "" for nobody */
};

/* ---- the manifest ---- */

static enum status check_version(const struct hand_over *hand_over, const struct manifest *manifest,
                                 struct refusal *why)
{
    int64_t newest = hand_over->platform->service->manifest->version;
    if (hand_over->has_manifest && hand_over->manifest.version > newest) newest = hand_over->manifest.version;
    if (manifest->version >= newest) return OK;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "at least %lld", (long long)newest);
    return refuse(why, ERR_MANIFEST_OLD, "manifest.version", expected, "%lld", (long long)manifest->version);
}

static enum status take(struct hand_over *hand_over, struct manifest *manifest, struct refusal *why)
{
    TRY(check_version(hand_over, manifest, why));
    const struct role_rule *const role = manifest_role(manifest, "platform");
    if (role == NULL) return refuse(why, ERR_MANIFEST, "manifest.roles", "a rule for the platform", "none");
    const struct tunnel_peer_rule rule = {.rules = &manifest->relying_party, .roles = {role}, .role_count = 1};
    tunnel_endpoint_set_rule(hand_over->endpoint, &rule);
    if (hand_over->has_manifest) manifest_done(&hand_over->manifest);
    hand_over->manifest = *manifest;
    hand_over->has_manifest = true;
    *manifest = (struct manifest){};
    return OK;
}

enum status hand_over_take_manifest(struct hand_over *hand_over, struct slice jws, struct refusal *why)
{
    const struct service *const service = hand_over->platform->service;
    CLEANUP(manifest_done) struct manifest manifest = {};
    TRY(manifest_verify(jws, slice_of_text(service->configuration->deployment), why, &manifest));
    /* Strangers may send it, on a thread that others need: nobody waits here. */
    if (pthread_mutex_trylock(&hand_over->mutex) != 0)
        return refuse(why, ERR_BUSY, "hand-over", "one at a time", "another under way");
    const enum status status = take(hand_over, &manifest, why);
    (void)pthread_mutex_unlock(&hand_over->mutex);
    return status;
}

/* ---- the master key ---- */

/* Under the manifest that this platform runs with, another machine's copy of this very program could ask as well: to
 * move the records there the hospital must sign a newer one. */
static enum status check_is_another(const struct hand_over *hand_over, const struct token_claims *claims,
                                    struct refusal *why)
{
    const struct service *const service = hand_over->platform->service;
    struct tee_measurement own;
    if (hand_over->manifest.version > service->manifest->version) return OK;
    TRY(tee_measure(service->tee, &own));
    if (!slice_equal(SLICE_ARRAY(own.mrenclave), SLICE_ARRAY(claims->mrenclave))) return OK;
    return refuse(why, ERR_TOKEN_IDENTITY, "claims.x-ms-sgx-mrenclave", "another program, or a newer manifest",
                  "this program");
}

/* The connection was judged when it was made, perhaps under a manifest that has been replaced since. */
static enum status check_successor(const struct hand_over *hand_over, struct slice token,
                                   const struct tunnel_peer *peer, struct refusal *why, struct token_claims *claims_out)
{
    if (!hand_over->has_manifest) return refuse(why, ERR_MANIFEST, "manifest", "one that names the successor", "none");
    const struct token_expectation expected = {
        .role = manifest_role(&hand_over->manifest, "platform"),
        .use = KEY_USE_TLS,
        .now_s = clock_now_s(hand_over->platform->service->clock),
    };
    CLEANUP(token_claims_done) struct token_claims claims = {};
    TRY(relying_party_check(token, &hand_over->manifest.relying_party, &expected, why, &claims));
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    const struct key *const tls = claims.runtime.keys[KEY_USE_TLS];
    if (tls == NULL || claims.runtime.keys[KEY_USE_HPKE] == NULL)
        return refuse(why, ERR_TOKEN_KEY_BINDING, "token", "a TLS and an HPKE key", "none");
    TRY(key_thumbprint(tls, thumbprint));
    if (strcmp(base64url_of_32(thumbprint).text, peer->key) != 0)
        return refuse(why, ERR_TOKEN_KEY_BINDING, "token", "the key of this connection", "another key");
    TRY(check_is_another(hand_over, &claims, why));
    *claims_out = claims;
    claims = (struct token_claims){};
    return OK;
}

static enum status gather(const struct hand_over *hand_over, struct inheritance *inheritance_out)
{
    const struct platform *const platform = hand_over->platform;
    struct inheritance inheritance = {
        .clock_floor_s = clock_floor_s(platform->service->clock),
        .manifest_version = platform->service->manifest->version,
    };
    if (hand_over->manifest.version > inheritance.manifest_version)
        inheritance.manifest_version = hand_over->manifest.version;
    TRY(store_head(platform->store, &inheritance.head));
    *inheritance_out = inheritance;
    return OK;
}

/* The platform does not keep the master key in memory: it is read from the file again. */
static enum status seal_master(const struct platform *platform, const struct key *recipient, struct refusal *why,
                               json_t **parcel_out)
{
    CLEANUP(secret_done) struct secret own_key = {}, master = {};
    struct master_key_wrapping wrapping;
    TRY(records_wrapping(platform, &own_key, &wrapping));
    TRY(master_key_load(platform->service->configuration->state, true, &wrapping, why, &master));
    const struct key_parcel_route route = {
        .purpose = KEY_PARCEL_HAND_OVER, .deployment = wrapping.deployment, .recipient = recipient};
    return key_parcel_seal(&route, secret_slice(&master), parcel_out);
}

static enum status give_key(struct hand_over *hand_over, struct slice token, const struct tunnel_peer *peer,
                            struct refusal *why, struct buffer *answer)
{
    CLEANUP(token_claims_done) struct token_claims claims = {};
    CLEANUP(json_done) json_t *parcel = NULL;
    struct inheritance inheritance;
    TRY(check_successor(hand_over, token, peer, why, &claims));
    TRY(gather(hand_over, &inheritance));
    TRY(seal_master(hand_over->platform, claims.runtime.keys[KEY_USE_HPKE], why, &parcel));
    TRY(inheritance_write(&inheritance, parcel, answer));
    memcpy(hand_over->heir, peer->key, sizeof(hand_over->heir));
    log_event(LOG_WARNING, "hand_over.key_given", log_text(LOG_DIGEST, hex_of_32(claims.mrenclave).text));
    return OK;
}

static enum status answer_key(struct hand_over *hand_over, const struct http_request *request, struct refusal *why,
                              struct buffer *answer)
{
    static const char *const names[] = {"token", NULL};
    CLEANUP(json_done) json_t *body = NULL;
    struct slice token;
    TRY(json_parse(request->body, KEY_REQUEST_MAX_BYTES, why, &body));
    TRY(json_only(body, "", names, why));
    TRY(json_get_string(body, "", "token", TOKEN_MAX_BYTES, why, &token));
    /* In this order: who gives the store away waits, with the mutex, until nobody is inside. */
    (void)pthread_mutex_lock(&hand_over->mutex);
    enum status status = custody_enter(hand_over->platform->custody, why);
    if (status == OK) {
        status = give_key(hand_over, token, request->peer, why, answer);
        custody_leave(hand_over->platform->custody);
    }
    (void)pthread_mutex_unlock(&hand_over->mutex);
    return status;
}

/* ---- the store ---- */

/* The newer manifest is remembered only now: the successor opens the key file by itself, so that the store is never
 * left to nobody, and from here on this program is not to be started again under an older manifest. */
static enum status close_store(struct hand_over *hand_over, struct refusal *why, struct buffer *answer)
{
    struct platform *const platform = hand_over->platform;
    struct inheritance inheritance;
    TRY(custody_drain(platform->custody, CUSTODY_DRAIN_MS, why));
    TRY(gather(hand_over, &inheritance));
    TRY(inheritance_write(&inheritance, NULL, answer));
    TRY(service_remember_manifest(platform->service, inheritance.manifest_version, why));
    records_close(platform);
    return OK;
}

static enum status give_store(struct hand_over *hand_over, const struct tunnel_peer *peer, struct refusal *why,
                              struct buffer *answer)
{
    struct platform *const platform = hand_over->platform;
    TRY(custody_begin_change(platform->custody, CUSTODY_OPEN, why));
    const bool is_heir = strcmp(hand_over->heir, peer->key) == 0;
    const enum status status =
        is_heir ? close_store(hand_over, why, answer)
                : refuse(why, ERR_PEER_REFUSED, "peer", "the one that was given the master key", "another");
    custody_end_change(platform->custody, status == OK ? CUSTODY_GIVEN : CUSTODY_OPEN);
    if (status == OK) log_event(LOG_WARNING, "hand_over.store_given", log_status(status));
    return status;
}

static enum status answer_store(struct hand_over *hand_over, const struct http_request *request, struct refusal *why,
                                struct buffer *answer)
{
    (void)pthread_mutex_lock(&hand_over->mutex);
    const enum status status = give_store(hand_over, request->peer, why, answer);
    (void)pthread_mutex_unlock(&hand_over->mutex);
    return status;
}

/* ---- the listener ---- */

typedef enum status answer_function(struct hand_over *hand_over, const struct http_request *request,
                                    struct refusal *why, struct buffer *answer);

static void handle(struct hand_over *hand_over, answer_function *make, const struct http_request *request,
                   struct http_response *response)
{
    struct refusal why = {};
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(INHERITANCE_MAX_BYTES);
    const enum status status = make(hand_over, request, &why, &answer);
    if (status == OK) {
        http_respond(response, 200, "application/json", buffer_slice(&answer));
        return;
    }
    if (why.status == OK) (void)!refuse(&why, status, "hand-over", "a platform that can hand over", "one that cannot");
    log_refusal(LOG_WARNING, "hand_over.refused", &why);
    http_respond_problem(response, status == ERR_IO || status == ERR_TIMEOUT ? 503 : 403, NULL, &why);
}

static void handle_key(void *context, const struct http_request *request, struct http_response *response)
{
    handle(context, answer_key, request, response);
}

static void handle_store(void *context, const struct http_request *request, struct http_response *response)
{
    handle(context, answer_store, request, response);
}

static const struct http_route routes[] = {
    {"POST", "/hand-over/key", KEY_REQUEST_MAX_BYTES, handle_key, "application/json"},
    {"POST", "/hand-over/store", 0, handle_store},
};

/* On the tunnel's thread. */
static void on_refusal(void *, const struct refusal *why)
{
    log_refusal(LOG_WARNING, "hand_over.peer_refused", why);
}

static enum status listen_on(struct hand_over *hand_over, const char *address, struct refusal *why)
{
    const struct http_server_options options = {
        .routes = routes,
        .route_count = sizeof(routes) / sizeof(routes[0]),
        .context = hand_over,
        .workers = HAND_OVER_WORKERS,
    };
    TRY(tunnel_endpoint_new(&hand_over->endpoint));
    /* Until a manifest is shown nobody is let in: an attested identity without a rule refuses everybody. */
    TRY(http_server_new(&options, &hand_over->server));
    TRY(tunnel_listen(hand_over->platform->service->tunnel, address, hand_over->endpoint, http_server_on_connection,
                      hand_over->server, why, &hand_over->listener));
    tunnel_listener_on_refusal(hand_over->listener, on_refusal, NULL);
    return OK;
}

enum status hand_over_new(struct platform *platform, const char *address, struct refusal *why,
                          struct hand_over **hand_over_out)
{
    struct hand_over *const hand_over = calloc(1, sizeof(*hand_over));
    if (hand_over == NULL) return ERR_NO_MEMORY;
    hand_over->platform = platform;
    (void)pthread_mutex_init(&hand_over->mutex, NULL);
    const enum status status = listen_on(hand_over, address, why);
    if (status == OK)
        *hand_over_out = hand_over;
    else
        hand_over_free(hand_over);
    return status;
}

void hand_over_free(struct hand_over *hand_over)
{
    if (hand_over == NULL) return;
    tunnel_listener_free(hand_over->listener);
    http_server_free(hand_over->server);
    tunnel_endpoint_free(hand_over->endpoint);
    if (hand_over->has_manifest) manifest_done(&hand_over->manifest);
    (void)pthread_mutex_destroy(&hand_over->mutex);
    free(hand_over);
}

void hand_over_token_arrived(struct hand_over *hand_over, struct slice token)
{
    if (service_show_token(hand_over->platform->service, token, hand_over->endpoint) != OK)
        log_event(LOG_ERROR, "hand_over.token_not_shown", log_status(ERR_INTERNAL));
}
