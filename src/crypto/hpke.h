/* SPDX-License-Identifier: Apache-2.0
 *
 * Hybrid public key encryption, RFC 9180: base and auth modes, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM
 * or AES-256-GCM.
 */
#pragma once

#include "base/buffer.h"
#include "base/secret.h"
#include "crypto/key.h"

enum hpke_kem { HPKE_KEM_X25519_HKDF_SHA256 = 0x0020 };
enum hpke_kdf { HPKE_KDF_HKDF_SHA256 = 0x0001 };
enum hpke_aead { HPKE_AEAD_AES_128_GCM = 0x0001, HPKE_AEAD_AES_256_GCM = 0x0002 };

enum { HPKE_ENCAPSULATED_KEY_BYTES = 32, HPKE_INFO_MAX_BYTES = 4096 /* info and exporter_context */ };

struct hpke_context; /* one direction; not for concurrent use */

void hpke_cleanup(struct hpke_context **context);

/* SetupBaseS with a fresh ephemeral key, and SetupBaseR. ERR_UNSUPPORTED for another AEAD; ERR_KEY_INVALID. */
enum status hpke_setup_sender(const struct key *recipient, enum hpke_aead aead, struct slice info,
                              uint8_t encapsulated_key_out[static HPKE_ENCAPSULATED_KEY_BYTES],
                              struct hpke_context **context_out);
enum status hpke_setup_recipient(const struct key *recipient, enum hpke_aead aead, struct slice info,
                                 struct slice encapsulated_key, struct hpke_context **context_out);

/* SetupAuthS and SetupAuthR: what opens was sealed by the holder of `author`'s private half (or by the recipient
 * itself, which knows both halves' agreement). ERR_KEY_INVALID also without an author. */
enum status hpke_setup_auth_sender(const struct key *recipient, const struct key *author, enum hpke_aead aead,
                                   struct slice info, uint8_t encapsulated_key_out[static HPKE_ENCAPSULATED_KEY_BYTES],
                                   struct hpke_context **context_out);
enum status hpke_setup_auth_recipient(const struct key *recipient, const struct key *author, enum hpke_aead aead,
                                      struct slice info, struct slice encapsulated_key,
                                      struct hpke_context **context_out);

/* SetupBaseS with a given ephemeral key: for the RFC's test vectors only. */
enum status hpke_setup_sender_with(const struct key *recipient, const struct key *ephemeral, enum hpke_aead aead,
                                   struct slice info, uint8_t encapsulated_key_out[static HPKE_ENCAPSULATED_KEY_BYTES],
                                   struct hpke_context **context_out);

/* ContextS.Seal and ContextR.Open: the sequence number moves on success. ERR_AUTHENTICATION, ERR_TRUNCATED. */
enum status hpke_seal(struct hpke_context *context, struct slice associated_data, struct slice plaintext,
                      struct buffer *sealed);
enum status hpke_open(struct hpke_context *context, struct slice associated_data, struct slice sealed,
                      struct buffer *plaintext);

/* Context.Export. */
enum status hpke_export(const struct hpke_context *context, struct slice exporter_context, size_t size,
                        struct secret *secret_out);

/* Nk and Nn of the AEAD (RFC 9180 section 7.3). */
size_t hpke_aead_key_bytes(enum hpke_aead aead);
