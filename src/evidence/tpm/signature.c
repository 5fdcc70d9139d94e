/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/tpm/signature.h"

#include "evidence/tpm/wire.h"

static enum status read_scheme(struct reader *reader, struct refusal *why, struct tpm_signature *signature)
{
    TRY(tpm_read_u16(reader, "signature.sigAlg", why, &signature->scheme));
    if (signature->scheme != TPM_ALG_RSASSA && signature->scheme != TPM_ALG_RSAPSS &&
        signature->scheme != TPM_ALG_ECDSA)
        return refuse(why, ERR_TPM_MALFORMED, "signature.sigAlg", "RSASSA, RSAPSS or ECDSA", "%s",
                      tpm_algorithm_text(signature->scheme).text);
    TRY(tpm_read_u16(reader, "signature.hash", why, &signature->hash_id));
    if (signature->hash_id != TPM_HASH_SHA256 && signature->hash_id != TPM_HASH_SHA384)
        return refuse(why, ERR_TPM_MALFORMED, "signature.hash", "SHA-256 or SHA-384", "%s",
                      tpm_algorithm_text(signature->hash_id).text);
    signature->hash = tpm_hash_of((enum tpm_hash)signature->hash_id);
    return OK;
}

enum status tpm_signature_parse(struct slice bytes, struct refusal *why, struct tpm_signature *signature_out)
{
    if (bytes.size > TPM_SIGNATURE_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "signature", "at most 1024 bytes", "%zu bytes", bytes.size);
    struct tpm_signature signature = {};
    struct reader reader = reader_over(bytes);
    TRY(read_scheme(&reader, why, &signature));
    if (signature.scheme == TPM_ALG_ECDSA) {
        TRY(tpm_read_sized(&reader, "signature.r", P384_COORDINATE_BYTES, why, &signature.first));
        TRY(tpm_read_sized(&reader, "signature.s", P384_COORDINATE_BYTES, why, &signature.second));
    } else {
        TRY(tpm_read_sized(&reader, "signature.sig", RSA_MAX_BYTES, why, &signature.first));
    }
    TRY(tpm_read_end(&reader, "signature", why));
    *signature_out = signature;
    return OK;
}

static enum status refuse_signature(struct refusal *why)
{
    (void)refuse(why, ERR_TPM_SIGNATURE, "signature", "one by the attestation key over the whole quote",
                 "one that does not verify");
    return refuse_fix(why, ERR_TPM_SIGNATURE,
                      "give the attestation key of this TPM, and quote and signature as it made them");
}

static enum status verify_rsa(const struct tpm_signature *signature, const struct key *key, struct slice message,
                              struct refusal *why)
{
    const enum key_padding padding = signature->scheme == TPM_ALG_RSASSA ? KEY_PKCS1 : KEY_PSS_ANY_SALT;
    if (key_verify_with(key, signature->hash, padding, message, signature->first) == OK) return OK;
    return refuse_signature(why);
}

/* Some TPMs leave out leading zeros. */
static enum status put_number(struct slice number, size_t size, const char *field, struct refusal *why, uint8_t *out)
{
    if (tpm_pad_number(number, size, out)) return OK;
    return refuse(why, ERR_TPM_MALFORMED, field, "no longer than the curve's numbers", "%zu bytes", number.size);
}

static enum status verify_ecdsa(const struct tpm_signature *signature, const struct key *key, struct slice message,
                                struct refusal *why)
{
    const size_t size = key_kind(key) == KEY_P384 ? P384_COORDINATE_BYTES : P256_COORDINATE_BYTES;
    uint8_t raw[P384_SIGNATURE_BYTES];
    TRY(put_number(signature->first, size, "signature.r", why, raw));
    TRY(put_number(signature->second, size, "signature.s", why, raw + size));
    if (key_verify_with(key, signature->hash, KEY_PKCS1, message, slice_of(raw, 2 * size)) == OK) return OK;
    return refuse_signature(why);
}

enum status tpm_signature_verify(const struct tpm_signature *signature, const struct key *key, struct slice message,
                                 struct refusal *why)
{
    const enum key_kind kind = key_kind(key);
    const bool is_rsa = signature->scheme != TPM_ALG_ECDSA;
    if (is_rsa && kind == KEY_RSA) return verify_rsa(signature, key, message, why);
    if (!is_rsa && (kind == KEY_P256 || kind == KEY_P384)) return verify_ecdsa(signature, key, message, why);
    return refuse(why, ERR_TPM_KEY, "key", is_rsa ? "an RSA key" : "a P-256 or P-384 key",
                  "a key of another kind, for %s", tpm_algorithm_text(signature->scheme).text);
}
