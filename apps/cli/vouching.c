/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/vouching.h"

#include "base/encoding.h"
#include "crypto/x509.h"
#include "evidence/key_evidence.h"
#include "feeds/collateral_source.h"

#include <string.h>

enum { CERTIFICATE_TEXT_MAX_BYTES = 128 * 1024 };

void vouched_key_done(struct vouched_key *key)
{
    key_free(key->key);
    *key = (struct vouched_key){};
}

static enum status fetch_collateral(const struct vouching *vouching, struct slice quote, struct refusal *why,
                                    struct collateral **collateral_out)
{
    struct collateral_platform platform = {};
    struct quote_facts facts;
    TRY(quote_facts_read(quote, why, &facts));
    memcpy(platform.fmspc, facts.fmspc, sizeof(platform.fmspc));
    memcpy(platform.ca, facts.ca, sizeof(platform.ca));
    CLEANUP(collateral_files_done) struct collateral_files files = collateral_files_empty();
    struct collateral_service service = {.client = vouching->source};
    struct pacing_hint hint = {};
    if (vouching->source != NULL)
        TRY(collateral_fetch_service(&service, &platform, why, &hint, &files));
    else
        TRY(collateral_fetch_folder((void *)vouching->folder, &platform, why, &hint, &files));
    const struct collateral_texts texts = collateral_files_texts(&files);
    return collateral_new(&texts, vouching->roots, why, collateral_out);
}

static bool is_accepted_identity(const struct identity *identity, const struct sgx_claims *claims)
{
    const bool enclave = !identity->has_mrenclave || memcmp(identity->mrenclave, claims->mrenclave, 32) == 0;
    const bool signer =
        !identity->has_mrsigner || (memcmp(identity->mrsigner, claims->mrsigner, 32) == 0 &&
                                    identity->product_id == claims->product_id && claims->svn >= identity->minimum_svn);
    return (identity->has_mrenclave || identity->has_mrsigner) && enclave && signer &&
           (identity->debug || !claims->debug);
}

static enum status check_identity(const struct manifest *manifest, const struct sgx_claims *claims, struct refusal *why)
{
    if (manifest == NULL) return OK;
    const struct role_rule *const role = manifest_role(manifest, "attestation");
    for (size_t i = 0; role != NULL && i < role->identity_count; i++) {
        if (is_accepted_identity(&role->identities[i], claims)) return OK;
    }
    return refuse(why, ERR_TOKEN_IDENTITY, "quote.mrenclave", "an identity of the manifest's role attestation", "%s",
                  hex_of_32(claims->mrenclave).text);
}

/* The binding is looked at first as it stands, because it needs no collateral: a quote over another key is refused as
 * that. */
static enum status check_unverified(const struct key_evidence *evidence, struct refusal *why)
{
    enum { REPORT_DATA_AT = 48 + 320 }; /* header, and what stands before it in an enclave's report */
    const struct slice report_data = slice_part(evidence->quote, REPORT_DATA_AT, 64);
    if (report_data.size == 64) return key_evidence_check(evidence, report_data.bytes, why);
    return refuse(why, ERR_QUOTE_MALFORMED, "quote", "an enclave's quote", "%zu bytes", evidence->quote.size);
}

static enum status check_quote(const struct vouching *vouching, struct slice certificate, struct refusal *why,
                               struct sgx_claims *claims)
{
    struct key_evidence evidence;
    TRY(key_evidence_read(certificate, why, &evidence));
    TRY(check_unverified(&evidence, why));
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    TRY(fetch_collateral(vouching, evidence.quote, why, &collateral));
    const struct intel_evidence intel = {.quote = evidence.quote};
    TRY(sgx_quote_verify(&intel, collateral, vouching->roots, vouching->now_s, NULL, why, claims));
    TRY(key_evidence_check(&evidence, claims->report_data, why));
    return check_identity(vouching->manifest, claims, why);
}

enum status vouching_check(const struct vouching *vouching, const json_t *jwk, struct refusal *why,
                           struct vouched_key *key_out)
{
    const struct slice kid = slice_of_text(json_string_value(json_object_get(jwk, "kid")));
    const struct slice text = slice_of_text(json_string_value(json_array_get(json_object_get(jwk, "x5c"), 0)));
    struct vouched_key vouched = {};
    if (kid.size == 0 || kid.size >= sizeof(vouched.kid) || text.size == 0)
        return refuse(why, ERR_FIELD_MISSING, "certs.keys", "kid and x5c", "neither or one");
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_TEXT_MAX_BYTES);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    TRY(base64_decode(text, &der));
    TRY(check_quote(vouching, buffer_slice(&der), why, &vouched.claims));
    TRY(certificate_from_der(buffer_slice(&der), &certificate));
    memcpy(vouched.kid, kid.bytes, kid.size);
    vouched.key = key_share(certificate_key(certificate));
    *key_out = vouched;
    return OK;
}
