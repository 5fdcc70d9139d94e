/* SPDX-License-Identifier: Apache-2.0
 *
 * Password hashes: argon2id (RFC 9106) in its PHC text form, "$argon2id$v=19$m=...".
 */
#pragma once

#include "base/buffer.h"

enum { PASSWORD_MIN_BYTES = 8, PASSWORD_MAX_BYTES = 1024, PASSWORD_HASH_MAX_BYTES = 256 };

/* With a fresh salt; 19 MiB, 2 passes, 1 lane (RFC 9106 and OWASP's lower bound). ERR_FIELD_VALUE for a bad length. */
enum status password_hash(struct slice password, struct buffer *hash);

/* ERR_SIGN_IN if it does not match; ERR_FIELD_VALUE for a hash of another form or with parameters beyond 256 MiB. */
enum status password_verify(struct slice hash, struct slice password);

/* The form and the parameters alone, for configuration that is read long before a password comes. ERR_FIELD_VALUE. */
enum status password_hash_check(struct slice hash);
