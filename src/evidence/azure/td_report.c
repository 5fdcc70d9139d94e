/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/azure/td_report.h"

#include <stdio.h>

enum {
    TEE_TYPE_TDX = 0x81,
    REPORT_DATA_AT = 128,     /* REPORTMACSTRUCT is at 0 */
    TEE_TCB_INFO_AT = 256,    /* behind 8 bytes of flags: TEE_TCB_SVN, MRSEAM, ... */
    TD_INFO_AT = 512,         /* attributes, XFAM, MRTD, ... */
    TD_INFO_SERVICE_TD = 400, /* version 1.5 */
    TEE_TCB_INFO_SVN2 = 128,  /* version 1.5 */
};

struct field {
    const char *name;
    size_t at;
    struct slice quoted;
};

static enum status check(struct slice report, const struct field *fields, size_t count, struct refusal *why)
{
    for (size_t i = 0; i < count; i++) {
        const struct slice seen = slice_part(report, fields[i].at, fields[i].quoted.size);
        if (slice_equal(seen, fields[i].quoted)) continue;
        char name[64];
        (void)snprintf(name, sizeof(name), "hcl_report.td_report.%s", fields[i].name);
        return refuse(why, ERR_AZURE_REPORT, name, refusal_hex(fields[i].quoted).text, "%s", refusal_hex(seen).text);
    }
    return OK;
}

/* What only a quote of version 1.5 repeats. */
static enum status check_td15(struct slice report, const struct tdx_claims *quote, struct refusal *why)
{
    if (!quote->is_td15) return OK;
    const struct field fields[] = {
        {"tee_tcb_svn2", TEE_TCB_INFO_AT + TEE_TCB_INFO_SVN2, SLICE_ARRAY(quote->tee_tcb_svn2)},
        {"mrservicetd", TD_INFO_AT + TD_INFO_SERVICE_TD, SLICE_ARRAY(quote->mrservicetd)},
    };
    return check(report, fields, sizeof(fields) / sizeof(fields[0]), why);
}

enum status td_report_check(struct slice report, const struct tdx_claims *quote, struct refusal *why)
{
    if (report.bytes[0] != TEE_TYPE_TDX)
        return refuse(why, ERR_AZURE_REPORT, "hcl_report.td_report.type", "129, TDX", "%u", report.bytes[0]);
    const struct field fields[] = {
        {"report_data", REPORT_DATA_AT, SLICE_ARRAY(quote->report_data)},
        {"tee_tcb_svn", TEE_TCB_INFO_AT + 8, SLICE_ARRAY(quote->tee_tcb_svn)},
        {"mrseam", TEE_TCB_INFO_AT + 24, SLICE_ARRAY(quote->mrseam)},
        {"mrsignerseam", TEE_TCB_INFO_AT + 72, SLICE_ARRAY(quote->mrsignerseam)},
        {"seam_attributes", TEE_TCB_INFO_AT + 120, SLICE_ARRAY(quote->seam_attributes)},
        {"td_attributes", TD_INFO_AT, SLICE_ARRAY(quote->td_attributes)},
        {"xfam", TD_INFO_AT + 8, SLICE_ARRAY(quote->xfam)},
        {"mrtd", TD_INFO_AT + 16, SLICE_ARRAY(quote->mrtd)},
        {"mrconfigid", TD_INFO_AT + 64, SLICE_ARRAY(quote->mrconfigid)},
        {"mrowner", TD_INFO_AT + 112, SLICE_ARRAY(quote->mrowner)},
        {"mrownerconfig", TD_INFO_AT + 160, SLICE_ARRAY(quote->mrownerconfig)},
        {"rtmr0", TD_INFO_AT + 208, SLICE_ARRAY(quote->rtmr[0])},
        {"rtmr1", TD_INFO_AT + 256, SLICE_ARRAY(quote->rtmr[1])},
        {"rtmr2", TD_INFO_AT + 304, SLICE_ARRAY(quote->rtmr[2])},
        {"rtmr3", TD_INFO_AT + 352, SLICE_ARRAY(quote->rtmr[3])},
    };
    TRY(check(report, fields, sizeof(fields) / sizeof(fields[0]), why));
    return check_td15(report, quote, why);
}
