/* SPDX-License-Identifier: Apache-2.0
 *
 * An enclave's keys and what binds them to its evidence (architecture 5.1). Keys are made at start, in memory, and die
 * with the process; the HPKE key can be renewed before. May be used by several threads, but for what is said of one.
 */
#pragma once

#include "tee/tee.h"
#include "token/runtime_data.h"

enum { ENCLAVE_OHTTP_KEY_ID = 1 };

struct enclave;

struct enclave_options {
    const char *service; /* role: "platform", "diagnosis", "gate", "attestation" */
    const char *version;
    const char *deployment; /* thumbprint of the deployment key, 43 characters */
    bool has_hpke;          /* makes an X25519 key and offers an RFC 9458 key configuration for it: key id
                             * ENCLAVE_OHTTP_KEY_ID, HKDF-SHA256 with AES-256-GCM, then AES-128-GCM */
};

/* `tee` is borrowed for the enclave's life. ERR_CRYPTO, ERR_FIELD_VALUE, ERR_NO_MEMORY. */
enum status enclave_new(struct tee *tee, const struct enclave_options *options, struct enclave **enclave_out);
void enclave_free(struct enclave *enclave);

/* The private key for a use; NULL if the enclave has none. Borrowed; an HPKE key until the second renewal after this
 * call, so whoever keeps one takes a share. */
const struct key *enclave_key(const struct enclave *enclave, enum key_use use);

/* Makes a new HPKE key: runtime data and quotes name it from now on. Only for the thread that makes the quotes.
 * ERR_UNSUPPORTED without HPKE. */
enum status enclave_renew_hpke(struct enclave *enclave);

/* The exact bytes that the evidence binds, and the key configuration in them (empty without HPKE). Borrowed until a
 * renewal, so only for the thread that makes the quotes. */
struct slice enclave_runtime_data(const struct enclave *enclave);
struct slice enclave_ohttp_configuration(const struct enclave *enclave);

/* A fresh quote whose report_data is SHA-256(runtime data) || zeros, appended. */
enum status enclave_quote(const struct enclave *enclave, struct buffer *quote);
