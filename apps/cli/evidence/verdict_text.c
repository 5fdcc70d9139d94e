/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/screen.h"
#include "cli/evidence/verdict.h"

#include "base/clock.h"

static enum status tell_who_and_what(const struct evidence_claims *claims, struct buffer *text)
{
    switch (claims->kind) {
    case EVIDENCE_SGX:
    case EVIDENCE_OPEN_ENCLAVE: return screen_sgx(&claims->sgx, text);
    case EVIDENCE_TDX: return screen_tdx(&claims->tdx, text);
    case EVIDENCE_SNP: return screen_snp(&claims->snp, text);
    case EVIDENCE_AZURE_VTPM: return screen_azure(&claims->azure, text);
    case EVIDENCE_TPM: return screen_tpm(&claims->tpm, text);
    }
    return OK;
}

static enum status tell_faults_of_kind(const struct evidence_claims *claims, struct faults *faults)
{
    switch (claims->kind) {
    case EVIDENCE_SGX:
    case EVIDENCE_OPEN_ENCLAVE:
        return screen_fault(faults, claims->sgx.debug,
                            "this is a DEBUG enclave: its host can read its memory; give it no secrets");
    case EVIDENCE_TDX: return screen_td_faults(&claims->tdx, faults);
    case EVIDENCE_SNP: return screen_snp_faults(&claims->snp, faults);
    case EVIDENCE_AZURE_VTPM: return screen_azure_faults(&claims->azure, faults);
    case EVIDENCE_TPM: return screen_tpm_faults(&claims->tpm, faults);
    }
    return OK;
}

static enum status tell_freshness(const struct evidence_result *result, struct buffer *text)
{
    const struct intel_platform *const platform = evidence_intel_platform(&result->claims);
    const int64_t expires_s = evidence_expires_s(&result->claims);
    TRY(screen_line(text, "judged at", time_iso8601(result->at_s).text));
    TRY(screen_line(text, "good until",
                    expires_s != INT64_MAX ? time_iso8601(expires_s).text : "the key is trusted no more"));
    if (platform != NULL) TRY(screen_platform(platform, text));
    if (result->padding == 0) return OK;
    return buffer_append_format(text, SCREEN_TITLE "%zu zeros behind the quote, left out\n", "padding",
                                result->padding);
}

static enum status tell_refusal(const struct refusal *why, struct buffer *text)
{
    if (why->field[0] != '\0') TRY(screen_line(text, "field", why->field));
    if (why->seen[0] != '\0') TRY(screen_line(text, "seen", why->seen));
    return why->expected[0] != '\0' ? screen_line(text, "expected", why->expected) : OK;
}

static enum status tell_policy(const struct evidence_result *result, struct buffer *text)
{
    if (!result->has_policy) return OK;
    if (result->status == OK) return screen_line(text, "policy", "accepts this evidence");
    TRY(screen_line(text, "policy", "does NOT accept this evidence"));
    return tell_refusal(&result->why, text);
}

static const char *advice(const struct evidence_result *result)
{
    const struct intel_platform *const platform = evidence_intel_platform(&result->claims);
    if (result->why.fix[0] != '\0') return result->why.fix;
    return platform != NULL ? screen_tcb_advice(platform->tcb_status)
                            : "compare what ran, its versions and its policy with what you expect";
}

static bool has_tpm_quote(const struct evidence_claims *claims)
{
    return claims->kind == EVIDENCE_TPM || (claims->kind == EVIDENCE_AZURE_VTPM && claims->azure.has_tpm);
}

static enum status tell_faults(const struct evidence_result *result, struct buffer *text)
{
    const struct evidence_claims *const claims = &result->claims;
    const struct intel_platform *const platform = evidence_intel_platform(claims);
    const char *const tcb = platform != NULL ? screen_tcb_fault(platform->tcb_status) : NULL;
    struct faults faults = {.text = text};
    TRY(tell_faults_of_kind(claims, &faults));
    TRY(screen_fault(&faults, has_tpm_quote(claims) && !result->is_nonce_compared,
                     "no nonce was given to compare: the quote may be an old one"));
    TRY(screen_fault(&faults, tcb != NULL, tcb));
    TRY(screen_fault(&faults, !faults.has_any,
                     platform != NULL ? "nothing that Intel knows of" : "nothing that was looked for"));
    return OK;
}

static enum status tell_genuine(const struct evidence_result *result, struct buffer *text)
{
    const struct intel_platform *const platform = evidence_intel_platform(&result->claims);
    const bool is_simulated = platform != NULL ? platform->simulated : result->claims.snp.simulated;
    TRY(buffer_append_format(text, "GENUINE%s%s%s%s%s\n", result->status != OK ? ", NOT ACCEPTED" : "",
                             is_simulated ? " SIMULATION" : "", evidence_is_debug(&result->claims) ? " DEBUG" : "",
                             platform != NULL ? ": " : "",
                             platform != NULL ? tcb_status_name(platform->tcb_status) : ""));
    TRY(tell_who_and_what(&result->claims, text));
    TRY(tell_freshness(result, text));
    TRY(tell_policy(result, text));
    TRY(tell_faults(result, text));
    return buffer_append_format(text, SCREEN_TITLE "%s", "what to do", advice(result));
}

static enum status tell_refused(const struct evidence_result *result, struct buffer *text)
{
    const struct refusal *const why = &result->why;
    TRY(buffer_append_format(text, "REFUSED: %s\n", status_text(result->status)));
    TRY(tell_refusal(why, text));
    TRY(screen_line(text, "judged at", time_iso8601(result->at_s).text));
    return buffer_append_format(text, SCREEN_TITLE "%s", "what to do",
                                why->fix[0] != '\0' ? why->fix : "do not trust this evidence; ask for a new quote");
}

enum status evidence_result_text(const struct evidence_result *result, struct buffer *text)
{
    return result->is_genuine ? tell_genuine(result, text) : tell_refused(result, text);
}
