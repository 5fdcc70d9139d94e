/* SPDX-License-Identifier: Apache-2.0
 *
 * The sealed store (architecture 5.9): one SQLite file, opened by exactly one process, holding records whose values
 * only this deployment's enclave can open. Safe for several worker threads: a transaction holds the store until it
 * ends, so do nothing slow inside one (no password hash, no network, no model).
 *
 *     CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
 *     TRY(store_begin(store, &transaction));
 *     TRY(store_put(transaction, &record, &tokens, &version));
 *     TRY(store_commit(&transaction));
 *
 * What store_commit acknowledged is on the disk (WAL, synchronous FULL) and survives the death of the process; what was
 * not committed never shows. Deleted and replaced values are overwritten in the file.
 *
 * What the disk's owner sees: types, ids, owners, versions, sizes, hours of expiry, order of making, lookup tokens.
 * What he cannot do unnoticed: altering a value, moving it to another place or version (ERR_STORE_CORRUPT when it is
 * read), and, between two openings of the file, also adding, removing or putting back rows or lookup tokens
 * (ERR_STORE_CORRUPT on opening): the head seals a keyed sum over every row, and the indexes, through which rows are
 * found, are made anew out of those rows. Rows that he puts back while the store is open are noticed at the next
 * opening. The whole file put back to an earlier state is a true earlier state: that is noticed by those who remember a
 * higher generation (store_head goes into each chain statement).
 *
 * Errors of all calls: ERR_STORE (the store failed; after a failed commit it refuses everything until it is opened
 * again), ERR_STORE_FULL (no room on the disk: the transaction is as if it had not been, reading goes on, and so does
 * writing once there is room), ERR_STORE_CORRUPT, ERR_NO_MEMORY, ERR_CRYPTO.
 */
#pragma once

#include "base/refusal.h"
#include "records/id.h"
#include "records/sealed.h"

enum {
    STORE_VALUE_MAX_BYTES = 8 << 20,
    STORE_TOKEN_MAX_COUNT = 192, /* of one record */
    STORE_QUERY_TOKEN_MAX_COUNT = 8,
    STORE_DEFAULT_CACHE_BYTES = 32 << 20,
    STORE_EXPIRY_ROUNDING_S = 3600,
};

/* Name of the file in the state folder. */
#define STORE_FILE "records.db"

struct store;
struct store_transaction;

/* `keys` is borrowed for the store's life. `cache_bytes` 0: STORE_DEFAULT_CACHE_BYTES. Makes the file if there is none.
 * ERR_STORE_CORRUPT if the file is of other keys or its rows do not sum up to its head; ERR_STORE_IN_USE while another
 * process has it open. */
enum status store_open(const char *path, size_t cache_bytes, const struct record_keys *keys, struct refusal *why,
                       struct store **store_out);
void store_free(struct store *store);
void store_cleanup(struct store **store);

/* Whether a commit failed so that it is not known what the disk has: only opening the store again tells. */
bool store_has_failed(struct store *store);

/* The chain over every commit: head n is SHA-256 over store id, n, head n-1 and the keyed sum of all rows. */
struct store_head {
    struct record_id store;
    uint64_t generation;
    uint8_t head[32];
};
enum status store_head(struct store *store, struct store_head *head_out);

/* Waits for the store. ERR_INTERNAL if this thread already has a transaction. */
enum status store_begin(struct store *store, struct store_transaction **transaction_out);

/* Makes the changes durable, or none of them, and ends the transaction in either case. A transaction in which a change
 * failed halfway is not committed: ERR_STORE. */
enum status store_commit(struct store_transaction **transaction);

/* Ends the transaction without changes; for CLEANUP. */
void store_rollback(struct store_transaction **transaction);

/* The keys, for tokens of fields of one's own. */
const struct record_keys *store_keys(const struct store_transaction *transaction);

/* One record. Type and id name it; types are the program's own words. Texts at most SEALED_TEXT_MAX_BYTES. */
struct store_record {
    const char *type;
    const char *id;
    const char *owner; /* the record that it belongs to (a patient, a film); "" for none */
    uint64_t version;  /* store_put: the version that must be there now, 0: none; otherwise the record's */
    int64_t expires_s; /* Unix seconds, rounded up to STORE_EXPIRY_ROUNDING_S; 0: never */
    struct slice value;
};
#define STORE_ANY_VERSION UINT64_MAX /* whether it is there or not, whatever its version */

struct lookup_tokens {
    struct lookup_token items[STORE_TOKEN_MAX_COUNT];
    size_t count;
};

/* Adds the token of `value` in `field`, once. ERR_TOO_LARGE over STORE_TOKEN_MAX_COUNT. */
enum status lookup_tokens_add(const struct record_keys *keys, const char *field, struct slice value,
                              struct lookup_tokens *tokens);

/* Writes a record: version 1 for a new one, the next one for another. The tokens (may be NULL) replace those it had.
 * ERR_CONFLICT if another version is there, ERR_NOT_FOUND if a version was expected and there is none, ERR_TOO_LARGE
 * over STORE_VALUE_MAX_BYTES. `version_out` may be NULL. */
enum status store_put(struct store_transaction *transaction, const struct store_record *record,
                      const struct lookup_tokens *tokens, uint64_t *version_out);

/* What is known of a record beside its value. */
struct store_facts {
    char owner[SEALED_TEXT_MAX_BYTES + 1];
    uint64_t version;
    int64_t expires_s;
};

/* Appends the value. ERR_NOT_FOUND. `facts_out` may be NULL. Expired records are there until they are swept: who gives
 * a time looks at it. */
enum status store_get(struct store_transaction *transaction, const char *type, const char *id, struct buffer *value,
                      struct store_facts *facts_out);

/* Whether there is such a record, without opening its value. */
enum status store_has(struct store_transaction *transaction, const char *type, const char *id, bool *is_there_out);

/* ERR_NOT_FOUND. What the record owns stays. */
enum status store_delete(struct store_transaction *transaction, const char *type, const char *id);

/* Deletes all that `owner` owns, of one type, or of any (NULL). */
enum status store_delete_owned(struct store_transaction *transaction, const char *owner, const char *type);

/* Called for each record of a listing, newest first (by when it was first put). The record's texts and value are valid
 * during the call. `*more` is true; false ends the listing. A visitor may call store_get, nothing else of the store. */
typedef enum status store_visit(void *context, const struct store_record *record, bool *more);

/* Records of `owner`, of one type or any (NULL). */
enum status store_list_owned(struct store_transaction *transaction, const char *owner, const char *type,
                             store_visit *visit, void *context);

/* All records of a type. */
enum status store_list(struct store_transaction *transaction, const char *type, store_visit *visit, void *context);

/* Records of a type that carry every one of the tokens; 1 to STORE_QUERY_TOKEN_MAX_COUNT, else ERR_TOO_LARGE. */
enum status store_search(struct store_transaction *transaction, const char *type, const struct lookup_tokens *tokens,
                         store_visit *visit, void *context);

/* Deletes records whose time is over at `now_s`, each with all that it owns; at most `limit`, and says how many. */
enum status store_sweep(struct store_transaction *transaction, int64_t now_s, size_t limit, size_t *count_out);
