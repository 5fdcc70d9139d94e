/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"
#include "evidence/amd/certificates.h"
#include "evidence/amd/chain.h"
#include "evidence/amd/report.h"
#include "evidence/kept.h"

#include <stdio.h>
#include <string.h>

/* ---- kept chains ---- */

static void *share(const void *chain)
{
    return snp_chain_share(chain);
}

static void give_up(void *chain)
{
    snp_chain_free(chain);
}

/* A cache is what is kept, under the name that its users know. */
enum status snp_cache_new(size_t max_count, struct snp_cache **cache_out)
{
    static const struct kept_kind chains = {.share = share, .free = give_up};
    struct kept *kept;
    TRY(kept_new(max_count, &chains, &kept));
    *cache_out = (struct snp_cache *)kept;
    return OK;
}

void snp_cache_free(struct snp_cache *cache)
{
    kept_free((struct kept *)cache);
}

/* ---- the chain ---- */

/* A verified chain of these certificates: kept from an earlier call, or verified now and kept. */
static enum status take_chain(const struct snp_endorsements *endorsements, bool is_vlek, struct snp_cache *cache,
                              struct refusal *why, struct snp_chain **chain_out)
{
    uint8_t digest[SHA256_BYTES];
    TRY(given_digest(endorsements, is_vlek, why, digest));
    struct kept *const kept = (struct kept *)cache;
    CLEANUP(snp_chain_cleanup) struct snp_chain *chain = kept_find(kept, digest);
    if (chain == NULL) TRY(snp_chain_verify(endorsements, is_vlek, why, &chain));
    TRY(snp_chain_check_root(endorsements, chain, why));
    kept_add(kept, digest, chain);
    *chain_out = chain;
    chain = NULL;
    return OK;
}

/* ---- report and key belong together ---- */

static enum status check_product(const struct snp_report *report, const struct snp_chain *chain, struct refusal *why)
{
    if (!report->has_cpuid || report->product == chain->key.product) return OK;
    return refuse(why, ERR_SNP_KEY, "report.cpuid", snp_product_name(chain->key.product), "%s",
                  snp_product_name(report->product));
}

/* A platform may hide its chip id from guests (MASK_CHIP_ID): the key then tells which chip it is. */
static enum status check_chip(const struct snp_report *report, const struct snp_chain *chain, struct refusal *why)
{
    const struct slice expected = SLICE_ARRAY(chain->key.chip_id);
    if (report->is_vlek || slice_is_zero(report->chip_id) || slice_equal(report->chip_id, expected)) return OK;
    return refuse(why, ERR_SNP_KEY, "report.chip_id", refusal_hex(expected).text, "%s",
                  refusal_hex(report->chip_id).text);
}

/* The key is made for REPORTED_TCB, not for what runs (CURRENT_TCB). */
static enum status check_tcb(const struct snp_report *report, const struct snp_chain *chain, struct refusal *why)
{
    const struct tcb_part *const parts = tcb_parts(chain->key.product);
    for (size_t i = 0; i < SNP_TCB_BYTES; i++) {
        const uint8_t seen = report->reported_tcb.bytes[i], certified = chain->key.tcb[i];
        if (seen == certified) continue;
        char field[REFUSAL_FIELD_BYTES], expected[64];
        (void)snprintf(field, sizeof(field), "report.reported_tcb.%s", parts[i].name);
        (void)snprintf(expected, sizeof(expected), "%u, as the certificate has it", certified);
        return refuse(why, ERR_SNP_KEY, field, expected, "%u", seen);
    }
    return OK;
}

static enum status check_signature(const struct snp_report *report, const struct snp_chain *chain, struct refusal *why)
{
    if (key_verify_with(certificate_key(chain->leaf), HASH_SHA384, KEY_PKCS1, report->signed_part,
                        SLICE_ARRAY(report->signature)) == OK)
        return OK;
    return refuse(why, ERR_SNP_SIGNATURE, "report.signature",
                  report->is_vlek ? "a signature by the VLEK" : "a signature by the chip's VCEK", "another one");
}

/* ---- claims ---- */

static void copy(struct slice from, uint8_t *to)
{
    memcpy(to, from.bytes, from.size);
}

static void fill_identity(const struct snp_report *report, struct snp_claims *claims)
{
    copy(report->family_id, claims->family_id);
    copy(report->image_id, claims->image_id);
    copy(report->report_data, claims->report_data);
    copy(report->measurement, claims->measurement);
    copy(report->host_data, claims->host_data);
    copy(report->id_key_digest, claims->id_key_digest);
    copy(report->author_key_digest, claims->author_key_digest);
    copy(report->report_id, claims->report_id);
    copy(report->report_id_ma, claims->report_id_ma);
}

static void fill_platform(const struct snp_report *report, const struct snp_chain *chain, struct snp_claims *claims)
{
    const enum snp_product product = chain->key.product;
    claims->current = tcb_of_bytes(product, report->current_tcb);
    claims->reported = tcb_of_bytes(product, report->reported_tcb);
    claims->committed = tcb_of_bytes(product, report->committed_tcb);
    claims->launch = tcb_of_bytes(product, report->launch_tcb);
    copy(report->is_vlek ? report->chip_id : SLICE_ARRAY(chain->key.chip_id), claims->chip_id);
    memcpy(claims->csp_id, chain->key.csp_id, sizeof(claims->csp_id));
}

static struct snp_claims claims_of(const struct snp_report *report, const struct snp_chain *chain)
{
    struct snp_claims claims = {
        .product = chain->key.product,
        .simulated = chain->is_simulated,
        .is_vlek = report->is_vlek,
        .version = report->version,
        .guest_svn = report->guest_svn,
        .vmpl = report->vmpl,
        .policy = report->policy,
        .platform_info = report->platform_info,
        .abi_minor = (uint8_t)report->policy,
        .abi_major = (uint8_t)(report->policy >> 8),
        .debug = (report->policy & SNP_POLICY_DEBUG) != 0,
        .migration_allowed = (report->policy & SNP_POLICY_MIGRATE_MA) != 0,
        .smt_allowed = (report->policy & SNP_POLICY_SMT) != 0,
        .has_author_key = report->has_author_key,
        .is_chip_key_masked = report->is_chip_key_masked,
        .current_firmware = report->current_firmware,
        .committed_firmware = report->committed_firmware,
        .has_cpuid = report->has_cpuid,
        .cpuid_family = report->cpuid_family,
        .cpuid_model = report->cpuid_model,
        .cpuid_stepping = report->cpuid_stepping,
        .has_mitigations = report->has_mitigations,
        .launch_mitigations = report->launch_mitigations,
        .current_mitigations = report->current_mitigations,
        .expires_s = snp_chain_expires_s(chain),
        .crl_checked = chain->crl != NULL,
    };
    fill_identity(report, &claims);
    fill_platform(report, chain, &claims);
    return claims;
}

/* ---- the whole ---- */

enum status snp_report_verify(struct slice report_bytes, const struct snp_endorsements *endorsements, int64_t now_s,
                              struct snp_cache *cache, struct refusal *why, struct snp_claims *claims_out)
{
    struct snp_report report;
    TRY(snp_report_parse(report_bytes, why, &report));
    CLEANUP(snp_chain_cleanup) struct snp_chain *chain = NULL;
    TRY(take_chain(endorsements, report.is_vlek, cache, why, &chain));
    TRY(snp_chain_check(chain, endorsements->crl_required, now_s, why));
    TRY(check_product(&report, chain, why));
    TRY(check_chip(&report, chain, why));
    TRY(check_tcb(&report, chain, why));
    TRY(check_signature(&report, chain, why));
    struct snp_claims claims = claims_of(&report, chain);
    TRY(sha256(report_bytes, claims.report_hash));
    *claims_out = claims;
    return OK;
}

enum status snp_report_facts(struct slice report_bytes, struct refusal *why, struct snp_report_facts *facts_out)
{
    struct snp_report report;
    TRY(snp_report_parse(report_bytes, why, &report));
    struct snp_report_facts facts = {
        .has_product = report.has_cpuid,
        .product = report.product,
        .is_vlek = report.is_vlek,
        .has_chip_id = !slice_is_zero(report.chip_id),
        .chip_id_size = chip_id_bytes(report.product),
        .reported = tcb_of_bytes(report.product, report.reported_tcb),
    };
    copy(report.chip_id, facts.chip_id);
    *facts_out = facts;
    return OK;
}
