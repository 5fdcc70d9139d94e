/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/tcb_info.h"

#include <stdio.h>
#include <stdlib.h>

enum { VERSION_2 = 2, VERSION_3 = 3, ID_MAX_BYTES = 16 };

void tcb_info_done(struct tcb_info *info)
{
    signed_json_done(&info->json);
    free(info->levels);
    tdx_modules_done(&info->modules);
    *info = (struct tcb_info){};
}

static enum status read_svn(const struct json_node *object, const char *path, const char *name, struct refusal *why,
                            uint8_t *svn_out)
{
    int64_t svn;
    TRY(json_node_get_integer(object, path, name, 0, UINT8_MAX, why, &svn));
    *svn_out = (uint8_t)svn;
    return OK;
}

static enum status read_components_v2(const struct json_node *tcb, const char *path, struct refusal *why,
                                      struct tcb_level *level)
{
    for (unsigned i = 0; i < TCB_COMPONENT_COUNT; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "sgxtcbcomp%02usvn", i + 1);
        TRY(read_svn(tcb, path, name, why, &level->components[i]));
    }
    return OK;
}

static enum status read_components_v3(const struct json_node *tcb, const char *path, const char *name,
                                      struct refusal *why, uint8_t *svns)
{
    const struct json_node *components;
    TRY(json_node_get_array(tcb, path, name, TCB_COMPONENT_COUNT, why, &components));
    if (components->size != TCB_COMPONENT_COUNT)
        return refuse(why, ERR_FIELD_VALUE, json_path(path, name).text, "16 components", "%u", components->size);
    const struct json_node *component = json_node_first(components);
    for (size_t i = 0; i < TCB_COMPONENT_COUNT; i++, component = json_node_next(component)) {
        /* The path is written for a fault alone: there are hundreds of components. */
        if (read_svn(component, "", "svn", NULL, &svns[i]) != OK)
            return read_svn(component, json_path_at(path, name, i).text, "svn", why, &svns[i]);
    }
    return OK;
}

static enum status read_components(const struct json_node *tcb, const char *path, const struct tcb_info *info,
                                   struct refusal *why, struct tcb_level *level)
{
    if (info->version == VERSION_2) return read_components_v2(tcb, path, why, level);
    TRY(read_components_v3(tcb, path, "sgxtcbcomponents", why, level->components));
    if (info->tee == INTEL_SGX) return OK;
    return read_components_v3(tcb, path, "tdxtcbcomponents", why, level->tdx_components);
}

static enum status read_level(const struct json_node *value, size_t index, const struct tcb_info *info,
                              struct refusal *why, struct tcb_level *level)
{
    const struct json_path path = json_path_at("tcbInfo", "tcbLevels", index), tcb_path = json_path(path.text, "tcb");
    const struct json_node *tcb;
    int64_t pce_svn;
    TRY(json_node_get_object(value, path.text, "tcb", why, &tcb));
    TRY(read_components(tcb, tcb_path.text, info, why, level));
    TRY(json_node_get_integer(tcb, tcb_path.text, "pcesvn", 0, UINT16_MAX, why, &pce_svn));
    level->pce_svn = (uint16_t)pce_svn;
    return level_facts_read(value, path.text, why, &level->facts);
}

static bool is_alike(const struct tcb_level *a, const struct tcb_level *b)
{
    return a->pce_svn == b->pce_svn && slice_equal(SLICE_ARRAY(a->components), SLICE_ARRAY(b->components)) &&
           slice_equal(SLICE_ARRAY(a->tdx_components), SLICE_ARRAY(b->tdx_components));
}

static enum status check_distinct(const struct tcb_info *info, struct refusal *why)
{
    for (size_t i = 1; i < info->level_count; i++) {
        if (is_alike(&info->levels[i - 1], &info->levels[i]))
            return refuse(why, ERR_FIELD_VALUE, "tcbInfo.tcbLevels", "each level once", "two alike");
    }
    return OK;
}

static enum status read_levels(const struct json_node *body, struct refusal *why, struct tcb_info *info)
{
    const struct json_node *levels;
    TRY(json_node_get_array(body, "tcbInfo", "tcbLevels", TCB_LEVEL_MAX_COUNT, why, &levels));
    const size_t count = levels->size;
    if (count == 0) return refuse(why, ERR_FIELD_VALUE, "tcbInfo.tcbLevels", "at least one level", "none");
    info->levels = calloc(count, sizeof(*info->levels));
    if (info->levels == NULL) return ERR_NO_MEMORY;
    info->level_count = count;
    const struct json_node *level = json_node_first(levels);
    for (size_t i = 0; i < count; i++, level = json_node_next(level))
        TRY(read_level(level, i, info, why, &info->levels[i]));
    tcb_levels_sort(info->levels, count);
    return check_distinct(info, why);
}

/* Version 2 was for SGX alone and has no id. */
static enum status read_kind(const struct json_node *body, struct refusal *why, struct tcb_info *info)
{
    struct slice id;
    info->tee = INTEL_SGX;
    if (info->version == VERSION_2) return OK;
    TRY(json_node_get_string(body, "tcbInfo", "id", ID_MAX_BYTES, why, &id));
    if (slice_equal_text(id, "SGX")) return OK;
    info->tee = INTEL_TDX;
    if (slice_equal_text(id, "TDX")) return OK;
    return refuse(why, ERR_FIELD_VALUE, "tcbInfo.id", "SGX or TDX", "%.*s", (int)id.size, (const char *)id.bytes);
}

static enum status read_pce_id(const struct json_node *body, struct refusal *why, struct tcb_info *info)
{
    info->has_pce_id = info->version != VERSION_2 || json_node_member(body, "pceId") != NULL;
    if (!info->has_pce_id) return OK;
    return json_node_get_hex(body, "tcbInfo", "pceId", sizeof(info->pce_id), why, info->pce_id);
}

static enum status read_modules(const struct json_node *body, struct refusal *why, struct tcb_info *info)
{
    if (info->tee == INTEL_TDX) return tdx_modules_read(body, why, &info->modules);
    static const char *const names[] = {"tdxModule", "tdxModuleIdentities"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (json_node_member(body, names[i]) != NULL)
            return refuse(why, ERR_FIELD_UNKNOWN, json_path("tcbInfo", names[i]).text, "nothing, as the id is SGX",
                          "a member");
    }
    return OK;
}

static enum status read_body(const struct json_node *body, struct refusal *why, struct tcb_info *info)
{
    int64_t type;
    TRY(json_node_get_integer(body, "tcbInfo", "version", VERSION_2, VERSION_3, why, &info->version));
    TRY(read_kind(body, why, info));
    TRY(json_node_get_time(body, "tcbInfo", "issueDate", why, &info->issued_s));
    TRY(json_node_get_time(body, "tcbInfo", "nextUpdate", why, &info->next_update_s));
    TRY(json_node_get_hex(body, "tcbInfo", "fmspc", sizeof(info->fmspc), why, info->fmspc));
    TRY(read_pce_id(body, why, info));
    TRY(json_node_get_integer(body, "tcbInfo", "tcbType", 0, 0, why, &type));
    TRY(json_node_get_integer(body, "tcbInfo", "tcbEvaluationDataNumber", 0, INT32_MAX, why, &info->evaluation));
    TRY(read_modules(body, why, info));
    return read_levels(body, why, info);
}

enum status tcb_info_parse(struct slice text, struct refusal *why, struct tcb_info *info_out)
{
    CLEANUP(tcb_info_done) struct tcb_info info = {};
    TRY(signed_json_parse(text, TCB_INFO_MAX_BYTES, "tcbInfo", "tcb_info", why, &info.json));
    TRY(refuse_as(why, read_body(info.json.body, why, &info), ERR_COLLATERAL_MALFORMED));
    *info_out = info;
    info = (struct tcb_info){};
    return OK;
}
