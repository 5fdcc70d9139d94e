/* SPDX-License-Identifier: Apache-2.0
 * Hits png_decode. Most of what the fuzzer changes gets right checksums again, or every chunk would end at its own. */
#include "fuzz.h"
#include "imaging/decode.h"

#include <stdlib.h>

#ifdef LAZARET_FUZZING
#include <zlib.h>

enum { SIGNATURE_BYTES = 8, CHUNK_OVERHEAD_BYTES = 12 };

static uint32_t read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void repair_checksums(uint8_t *bytes, size_t size)
{
    for (size_t at = SIGNATURE_BYTES; at + CHUNK_OVERHEAD_BYTES <= size;) {
        const size_t length = read_u32(bytes + at);
        if (length > size - at - CHUNK_OVERHEAD_BYTES) return;
        const uint32_t sum = (uint32_t)crc32(0, bytes + at + 4, (unsigned)(length + 4));
        uint8_t *const place = bytes + at + 8 + length;
        for (unsigned i = 0; i < 4; i++) place[i] = (uint8_t)(sum >> (24 - 8 * i));
        at += CHUNK_OVERHEAD_BYTES + length;
    }
}

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t max_size, unsigned seed)
{
    const size_t changed = LLVMFuzzerMutate(bytes, size, max_size);
    if (seed % 8 != 0) repair_checksums(bytes, changed);
    return changed;
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(film_done) struct film film = {};
    struct refusal why = {};
    if (png_decode(slice_of(bytes, size), &why, &film) != OK) {
        if (why.status == OK || film.pixels.bytes != NULL) abort();
        return 0;
    }
    if (film.pixels.size != (size_t)film.width * film.height) abort();
    return 0;
}
