/* SPDX-License-Identifier: Apache-2.0
 * What is read back out of a sealed value whose seal holds: the first byte says whose value the rest is. Sessions,
 * accounts, films, first answers, resources. Also sealed_open of the rest as it is, which nobody has sealed. */
#include "fuzz.h"
#include "parts.h"
#include "platform/film_store.h"
#include "records/idempotency.h"
#include "records/resources.h"
#include "records/sessions.h"

#include <string.h>

enum { NOW_S = 1763719200 };

#define SOME_ID "00112233445566778899aabbccddeeff"

static struct slice value;
static struct record_keys *keys;

/* ---- stand-ins: a store in which each record holds the input ---- */

enum status __wrap_store_get(struct store_transaction *transaction, const char *type, const char *id,
                             struct buffer *value_out, struct store_facts *facts_out);
enum status __wrap_store_get(struct store_transaction *, const char *, const char *, struct buffer *value_out,
                             struct store_facts *facts_out)
{
    if (facts_out != NULL) *facts_out = (struct store_facts){.owner = SOME_ID, .version = 1};
    return value.size > STORE_VALUE_MAX_BYTES ? ERR_STORE_CORRUPT : buffer_append(value_out, value);
}

const struct record_keys *__wrap_store_keys(const struct store_transaction *transaction);
const struct record_keys *__wrap_store_keys(const struct store_transaction *)
{
    return keys;
}

static enum status visit_value(const char *type, store_visit *visit, void *context)
{
    const struct store_record record = {.type = type, .id = SOME_ID, .owner = SOME_ID, .version = 1, .value = value};
    bool more = true;
    return visit(context, &record, &more);
}

enum status __wrap_store_list(struct store_transaction *transaction, const char *type, store_visit *visit,
                              void *context);
enum status __wrap_store_list(struct store_transaction *, const char *type, store_visit *visit, void *context)
{
    return visit_value(type, visit, context);
}

enum status __wrap_store_list_owned(struct store_transaction *transaction, const char *owner, const char *type,
                                    store_visit *visit, void *context);
enum status __wrap_store_list_owned(struct store_transaction *, const char *, const char *type, store_visit *visit,
                                    void *context)
{
    return visit_value(type == NULL ? "Condition" : type, visit, context);
}

enum status __wrap_store_search(struct store_transaction *transaction, const char *type,
                                const struct lookup_tokens *tokens, store_visit *visit, void *context);
enum status __wrap_store_search(struct store_transaction *, const char *type, const struct lookup_tokens *,
                                store_visit *visit, void *context)
{
    return visit_value(type, visit, context);
}

static char session_id[64];

enum status __wrap_cache_set(struct cache *cache, struct slice key, struct slice sealed, int64_t keep_s);
enum status __wrap_cache_set(struct cache *, struct slice key, struct slice, int64_t)
{
    const struct slice prefix = SLICE_LITERAL("lazaret:session:");
    const struct slice id = slice_part(key, prefix.size, key.size);
    (void)snprintf(session_id, sizeof(session_id), "%.*s", (int)id.size, (const char *)id.bytes);
    return OK;
}

enum status __wrap_cache_get(struct cache *cache, struct slice key, struct buffer *value_out);
enum status __wrap_cache_get(struct cache *, struct slice, struct buffer *value_out)
{
    const struct sealed_place place = {.type = "session", .owner = "", .id = session_id, .version = 1};
    if (value.size + SEALED_OVERHEAD_BYTES > CACHE_VALUE_MAX_BYTES) return ERR_CACHE;
    return sealed_seal(keys, &place, value, value_out);
}

/* ---- readers ---- */

static void read_session(void)
{
    static struct sessions *sessions;
    static struct session_token token;
    struct session session;
    if (sessions == NULL) {
        const struct account account = {.id = SOME_ID, .user = "u", .name = "n"};
        must(sessions_new(NULL, NULL, keys, &sessions));
        must(sessions_start(sessions, &account, NOW_S, &token, &session));
    }
    /* A session whose time is over ends before the store is asked, which is not there. */
    (void)!sessions_find(sessions, slice_of_text(token.text), INT64_MAX / 2, &session);
}

static void read_account(void)
{
    struct account account;
    CLEANUP(json_done) json_t *list = json_array();
    (void)!account_find(NULL, SLICE_LITERAL("user"), &account);
    (void)!account_list(NULL, list);
}

static void read_film(void)
{
    struct film_record film = {};
    uint64_t version;
    size_t count;
    struct record_id account = {.text = SOME_ID};
    if (film_get(NULL, SLICE_LITERAL(SOME_ID), &film, &version) == OK) {
        if (film_part_count(&film) > FILM_PART_MAX_COUNT) abort();
        if (film.size < 1 || film.size > FILM_FILE_MAX_BYTES) abort();
    }
    (void)!film_count_staged(NULL, &account, NOW_S, &count);
}

static void read_answer(void)
{
    const struct idempotency_key key = {.account = SOME_ID, .key = SLICE_LITERAL("k")};
    CLEANUP(buffer_done) struct buffer storage = {};
    struct idempotency_answer answer;
    if (idempotency_find(NULL, &key, NOW_S, &storage, &answer) != OK) return;
    if (answer.headers.size + answer.body.size > storage.size) abort();
}

static void read_resource(void)
{
    const struct record_id id = {.text = SOME_ID};
    const struct patient_query query = {.name = SLICE_LITERAL("web")};
    CLEANUP(json_done) json_t *resource = NULL, *searchset = NULL;
    uint64_t version;
    struct refusal why = {};
    must(fhir_searchset_new(&searchset));
    (void)!resource_get(NULL, FHIR_PATIENT, &id, &resource, &version);
    (void)!patient_search(NULL, &query, &why, searchset);
    (void)!resource_everything(NULL, &id, searchset);
}

static void read_sealed(void)
{
    static const struct sealed_place place = {.type = "film", .owner = "", .id = SOME_ID, .version = 1};
    CLEANUP(buffer_done) struct buffer opened = buffer_of_maximum(STORE_VALUE_MAX_BYTES);
    if (sealed_open(keys, &place, value, &opened) != ERR_STORE_CORRUPT || opened.size != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint8_t master[MASTER_KEY_BYTES] = {7};
    static void (*const readers[])(void) = {read_session, read_account,  read_film,
                                            read_answer,  read_resource, read_sealed};
    if (keys == NULL) must(record_keys_new(SLICE_ARRAY(master), SLICE_LITERAL("hospital"), &keys));
    if (size == 0) return 0;
    value = slice_of(bytes + 1, size - 1);
    readers[bytes[0] % (sizeof(readers) / sizeof(readers[0]))]();
    return 0;
}
