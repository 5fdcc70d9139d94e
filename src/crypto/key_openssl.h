/* SPDX-License-Identifier: Apache-2.0
 *
 * The bridge between keys and OpenSSL's own objects, for the two places that hand keys to the library: certificates
 * (src/crypto) and TLS (the tunnel).
 */
#pragma once

#include "crypto/key.h"

struct evp_pkey_st;
struct evp_pkey_ctx_st;

/* The library's object, borrowed from the key. */
struct evp_pkey_st *key_openssl(const struct key *key);

/* A key over the library's object, with a reference of its own. Refuses kinds, curves and sizes that key.h does not
 * know, and curves given by parameters instead of by name: ERR_KEY_INVALID. */
enum status key_from_openssl(struct evp_pkey_st *object, bool is_private, struct key **key_out);

/* For src/crypto alone: a context in which the key signs or verifies a digest, the caller's to free; NULL if there is
 * none. A key on a curve keeps one of each as a template, never used itself and only duplicated: making one takes
 * twenty times as long. Thread-safe. */
enum key_operation { KEY_SIGN, KEY_VERIFY, KEY_OPERATION_COUNT };
struct evp_pkey_ctx_st *key_context(const struct key *key, enum key_operation operation);
