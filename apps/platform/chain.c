/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/chain.h"

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "token/jws.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STATEMENT_REFRESH_S = 60, REASON_BYTES = 512 };

static const char *const hop_services[CHAIN_HOP_COUNT] = {"gate", "diagnosis"};

struct hop {
    struct tunnel_endpoint *endpoint;
    enum chain_verdict verdict;
    enum status code;
    char reason[REASON_BYTES];
    char key[THUMBPRINT_TEXT_BYTES + 1];
    struct buffer token;
    int64_t checked_s;
};

/* A statement that was given out: good while the chain is still in the same epoch. */
struct issued {
    char hash[THUMBPRINT_TEXT_BYTES + 1];
    int64_t issued_s;
    uint64_t epoch;
};

struct chain {
    struct chain_options options;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake, looked;
    bool is_stopping, is_check_wanted;
    uint64_t looks_begun, looks_ended;
    struct hop hops[CHAIN_HOP_COUNT];
    uint64_t epoch; /* changes whenever a hop's key or verdict does; 0 before the first check */
    struct buffer statement;
    int64_t statement_issued_s;
    struct issued kept[CHAIN_KEPT_STATEMENTS];
    size_t next_kept;
};

static void lock(struct chain *chain)
{
    (void)pthread_mutex_lock(&chain->mutex);
}

static void unlock(struct chain *chain)
{
    (void)pthread_mutex_unlock(&chain->mutex);
}

static int64_t now_s(const struct chain *chain)
{
    return clock_now_s(chain->options.service->clock);
}

/* A clock that was ahead leaves what was signed then in the future: it is as over as what is too old. */
static bool is_within(const struct chain *chain, int64_t issued_s, int64_t life_s)
{
    const int64_t age_s = now_s(chain) - issued_s;
    return age_s >= 0 && age_s < life_s;
}

/* What one look at a hop found; gathered without the lock, because it takes network time. */
struct finding {
    enum chain_verdict verdict;
    enum status code;
    char reason[REASON_BYTES];
    char key[THUMBPRINT_TEXT_BYTES + 1];
    struct buffer token;
};

static enum chain_verdict verdict_of(enum status status)
{
    switch (status) {
    case OK: return CHAIN_ACCEPTED;
    case ERR_CONNECT:
    case ERR_TIMEOUT:
    case ERR_CLOSED:
    case ERR_IO:
    case ERR_BUSY: return CHAIN_UNREACHABLE;
    default: return CHAIN_REFUSED;
    }
}

static void look_at_hop(const struct chain *chain, enum chain_hop_kind kind, struct finding *finding)
{
    finding->token = buffer_of_maximum(TOKEN_MAX_BYTES);
    const struct tunnel_target target = {
        .address = chain->options.addresses[kind],
        .endpoint = chain->hops[kind].endpoint,
    };
    struct tunnel_peer peer = {};
    struct refusal why = {};
    const enum status status =
        tunnel_probe(chain->options.service->tunnel, &target, CHAIN_HOP_TIMEOUT_MS, &why, &finding->token, &peer);
    finding->verdict = verdict_of(status);
    finding->code = status == ERR_PEER_REFUSED && why.status != OK ? why.status : status;
    if (status == OK) {
        (void)snprintf(finding->key, sizeof(finding->key), "%s", peer.key);
        (void)snprintf(finding->reason, sizeof(finding->reason), "the token and its key are accepted by the manifest");
    } else if (why.status != OK) {
        refusal_text(&why, finding->reason, sizeof(finding->reason));
    } else {
        (void)snprintf(finding->reason, sizeof(finding->reason), "%s", status_text(status));
    }
}

/* True if the hop now shows another key or has another verdict. */
static bool take_finding(struct hop *hop, struct finding *finding, int64_t checked_s)
{
    const bool changed = hop->verdict != finding->verdict || strcmp(hop->key, finding->key) != 0;
    hop->verdict = finding->verdict;
    hop->code = finding->code;
    hop->checked_s = checked_s;
    memcpy(hop->reason, finding->reason, sizeof(hop->reason));
    memcpy(hop->key, finding->key, sizeof(hop->key));
    buffer_done(&hop->token);
    hop->token = buffer_take(&finding->token);
    return changed;
}

static void check_hops(struct chain *chain)
{
    struct finding findings[CHAIN_HOP_COUNT] = {};
    for (size_t kind = 0; kind < CHAIN_HOP_COUNT; kind++)
        look_at_hop(chain, (enum chain_hop_kind)kind, &findings[kind]);
    lock(chain);
    bool changed = chain->epoch == 0;
    for (size_t kind = 0; kind < CHAIN_HOP_COUNT; kind++) {
        const bool hop_changed = take_finding(&chain->hops[kind], &findings[kind], now_s(chain));
        changed = changed || hop_changed;
        if (hop_changed)
            log_event(LOG_INFO, "chain.hop", log_text(LOG_ROLE, hop_services[kind]),
                      log_status(chain->hops[kind].code));
    }
    if (changed) {
        chain->epoch++;
        buffer_clear(&chain->statement);
    }
    unlock(chain);
    for (size_t kind = 0; kind < CHAIN_HOP_COUNT; kind++) buffer_done(&findings[kind].token);
}

/* Before the platform has a token there is nothing to check: chain_token_arrived asks for the first look. */
static int64_t pause_ms(const struct chain *chain)
{
    if (chain->epoch == 0) return CHAIN_CHECK_MS;
    for (size_t kind = 0; kind < CHAIN_HOP_COUNT; kind++) {
        if (chain->hops[kind].verdict != CHAIN_ACCEPTED) return CHAIN_RETRY_MS;
    }
    return CHAIN_CHECK_MS;
}

static bool wait_for_next_check(struct chain *chain)
{
    lock(chain);
    const int64_t until_ms = clock_monotonic_ms() + pause_ms(chain);
    const struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    int result = 0;
    while (!chain->is_stopping && !chain->is_check_wanted && result == 0)
        result = pthread_cond_timedwait(&chain->wake, &chain->mutex, &until);
    chain->is_check_wanted = false;
    chain->looks_begun++;
    const bool goes_on = !chain->is_stopping;
    unlock(chain);
    return goes_on;
}

static void end_look(struct chain *chain)
{
    lock(chain);
    chain->looks_ended = chain->looks_begun;
    (void)pthread_cond_broadcast(&chain->looked);
    unlock(chain);
}

/* The hops refuse a caller without a token, so the first check waits for the platform's own. */
static void *keep_checked(void *context)
{
    struct chain *const chain = context;
    while (wait_for_next_check(chain)) {
        check_hops(chain);
        end_look(chain);
    }
    return NULL;
}

/* Under the lock. */
static void want_check(struct chain *chain)
{
    chain->is_check_wanted = true;
    (void)pthread_cond_signal(&chain->wake);
}

void chain_look_again(struct chain *chain)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += CHAIN_LOOK_TIMEOUT_MS / 1000;
    lock(chain);
    const uint64_t wanted = chain->looks_begun + 1;
    want_check(chain);
    int result = 0;
    while (chain->looks_ended < wanted && !chain->is_stopping && result == 0)
        result = pthread_cond_timedwait(&chain->looked, &chain->mutex, &until);
    unlock(chain);
}

void chain_token_arrived(struct chain *chain, struct slice token)
{
    for (size_t kind = 0; kind < CHAIN_HOP_COUNT; kind++) {
        if (service_show_token(chain->options.service, token, chain->hops[kind].endpoint) != OK)
            log_event(LOG_ERROR, "chain.token_not_shown", log_text(LOG_ROLE, hop_services[kind]));
    }
    lock(chain);
    want_check(chain);
    unlock(chain);
}

static const char *verdict_name(enum chain_verdict verdict)
{
    static const char *const names[] = {"unreachable", "refused", "accepted"};
    return names[verdict];
}

static json_t *text_or_null(struct slice text)
{
    return text.size == 0 ? json_null() : json_stringn((const char *)text.bytes, text.size);
}

static json_t *hop_json(const struct hop *hop, const char *service)
{
    return json_pack("{s:s, s:o, s:o, s:s, s:s, s:s, s:I}", "service", service, "token",
                     text_or_null(buffer_slice(&hop->token)), "key", text_or_null(slice_of_text(hop->key)), "verdict",
                     verdict_name(hop->verdict), "reason", hop->reason, "code", status_name(hop->code), "checked",
                     (json_int_t)hop->checked_s);
}

static enum status heads_json(const struct chain *chain, json_t **heads_out)
{
    char store_id[RECORD_ID_BYTES + 1] = {};
    int64_t generation = 0;
    uint8_t head[32] = {};
    const enum status status = chain->options.store_head(chain->options.store_context, store_id, &generation, head);
    if (status == ERR_STORE_LOCKED) {
        *heads_out = json_array();
        return *heads_out == NULL ? ERR_NO_MEMORY : OK;
    }
    TRY(status);
    *heads_out = json_pack("[{s:s, s:I, s:s}]", "store", store_id, "generation", (json_int_t)generation, "head",
                           base64url_of_32(head).text);
    return *heads_out == NULL ? ERR_NO_MEMORY : OK;
}

static enum status statement_payload(const struct chain *chain, int64_t issued_s, json_t **payload_out)
{
    const struct manifest *const manifest = chain->options.service->manifest;
    CLEANUP(json_done) json_t *hops = json_array();
    for (size_t kind = 0; kind < CHAIN_HOP_COUNT; kind++) {
        if (json_array_append_new(hops, hop_json(&chain->hops[kind], hop_services[kind])) != 0) return ERR_NO_MEMORY;
    }
    CLEANUP(json_done) json_t *heads = NULL;
    TRY(heads_json(chain, &heads));
    json_t *const payload =
        json_pack("{s:s, s:I, s:I, s:s, s:I, s:s, s:O, s:O}", "aud", "portal", "iat", (json_int_t)issued_s, "exp",
                  (json_int_t)(issued_s + CHAIN_STATEMENT_LIFE_S), "deployment", manifest->deployment,
                  "manifest_version", (json_int_t)manifest->version, "manifest_hash",
                  base64url_of_32(manifest->digest).text, "heads", heads, "hops", hops);
    if (payload == NULL) return ERR_NO_MEMORY;
    *payload_out = payload;
    return OK;
}

static enum status remember(struct chain *chain, int64_t issued_s)
{
    uint8_t digest[32];
    TRY(jws_hash(buffer_slice(&chain->statement), digest));
    struct issued *const kept = &chain->kept[chain->next_kept];
    chain->next_kept = (chain->next_kept + 1) % CHAIN_KEPT_STATEMENTS;
    memcpy(kept->hash, base64url_of_32(digest).text, sizeof(kept->hash));
    kept->issued_s = issued_s;
    kept->epoch = chain->epoch;
    return OK;
}

static enum status sign_statement(struct chain *chain)
{
    const int64_t issued_s = now_s(chain);
    CLEANUP(json_done) json_t *payload = NULL;
    TRY(statement_payload(chain, issued_s, &payload));
    const struct key *const key = enclave_key(chain->options.service->enclave, KEY_USE_SIGN);
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    TRY(key_thumbprint(key, thumbprint));
    buffer_clear(&chain->statement);
    TRY(jws_sign(JWS_TYP_STATEMENT, base64url_of_32(thumbprint).text, NULL, payload, key, &chain->statement));
    chain->statement_issued_s = issued_s;
    return remember(chain, issued_s);
}

static enum status current_statement(struct chain *chain, struct buffer *jws)
{
    if (chain->epoch == 0) return ERR_FEED_STALE;
    const bool is_fresh = chain->statement.size > 0 && is_within(chain, chain->statement_issued_s, STATEMENT_REFRESH_S);
    if (!is_fresh) TRY(sign_statement(chain));
    return buffer_append(jws, buffer_slice(&chain->statement));
}

enum status chain_statement(struct chain *chain, struct buffer *jws)
{
    lock(chain);
    const enum status status = current_statement(chain, jws);
    unlock(chain);
    return status;
}

void chain_forget_statements(struct chain *chain)
{
    lock(chain);
    if (chain->epoch != 0) chain->epoch++;
    buffer_clear(&chain->statement);
    unlock(chain);
}

bool chain_accepts(struct chain *chain, struct slice statement_hash)
{
    bool accepts = false;
    lock(chain);
    for (size_t i = 0; i < CHAIN_KEPT_STATEMENTS && !accepts; i++) {
        const struct issued *const kept = &chain->kept[i];
        accepts = kept->epoch == chain->epoch && kept->epoch != 0 &&
                  is_within(chain, kept->issued_s, CHAIN_STATEMENT_LIFE_S) &&
                  slice_equal_text(statement_hash, kept->hash);
    }
    unlock(chain);
    return accepts;
}

enum status chain_hop(struct chain *chain, enum chain_hop_kind kind, enum chain_verdict *verdict_out,
                      char key_out[static THUMBPRINT_TEXT_BYTES + 1], struct buffer *token)
{
    lock(chain);
    const struct hop *const hop = &chain->hops[kind];
    *verdict_out = hop->verdict;
    memcpy(key_out, hop->key, THUMBPRINT_TEXT_BYTES + 1);
    const enum status status = token == NULL ? OK : buffer_append(token, buffer_slice(&hop->token));
    unlock(chain);
    return status;
}

static enum status open_hop(struct chain *chain, enum chain_hop_kind kind, struct refusal *why)
{
    const struct service *const service = chain->options.service;
    const struct role_rule *const role = manifest_role(service->manifest, hop_services[kind]);
    if (role == NULL) return refuse(why, ERR_MANIFEST, "manifest.roles", hop_services[kind], "no rule for this hop");
    TRY(tunnel_endpoint_new(&chain->hops[kind].endpoint));
    const struct tunnel_peer_rule rule = {.rules = &service->manifest->relying_party, .roles = {role}, .role_count = 1};
    tunnel_endpoint_set_rule(chain->hops[kind].endpoint, &rule);
    return OK;
}

static enum status start_thread(struct chain *chain)
{
    (void)pthread_mutex_init(&chain->mutex, NULL);
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&chain->wake, &monotonic);
    (void)pthread_cond_init(&chain->looked, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return pthread_create(&chain->thread, NULL, keep_checked, chain) == 0 ? OK : ERR_NO_MEMORY;
}

static void free_parts(struct chain *chain)
{
    for (size_t kind = 0; kind < CHAIN_HOP_COUNT; kind++) {
        tunnel_endpoint_free(chain->hops[kind].endpoint);
        buffer_done(&chain->hops[kind].token);
    }
    buffer_done(&chain->statement);
    free(chain);
}

enum status chain_new(const struct chain_options *options, struct refusal *why, struct chain **chain_out)
{
    struct chain *const chain = calloc(1, sizeof(*chain));
    if (chain == NULL) return ERR_NO_MEMORY;
    chain->options = *options;
    chain->statement = buffer_of_maximum(STATEMENT_MAX_BYTES);
    enum status status = OK;
    for (size_t kind = 0; kind < CHAIN_HOP_COUNT && status == OK; kind++)
        status = open_hop(chain, (enum chain_hop_kind)kind, why);
    if (status == OK) status = start_thread(chain);
    if (status != OK) {
        free_parts(chain);
        return status;
    }
    *chain_out = chain;
    return OK;
}

void chain_free(struct chain *chain)
{
    if (chain == NULL) return;
    lock(chain);
    chain->is_stopping = true;
    (void)pthread_cond_signal(&chain->wake);
    unlock(chain);
    (void)pthread_join(chain->thread, NULL);
    (void)pthread_cond_destroy(&chain->wake);
    (void)pthread_cond_destroy(&chain->looked);
    (void)pthread_mutex_destroy(&chain->mutex);
    free_parts(chain);
}
