/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing in and out, and the accounts that the administrator makes.
 */
#include "base/secret.h"
#include "crypto/password.h"
#include "platform/platform.h"

#include <stdio.h>

enum { SIGN_IN_BODY_MAX_BYTES = 8 * 1024 };

static enum status read_body(const struct inner_request *request, const char *const *names, struct refusal *why,
                             json_t **body_out)
{
    CLEANUP(json_done) json_t *body = NULL;
    TRY(json_parse(request->message->body, SIGN_IN_BODY_MAX_BYTES, why, &body));
    TRY(json_only(body, "", names, why));
    *body_out = body;
    body = NULL;
    return OK;
}

static enum status refuse_cache(enum status status, struct refusal *why)
{
    if (status == ERR_SESSION) return refuse(why, status, "authorization", "a session that is not over", "another");
    if (status != ERR_CACHE) return status;
    (void)!refuse(why, status, "cache", "an answer", "none");
    return refuse_fix(why, status, "wait until the cache is back; nothing is lost");
}

enum status session_find(struct platform *platform, struct slice token, int64_t now_s, struct refusal *why,
                         struct session *session_out)
{
    return refuse_cache(sessions_find(platform->sessions, token, now_s, session_out), why);
}

static enum status refuse_sign_in(enum status status, int64_t retry_after_s, struct refusal *why,
                                  struct inner_response *response)
{
    if (status == ERR_SIGN_IN) return refuse(why, status, "user", "a user name with its password", "another pair");
    if (status != ERR_THROTTLED) return status;
    char seconds[24];
    (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)retry_after_s);
    (void)!inner_field(response, "retry-after", seconds);
    (void)!refuse(why, status, "user", "at most 10 attempts in 15 minutes", "more");
    return refuse_fix(why, status, "wait until the time in retry-after has passed");
}

static void wipe_token(struct session_token *token)
{
    secret_wipe(token, sizeof(*token));
}

enum status session_create(struct platform *platform, const struct inner_request *request, struct refusal *why,
                           struct inner_response *response)
{
    static const char *const names[] = {"user", "password", NULL};
    CLEANUP(json_done) json_t *body = NULL;
    TRY(read_body(request, names, why, &body));
    struct slice user, password;
    TRY(json_get_string(body, "", "user", ACCOUNT_USER_MAX_BYTES, why, &user));
    TRY(json_get_string(body, "", "password", PASSWORD_MAX_BYTES, why, &password));
    struct account account = {};
    int64_t retry_after_s = 0;
    /* Attempts are counted by the clock that only goes forward: setting the date does not begin a new count. */
    const int64_t attempt_s = clock_monotonic_ms() / 1000;
    const enum status status =
        accounts_sign_in(platform->accounts, user, password, attempt_s, &account, &retry_after_s);
    if (status != OK) return refuse_sign_in(status, retry_after_s, why, response);
    CLEANUP(wipe_token) struct session_token token = {};
    struct session session = {};
    TRY(refuse_cache(sessions_start(platform->sessions, &account, request->now_s, &token, &session), why));
    /* It was kept through the gate: no session is given out that another gate than the statement's has seen begin. */
    if (!statement_is_good(platform, request->message)) return ERR_PEER_REFUSED;
    CLEANUP(json_done) json_t *user_json = NULL;
    TRY(account_json(&account, &user_json));
    return inner_json(response, 201,
                      json_pack("{s:s, s:I, s:O}", "session", token.text, "expires", (json_int_t)session.expires_s,
                                "user", user_json));
}

enum status session_show(struct platform *platform, const struct inner_request *request, struct refusal *why,
                         struct inner_response *response)
{
    struct session session = {};
    TRY(session_find(platform, request->session, request->now_s, why, &session));
    CLEANUP(json_done) json_t *user_json = NULL;
    TRY(account_json(&session.account, &user_json));
    return inner_json(response, 200,
                      json_pack("{s:I, s:O}", "expires", (json_int_t)session.expires_s, "user", user_json));
}

enum status session_end(struct platform *platform, const struct inner_request *request, struct refusal *why,
                        struct inner_response *response)
{
    struct slice session;
    TRY(session_in(request->message, why, &session));
    const enum status status = sessions_end(platform->sessions, session, request->now_s);
    if (status != ERR_SESSION) TRY(refuse_cache(status, why));
    inner_empty(response, 204);
    return OK;
}

enum status account_create(struct platform *platform, const struct inner_request *request, struct refusal *why,
                           struct inner_response *response)
{
    static const char *const names[] = {"user", "name", "role", "password", NULL};
    CLEANUP(json_done) json_t *body = NULL;
    TRY(read_body(request, names, why, &body));
    struct account_form form;
    TRY(json_get_string(body, "", "user", ACCOUNT_USER_MAX_BYTES, why, &form.user));
    TRY(json_get_string(body, "", "name", ACCOUNT_NAME_MAX_BYTES, why, &form.name));
    TRY(json_get_string(body, "", "role", 32, why, &form.role));
    TRY(json_get_string(body, "", "password", PASSWORD_MAX_BYTES, why, &form.password));
    struct account_draft draft = {};
    TRY(account_draft(&form, why, &draft));
    CLEANUP(json_done) json_t *account = NULL;
    TRY(account_json(&draft.account, &account));
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    const enum status status = account_add(platform->accounts, transaction, &draft);
    if (status == ERR_CONFLICT) return refuse(why, status, "user", "a user name that is free", "one that is taken");
    TRY(status);
    TRY(inner_json(response, 201, json_incref(account)));
    return platform_commit(platform, request, response, &transaction);
}

enum status account_list_all(struct platform *platform, const struct inner_request *, struct refusal *,
                             struct inner_response *response)
{
    CLEANUP(json_done) json_t *accounts = json_array();
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(platform->store, &transaction));
    TRY(account_list(transaction, accounts));
    return inner_json(response, 200, json_pack("{s:O}", "accounts", accounts));
}
