/* SPDX-License-Identifier: Apache-2.0
 *
 * The runtime data of an HCL report: which key the vTPM attests with, how the machine is set up and what its guest put
 * in. {"keys":[JWK, ...],"vm-configuration":{...},"user-data":"..."}
 */
#pragma once

#include "base/refusal.h"
#include "evidence/azure.h"

/* The attestation key (kid "HCLAkPub"), which the caller frees; what the data say of the machine goes into the claims.
 * ERR_AZURE_REPORT. */
enum status runtime_data_read(struct slice text, struct refusal *why, struct azure_claims *claims,
                              struct key **key_out);
