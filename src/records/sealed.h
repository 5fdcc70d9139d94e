/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealed values (architecture 5.9): what leaves the enclave for a disk or a cache is closed here, and opens only at the
 * place for which it was closed. Pure but for random nonces.
 *
 * Keys: master key -> HKDF-SHA256 with the tenant -> one key each for values, lookup tokens and the store's state.
 * A value: u8 format (1), 12 random bytes that choose the value's own AES-256-GCM key (HMAC-SHA256 of the tenant's
 * value key over them), a 12-byte random nonce, ciphertext, 16-byte tag. Two layers of randomness, so that the number
 * of values under one master key need not be counted. The associated data is the tenant, then type, owner and id, each
 * after its length, then the version: a value that is moved to another row, given to another owner or shown under
 * another version does not open.
 *
 * Lookup tokens: HMAC-SHA256 under a key of their own for each field, cut to 16 bytes. Whoever holds the disk sees
 * which rows have equal tokens in the same field and how often each occurs (equality and frequency), never the values;
 * without the master key tokens cannot be made for guessed values. Sizes of values, types, ids, owners and versions are
 * in clear.
 */
#pragma once

#include "base/buffer.h"
#include "base/secret.h"

enum {
    MASTER_KEY_BYTES = 32,
    TENANT_MAX_BYTES = 64,
    SEALED_TEXT_MAX_BYTES = 128, /* type, owner, id */
    SEALED_NONCE_BYTES = 24,     /* both random parts: different for every value ever sealed */
    SEALED_HEAD_BYTES = 1 + SEALED_NONCE_BYTES,
    SEALED_OVERHEAD_BYTES = SEALED_HEAD_BYTES + 16,
    LOOKUP_TOKEN_BYTES = 16,
};

/* The keys of one tenant; immutable, may be used by several threads. */
struct record_keys;

/* ERR_KEY_INVALID unless the master key has MASTER_KEY_BYTES and the tenant 1 to TENANT_MAX_BYTES. */
enum status record_keys_new(struct slice master_key, struct slice tenant, struct record_keys **keys_out);
void record_keys_free(struct record_keys *keys);
void record_keys_cleanup(struct record_keys **keys);

/* Where a value stands. Texts are never NULL; `owner` is the record that it belongs to, "" if none. */
struct sealed_place {
    const char *type;
    const char *owner;
    const char *id;
    uint64_t version;
};

/* Appends the sealed value: SEALED_OVERHEAD_BYTES more than `value`. ERR_TOO_LARGE also for a text of the place over
 * SEALED_TEXT_MAX_BYTES. */
enum status sealed_seal(const struct record_keys *keys, const struct sealed_place *place, struct slice value,
                        struct buffer *sealed);

/* Appends the value. ERR_STORE_CORRUPT if it was altered, cut, or sealed for another place or tenant. */
enum status sealed_open(const struct record_keys *keys, const struct sealed_place *place, struct slice sealed,
                        struct buffer *value);

struct lookup_token {
    uint8_t bytes[LOOKUP_TOKEN_BYTES];
};

/* The token of `value` in `field` ("Patient.name"). */
enum status lookup_token_of(const struct record_keys *keys, const char *field, struct slice value,
                            struct lookup_token *token_out);

/* HMAC-SHA256 under the state key: for the store's own bookkeeping. */
enum status record_keys_state_mac(const struct record_keys *keys, struct slice bytes, uint8_t mac_out[static 32]);

/* Appends u16 length and text: the building block of unambiguous associated data. ERR_TOO_LARGE over
 * SEALED_TEXT_MAX_BYTES. */
enum status append_counted(struct buffer *bytes, struct slice text);
