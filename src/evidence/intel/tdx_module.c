/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/tdx_module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Bytes of TEE_TCB_SVN. */
enum { SVN_MODULE = 0, SVN_MODULE_VERSION = 1, SVN_MICROCODE = 2 };

/* ---- TCB info ---- */

void tdx_modules_done(struct tdx_modules *modules)
{
    for (size_t i = 0; i < modules->identity_count; i++) svn_levels_done(&modules->identities[i].levels);
    free(modules->identities);
    *modules = (struct tdx_modules){};
}

/* The mask must be there and well formed; as both SEAMATTRIBUTES and what they are compared with must be zero, it
 * cannot change anything. */
static enum status read_module(const struct json_node *object, const char *path, struct refusal *why,
                               struct tdx_module *module)
{
    uint8_t mask[sizeof(module->attributes)];
    TRY(json_node_get_hex(object, path, "mrsigner", sizeof(module->mrsigner), why, module->mrsigner));
    TRY(json_node_get_hex(object, path, "attributes", sizeof(module->attributes), why, module->attributes));
    return json_node_get_hex(object, path, "attributesMask", sizeof(mask), why, mask);
}

static enum status read_identity(const struct json_node *value, const char *path, struct refusal *why,
                                 struct tdx_module_identity *identity)
{
    struct slice id;
    TRY(json_node_get_string(value, path, "id", TDX_MODULE_ID_MAX_BYTES, why, &id));
    memcpy(identity->id, id.bytes, id.size);
    TRY(read_module(value, path, why, &identity->module));
    return svn_levels_read(value, path, why, &identity->levels);
}

/* Intel's ids are compared without regard to case. */
static const struct tdx_module_identity *find_id(const struct tdx_modules *modules, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(modules->identities[i].id, id) == 0) return &modules->identities[i];
    }
    return NULL;
}

static enum status read_identities(const struct json_node *body, struct refusal *why, struct tdx_modules *modules)
{
    static const char path[] = "tcbInfo", name[] = "tdxModuleIdentities";
    const struct json_node *array;
    TRY(json_node_get_array(body, path, name, TDX_MODULE_MAX_COUNT, why, &array));
    const size_t count = array->size;
    if (count == 0)
        return refuse(why, ERR_FIELD_VALUE, json_path(path, name).text, "at least one, or no such member", "none");
    modules->identities = calloc(count, sizeof(*modules->identities));
    if (modules->identities == NULL) return ERR_NO_MEMORY;
    modules->identity_count = count;
    const struct json_node *value = json_node_first(array);
    for (size_t i = 0; i < count; i++, value = json_node_next(value)) {
        struct tdx_module_identity *const identity = &modules->identities[i];
        const struct json_path at = json_path_at(path, name, i);
        TRY(read_identity(value, at.text, why, identity));
        if (find_id(modules, i, identity->id) != NULL)
            return refuse(why, ERR_FIELD_VALUE, json_path(at.text, "id").text, "each id once", "%s", identity->id);
    }
    return OK;
}

enum status tdx_modules_read(const struct json_node *body, struct refusal *why, struct tdx_modules *modules)
{
    const struct json_node *first;
    TRY(json_node_get_object(body, "tcbInfo", "tdxModule", why, &first));
    TRY(read_module(first, "tcbInfo.tdxModule", why, &modules->first));
    return json_node_member(body, "tdxModuleIdentities") == NULL ? OK : read_identities(body, why, modules);
}

/* ---- the module of a report ---- */

enum status tdx_module_find(const struct tdx_modules *modules, struct slice tee_tcb_svn, struct refusal *why,
                            const struct tdx_module_identity **identity_out)
{
    char id[TDX_MODULE_ID_MAX_BYTES];
    *identity_out = NULL;
    if (tee_tcb_svn.bytes[SVN_MODULE_VERSION] == 0) return OK;
    (void)snprintf(id, sizeof(id), "TDX_%02X", tee_tcb_svn.bytes[SVN_MODULE_VERSION]);
    *identity_out = find_id(modules, modules->identity_count, id);
    if (*identity_out != NULL) return OK;
    return refuse(why, ERR_TDX_MODULE, "tcbInfo.tdxModuleIdentities", id, "%zu others", modules->identity_count);
}

enum status tdx_module_check(const struct tdx_modules *modules, const struct tdx_module_identity *identity,
                             const struct td_report *report, struct refusal *why)
{
    static const uint8_t zero[8];
    const struct tdx_module *const module = identity != NULL ? &identity->module : &modules->first;
    if (!slice_equal(report->mrsignerseam, SLICE_ARRAY(module->mrsigner)))
        return refuse(why, ERR_TDX_MODULE, "report.mrsignerseam", refusal_hex(SLICE_ARRAY(module->mrsigner)).text, "%s",
                      refusal_hex(report->mrsignerseam).text);
    if (!slice_is_zero(report->seam_attributes))
        return refuse(why, ERR_TDX_MODULE, "report.seamattributes", refusal_hex(SLICE_ARRAY(zero)).text, "%s",
                      refusal_hex(report->seam_attributes).text);
    if (!slice_is_zero(SLICE_ARRAY(module->attributes)))
        return refuse(why, ERR_TDX_MODULE, "tcbInfo.tdxModule.attributes", refusal_hex(SLICE_ARRAY(zero)).text, "%s",
                      refusal_hex(SLICE_ARRAY(module->attributes)).text);
    return OK;
}

/* ---- relaunch ---- */

static bool is_status(struct level_status status, enum tcb_status value)
{
    return !status.is_revoked && status.status == value;
}

/* Whether the module's age is all that is wrong. With such a module the domain is out of date in any case. */
static bool is_advisable(const struct relaunch *r)
{
    if (r->quoting_enclave == NULL || !is_status(r->quoting_enclave->facts.status, TCB_UP_TO_DATE)) return false;
    if (r->platform.is_revoked || r->platform.status >= TCB_OUT_OF_DATE) return false;
    return is_status(r->module, TCB_OUT_OF_DATE);
}

static bool is_configuration_needed(struct level_status status)
{
    return is_status(status, TCB_CONFIGURATION_NEEDED) ||
           is_status(status, TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED) ||
           is_status(status, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED);
}

enum status tdx_relaunch(const struct relaunch *r, const struct tdx_modules *modules, const struct td_report *report,
                         struct refusal *why, struct level_status *status_out)
{
    const struct tdx_module_identity *loaded;
    const uint8_t *const svn = report->tee_tcb_svn2.bytes, *const newest = r->newest->tdx_components;
    *status_out = r->domain;
    if (!is_advisable(r)) return OK;
    TRY(tdx_module_find(modules, report->tee_tcb_svn2, why, &loaded));
    const unsigned wanted = loaded != NULL ? loaded->levels.items[0].svn : newest[SVN_MODULE];
    if (svn[SVN_MODULE] < wanted || svn[SVN_MICROCODE] < newest[SVN_MICROCODE]) return OK;
    const bool configure = is_configuration_needed(r->platform) || is_configuration_needed(r->domain);
    status_out->status = configure ? TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED : TCB_TD_RELAUNCH_ADVISED;
    return OK;
}
