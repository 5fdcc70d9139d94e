/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signer.h"

#include "base/file.h"
#include "base/reader.h"
#include "crypto/aead.h"
#include "crypto/random.h"
#include "crypto/x509.h"
#include "crypto/x509_issue.h"

#include <string.h>

enum {
    SEALED_VERSION = 1,
    COMMON_NAME_MAX_BYTES = 64, /* RFC 5280, appendix A.1 */
    CERTIFICATE_LIFE_S = 10 * 365 * 24 * 3600,
    CERTIFICATE_MARGIN_S = 3600,
};

void signer_done(struct signer *signer)
{
    key_free(signer->key);
    buffer_done(&signer->certificate);
    *signer = (struct signer){};
}

/* The sealing key is this measurement's, for this deployment. The issuer's name is bound as associated data. */
static enum status sealing_key(const struct signer_key_options *options, struct secret *key_out)
{
    CLEANUP(buffer_done) struct buffer label = buffer_of_maximum(TEE_LABEL_MAX_BYTES);
    TRY(buffer_append_format(&label, "signing-key:%s", options->deployment));
    return tee_sealing_key(options->tee, buffer_slice(&label), key_out);
}

/* Inside the seal: u16 size and PEM of the key, then the certificate's DER. */
static enum status write_content(const struct signer *signer, struct buffer *content)
{
    CLEANUP(secret_done) struct secret pem = {};
    TRY(key_private_pem(signer->key, &pem));
    TRY(buffer_append_u16(content, (uint16_t)pem.size));
    TRY(buffer_append(content, secret_slice(&pem)));
    return buffer_append(content, buffer_slice(&signer->certificate));
}

static enum status read_content(struct slice content, struct signer *signer)
{
    struct reader reader = reader_over(content);
    uint16_t size;
    struct slice pem;
    TRY(reader_u16(&reader, &size));
    TRY(reader_slice(&reader, size, &pem));
    TRY(key_from_private_pem(pem, &signer->key));
    signer->certificate = buffer_of_maximum(SIGNER_STATE_MAX_BYTES);
    return buffer_append(&signer->certificate, reader.rest);
}

/* The file: version, nonce, sealed content. */
static enum status seal(const struct signer *signer, const struct signer_key_options *options, const struct secret *key,
                        struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(SIGNER_STATE_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer file = buffer_of_maximum(SIGNER_STATE_MAX_BYTES);
    uint8_t nonce[AEAD_NONCE_BYTES];
    TRY(write_content(signer, &content));
    TRY(random_bytes(sizeof(nonce), nonce));
    TRY(buffer_append_u8(&file, SEALED_VERSION));
    TRY(buffer_append(&file, SLICE_ARRAY(nonce)));
    TRY(aead_seal(secret_slice(key), SLICE_ARRAY(nonce), slice_of_text(options->issuer), buffer_slice(&content),
                  &file));
    return file_write(options->path, buffer_slice(&file), 0600, why);
}

static enum status unseal(struct slice file, const struct signer_key_options *options, const struct secret *key,
                          struct signer *signer)
{
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(SIGNER_STATE_MAX_BYTES);
    struct reader reader = reader_over(file);
    uint8_t version;
    struct slice nonce;
    TRY(reader_u8(&reader, &version));
    TRY(reader_slice(&reader, AEAD_NONCE_BYTES, &nonce));
    if (version != SEALED_VERSION) return ERR_UNSUPPORTED;
    TRY(aead_open(secret_slice(key), nonce, slice_of_text(options->issuer), reader.rest, &content));
    return read_content(buffer_slice(&content), signer);
}

/* The service's own quote over the digest that is the key's id too. */
static enum status quote_key(const struct signer *signer, struct tee *tee, struct buffer *quote)
{
    uint8_t report_data[TEE_REPORT_DATA_BYTES] = {};
    memcpy(report_data, signer->id.digest, sizeof(signer->id.digest));
    return tee_quote(tee, report_data, quote);
}

static enum status certify(struct signer *signer, const struct signer_key_options *options)
{
    CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(TEE_EVIDENCE_MAX_BYTES);
    TRY(quote_key(signer, options->tee, &quote));
    const bool fits = strlen(options->issuer) <= COMMON_NAME_MAX_BYTES;
    const struct extension_text extension = {.oid = ATTESTATION_QUOTE_OID, .value = buffer_slice(&quote)};
    const struct certificate_text text = {
        .subject = {.common_name = fits ? options->issuer : "Lazaret attestation service"},
        .subject_key = signer->key,
        .issuer_key = signer->key,
        .not_before_s = options->now_s - CERTIFICATE_MARGIN_S,
        .not_after_s = options->now_s + CERTIFICATE_LIFE_S,
        .path_length = CERTIFICATE_NO_PATH_LIMIT,
        .usage = CERTIFICATE_USAGE_SIGN_DATA,
        .extensions = &extension,
        .extension_count = 1,
    };
    signer->certificate = buffer_of_maximum(SIGNER_STATE_MAX_BYTES);
    return certificate_issue(&text, &signer->certificate);
}

static enum status make(const struct signer_key_options *options, const struct secret *key, struct refusal *why,
                        struct signer *signer)
{
    TRY(key_generate(KEY_RSA, SIGNER_KEY_BITS, &signer->key));
    TRY(attestation_key_id(signer->key, &signer->id));
    TRY(certify(signer, options));
    return seal(signer, options, key, why);
}

/* ERR_NOT_FOUND if there is no file; ERR_AUTHENTICATION and others if this measurement cannot open it. */
static enum status open_sealed(const struct signer_key_options *options, const struct secret *key, struct refusal *why,
                               struct signer *signer_out)
{
    if (!file_exists(options->path)) return ERR_NOT_FOUND;
    CLEANUP(buffer_done) struct buffer file = buffer_of_maximum(SIGNER_STATE_MAX_BYTES);
    CLEANUP(signer_done) struct signer signer = {};
    TRY(file_read(options->path, why, &file));
    TRY(unseal(buffer_slice(&file), options, key, &signer));
    TRY(attestation_key_id(signer.key, &signer.id));
    *signer_out = signer;
    signer = (struct signer){};
    return OK;
}

enum status signer_open(const struct signer_key_options *options, struct refusal *why, struct signer *signer_out,
                        bool *is_new_out)
{
    CLEANUP(secret_done) struct secret key = {};
    TRY(sealing_key(options, &key));
    const enum status status = open_sealed(options, &key, why, signer_out);
    *is_new_out = status != OK;
    /* A file that the operating system does not let us read is no reason to make another key. */
    if (status == OK || status == ERR_IO) return status;
    CLEANUP(signer_done) struct signer signer = {};
    TRY(make(options, &key, why, &signer));
    *signer_out = signer;
    signer = (struct signer){};
    return OK;
}
