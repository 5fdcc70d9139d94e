/* SPDX-License-Identifier: Apache-2.0
 *
 * Signature files (docs/protocols.md, section 3): the vendor's word for a measurement's product id and SVN, as
 * SIGSTRUCT is on the real thing. JSON {"debug","mrenclave","modulus","product_id","signature","svn"}, numbers in big
 * endian hexadecimal; RSA-3072 with exponent 65537, RSASSA-PKCS1-v1_5 with SHA-256 over mrenclave || u16 product_id LE
 * || u16 svn LE || u8 debug.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "crypto/key.h"
#include "tee/simulation/machine.h"

enum { SIGNATURE_MAX_BYTES = 8192, SIGNATURE_KEY_BITS = 3072 };

/* Writes the file's text; `identity` gives measurement, product id, SVN and debug. ERR_KEY_INVALID for a key that is
 * not private RSA-3072. */
enum status signature_write(const struct simulated_identity *identity, const struct key *key, struct buffer *text);

/* Reads and verifies; fills the whole identity, MRSIGNER with it. ERR_JSON_SYNTAX, ERR_FIELD_*, ERR_SIGNATURE. */
enum status signature_read(struct slice text, struct refusal *why, struct simulated_identity *identity_out);

/* SHA-256 of the modulus, little endian, as SGX does. */
enum status signature_signer(const struct key *key, uint8_t mrsigner_out[static 32]);
