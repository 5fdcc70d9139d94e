/* SPDX-License-Identifier: Apache-2.0
 *
 * What the service tells of its signing keys (reference: azure-attestation section 3; docs/protocols.md, section 4).
 * These documents are transport: a relying party takes a key from its manifest, or by the quote in its certificate.
 */
#pragma once

#include "attestation/management/state.h"

enum {
    KEY_CERTS_MAX_BYTES = 1024 * 1024,
    KEY_HISTORY_MAX_BYTES = 8 * 1024 * 1024,
    KEY_METADATA_MAX_BYTES = 16 * 1024,
};

/* GET /certs: {"keys":[{"alg","kid","kty","use","x5c", "n","e" or "crv","x","y"}]}, the current keys first, then next
 * ones, then those that retired of late. Appends. */
enum status key_documents_certs(const struct state_view *view, int64_t now_s, struct buffer *text);

/* GET /.well-known/lazaret/keys: the same members of every key that there ever was, oldest first, with "made",
 * "current_since", "retired" (Unix seconds, each as far as it has happened) and "status": next, current or retired.
 * Appends. */
enum status key_documents_history(const struct state_view *view, struct buffer *text);

/* GET /.well-known/openid-configuration. Appends. */
enum status key_documents_metadata(const char *issuer, enum signing_algorithm algorithm, struct buffer *text);
