/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"

#include "base/encoding.h"
#include "crypto/algorithms.h"

#include <limits.h>
#include <openssl/rand.h>
#include <string.h>

enum { RANDOM_ID_BYTES = 16 };

enum status random_bytes(size_t size, uint8_t *bytes_out)
{
    if (size > INT_MAX) return ERR_TOO_LARGE;
    return RAND_bytes(bytes_out, (int)size) == 1 ? OK : crypto_failed(ERR_CRYPTO);
}

enum status random_secret(size_t size, struct secret *secret_out)
{
    CLEANUP(secret_done) struct secret secret = {};
    TRY(secret_alloc(size, &secret));
    /* The generator for values that must never become public has a state of its own. */
    if (RAND_priv_bytes(secret.bytes, (int)size) != 1) return crypto_failed(ERR_CRYPTO);
    *secret_out = secret_take(&secret);
    return OK;
}

enum status random_id(struct random_id *id_out)
{
    uint8_t bytes[RANDOM_ID_BYTES];
    TRY(random_bytes(sizeof(bytes), bytes));
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(sizeof(id_out->text) - 1);
    TRY(base64url_encode(SLICE_ARRAY(bytes), &text));
    struct random_id id = {};
    memcpy(id.text, text.bytes, text.size);
    *id_out = id;
    return OK;
}
