/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reader.h"
#include "evidence/amd.h"

#include <stdio.h>

enum { GUID_BYTES = 16, ENTRY_BYTES = GUID_BYTES + 4 + 4 };

struct entry {
    struct slice guid;
    uint64_t offset, length;
};

static struct entry entry_at(struct slice whole)
{
    return (struct entry){.guid = slice_part(whole, 0, GUID_BYTES),
                          .offset = slice_number_le(slice_part(whole, GUID_BYTES, 4)),
                          .length = slice_number_le(slice_part(whole, GUID_BYTES + 4, 4))};
}

/* The entries up to the one of zeros, which ends the header. */
static enum status read_header(struct slice table, struct refusal *why,
                               struct entry entries[static SNP_TABLE_MAX_COUNT], size_t *count_out)
{
    struct reader reader = reader_over(table);
    struct slice whole;
    for (size_t count = 0;; count++) {
        if (reader_slice(&reader, ENTRY_BYTES, &whole) != OK)
            return refuse(why, ERR_SNP_MALFORMED, "certificate_table", "an entry of zeros behind the last one",
                          "%zu entries, then its end", count);
        if (slice_is_zero(whole)) {
            *count_out = count;
            return OK;
        }
        if (count == SNP_TABLE_MAX_COUNT)
            return refuse(why, ERR_SNP_MALFORMED, "certificate_table.count", "at most 16 entries", "more");
        entries[count] = entry_at(whole);
    }
}

/* In the GUIDs' textual order of bytes. */
static struct slice *place_of(struct slice guid, struct snp_certificate_table *table)
{
    static const uint8_t guids[][GUID_BYTES] = {
        {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd},
        {0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1},
        {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82},
        {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae},
    };
    struct slice *const places[] = {&table->vcek, &table->vlek, &table->ask, &table->ark};
    for (size_t i = 0; i < sizeof(guids) / sizeof(guids[0]); i++) {
        if (slice_equal(guid, SLICE_ARRAY(guids[i]))) return places[i];
    }
    return NULL;
}

static enum status take_entry(struct slice bytes, size_t header_size, const struct entry *entry, size_t index,
                              struct refusal *why, struct snp_certificate_table *table)
{
    char field[48];
    (void)snprintf(field, sizeof(field), "certificate_table[%zu]", index);
    if (entry->offset < header_size || entry->offset + entry->length > bytes.size)
        return refuse(why, ERR_SNP_MALFORMED, field, "bytes behind the header and inside the table",
                      "%llu bytes at %llu of %zu", (unsigned long long)entry->length, (unsigned long long)entry->offset,
                      bytes.size);
    struct slice *const place = place_of(entry->guid, table);
    if (place == NULL) return OK; /* hosts may add entries of other kinds */
    if (entry->length == 0 || place->size > 0)
        return refuse(why, ERR_SNP_MALFORMED, field, "one certificate of each kind", "%s",
                      entry->length == 0 ? "an empty one" : "a second one");
    *place = slice_part(bytes, entry->offset, entry->length);
    return OK;
}

enum status snp_certificate_table_parse(struct slice bytes, struct refusal *why,
                                        struct snp_certificate_table *table_out)
{
    struct entry entries[SNP_TABLE_MAX_COUNT];
    size_t count = 0;
    struct snp_certificate_table table = {};
    if (bytes.size > 0) TRY(read_header(bytes, why, entries, &count));
    for (size_t i = 0; i < count; i++) TRY(take_entry(bytes, (count + 1) * ENTRY_BYTES, &entries[i], i, why, &table));
    *table_out = table;
    return OK;
}
