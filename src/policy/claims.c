/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/claims.h"

#include "base/buffer.h"
#include "base/encoding.h"
#include "base/reader.h"
#include "policy/language/claims_room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

struct claim_set {
    struct claim *claims;
    size_t count, capacity;
    size_t bytes; /* of types and texts */
    struct memory text;
    void *room;
    size_t room_size;
};

enum status claim_set_new(struct claim_set **set_out)
{
    struct claim_set *const set = calloc(1, sizeof(*set));
    if (set == NULL) return ERR_NO_MEMORY;
    set->text.maximum = CLAIM_SET_MAX_BYTES;
    *set_out = set;
    return OK;
}

void claim_set_free(struct claim_set *set)
{
    if (set == NULL) return;
    memory_done(&set->text);
    free(set->claims);
    free(set->room);
    free(set);
}

void claim_set_cleanup(struct claim_set **set)
{
    claim_set_free(*set);
    *set = NULL;
}

void claim_set_clear(struct claim_set *set)
{
    set->count = 0;
    set->bytes = 0;
    memory_clear(&set->text);
}

/* ---- adding ---- */

static enum status refuse_limit(struct refusal *why, const char *maximum, size_t most, const char *what, size_t seen)
{
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "at most %zu %s", most, what);
    return refuse(why, ERR_POLICY_LIMIT, maximum, expected, "%zu", seen);
}

static enum status check_limits(const struct claim_set *set, struct slice type, struct slice text, struct refusal *why)
{
    if (set->count == CLAIM_SET_MAX_COUNT)
        return refuse_limit(why, "CLAIM_SET_MAX_COUNT", CLAIM_SET_MAX_COUNT, "claims", set->count + 1);
    if (type.size > CLAIM_TYPE_MAX_BYTES)
        return refuse_limit(why, "CLAIM_TYPE_MAX_BYTES", CLAIM_TYPE_MAX_BYTES, "bytes of a type", type.size);
    if (text.size > CLAIM_TEXT_MAX_BYTES)
        return refuse_limit(why, "CLAIM_TEXT_MAX_BYTES", CLAIM_TEXT_MAX_BYTES, "bytes of a value", text.size);
    if (type.size + text.size > CLAIM_SET_MAX_BYTES - set->bytes)
        return refuse_limit(why, "CLAIM_SET_MAX_BYTES", CLAIM_SET_MAX_BYTES, "bytes of a set",
                            set->bytes + type.size + text.size);
    return OK;
}

static enum status make_place(struct claim_set *set)
{
    if (set->count < set->capacity) return OK;
    const size_t capacity = set->capacity == 0 ? FIRST_CAPACITY : set->capacity * 2;
    struct claim *const grown = realloc(set->claims, capacity * sizeof(*grown));
    if (grown == NULL) return ERR_NO_MEMORY;
    set->claims = grown;
    set->capacity = capacity;
    return OK;
}

enum status claim_set_add(struct claim_set *set, const struct claim *claim, struct refusal *why)
{
    const struct slice text = claim->value.type == CLAIM_STRING ? claim->value.text : (struct slice){};
    TRY(check_limits(set, claim->type, text, why));
    TRY(make_place(set));
    void *bytes;
    TRY(memory_take(&set->text, claim->type.size + text.size, &bytes));
    uint8_t *const type_at = bytes, *const text_at = type_at + claim->type.size;
    if (claim->type.size > 0) memcpy(type_at, claim->type.bytes, claim->type.size);
    if (text.size > 0) memcpy(text_at, text.bytes, text.size);
    struct claim *const added = &set->claims[set->count++];
    *added = *claim;
    added->type = slice_of(type_at, claim->type.size);
    added->value.text = slice_of(text_at, text.size);
    set->bytes += claim->type.size + text.size;
    return OK;
}

static enum status add_value(struct claim_set *set, const char *type, struct claim_value value,
                             enum claim_issuer issuer, struct refusal *why)
{
    const struct claim claim = {.type = slice_of_text(type), .value = value, .issuer = issuer};
    return claim_set_add(set, &claim, why);
}

enum status claim_set_add_text(struct claim_set *set, const char *type, struct slice text, enum claim_issuer issuer,
                               struct refusal *why)
{
    return add_value(set, type, (struct claim_value){.type = CLAIM_STRING, .text = text}, issuer, why);
}

enum status claim_set_add_integer(struct claim_set *set, const char *type, int64_t integer, enum claim_issuer issuer,
                                  struct refusal *why)
{
    return add_value(set, type, (struct claim_value){.type = CLAIM_INTEGER, .integer = integer}, issuer, why);
}

enum status claim_set_add_boolean(struct claim_set *set, const char *type, bool boolean, enum claim_issuer issuer,
                                  struct refusal *why)
{
    return add_value(set, type, (struct claim_value){.type = CLAIM_BOOLEAN, .boolean = boolean}, issuer, why);
}

/* ---- looking ---- */

size_t claim_set_count(const struct claim_set *set)
{
    return set->count;
}

const struct claim *claim_set_at(const struct claim_set *set, size_t index)
{
    return &set->claims[index];
}

const struct claim *claim_set_find(const struct claim_set *set, const char *type)
{
    const struct slice wanted = slice_of_text(type);
    for (size_t i = 0; i < set->count; i++) {
        if (slice_equal(set->claims[i].type, wanted)) return &set->claims[i];
    }
    return NULL;
}

bool claim_value_equal(const struct claim_value *one, const struct claim_value *other)
{
    if (one->type != other->type) return false;
    switch (one->type) {
    case CLAIM_STRING: return slice_equal(one->text, other->text);
    case CLAIM_INTEGER: return one->integer == other->integer;
    case CLAIM_BOOLEAN: return one->boolean == other->boolean;
    }
    return false;
}

bool claim_set_equal(const struct claim_set *one, const struct claim_set *other)
{
    if (one->count != other->count) return false;
    for (size_t i = 0; i < one->count; i++) {
        const struct claim *const a = &one->claims[i], *const b = &other->claims[i];
        if (!slice_equal(a->type, b->type) || !claim_value_equal(&a->value, &b->value) || a->issuer != b->issuer ||
            a->read_only != b->read_only)
            return false;
    }
    return true;
}

/* ---- the evaluator's room ---- */

struct claim_set_mark claim_set_mark(const struct claim_set *set)
{
    return (struct claim_set_mark){.count = set->count, .bytes = set->bytes, .text = memory_mark(&set->text)};
}

void claim_set_take_back(struct claim_set *set, struct claim_set_mark mark)
{
    set->count = mark.count;
    set->bytes = mark.bytes;
    memory_release(&set->text, mark.text);
}

enum status claim_set_room(struct claim_set *set, size_t size, void **room_out)
{
    if (size > set->room_size) {
        void *const grown = realloc(set->room, size);
        if (grown == NULL) return ERR_NO_MEMORY;
        set->room = grown;
        set->room_size = size;
    }
    *room_out = set->room;
    return OK;
}

/* ---- between processes ----
 *
 * u16 count; then of each claim: u8 issuer, u8 read-only, u16 and the type, u8 value type, u32 and the text or u64 or
 * u8. Big endian. */

static enum status write_value(const struct claim_value *value, struct buffer *bytes)
{
    TRY(buffer_append_u8(bytes, (uint8_t)value->type));
    switch (value->type) {
    case CLAIM_STRING:
        TRY(buffer_append_u32(bytes, (uint32_t)value->text.size));
        return buffer_append(bytes, value->text);
    case CLAIM_INTEGER: return buffer_append_u64(bytes, (uint64_t)value->integer);
    case CLAIM_BOOLEAN: return buffer_append_u8(bytes, value->boolean ? 1 : 0);
    }
    return ERR_INTERNAL;
}

enum status claim_set_write(const struct claim_set *set, struct buffer *bytes)
{
    TRY(buffer_append_u16(bytes, (uint16_t)set->count));
    for (size_t i = 0; i < set->count; i++) {
        const struct claim *const claim = &set->claims[i];
        TRY(buffer_append_u8(bytes, (uint8_t)claim->issuer));
        TRY(buffer_append_u8(bytes, claim->read_only ? 1 : 0));
        TRY(buffer_append_u16(bytes, (uint16_t)claim->type.size));
        TRY(buffer_append(bytes, claim->type));
        TRY(write_value(&claim->value, bytes));
    }
    return OK;
}

/* A byte that is at most `maximum`. */
static enum status read_small(struct reader *reader, uint8_t maximum, const char *field, struct refusal *why,
                              uint8_t *value_out)
{
    uint8_t value;
    TRY(reader_u8(reader, &value));
    if (value > maximum) return refuse(why, ERR_FIELD_VALUE, field, "a value of its enumeration", "%u", value);
    *value_out = value;
    return OK;
}

static enum status read_text(struct reader *reader, size_t size, const char *field, struct refusal *why,
                             struct slice *text_out)
{
    struct slice text;
    TRY(reader_slice(reader, size, &text));
    if (!utf8_is_valid(text, true)) return refuse(why, ERR_ENCODING, field, "UTF-8", "other bytes");
    *text_out = text;
    return OK;
}

static enum status read_value(struct reader *reader, struct refusal *why, struct claim_value *value_out)
{
    uint8_t type, boolean = 0;
    uint32_t size;
    uint64_t integer;
    TRY(read_small(reader, CLAIM_BOOLEAN, "claim.value_type", why, &type));
    struct claim_value value = {.type = (enum claim_value_type)type};
    switch (value.type) {
    case CLAIM_STRING:
        TRY(reader_u32(reader, &size));
        TRY(read_text(reader, size, "claim.value", why, &value.text));
        break;
    case CLAIM_INTEGER:
        TRY(reader_u64(reader, &integer));
        value.integer = (int64_t)integer;
        break;
    case CLAIM_BOOLEAN:
        TRY(read_small(reader, 1, "claim.value", why, &boolean));
        value.boolean = boolean == 1;
        break;
    }
    *value_out = value;
    return OK;
}

static enum status read_claim(struct reader *reader, struct refusal *why, struct claim *claim_out)
{
    uint8_t issuer, read_only;
    uint16_t size;
    struct claim claim = {};
    TRY(read_small(reader, CLAIM_OF_CLIENT, "claim.issuer", why, &issuer));
    TRY(read_small(reader, 1, "claim.read_only", why, &read_only));
    TRY(reader_u16(reader, &size));
    TRY(read_text(reader, size, "claim.type", why, &claim.type));
    TRY(read_value(reader, why, &claim.value));
    claim.issuer = (enum claim_issuer)issuer;
    claim.read_only = read_only == 1;
    *claim_out = claim;
    return OK;
}

enum status claim_set_read(struct slice bytes, struct refusal *why, struct claim_set *set)
{
    struct reader reader = reader_over(bytes);
    uint16_t count;
    claim_set_clear(set);
    TRY(reader_u16(&reader, &count));
    for (size_t i = 0; i < count; i++) {
        struct claim claim;
        TRY(read_claim(&reader, why, &claim));
        TRY(claim_set_add(set, &claim, why));
    }
    return reader_end(&reader);
}
