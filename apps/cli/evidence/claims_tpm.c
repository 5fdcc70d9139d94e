/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/claims.h"

#include <stdio.h>

static json_t *selected_pcrs(uint32_t selection)
{
    json_t *const pcrs = json_array();
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
        if ((selection & UINT32_C(1) << i) != 0) (void)json_array_append_new(pcrs, json_integer(i));
    }
    return pcrs;
}

/* TPML_PCR_SELECTION, always of one bank. */
static void put_selection(struct claims_object *object, const struct tpm_claims *tpm)
{
    CLEANUP(claims_object_cleanup) struct claims_object bank = claims_object_new();
    const uint8_t bitmap[] = {(uint8_t)tpm->selection, (uint8_t)(tpm->selection >> 8), (uint8_t)(tpm->selection >> 16)};
    const uint8_t algorithm[] = {(uint8_t)(tpm->bank >> 8), (uint8_t)tpm->bank};
    PUT_BYTES(&bank, "hashAlg", algorithm);
    PUT_BYTES(&bank, "bitmap", bitmap);
    claims_put(&bank, "pcrs", selected_pcrs(tpm->selection));
    CLEANUP(json_done) json_t *banks = json_array();
    if (json_array_append(banks, bank.json) != 0) object->status = ERR_NO_MEMORY;
    if (bank.status != OK) object->status = bank.status;
    claims_put(object, "pcrSelect", json_incref(banks));
}

/* TPM_ALG_ID: sizes of TPM_HASH_SHA1 and the three of SHA-2. */
static size_t digest_size(enum tpm_hash hash)
{
    switch (hash) {
    case TPM_HASH_SHA1: return 20;
    case TPM_HASH_SHA256: return 32;
    case TPM_HASH_SHA384: return 48;
    case TPM_HASH_SHA512: break;
    }
    return 64;
}

static void put_pcrs(struct claims_object *object, const struct tpm_pcrs *pcrs)
{
    CLEANUP(claims_object_cleanup) struct claims_object values = claims_object_new();
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
        if ((pcrs->known & UINT32_C(1) << i) == 0) continue;
        char name[8];
        (void)snprintf(name, sizeof(name), "%u", i);
        claims_put_hex(&values, name, slice_of(pcrs->values[i], digest_size(pcrs->hash)));
    }
    claims_put_object(object, "pcrs", &values);
}

void claims_put_tpm(struct claims_object *object, const struct tpm_claims *tpm)
{
    claims_put_text(object, "magic",
                    "ff544347"); /* TPM_GENERATED_VALUE and TPM_ST_ATTEST_QUOTE: nothing else verifies */
    claims_put_text(object, "type", "8018");
    claims_put_hex(object, "extraData", slice_of(tpm->extra_data, tpm->extra_data_size));
    claims_put_hex(object, "qualifiedSigner", slice_of(tpm->qualified_signer, tpm->qualified_signer_size));
    claims_put_number(object, "clock", (int64_t)tpm->clock_ms);
    claims_put_number(object, "resetCount", tpm->reset_count);
    claims_put_number(object, "restartCount", tpm->restart_count);
    claims_put_number(object, "safe", tpm->is_clock_safe ? 1 : 0);
    claims_put_hex64(object, "firmwareVersion", tpm->firmware_version);
    put_selection(object, tpm);
    claims_put_hex(object, "pcrDigest", slice_of(tpm->pcr_digest, tpm->pcr_digest_size));
    put_pcrs(object, &tpm->pcrs);
    claims_put_flag(object, "event_log", tpm->has_event_log);
    claims_put_flag(object, "key_restricted", tpm->is_key_restricted);
    claims_put_hex(object, "key_name", slice_of(tpm->key_name, tpm->key_name_size));
    PUT_BYTES(object, "key_thumbprint", tpm->key_thumbprint);
}
