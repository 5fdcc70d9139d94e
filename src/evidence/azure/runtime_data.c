/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/azure/runtime_data.h"

#include "base/json.h"

#include <string.h>

enum { KEYS_MAX_COUNT = 8, KEY_ID_MAX_BYTES = 64, KEY_TYPE_MAX_BYTES = 8, EXPONENT_MAX_BYTES = 8 };

#define ROOT "runtime_data"

/* RFC 7518 section 6.3.1. */
static enum status read_key(const json_t *jwk, struct refusal *why, struct key **key_out)
{
    static const char path[] = ROOT ".keys.HCLAkPub";
    struct slice type;
    CLEANUP(buffer_done) struct buffer modulus = buffer_of_maximum(RSA_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer exponent = buffer_of_maximum(EXPONENT_MAX_BYTES);
    TRY(json_get_string(jwk, path, "kty", KEY_TYPE_MAX_BYTES, why, &type));
    if (!slice_equal_text(type, "RSA"))
        return refuse(why, ERR_AZURE_REPORT, ROOT ".keys.HCLAkPub.kty", "RSA", "%.*s", (int)type.size,
                      (const char *)type.bytes);
    TRY(json_get_base64url(jwk, path, "n", RSA_MAX_BYTES, why, &modulus));
    TRY(json_get_base64url(jwk, path, "e", EXPONENT_MAX_BYTES, why, &exponent));
    const enum status status = key_from_rsa(buffer_slice(&modulus), buffer_slice(&exponent), key_out);
    if (status != ERR_KEY_INVALID) return status;
    return refuse(why, ERR_AZURE_REPORT, path, "a sound RSA key of 2048 to 4096 bits", "another number");
}

/* One key signs the quotes; a second one under the same name could be anybody's. */
static enum status find_key(const json_t *keys, struct refusal *why, const json_t **jwk_out)
{
    const json_t *found = NULL, *jwk;
    size_t i;
    json_array_foreach (keys, i, jwk) {
        struct slice id;
        const struct json_path path = json_path_at(ROOT, "keys", i);
        TRY(json_get_string(jwk, path.text, "kid", KEY_ID_MAX_BYTES, why, &id));
        if (!slice_equal_text(id, "HCLAkPub")) continue;
        if (found != NULL) return refuse(why, ERR_AZURE_REPORT, ROOT ".keys.HCLAkPub", "one", "two");
        found = jwk;
    }
    if (found == NULL) return refuse(why, ERR_AZURE_REPORT, ROOT ".keys.HCLAkPub", "one", "none");
    *jwk_out = found;
    return OK;
}

static enum status read_flag(const json_t *object, const char *path, const char *name, struct refusal *why,
                             bool *flag_out)
{
    return json_has(object, name) ? json_get_bool(object, path, name, why, flag_out) : OK;
}

static enum status read_text(const json_t *object, const char *path, const char *name, size_t max_size,
                             struct refusal *why, char *text_out)
{
    struct slice text;
    if (!json_has(object, name)) return OK;
    TRY(json_get_string(object, path, name, max_size, why, &text));
    memcpy(text_out, text.bytes, text.size);
    text_out[text.size] = '\0';
    return OK;
}

/* Members that are not known here say nothing that this verifier would pass on. */
static enum status read_configuration(const json_t *data, struct refusal *why, struct azure_claims *claims)
{
    static const char path[] = ROOT ".vm-configuration";
    json_t *configuration;
    if (!json_has(data, "vm-configuration")) return OK;
    TRY(json_get_object(data, ROOT, "vm-configuration", why, &configuration));
    TRY(read_flag(configuration, path, "secure-boot", why, &claims->secure_boot));
    TRY(read_flag(configuration, path, "tpm-enabled", why, &claims->tpm_enabled));
    TRY(read_flag(configuration, path, "console-enabled", why, &claims->console_enabled));
    return read_text(configuration, path, "vmUniqueId", AZURE_VM_ID_MAX_BYTES, why, claims->vm_id);
}

static enum status read_all(struct slice text, struct refusal *why, struct azure_claims *claims, struct key **key_out)
{
    CLEANUP(json_done) json_t *data = NULL;
    json_t *keys;
    const json_t *jwk;
    TRY(json_parse(text, HCL_RUNTIME_DATA_MAX_BYTES, why, &data));
    TRY(json_get_array(data, ROOT, "keys", KEYS_MAX_COUNT, why, &keys));
    TRY(find_key(keys, why, &jwk));
    TRY(read_configuration(data, why, claims));
    TRY(read_text(data, ROOT, "user-data", AZURE_USER_DATA_MAX_BYTES, why, claims->user_data));
    return read_key(jwk, why, key_out);
}

enum status runtime_data_read(struct slice text, struct refusal *why, struct azure_claims *claims, struct key **key_out)
{
    return refuse_as(why, read_all(text, why, claims, key_out), ERR_AZURE_REPORT);
}
