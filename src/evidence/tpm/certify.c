/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/tpm/attest.h"
#include "evidence/tpm/public.h"
#include "evidence/tpm/signature.h"
#include "evidence/tpm/wire.h"

#include <string.h>

void tpm_certified_done(struct tpm_certified *certified)
{
    key_cleanup(&certified->key);
}

static enum status check_nonce(const struct tpm_certification *certification, const struct tpm_attest *attest,
                               struct refusal *why)
{
    if (slice_equal(certification->nonce, attest->extra_data)) return OK;
    (void)refuse(why, ERR_TPM_NONCE, "certification.extraData", refusal_hex(certification->nonce).text, "%s",
                 refusal_hex(attest->extra_data).text);
    return refuse_fix(why, ERR_TPM_NONCE, "certify the key again, with the challenge as qualifying data");
}

/* The name is what ties the attestation to the public area: the digest of all of it, attributes and policy too. */
static enum status check_name(const struct tpm_object *object, const struct tpm_attest *attest, struct refusal *why)
{
    uint8_t name[TPM_NAME_MAX_BYTES];
    size_t size;
    TRY(tpm_name_of(object->area, object->name_hash, name, &size));
    if (slice_equal(attest->name, slice_of(name, size))) return OK;
    return refuse(why, ERR_TPM_KEY, "certification.name", refusal_hex(slice_of(name, size)).text, "%s",
                  refusal_hex(attest->name).text);
}

static void fill(struct tpm_object *object, struct tpm_certified *certified)
{
    *certified = (struct tpm_certified){
        .name_hash = (uint16_t)object->name_hash, .attributes = object->attributes, .policy_size = object->policy.size};
    memcpy(certified->policy, object->policy.bytes, object->policy.size);
    certified->key = object->key;
    object->key = NULL;
}

enum status tpm_certification_verify(const struct tpm_certification *certification, struct refusal *why,
                                     struct tpm_certified *certified_out)
{
    struct tpm_attest attest;
    struct tpm_signature signature;
    CLEANUP(tpm_object_done) struct tpm_object object = {};
    TRY(tpm_object_parse(certification->area, why, &object));
    TRY(tpm_attest_parse_certify(certification->attest, why, &attest));
    TRY(tpm_signature_parse(certification->signature, why, &signature));
    TRY(tpm_signature_verify(&signature, certification->key, attest.whole, why));
    TRY(check_nonce(certification, &attest, why));
    TRY(check_name(&object, &attest, why));
    fill(&object, certified_out);
    return OK;
}
