/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/chain.h"
#include "evidence/period.h"

#include <stdio.h>
#include <string.h>

static enum status check_dates(const struct pck_chain *chain, int64_t now_s, struct refusal *why, int64_t *expires_out)
{
    const struct period periods[] = {
        period_of_certificate(chain->leaf, "pck_chain.pck_certificate"),
        period_of_certificate(chain->ca, "pck_chain.pck_ca"),
        period_of_certificate(chain->root, "pck_chain.root_ca"),
    };
    *expires_out = INT64_MAX;
    for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
        TRY(period_check(&periods[i], now_s, why));
        if (periods[i].until_s < *expires_out) *expires_out = periods[i].until_s;
    }
    return OK;
}

enum status pck_certificate_verify(struct slice text, const struct trust_roots *roots, int64_t now_s,
                                   struct refusal *why, struct pck_facts *facts_out)
{
    CLEANUP(pck_chain_cleanup) struct pck_chain *chain = NULL;
    const struct pck_source source = {.all = text, .part = "pck_chain"};
    struct pck_facts facts = {};
    TRY(pck_chain_verify(&source, NULL, roots, why, &chain));
    TRY(check_dates(chain, now_s, why, &facts.expires_s));
    memcpy(facts.fmspc, chain->pck.fmspc, sizeof(facts.fmspc));
    memcpy(facts.pce_id, chain->pck.pce_id, sizeof(facts.pce_id));
    facts.pce_svn = chain->pck.pce_svn;
    (void)snprintf(facts.ca, sizeof(facts.ca), "%s",
                   pck_ca_kind(slice_of_text(certificate_subject_common_name(chain->ca))));
    *facts_out = facts;
    return OK;
}
