/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of a CSV file with quoted fields, for the manifests of shared test data.
 */
#pragma once

#include "testing.h"

enum { CSV_MAX_COLUMNS = 40, CSV_FIELD_BYTES = 512 };

struct csv_row {
    char fields[CSV_MAX_COLUMNS][CSV_FIELD_BYTES];
    size_t count;
};

/* The next row; false at the end. */
static inline bool csv_next(struct slice *text, struct csv_row *row)
{
    *row = (struct csv_row){};
    if (text->size == 0) return false;
    size_t at = 0, size = 0;
    bool quoted = false;
    row->count = 1;
    for (; at < text->size && (quoted || text->bytes[at] != '\n'); at++) {
        const char c = (char)text->bytes[at];
        if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            assert_true(row->count < CSV_MAX_COLUMNS);
            row->count++;
            size = 0;
        } else if (c != '\r') {
            assert_true(size + 1 < CSV_FIELD_BYTES);
            row->fields[row->count - 1][size++] = c;
        }
    }
    *text = slice_part(*text, at + 1, text->size);
    return true;
}

/* The field of `row` under the column of that name in `head`. */
static inline const char *csv_field(const struct csv_row *head, const struct csv_row *row, const char *name)
{
    for (size_t i = 0; i < head->count; i++) {
        if (strcmp(head->fields[i], name) == 0) return row->fields[i];
    }
    fail_msg("no column %s", name);
    return "";
}
