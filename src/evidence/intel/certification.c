/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/certification.h"

#include "crypto/hash.h"
#include "evidence/intel/verification_cache.h"

#include <stdio.h>

enum { PPID_BYTES = 16, RSA_2048_BYTES = 256, RSA_3072_BYTES = 384, CPU_SVN_BYTES = 16, PCE_SVN_BYTES = 2 };

static size_t ppid_size(enum certification_type type)
{
    if (type == CERTIFICATION_PPID_PLAIN) return PPID_BYTES;
    return type == CERTIFICATION_PPID_RSA2048 ? RSA_2048_BYTES : RSA_3072_BYTES;
}

enum status platform_ids_read(const struct quote *quote, struct refusal *why, struct platform_ids *ids_out)
{
    const struct slice data = quote->certification_data;
    const size_t cpu_svn_at = ppid_size(quote->certification_type), pce_svn_at = cpu_svn_at + CPU_SVN_BYTES;
    const size_t pce_id_at = pce_svn_at + PCE_SVN_BYTES, size = pce_id_at + PCE_ID_BYTES;
    char expected[16];
    (void)snprintf(expected, sizeof(expected), "%zu", size);
    if (data.size != size)
        return refuse(why, ERR_QUOTE_MALFORMED, "certification_data.length", expected, "%zu", data.size);
    *ids_out = (struct platform_ids){
        .ppid = slice_part(data, 0, cpu_svn_at),
        .cpu_svn = slice_part(data, cpu_svn_at, CPU_SVN_BYTES),
        .pce_svn = (uint16_t)slice_number_le(slice_part(data, pce_svn_at, PCE_SVN_BYTES)),
        .pce_id = slice_part(data, pce_id_at, PCE_ID_BYTES),
    };
    return OK;
}

enum status certification_source(const struct quote *quote, struct slice pck_chain, struct refusal *why,
                                 struct pck_source *source_out)
{
    static const char *const seen[] = {
        [CERTIFICATION_PPID_PLAIN] = "1: the platform's id in clear, no certificate",
        [CERTIFICATION_PPID_RSA2048] = "2: the platform's id encrypted with RSA-2048, no certificate",
        [CERTIFICATION_PPID_RSA3072] = "3: the platform's id encrypted with RSA-3072, no certificate",
    };
    *source_out = (struct pck_source){.all = pck_chain, .part = "pck_chain"};
    switch (quote->certification_type) {
    case CERTIFICATION_PCK_CHAIN:
        *source_out = (struct pck_source){.all = quote->certification_data, .part = "certification_data"};
        return OK;
    case CERTIFICATION_PCK_LEAF: source_out->leaf = quote->certification_data; return OK;
    default: break;
    }
    if (pck_chain.size > 0) return OK;
    (void)refuse(why, ERR_UNSUPPORTED, "certification_data.type",
                 "5: the chain of PCK certificates, or that chain beside the quote", "%s",
                 seen[quote->certification_type]);
    return refuse_fix(why, ERR_UNSUPPORTED, "fetch the platform's PCK certificate and its chain and give them too");
}

/* One digest over all that a chain is read from. The type keeps apart what only differs in where it stood. */
static enum status digest_source(const struct quote *quote, const struct pck_source *source,
                                 uint8_t digest_out[static SHA256_BYTES])
{
    const uint8_t type = (uint8_t)quote->certification_type;
    const struct slice parts[] = {slice_of(&type, 1), source->leaf, source->all};
    return sha256_parts(parts, sizeof(parts) / sizeof(parts[0]), digest_out);
}

static enum status take_chain(const struct quote *quote, const struct pck_source *source,
                              const struct issuer_chain *known, const struct trust_roots *roots,
                              struct verification_cache *cache, struct refusal *why, struct pck_chain **chain_out)
{
    uint8_t digest[SHA256_BYTES];
    TRY(digest_source(quote, source, digest));
    *chain_out = verification_cache_find(cache, digest);
    if (*chain_out != NULL) return OK;
    TRY(pck_chain_verify(source, known, roots, why, chain_out));
    verification_cache_keep(cache, digest, *chain_out);
    return OK;
}

/* The PCK key's signature over the quoting enclave's report proves the platform; this tells whoever brought the wrong
 * certificate what is wrong with it. */
static enum status check_platform_ids(const struct quote *quote, const struct pck *pck, struct refusal *why)
{
    struct platform_ids ids;
    if (quote->certification_type >= CERTIFICATION_PCK_LEAF) return OK;
    TRY(platform_ids_read(quote, why, &ids));
    if (!slice_equal(ids.pce_id, SLICE_ARRAY(pck->pce_id)))
        return refuse(why, ERR_COLLATERAL_MISMATCH, "pck_certificate.pceid", refusal_hex(ids.pce_id).text, "%s",
                      refusal_hex(SLICE_ARRAY(pck->pce_id)).text);
    if (quote->certification_type == CERTIFICATION_PPID_PLAIN && !slice_equal(ids.ppid, SLICE_ARRAY(pck->ppid)))
        return refuse(why, ERR_COLLATERAL_MISMATCH, "pck_certificate.ppid", refusal_hex(ids.ppid).text, "%s",
                      refusal_hex(SLICE_ARRAY(pck->ppid)).text);
    return OK;
}

enum status certification_chain(const struct quote *quote, struct slice pck_chain, const struct collateral *collateral,
                                const struct trust_roots *roots, struct verification_cache *cache, struct refusal *why,
                                struct pck_chain **chain_out)
{
    struct pck_source source;
    TRY(certification_source(quote, pck_chain, why, &source));
    CLEANUP(pck_chain_cleanup) struct pck_chain *chain = NULL;
    TRY(take_chain(quote, &source, &collateral->pck_crl_chain, roots, cache, why, &chain));
    TRY(check_platform_ids(quote, &chain->pck, why));
    *chain_out = chain;
    chain = NULL;
    return OK;
}
