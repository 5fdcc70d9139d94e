/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/tpm/attest.h"
#include "evidence/tpm/pcrs.h"
#include "evidence/tpm/public.h"
#include "evidence/tpm/signature.h"
#include "evidence/tpm/wire.h"

#include <stdio.h>
#include <string.h>

bool tpm_signature_is_bare_rsa(struct slice signature)
{
    return signature.size == 256 || signature.size == 384 || signature.size == 512;
}

static enum status read_signature(const struct tpm_quote *quote, struct refusal *why, struct tpm_signature *signature)
{
    if (!quote->is_bare_rsa) return tpm_signature_parse(quote->signature, why, signature);
    *signature = (struct tpm_signature){
        .scheme = TPM_ALG_RSASSA, .hash_id = TPM_HASH_SHA256, .hash = HASH_SHA256, .first = quote->signature};
    return OK;
}

/* The public area must be the trusted key's own, and then tells what else the key could have signed. */
static enum status check_public(const struct tpm_quote *quote, const struct tpm_signature *signature,
                                struct refusal *why, struct tpm_claims *claims)
{
    if (quote->key_public.size == 0) return OK;
    CLEANUP(tpm_public_done) struct tpm_public parsed = {};
    TRY(tpm_public_parse(quote->key_public, why, &parsed));
    if (!key_equal(parsed.key, quote->key))
        return refuse(why, ERR_TPM_KEY, "public.unique", "the attestation key", "another key");
    if (parsed.scheme != signature->scheme || parsed.scheme_hash != signature->hash_id)
        return refuse(why, ERR_TPM_KEY, "signature.sigAlg", "the only scheme that the key signs with",
                      "%s for a key of %s", tpm_algorithm_text(signature->scheme).text,
                      tpm_algorithm_text(parsed.scheme).text);
    claims->is_key_restricted = true;
    return tpm_public_name_of(&parsed, claims->key_name, &claims->key_name_size);
}

static enum status check_nonce(const struct tpm_quote *quote, const struct tpm_attest *attest, struct refusal *why)
{
    if (quote->nonce.size == 0 || slice_equal(quote->nonce, attest->extra_data)) return OK;
    (void)refuse(why, ERR_TPM_NONCE, "attest.extraData", refusal_hex(quote->nonce).text, "%s",
                 refusal_hex(attest->extra_data).text);
    return refuse_fix(why, ERR_TPM_NONCE, "ask for a new quote with the nonce given here");
}

static enum status check_selection(const struct tpm_quote *quote, const struct tpm_attest *attest, struct refusal *why)
{
    if ((quote->required_selection & ~attest->selection) == 0) return OK;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "at least the PCRs of the bitmap %06x",
                   (unsigned)quote->required_selection);
    return refuse(why, ERR_TPM_PCR, "attest.pcrSelect", expected, "%06x", (unsigned)attest->selection);
}

static enum status check_pcrs(const struct tpm_quote *quote, const struct tpm_attest *attest, enum hash hash,
                              struct refusal *why, struct tpm_claims *claims)
{
    if (attest->pcr_digest.size != hash_bytes(hash))
        return refuse(why, ERR_TPM_PCR, "attest.pcrDigest", "a digest by the hash of the signature scheme", "%zu bytes",
                      attest->pcr_digest.size);
    if (quote->pcrs == NULL) return OK;
    TRY(tpm_pcrs_check(quote->pcrs, attest, hash, why));
    claims->pcrs = *quote->pcrs;
    claims->pcrs.known = attest->selection; /* nothing vouches for the others */
    return OK;
}

static enum status check_replayed(const struct tpm_pcrs *replayed, const struct tpm_pcrs *quoted, struct refusal *why)
{
    const size_t size = hash_bytes(tpm_hash_of(quoted->hash));
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
        if ((replayed->known & quoted->known & UINT32_C(1) << i) == 0) continue;
        if (memcmp(replayed->values[i], quoted->values[i], size) == 0) continue;
        char field[32];
        (void)snprintf(field, sizeof(field), "event_log.pcr[%u]", i);
        return refuse(why, ERR_TPM_EVENT_LOG, field, refusal_hex(slice_of(quoted->values[i], size)).text, "%s",
                      refusal_hex(slice_of(replayed->values[i], size)).text);
    }
    return OK;
}

static enum status check_event_log(const struct tpm_quote *quote, struct refusal *why, struct tpm_claims *claims)
{
    if (quote->event_log.size == 0) return OK;
    if (claims->pcrs.known == 0)
        return refuse(why, ERR_TPM_EVENT_LOG, "pcrs", "the quoted PCRs, which the event log must lead to", "none");
    struct tpm_pcrs replayed;
    TRY(tpm_event_log_replay(quote->event_log, claims->bank, why, &replayed));
    if ((replayed.known & claims->pcrs.known) == 0)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log", "events of at least one quoted PCR", "events of none");
    TRY(check_replayed(&replayed, &claims->pcrs, why));
    claims->has_event_log = true;
    return OK;
}

static void fill(const struct tpm_attest *attest, struct tpm_claims *claims)
{
    claims->extra_data_size = attest->extra_data.size;
    memcpy(claims->extra_data, attest->extra_data.bytes, attest->extra_data.size);
    claims->qualified_signer_size = attest->qualified_signer.size;
    memcpy(claims->qualified_signer, attest->qualified_signer.bytes, attest->qualified_signer.size);
    claims->clock_ms = attest->clock_ms;
    claims->firmware_version = attest->firmware_version;
    claims->reset_count = attest->reset_count;
    claims->restart_count = attest->restart_count;
    claims->is_clock_safe = attest->is_clock_safe;
    claims->bank = attest->bank;
    claims->selection = attest->selection;
    claims->pcr_digest_size = attest->pcr_digest.size;
    memcpy(claims->pcr_digest, attest->pcr_digest.bytes, attest->pcr_digest.size);
}

enum status tpm_quote_verify(const struct tpm_quote *quote, struct refusal *why, struct tpm_claims *claims_out)
{
    struct tpm_attest attest;
    struct tpm_signature signature;
    struct tpm_claims claims = {};
    if (quote->key == NULL) {
        (void)refuse(why, ERR_TPM_KEY, "key", "an attestation key that is trusted", "none");
        return refuse_fix(why, ERR_TPM_KEY, "give the attestation key of this TPM as it was enrolled");
    }
    TRY(tpm_attest_parse(quote->attest, why, &attest));
    TRY(read_signature(quote, why, &signature));
    TRY(check_public(quote, &signature, why, &claims));
    TRY(tpm_signature_verify(&signature, quote->key, attest.whole, why));
    TRY(check_nonce(quote, &attest, why));
    TRY(check_selection(quote, &attest, why));
    TRY(check_pcrs(quote, &attest, signature.hash, why, &claims));
    fill(&attest, &claims);
    TRY(check_event_log(quote, why, &claims));
    TRY(key_thumbprint(quote->key, claims.key_thumbprint));
    *claims_out = claims;
    return OK;
}
