/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/password.h"

#include "crypto/random.h"

#include <argon2.h>
#include <string.h>

enum {
    MEMORY_KIB = 19 * 1024,
    PASSES = 2,
    LANES = 1,
    SALT_BYTES = 16,
    TAG_BYTES = 32,
    MAX_MEMORY_KIB = 256 * 1024,
    MAX_PASSES = 16,
    MAX_LANES = 4,
};

static bool has_good_length(struct slice password)
{
    return password.size >= PASSWORD_MIN_BYTES && password.size <= PASSWORD_MAX_BYTES;
}

enum status password_hash(struct slice password, struct buffer *hash)
{
    if (!has_good_length(password)) return ERR_FIELD_VALUE;
    uint8_t salt[SALT_BYTES];
    TRY(random_bytes(sizeof(salt), salt));
    char encoded[PASSWORD_HASH_MAX_BYTES];
    const int result = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password.bytes, password.size, salt,
                                             sizeof(salt), TAG_BYTES, encoded, sizeof(encoded));
    if (result == ARGON2_MEMORY_ALLOCATION_ERROR) return ERR_NO_MEMORY;
    if (result != ARGON2_OK) return ERR_CRYPTO;
    return buffer_append_text(hash, encoded);
}

static enum status read_number(struct slice text, unsigned maximum, unsigned *value_out)
{
    unsigned value = 0;
    if (text.size == 0 || text.size > 8) return ERR_FIELD_VALUE;
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.bytes[i];
        if (c < '0' || c > '9') return ERR_FIELD_VALUE;
        value = value * 10 + (unsigned)(c - '0');
    }
    if (value == 0 || value > maximum) return ERR_FIELD_VALUE;
    *value_out = value;
    return OK;
}

/* Reads "NAME=NUMBER" up to `separator` from the front of `text`. */
static enum status read_parameter(struct slice *text, const char *name, uint8_t separator, unsigned maximum)
{
    struct slice field, rest;
    unsigned value;
    const struct slice prefix = slice_of_text(name);
    if (!slice_split(*text, separator, &field, &rest) || !slice_starts_with(field, prefix)) return ERR_FIELD_VALUE;
    TRY(read_number(slice_part(field, prefix.size, field.size), maximum, &value));
    *text = rest;
    return OK;
}

/* The library reads the parameters too, but sets no limits: a stored hash must not make it take gigabytes. */
enum status password_hash_check(struct slice hash)
{
    const struct slice start = SLICE_LITERAL("$argon2id$v=19$");
    if (hash.size > PASSWORD_HASH_MAX_BYTES || !slice_starts_with(hash, start)) return ERR_FIELD_VALUE;
    struct slice rest = slice_part(hash, start.size, hash.size);
    TRY(read_parameter(&rest, "m=", ',', MAX_MEMORY_KIB));
    TRY(read_parameter(&rest, "t=", ',', MAX_PASSES));
    return read_parameter(&rest, "p=", '$', MAX_LANES);
}

enum status password_verify(struct slice hash, struct slice password)
{
    TRY(password_hash_check(hash));
    if (!has_good_length(password)) return ERR_SIGN_IN;
    char encoded[PASSWORD_HASH_MAX_BYTES + 1] = {};
    memcpy(encoded, hash.bytes, hash.size);
    switch (argon2id_verify(encoded, password.bytes, password.size)) {
    case ARGON2_OK: return OK;
    case ARGON2_VERIFY_MISMATCH: return ERR_SIGN_IN;
    case ARGON2_MEMORY_ALLOCATION_ERROR: return ERR_NO_MEMORY;
    default: return ERR_FIELD_VALUE;
    }
}
