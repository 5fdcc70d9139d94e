/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/claims.h"

#include <stdio.h>

enum { SIGNATURE_ECDSA_P384 = 1 }; /* the only one that verification knows */

/* TCB_VERSION as it stands in the report: Turin has the FMC in front, Milan and Genoa end in SNP and microcode. */
static void put_tcb(struct claims_object *object, const char *name, enum snp_product product, const struct snp_tcb *tcb)
{
    const uint8_t turin[] = {tcb->fmc, tcb->boot_loader, tcb->tee, tcb->snp, 0, 0, 0, tcb->microcode};
    const uint8_t older[] = {tcb->boot_loader, tcb->tee, 0, 0, 0, 0, tcb->snp, tcb->microcode};
    claims_put_hex(object, name, product == SNP_TURIN ? SLICE_ARRAY(turin) : SLICE_ARRAY(older));
}

static void put_firmware(struct claims_object *object, const char *name, const struct snp_firmware *firmware)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%u.%u.%u", firmware->major, firmware->minor, firmware->build);
    claims_put_text(object, name, text);
}

static void put_snp_firmware(struct claims_object *object, const struct snp_claims *snp)
{
    put_tcb(object, "current_tcb", snp->product, &snp->current);
    put_tcb(object, "reported_tcb", snp->product, &snp->reported);
    put_tcb(object, "committed_tcb", snp->product, &snp->committed);
    put_tcb(object, "launch_tcb", snp->product, &snp->launch);
    put_firmware(object, "current_version", &snp->current_firmware);
    put_firmware(object, "committed_version", &snp->committed_firmware);
    if (snp->has_cpuid) {
        const uint8_t cpuid[] = {snp->cpuid_family, snp->cpuid_model, snp->cpuid_stepping};
        PUT_BYTES(object, "cpuid_fam_mod_step", cpuid);
    }
    if (!snp->has_mitigations) return;
    claims_put_hex64(object, "launch_mit_vector", snp->launch_mitigations);
    claims_put_hex64(object, "current_mit_vector", snp->current_mitigations);
}

/* The report's word at 0x48: author key, masked chip key, kind of signing key. */
static void put_key_info(struct claims_object *object, const struct snp_claims *snp)
{
    const unsigned info =
        (snp->has_author_key ? 1U : 0U) | (snp->is_chip_key_masked ? 2U : 0U) | (snp->is_vlek ? 4U : 0U);
    char text[9];
    (void)snprintf(text, sizeof(text), "%08x", info);
    claims_put_text(object, "key_info", text);
}

static void put_snp_key(struct claims_object *object, const struct snp_claims *snp)
{
    claims_put_text(object, "product", snp_product_name(snp->product));
    claims_put_text(object, "signing_key", snp->is_vlek ? "VLEK" : "VCEK");
    put_key_info(object, snp);
    claims_put_number(object, "author_key_en", snp->has_author_key ? 1 : 0);
    claims_put_number(object, "mask_chip_key", snp->is_chip_key_masked ? 1 : 0);
    PUT_BYTES(object, "chip_id", snp->chip_id);
    if (snp->is_vlek) claims_put_text(object, "csp_id", snp->csp_id);
    claims_put_flag(object, "crl_checked", snp->crl_checked);
    claims_put_flag(object, "simulated", snp->simulated);
    claims_put_time(object, "expires", snp->expires_s);
    PUT_BYTES(object, "report_hash", snp->report_hash);
}

void claims_put_snp(struct claims_object *object, const struct snp_claims *snp)
{
    claims_put_number(object, "version", snp->version);
    claims_put_number(object, "signature_algo", SIGNATURE_ECDSA_P384);
    claims_put_number(object, "guest_svn", snp->guest_svn);
    claims_put_number(object, "vmpl", snp->vmpl);
    claims_put_hex64(object, "policy", snp->policy);
    claims_put_flag(object, "policy_debug_allowed", snp->debug);
    claims_put_flag(object, "policy_migrate_ma", snp->migration_allowed);
    claims_put_flag(object, "policy_smt", snp->smt_allowed);
    claims_put_flag(object, "debug", snp->debug);
    claims_put_hex64(object, "platform_info", snp->platform_info);
    PUT_BYTES(object, "family_id", snp->family_id);
    PUT_BYTES(object, "image_id", snp->image_id);
    PUT_BYTES(object, "report_data", snp->report_data);
    PUT_BYTES(object, "measurement", snp->measurement);
    PUT_BYTES(object, "host_data", snp->host_data);
    PUT_BYTES(object, "id_key_digest", snp->id_key_digest);
    PUT_BYTES(object, "author_key_digest", snp->author_key_digest);
    PUT_BYTES(object, "report_id", snp->report_id);
    PUT_BYTES(object, "report_id_ma", snp->report_id_ma);
    put_snp_firmware(object, snp);
    put_snp_key(object, snp);
}

void claims_put_snp_token(struct claims_object *object, const struct snp_claims *snp)
{
    claims_put_text(object, "x-ms-attestation-type", "sevsnpvm");
    claims_put_number(object, "x-ms-sevsnpvm-bootloader-svn", snp->reported.boot_loader);
    claims_put_number(object, "x-ms-sevsnpvm-tee-svn", snp->reported.tee);
    claims_put_number(object, "x-ms-sevsnpvm-snpfw-svn", snp->reported.snp);
    claims_put_number(object, "x-ms-sevsnpvm-microcode-svn", snp->reported.microcode);
    claims_put_number(object, "x-ms-sevsnpvm-guestsvn", snp->guest_svn);
    claims_put_number(object, "x-ms-sevsnpvm-vmpl", snp->vmpl);
    claims_put_flag(object, "x-ms-sevsnpvm-is-debuggable", snp->debug);
    claims_put_flag(object, "x-ms-sevsnpvm-migration-allowed", snp->migration_allowed);
    claims_put_flag(object, "x-ms-sevsnpvm-smt-allowed", snp->smt_allowed);
    PUT_BYTES(object, "x-ms-sevsnpvm-authorkeydigest", snp->author_key_digest);
    PUT_BYTES(object, "x-ms-sevsnpvm-idkeydigest", snp->id_key_digest);
    PUT_BYTES(object, "x-ms-sevsnpvm-launchmeasurement", snp->measurement);
    PUT_BYTES(object, "x-ms-sevsnpvm-familyId", snp->family_id);
    PUT_BYTES(object, "x-ms-sevsnpvm-imageId", snp->image_id);
    PUT_BYTES(object, "x-ms-sevsnpvm-hostdata", snp->host_data);
    PUT_BYTES(object, "x-ms-sevsnpvm-reportdata", snp->report_data);
    PUT_BYTES(object, "x-ms-sevsnpvm-reportid", snp->report_id);
}
