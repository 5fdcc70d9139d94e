/* SPDX-License-Identifier: Apache-2.0 */
#include "service/floor.h"

#include "base/file.h"
#include "base/reader.h"
#include "crypto/aead.h"
#include "crypto/random.h"

#include <string.h>

enum { FLOOR_PLAIN_BYTES = 48, FLOOR_FILE_MAX_BYTES = 128 };

static const struct slice purpose = SLICE_LITERAL("lazaret floor 2");

static enum status parse(struct slice plain, struct floor *floor_out)
{
    struct reader reader = reader_over(plain);
    uint64_t time_s, version;
    TRY(reader_u64(&reader, &time_s));
    TRY(reader_u64(&reader, &version));
    struct slice digest;
    TRY(reader_slice(&reader, sizeof(floor_out->manifest_digest), &digest));
    TRY(reader_end(&reader));
    *floor_out = (struct floor){.time_s = (int64_t)time_s, .manifest_version = (int64_t)version};
    memcpy(floor_out->manifest_digest, digest.bytes, digest.size);
    return OK;
}

enum status floor_read(const char *path, const struct secret *sealing_key, struct refusal *why, struct floor *floor_out)
{
    *floor_out = (struct floor){};
    if (!file_exists(path)) return OK;
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(FLOOR_FILE_MAX_BYTES);
    TRY(file_read(path, why, &sealed));
    struct reader reader = reader_over(buffer_slice(&sealed));
    struct slice nonce;
    CLEANUP(buffer_done) struct buffer plain = buffer_of_maximum(FLOOR_PLAIN_BYTES);
    if (reader_slice(&reader, AEAD_NONCE_BYTES, &nonce) != OK) return OK;
    if (aead_open(secret_slice(sealing_key), nonce, purpose, reader.rest, &plain) != OK) return OK;
    return parse(buffer_slice(&plain), floor_out);
}

enum status floor_write(const char *path, const struct secret *sealing_key, const struct floor *floor,
                        struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer plain = buffer_of_maximum(FLOOR_PLAIN_BYTES);
    TRY(buffer_append_u64(&plain, (uint64_t)floor->time_s));
    TRY(buffer_append_u64(&plain, (uint64_t)floor->manifest_version));
    TRY(buffer_append(&plain, SLICE_ARRAY(floor->manifest_digest)));
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(FLOOR_FILE_MAX_BYTES);
    uint8_t *nonce;
    TRY(buffer_extend(&sealed, AEAD_NONCE_BYTES, &nonce));
    TRY(random_bytes(AEAD_NONCE_BYTES, nonce));
    uint8_t nonce_copy[AEAD_NONCE_BYTES];
    for (size_t i = 0; i < sizeof(nonce_copy); i++) nonce_copy[i] = nonce[i];
    TRY(aead_seal(secret_slice(sealing_key), SLICE_ARRAY(nonce_copy), purpose, buffer_slice(&plain), &sealed));
    return file_write(path, buffer_slice(&sealed), 0600, why);
}
