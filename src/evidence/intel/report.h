/* SPDX-License-Identifier: Apache-2.0
 *
 * What quotes are about: the report of an SGX enclave (Intel SDM volume 3D, "REPORT"; reference: evidence-formats
 * section 1) and the report of a TDX domain in versions 1.0 and 1.5 (Intel TDX module specification, "TDREPORT_STRUCT";
 * section 3). Slices borrow from the reader.
 */
#pragma once

#include "base/reader.h"
#include "evidence/intel.h"

enum { REPORT_BODY_BYTES = 384, TD_REPORT_10_BYTES = 584, TD_REPORT_15_BYTES = 648, REPORT_DATA_BYTES = 64 };

/* ATTRIBUTES.FLAGS of an enclave */
enum {
    ATTRIBUTE_INIT = 0x01,
    ATTRIBUTE_DEBUG = 0x02,
    ATTRIBUTE_KSS = 0x80,
};

struct report_body {
    struct slice whole;
    struct slice cpu_svn; /* 16 */
    uint32_t misc_select;
    struct slice attributes; /* 16: flags and XFRM */
    uint64_t attribute_flags, attribute_xfrm;
    struct slice mrenclave, mrsigner;                       /* 32 each */
    struct slice extended_product_id, config_id, family_id; /* 16, 64, 16: with key separation and sharing (KSS) */
    uint16_t product_id, svn, config_svn;
    struct slice report_data; /* 64 */
};

struct td_report {
    bool is_td15;                                          /* the last two are there */
    struct slice tee_tcb_svn;                              /* 16: what the TD was started on */
    struct slice mrseam, mrsignerseam;                     /* 48 each */
    struct slice seam_attributes, td_attributes, xfam;     /* 8 each */
    struct slice mrtd, mrconfigid, mrowner, mrownerconfig; /* 48 each */
    struct slice rtmr[TD_RTMR_COUNT];                      /* 48 each */
    struct slice report_data;                              /* 64 */
    struct slice tee_tcb_svn2, mrservicetd;                /* 16: the module loaded now; 48 */
};

/* Take one report each from the reader. ERR_TRUNCATED. */
enum status report_body_read(struct reader *reader, struct report_body *report_out);
enum status td_report_read(struct reader *reader, bool is_td15, struct td_report *report_out);
