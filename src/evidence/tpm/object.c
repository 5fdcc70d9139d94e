/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/tpm/public.h"
#include "evidence/tpm/wire.h"

enum { TPM_ALG_RSAES = 0x0015, TPM_ALG_ECDAA = 0x001a };

void tpm_object_done(struct tpm_object *object)
{
    key_cleanup(&object->key);
}

/* TPMT_SYM_DEF_OBJECT: storage keys have one. */
static enum status skip_symmetric(struct reader *reader, struct refusal *why)
{
    uint16_t algorithm, bits, mode;
    TRY(tpm_read_u16(reader, "public.parameters.symmetric", why, &algorithm));
    if (algorithm == TPM_ALG_NULL) return OK;
    TRY(tpm_read_u16(reader, "public.parameters.symmetric.keyBits", why, &bits));
    return tpm_read_u16(reader, "public.parameters.symmetric.mode", why, &mode);
}

/* TPMT_RSA_SCHEME, TPMT_ECC_SCHEME: a hash behind each but null and RSAES, and a count behind ECDAA's. */
static enum status skip_scheme(struct reader *reader, struct refusal *why)
{
    uint16_t scheme, hash, count;
    TRY(tpm_read_u16(reader, "public.parameters.scheme", why, &scheme));
    if (scheme == TPM_ALG_NULL || scheme == TPM_ALG_RSAES) return OK;
    TRY(tpm_read_u16(reader, "public.parameters.scheme.hashAlg", why, &hash));
    return scheme == TPM_ALG_ECDAA ? tpm_read_u16(reader, "public.parameters.scheme.count", why, &count) : OK;
}

enum status tpm_object_parse(struct slice bytes, struct refusal *why, struct tpm_object *object_out)
{
    if (bytes.size > TPM_PUBLIC_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "public", "at most 1024 bytes", "%zu bytes", bytes.size);
    CLEANUP(tpm_object_done) struct tpm_object object = {.area = tpm_without_size(bytes)};
    struct reader reader = reader_over(object.area);
    struct tpm_public_head head;
    TRY(tpm_read_head(&reader, why, &head));
    object.name_hash = head.name_hash;
    object.attributes = head.attributes;
    object.policy = head.policy;
    TRY(skip_symmetric(&reader, why));
    TRY(skip_scheme(&reader, why));
    TRY(head.type == TPM_ALG_RSA ? tpm_read_rsa(&reader, why, &object.key) : tpm_read_ecc(&reader, why, &object.key));
    TRY(tpm_read_end(&reader, "public", why));
    *object_out = object;
    object.key = NULL;
    return OK;
}
