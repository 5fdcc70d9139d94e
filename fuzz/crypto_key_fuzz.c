/* SPDX-License-Identifier: Apache-2.0
 * Hits key_from_public_pem, key_from_private_pem, pem_read, key_from_p256_point, key_from_rsa, key_verify: the first
 * byte says which. A key that was read goes out and comes back as the same key. */
#include "crypto/key.h"
#include "crypto/pem.h"
#include "fuzz.h"

#include <stdlib.h>

const size_t fuzz_allocation_max = 2 * KEY_PEM_MAX_BYTES; /* the library doubles what its texts take */

static void check_public(const struct key *key)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    CLEANUP(key_cleanup) struct key *again = NULL;
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    if (key_public_pem(key, &pem) != OK || key_from_public_pem(buffer_slice(&pem), &again) != OK) abort();
    if (!key_equal(key, again) || key_is_private(again)) abort();
    if (key_thumbprint(key, thumbprint) != OK) abort();
}

static void check_private(const struct key *key)
{
    CLEANUP(secret_done) struct secret pem = {};
    CLEANUP(key_cleanup) struct key *again = NULL;
    if (!key_is_private(key) || key_private_pem(key, &pem) != OK) abort();
    if (key_from_private_pem(secret_slice(&pem), &again) != OK || !key_equal(key, again)) abort();
}

static void read_pem(struct slice text)
{
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    struct slice rest = text;
    while (rest.size > 0 && pem_is_likely(rest) && pem_read(&rest, "CERTIFICATE", &der) == OK) {
        if (rest.bytes != NULL && (rest.bytes < text.bytes || rest.size >= text.size)) abort();
    }
}

static void read_numbers(struct slice bytes)
{
    CLEANUP(key_cleanup) struct key *point = NULL, *rsa = NULL, *agreed = NULL;
    if (key_from_p256_point(slice_part(bytes, 0, P256_POINT_BYTES), &point) == OK) {
        (void)!key_verify(point, bytes, slice_part(bytes, P256_POINT_BYTES, P256_SIGNATURE_BYTES));
        check_public(point);
    }
    if (bytes.size > 3 && key_from_rsa(slice_part(bytes, 3, bytes.size), slice_part(bytes, 0, 3), &rsa) == OK)
        check_public(rsa);
    if (key_from_x25519(slice_part(bytes, 0, X25519_BYTES), &agreed) == OK) check_public(agreed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(key_cleanup) struct key *public = NULL, *private = NULL;
    if (size == 0) return 0;
    const struct slice rest = slice_of(bytes + 1, size - 1);
    switch (bytes[0] & 3) {
    case 0:
        if (key_from_public_pem(rest, &public) == OK) check_public(public);
        break;
    case 1:
        if (key_from_private_pem(rest, &private) == OK) check_private(private);
        break;
    case 2: read_pem(rest); break;
    default: read_numbers(rest);
    }
    return 0;
}
