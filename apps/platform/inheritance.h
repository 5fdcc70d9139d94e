/* SPDX-License-Identifier: Apache-2.0
 *
 * What a platform tells its successor (docs/protocols.md, section 13): JSON {"clock_floor", "manifest_version",
 * "store", "generation", "head"}, and with the master key "master_key", a parcel (records/key_parcel.h). Pure.
 */
#pragma once

#include "base/json.h"
#include "records/store.h"

enum { INHERITANCE_MAX_BYTES = 4096 };

struct inheritance {
    int64_t clock_floor_s;    /* the successor's clock goes back no further */
    int64_t manifest_version; /* the newest that the predecessor has seen */
    struct store_head head;   /* the store may be no older */
};

/* Appends the text. `parcel` may be NULL. */
enum status inheritance_write(const struct inheritance *inheritance, json_t *parcel, struct buffer *text);

/* ERR_JSON_SYNTAX, ERR_FIELD_...; the caller drops `parcel_out`, which is NULL if there is none. */
enum status inheritance_read(struct slice text, struct refusal *why, struct inheritance *inheritance_out,
                             json_t **parcel_out);
