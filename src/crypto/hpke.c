/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hpke.h"

#include "crypto/aead.h"
#include "crypto/hash.h"

#include <stdlib.h>
#include <string.h>

enum { MODE_BASE = 0, MODE_AUTH = 2, KEM_SECRET_BYTES = 32, SUITE_MAX_BYTES = 10, LABEL_MAX_BYTES = 32 };

/* "KEM" || kem_id, or "HPKE" || kem_id || kdf_id || aead_id (RFC 9180 sections 4.1 and 5.1). */
struct suite {
    uint8_t bytes[SUITE_MAX_BYTES];
    size_t size;
};

struct hpke_context {
    struct suite suite;
    struct secret key, exporter_secret;
    uint8_t base_nonce[AEAD_NONCE_BYTES];
    uint64_t sequence;
};

void hpke_cleanup(struct hpke_context **context)
{
    if (*context == NULL) return;
    secret_done(&(*context)->key);
    secret_done(&(*context)->exporter_secret);
    secret_wipe((*context)->base_nonce, sizeof((*context)->base_nonce));
    free(*context);
    *context = NULL;
}

size_t hpke_aead_key_bytes(enum hpke_aead aead)
{
    return aead == HPKE_AEAD_AES_128_GCM ? 16 : 32;
}

static struct suite kem_suite(void)
{
    return (struct suite){.bytes = {'K', 'E', 'M', 0, HPKE_KEM_X25519_HKDF_SHA256}, .size = 5};
}

static struct suite hpke_suite(enum hpke_aead aead)
{
    return (struct suite){
        .bytes = {'H', 'P', 'K', 'E', 0, HPKE_KEM_X25519_HKDF_SHA256, 0, HPKE_KDF_HKDF_SHA256, 0, (uint8_t)aead},
        .size = 10,
    };
}

static enum status append_label(struct buffer *labeled, const struct suite *suite, const char *label, struct slice rest)
{
    TRY(buffer_append_text(labeled, "HPKE-v1"));
    TRY(buffer_append(labeled, slice_of(suite->bytes, suite->size)));
    TRY(buffer_append_text(labeled, label));
    return buffer_append(labeled, rest);
}

/* RFC 9180 section 4: LabeledExtract and LabeledExpand. */
static enum status labeled_extract(const struct suite *suite, struct slice salt, const char *label, struct slice input,
                                   uint8_t key_out[static SHA256_BYTES])
{
    CLEANUP(buffer_done) struct buffer labeled = buffer_of_maximum(HPKE_INFO_MAX_BYTES + LABEL_MAX_BYTES);
    TRY(append_label(&labeled, suite, label, input));
    return hkdf_extract(salt, buffer_slice(&labeled), key_out);
}

static enum status labeled_expand(const struct suite *suite, struct slice key, const char *label, struct slice info,
                                  size_t size, uint8_t *key_out)
{
    CLEANUP(buffer_done) struct buffer labeled = buffer_of_maximum(HPKE_INFO_MAX_BYTES + LABEL_MAX_BYTES);
    TRY(buffer_append_u16(&labeled, (uint16_t)size));
    TRY(append_label(&labeled, suite, label, info));
    return hkdf_expand(key, buffer_slice(&labeled), size, key_out);
}

/* DHKEM's ExtractAndExpand with kem_context = enc || pkRm, and || pkSm in the auth mode (section 4.1). */
static enum status extract_and_expand(struct slice agreed, struct slice encapsulated_key, const struct key *recipient,
                                      const struct key *author, struct secret *shared_out)
{
    const struct suite suite = kem_suite();
    CLEANUP(buffer_done) struct buffer kem_context = buffer_of_maximum(3 * HPKE_ENCAPSULATED_KEY_BYTES);
    TRY(buffer_append(&kem_context, encapsulated_key));
    TRY(key_public_bytes(recipient, &kem_context));
    if (author != NULL) TRY(key_public_bytes(author, &kem_context));
    CLEANUP(secret_done) struct secret extracted = {}, shared = {};
    TRY(secret_alloc(SHA256_BYTES, &extracted));
    TRY(secret_alloc(KEM_SECRET_BYTES, &shared));
    TRY(labeled_extract(&suite, (struct slice){}, "eae_prk", agreed, extracted.bytes));
    TRY(labeled_expand(&suite, secret_slice(&extracted), "shared_secret", buffer_slice(&kem_context), shared.size,
                       shared.bytes));
    *shared_out = secret_take(&shared);
    return OK;
}

/* One agreement, or in the auth mode two behind each other: with the ephemeral key, then with the author's. */
static enum status append_agreed(const struct key *mine, const struct key *peer, struct buffer *agreed)
{
    CLEANUP(secret_done) struct secret one = {};
    TRY(key_agree(mine, peer, &one));
    return buffer_append(agreed, secret_slice(&one));
}

/* key_schedule_context of the base and auth modes, where psk_id is empty (section 5.1). */
static enum status schedule_context(const struct suite *suite, uint8_t mode, struct slice info, struct buffer *context)
{
    uint8_t hash[SHA256_BYTES];
    TRY(buffer_append_u8(context, mode));
    TRY(labeled_extract(suite, (struct slice){}, "psk_id_hash", (struct slice){}, hash));
    TRY(buffer_append(context, SLICE_ARRAY(hash)));
    TRY(labeled_extract(suite, (struct slice){}, "info_hash", info, hash));
    return buffer_append(context, SLICE_ARRAY(hash));
}

static enum status expand_schedule(struct slice secret, struct slice schedule, struct hpke_context *context)
{
    const struct suite *const suite = &context->suite;
    TRY(labeled_expand(suite, secret, "key", schedule, context->key.size, context->key.bytes));
    TRY(labeled_expand(suite, secret, "base_nonce", schedule, AEAD_NONCE_BYTES, context->base_nonce));
    return labeled_expand(suite, secret, "exp", schedule, SHA256_BYTES, context->exporter_secret.bytes);
}

static enum status key_schedule(uint8_t mode, enum hpke_aead aead, struct slice shared_secret, struct slice info,
                                struct hpke_context **context_out)
{
    CLEANUP(hpke_cleanup) struct hpke_context *context = calloc(1, sizeof(*context));
    if (context == NULL) return ERR_NO_MEMORY;
    context->suite = hpke_suite(aead);
    TRY(secret_alloc(hpke_aead_key_bytes(aead), &context->key));
    TRY(secret_alloc(SHA256_BYTES, &context->exporter_secret));
    CLEANUP(buffer_done) struct buffer schedule = buffer_of_maximum(1 + 2 * SHA256_BYTES);
    TRY(schedule_context(&context->suite, mode, info, &schedule));
    CLEANUP(secret_done) struct secret secret = {};
    TRY(secret_alloc(SHA256_BYTES, &secret));
    TRY(labeled_extract(&context->suite, shared_secret, "secret", (struct slice){}, secret.bytes));
    TRY(expand_schedule(secret_slice(&secret), buffer_slice(&schedule), context));
    *context_out = context;
    context = NULL;
    return OK;
}

static enum status check_arguments(const struct key *recipient, const struct key *author, enum hpke_aead aead,
                                   struct slice info)
{
    if (aead != HPKE_AEAD_AES_128_GCM && aead != HPKE_AEAD_AES_256_GCM) return ERR_UNSUPPORTED;
    if (key_kind(recipient) != KEY_X25519 || (author != NULL && key_kind(author) != KEY_X25519)) return ERR_KEY_INVALID;
    return info.size <= HPKE_INFO_MAX_BYTES ? OK : ERR_TOO_LARGE;
}

static uint8_t mode_of(const struct key *author)
{
    return author == NULL ? MODE_BASE : MODE_AUTH;
}

static enum status setup_with(const struct key *recipient, const struct key *author, const struct key *ephemeral,
                              enum hpke_aead aead, struct slice info,
                              uint8_t encapsulated_key_out[static HPKE_ENCAPSULATED_KEY_BYTES],
                              struct hpke_context **context_out)
{
    TRY(check_arguments(recipient, author, aead, info));
    CLEANUP(buffer_done) struct buffer encapsulated_key = buffer_of_maximum(HPKE_ENCAPSULATED_KEY_BYTES);
    TRY(key_public_bytes(ephemeral, &encapsulated_key));
    CLEANUP(buffer_done) struct buffer agreed = buffer_of_maximum(2 * X25519_BYTES);
    CLEANUP(secret_done) struct secret shared = {};
    TRY(append_agreed(ephemeral, recipient, &agreed));
    if (author != NULL) TRY(append_agreed(author, recipient, &agreed));
    TRY(extract_and_expand(buffer_slice(&agreed), buffer_slice(&encapsulated_key), recipient, author, &shared));
    TRY(key_schedule(mode_of(author), aead, secret_slice(&shared), info, context_out));
    memcpy(encapsulated_key_out, encapsulated_key.bytes, HPKE_ENCAPSULATED_KEY_BYTES);
    return OK;
}

static enum status setup_sender(const struct key *recipient, const struct key *author, enum hpke_aead aead,
                                struct slice info, uint8_t encapsulated_key_out[static HPKE_ENCAPSULATED_KEY_BYTES],
                                struct hpke_context **context_out)
{
    CLEANUP(key_cleanup) struct key *ephemeral = NULL;
    TRY(key_generate(KEY_X25519, 0, &ephemeral));
    return setup_with(recipient, author, ephemeral, aead, info, encapsulated_key_out, context_out);
}

static enum status setup_recipient(const struct key *recipient, const struct key *author, enum hpke_aead aead,
                                   struct slice info, struct slice encapsulated_key, struct hpke_context **context_out)
{
    TRY(check_arguments(recipient, author, aead, info));
    CLEANUP(key_cleanup) struct key *ephemeral = NULL;
    TRY(key_from_x25519(encapsulated_key, &ephemeral));
    CLEANUP(buffer_done) struct buffer agreed = buffer_of_maximum(2 * X25519_BYTES);
    CLEANUP(secret_done) struct secret shared = {};
    TRY(append_agreed(recipient, ephemeral, &agreed));
    if (author != NULL) TRY(append_agreed(recipient, author, &agreed));
    TRY(extract_and_expand(buffer_slice(&agreed), encapsulated_key, recipient, author, &shared));
    return key_schedule(mode_of(author), aead, secret_slice(&shared), info, context_out);
}

enum status hpke_setup_sender_with(const struct key *recipient, const struct key *ephemeral, enum hpke_aead aead,
                                   struct slice info, uint8_t encapsulated_key_out[static HPKE_ENCAPSULATED_KEY_BYTES],
                                   struct hpke_context **context_out)
{
    return setup_with(recipient, NULL, ephemeral, aead, info, encapsulated_key_out, context_out);
}

enum status hpke_setup_sender(const struct key *recipient, enum hpke_aead aead, struct slice info,
                              uint8_t encapsulated_key_out[static HPKE_ENCAPSULATED_KEY_BYTES],
                              struct hpke_context **context_out)
{
    return setup_sender(recipient, NULL, aead, info, encapsulated_key_out, context_out);
}

enum status hpke_setup_recipient(const struct key *recipient, enum hpke_aead aead, struct slice info,
                                 struct slice encapsulated_key, struct hpke_context **context_out)
{
    return setup_recipient(recipient, NULL, aead, info, encapsulated_key, context_out);
}

enum status hpke_setup_auth_sender(const struct key *recipient, const struct key *author, enum hpke_aead aead,
                                   struct slice info, uint8_t encapsulated_key_out[static HPKE_ENCAPSULATED_KEY_BYTES],
                                   struct hpke_context **context_out)
{
    if (author == NULL || !key_is_private(author)) return ERR_KEY_INVALID;
    return setup_sender(recipient, author, aead, info, encapsulated_key_out, context_out);
}

enum status hpke_setup_auth_recipient(const struct key *recipient, const struct key *author, enum hpke_aead aead,
                                      struct slice info, struct slice encapsulated_key,
                                      struct hpke_context **context_out)
{
    if (author == NULL) return ERR_KEY_INVALID;
    return setup_recipient(recipient, author, aead, info, encapsulated_key, context_out);
}

/* base_nonce XOR sequence number, big endian (section 5.2). */
static enum status next_nonce(const struct hpke_context *context, uint8_t nonce_out[static AEAD_NONCE_BYTES])
{
    if (context->sequence == UINT64_MAX) return ERR_CRYPTO;
    for (size_t i = 0; i < AEAD_NONCE_BYTES; i++) {
        const size_t from_right = AEAD_NONCE_BYTES - 1 - i;
        const uint64_t part = from_right < 8 ? context->sequence >> (8 * from_right) : 0;
        nonce_out[i] = (uint8_t)(context->base_nonce[i] ^ part);
    }
    return OK;
}

enum status hpke_seal(struct hpke_context *context, struct slice associated_data, struct slice plaintext,
                      struct buffer *sealed)
{
    uint8_t nonce[AEAD_NONCE_BYTES];
    TRY(next_nonce(context, nonce));
    TRY(aead_seal(secret_slice(&context->key), SLICE_ARRAY(nonce), associated_data, plaintext, sealed));
    context->sequence++;
    return OK;
}

enum status hpke_open(struct hpke_context *context, struct slice associated_data, struct slice sealed,
                      struct buffer *plaintext)
{
    uint8_t nonce[AEAD_NONCE_BYTES];
    TRY(next_nonce(context, nonce));
    TRY(aead_open(secret_slice(&context->key), SLICE_ARRAY(nonce), associated_data, sealed, plaintext));
    context->sequence++;
    return OK;
}

enum status hpke_export(const struct hpke_context *context, struct slice exporter_context, size_t size,
                        struct secret *secret_out)
{
    if (size > (size_t)255 * SHA256_BYTES || exporter_context.size > HPKE_INFO_MAX_BYTES) return ERR_TOO_LARGE;
    CLEANUP(secret_done) struct secret exported = {};
    TRY(secret_alloc(size, &exported));
    TRY(labeled_expand(&context->suite, secret_slice(&context->exporter_secret), "sec", exporter_context, size,
                       exported.bytes));
    *secret_out = secret_take(&exported);
    return OK;
}
