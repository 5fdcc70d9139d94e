/* SPDX-License-Identifier: Apache-2.0
 *
 * Claims of each kind as JSON. Plain names are those of the vendors' structures, in the words and forms of their
 * documents: measurements and register-like numbers in hexadecimal, versions and counts as numbers. `_token` puts them
 * under the names of the attestation token as well. docs/evidence.md lists both.
 */
#pragma once

#include "cli/evidence/claims_object.h"
#include "evidence/verify.h"

#define PUT_BYTES(object, name, array) claims_put_hex(object, name, SLICE_ARRAY(array))

void claims_put_sgx(struct claims_object *object, const struct sgx_claims *sgx);
void claims_put_sgx_token(struct claims_object *object, const struct sgx_claims *sgx);
void claims_put_tdx(struct claims_object *object, const struct tdx_claims *tdx);
void claims_put_tdx_token(struct claims_object *object, const struct tdx_claims *tdx);

/* Of a verified quote of SGX or TDX: header, quoting enclave, certification data. */
void claims_put_quote(struct claims_object *object, struct slice quote);

void claims_put_snp(struct claims_object *object, const struct snp_claims *snp);
void claims_put_snp_token(struct claims_object *object, const struct snp_claims *snp);
void claims_put_tpm(struct claims_object *object, const struct tpm_claims *tpm);
void claims_put_azure_runtime(struct claims_object *object, struct slice hcl_report); /* of a verified report */
void claims_put_azure(struct claims_object *object, const struct azure_claims *azure);
