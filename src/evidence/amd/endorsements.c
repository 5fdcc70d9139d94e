/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/amd/chain.h"

#include <string.h>

static void tell_crl(const struct crl *crl, struct snp_endorsement_facts *facts)
{
    facts->has_crl = true;
    facts->crl_issued_s = crl_this_update_s(crl);
    crl_number(crl, facts->crl_number);
}

enum status snp_endorsements_verify(const struct snp_endorsements *endorsements, bool is_vlek, int64_t now_s,
                                    struct refusal *why, struct snp_endorsement_facts *facts_out)
{
    CLEANUP(snp_chain_cleanup) struct snp_chain *chain = NULL;
    TRY(snp_chain_verify(endorsements, is_vlek, why, &chain));
    TRY(snp_chain_check_root(endorsements, chain, why));
    TRY(snp_chain_check(chain, endorsements->crl_required, now_s, why));
    *facts_out = (struct snp_endorsement_facts){
        .product = chain->key.product,
        .is_vlek = is_vlek,
        .simulated = chain->is_simulated,
        .tcb = tcb_of_bytes(chain->key.product, SLICE_ARRAY(chain->key.tcb)),
        .expires_s = snp_chain_expires_s(chain),
    };
    memcpy(facts_out->chip_id, chain->key.chip_id, sizeof(facts_out->chip_id));
    if (chain->crl != NULL) tell_crl(chain->crl, facts_out);
    return OK;
}
