/* SPDX-License-Identifier: Apache-2.0
 *
 * The policies that hold until others are set: the texts of Azure Attestation's own default policies, byte for byte
 * (reference: azure-attestation sections 2.4 and 4.6), so that x-ms-policy-hash of a token under one of them is the
 * published one. They permit all genuine evidence; what becomes of debug enclaves is the relying party's business.
 *
 *   SgxEnclave   501 bytes, of the shared providers since 2021. Issues is-debuggable, sgx-mrsigner, sgx-mrenclave,
 *                product-id, svn and tee.
 *   OpenEnclave  479 bytes, of 2020: the same claims, from the old names of the incoming ones. No later text of it has
 *                been published.
 *   SevSnpVm     46 bytes: permits, issues nothing.
 *   TdxVm        the same, which a client of the shared providers pins.
 *   Tpm          none: one must be set before there is an answer.
 */
#pragma once

#include "base/encoding.h"

enum { POLICY_TEXT_MAX_BYTES = 64 * 1024 };

/* By the attestation type as paths name it, in any case of letters; empty if it has none. */
struct slice default_policy_text(const char *attestation_type);

/* x-ms-policy-hash of a policy text: BASE64URL(SHA256(BASE64URL(text))). ERR_TOO_LARGE. */
enum status policy_text_hash(struct slice text, struct base64url32 *hash_out);
