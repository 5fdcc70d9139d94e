/* SPDX-License-Identifier: Apache-2.0
 *
 * lazaret-platform: the confidential web API.
 */
#include "platform/platform.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

enum {
    TLS_FILE_MAX_BYTES = 64 * 1024,
    PLATFORM_WORKERS = 12,
    KEY_RENEW_S = 24 * 3600,
    KEY_RENEW_MAX_S = 7 * 24 * 3600
};

static enum status read_origins(const json_t *json, struct refusal *why, struct platform_configuration *own)
{
    if (!json_has(json, "portal_origins")) return OK;
    json_t *origins;
    TRY(json_get_array(json, "", "portal_origins", PLATFORM_ORIGIN_MAX_COUNT, why, &origins));
    for (size_t i = 0; i < json_array_size(origins); i++) {
        const char *const origin = json_string_value(json_array_get(origins, i));
        if (origin == NULL || strlen(origin) > ADDRESS_MAX_BYTES)
            return refuse(why, ERR_FIELD_VALUE, "portal_origins", "origins such as https://portal.example",
                          "something else");
        (void)snprintf(own->origins[own->origin_count++], ADDRESS_MAX_BYTES + 1, "%s", origin);
    }
    return OK;
}

static enum status read_hand_over(const json_t *json, struct refusal *why, struct platform_configuration *own)
{
    static const char *const names[] = {"listen", NULL};
    json_t *hand_over;
    if (!json_has(json, "hand_over")) return OK;
    TRY(json_get_object(json, "", "hand_over", why, &hand_over));
    TRY(json_only(hand_over, "hand_over", names, why));
    return configuration_text(hand_over, "hand_over", "listen", ADDRESS_MAX_BYTES, why, own->hand_over);
}

static enum status read_predecessor(const struct configuration *configuration, struct refusal *why,
                                    struct platform_configuration *own)
{
    static const char *const names[] = {"url", "ca", "hand_over", NULL};
    struct successor_options *const options = &own->predecessor;
    json_t *predecessor;
    if (!json_has(configuration->json, "predecessor")) return OK;
    TRY(json_get_object(configuration->json, "", "predecessor", why, &predecessor));
    TRY(json_only(predecessor, "predecessor", names, why));
    TRY(configuration_text(predecessor, "predecessor", "url", ADDRESS_MAX_BYTES, why, options->url));
    if (json_has(predecessor, "ca"))
        TRY(configuration_path(configuration, predecessor, "predecessor", "ca", why, options->ca));
    return configuration_text(predecessor, "predecessor", "hand_over", ADDRESS_MAX_BYTES, why, options->hand_over);
}

static enum status read_sealed_key(const json_t *json, struct refusal *why, struct platform_configuration *own)
{
    static const char *const names[] = {"renew_s", "accept_s", "hold_s", NULL};
    static const char path[] = "sealed_key";
    own->key_renew_s = KEY_RENEW_S;
    own->key_accept_s = SEALED_KEY_ACCEPT_S;
    own->key_hold_s = SEALED_KEY_HOLD_S;
    if (!json_has(json, path)) return OK;
    json_t *object;
    TRY(json_get_object(json, "", path, why, &object));
    TRY(json_only(object, path, names, why));
    TRY(json_get_integer(object, path, "renew_s", 1, KEY_RENEW_MAX_S, why, &own->key_renew_s));
    TRY(json_get_integer(object, path, "accept_s", 1, KEY_RENEW_MAX_S, why, &own->key_accept_s));
    TRY(json_get_integer(object, path, "hold_s", 1, KEY_RENEW_MAX_S, why, &own->key_hold_s));
    /* So that SEALED_KEYS_MAX_COUNT are enough: the present one, and those of two intervals. */
    if (own->key_accept_s + own->key_hold_s <= 2 * own->key_renew_s) return OK;
    return refuse(why, ERR_CONFIG, path, "accept_s and hold_s of at most twice renew_s together", "%lld",
                  (long long)(own->key_accept_s + own->key_hold_s));
}

static enum status configure(void *context, const struct configuration *configuration, struct refusal *why)
{
    struct platform *const platform = context;
    struct platform_configuration *const own = &platform->configuration;
    const json_t *const json = configuration->json;
    static const char *const tls_names[] = {"certificate", "key", NULL};
    json_t *tls;
    TRY(json_get_object(json, "", "tls", why, &tls));
    TRY(json_only(tls, "tls", tls_names, why));
    TRY(configuration_path(configuration, tls, "tls", "certificate", why, own->certificate));
    TRY(configuration_path(configuration, tls, "tls", "key", why, own->private_key));
    TRY(configuration_text(json, "", "gate", ADDRESS_MAX_BYTES, why, own->gate));
    TRY(configuration_text(json, "", "diagnosis", ADDRESS_MAX_BYTES, why, own->diagnosis));
    TRY(read_hand_over(json, why, own));
    TRY(read_predecessor(configuration, why, own));
    TRY(read_sealed_key(json, why, own));
    return read_origins(json, why, own);
}

static enum status allow_hand_over(const struct platform_configuration *own, struct sandbox *sandbox,
                                   struct refusal *why)
{
    if (own->hand_over[0] != '\0') TRY(service_allow_listening(sandbox, own->hand_over, why));
    if (own->predecessor.hand_over[0] == '\0') return OK;
    TRY(sandbox_allow(sandbox, SANDBOX_READ, own->predecessor.ca));
    TRY(service_allow_url(sandbox, own->predecessor.url, why));
    return service_allow_dialling(sandbox, own->predecessor.hand_over, why);
}

static enum status allow(void *context, const struct configuration *, struct sandbox *sandbox, struct refusal *why)
{
    const struct platform_configuration *const own = &((const struct platform *)context)->configuration;
    TRY(sandbox_allow(sandbox, SANDBOX_READ, own->certificate));
    TRY(sandbox_allow(sandbox, SANDBOX_READ, own->private_key));
    TRY(allow_hand_over(own, sandbox, why));
    TRY(service_allow_dialling(sandbox, own->gate, why));
    return service_allow_dialling(sandbox, own->diagnosis, why);
}

static enum status before_threads(void *context, struct service *, struct refusal *why)
{
    struct platform *const platform = context;
    return decoder_start(why, &platform->decoder);
}

static enum status store_head_for_chain(void *context, char store_id_out[static RECORD_ID_BYTES + 1],
                                        int64_t *generation_out, uint8_t head_out[static 32])
{
    const struct platform *const platform = context;
    struct store_head head;
    TRY(custody_enter(platform->custody, NULL));
    const enum status status = store_head(platform->store, &head);
    custody_leave(platform->custody);
    TRY(status);
    memcpy(store_id_out, head.store.text, sizeof(head.store.text));
    *generation_out = (int64_t)head.generation;
    memcpy(head_out, head.head, sizeof(head.head));
    return OK;
}

static enum status open_chain(struct platform *platform, struct refusal *why)
{
    TRY(diagnosis_client_new(platform->service, platform->configuration.diagnosis, why, &platform->diagnosis));
    const struct chain_options options = {
        .service = platform->service,
        .addresses = {platform->configuration.gate, platform->configuration.diagnosis},
        .store_head = store_head_for_chain,
        .store_context = platform,
    };
    return chain_new(&options, why, &platform->chain);
}

static enum status open_keys(struct platform *platform)
{
    const struct platform_configuration *const own = &platform->configuration;
    const struct sealed_keys_options options = {
        .window_count = REPLAY_MAX_COUNT,
        .accept_ms = own->key_accept_s * 1000,
        .hold_ms = own->key_hold_s * 1000,
    };
    own_token_renew_key_every(platform->service->token, own->key_renew_s * 1000);
    return sealed_keys_new(&options, &platform->sealed_keys);
}

static enum status open_server(struct platform *platform)
{
    struct http_server_options options = {
        .routes = public_routes,
        .route_count = public_route_count,
        .context = platform,
        .workers = PLATFORM_WORKERS,
        .limits = platform->service->configuration->http_limits,
    };
    for (size_t i = 0; i < platform->configuration.origin_count; i++)
        options.allowed_origins[i] = platform->configuration.origins[i];
    return http_server_new(&options, &platform->server);
}

/* The outer TLS: its key is a file of the host, because it protects nothing that the seal does not. */
static enum status open_listener(struct platform *platform, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer certificate = buffer_of_maximum(TLS_FILE_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer private_key = buffer_of_maximum(TLS_FILE_MAX_BYTES);
    TRY(file_read(platform->configuration.certificate, why, &certificate));
    TRY(file_read(platform->configuration.private_key, why, &private_key));
    struct tunnel_identity *identity = NULL;
    TRY(tunnel_identity_web(buffer_slice(&certificate), buffer_slice(&private_key), why, &identity));
    TRY(tunnel_endpoint_new(&platform->public_endpoint));
    tunnel_endpoint_set_identity(platform->public_endpoint, identity);
    TRY(tunnel_listen(platform->service->tunnel, platform->service->configuration->listen, platform->public_endpoint,
                      http_server_on_connection, platform->server, why, &platform->listener));
    return service_listening(platform->service, tunnel_listener_port(platform->listener), why);
}

/* After the chain, whose statements they change; before the public listener, which takes a successor's manifest. */
static enum status open_hand_over(struct platform *platform, struct refusal *why)
{
    const struct platform_configuration *const own = &platform->configuration;
    if (own->hand_over[0] != '\0') TRY(hand_over_new(platform, own->hand_over, why, &platform->hand_over));
    if (own->predecessor.hand_over[0] == '\0' || custody_now(platform->custody) != CUSTODY_LOCKED) return OK;
    return successor_new(platform, &own->predecessor, why, &platform->successor);
}

static enum status start(void *context, struct service *service, struct refusal *why)
{
    struct platform *const platform = context;
    platform->service = service;
    TRY(open_keys(platform));
    atomic_init(&platform->long_work, PLATFORM_WORKERS - PLATFORM_WORKERS_AT_HAND);
    TRY(gate_client_new(service, platform->configuration.gate, why, &platform->gate));
    TRY(custody_new(&platform->custody));
    TRY(records_start(platform, why));
    TRY(open_chain(platform, why));
    TRY(open_hand_over(platform, why));
    TRY(open_server(platform));
    return open_listener(platform, why);
}

static void token_arrived(void *context, struct service *service, struct slice token, const struct token_claims *)
{
    struct platform *const platform = context;
    /* Before the token is handed out: who reads the key in it can use it at once. */
    if (sealed_keys_show(platform->sealed_keys, enclave_key(service->enclave, KEY_USE_HPKE), clock_monotonic_ms()) !=
        OK)
        log_event(LOG_ERROR, "sealed_key.not_shown", log_status(ERR_NO_MEMORY));
    if (gate_client_token_arrived(platform->gate, token) != OK)
        log_event(LOG_ERROR, "gate.token_not_shown", log_status(ERR_INTERNAL));
    diagnosis_client_token_arrived(platform->diagnosis, token);
    chain_token_arrived(platform->chain, token);
    if (platform->hand_over != NULL) hand_over_token_arrived(platform->hand_over, token);
    if (platform->successor != NULL) successor_token_arrived(platform->successor, token);
}

static void interrupt(void *context)
{
    struct platform *const platform = context;
    diagnosis_client_interrupt(platform->diagnosis);
}

static void stop(void *context)
{
    struct platform *const platform = context;
    /* First, because it feeds the server. */
    tunnel_listener_free(platform->listener);
    http_server_free(platform->server);
    successor_free(platform->successor);
    hand_over_free(platform->hand_over);
    chain_free(platform->chain);
    diagnosis_client_free(platform->diagnosis);
    records_close(platform);
    custody_free(platform->custody);
    sealed_keys_free(platform->sealed_keys);
    decoder_stop(platform->decoder);
    gate_client_free(platform->gate);
    tunnel_endpoint_free(platform->public_endpoint);
}

static bool cache_answers(struct platform *platform)
{
    if (custody_enter(platform->custody, NULL) != OK) return false;
    platform_hold_gate(platform);
    const enum status status = cache_ping(platform->cache);
    custody_leave(platform->custody);
    return status == OK;
}

static bool has_records(struct platform *platform, struct refusal *why)
{
    if (custody_enter(platform->custody, why) != OK) return false;
    custody_leave(platform->custody);
    return true;
}

/* Without its records it serves nobody. Without the cache nobody can sign in; without the diagnosis nothing can be
 * read. Both are said, nothing is lost. */
static bool is_ready(void *context, struct refusal *why)
{
    struct platform *const platform = context;
    if (!has_records(platform, why)) return false;
    static const struct {
        enum chain_hop_kind kind;
        const char *name, *consequence;
    } hops[] = {
        {CHAIN_GATE, "cache gate", "new sessions are refused until the cache is back; nothing is lost"},
        {CHAIN_DIAGNOSIS, "diagnosis service", "no diagnosis until it is back; nothing is lost"},
    };
    for (size_t i = 0; i < sizeof(hops) / sizeof(hops[0]); i++) {
        enum chain_verdict verdict;
        char key[THUMBPRINT_TEXT_BYTES + 1];
        if (chain_hop(platform->chain, hops[i].kind, &verdict, key, NULL) == OK && verdict == CHAIN_ACCEPTED) continue;
        (void)!refuse(why, ERR_CONNECT, hops[i].name, "verified", "%s",
                      verdict == CHAIN_REFUSED ? "refused" : "not reached");
        (void)!refuse_fix(why, ERR_CONNECT, hops[i].consequence);
        return false;
    }
    if (cache_answers(platform)) return true;
    (void)!refuse(why, ERR_CACHE, "cache", "an answer", "none");
    (void)!refuse_fix(why, ERR_CACHE, hops[0].consequence);
    return false;
}

int main(int count, char **arguments)
{
    static struct platform platform;
    static const char *const own_names[] = {"tls",       "gate",        "diagnosis",  "portal_origins",
                                            "hand_over", "predecessor", "sealed_key", NULL};
    static const struct service_program program = {
        .name = "lazaret-platform",
        .role = "platform",
        .summary = "the confidential web API: sealed requests, sealed records, films, orders",
        .configuration_help =
            "  tls             {\"certificate\": PEM chain, \"key\": PEM} of the public HTTPS listener (required)\n"
            "  gate            address of the gate before Redis, \"host:port\" (required)\n"
            "  diagnosis       address of the diagnosis service, \"host:port\" (required)\n"
            "  portal_origins  origins whose pages may call, such as [\"https://portal.example\"]\n"
            "  sealed_key      {\"renew_s\", \"accept_s\", \"hold_s\"}: seconds between HPKE keys (86400), for which "
            "the one "
            "before\n"
            "                  is accepted beside the new one (3600), and then known as retired (3600)\n"
            "  hand_over       {\"listen\": \"host:port\"}: where a successor may ask for the records\n"
            "  predecessor     {\"url\": its public address, \"ca\"?: PEM file, \"hand_over\": \"host:port\"}: whom to "
            "ask\n"
            "                  for the records while they are locked\n",
        .own_names = own_names,
        .has_hpke = true,
        .configure = configure,
        .before_threads = before_threads,
        .allow = allow,
        .start = start,
        .token_arrived = token_arrived,
        .interrupt = interrupt,
        .stop = stop,
        .is_ready = is_ready,
    };
    return service_main(&program, &platform, count, arguments);
}
