/* SPDX-License-Identifier: Apache-2.0
 *
 * What a verified quote says of itself and of its quoting enclave, beside the claims about what it is a quote of.
 */
#include "cli/evidence/claims.h"

#include "evidence/intel/quote.h"

/* Reference: evidence-formats section 2. Bytes 8 to 11 are security versions in version 3 alone. */
enum { VENDOR_OFFSET = 12, VENDOR_BYTES = 16, SVN_OFFSET = 8, KEY_TYPE_ECDSA_P256 = 2, TEE_TYPE_TDX = 0x81 };

static void put_header(struct claims_object *object, const struct quote *quote)
{
    const uint8_t *const svn = quote->signed_part.bytes + SVN_OFFSET;
    claims_put_number(object, "version", quote->version);
    claims_put_number(object, "att_key_type", KEY_TYPE_ECDSA_P256);
    claims_put_number(object, "tee_type", quote->tee == INTEL_TDX ? TEE_TYPE_TDX : 0);
    claims_put_hex(object, "qe_vendor", slice_part(quote->signed_part, VENDOR_OFFSET, VENDOR_BYTES));
    claims_put_hex(object, "user_data", quote->user_data);
    claims_put_number(object, "certtype", quote->certification_type);
    if (quote->version != 3) return;
    claims_put_number(object, "qe_svn", svn[0] + 256 * svn[1]);
    claims_put_number(object, "pce_svn", svn[2] + 256 * svn[3]);
}

static void put_quoting_enclave(struct claims_object *object, const struct quote *quote)
{
    claims_put_hex(object, "qe_mrsigner", quote->qe_report.mrsigner);
    claims_put_number(object, "qe_isvsvn", quote->qe_report.svn);
    claims_put_number(object, "qe_isvprodid", quote->qe_report.product_id);
    claims_put_hex(object, "qe_cpusvn", quote->qe_report.cpu_svn);
    claims_put_hex(object, "ak", quote->attestation_key);
    claims_put_hex(object, "sig", quote->signature);
}

void claims_put_quote(struct claims_object *object, struct slice quote_bytes)
{
    struct quote quote;
    if (quote_parse(quote_bytes, NULL, &quote) != OK) return; /* it was verified: it parses */
    put_header(object, &quote);
    put_quoting_enclave(object, &quote);
    if (quote.tee == INTEL_TDX) return;
    claims_put_hex(object, "cpusvn", quote.report.cpu_svn);
    claims_put_number(object, "miscselect", quote.report.misc_select);
    claims_put_hex(object, "attributes", quote.report.attributes);
}
