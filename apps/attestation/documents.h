/* SPDX-License-Identifier: Apache-2.0
 *
 * The two documents that never change while the service runs (reference: azure-attestation sections 3.1 and 3.3).
 */
#pragma once

#include "attestation/signer.h"

enum { DOCUMENT_MAX_BYTES = 128 * 1024 };

/* GET /certs: {"keys":[{"alg","e","kid","kty","n","use","x5c"}]}. Appends. */
enum status document_certs(const struct signer *signer, struct buffer *text);

/* GET /.well-known/openid-configuration. Appends. */
enum status document_openid(const char *issuer, struct buffer *text);
