/* SPDX-License-Identifier: Apache-2.0 */
#include "records/sessions.h"

#include "base/encoding.h"
#include "crypto/random.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static const char record_type[] = "revocation";

enum { VALUE_MAX_BYTES = 2048, ID_BYTES = 2 * LOOKUP_TOKEN_BYTES };

struct sessions {
    struct cache *cache;
    struct store *store;
    const struct record_keys *keys;
    _Atomic unsigned unchecked_logouts;
};

enum status sessions_new(struct cache *cache, struct store *store, const struct record_keys *keys,
                         struct sessions **sessions_out)
{
    struct sessions *const sessions = calloc(1, sizeof(*sessions));
    if (sessions == NULL) return ERR_NO_MEMORY;
    sessions->cache = cache;
    sessions->store = store;
    sessions->keys = keys;
    atomic_init(&sessions->unchecked_logouts, 0);
    *sessions_out = sessions;
    return OK;
}

void sessions_free(struct sessions *sessions)
{
    free(sessions);
}

void sessions_cleanup(struct sessions **sessions)
{
    sessions_free(*sessions);
    *sessions = NULL;
}

/* --- names --- */

/* The HMAC of a session's secret, as text: the store's id of a logout, and the cache's key after its prefix. */
struct session_id {
    char text[ID_BYTES + 1];
    char cache_key[16 + ID_BYTES + 1];
};

static enum status id_of(const struct sessions *sessions, struct slice secret, struct session_id *id_out)
{
    struct lookup_token token;
    TRY(lookup_token_of(sessions->keys, "session", secret, &token));
    CLEANUP(buffer_done) struct buffer hex = buffer_of_maximum(ID_BYTES);
    TRY(hex_encode(SLICE_ARRAY(token.bytes), &hex));
    struct session_id id = {};
    for (size_t i = 0; i < hex.size; i++) id.text[i] = (char)hex.bytes[i];
    (void)snprintf(id.cache_key, sizeof(id.cache_key), "lazaret:session:%s", id.text);
    *id_out = id;
    return OK;
}

/* What the client sends. ERR_SESSION for text that cannot be a token. */
static enum status id_of_token(const struct sessions *sessions, struct slice token, struct session_id *id_out)
{
    uint8_t secret[SESSION_TOKEN_BYTES];
    if (base64url_decode_exact(token, sizeof(secret), secret) != OK) return ERR_SESSION;
    const enum status status = id_of(sessions, SLICE_ARRAY(secret), id_out);
    secret_wipe(secret, sizeof(secret));
    return status;
}

static struct sealed_place place_of(const struct session_id *id)
{
    return (struct sealed_place){.type = "session", .owner = "", .id = id->text, .version = 1};
}

/* --- values --- */

struct kept_session {
    struct account account;
    int64_t started_s;
    int64_t seen_s;
};

static int64_t end_of(const struct kept_session *kept)
{
    const int64_t idle_s = kept->seen_s + SESSION_IDLE_S, life_s = kept->started_s + SESSION_LIFE_S;
    return idle_s < life_s ? idle_s : life_s;
}

static struct session session_of(const struct kept_session *kept)
{
    return (struct session){.account = kept->account, .started_s = kept->started_s, .expires_s = end_of(kept)};
}

static enum status write_value(const struct kept_session *kept, struct buffer *value)
{
    CLEANUP(json_done) json_t *object = NULL;
    TRY(account_json(&kept->account, &object));
    const bool failed = json_object_set_new(object, "started", json_integer(kept->started_s)) != 0 ||
                        json_object_set_new(object, "seen", json_integer(kept->seen_s)) != 0;
    return failed ? ERR_NO_MEMORY : json_write(object, value);
}

static enum status parse_value(struct slice value, struct kept_session *kept_out)
{
    struct kept_session kept = {};
    CLEANUP(json_done) json_t *object = NULL;
    TRY(json_parse(value, VALUE_MAX_BYTES, NULL, &object));
    TRY(account_from_json(object, NULL, &kept.account));
    TRY(json_get_integer(object, "", "started", 0, INT64_MAX, NULL, &kept.started_s));
    TRY(json_get_integer(object, "", "seen", 0, INT64_MAX, NULL, &kept.seen_s));
    *kept_out = kept;
    return OK;
}

static enum status keep(struct sessions *sessions, const struct session_id *id, const struct kept_session *kept)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(VALUE_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(VALUE_MAX_BYTES + SEALED_OVERHEAD_BYTES);
    const struct sealed_place place = place_of(id);
    TRY(write_value(kept, &value));
    TRY(sealed_seal(sessions->keys, &place, buffer_slice(&value), &sealed));
    return cache_set(sessions->cache, slice_of_text(id->cache_key), buffer_slice(&sealed), end_of(kept) - kept->seen_s);
}

/* What the cache shows under the key, if it is what was put there. */
static enum status fetch(struct sessions *sessions, const struct session_id *id, struct kept_session *kept_out)
{
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(CACHE_VALUE_MAX_BYTES);
    const enum status got = cache_get(sessions->cache, slice_of_text(id->cache_key), &sealed);
    if (got != ERR_CACHE) atomic_store(&sessions->unchecked_logouts, 0);
    if (got == ERR_NOT_FOUND) return ERR_SESSION;
    TRY(got);
    const struct sealed_place place = place_of(id);
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(CACHE_VALUE_MAX_BYTES);
    const enum status opened = sealed_open(sessions->keys, &place, buffer_slice(&sealed), &value);
    if (opened == ERR_STORE_CORRUPT) return ERR_SESSION;
    TRY(opened);
    return parse_value(buffer_slice(&value), kept_out) == OK ? OK : ERR_SESSION;
}

/* --- logouts --- */

static enum status check_not_revoked(struct sessions *sessions, const struct session_id *id)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(sessions->store, &transaction));
    bool is_there;
    TRY(store_has(transaction, record_type, id->text, &is_there));
    return is_there ? ERR_SESSION : OK;
}

static enum status revoke(struct sessions *sessions, const struct session_id *id, int64_t until_s)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(sessions->store, &transaction));
    const struct store_record record = {
        .type = record_type, .id = id->text, .owner = "", .version = STORE_ANY_VERSION, .expires_s = until_s};
    TRY(store_put(transaction, &record, NULL, NULL));
    return store_commit(&transaction);
}

/* --- calls --- */

enum status sessions_start(struct sessions *sessions, const struct account *account, int64_t now_s,
                           struct session_token *token_out, struct session *session_out)
{
    CLEANUP(secret_done) struct secret secret = {};
    TRY(random_secret(SESSION_TOKEN_BYTES, &secret));
    struct session_id id;
    TRY(id_of(sessions, secret_slice(&secret), &id));
    const struct kept_session kept = {.account = *account, .started_s = now_s, .seen_s = now_s};
    TRY(keep(sessions, &id, &kept));
    const struct base64url32 text = base64url_of_32(secret.bytes);
    for (size_t i = 0; i <= SESSION_TOKEN_TEXT_BYTES; i++) token_out->text[i] = text.text[i];
    *session_out = session_of(&kept);
    return OK;
}

enum status sessions_find(struct sessions *sessions, struct slice token, int64_t now_s, struct session *session_out)
{
    struct session_id id;
    struct kept_session kept;
    TRY(id_of_token(sessions, token, &id));
    TRY(fetch(sessions, &id, &kept));
    if (now_s >= end_of(&kept)) return ERR_SESSION;
    TRY(check_not_revoked(sessions, &id));
    if (now_s - kept.seen_s >= SESSION_REFRESH_S) {
        kept.seen_s = now_s;
        /* If the cache goes away just now, the session stays what it was, only less fresh. */
        const enum status refreshed = keep(sessions, &id, &kept);
        if (refreshed != ERR_CACHE) TRY(refreshed);
    }
    *session_out = session_of(&kept);
    return OK;
}

enum status sessions_end(struct sessions *sessions, struct slice token, int64_t now_s)
{
    struct session_id id;
    struct kept_session kept;
    TRY(id_of_token(sessions, token, &id));
    const enum status fetched = fetch(sessions, &id, &kept);
    if (fetched == ERR_CACHE) {
        if (atomic_fetch_add(&sessions->unchecked_logouts, 1) >= SESSION_UNCHECKED_LOGOUTS_MAX) return ERR_CACHE;
        return revoke(sessions, &id, now_s + SESSION_LIFE_S);
    }
    TRY(fetched);
    TRY(revoke(sessions, &id, kept.started_s + SESSION_LIFE_S));
    /* The store's word counts; what the cache still holds is of no use to anyone. */
    const enum status forgotten = cache_delete(sessions->cache, slice_of_text(id.cache_key));
    return forgotten == ERR_CACHE ? OK : forgotten;
}
