/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/tpm/public.h"

#include "evidence/tpm/wire.h"

enum { CURVE_P256 = 0x0003, CURVE_P384 = 0x0004, RSA_DEFAULT_EXPONENT = 65537 };

void tpm_public_done(struct tpm_public *parsed)
{
    key_cleanup(&parsed->key);
}

/* Restricted: signs only what the TPM itself made, so that a quote cannot be forged with it from outside. Fixed and of
 * the TPM's own making: nobody has the private half elsewhere. A key that may also decrypt is no signing key alone. */
static enum status check_attributes(uint32_t attributes, struct refusal *why)
{
    static const struct {
        uint32_t bit;
        bool wanted;
        const char *field;
    } rules[] = {
        {UINT32_C(1) << 1, true, "public.objectAttributes.fixedTPM"},
        {UINT32_C(1) << 4, true, "public.objectAttributes.fixedParent"},
        {UINT32_C(1) << 5, true, "public.objectAttributes.sensitiveDataOrigin"},
        {UINT32_C(1) << 16, true, "public.objectAttributes.restricted"},
        {UINT32_C(1) << 17, false, "public.objectAttributes.decrypt"},
        {UINT32_C(1) << 18, true, "public.objectAttributes.sign"},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const bool seen = (attributes & rules[i].bit) != 0;
        if (seen == rules[i].wanted) continue;
        (void)refuse(why, ERR_TPM_KEY, rules[i].field, rules[i].wanted ? "set" : "clear", "%08x", (unsigned)attributes);
        return refuse_fix(why, ERR_TPM_KEY, "quote with a restricted signing key that this TPM made (tpm2_createak)");
    }
    return OK;
}

enum status tpm_read_head(struct reader *reader, struct refusal *why, struct tpm_public_head *head_out)
{
    uint16_t name_hash;
    enum hash hash;
    TRY(tpm_read_u16(reader, "public.type", why, &head_out->type));
    if (head_out->type != TPM_ALG_RSA && head_out->type != TPM_ALG_ECC)
        return refuse(why, ERR_TPM_KEY, "public.type", "RSA or ECC", "%s", tpm_algorithm_text(head_out->type).text);
    TRY(tpm_read_u16(reader, "public.nameAlg", why, &name_hash));
    if (!tpm_name_hash_known(name_hash, &hash))
        return refuse(why, ERR_TPM_KEY, "public.nameAlg", "SHA-256, SHA-384 or SHA-512", "%s",
                      tpm_algorithm_text(name_hash).text);
    head_out->name_hash = (enum tpm_hash)name_hash;
    TRY(tpm_read_u32(reader, "public.objectAttributes", why, &head_out->attributes));
    return tpm_read_sized(reader, "public.authPolicy", TPM_DIGEST_MAX_BYTES, why, &head_out->policy);
}

/* A signing key has no symmetric algorithm, and a restricted one always signs by one scheme. */
static enum status read_scheme(struct reader *reader, uint16_t type, struct refusal *why, struct tpm_public *parsed)
{
    uint16_t symmetric;
    TRY(tpm_read_u16(reader, "public.parameters.symmetric", why, &symmetric));
    if (symmetric != TPM_ALG_NULL)
        return refuse(why, ERR_TPM_KEY, "public.parameters.symmetric", "null, as of a signing key", "%s",
                      tpm_algorithm_text(symmetric).text);
    TRY(tpm_read_u16(reader, "public.parameters.scheme", why, &parsed->scheme));
    const bool fits = type == TPM_ALG_ECC ? parsed->scheme == TPM_ALG_ECDSA
                                          : parsed->scheme == TPM_ALG_RSASSA || parsed->scheme == TPM_ALG_RSAPSS;
    if (!fits)
        return refuse(why, ERR_TPM_KEY, "public.parameters.scheme", type == TPM_ALG_ECC ? "ECDSA" : "RSASSA or RSAPSS",
                      "%s", tpm_algorithm_text(parsed->scheme).text);
    return tpm_read_u16(reader, "public.parameters.scheme.hashAlg", why, &parsed->scheme_hash);
}

static enum status refuse_key(enum status status, struct refusal *why)
{
    if (status != ERR_KEY_INVALID) return status;
    return refuse(why, ERR_KEY_INVALID, "public.unique", "a sound key of 2048 to 4096 bits, or a point of its curve",
                  "another number");
}

enum status tpm_read_rsa(struct reader *reader, struct refusal *why, struct key **key_out)
{
    uint16_t bits;
    uint32_t exponent;
    struct slice modulus;
    TRY(tpm_read_u16(reader, "public.parameters.keyBits", why, &bits));
    TRY(tpm_read_u32(reader, "public.parameters.exponent", why, &exponent));
    TRY(tpm_read_sized(reader, "public.unique", RSA_MAX_BYTES, why, &modulus));
    if (modulus.size * 8 != bits)
        return refuse(why, ERR_TPM_MALFORMED, "public.parameters.keyBits", "the size of the modulus",
                      "%u, and %zu bytes", bits, modulus.size);
    if (exponent == 0) exponent = RSA_DEFAULT_EXPONENT;
    const uint8_t bytes[4] = {(uint8_t)(exponent >> 24), (uint8_t)(exponent >> 16), (uint8_t)(exponent >> 8),
                              (uint8_t)exponent};
    return refuse_key(key_from_rsa(modulus, SLICE_ARRAY(bytes), key_out), why);
}

enum status tpm_read_ecc(struct reader *reader, struct refusal *why, struct key **key_out)
{
    uint16_t curve, derivation;
    struct slice x, y;
    uint8_t point[P384_POINT_BYTES];
    TRY(tpm_read_u16(reader, "public.parameters.curveID", why, &curve));
    if (curve != CURVE_P256 && curve != CURVE_P384)
        return refuse(why, ERR_TPM_KEY, "public.parameters.curveID", "3 (P-256) or 4 (P-384)", "%u", curve);
    TRY(tpm_read_u16(reader, "public.parameters.kdf", why, &derivation));
    if (derivation != TPM_ALG_NULL)
        return refuse(why, ERR_TPM_KEY, "public.parameters.kdf", "null, as of a signing key", "%s",
                      tpm_algorithm_text(derivation).text);
    const size_t size = curve == CURVE_P256 ? P256_COORDINATE_BYTES : P384_COORDINATE_BYTES;
    TRY(tpm_read_sized(reader, "public.unique.x", size, why, &x));
    TRY(tpm_read_sized(reader, "public.unique.y", size, why, &y));
    (void)tpm_pad_number(x, size, point);
    (void)tpm_pad_number(y, size, point + size);
    const struct slice numbers = slice_of(point, 2 * size);
    return refuse_key(
        curve == CURVE_P256 ? key_from_p256_point(numbers, key_out) : key_from_p384_point(numbers, key_out), why);
}

enum status tpm_public_parse(struct slice bytes, struct refusal *why, struct tpm_public *public_out)
{
    if (bytes.size > TPM_PUBLIC_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "public", "at most 1024 bytes", "%zu bytes", bytes.size);
    CLEANUP(tpm_public_done) struct tpm_public parsed = {.area = tpm_without_size(bytes)};
    struct reader reader = reader_over(parsed.area);
    struct tpm_public_head head;
    TRY(tpm_read_head(&reader, why, &head));
    TRY(check_attributes(head.attributes, why));
    parsed.name_hash = head.name_hash;
    TRY(read_scheme(&reader, head.type, why, &parsed));
    TRY(head.type == TPM_ALG_RSA ? tpm_read_rsa(&reader, why, &parsed.key) : tpm_read_ecc(&reader, why, &parsed.key));
    TRY(tpm_read_end(&reader, "public", why));
    *public_out = parsed;
    parsed.key = NULL;
    return OK;
}

enum status tpm_public_key(struct slice area, struct refusal *why, struct key **key_out)
{
    CLEANUP(tpm_public_done) struct tpm_public parsed = {};
    TRY(tpm_public_parse(area, why, &parsed));
    *key_out = key_share(parsed.key);
    return OK;
}

enum status tpm_name_of(struct slice area, enum tpm_hash name_hash, uint8_t name_out[static TPM_NAME_MAX_BYTES],
                        size_t *size_out)
{
    const enum hash hash = tpm_hash_of(name_hash);
    TRY(hash_parts(hash, &area, 1, name_out + 2));
    name_out[0] = (uint8_t)(name_hash >> 8);
    name_out[1] = (uint8_t)name_hash;
    *size_out = 2 + hash_bytes(hash);
    return OK;
}

enum status tpm_public_name_of(const struct tpm_public *parsed, uint8_t name_out[static TPM_NAME_MAX_BYTES],
                               size_t *size_out)
{
    return tpm_name_of(parsed->area, parsed->name_hash, name_out, size_out);
}

enum status tpm_public_name(struct slice area, struct refusal *why, uint8_t name_out[static TPM_NAME_MAX_BYTES],
                            size_t *size_out)
{
    CLEANUP(tpm_public_done) struct tpm_public parsed = {};
    TRY(tpm_public_parse(area, why, &parsed));
    return tpm_public_name_of(&parsed, name_out, size_out);
}
