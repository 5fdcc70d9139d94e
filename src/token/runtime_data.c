/* SPDX-License-Identifier: Apache-2.0 */
#include "token/runtime_data.h"

#include "base/encoding.h"
#include "crypto/hash.h"
#include "token/jwk.h"

#include <string.h>

static const char *const use_names[KEY_USE_COUNT] = {
    [KEY_USE_TLS] = "tls",
    [KEY_USE_SIGN] = "sign",
    [KEY_USE_HPKE] = "hpke",
};

static const enum key_kind use_kinds[KEY_USE_COUNT] = {
    [KEY_USE_TLS] = KEY_P256,
    [KEY_USE_SIGN] = KEY_P256,
    [KEY_USE_HPKE] = KEY_X25519,
};

const char *key_use_name(enum key_use use)
{
    return use_names[use];
}

void runtime_data_done(struct runtime_data *data)
{
    for (size_t use = 0; use < KEY_USE_COUNT; use++) key_cleanup(&data->keys[use]);
    buffer_done(&data->ohttp);
}

static enum status set_text(json_t *object, const char *name, const char *text)
{
    return json_object_set_new(object, name, json_string(text)) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status add_key(const struct key *key, const char *use_name, json_t *keys, json_t *use)
{
    CLEANUP(json_done) json_t *jwk = NULL;
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    TRY(jwk_from_key(key, &jwk));
    TRY(key_thumbprint(key, thumbprint));
    if (json_array_append(keys, jwk) != 0) return ERR_NO_MEMORY;
    return set_text(use, use_name, base64url_of_32(thumbprint).text);
}

static enum status describe(const struct runtime_data *data, json_t *keys, json_t *lazaret, json_t *use)
{
    for (size_t i = 0; i < KEY_USE_COUNT; i++) {
        if (data->keys[i] != NULL) TRY(add_key(data->keys[i], use_names[i], keys, use));
    }
    TRY(set_text(lazaret, "service", data->service));
    TRY(set_text(lazaret, "version", data->version));
    TRY(set_text(lazaret, "deployment", data->deployment));
    if (data->ohttp.size == 0) return OK;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(OHTTP_KEY_CONFIG_MAX_BYTES * 2);
    TRY(base64url_encode(buffer_slice(&data->ohttp), &text));
    const char *ohttp;
    TRY(buffer_text(&text, &ohttp));
    return set_text(lazaret, "ohttp", ohttp);
}

enum status runtime_data_write(const struct runtime_data *data, struct buffer *bytes)
{
    CLEANUP(json_done) json_t *whole = json_object(), *keys = json_array();
    CLEANUP(json_done) json_t *lazaret = json_object(), *use = json_object();
    TRY(describe(data, keys, lazaret, use));
    if (json_object_set(lazaret, "use", use) != 0 || json_object_set(whole, "keys", keys) != 0 ||
        json_object_set(whole, "lazaret", lazaret) != 0)
        return ERR_NO_MEMORY;
    return json_write(whole, bytes);
}

/* Copies a member that goes to logs and answers: printable text only. */
static enum status read_text(const json_t *object, const char *path, const char *name, size_t max_size,
                             struct refusal *why, char *text_out)
{
    struct slice text;
    TRY(json_get_string(object, path, name, max_size, why, &text));
    if (!utf8_is_valid(text, false))
        return refuse(why, ERR_FIELD_VALUE, json_path(path, name).text, "printable text", "control characters");
    memcpy(text_out, text.bytes, text.size);
    text_out[text.size] = '\0';
    return OK;
}

struct named_keys {
    struct key *keys[RUNTIME_DATA_MAX_KEYS];
    struct base64url32 thumbprints[RUNTIME_DATA_MAX_KEYS];
    size_t count;
};

static void named_keys_done(struct named_keys *named)
{
    for (size_t i = 0; i < named->count; i++) key_free(named->keys[i]);
}

/* Keys of kinds that are not known here are passed over: no use can name them. */
static enum status read_keys(const json_t *array, const char *path, struct refusal *why, struct named_keys *named)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct key *key = NULL;
        const enum status status = jwk_to_key(json_array_get(array, i), json_path_at(path, "keys", i).text, why, &key);
        if (status == ERR_UNSUPPORTED) continue;
        TRY(status);
        named->keys[named->count++] = key;
        uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
        TRY(key_thumbprint(key, thumbprint));
        named->thumbprints[named->count - 1] = base64url_of_32(thumbprint);
    }
    return OK;
}

static const struct key *find_key(const struct named_keys *named, struct slice thumbprint)
{
    for (size_t i = 0; i < named->count; i++) {
        if (slice_equal_text(thumbprint, named->thumbprints[i].text)) return named->keys[i];
    }
    return NULL;
}

static enum status read_use(const json_t *use, const char *path, enum key_use which, const struct named_keys *named,
                            struct refusal *why, struct runtime_data *data)
{
    const char *const name = use_names[which];
    struct slice thumbprint;
    TRY(json_get_string(use, path, name, THUMBPRINT_TEXT_BYTES, why, &thumbprint));
    const struct key *const key = find_key(named, thumbprint);
    if (key == NULL)
        return refuse(why, ERR_FIELD_VALUE, json_path(path, name).text, "the thumbprint of a key in keys", "%.*s",
                      (int)thumbprint.size, thumbprint.bytes);
    if (key_kind(key) != use_kinds[which])
        return refuse(why, ERR_FIELD_VALUE, json_path(path, name).text,
                      use_kinds[which] == KEY_P256 ? "a P-256 key" : "an X25519 key", "a key of another kind");
    data->keys[which] = key_share(key);
    return OK;
}

static enum status read_uses(const json_t *lazaret, const char *path, const struct named_keys *named,
                             struct refusal *why, struct runtime_data *data)
{
    json_t *use;
    TRY(json_get_object(lazaret, path, "use", why, &use));
    const struct json_path place = json_path(path, "use");
    for (size_t i = 0; i < KEY_USE_COUNT; i++) {
        if (json_has(use, use_names[i])) TRY(read_use(use, place.text, (enum key_use)i, named, why, data));
    }
    return OK;
}

static enum status read_ohttp(const json_t *lazaret, const char *path, struct refusal *why, struct runtime_data *data)
{
    if (!json_has(lazaret, "ohttp")) return OK;
    TRY(json_get_base64url(lazaret, path, "ohttp", OHTTP_KEY_CONFIG_MAX_BYTES, why, &data->ohttp));
    if (data->keys[KEY_USE_HPKE] != NULL) return OK;
    return refuse(why, ERR_FIELD_VALUE, json_path(path, "ohttp").text, "a key configuration beside an HPKE key",
                  "no HPKE key");
}

static enum status read_lazaret(const json_t *lazaret, const char *path, const struct named_keys *named,
                                struct refusal *why, struct runtime_data *data)
{
    TRY(read_text(lazaret, path, "service", SERVICE_NAME_MAX_BYTES, why, data->service));
    TRY(read_text(lazaret, path, "version", SERVICE_VERSION_MAX_BYTES, why, data->version));
    TRY(read_text(lazaret, path, "deployment", THUMBPRINT_TEXT_BYTES, why, data->deployment));
    TRY(read_uses(lazaret, path, named, why, data));
    return read_ohttp(lazaret, path, why, data);
}

enum status runtime_data_from_json(const json_t *object, const char *path, struct refusal *why,
                                   struct runtime_data *data_out)
{
    json_t *keys, *lazaret;
    if (!json_is_object(object)) return refuse(why, ERR_FIELD_TYPE, path, "an object", "another type");
    TRY(json_get_array(object, path, "keys", RUNTIME_DATA_MAX_KEYS, why, &keys));
    TRY(json_get_object(object, path, "lazaret", why, &lazaret));
    CLEANUP(named_keys_done) struct named_keys named = {};
    TRY(read_keys(keys, path, why, &named));
    CLEANUP(runtime_data_done) struct runtime_data data = {.ohttp = buffer_of_maximum(OHTTP_KEY_CONFIG_MAX_BYTES)};
    TRY(read_lazaret(lazaret, json_path(path, "lazaret").text, &named, why, &data));
    *data_out = data;
    data = (struct runtime_data){};
    return OK;
}

enum status runtime_data_report_data(struct slice bytes, uint8_t report_data_out[static REPORT_DATA_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    TRY(sha256(bytes, digest));
    memset(report_data_out, 0, REPORT_DATA_BYTES);
    memcpy(report_data_out, digest, sizeof(digest));
    return OK;
}
