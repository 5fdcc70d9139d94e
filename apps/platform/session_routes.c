/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing in and out, and the accounts that the administrator makes.
 */
#include "platform/platform.h"

enum { SIGN_IN_BODY_MAX_BYTES = 8 * 1024 };

static json_t *account_json(const struct account *account)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "id", account->id, "user", account->user, "name", account->name, "role",
                     account_role_name(account->role));
}

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
    TRY(accounts_sign_in(platform->accounts, user, password, request->now_s, why, &account));
    struct session_text session;
    int64_t expires_s;
    TRY(sessions_create(platform->sessions, &account, request->now_s, why, &session, &expires_s));
    return inner_json(response, 201,
                      json_pack("{s:s, s:I, s:o}", "session", session.text, "expires", (json_int_t)expires_s, "user",
                                account_json(&account)));
}

enum status session_show(struct platform *platform, const struct inner_request *request, struct refusal *why,
                         struct inner_response *response)
{
    struct account account = {};
    int64_t expires_s;
    TRY(sessions_find(platform->sessions, request->session, request->now_s, why, &account, &expires_s));
    return inner_json(response, 200,
                      json_pack("{s:I, s:o}", "expires", (json_int_t)expires_s, "user", account_json(&account)));
}

enum status session_end(struct platform *platform, const struct inner_request *request, struct refusal *why,
                        struct inner_response *response)
{
    TRY(sessions_end(platform->sessions, request->session, request->now_s, why));
    inner_empty(response, 204);
    return OK;
}

enum status account_create(struct platform *platform, const struct inner_request *request, struct refusal *why,
                           struct inner_response *response)
{
    static const char *const names[] = {"user", "name", "role", "password", NULL};
    CLEANUP(json_done) json_t *body = NULL;
    TRY(read_body(request, names, why, &body));
    struct slice user, name, role, password;
    TRY(json_get_string(body, "", "user", ACCOUNT_USER_MAX_BYTES, why, &user));
    TRY(json_get_string(body, "", "name", ACCOUNT_NAME_MAX_BYTES, why, &name));
    TRY(json_get_string(body, "", "role", 32, why, &role));
    TRY(json_get_string(body, "", "password", PASSWORD_MAX_BYTES, why, &password));
    struct account_new wanted = {.user = user, .name = name, .password = password};
    TRY(account_role_from(role, why, &wanted.role));
    struct account account = {};
    TRY(accounts_create(platform->accounts, &wanted, why, &account));
    return inner_json(response, 201, account_json(&account));
}

static enum status add_account(void *context, const struct account *account)
{
    return json_array_append_new(context, account_json(account)) == 0 ? OK : ERR_NO_MEMORY;
}

enum status account_list(struct platform *platform, const struct inner_request *, struct refusal *,
                         struct inner_response *response)
{
    CLEANUP(json_done) json_t *accounts = json_array();
    TRY(accounts_list(platform->accounts, add_account, accounts));
    return inner_json(response, 200, json_pack("{s:O}", "accounts", accounts));
}
