/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collateral/folder.h"

#include "base/clock.h"
#include "base/file.h"
#include "cli/collateral/statement.h"
#include "crypto/x509.h"
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
    endorsement_files_done(&folder->endorsements);
}

static enum status open_intel(const char *path, const struct trust_roots *roots, struct refusal *why,
                              struct collateral_folder *folder)
{
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    TRY(collateral_files_read(path, why, &files));
    const struct collateral_texts texts = collateral_files_texts(&files);
    TRY(collateral_new(&texts, roots, why, &folder->collateral));
    struct collateral_facts facts;
    collateral_facts(folder->collateral, &facts);
    return collateral_statement(&texts, &facts, &folder->statement);
}

static enum status verify_amd(const struct collateral_folder *folder, int64_t at_s, struct refusal *why,
                              struct snp_endorsement_facts *facts)
{
    struct slice certificates[2];
    struct snp_endorsements texts = endorsement_files_texts(&folder->endorsements, certificates);
    texts.simulated_root = folder->simulated_root;
    return snp_endorsements_verify(&texts, false, at_s, why, facts);
}

/* Whatever the time is now, all of it was good when the list was issued. */
static enum status open_amd(const char *path, struct refusal *why, struct collateral_folder *folder)
{
    CLEANUP(crl_cleanup) struct crl *crl = NULL;
    struct snp_endorsement_facts facts;
    TRY(endorsement_files_read(path, why, &folder->endorsements));
    const enum status status = crl_from_der_or_pem(buffer_slice(&folder->endorsements.crl), &crl);
    if (status != OK) return refuse(why, status, "crl.der", "a revocation list", "something else");
    TRY(verify_amd(folder, crl_this_update_s(crl), why, &facts));
    return endorsement_statement(&folder->endorsements, &facts, &folder->statement);
}

enum status collateral_folder_open(const char *path, const struct collateral_roots *roots, struct refusal *why,
                                   struct collateral_folder *folder_out)
{
    folder_out->simulated_root = roots->simulated;
    return endorsement_folder_is_likely(path) ? open_amd(path, why, folder_out)
                                              : open_intel(path, &roots->roots, why, folder_out);
}

enum status collateral_folder_check(const struct collateral_folder *folder, int64_t at_s, struct refusal *why)
{
    struct snp_endorsement_facts facts;
    return folder->collateral != NULL ? collateral_check_time(folder->collateral, at_s, why)
                                      : verify_amd(folder, at_s, why, &facts);
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
