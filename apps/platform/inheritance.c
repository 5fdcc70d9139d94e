/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/inheritance.h"

#include "base/encoding.h"

#include <string.h>

/* The end of the year 9999, as everywhere. */
static const int64_t latest_time_s = 253402300799;

enum status inheritance_write(const struct inheritance *inheritance, json_t *parcel, struct buffer *text)
{
    CLEANUP(json_done)
    json_t *object = json_pack("{s:I, s:I, s:s, s:I, s:s}", "clock_floor", (json_int_t)inheritance->clock_floor_s,
                               "manifest_version", (json_int_t)inheritance->manifest_version, "store",
                               inheritance->head.store.text, "generation", (json_int_t)inheritance->head.generation,
                               "head", base64url_of_32(inheritance->head.head).text);
    if (object == NULL) return ERR_NO_MEMORY;
    if (parcel != NULL && json_object_set(object, "master_key", parcel) != 0) return ERR_NO_MEMORY;
    return json_write(object, text);
}

static enum status read_head(const json_t *object, struct refusal *why, struct store_head *head_out)
{
    struct slice text;
    int64_t generation;
    struct store_head head = {};
    TRY(json_get_string(object, "", "store", RECORD_ID_BYTES, why, &text));
    if (record_id_from(text, &head.store) != OK)
        return refuse(why, ERR_FIELD_VALUE, "store", "a store's id", "another text");
    TRY(json_get_integer(object, "", "generation", 0, INT64_MAX, why, &generation));
    head.generation = (uint64_t)generation;
    TRY(json_get_string(object, "", "head", 64, why, &text));
    if (base64url_decode_exact(text, sizeof(head.head), head.head) != OK)
        return refuse(why, ERR_FIELD_VALUE, "head", "32 bytes as base64url", "another text");
    *head_out = head;
    return OK;
}

enum status inheritance_read(struct slice text, struct refusal *why, struct inheritance *inheritance_out,
                             json_t **parcel_out)
{
    static const char *const names[] = {"clock_floor", "manifest_version", "store", "generation",
                                        "head",        "master_key",       NULL};
    CLEANUP(json_done) json_t *object = NULL;
    struct inheritance inheritance = {};
    TRY(json_parse(text, INHERITANCE_MAX_BYTES, why, &object));
    TRY(json_only(object, "", names, why));
    TRY(json_get_integer(object, "", "clock_floor", 0, latest_time_s, why, &inheritance.clock_floor_s));
    TRY(json_get_integer(object, "", "manifest_version", 1, INT32_MAX, why, &inheritance.manifest_version));
    TRY(read_head(object, why, &inheritance.head));
    *inheritance_out = inheritance;
    *parcel_out = json_incref(json_object_get(object, "master_key"));
    return OK;
}
