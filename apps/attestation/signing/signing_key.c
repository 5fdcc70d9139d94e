/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signing/signing_key.h"

#include "base/reader.h"
#include "crypto/aead.h"
#include "crypto/random.h"
#include "crypto/x509_issue.h"

#include <string.h>

enum {
    SEALED_VERSION = 2,         /* version 1 was a file of its own, with the certificate inside the seal */
    COMMON_NAME_MAX_BYTES = 64, /* RFC 5280, appendix A.1 */
    CERTIFICATE_LIFE_S = 10 * 365 * 24 * 3600,
    CERTIFICATE_MARGIN_S = 3600,
    REPORT_HEADER_BYTES = 16,
};

void signing_key_done(struct signing_key *key)
{
    buffer_done(&key->certificate);
    buffer_done(&key->sealed);
    *key = (struct signing_key){};
}

/* ---- the seal ---- */

enum status signing_key_tag(struct slice sealing_key, uint8_t tag_out[static SIGNING_TAG_BYTES])
{
    static const struct slice info = SLICE_LITERAL("name of a sealing key for signing keys");
    uint8_t mac[SHA256_BYTES];
    TRY(hmac_sha256(sealing_key, info, mac));
    memcpy(tag_out, mac, SIGNING_TAG_BYTES);
    return OK;
}

bool signing_key_is_tagged(struct slice sealed, const uint8_t tag[static SIGNING_TAG_BYTES])
{
    return slice_equal(slice_part(sealed, 1, SIGNING_TAG_BYTES), slice_of(tag, SIGNING_TAG_BYTES));
}

static enum status seal(const struct signing_place *place, const struct key *key, struct buffer *sealed)
{
    CLEANUP(secret_done) struct secret pem = {};
    uint8_t tag[SIGNING_TAG_BYTES], nonce[AEAD_NONCE_BYTES];
    TRY(key_private_pem(key, &pem));
    TRY(signing_key_tag(place->sealing_key, tag));
    TRY(random_bytes(sizeof(nonce), nonce));
    TRY(buffer_append_u8(sealed, SEALED_VERSION));
    TRY(buffer_append(sealed, SLICE_ARRAY(tag)));
    TRY(buffer_append(sealed, SLICE_ARRAY(nonce)));
    return aead_seal(place->sealing_key, SLICE_ARRAY(nonce), slice_of_text(place->issuer), secret_slice(&pem), sealed);
}

enum status signing_key_open(const struct signing_place *place, struct slice sealed, struct key **key_out)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    struct reader reader = reader_over(sealed);
    uint8_t version;
    struct slice nonce;
    TRY(reader_u8(&reader, &version));
    if (version != SEALED_VERSION) return ERR_UNSUPPORTED;
    TRY(reader_skip(&reader, SIGNING_TAG_BYTES));
    TRY(reader_slice(&reader, AEAD_NONCE_BYTES, &nonce));
    TRY(aead_open(place->sealing_key, nonce, slice_of_text(place->issuer), reader.rest, &pem));
    return key_from_private_pem(buffer_slice(&pem), key_out);
}

/* ---- the certificate ---- */

/* Azure's form: what Open Enclave calls a report, which is a header and the quote. The quote is over the digest that is
 * the key's id too; nothing else that quotes are made over begins as a PEM text does (signer_process.c). */
static enum status append_report(struct tee *tee, const struct attestation_key_id *id, struct buffer *report)
{
    enum { VERSION = 1, REMOTE = 2 };
    CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(TEE_EVIDENCE_MAX_BYTES);
    uint8_t report_data[TEE_REPORT_DATA_BYTES] = {};
    memcpy(report_data, id->digest, sizeof(id->digest));
    TRY(tee_quote(tee, report_data, &quote));
    TRY(buffer_append_u32_le(report, VERSION));
    TRY(buffer_append_u32_le(report, REMOTE));
    TRY(buffer_append_u32_le(report, (uint32_t)quote.size)); /* 64 bits, of which the upper half is zero */
    TRY(buffer_append_u32_le(report, 0));
    return buffer_append(report, buffer_slice(&quote));
}

static enum status certify(const struct signing_place *place, const struct key *key,
                           const struct attestation_key_id *id, int64_t now_s, struct buffer *certificate)
{
    CLEANUP(buffer_done) struct buffer report = buffer_of_maximum(REPORT_HEADER_BYTES + TEE_EVIDENCE_MAX_BYTES);
    TRY(append_report(place->tee, id, &report));
    const bool fits = strlen(place->issuer) <= COMMON_NAME_MAX_BYTES;
    const struct extension_text extension = {.oid = ATTESTATION_REPORT_OID, .value = buffer_slice(&report)};
    const struct certificate_text text = {
        .subject = {.common_name = fits ? place->issuer : "Lazaret attestation service"},
        .subject_key = key,
        .issuer_key = key,
        .not_before_s = now_s - CERTIFICATE_MARGIN_S,
        .not_after_s = now_s + CERTIFICATE_LIFE_S,
        .path_length = CERTIFICATE_NO_PATH_LIMIT,
        .usage = CERTIFICATE_USAGE_SIGN_DATA,
        .extensions = &extension,
        .extension_count = 1,
    };
    return certificate_issue(&text, certificate);
}

static enum status make(const struct signing_place *place, int64_t now_s, struct signing_key *made)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    struct attestation_key_id id;
    TRY(key_generate(place->algorithm == SIGNING_ES256 ? KEY_P256 : KEY_RSA, SIGNING_KEY_BITS, &key));
    TRY(attestation_key_id(key, &id));
    TRY(certify(place, key, &id, now_s, &made->certificate));
    TRY(seal(place, key, &made->sealed));
    memcpy(made->kid, id.text, sizeof(made->kid));
    return OK;
}

enum status signing_key_make(const struct signing_place *place, int64_t now_s, struct signing_key *key_out)
{
    CLEANUP(signing_key_done)
    struct signing_key made = {.certificate = buffer_of_maximum(SIGNING_KEY_MAX_BYTES),
                               .sealed = buffer_of_maximum(SIGNING_KEY_MAX_BYTES)};
    TRY(make(place, now_s, &made));
    *key_out = made;
    made = (struct signing_key){};
    return OK;
}
