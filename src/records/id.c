/* SPDX-License-Identifier: Apache-2.0 */
#include "records/id.h"

#include "crypto/random.h"

enum { RANDOM_BYTES = RECORD_ID_BYTES / 2 };

enum status record_id_new(struct record_id *id_out)
{
    uint8_t bits[RANDOM_BYTES];
    TRY(random_bytes(sizeof(bits), bits));
    static const char digits[] = "0123456789abcdef";
    struct record_id id = {};
    for (size_t i = 0; i < sizeof(bits); i++) {
        id.text[2 * i] = digits[bits[i] >> 4];
        id.text[2 * i + 1] = digits[bits[i] & 15];
    }
    *id_out = id;
    return OK;
}

static bool is_lower_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool record_id_is_valid(struct slice text)
{
    if (text.size != RECORD_ID_BYTES) return false;
    for (size_t i = 0; i < text.size; i++) {
        if (!is_lower_hex(text.bytes[i])) return false;
    }
    return true;
}

enum status record_id_from(struct slice text, struct record_id *id_out)
{
    if (!record_id_is_valid(text)) return ERR_NOT_FOUND;
    struct record_id id = {};
    for (size_t i = 0; i < text.size; i++) id.text[i] = (char)text.bytes[i];
    *id_out = id;
    return OK;
}

bool fhir_id_is_valid(struct slice text)
{
    if (text.size == 0 || text.size > FHIR_ID_MAX_BYTES) return false;
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.bytes[i];
        const bool allowed =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (!allowed) return false;
    }
    return true;
}
