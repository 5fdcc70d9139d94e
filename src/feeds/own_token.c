/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/own_token.h"

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "evidence/intel.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct own_token {
    struct own_token_options options;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool is_running; /* read by the owner alone */
    bool stopping;
    struct buffer token, quote, runtime_data;
    int64_t valid_until_s;
    int64_t renew_ms, renewed_ms; /* the interval, 0: never; when it was done. Of the thread alone once it runs */
    struct refusal last_failure;
};

static enum status write_request(struct slice quote, struct slice runtime_data, struct buffer *body)
{
    TRY(buffer_append_text(body, "{\"quote\":\""));
    TRY(base64url_encode(quote, body));
    TRY(buffer_append_text(body, "\",\"runtimeData\":{\"data\":\""));
    TRY(base64url_encode(runtime_data, body));
    return buffer_append_text(body, "\",\"dataType\":\"JSON\"}}");
}

static enum status read_answer(const struct http_answer *answer, struct refusal *why, struct buffer *token)
{
    CLEANUP(json_done) json_t *json = NULL;
    TRY(json_parse(buffer_slice(&answer->body), OWN_TOKEN_ANSWER_MAX_BYTES, why, &json));
    if (answer->status != 200) {
        const json_t *const error = json_object_get(json, "error");
        const char *const message = json_string_value(json_object_get(error, "message"));
        return refuse(why, ERR_HTTP_STATUS, "attestation service", "200", "%u: %s", answer->status,
                      message != NULL ? message : "no message");
    }
    struct slice text;
    TRY(json_get_string(json, "", "token", TOKEN_MAX_BYTES, why, &text));
    return buffer_append(token, text);
}

enum status own_token_appraise_remotely(void *context, struct slice quote, struct slice runtime_data,
                                        struct refusal *why, struct buffer *token)
{
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum((QUOTE_MAX_BYTES + RUNTIME_DATA_MAX_BYTES) * 2);
    TRY(write_request(quote, runtime_data, &body));
    const struct http_exchange exchange = {
        .method = "POST",
        .path = "/attest/SgxEnclave?api-version=2022-08-01",
        .content_type = "application/json",
        .body = buffer_slice(&body),
        .max_answer = OWN_TOKEN_ANSWER_MAX_BYTES,
    };
    CLEANUP(http_answer_done) struct http_answer answer = {};
    TRY(http_client_exchange(context, &exchange, why, &answer));
    return read_answer(&answer, why, token);
}

struct fresh {
    struct buffer token, quote, runtime_data;
    struct token_claims claims;
};

static void fresh_done(struct fresh *fresh)
{
    buffer_done(&fresh->token);
    buffer_done(&fresh->quote);
    buffer_done(&fresh->runtime_data);
    token_claims_done(&fresh->claims);
}

/* The token is checked with the same routine and rules that every peer will use: what they would refuse is not shown.
 */
static enum status obtain(const struct own_token_options *options, struct refusal *why, struct fresh *fresh)
{
    fresh->token = buffer_of_maximum(TOKEN_MAX_BYTES);
    fresh->quote = buffer_of_maximum(TEE_EVIDENCE_MAX_BYTES);
    fresh->runtime_data = buffer_of_maximum(RUNTIME_DATA_MAX_BYTES);
    TRY(buffer_append(&fresh->runtime_data, enclave_runtime_data(options->enclave)));
    TRY(enclave_quote(options->enclave, &fresh->quote));
    TRY(options->appraise(options->appraise_context, buffer_slice(&fresh->quote), buffer_slice(&fresh->runtime_data),
                          why, &fresh->token));
    const struct token_expectation expected = {
        .role = options->role,
        .use = KEY_USE_TLS,
        .presented = enclave_key(options->enclave, KEY_USE_TLS),
        .now_s = clock_now_s(options->clock),
    };
    return relying_party_check(buffer_slice(&fresh->token), options->rules, &expected, why, &fresh->claims);
}

static void publish(struct own_token *feed, struct fresh *fresh)
{
    if (!feed->options.is_issuer) clock_raise_floor(feed->options.clock, fresh->claims.issued_s);
    if (feed->options.arrived != NULL)
        feed->options.arrived(feed->options.arrived_context, buffer_slice(&fresh->token), &fresh->claims);
    (void)pthread_mutex_lock(&feed->mutex);
    buffer_done(&feed->token);
    buffer_done(&feed->quote);
    buffer_done(&feed->runtime_data);
    feed->token = buffer_take(&fresh->token);
    feed->quote = buffer_take(&fresh->quote);
    feed->runtime_data = buffer_take(&fresh->runtime_data);
    feed->valid_until_s = fresh->claims.valid_until_s;
    feed->last_failure = (struct refusal){}; /* what comes next is a failure of its own, and is told */
    (void)pthread_mutex_unlock(&feed->mutex);
    log_event(LOG_INFO, "token.fresh", log_number(LOG_TIME, fresh->claims.valid_until_s));
}

static void remember_failure(struct own_token *feed, enum status status, struct refusal *why)
{
    if (why->status == OK) (void)!refuse(why, status, "attestation token", "a fresh token", "none");
    (void)pthread_mutex_lock(&feed->mutex);
    const bool is_new = feed->last_failure.status != why->status;
    feed->last_failure = *why;
    (void)pthread_mutex_unlock(&feed->mutex);
    if (is_new) log_refusal(LOG_WARNING, "token.not_obtained", why);
}

static bool wait_ms(struct own_token *feed, int64_t pause_ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += pause_ms / 1000;
    until.tv_nsec += pause_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&feed->mutex);
    int result = 0;
    while (!feed->stopping && result == 0) result = pthread_cond_timedwait(&feed->wake, &feed->mutex, &until);
    const bool stopping = feed->stopping;
    (void)pthread_mutex_unlock(&feed->mutex);
    return !stopping;
}

static void renew_key_if_due(struct own_token *feed)
{
    const int64_t now_ms = clock_monotonic_ms();
    if (feed->renew_ms == 0 || now_ms - feed->renewed_ms < feed->renew_ms) return;
    const enum status status = enclave_renew_hpke(feed->options.enclave);
    feed->renewed_ms = now_ms;
    log_event(status == OK ? LOG_INFO : LOG_ERROR, "key.renewed", log_status(status));
}

static int64_t until_key_is_due(const struct own_token *feed, int64_t pause_ms)
{
    if (feed->renew_ms == 0) return pause_ms;
    const int64_t left_ms = feed->renewed_ms + feed->renew_ms - clock_monotonic_ms();
    if (left_ms >= pause_ms) return pause_ms;
    return left_ms > 1 ? left_ms : 1;
}

static void *keep_fresh(void *context)
{
    struct own_token *const feed = context;
    int64_t retry_ms = OWN_TOKEN_FIRST_RETRY_MS;
    int64_t pause_ms = 0;
    do {
        CLEANUP(fresh_done) struct fresh fresh = {};
        struct refusal why = {};
        renew_key_if_due(feed);
        const enum status status = obtain(&feed->options, &why, &fresh);
        if (status == OK) {
            publish(feed, &fresh);
            retry_ms = OWN_TOKEN_FIRST_RETRY_MS;
            const int64_t left_s = fresh.claims.valid_until_s - clock_now_s(feed->options.clock);
            pause_ms = until_key_is_due(feed, left_s > 2 ? left_s * 1000 / 2 : 1000);
        } else {
            remember_failure(feed, status, &why);
            pause_ms = retry_ms;
            retry_ms = retry_ms * 2 < OWN_TOKEN_LAST_RETRY_MS ? retry_ms * 2 : OWN_TOKEN_LAST_RETRY_MS;
        }
    } while (wait_ms(feed, pause_ms));
    return NULL;
}

enum status own_token_new(const struct own_token_options *options, struct own_token **feed_out)
{
    struct own_token *const feed = calloc(1, sizeof(*feed));
    if (feed == NULL) return ERR_NO_MEMORY;
    feed->options = *options;
    (void)pthread_mutex_init(&feed->mutex, NULL);
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&feed->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    *feed_out = feed;
    return OK;
}

void own_token_renew_key_every(struct own_token *feed, int64_t interval_ms)
{
    feed->renew_ms = interval_ms;
    feed->renewed_ms = clock_monotonic_ms();
}

enum status own_token_start(struct own_token *feed)
{
    feed->is_running = pthread_create(&feed->thread, NULL, keep_fresh, feed) == 0;
    return feed->is_running ? OK : ERR_NO_MEMORY;
}

void own_token_stop(struct own_token *feed)
{
    if (feed == NULL || !feed->is_running) return;
    (void)pthread_mutex_lock(&feed->mutex);
    feed->stopping = true;
    (void)pthread_cond_signal(&feed->wake);
    (void)pthread_mutex_unlock(&feed->mutex);
    (void)pthread_join(feed->thread, NULL);
    feed->is_running = false;
}

void own_token_free(struct own_token *feed)
{
    if (feed == NULL) return;
    own_token_stop(feed);
    (void)pthread_cond_destroy(&feed->wake);
    (void)pthread_mutex_destroy(&feed->mutex);
    buffer_done(&feed->token);
    buffer_done(&feed->quote);
    buffer_done(&feed->runtime_data);
    free(feed);
}

static enum status append_if_asked(struct buffer *to, const struct buffer *from)
{
    return to == NULL ? OK : buffer_append(to, buffer_slice(from));
}

static enum status copy_out(const struct own_token *feed, struct refusal *why, struct buffer *token,
                            struct buffer *quote, struct buffer *runtime_data)
{
    if (feed->token.size == 0 || clock_now_s(feed->options.clock) >= feed->valid_until_s) {
        if (why != NULL) *why = feed->last_failure;
        return ERR_FEED_STALE;
    }
    TRY(append_if_asked(token, &feed->token));
    TRY(append_if_asked(quote, &feed->quote));
    return append_if_asked(runtime_data, &feed->runtime_data);
}

enum status own_token_get(struct own_token *feed, struct refusal *why, struct buffer *token, struct buffer *quote,
                          struct buffer *runtime_data)
{
    (void)pthread_mutex_lock(&feed->mutex);
    const enum status status = copy_out(feed, why, token, quote, runtime_data);
    (void)pthread_mutex_unlock(&feed->mutex);
    return status;
}
