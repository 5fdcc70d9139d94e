/* SPDX-License-Identifier: Apache-2.0
 *
 * What Intel's SGX extension in a PCK certificate says of the platform (reference: evidence-formats section 5).
 */
#pragma once

#include "base/refusal.h"

enum { TCB_COMPONENT_COUNT = 16, FMSPC_BYTES = 6, PCE_ID_BYTES = 2, PLATFORM_ID_BYTES = 16 };

#define PCK_EXTENSION_OID "1.2.840.113741.1.13.1"

struct pck {
    uint8_t ppid[PLATFORM_ID_BYTES];
    uint8_t fmspc[FMSPC_BYTES];
    uint8_t pce_id[PCE_ID_BYTES];
    uint8_t components[TCB_COMPONENT_COUNT]; /* SVNs that TCB levels are matched with */
    uint16_t pce_svn;
    bool has_instance; /* what follows stands only in certificates of the Platform CA */
    uint8_t instance_id[PLATFORM_ID_BYTES];
    bool is_dynamic, has_cached_keys, smt_enabled;
};

/* `extension` is the content of the extension's OCTET STRING. Elements are found by OID, in any order; one that is
 * missing, that stands there twice or that is not known, and anything that is not strict DER is
 * ERR_CERTIFICATE_MALFORMED. */
enum status pck_parse(struct slice extension, struct refusal *why, struct pck *pck_out);
