/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of what the platform answers inside the sealed channel, and the checks before each handler.
 */
#include "base/log.h"
#include "platform/platform.h"
#include "records/idempotency.h"

#include <stdio.h>
#include <string.h>

static const struct inner_route routes[] = {
    {"POST", "/session", INNER_NOBODY, false, session_create},
    {"GET", "/session", INNER_ANYBODY, true, session_show},
    {"DELETE", "/session", INNER_NOBODY, false, session_end}, /* also one that is over: a retry is no failure */
    {"POST", "/accounts", INNER_ADMINISTRATOR, false, account_create},
    {"GET", "/accounts", INNER_ADMINISTRATOR, false, account_list_all},
    {"POST", "/fhir", INNER_STAFF, false, fhir_transaction},
    {"POST", "/fhir/ServiceRequest", INNER_STAFF, false, order_create},
    {"POST", "/fhir/{}", INNER_STAFF, false, fhir_create},
    {"GET", "/fhir/{}", INNER_STAFF, false, fhir_search},
    {"GET", "/fhir/{}/{}", INNER_STAFF, false, fhir_read},
    {"PUT", "/fhir/{}/{}", INNER_STAFF, false, fhir_update},
    {"GET", "/fhir/Patient/{}/$everything", INNER_STAFF, false, fhir_everything},
    {"POST", "/films", INNER_STAFF, false, film_create},
    {"GET", "/films/{}", INNER_STAFF, false, film_show},
    {"DELETE", "/films/{}", INNER_STAFF, false, film_cancel},
    {"PUT", "/films/{}/parts/{}", INNER_STAFF, false, film_put_part},
    {"POST", "/films/{}/complete", INNER_STAFF, false, film_complete},
    {"GET", "/films/{}/image", INNER_STAFF, false, film_image},
    {"GET", "/inbox", INNER_CLINICIAN, false, inbox_list},
    {"POST", "/inbox/{}/acknowledge", INNER_CLINICIAN, false, inbox_acknowledge},
};

static struct slice field(const struct bhttp_request *message, const char *name)
{
    return bhttp_field(message->fields, message->field_count, name);
}

static bool is_fhir_path(struct slice path)
{
    return slice_starts_with(path, SLICE_LITERAL("/fhir"));
}

/* The request names a statement under which the platform may serve it; otherwise it gets the new one, and nothing is
 * done. */
bool statement_is_good(struct platform *platform, const struct bhttp_request *message)
{
    return chain_accepts(platform->chain, field(message, "lazaret-statement"));
}

void platform_answer_chain_changed(struct platform *platform, struct inner_response *response)
{
    CLEANUP(buffer_done) struct buffer statement = buffer_of_maximum(STATEMENT_MAX_BYTES);
    json_t *const problem = json_pack("{s:s, s:s, s:i, s:s}", "type", "urn:lazaret:problem:chain-changed", "title",
                                      "the chain changed since it was verified; nothing was done", "status", 409, "fix",
                                      "verify the chain anew, then send the request again");
    if (chain_statement(platform->chain, &statement) == OK)
        (void)json_object_set_new(problem, "statement", json_stringn((const char *)statement.bytes, statement.size));
    inner_forget_fields(response);
    if (inner_json(response, 409, problem) != OK)
        inner_empty(response, 409);
    else
        response->content_type = "application/problem+json";
}

enum status long_work_begin(struct platform *platform, struct refusal *why, struct inner_response *response,
                            struct long_work *work_out)
{
    if (atomic_fetch_sub(&platform->long_work, 1) <= 0) {
        (void)atomic_fetch_add(&platform->long_work, 1);
        (void)!inner_field(response, "retry-after", "1");
        (void)!refuse(why, ERR_BUSY, "request", "fewer films and orders at the same time", "too many");
        return refuse_fix(why, ERR_BUSY, "send it again in a second");
    }
    work_out->platform = platform;
    return OK;
}

void long_work_end(struct long_work *work)
{
    if (work->platform != NULL) (void)atomic_fetch_add(&work->platform->long_work, 1);
}

void platform_hold_gate(struct platform *platform)
{
    enum chain_verdict verdict;
    char key[THUMBPRINT_TEXT_BYTES + 1];
    const bool is_known = chain_hop(platform->chain, CHAIN_GATE, &verdict, key, NULL) == OK;
    const bool is_accepted = is_known && verdict == CHAIN_ACCEPTED;
    if (gate_client_hold(platform->gate, is_accepted ? key : "")) cache_forget_connections(platform->cache);
}

enum status session_in(const struct bhttp_request *message, struct refusal *why, struct slice *session_out)
{
    const struct slice text = field(message, "authorization");
    const struct slice scheme = SLICE_LITERAL("Bearer ");
    if (!slice_starts_with(text, scheme))
        return refuse(why, ERR_SESSION, "authorization", "Bearer and a session", "none");
    *session_out = slice_part(text, scheme.size, text.size);
    return OK;
}

static enum status check_session(struct platform *platform, struct inner_request *request, struct refusal *why,
                                 struct session *session)
{
    TRY(session_in(request->message, why, &request->session));
    TRY(session_find(platform, request->session, request->now_s, why, session));
    request->account = &session->account;
    return OK;
}

static enum status check_role(const struct inner_route *route, const struct account *account, struct refusal *why)
{
    if ((route->roles & (1U << account->role)) != 0) return OK;
    return refuse(why, ERR_FORBIDDEN, "account.role", "a role that may do this", "%s",
                  account_role_name(account->role));
}

static enum status check_idempotency_key(struct inner_request *request, struct refusal *why)
{
    if (slice_equal_text(request->message->method, "GET")) return OK;
    request->idempotency_key = field(request->message, "idempotency-key");
    return idempotency_key_check(request->idempotency_key, why);
}

static enum status run_handler(struct platform *platform, const struct inner_route *route,
                               struct inner_request *request, struct refusal *why, struct inner_response *response)
{
    const bool keeps_answers = request->account != NULL && request->idempotency_key.size > 0;
    if (keeps_answers) {
        const enum status status = platform_kept_answer(platform, request, why, response);
        if (status != ERR_NOT_FOUND) return status;
    }
    const enum status status = route->handle(platform, request, why, response);
    /* The same key on two connections at once: one of them was first, and its answer is the answer. The other may fail
     * in any way, because what it asks for is done already. */
    if (status != OK && keeps_answers && platform_kept_answer(platform, request, NULL, response) == OK) return OK;
    return status;
}

static enum status handle_route(struct platform *platform, const struct inner_route *route,
                                struct inner_request *request, struct refusal *why, struct inner_response *response)
{
    struct session session = {};
    TRY(check_idempotency_key(request, why));
    if (route->roles != INNER_NOBODY) {
        TRY(check_session(platform, request, why, &session));
        TRY(check_role(route, &session.account, why));
    }
    /* The session came through the gate, which may have been replaced since the request was let in. */
    if (!route->without_statement && !statement_is_good(platform, request->message)) return ERR_PEER_REFUSED;
    return run_handler(platform, route, request, why, response);
}

static void answer_unknown(const struct bhttp_request *message, bool is_path_known, struct slice path,
                           struct inner_response *response)
{
    struct refusal why = {};
    (void)!refuse(&why, ERR_NOT_FOUND, is_path_known ? "method" : "path", "a request of docs/protocols.md, section 8",
                  "%zu characters", is_path_known ? message->method.size : path.size);
    inner_problem(response, ERR_NOT_FOUND, &why, is_fhir_path(path));
    if (is_path_known) response->status = 405;
}

/* How a request fails whose hop was replaced, or went away, since it was let in. */
static bool is_hop_failure(enum status status)
{
    switch (status) {
    case ERR_PEER_REFUSED:
    case ERR_CONNECT:
    case ERR_TLS:
    case ERR_CLOSED:
    case ERR_CACHE: return true;
    default: return false;
    }
}

/* The hop is looked at again before the answer: if the request's statement no longer holds, that is the answer. */
static bool has_chain_changed(struct platform *platform, const struct inner_route *route,
                              const struct inner_request *request, enum status status)
{
    if (route->without_statement || !is_hop_failure(status)) return false;
    if (statement_is_good(platform, request->message)) chain_look_again(platform->chain);
    return !statement_is_good(platform, request->message);
}

static enum status answer_route(struct platform *platform, const struct inner_route *route,
                                struct inner_request *request, struct inner_response *response)
{
    struct refusal why = {};
    const enum status status = handle_route(platform, route, request, &why, response);
    if (status == ERR_STORE && store_has_failed(platform->store)) service_fail(platform->service, ERR_STORE);
    if (status == ERR_STORE_FULL) {
        (void)!refuse(&why, status, "store", "room on the disk", "none");
        (void)!refuse_fix(&why, status, "whoever runs the platform makes room; then send it again");
    }
    if (has_chain_changed(platform, route, request, status))
        platform_answer_chain_changed(platform, response);
    else if (status != OK)
        inner_problem(response, status, &why, is_fhir_path(request->path));
    return status;
}

static void handle_message(struct platform *platform, const struct bhttp_request *message,
                           struct inner_response *response)
{
    const int64_t started_ms = clock_monotonic_ms();
    struct inner_request request = {
        .message = message, .path = message->path, .now_s = clock_now_s(platform->service->clock)};
    (void)slice_split(message->path, '?', &request.path, &request.query);
    bool is_path_known = false;
    const struct inner_route *const route = inner_route_find(
        routes, sizeof(routes) / sizeof(routes[0]), message->method, request.path, request.segments, &is_path_known);
    if (route == NULL) {
        answer_unknown(message, is_path_known, request.path, response);
        return;
    }
    platform_hold_gate(platform);
    const bool is_refused = !route->without_statement && !statement_is_good(platform, message);
    const enum status status = is_refused ? ERR_CONFLICT : answer_route(platform, route, &request, response);
    if (is_refused) platform_answer_chain_changed(platform, response);
    log_event(LOG_INFO, "request.sealed", log_text(LOG_ROUTE, route->pattern),
              log_number(LOG_HTTP_STATUS, response->status), log_status(status),
              log_number(LOG_DURATION_US, (clock_monotonic_ms() - started_ms) * 1000));
}

/* Without the records nothing is done, and nothing of it is looked at. */
static void answer_locked(const struct refusal *why, struct inner_response *response)
{
    log_refusal(LOG_INFO, "request.locked", why);
    (void)!inner_field(response, "retry-after", "1");
    inner_problem(response, ERR_STORE_LOCKED, why, false);
}

void inner_handle(struct platform *platform, const struct bhttp_request *message, struct inner_response *response)
{
    struct refusal why = {};
    if (custody_enter(platform->custody, &why) != OK) {
        answer_locked(&why, response);
        return;
    }
    handle_message(platform, message, response);
    custody_leave(platform->custody);
}
