/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/screen.h"

static enum status tell_selection(const struct tpm_claims *tpm, struct buffer *text)
{
    TRY(buffer_append_format(text, SCREEN_TITLE, "PCRs quoted"));
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
        if ((tpm->selection & UINT32_C(1) << i) != 0) TRY(buffer_append_format(text, "%u ", i));
    }
    return buffer_append_text(text, tpm->pcrs.known != 0 ? "(values proven)\n" : "(values not given)\n");
}

enum status screen_tpm_state(const struct tpm_claims *tpm, struct buffer *text)
{
    TRY(tell_selection(tpm, text));
    TRY(screen_hex(text, "PCR digest", slice_of(tpm->pcr_digest, tpm->pcr_digest_size)));
    TRY(screen_hex(text, "nonce", slice_of(tpm->extra_data, tpm->extra_data_size)));
    return buffer_append_format(text, SCREEN_TITLE "%llu s since the TPM was cleared, %u resets, %u restarts\n",
                                "TPM clock", (unsigned long long)tpm->clock_ms / 1000, (unsigned)tpm->reset_count,
                                (unsigned)tpm->restart_count);
}

enum status screen_tpm(const struct tpm_claims *tpm, struct buffer *text)
{
    TRY(screen_line(text, "who signed", "a TPM's attestation key, trusted because you named it; its thumbprint is"));
    TRY(screen_hex(text, "", SLICE_ARRAY(tpm->key_thumbprint)));
    return screen_tpm_state(tpm, text);
}

enum status screen_tpm_faults(const struct tpm_claims *tpm, struct faults *faults)
{
    TRY(screen_fault(faults, tpm->pcrs.known == 0, "no PCR values were given: the digest alone does not say what ran"));
    TRY(screen_fault(faults, tpm->pcrs.known != 0 && !tpm->has_event_log,
                     "no event log was given: PCR values are digests"));
    return screen_fault(faults, !tpm->is_clock_safe, "the TPM's clock may have been set back");
}
