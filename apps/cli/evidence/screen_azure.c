/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/screen.h"

enum status screen_azure(const struct azure_claims *azure, struct buffer *text)
{
    TRY(azure->isolation == AZURE_TDX ? screen_tdx(&azure->tdx, text) : screen_snp(&azure->snp, text));
    TRY(screen_line(text, "Azure machine", azure->vm_id[0] != '\0' ? azure->vm_id : "(not named)"));
    if (azure->has_tpm) return screen_tpm_state(&azure->tpm, text);
    return screen_line(text, "vTPM", "no quote was given: nothing shows that the machine runs now");
}

enum status screen_azure_faults(const struct azure_claims *azure, struct faults *faults)
{
    TRY(azure->isolation == AZURE_TDX ? screen_td_faults(&azure->tdx, faults) : screen_snp_faults(&azure->snp, faults));
    TRY(screen_fault(faults, !azure->has_tpm,
                     "the report may be old: only a quote of the vTPM shows that the machine runs now"));
    if (azure->has_tpm) TRY(screen_tpm_faults(&azure->tpm, faults));
    TRY(screen_fault(faults, !azure->secure_boot, "secure boot is off"));
    return screen_fault(faults, azure->console_enabled, "the machine has a console that its host can reach");
}
