/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/screen.h"

static enum status tell_snp_signer(const struct snp_claims *snp, struct buffer *text)
{
    if (snp->simulated)
        return screen_line(text, "who signed", "a SOFTWARE TEE: no hardware protects this guest from its host");
    TRY(buffer_append_format(text, SCREEN_TITLE "an AMD SEV-SNP platform (%s), %s, certified by AMD's pinned root\n",
                             "who signed", snp_product_name(snp->product),
                             snp->is_vlek ? "by its cloud's VLEK" : "by its chip's VCEK"));
    if (snp->is_vlek) return screen_line(text, "cloud", snp->csp_id);
    return screen_wide_hex(text, "chip", SLICE_ARRAY(snp->chip_id));
}

static enum status tell_snp_versions(const struct snp_claims *snp, struct buffer *text)
{
    const struct snp_tcb *const tcb = &snp->reported;
    TRY(buffer_append_format(text, SCREEN_TITLE "boot loader %u, TEE %u, SNP %u, microcode %u; firmware %u.%u.%u\n",
                             "reported TCB", tcb->boot_loader, tcb->tee, tcb->snp, tcb->microcode,
                             snp->current_firmware.major, snp->current_firmware.minor, snp->current_firmware.build));
    return buffer_append_format(text, SCREEN_TITLE "%016llx, guest security version %u, VMPL %u\n", "policy",
                                (unsigned long long)snp->policy, snp->guest_svn, snp->vmpl);
}

enum status screen_snp(const struct snp_claims *snp, struct buffer *text)
{
    TRY(tell_snp_signer(snp, text));
    TRY(screen_hex(text, "what ran", SLICE_ARRAY(snp->measurement)));
    TRY(screen_hex(text, "host data", SLICE_ARRAY(snp->host_data)));
    TRY(tell_snp_versions(snp, text));
    return screen_wide_hex(text, "report data", SLICE_ARRAY(snp->report_data));
}

enum status screen_snp_faults(const struct snp_claims *snp, struct faults *faults)
{
    TRY(screen_fault(faults, snp->debug, "this is a DEBUG guest: its host can read its memory; give it no secrets"));
    TRY(screen_fault(faults, snp->vmpl == UINT32_MAX, "the HOST asked for this report, not the guest"));
    TRY(screen_fault(faults, snp->vmpl != 0 && snp->vmpl != UINT32_MAX,
                     "VMPL is not 0: something more privileged runs in the same guest"));
    TRY(screen_fault(faults, snp->migration_allowed, "a migration agent may move this guest to another machine"));
    TRY(screen_fault(faults, snp->is_chip_key_masked, "the chip does not give its name"));
    return screen_fault(faults, !snp->crl_checked,
                        "AMD's revocation list was not given: nobody looked for revoked keys");
}
