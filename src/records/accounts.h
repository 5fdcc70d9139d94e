/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may sign in: accounts in the sealed store, and the first administrator, who stands in the manifest and is never
 * stored. Passwords are argon2id hashes (crypto/password.h).
 *
 * User names are 1 to 64 of a-z 0-9 '.' '_' '-' '@'; capitals count as small letters. A sign-in takes the same effort
 * for a name that exists and for one that does not. ACCOUNT_ATTEMPTS failures of one name within ACCOUNT_WINDOW_S
 * refuse further ones, right passwords too; so whoever knows a user name can keep its owner out for that long.
 */
#pragma once

#include "base/json.h"
#include "records/store.h"

enum {
    ACCOUNT_USER_MAX_BYTES = 64,
    ACCOUNT_NAME_MAX_BYTES = 128,
    ACCOUNT_ATTEMPTS = 10,
    ACCOUNT_WINDOW_S = 15 * 60,
    ACCOUNT_HASH_MAX_BYTES = 256,
};

enum account_role { ROLE_CLERK, ROLE_CLINICIAN, ROLE_ADMINISTRATOR };

/* "clerk", "clinician", "administrator". */
const char *account_role_name(enum account_role role);
bool account_role_from(struct slice name, enum account_role *role_out);

struct account {
    char id[RECORD_ID_BYTES + 1]; /* the manifest's administrator: ACCOUNT_FIRST_ID */
    char user[ACCOUNT_USER_MAX_BYTES + 1];
    char name[ACCOUNT_NAME_MAX_BYTES + 1];
    enum account_role role;
};
#define ACCOUNT_FIRST_ID "first-administrator"

/* {"id","user","name","role"}, as the wire and the sealed session have it. */
enum status account_json(const struct account *account, json_t **object_out);
enum status account_from_json(const json_t *object, struct refusal *why, struct account *account_out);

/* The sign-in desk; thread-safe. */
struct accounts;

struct accounts_options {
    struct store *store;            /* borrowed */
    const char *administrator_user; /* from the manifest; copied */
    const char *administrator_hash; /* PHC text */
};
enum status accounts_new(const struct accounts_options *options, struct accounts **accounts_out);
void accounts_free(struct accounts *accounts);
void accounts_cleanup(struct accounts **accounts);

/* A new account: checked and hashed outside any transaction (that takes some tens of milliseconds), then written in
 * one. `account_draft`: ERR_FIELD_VALUE with the field ("user", "name", "role", "password"). */
struct account_form {
    struct slice user;
    struct slice name;
    struct slice role;
    struct slice password;
};
struct account_draft {
    struct account account;
    char hash[ACCOUNT_HASH_MAX_BYTES + 1];
};
enum status account_draft(const struct account_form *form, struct refusal *why, struct account_draft *draft_out);

/* ERR_CONFLICT if the user name is taken. */
enum status account_add(struct accounts *accounts, struct store_transaction *transaction,
                        const struct account_draft *draft);

/* ERR_NOT_FOUND. */
enum status account_find(struct store_transaction *transaction, struct slice user, struct account *account_out);

/* Adds each stored account to `array` as account_json gives it. */
enum status account_list(struct store_transaction *transaction, json_t *array);

/* ERR_SIGN_IN; ERR_THROTTLED with `retry_after_s_out` (may be NULL). Takes a transaction of its own. */
enum status accounts_sign_in(struct accounts *accounts, struct slice user, struct slice password, int64_t now_s,
                             struct account *account_out, int64_t *retry_after_s_out);
