/* SPDX-License-Identifier: Apache-2.0
 * Hits manifest_sign and manifest_verify: the input is a payload; what may be signed must verify as the same. */
#include "base/encoding.h"
#include "fuzz.h"
#include "policy/manifest.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint8_t scalar[P256_COORDINATE_BYTES] = {[31] = 7};
    CLEANUP(json_done) json_t *payload = NULL;
    CLEANUP(key_cleanup) struct key *key = NULL;
    struct refusal why;
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    if (json_parse(slice_of(bytes, size), MANIFEST_MAX_BYTES, &why, &payload) != OK || !json_is_object(payload))
        return 0;
    if (key_private_from_p256(SLICE_ARRAY(scalar), &key) != OK || key_thumbprint(key, thumbprint) != OK) abort();
    const struct base64url32 deployment = base64url_of_32(thumbprint);
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(MANIFEST_MAX_BYTES);
    CLEANUP(manifest_done) struct manifest manifest = {};
    if (manifest_sign(payload, key, &why, &jws) != OK) return 0;
    if (manifest_verify(buffer_slice(&jws), slice_of_text(deployment.text), &why, &manifest) != OK) abort();
    if (!json_equal(manifest.payload, payload)) abort();
    return 0;
}
