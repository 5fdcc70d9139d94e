/* SPDX-License-Identifier: Apache-2.0 */
#include "records/key_parcel.h"

#include "base/encoding.h"
#include "crypto/hpke.h"
#include "records/sealed.h"

enum { SEALED_KEY_BYTES = MASTER_KEY_BYTES + 16, INFO_MAX_BYTES = 256 };

static enum status write_info(const struct key_parcel_route *route, struct buffer *info)
{
    TRY(buffer_append_text(info, route->purpose));
    return buffer_append(info, route->deployment);
}

static enum status set_bytes(json_t *object, const char *name, struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(KEY_PARCEL_MAX_BYTES);
    TRY(base64url_encode(bytes, &text));
    const int result = json_object_set_new(object, name, json_stringn((const char *)text.bytes, text.size));
    return result == 0 ? OK : ERR_NO_MEMORY;
}

static enum status set_up_sender(const struct key_parcel_route *route, struct slice info,
                                 uint8_t encapsulated_out[static HPKE_ENCAPSULATED_KEY_BYTES],
                                 struct hpke_context **context_out)
{
    const enum hpke_aead aead = HPKE_AEAD_AES_256_GCM;
    if (route->author == NULL) return hpke_setup_sender(route->recipient, aead, info, encapsulated_out, context_out);
    return hpke_setup_auth_sender(route->recipient, route->author, aead, info, encapsulated_out, context_out);
}

enum status key_parcel_seal(const struct key_parcel_route *route, struct slice master, json_t **parcel_out)
{
    if (master.size != MASTER_KEY_BYTES) return ERR_KEY_INVALID;
    uint8_t encapsulated[HPKE_ENCAPSULATED_KEY_BYTES], thumbprint[KEY_THUMBPRINT_BYTES];
    CLEANUP(hpke_cleanup) struct hpke_context *context = NULL;
    CLEANUP(buffer_done) struct buffer info = buffer_of_maximum(INFO_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(SEALED_KEY_BYTES);
    TRY(write_info(route, &info));
    TRY(set_up_sender(route, buffer_slice(&info), encapsulated, &context));
    TRY(hpke_seal(context, (struct slice){}, master, &sealed));
    TRY(key_thumbprint(route->recipient, thumbprint));
    CLEANUP(json_done) json_t *parcel = json_object();
    TRY(set_bytes(parcel, "key", SLICE_ARRAY(thumbprint)));
    TRY(set_bytes(parcel, "encapsulated", SLICE_ARRAY(encapsulated)));
    TRY(set_bytes(parcel, "sealed", buffer_slice(&sealed)));
    *parcel_out = json_incref(parcel);
    return OK;
}

static enum status check_recipient(const struct key_parcel_route *route, const json_t *parcel, struct refusal *why)
{
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    struct slice text;
    TRY(json_get_string(parcel, "", "key", 64, why, &text));
    TRY(key_thumbprint(route->recipient, thumbprint));
    if (slice_equal_text(text, base64url_of_32(thumbprint).text)) return OK;
    (void)!refuse(why, ERR_OHTTP_KEY, "key", base64url_of_32(thumbprint).text, "another key");
    return refuse_fix(why, ERR_OHTTP_KEY, "verify the platform anew: its keys have changed");
}

static enum status get_bytes(const json_t *parcel, const char *name, size_t size, struct refusal *why,
                             struct buffer *bytes)
{
    TRY(json_get_base64url(parcel, "", name, size, why, bytes));
    if (bytes->size == size) return OK;
    return refuse(why, ERR_FIELD_VALUE, name, "base64url of the right size", "%zu bytes", bytes->size);
}

static enum status set_up_recipient(const struct key_parcel_route *route, struct slice info, struct slice encapsulated,
                                    struct hpke_context **context_out)
{
    const enum hpke_aead aead = HPKE_AEAD_AES_256_GCM;
    if (route->author == NULL) return hpke_setup_recipient(route->recipient, aead, info, encapsulated, context_out);
    return hpke_setup_auth_recipient(route->recipient, route->author, aead, info, encapsulated, context_out);
}

static enum status open_sealed(const struct key_parcel_route *route, struct slice encapsulated, struct slice sealed,
                               struct buffer *master)
{
    CLEANUP(buffer_done) struct buffer info = buffer_of_maximum(INFO_MAX_BYTES);
    CLEANUP(hpke_cleanup) struct hpke_context *context = NULL;
    TRY(write_info(route, &info));
    TRY(set_up_recipient(route, buffer_slice(&info), encapsulated, &context));
    return hpke_open(context, (struct slice){}, sealed, master);
}

enum status key_parcel_open(const struct key_parcel_route *route, const json_t *parcel, struct refusal *why,
                            struct secret *master_out)
{
    static const char *const names[] = {"key", "encapsulated", "sealed", NULL};
    CLEANUP(buffer_done) struct buffer encapsulated = buffer_of_maximum(HPKE_ENCAPSULATED_KEY_BYTES);
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(SEALED_KEY_BYTES);
    CLEANUP(buffer_done) struct buffer master = buffer_of_maximum(MASTER_KEY_BYTES);
    if (!json_is_object(parcel)) return refuse(why, ERR_FIELD_TYPE, "body", "an object", "another type");
    TRY(json_only(parcel, "", names, why));
    TRY(check_recipient(route, parcel, why));
    TRY(get_bytes(parcel, "encapsulated", HPKE_ENCAPSULATED_KEY_BYTES, why, &encapsulated));
    TRY(get_bytes(parcel, "sealed", SEALED_KEY_BYTES, why, &sealed));
    const enum status status = open_sealed(route, buffer_slice(&encapsulated), buffer_slice(&sealed), &master);
    if (status == ERR_AUTHENTICATION || status == ERR_KEY_INVALID) {
        (void)!refuse(why, ERR_AUTHENTICATION, "sealed", "a key sent by the recovery key of this deployment's manifest",
                      "another");
        return refuse_fix(why, ERR_AUTHENTICATION, "use the recovery key that the platform's manifest names");
    }
    TRY(status);
    return secret_copy(buffer_slice(&master), master_out);
}
