/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/claims.h"

static void put_azure_machine(struct claims_object *object, const struct azure_claims *azure)
{
    claims_put_text(object, "user_data", azure->user_data);
    PUT_BYTES(object, "var_data_sha256", azure->runtime_data_hash);
    PUT_BYTES(object, "ak_thumbprint", azure->ak_thumbprint);
}

static void put_azure_tpm(struct claims_object *object, const struct azure_claims *azure)
{
    if (!azure->has_tpm) {
        claims_put(object, "tpm", json_null());
        return;
    }
    CLEANUP(claims_object_cleanup) struct claims_object tpm = claims_object_new();
    claims_put_tpm(&tpm, &azure->tpm);
    claims_put_object(object, "tpm", &tpm);
}

/* What the hardware says stands flat, as it does for a bare report, and as the token nests it. */
void claims_put_azure(struct claims_object *object, const struct azure_claims *azure)
{
    CLEANUP(claims_object_cleanup) struct claims_object tee = claims_object_new();
    if (azure->isolation == AZURE_TDX) {
        claims_put_tdx(object, &azure->tdx);
        claims_put_tdx_token(&tee, &azure->tdx);
    } else {
        claims_put_snp(object, &azure->snp);
        claims_put_snp_token(&tee, &azure->snp);
    }
    claims_put_text(object, "isolation", azure->isolation == AZURE_TDX ? "tdx" : "snp");
    claims_put_text(object, "x-ms-attestation-type", "azurevm");
    claims_put_text(object, "x-ms-azurevm-vmid", azure->vm_id);
    claims_put_flag(object, "secureboot", azure->secure_boot);
    claims_put_object(object, "x-ms-isolation-tee", &tee);
    claims_put_time(object, "expires", azure->expires_s);
    put_azure_machine(object, azure);
    put_azure_tpm(object, azure);
}

/* The whole of the runtime data, as the token has it. */
void claims_put_azure_runtime(struct claims_object *object, struct slice hcl_report)
{
    struct azure_facts facts;
    CLEANUP(json_done) json_t *runtime_data = NULL;
    if (azure_report_facts(hcl_report, NULL, &facts) != OK) return; /* it was verified: it parses */
    if (json_parse(facts.runtime_data, HCL_RUNTIME_DATA_MAX_BYTES, NULL, &runtime_data) != OK) return;
    json_t *const machine = json_object_get(runtime_data, "vm-configuration");
    claims_put(object, "vm_configuration", machine != NULL ? json_incref(machine) : json_null());
    claims_put(object, "x-ms-runtime", json_incref(runtime_data));
}
