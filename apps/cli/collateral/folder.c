/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collateral/folder.h"

#include "base/clock.h"
#include "base/file.h"
#include "cli/collateral/statement.h"
#include "feeds/collateral_files.h"

/* ---- roots ---- */

#ifdef LAZARET_SIMULATION
enum status collateral_roots_read(const char *path, struct refusal *why, struct collateral_roots *roots_out)
{
    *roots_out = (struct collateral_roots){};
    if (path == NULL) return OK;
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    TRY(file_read(path, why, &pem));
    if (key_from_public_pem(buffer_slice(&pem), &roots_out->simulated) != OK)
        return refuse(why, ERR_USAGE, "--simulated-root", "a public key in PEM", "%s", path);
    roots_out->list[0] = roots_out->simulated;
    roots_out->roots = (struct trust_roots){.simulated = roots_out->list, .simulated_count = 1};
    return OK;
}
#else
enum status collateral_roots_read(const char *, struct refusal *, struct collateral_roots *roots_out)
{
    *roots_out = (struct collateral_roots){};
    return OK;
}
#endif

void collateral_roots_done(struct collateral_roots *roots)
{
    key_free(roots->simulated);
}

/* ---- the folder ---- */

void collateral_folder_done(struct collateral_folder *folder)
{
    json_done(&folder->statement);
    collateral_free(folder->collateral);
}

enum status collateral_folder_open(const char *path, const struct trust_roots *roots, struct refusal *why,
                                   struct collateral_folder *folder_out)
{
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    TRY(collateral_files_read(path, why, &files));
    const struct collateral_texts texts = collateral_files_texts(&files);
    TRY(collateral_new(&texts, roots, why, &folder_out->collateral));
    struct collateral_facts facts;
    collateral_facts(folder_out->collateral, &facts);
    folder_out->expires_s = facts.expires_s;
    return collateral_statement(&texts, &facts, &folder_out->statement);
}

enum status collateral_folder_check(const struct collateral_folder *folder, int64_t at_s, struct refusal *why)
{
    return collateral_check_time(folder->collateral, at_s, why);
}

/* ---- the verdict ---- */

static bool set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}

static bool set_reason(json_t *object, enum status status, const struct refusal *why)
{
    return set(object, "status", json_string(status_name(status))) &&
           set(object, "reason", json_string(status_text(status))) && set(object, "field", json_string(why->field)) &&
           set(object, "seen", json_string(why->seen)) && set(object, "expected", json_string(why->expected)) &&
           set(object, "fix", json_string(why->fix));
}

enum status collateral_verdict(const struct collateral_folder *folder, int64_t at_s, enum status status,
                               const struct refusal *why, json_t **verdict_out)
{
    CLEANUP(json_done) json_t *verdict = folder->statement != NULL ? json_copy(folder->statement) : json_object();
    if (!set(verdict, "genuine", json_boolean(folder->statement != NULL)) ||
        !set(verdict, "current", json_boolean(status == OK)) ||
        !set(verdict, "at", json_string(time_iso8601(at_s).text)) ||
        (status != OK && !set_reason(verdict, status, why)))
        return ERR_NO_MEMORY;
    *verdict_out = verdict;
    verdict = NULL;
    return OK;
}
