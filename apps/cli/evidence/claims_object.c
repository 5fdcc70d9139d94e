/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/claims_object.h"

#include "base/clock.h"
#include "base/encoding.h"

#include <stdio.h>

struct claims_object claims_object_new(void)
{
    json_t *const json = json_object();
    return (struct claims_object){.json = json, .status = json != NULL ? OK : ERR_NO_MEMORY};
}

void claims_object_cleanup(struct claims_object *object)
{
    json_done(&object->json);
}

void claims_put(struct claims_object *object, const char *name, json_t *value)
{
    if (json_object_set_new(object->json, name, value) != 0) object->status = ERR_NO_MEMORY;
}

void claims_put_text(struct claims_object *object, const char *name, const char *text)
{
    claims_put(object, name, json_string(text));
}

void claims_put_number(struct claims_object *object, const char *name, int64_t number)
{
    claims_put(object, name, json_integer(number));
}

void claims_put_flag(struct claims_object *object, const char *name, bool flag)
{
    claims_put(object, name, json_boolean(flag));
}

void claims_put_hex(struct claims_object *object, const char *name, struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(2 * bytes.size);
    if (hex_encode(bytes, &text) != OK) object->status = ERR_NO_MEMORY;
    claims_put(object, name, json_stringn(text.size != 0 ? (const char *)text.bytes : "", text.size));
}

void claims_put_hex64(struct claims_object *object, const char *name, uint64_t number)
{
    char text[17];
    (void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)number);
    claims_put_text(object, name, text);
}

void claims_put_time(struct claims_object *object, const char *name, int64_t time_s)
{
    claims_put_text(object, name, time_iso8601(time_s).text);
}

void claims_put_object(struct claims_object *object, const char *name, struct claims_object *member)
{
    if (member->status != OK) object->status = member->status;
    claims_put(object, name, member->json);
    member->json = NULL;
}
