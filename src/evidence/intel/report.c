/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/report.h"

enum status report_body_read(struct reader *reader, struct report_body *report_out)
{
    struct report_body r = {};
    struct reader body;
    TRY(reader_slice(reader, REPORT_BODY_BYTES, &r.whole));
    body = reader_over(r.whole);
    TRY(reader_slice(&body, 16, &r.cpu_svn));
    TRY(reader_u32_le(&body, &r.misc_select));
    TRY(reader_skip(&body, 12));
    TRY(reader_slice(&body, 16, &r.extended_product_id));
    TRY(reader_slice(&body, 16, &r.attributes));
    TRY(reader_slice(&body, 32, &r.mrenclave));
    TRY(reader_skip(&body, 32));
    TRY(reader_slice(&body, 32, &r.mrsigner));
    TRY(reader_skip(&body, 32));
    TRY(reader_slice(&body, 64, &r.config_id));
    TRY(reader_u16_le(&body, &r.product_id));
    TRY(reader_u16_le(&body, &r.svn));
    TRY(reader_u16_le(&body, &r.config_svn));
    TRY(reader_skip(&body, 42));
    TRY(reader_slice(&body, 16, &r.family_id));
    TRY(reader_slice(&body, REPORT_DATA_BYTES, &r.report_data));
    struct reader attributes = reader_over(r.attributes);
    TRY(reader_u64_le(&attributes, &r.attribute_flags));
    TRY(reader_u64_le(&attributes, &r.attribute_xfrm));
    *report_out = r;
    return OK;
}

enum status td_report_read(struct reader *reader, bool is_td15, struct td_report *report_out)
{
    struct td_report r = {.is_td15 = is_td15};
    struct reader body;
    TRY(reader_sub(reader, is_td15 ? TD_REPORT_15_BYTES : TD_REPORT_10_BYTES, &body));
    struct slice *const of_48_bytes[] = {&r.mrtd,    &r.mrconfigid, &r.mrowner, &r.mrownerconfig,
                                         &r.rtmr[0], &r.rtmr[1],    &r.rtmr[2], &r.rtmr[3]};
    TRY(reader_slice(&body, 16, &r.tee_tcb_svn));
    TRY(reader_slice(&body, TD_MEASUREMENT_BYTES, &r.mrseam));
    TRY(reader_slice(&body, TD_MEASUREMENT_BYTES, &r.mrsignerseam));
    TRY(reader_slice(&body, 8, &r.seam_attributes));
    TRY(reader_slice(&body, 8, &r.td_attributes));
    TRY(reader_slice(&body, 8, &r.xfam));
    for (size_t i = 0; i < sizeof(of_48_bytes) / sizeof(of_48_bytes[0]); i++)
        TRY(reader_slice(&body, TD_MEASUREMENT_BYTES, of_48_bytes[i]));
    TRY(reader_slice(&body, REPORT_DATA_BYTES, &r.report_data));
    if (is_td15) {
        TRY(reader_slice(&body, 16, &r.tee_tcb_svn2));
        TRY(reader_slice(&body, TD_MEASUREMENT_BYTES, &r.mrservicetd));
    }
    *report_out = r;
    return OK;
}
