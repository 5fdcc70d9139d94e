/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/enclave.h"

#include "crypto/hpke.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct enclave {
    struct tee *tee; /* borrowed */
    struct runtime_data data;
    struct buffer bytes;     /* of `data`, exactly as hashed */
    pthread_mutex_t mutex;   /* over the HPKE key, which others read */
    struct key *former_hpke; /* somebody may still have it in hand */
};

void enclave_free(struct enclave *enclave)
{
    if (enclave == NULL) return;
    runtime_data_done(&enclave->data);
    key_cleanup(&enclave->former_hpke);
    buffer_done(&enclave->bytes);
    (void)pthread_mutex_destroy(&enclave->mutex);
    free(enclave);
}

static void cleanup_enclave(struct enclave **enclave)
{
    enclave_free(*enclave);
}

static enum status set_text(const char *text, size_t max_size, char *text_out)
{
    const size_t size = strlen(text);
    if (size == 0 || size > max_size) return ERR_FIELD_VALUE;
    memcpy(text_out, text, size + 1);
    return OK;
}

/* A key configuration (RFC 9458 section 3.1): key id, KEM, public key, then the symmetric algorithms in our order of
 * preference. */
static enum status write_key_configuration(const struct key *key, struct buffer *configuration)
{
    static const enum hpke_aead aeads[] = {HPKE_AEAD_AES_256_GCM, HPKE_AEAD_AES_128_GCM};
    *configuration = buffer_of_maximum(OHTTP_KEY_CONFIG_MAX_BYTES);
    TRY(buffer_append_u8(configuration, ENCLAVE_OHTTP_KEY_ID));
    TRY(buffer_append_u16(configuration, HPKE_KEM_X25519_HKDF_SHA256));
    TRY(key_public_bytes(key, configuration));
    TRY(buffer_append_u16(configuration, sizeof(aeads) / sizeof(aeads[0]) * 4));
    for (size_t i = 0; i < sizeof(aeads) / sizeof(aeads[0]); i++) {
        TRY(buffer_append_u16(configuration, HPKE_KDF_HKDF_SHA256));
        TRY(buffer_append_u16(configuration, (uint16_t)aeads[i]));
    }
    return OK;
}

static enum status fill(const struct enclave_options *options, struct runtime_data *data)
{
    TRY(set_text(options->service, SERVICE_NAME_MAX_BYTES, data->service));
    TRY(set_text(options->version, SERVICE_VERSION_MAX_BYTES, data->version));
    TRY(set_text(options->deployment, THUMBPRINT_TEXT_BYTES, data->deployment));
    if (strlen(data->deployment) != THUMBPRINT_TEXT_BYTES) return ERR_FIELD_VALUE;
    TRY(key_generate(KEY_P256, 0, &data->keys[KEY_USE_TLS]));
    TRY(key_generate(KEY_P256, 0, &data->keys[KEY_USE_SIGN]));
    if (!options->has_hpke) return OK;
    TRY(key_generate(KEY_X25519, 0, &data->keys[KEY_USE_HPKE]));
    return write_key_configuration(data->keys[KEY_USE_HPKE], &data->ohttp);
}

enum status enclave_new(struct tee *tee, const struct enclave_options *options, struct enclave **enclave_out)
{
    CLEANUP(cleanup_enclave) struct enclave *enclave = calloc(1, sizeof(*enclave));
    if (enclave == NULL) return ERR_NO_MEMORY;
    (void)pthread_mutex_init(&enclave->mutex, NULL);
    enclave->tee = tee;
    enclave->bytes = buffer_of_maximum(RUNTIME_DATA_MAX_BYTES);
    TRY(fill(options, &enclave->data));
    TRY(runtime_data_write(&enclave->data, &enclave->bytes));
    *enclave_out = enclave;
    enclave = NULL;
    return OK;
}

const struct key *enclave_key(const struct enclave *enclave, enum key_use use)
{
    if (use >= KEY_USE_COUNT) return NULL;
    pthread_mutex_t *const mutex = (pthread_mutex_t *)&enclave->mutex;
    (void)pthread_mutex_lock(mutex);
    const struct key *const key = enclave->data.keys[use];
    (void)pthread_mutex_unlock(mutex);
    return key;
}

static void take_key(struct enclave *enclave, struct key **key)
{
    (void)pthread_mutex_lock(&enclave->mutex);
    key_cleanup(&enclave->former_hpke);
    enclave->former_hpke = enclave->data.keys[KEY_USE_HPKE];
    enclave->data.keys[KEY_USE_HPKE] = *key;
    *key = NULL;
    (void)pthread_mutex_unlock(&enclave->mutex);
}

enum status enclave_renew_hpke(struct enclave *enclave)
{
    if (enclave->data.keys[KEY_USE_HPKE] == NULL) return ERR_UNSUPPORTED;
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(buffer_done) struct buffer ohttp = {}, bytes = buffer_of_maximum(RUNTIME_DATA_MAX_BYTES);
    TRY(key_generate(KEY_X25519, 0, &key));
    TRY(write_key_configuration(key, &ohttp));
    struct runtime_data next = enclave->data; /* borrows all else */
    next.keys[KEY_USE_HPKE] = key;
    next.ohttp = ohttp;
    TRY(runtime_data_write(&next, &bytes));
    take_key(enclave, &key);
    buffer_done(&enclave->data.ohttp);
    enclave->data.ohttp = buffer_take(&ohttp);
    buffer_done(&enclave->bytes);
    enclave->bytes = buffer_take(&bytes);
    return OK;
}

struct slice enclave_runtime_data(const struct enclave *enclave)
{
    return buffer_slice(&enclave->bytes);
}

struct slice enclave_ohttp_configuration(const struct enclave *enclave)
{
    return buffer_slice(&enclave->data.ohttp);
}

enum status enclave_quote(const struct enclave *enclave, struct buffer *quote)
{
    return tee_quote_data(enclave->tee, buffer_slice(&enclave->bytes), quote);
}
