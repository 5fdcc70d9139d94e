/* SPDX-License-Identifier: Apache-2.0
 *
 * For src/crypto alone: the algorithms, fetched from OpenSSL once for the life of the process. Fetching for each call
 * would cost more than a short digest.
 */
#pragma once

#include "crypto/hash.h"

#include <openssl/evp.h>

struct algorithms {
    EVP_MD *hashes[HASH_COUNT];
    EVP_CIPHER *aes_128_gcm, *aes_256_gcm;
    EVP_MAC_CTX *hmac_sha256;                          /* without a key; never used itself, only duplicated */
    EVP_PKEY *p256_without_point, *p384_without_point; /* likewise */
};

/* ERR_CRYPTO if the library lacks one of them. */
enum status algorithms_get(const struct algorithms **algorithms_out);

/* Empties the library's queue of errors and returns `status`. Every failed call ends here: what stays in the queue
 * would be taken for a failure of the next TLS operation on this thread. */
enum status crypto_failed(enum status status);
