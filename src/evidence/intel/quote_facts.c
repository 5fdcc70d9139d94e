/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/certification.h"

#include <stdio.h>
#include <string.h>

static enum status take_ids(const struct quote *quote, struct refusal *why, struct quote_facts *facts)
{
    struct platform_ids ids;
    TRY(platform_ids_read(quote, why, &ids));
    memcpy(facts->ppid, ids.ppid.bytes, ids.ppid.size);
    facts->ppid_size = ids.ppid.size;
    memcpy(facts->cpu_svn, ids.cpu_svn.bytes, sizeof(facts->cpu_svn));
    memcpy(facts->pce_id, ids.pce_id.bytes, sizeof(facts->pce_id));
    facts->pce_svn = ids.pce_svn;
    return OK;
}

static enum status take_platform(const struct quote *quote, struct refusal *why, struct quote_facts *facts)
{
    struct pck_source source = {.part = "certification_data"};
    struct pck pck;
    const char *ca;
    facts->has_chain = quote->certification_type == CERTIFICATION_PCK_CHAIN;
    facts->has_platform = true;
    *(facts->has_chain ? &source.all : &source.leaf) = quote->certification_data;
    TRY(facts->has_chain ? pck_chain_read(&source, why, &pck, &ca) : pck_leaf_read(&source, why, &pck, &ca));
    memcpy(facts->fmspc, pck.fmspc, sizeof(facts->fmspc));
    (void)snprintf(facts->ca, sizeof(facts->ca), "%s", ca);
    return OK;
}

enum status quote_facts_read(struct slice quote_bytes, struct refusal *why, struct quote_facts *facts_out)
{
    struct quote quote;
    TRY(quote_parse(quote_bytes, why, &quote));
    struct quote_facts facts = {
        .tee = quote.tee, .version = quote.version, .certification_type = (unsigned)quote.certification_type};
    memcpy(facts.qe_id, quote.user_data.bytes, sizeof(facts.qe_id));
    TRY(quote.certification_type >= CERTIFICATION_PCK_LEAF ? take_platform(&quote, why, &facts)
                                                           : take_ids(&quote, why, &facts));
    *facts_out = facts;
    return OK;
}

enum status quote_certification(struct slice quote_bytes, struct refusal *why, enum intel_tee *tee_out,
                                struct slice *certification_out)
{
    struct quote quote;
    TRY(quote_parse(quote_bytes, why, &quote));
    *tee_out = quote.tee;
    *certification_out = quote.certification_data;
    return OK;
}
