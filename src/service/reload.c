/* SPDX-License-Identifier: Apache-2.0 */
#include "service/reload.h"

#include "service/service.h"

#include <libgen.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 128 };

/* ---- what may change ---- */

static void forget_member(json_t *json, const char *name)
{
    const char *const dot = strchr(name, '.');
    if (dot == NULL) {
        (void)json_object_del(json, name);
        return;
    }
    char outer[NAME_MAX_BYTES];
    (void)snprintf(outer, sizeof(outer), "%.*s", (int)(dot - name), name);
    (void)json_object_del(json_object_get(json, outer), dot + 1);
}

static enum status copy_fixed(const json_t *json, changeable_names changeable, json_t **copy_out)
{
    json_t *const copy = json_deep_copy(json);
    if (copy == NULL) return ERR_NO_MEMORY;
    forget_member(copy, "log_level");
    forget_member(copy, "drain_s");
    for (; changeable != NULL && *changeable != NULL; changeable++) forget_member(copy, *changeable);
    *copy_out = copy;
    return OK;
}

/* The first member of `one` that `other` does not have in the same form; NULL: there is none. */
static const char *differing(const json_t *one, const json_t *other)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)one, name, value) {
        const json_t *const counterpart = json_object_get(other, name);
        if (counterpart == NULL || json_equal(value, counterpart) == 0) return name;
    }
    return NULL;
}

enum status configuration_check_change(const json_t *before, const json_t *after, changeable_names changeable,
                                       struct refusal *why)
{
    CLEANUP(json_done) json_t *was = NULL;
    CLEANUP(json_done) json_t *is = NULL;
    TRY(copy_fixed(before, changeable, &was));
    TRY(copy_fixed(after, changeable, &is));
    const char *name = differing(was, is);
    if (name == NULL) name = differing(is, was);
    if (name == NULL) return OK;
    char field[NAME_MAX_BYTES];
    const char *inner = differing(json_object_get(was, name), json_object_get(is, name));
    if (inner == NULL) inner = differing(json_object_get(is, name), json_object_get(was, name));
    (void)snprintf(field, sizeof(field), "%s%s%s", name, inner != NULL ? "." : "", inner != NULL ? inner : "");
    (void)!refuse(why, ERR_CONFIG, field, "what it was when the program started", "something else");
    return refuse_fix(why, ERR_CONFIG, "this needs a new start of the program; or change it back");
}

/* ---- a reload ---- */

static enum status take_up(struct service *service, const char *path, const json_t *before, struct refusal *why,
                           struct configuration *after)
{
    const struct service_program *const program = service->program;
    const struct configuration_defaults defaults = {.own_names = program->own_names, .rate_limit = program->rate_limit};
    TRY(configuration_read(path, &defaults, why, after));
    TRY(configuration_check_change(before, after->json, program->changeable, why));
    return program->reload(service->context, after, why);
}

void configuration_reload(struct service *service, const char *path, json_t **before)
{
    CLEANUP(configuration_done) struct configuration after = {};
    struct refusal why = {};
    const enum status status = take_up(service, path, *before, &why, &after);
    if (status != OK) {
        if (why.status == OK) (void)!refuse(&why, status, "configuration", "one that can be taken up", "another");
        log_refusal(LOG_ERROR, "configuration.refused", &why);
        return;
    }
    log_set_level(after.log_level);
    service->drain_s = after.drain_s;
    json_done(before);
    *before = after.json;
    after.json = NULL;
    log_event(LOG_INFO, "configuration.reloaded", log_text(LOG_DETAIL, "in force from now on"));
}

enum status reload_allow_file(struct sandbox *sandbox, const char *path)
{
    char folder[PATH_MAX];
    if (path[0] == '\0') return OK;
    (void)snprintf(folder, sizeof(folder), "%s", path);
    return sandbox_allow(sandbox, SANDBOX_READ, dirname(folder));
}
