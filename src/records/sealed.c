/* SPDX-License-Identifier: Apache-2.0 */
#include "records/sealed.h"

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/random.h"

#include <stdlib.h>

enum {
    KEY_BYTES = 32,
    FORMAT = 1,
    SALT_BYTES = SEALED_NONCE_BYTES - AEAD_NONCE_BYTES,
    ASSOCIATED_MAX_BYTES = 32 + TENANT_MAX_BYTES + 3 * (2 + SEALED_TEXT_MAX_BYTES) + 8,
};

struct record_keys {
    struct secret values;
    struct secret tokens;
    struct secret state;
    struct buffer tenant;
};

void record_keys_free(struct record_keys *keys)
{
    if (keys == NULL) return;
    secret_done(&keys->values);
    secret_done(&keys->tokens);
    secret_done(&keys->state);
    buffer_done(&keys->tenant);
    free(keys);
}

void record_keys_cleanup(struct record_keys **keys)
{
    record_keys_free(*keys);
    *keys = NULL;
}

static enum status derive(struct slice master_key, struct slice tenant, const char *purpose, struct secret *key_out)
{
    CLEANUP(buffer_done) struct buffer info = buffer_of_maximum(ASSOCIATED_MAX_BYTES);
    TRY(buffer_append_text(&info, "lazaret-records/1 "));
    TRY(append_counted(&info, slice_of_text(purpose)));
    TRY(append_counted(&info, tenant));
    return hkdf_derive(master_key, (struct slice){}, buffer_slice(&info), KEY_BYTES, key_out);
}

enum status record_keys_new(struct slice master_key, struct slice tenant, struct record_keys **keys_out)
{
    if (master_key.size != MASTER_KEY_BYTES || tenant.size == 0 || tenant.size > TENANT_MAX_BYTES)
        return ERR_KEY_INVALID;
    CLEANUP(record_keys_cleanup) struct record_keys *keys = calloc(1, sizeof(*keys));
    if (keys == NULL) return ERR_NO_MEMORY;
    keys->tenant = buffer_of_maximum(TENANT_MAX_BYTES);
    TRY(buffer_append(&keys->tenant, tenant));
    TRY(derive(master_key, tenant, "values", &keys->values));
    TRY(derive(master_key, tenant, "tokens", &keys->tokens));
    TRY(derive(master_key, tenant, "state", &keys->state));
    *keys_out = keys;
    keys = NULL;
    return OK;
}

enum status append_counted(struct buffer *bytes, struct slice text)
{
    if (text.size > SEALED_TEXT_MAX_BYTES) return ERR_TOO_LARGE;
    TRY(buffer_append_u16(bytes, (uint16_t)text.size));
    return buffer_append(bytes, text);
}

static enum status associated_data(const struct record_keys *keys, const struct sealed_place *place,
                                   struct buffer *bytes)
{
    TRY(append_counted(bytes, buffer_slice(&keys->tenant)));
    TRY(append_counted(bytes, slice_of_text(place->type)));
    TRY(append_counted(bytes, slice_of_text(place->owner)));
    TRY(append_counted(bytes, slice_of_text(place->id)));
    return buffer_append_u64(bytes, place->version);
}

/* Both random parts lead a sealed value; the first chooses the key, the second is the nonce. */
struct value_key {
    uint8_t bytes[KEY_BYTES];
};

static void value_key_done(struct value_key *key)
{
    secret_wipe(key->bytes, sizeof(key->bytes));
}

static enum status value_key_of(const struct record_keys *keys, struct slice salt, struct value_key *key_out)
{
    return hmac_sha256(secret_slice(&keys->values), salt, key_out->bytes);
}

enum status sealed_seal(const struct record_keys *keys, const struct sealed_place *place, struct slice value,
                        struct buffer *sealed)
{
    CLEANUP(buffer_done) struct buffer associated = buffer_of_maximum(ASSOCIATED_MAX_BYTES);
    TRY(associated_data(keys, place, &associated));
    uint8_t head[SEALED_HEAD_BYTES] = {FORMAT};
    TRY(random_bytes(SEALED_NONCE_BYTES, head + 1));
    CLEANUP(value_key_done) struct value_key key;
    TRY(value_key_of(keys, slice_of(head + 1, SALT_BYTES), &key));
    const size_t before = sealed->size;
    TRY(buffer_append(sealed, SLICE_ARRAY(head)));
    const enum status status = aead_seal(SLICE_ARRAY(key.bytes), slice_of(head + 1 + SALT_BYTES, AEAD_NONCE_BYTES),
                                         buffer_slice(&associated), value, sealed);
    if (status != OK) buffer_truncate(sealed, before);
    return status;
}

enum status sealed_open(const struct record_keys *keys, const struct sealed_place *place, struct slice sealed,
                        struct buffer *value)
{
    if (sealed.size < SEALED_OVERHEAD_BYTES || sealed.bytes[0] != FORMAT) return ERR_STORE_CORRUPT;
    CLEANUP(buffer_done) struct buffer associated = buffer_of_maximum(ASSOCIATED_MAX_BYTES);
    TRY(associated_data(keys, place, &associated));
    CLEANUP(value_key_done) struct value_key key;
    TRY(value_key_of(keys, slice_part(sealed, 1, SALT_BYTES), &key));
    const enum status status =
        aead_open(SLICE_ARRAY(key.bytes), slice_part(sealed, 1 + SALT_BYTES, AEAD_NONCE_BYTES),
                  buffer_slice(&associated), slice_part(sealed, SEALED_HEAD_BYTES, sealed.size), value);
    return status == ERR_AUTHENTICATION || status == ERR_TRUNCATED ? ERR_STORE_CORRUPT : status;
}

enum status lookup_token_of(const struct record_keys *keys, const char *field, struct slice value,
                            struct lookup_token *token_out)
{
    CLEANUP(value_key_done) struct value_key field_key;
    TRY(hkdf_expand(secret_slice(&keys->tokens), slice_of_text(field), KEY_BYTES, field_key.bytes));
    uint8_t mac[SHA256_BYTES];
    TRY(hmac_sha256(SLICE_ARRAY(field_key.bytes), value, mac));
    for (size_t i = 0; i < LOOKUP_TOKEN_BYTES; i++) token_out->bytes[i] = mac[i];
    return OK;
}

enum status record_keys_state_mac(const struct record_keys *keys, struct slice bytes, uint8_t mac_out[static 32])
{
    return hmac_sha256(secret_slice(&keys->state), bytes, mac_out);
}
