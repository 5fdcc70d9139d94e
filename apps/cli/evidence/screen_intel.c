/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/screen.h"

#include "base/clock.h"

const char *screen_tcb_fault(enum tcb_status status)
{
    switch (status) {
    case TCB_UP_TO_DATE: return NULL;
    case TCB_SW_HARDENING_NEEDED: return "the platform is sound only with programs built against the advisories";
    case TCB_CONFIGURATION_NEEDED:
    case TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED: return "the platform's settings leave known weaknesses open";
    case TCB_OUT_OF_DATE:
    case TCB_OUT_OF_DATE_CONFIGURATION_NEEDED: return "the platform runs firmware with known weaknesses";
    case TCB_TD_RELAUNCH_ADVISED:
    case TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED:
        return "the TD was started under a TDX module with known weaknesses, which was updated since";
    }
    return "the platform's state is not known";
}

const char *screen_tcb_advice(enum tcb_status status)
{
    switch (status) {
    case TCB_UP_TO_DATE: return "nothing: the platform is up to date";
    case TCB_SW_HARDENING_NEEDED: return "make sure that the program was built with the mitigations for the advisories";
    case TCB_CONFIGURATION_NEEDED: return "change the platform's firmware settings as the advisories say";
    case TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED:
        return "change the firmware settings, and make sure that the program has the mitigations";
    case TCB_OUT_OF_DATE: return "update the platform's firmware and microcode, then make a new quote";
    case TCB_OUT_OF_DATE_CONFIGURATION_NEEDED:
        return "update the platform's firmware and microcode and change its settings, then make a new quote";
    case TCB_TD_RELAUNCH_ADVISED: return "start the TD anew, so that the module loaded now measures it";
    case TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED:
        return "start the TD anew, and change the platform's settings as the advisories say";
    }
    return "ask whoever runs the platform";
}

static enum status tell_intel_signer(const struct intel_platform *platform, const char *kind, struct buffer *text)
{
    if (platform->simulated)
        TRY(screen_line(text, "who signed", "a SOFTWARE TEE: no hardware protects this enclave from its host"));
    else
        TRY(buffer_append_format(text, SCREEN_TITLE "an Intel %s platform, certified by Intel's pinned root\n",
                                 "who signed", kind));
    return screen_hex(text, "platform", SLICE_ARRAY(platform->fmspc));
}

enum status screen_sgx(const struct sgx_claims *sgx, struct buffer *text)
{
    TRY(tell_intel_signer(&sgx->platform, "SGX", text));
    TRY(screen_hex(text, "what ran", SLICE_ARRAY(sgx->mrenclave)));
    TRY(screen_hex(text, "signed by", SLICE_ARRAY(sgx->mrsigner)));
    TRY(buffer_append_format(text, SCREEN_TITLE "product %u, security version %u\n", "", sgx->product_id, sgx->svn));
    return screen_wide_hex(text, "report data", SLICE_ARRAY(sgx->report_data));
}

enum status screen_tdx(const struct tdx_claims *tdx, struct buffer *text)
{
    TRY(tell_intel_signer(&tdx->platform, "TDX", text));
    TRY(screen_hex(text, "what ran", SLICE_ARRAY(tdx->mrtd)));
    for (size_t i = 0; i < TD_RTMR_COUNT; i++) {
        if (slice_is_zero(SLICE_ARRAY(tdx->rtmr[i]))) continue; /* nothing was measured into it */
        const char title[] = {'R', 'T', 'M', 'R', ' ', (char)('0' + i), '\0'};
        TRY(screen_hex(text, title, SLICE_ARRAY(tdx->rtmr[i])));
    }
    TRY(buffer_append_format(text, SCREEN_TITLE "version %u, security version %u\n", "TDX module", tdx->tee_tcb_svn[1],
                             tdx->tee_tcb_svn[0]));
    return screen_wide_hex(text, "report data", SLICE_ARRAY(tdx->report_data));
}

static enum status tell_advisories(const struct intel_platform *platform, struct buffer *text)
{
    enum { PER_LINE = 5 };
    for (size_t i = 0; i < platform->advisory_count; i++) {
        const char *const before = i % PER_LINE != 0 ? " " : i == 0 ? "  advisories     " : "\n                 ";
        TRY(buffer_append_format(text, "%s%s", before, platform->advisories[i]));
    }
    return platform->advisory_count == 0 ? OK : buffer_append_text(text, "\n");
}

enum status screen_platform(const struct intel_platform *platform, struct buffer *text)
{
    TRY(buffer_append_format(text, SCREEN_TITLE "%.10s, evaluation number %lld\n", "TCB level of",
                             time_iso8601(platform->tcb_date_s).text, (long long)platform->tcb_evaluation));
    return tell_advisories(platform, text);
}

enum status screen_td_faults(const struct tdx_claims *tdx, struct faults *faults)
{
    TRY(screen_fault(faults, tdx->debug,
                     "this is a DEBUG domain (TUD bits): its host can read its memory; give it no secrets"));
    TRY(screen_fault(faults, (tdx->attributes & TD_ATTRIBUTE_MIGRATABLE) != 0,
                     "this domain may be moved to another machine"));
    return screen_fault(faults, (tdx->attributes & TD_ATTRIBUTE_SEPT_VE_DISABLE) == 0,
                        "SEPT_VE_DISABLE is not set: the host can take pages away and the domain may not notice");
}
