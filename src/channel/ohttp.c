/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/ohttp.h"

#include "base/reader.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/random.h"

#include <stdlib.h>
#include <string.h>

#define REQUEST_LABEL "message/bhttp request"
#define RESPONSE_LABEL "message/bhttp response"

enum {
    INFO_MAX_BYTES = sizeof(REQUEST_LABEL) + OHTTP_HEADER_BYTES, /* the label's NUL is part of it */
    RESPONSE_NONCE_MAX_BYTES = 32,
};

/* ---- key configuration (section 3.1) ---- */

void ohttp_config_done(struct ohttp_config *config)
{
    key_cleanup(&config->key);
}

static bool is_known_aead(uint16_t kdf, uint16_t aead)
{
    return kdf == HPKE_KDF_HKDF_SHA256 && (aead == HPKE_AEAD_AES_128_GCM || aead == HPKE_AEAD_AES_256_GCM);
}

static enum status read_suites(struct reader *reader, struct ohttp_config *config)
{
    uint16_t size;
    struct reader suites;
    TRY(reader_u16(reader, &size));
    TRY(reader_sub(reader, size, &suites));
    for (size_t count = 0; reader_left(&suites) > 0; count++) {
        uint16_t kdf, aead;
        if (count == OHTTP_CONFIG_MAX_SUITES) return ERR_TOO_LARGE;
        TRY(reader_u16(&suites, &kdf));
        TRY(reader_u16(&suites, &aead));
        if (is_known_aead(kdf, aead)) config->aeads[config->aead_count++] = (enum hpke_aead)aead;
    }
    return size > 0 ? OK : ERR_TRUNCATED;
}

static enum status read_config(struct reader *reader, struct ohttp_config *config)
{
    uint16_t kem;
    struct slice public_bytes;
    TRY(reader_u8(reader, &config->key_id));
    TRY(reader_u16(reader, &kem));
    if (kem != HPKE_KEM_X25519_HKDF_SHA256) return ERR_UNSUPPORTED;
    TRY(reader_slice(reader, X25519_BYTES, &public_bytes));
    TRY(key_from_x25519(public_bytes, &config->key));
    TRY(read_suites(reader, config));
    TRY(reader_end(reader));
    return config->aead_count > 0 ? OK : ERR_UNSUPPORTED;
}

enum status ohttp_config_read(struct slice bytes, struct refusal *why, struct ohttp_config *config_out)
{
    struct reader reader = reader_over(bytes);
    CLEANUP(ohttp_config_done) struct ohttp_config config = {};
    const enum status status = bytes.size <= OHTTP_CONFIG_MAX_BYTES ? read_config(&reader, &config) : ERR_TOO_LARGE;
    if (status == ERR_UNSUPPORTED)
        return refuse(why, status, "key configuration", "X25519 and HKDF-SHA256 with AES-256-GCM or AES-128-GCM",
                      "other algorithms");
    if (status != OK && status != ERR_NO_MEMORY)
        return refuse(why, ERR_OHTTP_FORMAT, "key configuration", "an RFC 9458 key configuration", "%zu other bytes",
                      bytes.size);
    TRY(status);
    *config_out = config;
    config.key = NULL;
    return OK;
}

static enum status write_config(const struct ohttp_config *config, struct buffer *bytes)
{
    TRY(buffer_append_u8(bytes, config->key_id));
    TRY(buffer_append_u16(bytes, HPKE_KEM_X25519_HKDF_SHA256));
    TRY(key_public_bytes(config->key, bytes));
    TRY(buffer_append_u16(bytes, (uint16_t)(config->aead_count * 4)));
    for (size_t i = 0; i < config->aead_count; i++) {
        TRY(buffer_append_u16(bytes, HPKE_KDF_HKDF_SHA256));
        TRY(buffer_append_u16(bytes, (uint16_t)config->aeads[i]));
    }
    return OK;
}

enum status ohttp_config_write(const struct ohttp_config *config, struct buffer *bytes)
{
    if (config->aead_count == 0 || config->aead_count > OHTTP_CONFIG_MAX_SUITES) return ERR_FIELD_VALUE;
    if (key_kind(config->key) != KEY_X25519) return ERR_KEY_INVALID;
    CLEANUP(buffer_done) struct buffer written = buffer_of_maximum(OHTTP_CONFIG_MAX_BYTES);
    TRY(write_config(config, &written));
    return buffer_append(bytes, buffer_slice(&written));
}

/* ---- exchanges ---- */

struct ohttp_exchange {
    enum hpke_aead aead;
    uint8_t encapsulated_key[HPKE_ENCAPSULATED_KEY_BYTES];
    struct secret secret; /* exported from the request's HPKE context */
};

void ohttp_exchange_cleanup(struct ohttp_exchange **exchange)
{
    if (*exchange == NULL) return;
    secret_done(&(*exchange)->secret);
    free(*exchange);
    *exchange = NULL;
}

/* max(Nn, Nk): the key is the longer one in both suites. */
static size_t response_nonce_bytes(enum hpke_aead aead)
{
    return hpke_aead_key_bytes(aead);
}

static enum status exchange_new(const struct hpke_context *context, enum hpke_aead aead,
                                const uint8_t *encapsulated_key, struct ohttp_exchange **exchange_out)
{
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL) return ERR_NO_MEMORY;
    exchange->aead = aead;
    memcpy(exchange->encapsulated_key, encapsulated_key, HPKE_ENCAPSULATED_KEY_BYTES);
    TRY(hpke_export(context, SLICE_LITERAL(RESPONSE_LABEL), response_nonce_bytes(aead), &exchange->secret));
    *exchange_out = exchange;
    exchange = NULL;
    return OK;
}

struct header {
    uint8_t key_id;
    uint16_t kem, kdf, aead;
};

/* info = label || 0 || header (section 4.3). */
static enum status write_info(const struct header *header, struct buffer *info)
{
    TRY(buffer_append(info, SLICE_ARRAY(REQUEST_LABEL)));
    TRY(buffer_append_u8(info, header->key_id));
    TRY(buffer_append_u16(info, header->kem));
    TRY(buffer_append_u16(info, header->kdf));
    return buffer_append_u16(info, header->aead);
}

static enum status read_header(struct reader *reader, struct header *header_out)
{
    TRY(reader_u8(reader, &header_out->key_id));
    TRY(reader_u16(reader, &header_out->kem));
    TRY(reader_u16(reader, &header_out->kdf));
    return reader_u16(reader, &header_out->aead);
}

/* ---- gateway ---- */

static enum status check_header(const struct header *header, uint8_t key_id, struct refusal *why)
{
    if (header->key_id != key_id)
        return refuse(why, ERR_OHTTP_KEY, "key id", "that of the key configuration", "%u", header->key_id);
    if (header->kem == HPKE_KEM_X25519_HKDF_SHA256 && is_known_aead(header->kdf, header->aead)) return OK;
    return refuse(why, ERR_OHTTP_KEY, "suite", "a suite of the key configuration", "KEM %u, KDF %u, AEAD %u",
                  header->kem, header->kdf, header->aead);
}

struct request_parts {
    struct header header;
    struct slice encapsulated_key, sealed;
};

static enum status split_request(struct slice message, uint8_t key_id, struct refusal *why,
                                 struct request_parts *parts_out)
{
    struct reader reader = reader_over(message);
    if (read_header(&reader, &parts_out->header) != OK)
        return refuse(why, ERR_OHTTP_FORMAT, "encapsulated request", "at least 55 bytes", "%zu", message.size);
    TRY(check_header(&parts_out->header, key_id, why));
    if (reader_slice(&reader, HPKE_ENCAPSULATED_KEY_BYTES, &parts_out->encapsulated_key) != OK ||
        reader_left(&reader) < AEAD_TAG_BYTES)
        return refuse(why, ERR_OHTTP_FORMAT, "encapsulated request", "at least 55 bytes", "%zu", message.size);
    parts_out->sealed = reader.rest;
    return OK;
}

static enum status refuse_sealed(struct refusal *why, enum status status)
{
    if (status == ERR_AUTHENTICATION)
        return refuse(why, status, "sealed content", "content sealed to this key", "content that does not open");
    if (status == ERR_KEY_INVALID)
        return refuse(why, ERR_OHTTP_FORMAT, "encapsulated key", "an X25519 public key", "a point of low order");
    return status;
}

enum status ohttp_open_request(const struct key *private_key, uint8_t key_id, struct slice message, struct refusal *why,
                               uint8_t encapsulated_key_out[static HPKE_ENCAPSULATED_KEY_BYTES], struct buffer *content,
                               struct ohttp_exchange **exchange_out)
{
    struct request_parts parts;
    TRY(split_request(message, key_id, why, &parts));
    const enum hpke_aead aead = (enum hpke_aead)parts.header.aead;
    CLEANUP(buffer_done) struct buffer info = buffer_of_maximum(INFO_MAX_BYTES);
    TRY(write_info(&parts.header, &info));
    CLEANUP(hpke_cleanup) struct hpke_context *context = NULL;
    TRY(refuse_sealed(why,
                      hpke_setup_recipient(private_key, aead, buffer_slice(&info), parts.encapsulated_key, &context)));
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *exchange = NULL;
    TRY(exchange_new(context, aead, parts.encapsulated_key.bytes, &exchange));
    TRY(refuse_sealed(why, hpke_open(context, (struct slice){}, parts.sealed, content)));
    memcpy(encapsulated_key_out, parts.encapsulated_key.bytes, HPKE_ENCAPSULATED_KEY_BYTES);
    *exchange_out = exchange;
    exchange = NULL;
    return OK;
}

struct response_key {
    struct secret key;
    uint8_t nonce[AEAD_NONCE_BYTES];
};

static void response_key_done(struct response_key *key)
{
    secret_done(&key->key);
    secret_wipe(key->nonce, sizeof(key->nonce));
}

/* Section 4.4: prk = Extract(enc || response_nonce, secret); key and nonce by Expand. */
static enum status derive_response_key(const struct ohttp_exchange *exchange, struct slice response_nonce,
                                       struct response_key *key)
{
    CLEANUP(buffer_done) struct buffer salt = buffer_of_maximum(HPKE_ENCAPSULATED_KEY_BYTES + RESPONSE_NONCE_MAX_BYTES);
    TRY(buffer_append(&salt, SLICE_ARRAY(exchange->encapsulated_key)));
    TRY(buffer_append(&salt, response_nonce));
    CLEANUP(secret_done) struct secret extracted = {};
    TRY(secret_alloc(SHA256_BYTES, &extracted));
    TRY(secret_alloc(hpke_aead_key_bytes(exchange->aead), &key->key));
    TRY(hkdf_extract(buffer_slice(&salt), secret_slice(&exchange->secret), extracted.bytes));
    TRY(hkdf_expand(secret_slice(&extracted), SLICE_LITERAL("key"), key->key.size, key->key.bytes));
    return hkdf_expand(secret_slice(&extracted), SLICE_LITERAL("nonce"), sizeof(key->nonce), key->nonce);
}

enum status ohttp_seal_response_with(const struct ohttp_exchange *exchange, struct slice response_nonce,
                                     struct slice content, struct buffer *message)
{
    if (response_nonce.size != response_nonce_bytes(exchange->aead)) return ERR_FIELD_VALUE;
    CLEANUP(response_key_done) struct response_key key = {};
    TRY(derive_response_key(exchange, response_nonce, &key));
    const size_t before = message->size;
    TRY(buffer_append(message, response_nonce));
    const enum status status =
        aead_seal(secret_slice(&key.key), SLICE_ARRAY(key.nonce), (struct slice){}, content, message);
    if (status != OK) buffer_truncate(message, before);
    return status;
}

enum status ohttp_seal_response(const struct ohttp_exchange *exchange, struct slice content, struct buffer *message)
{
    uint8_t nonce[RESPONSE_NONCE_MAX_BYTES];
    const size_t size = response_nonce_bytes(exchange->aead);
    TRY(random_bytes(size, nonce));
    return ohttp_seal_response_with(exchange, slice_of(nonce, size), content, message);
}

/* ---- client ---- */

static enum status write_request(const struct header *header, const uint8_t *encapsulated_key,
                                 struct hpke_context *context, struct slice content, struct buffer *message)
{
    TRY(buffer_append_u8(message, header->key_id));
    TRY(buffer_append_u16(message, header->kem));
    TRY(buffer_append_u16(message, header->kdf));
    TRY(buffer_append_u16(message, header->aead));
    TRY(buffer_append(message, slice_of(encapsulated_key, HPKE_ENCAPSULATED_KEY_BYTES)));
    return hpke_seal(context, (struct slice){}, content, message);
}

enum status ohttp_seal_request_with(const struct ohttp_config *config, const struct key *ephemeral,
                                    struct slice content, struct buffer *message, struct ohttp_exchange **exchange_out)
{
    if (config->aead_count == 0) return ERR_UNSUPPORTED;
    const enum hpke_aead aead = config->aeads[0];
    const struct header header = {config->key_id, HPKE_KEM_X25519_HKDF_SHA256, HPKE_KDF_HKDF_SHA256, (uint16_t)aead};
    CLEANUP(buffer_done) struct buffer info = buffer_of_maximum(INFO_MAX_BYTES);
    TRY(write_info(&header, &info));
    CLEANUP(hpke_cleanup) struct hpke_context *context = NULL;
    uint8_t encapsulated_key[HPKE_ENCAPSULATED_KEY_BYTES];
    TRY(hpke_setup_sender_with(config->key, ephemeral, aead, buffer_slice(&info), encapsulated_key, &context));
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *exchange = NULL;
    TRY(exchange_new(context, aead, encapsulated_key, &exchange));
    const size_t before = message->size;
    const enum status status = write_request(&header, encapsulated_key, context, content, message);
    if (status != OK) {
        buffer_truncate(message, before);
        return status;
    }
    *exchange_out = exchange;
    exchange = NULL;
    return OK;
}

enum status ohttp_seal_request(const struct ohttp_config *config, struct slice content, struct buffer *message,
                               struct ohttp_exchange **exchange_out)
{
    CLEANUP(key_cleanup) struct key *ephemeral = NULL;
    TRY(key_generate(KEY_X25519, 0, &ephemeral));
    return ohttp_seal_request_with(config, ephemeral, content, message, exchange_out);
}

enum status ohttp_open_response(const struct ohttp_exchange *exchange, struct slice message, struct refusal *why,
                                struct buffer *content)
{
    struct reader reader = reader_over(message);
    struct slice nonce;
    if (reader_slice(&reader, response_nonce_bytes(exchange->aead), &nonce) != OK ||
        reader_left(&reader) < AEAD_TAG_BYTES)
        return refuse(why, ERR_OHTTP_FORMAT, "encapsulated response", "a nonce and sealed content", "%zu bytes",
                      message.size);
    CLEANUP(response_key_done) struct response_key key = {};
    TRY(derive_response_key(exchange, nonce, &key));
    return refuse_sealed(
        why, aead_open(secret_slice(&key.key), SLICE_ARRAY(key.nonce), (struct slice){}, reader.rest, content));
}
