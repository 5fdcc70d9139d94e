/* SPDX-License-Identifier: Apache-2.0 */
#include "records/accounts.h"

#include "base/encoding.h"
#include "crypto/password.h"
#include "crypto/random.h"
#include "records/throttle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char record_type[] = "account";
static const char user_field[] = "account.user";
static const char *const role_names[] = {"clerk", "clinician", "administrator"};

enum { ROLES = sizeof(role_names) / sizeof(role_names[0]), RECORD_MAX_BYTES = 2048 };

/* A hash with its NUL, as this file hands it around. */
struct hash_text {
    char text[ACCOUNT_HASH_MAX_BYTES + 1];
};

struct user_text {
    char text[ACCOUNT_USER_MAX_BYTES + 1];
};

struct accounts {
    struct store *store;
    struct account administrator;
    struct hash_text administrator_hash;
    struct hash_text decoy; /* of a password that nobody knows: for names that do not exist */
    struct throttle *throttle;
};

const char *account_role_name(enum account_role role)
{
    return role_names[role];
}

bool account_role_from(struct slice name, enum account_role *role_out)
{
    for (unsigned i = 0; i < ROLES; i++) {
        if (!slice_equal_text(name, role_names[i])) continue;
        *role_out = (enum account_role)i;
        return true;
    }
    return false;
}

/* --- forms --- */

/* Copies text that fits; the caller has checked the size. */
static enum status copy_text(struct slice text, size_t size, char *text_out)
{
    if (text.size >= size) return ERR_TOO_LARGE;
    if (text.size > 0) memcpy(text_out, text.bytes, text.size);
    text_out[text.size] = '\0';
    return OK;
}

static bool is_user_sign(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '@';
}

static enum status fold_user(struct slice user, struct user_text *folded_out)
{
    struct user_text folded = {};
    if (user.size == 0 || user.size > ACCOUNT_USER_MAX_BYTES) return ERR_FIELD_VALUE;
    for (size_t i = 0; i < user.size; i++) {
        const char c = (char)user.bytes[i];
        folded.text[i] = c >= 'A' && c <= 'Z' ? (char)(c + 0x20) : c;
        if (!is_user_sign(folded.text[i])) return ERR_FIELD_VALUE;
    }
    *folded_out = folded;
    return OK;
}

enum status account_json(const struct account *account, json_t **object_out)
{
    json_t *const object = json_pack("{s:s, s:s, s:s, s:s}", "id", account->id, "user", account->user, "name",
                                     account->name, "role", role_names[account->role]);
    if (object == NULL) return ERR_NO_MEMORY;
    *object_out = object;
    return OK;
}

enum status account_from_json(const json_t *object, struct refusal *why, struct account *account_out)
{
    struct account account = {};
    struct slice id, user, name, role;
    TRY(json_get_string(object, "", "id", RECORD_ID_BYTES, why, &id));
    TRY(json_get_string(object, "", "user", ACCOUNT_USER_MAX_BYTES, why, &user));
    TRY(json_get_string(object, "", "name", ACCOUNT_NAME_MAX_BYTES, why, &name));
    TRY(json_get_string(object, "", "role", ACCOUNT_USER_MAX_BYTES, why, &role));
    TRY(copy_text(id, sizeof(account.id), account.id));
    TRY(copy_text(user, sizeof(account.user), account.user));
    TRY(copy_text(name, sizeof(account.name), account.name));
    if (!account_role_from(role, &account.role))
        return refuse(why, ERR_FIELD_VALUE, "role", "clerk, clinician or administrator", "another");
    *account_out = account;
    return OK;
}

static enum status hash_password(struct slice password, struct hash_text *hash_out)
{
    CLEANUP(buffer_done) struct buffer hash = buffer_of_maximum(ACCOUNT_HASH_MAX_BYTES);
    TRY(password_hash(password, &hash));
    return copy_text(buffer_slice(&hash), sizeof(hash_out->text), hash_out->text);
}

static enum status check_form(const struct account_form *form, struct refusal *why, struct account *account)
{
    struct user_text user;
    if (fold_user(form->user, &user) != OK)
        return refuse(why, ERR_FIELD_VALUE, "user", "1 to 64 of a-z, 0-9, '.', '_', '-' and '@'", "another form");
    TRY(copy_text(slice_of_text(user.text), sizeof(account->user), account->user));
    if (form->name.size == 0 || form->name.size > ACCOUNT_NAME_MAX_BYTES || !utf8_is_valid(form->name, false))
        return refuse(why, ERR_FIELD_VALUE, "name", "1 to 128 bytes of text", "%zu bytes", form->name.size);
    TRY(copy_text(form->name, sizeof(account->name), account->name));
    if (!account_role_from(form->role, &account->role))
        return refuse(why, ERR_FIELD_VALUE, "role", "clerk, clinician or administrator", "another");
    if (form->password.size < PASSWORD_MIN_BYTES || form->password.size > PASSWORD_MAX_BYTES)
        return refuse(why, ERR_FIELD_VALUE, "password", "8 to 1024 bytes", "another length");
    return OK;
}

enum status account_draft(const struct account_form *form, struct refusal *why, struct account_draft *draft_out)
{
    struct account_draft draft = {};
    struct record_id id;
    struct hash_text hash;
    TRY(check_form(form, why, &draft.account));
    TRY(record_id_new(&id));
    TRY(copy_text(slice_of_text(id.text), sizeof(draft.account.id), draft.account.id));
    TRY(hash_password(form->password, &hash));
    TRY(copy_text(slice_of_text(hash.text), sizeof(draft.hash), draft.hash));
    *draft_out = draft;
    return OK;
}

/* --- the store --- */

struct found {
    struct account account;
    struct hash_text hash;
    bool is_found;
};

static enum status parse_record(struct slice value, struct found *found_out)
{
    struct found found = {.is_found = true};
    CLEANUP(json_done) json_t *object = NULL;
    struct slice hash;
    if (json_parse(value, RECORD_MAX_BYTES, NULL, &object) != OK ||
        account_from_json(object, NULL, &found.account) != OK ||
        json_get_string(object, "", "password_hash", ACCOUNT_HASH_MAX_BYTES, NULL, &hash) != OK)
        return ERR_STORE_CORRUPT;
    TRY(copy_text(hash, sizeof(found.hash.text), found.hash.text));
    *found_out = found;
    return OK;
}

static enum status take_first(void *context, const struct store_record *record, bool *more)
{
    *more = false;
    return parse_record(record->value, context);
}

static enum status user_tokens(struct store_transaction *transaction, const char *user, struct lookup_tokens *tokens)
{
    return lookup_tokens_add(store_keys(transaction), user_field, slice_of_text(user), tokens);
}

static enum status find(struct store_transaction *transaction, const char *user, struct found *found)
{
    struct lookup_tokens tokens = {};
    TRY(user_tokens(transaction, user, &tokens));
    return store_search(transaction, record_type, &tokens, take_first, found);
}

enum status account_add(struct accounts *accounts, struct store_transaction *transaction,
                        const struct account_draft *draft)
{
    struct found present = {};
    TRY(find(transaction, draft->account.user, &present));
    if (present.is_found || strcmp(draft->account.user, accounts->administrator.user) == 0) return ERR_CONFLICT;
    CLEANUP(json_done) json_t *object = NULL;
    TRY(account_json(&draft->account, &object));
    if (json_object_set_new(object, "password_hash", json_string(draft->hash)) != 0) return ERR_NO_MEMORY;
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(RECORD_MAX_BYTES);
    TRY(json_write(object, &value));
    struct lookup_tokens tokens = {};
    TRY(user_tokens(transaction, draft->account.user, &tokens));
    const struct store_record record = {
        .type = record_type, .id = draft->account.id, .owner = "", .value = buffer_slice(&value)};
    return store_put(transaction, &record, &tokens, NULL);
}

enum status account_find(struct store_transaction *transaction, struct slice user, struct account *account_out)
{
    struct user_text folded;
    struct found found = {};
    if (fold_user(user, &folded) != OK) return ERR_NOT_FOUND;
    TRY(find(transaction, folded.text, &found));
    if (!found.is_found) return ERR_NOT_FOUND;
    *account_out = found.account;
    return OK;
}

static enum status add_to_array(void *context, const struct store_record *record, bool *)
{
    struct found found;
    json_t *object;
    TRY(parse_record(record->value, &found));
    TRY(account_json(&found.account, &object));
    return json_array_append_new(context, object) == 0 ? OK : ERR_NO_MEMORY;
}

enum status account_list(struct store_transaction *transaction, json_t *array)
{
    return store_list(transaction, record_type, add_to_array, array);
}

/* --- signing in --- */

enum status accounts_new(const struct accounts_options *options, struct accounts **accounts_out)
{
    CLEANUP(accounts_cleanup) struct accounts *accounts = calloc(1, sizeof(*accounts));
    if (accounts == NULL) return ERR_NO_MEMORY;
    accounts->store = options->store;
    accounts->administrator =
        (struct account){.id = ACCOUNT_FIRST_ID, .name = "First administrator", .role = ROLE_ADMINISTRATOR};
    struct user_text user;
    TRY(fold_user(slice_of_text(options->administrator_user), &user));
    TRY(copy_text(slice_of_text(user.text), sizeof(accounts->administrator.user), accounts->administrator.user));
    TRY(copy_text(slice_of_text(options->administrator_hash), sizeof(accounts->administrator_hash.text),
                  accounts->administrator_hash.text));
    CLEANUP(secret_done) struct secret unknown = {};
    TRY(random_secret(32, &unknown));
    TRY(hash_password(secret_slice(&unknown), &accounts->decoy));
    TRY(throttle_new(ACCOUNT_ATTEMPTS, ACCOUNT_WINDOW_S, &accounts->throttle));
    *accounts_out = accounts;
    accounts = NULL;
    return OK;
}

void accounts_free(struct accounts *accounts)
{
    if (accounts == NULL) return;
    throttle_free(accounts->throttle);
    free(accounts);
}

void accounts_cleanup(struct accounts **accounts)
{
    accounts_free(*accounts);
    *accounts = NULL;
}

/* The account of that name, the manifest's before the store's; the store is free again when this returns. */
static enum status look_up(struct accounts *accounts, const char *user, struct found *found)
{
    if (strcmp(user, accounts->administrator.user) == 0) {
        *found = (struct found){accounts->administrator, accounts->administrator_hash, true};
        return OK;
    }
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(accounts->store, &transaction));
    return find(transaction, user, found);
}

enum status accounts_sign_in(struct accounts *accounts, struct slice user, struct slice password, int64_t now_s,
                             struct account *account_out, int64_t *retry_after_s_out)
{
    struct user_text folded;
    if (fold_user(user, &folded) != OK) folded = (struct user_text){"?"}; /* the name of no account */
    const struct slice name = slice_of_text(folded.text);
    int64_t retry_after_s = 0;
    const enum status taken = throttle_take(accounts->throttle, name, now_s, &retry_after_s);
    if (taken == ERR_THROTTLED && retry_after_s_out != NULL) *retry_after_s_out = retry_after_s;
    TRY(taken);
    struct found found = {};
    TRY(look_up(accounts, folded.text, &found));
    const struct hash_text *const hash = found.is_found ? &found.hash : &accounts->decoy;
    const enum status verified = password_verify(slice_of_text(hash->text), password);
    if (verified == ERR_SIGN_IN || !found.is_found) return ERR_SIGN_IN;
    TRY(verified);
    throttle_forgive(accounts->throttle, name);
    *account_out = found.account;
    return OK;
}
