/* SPDX-License-Identifier: Apache-2.0 */
#include "softtee/signature.h"

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/hash.h"

#include <string.h>

enum { MODULUS_BYTES = SIGNATURE_KEY_BITS / 8, SIGNED_BYTES = 32 + 2 + 2 + 1 };

static const uint8_t exponent[] = {0x01, 0x00, 0x01};

static enum status signer_of_modulus(struct slice modulus, uint8_t mrsigner_out[static 32])
{
    if (modulus.size != MODULUS_BYTES) return ERR_KEY_INVALID;
    uint8_t reversed[MODULUS_BYTES];
    for (size_t i = 0; i < MODULUS_BYTES; i++) reversed[i] = modulus.bytes[MODULUS_BYTES - 1 - i];
    return sha256(SLICE_ARRAY(reversed), mrsigner_out);
}

enum status signature_signer(const struct key *key, uint8_t mrsigner_out[static 32])
{
    CLEANUP(buffer_done) struct buffer modulus = buffer_of_maximum(RSA_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer power = buffer_of_maximum(RSA_MAX_BYTES);
    if (key_kind(key) != KEY_RSA) return ERR_KEY_INVALID;
    TRY(key_rsa_numbers(key, &modulus, &power));
    if (!slice_equal(buffer_slice(&power), SLICE_ARRAY(exponent))) return ERR_KEY_INVALID;
    return signer_of_modulus(buffer_slice(&modulus), mrsigner_out);
}

static enum status write_signed(const struct simulated_identity *identity, struct buffer *bytes)
{
    TRY(buffer_append(bytes, SLICE_ARRAY(identity->mrenclave)));
    TRY(buffer_append_u16_le(bytes, identity->product_id));
    TRY(buffer_append_u16_le(bytes, identity->svn));
    return buffer_append_u8(bytes, identity->debug ? 1 : 0);
}

static enum status set_hex(json_t *json, const char *name, struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(2 * RSA_MAX_BYTES);
    TRY(hex_encode(bytes, &text));
    json_t *const value = json_stringn((const char *)text.bytes, text.size);
    return json_object_set_new(json, name, value) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status set_numbers(json_t *json, const struct simulated_identity *identity)
{
    const bool set = json_object_set_new(json, "product_id", json_integer(identity->product_id)) == 0 &&
                     json_object_set_new(json, "svn", json_integer(identity->svn)) == 0 &&
                     json_object_set_new(json, "debug", json_boolean(identity->debug)) == 0;
    return set ? OK : ERR_NO_MEMORY;
}

enum status signature_write(const struct simulated_identity *identity, const struct key *key, struct buffer *text)
{
    uint8_t mrsigner[32];
    TRY(signature_signer(key, mrsigner));
    if (!key_is_private(key)) return ERR_KEY_INVALID;
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(SIGNED_BYTES);
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(RSA_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer modulus = buffer_of_maximum(RSA_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer power = buffer_of_maximum(RSA_MAX_BYTES);
    TRY(write_signed(identity, &bytes));
    TRY(key_sign(key, buffer_slice(&bytes), &signature));
    TRY(key_rsa_numbers(key, &modulus, &power));
    CLEANUP(json_done) json_t *json = json_object();
    TRY(set_hex(json, "mrenclave", SLICE_ARRAY(identity->mrenclave)));
    TRY(set_numbers(json, identity));
    TRY(set_hex(json, "modulus", buffer_slice(&modulus)));
    TRY(set_hex(json, "signature", buffer_slice(&signature)));
    TRY(json_write(json, text));
    return buffer_append_text(text, "\n");
}

static enum status read_identity(const json_t *json, struct refusal *why, struct simulated_identity *identity)
{
    int64_t product_id, svn;
    TRY(json_get_hex(json, "signature", "mrenclave", sizeof(identity->mrenclave), why, identity->mrenclave));
    TRY(json_get_integer(json, "signature", "product_id", 0, UINT16_MAX, why, &product_id));
    TRY(json_get_integer(json, "signature", "svn", 0, UINT16_MAX, why, &svn));
    TRY(json_get_bool(json, "signature", "debug", why, &identity->debug));
    identity->product_id = (uint16_t)product_id;
    identity->svn = (uint16_t)svn;
    return OK;
}

static enum status check_signature(const json_t *json, struct refusal *why, struct simulated_identity *identity)
{
    uint8_t modulus[MODULUS_BYTES], signature[MODULUS_BYTES];
    TRY(json_get_hex(json, "signature", "modulus", sizeof(modulus), why, modulus));
    TRY(json_get_hex(json, "signature", "signature", sizeof(signature), why, signature));
    TRY(signer_of_modulus(SLICE_ARRAY(modulus), identity->mrsigner));
    CLEANUP(key_cleanup) struct key *key = NULL;
    if (key_from_rsa(SLICE_ARRAY(modulus), SLICE_ARRAY(exponent), &key) != OK)
        return refuse(why, ERR_FIELD_VALUE, "signature.modulus", "an RSA-3072 modulus", "another number");
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(SIGNED_BYTES);
    TRY(write_signed(identity, &bytes));
    if (key_verify(key, buffer_slice(&bytes), SLICE_ARRAY(signature)) != OK)
        return refuse(why, ERR_SIGNATURE, "signature.signature", "a signature by the modulus's key", "another");
    return OK;
}

enum status signature_read(struct slice text, struct refusal *why, struct simulated_identity *identity_out)
{
    static const char *const names[] = {"mrenclave", "product_id", "svn", "debug", "modulus", "signature", NULL};
    CLEANUP(json_done) json_t *json = NULL;
    struct simulated_identity identity = {};
    TRY(json_parse(text, SIGNATURE_MAX_BYTES, why, &json));
    TRY(json_only(json, "signature", names, why));
    TRY(read_identity(json, why, &identity));
    TRY(check_signature(json, why, &identity));
    *identity_out = identity;
    return OK;
}
