/* SPDX-License-Identifier: Apache-2.0
 *
 * The versions of Azure Attestation's interface that are spoken here (reference: azure-attestation section 1.2).
 */
#pragma once

#include "http/server.h"

/* Of every call but /certs and /.well-known. ERR_FIELD_VALUE. */
enum status api_version_check(const struct http_request *request, struct refusal *why);
