/* SPDX-License-Identifier: Apache-2.0
 *
 * A JSON object that is filled member by member; the first failure is kept and told at the end, so that a table of
 * forty claims reads as one.
 */
#pragma once

#include "base/json.h"

struct claims_object {
    json_t *json; /* owned */
    enum status status;
};

struct claims_object claims_object_new(void);
void claims_object_cleanup(struct claims_object *object);

/* `put` takes the value over; NULL is taken for a lack of memory. */
void claims_put(struct claims_object *object, const char *name, json_t *value);
void claims_put_text(struct claims_object *object, const char *name, const char *text);
void claims_put_number(struct claims_object *object, const char *name, int64_t number);
void claims_put_flag(struct claims_object *object, const char *name, bool flag);
void claims_put_hex(struct claims_object *object, const char *name, struct slice bytes);
void claims_put_hex64(struct claims_object *object, const char *name, uint64_t number); /* 16 digits */
void claims_put_time(struct claims_object *object, const char *name, int64_t time_s);

/* Puts `member` under `name`, or its failure here; `member` is empty then. */
void claims_put_object(struct claims_object *object, const char *name, struct claims_object *member);
