/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/svn_levels.h"

#include <stdio.h>
#include <stdlib.h>

void svn_levels_done(struct svn_levels *levels)
{
    free(levels->items);
    *levels = (struct svn_levels){};
}

static enum status read_level(const struct json_node *value, const char *path, struct refusal *why,
                              struct svn_level *level)
{
    const struct json_node *tcb;
    int64_t svn;
    TRY(json_node_get_object(value, path, "tcb", why, &tcb));
    TRY(json_node_get_integer(tcb, json_path(path, "tcb").text, "isvsvn", 0, UINT16_MAX, why, &svn));
    level->svn = (uint16_t)svn;
    TRY(level_facts_read(value, path, why, &level->facts));
    const struct level_status status = level->facts.status;
    if (status.is_revoked || status.status == TCB_UP_TO_DATE || status.status == TCB_OUT_OF_DATE) return OK;
    return refuse(why, ERR_FIELD_VALUE, path, "tcbStatus UpToDate, OutOfDate or Revoked", "%s",
                  tcb_status_name(status.status));
}

static int compare_levels(const void *left, const void *right)
{
    const struct svn_level *const a = left, *const b = right;
    return (int)b->svn - (int)a->svn;
}

static enum status check_distinct(const struct svn_levels *levels, const char *field, struct refusal *why)
{
    for (size_t i = 1; i < levels->count; i++) {
        if (levels->items[i].svn == levels->items[i - 1].svn)
            return refuse(why, ERR_FIELD_VALUE, field, "each isvsvn once", "%u twice", levels->items[i].svn);
    }
    return OK;
}

enum status svn_levels_read(const struct json_node *object, const char *path, struct refusal *why,
                            struct svn_levels *levels_out)
{
    CLEANUP(svn_levels_done) struct svn_levels levels = {};
    const struct json_path field = json_path(path, "tcbLevels");
    const struct json_node *array;
    TRY(json_node_get_array(object, path, "tcbLevels", TCB_LEVEL_MAX_COUNT, why, &array));
    levels.count = array->size;
    if (levels.count == 0) return refuse(why, ERR_FIELD_VALUE, field.text, "at least one level", "none");
    levels.items = calloc(levels.count, sizeof(*levels.items));
    if (levels.items == NULL) return ERR_NO_MEMORY;
    const struct json_node *level = json_node_first(array);
    for (size_t i = 0; i < levels.count; i++, level = json_node_next(level))
        TRY(read_level(level, json_path_at(path, "tcbLevels", i).text, why, &levels.items[i]));
    qsort(levels.items, levels.count, sizeof(*levels.items), compare_levels);
    TRY(check_distinct(&levels, field.text, why));
    *levels_out = levels;
    levels = (struct svn_levels){};
    return OK;
}

const struct svn_level *svn_levels_match(const struct svn_levels *levels, unsigned svn)
{
    for (size_t i = 0; i < levels->count; i++) {
        if (levels->items[i].svn <= svn) return &levels->items[i];
    }
    return NULL;
}
