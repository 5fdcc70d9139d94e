/* SPDX-License-Identifier: Apache-2.0
 * Hits floor_read: the file as the host gives it back, and, if the first byte is odd, with a seal that holds. */
#include "crypto/aead.h"
#include "fuzz.h"
#include "parts.h"
#include "service/floor.h"

static const struct slice sealing_bytes = SLICE_LITERAL("0123456789abcdef0123456789abcdef");

static void seal(struct slice plain, struct buffer *sealed)
{
    static const uint8_t nonce[AEAD_NONCE_BYTES] = {1};
    must(buffer_append(sealed, SLICE_ARRAY(nonce)));
    must(aead_seal(sealing_bytes, SLICE_ARRAY(nonce), SLICE_LITERAL("lazaret floor 2"), plain, sealed));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct memory_file file;
    static struct secret key;
    if (file.descriptor == 0) {
        file = memory_file_new();
        must(secret_copy(sealing_bytes, &key));
    }
    if (size == 0) return 0;
    const struct slice rest = slice_of(bytes + 1, size - 1);
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(rest.size + 64);
    const bool is_sealed = (bytes[0] & 1) != 0;
    if (is_sealed)
        seal(rest, &sealed);
    else
        must(buffer_append(&sealed, rest));
    memory_file_set(&file, buffer_slice(&sealed));
    struct refusal why = {};
    struct floor floor;
    const enum status status = floor_read(file.path, &key, &why, &floor);
    /* What nobody sealed says nothing. */
    if (!is_sealed && status == OK && (floor.time_s != 0 || floor.manifest_version != 0)) abort();
    return 0;
}
