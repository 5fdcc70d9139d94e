/* SPDX-License-Identifier: Apache-2.0
 * Hits jwk_set_from_json, jwk_to_key, jwk_from_key, certificate_from_der. */
#include "fuzz.h"
#include "token/jwk.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(json_done) json_t *value = NULL;
    CLEANUP(jwk_set_done) struct jwk_set set = {};
    struct refusal why;
    if (json_parse(slice_of(bytes, size), JWK_SET_MAX_BYTES, &why, &value) != OK) return 0;
    if (jwk_set_from_json(value, "set", &why, &set) != OK) return 0;
    for (size_t i = 0; i < set.count; i++) {
        /* Each key goes out and comes back as the same key. */
        CLEANUP(json_done) json_t *jwk = NULL;
        CLEANUP(key_cleanup) struct key *again = NULL;
        if (jwk_from_key(set.items[i].key, &jwk) != OK) abort();
        if (jwk_to_key(jwk, "", &why, &again) != OK) abort();
        if (!key_equal(again, set.items[i].key)) abort();
        if (jwk_set_find(&set, slice_of_text(set.items[i].kid)) != set.items[i].key) abort();
    }
    return 0;
}
