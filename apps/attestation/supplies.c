/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/supplies.h"

#include "attestation/appraise/needs.h"
#include "crypto/pem.h"
#include "crypto/x509_issue.h"

static enum status check_key(enum status status, const char *what, struct slice key, struct refusal *why)
{
    if (status == OK) return OK;
    return refuse(why, status, what, "a key of the agreed form", "%zu bytes", key.size);
}

static enum status supply_collateral(const struct supply *supply, struct slice key, struct refusal *why,
                                     struct buffer *supplied)
{
    struct collateral_platform platform;
    TRY(check_key(need_collateral_read(key, &platform), "collateral", key, why));
    return collateral_feed_texts(supply->supplies->collateral, &platform, supply->wait_ms, why, supplied);
}

static enum status supply_pck(const struct supply *supply, struct slice key, struct refusal *why,
                              struct buffer *supplied)
{
    CLEANUP(pck_certificate_cleanup) struct pck_certificate *certificate = NULL;
    struct pck_request request;
    TRY(check_key(need_pck_read(key, &request), "pck", key, why));
    if (supply->supplies->pck == NULL)
        return refuse(why, ERR_UNSUPPORTED, "certification_data.type", "4 or 5: a PCK certificate", "none");
    TRY(pck_feed_get(supply->supplies->pck, &request, supply->wait_ms, why, &certificate));
    return buffer_append(supplied, pck_certificate_chain(certificate));
}

static enum status append_pem(struct slice certificates, struct buffer *supplied)
{
    return pem_is_likely(certificates) ? buffer_append(supplied, certificates)
                                       : certificate_pem(certificates, supplied);
}

static enum status supply_endorsements(const struct supply *supply, struct slice key, struct refusal *why,
                                       struct buffer *supplied)
{
    CLEANUP(endorsement_cleanup) struct endorsement *endorsement = NULL;
    struct endorsement_request request;
    struct slice certificates[2];
    TRY(check_key(need_endorsements_read(key, &request), "endorsements", key, why));
    if (supply->supplies->endorsements == NULL)
        return refuse(why, ERR_UNSUPPORTED, "report.VcekCertChain", "the certificates beside the report", "none");
    TRY(endorsement_feed_get(supply->supplies->endorsements, &request, supply->wait_ms, why, &endorsement));
    const struct snp_endorsements texts = endorsement_texts(endorsement, certificates);
    for (size_t i = 0; i < texts.certificate_count; i++) TRY(append_pem(texts.certificates[i], supplied));
    return OK;
}

static enum status supply_policy(const struct supply *supply, struct slice key, struct refusal *why,
                                 struct buffer *supplied)
{
    for (size_t i = 0; i < ATTESTATION_TYPE_COUNT; i++) {
        const struct state_policy *const policy = &supply->view->policies[i];
        if (policy->jws.size > 0 && slice_equal(key, SLICE_ARRAY(policy->digest)))
            return buffer_append(supplied, buffer_slice(&policy->jws));
    }
    return refuse(why, ERR_NOT_FOUND, "policy", "the digest of a policy that is set", "%s", refusal_hex(key).text);
}

enum status supply_need(void *context, enum link_need need, struct slice key, struct refusal *why,
                        struct buffer *supplied)
{
    switch (need) {
    case LINK_NEED_COLLATERAL: return supply_collateral(context, key, why, supplied);
    case LINK_NEED_PCK: return supply_pck(context, key, why, supplied);
    case LINK_NEED_POLICY: return supply_policy(context, key, why, supplied);
    case LINK_NEED_ENDORSEMENTS: return supply_endorsements(context, key, why, supplied);
    }
    return refuse(why, ERR_UNSUPPORTED, "need", "one of the agreed needs", "%u", (unsigned)need);
}
