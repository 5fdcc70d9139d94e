/* SPDX-License-Identifier: Apache-2.0
 *
 * What is judged, and by what: logs of attested platforms, folders of collateral.
 */
#include "cli/preview/preview.h"

#include "base/file.h"
#include "feeds/collateral_files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void preview_done(struct preview *preview)
{
    for (size_t i = 0; i < preview->collateral_count; i++) collateral_free(preview->collaterals[i].collateral);
    free(preview->lines);
    free(preview->platforms);
    *preview = (struct preview){};
}

/* ---- logs ---- */

static enum status grow(struct preview *preview)
{
    enum { FIRST_CAPACITY = 64 };
    if (preview->line_count < preview->line_capacity) return OK;
    if (preview->line_count == PREVIEW_LINE_MAX_COUNT) return ERR_TOO_LARGE;
    const size_t capacity = preview->line_capacity == 0 ? FIRST_CAPACITY : 2 * preview->line_capacity;
    struct attested *const lines = reallocarray(preview->lines, capacity, sizeof(*lines));
    if (lines == NULL) return ERR_NO_MEMORY;
    preview->lines = lines;
    preview->line_capacity = capacity;
    return OK;
}

static enum status take_line(void *context, const struct attested *attested)
{
    struct preview *const preview = context;
    if (attested->time_s < preview->since_s) return OK;
    TRY(grow(preview));
    preview->lines[preview->line_count++] = *attested;
    return OK;
}

static enum status read_file(const char *path, struct refusal *why, struct preview *preview)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(ATTESTED_LOG_MAX_BYTES);
    bool is_torn = false;
    TRY(file_read(path, why, &text));
    const enum status status = attested_log_read(buffer_slice(&text), take_line, preview, why, &is_torn);
    preview->is_torn |= is_torn;
    if (status != ERR_TOO_LARGE) return status;
    return refuse(why, ERR_TOO_LARGE, path, "at most 131072 lines in the time that is looked at", "more");
}

enum status preview_read_log(const char *path, struct refusal *why, struct preview *preview)
{
    char older[PATH_MAX];
    const int wanted = snprintf(older, sizeof(older), "%s.1", path);
    if (wanted > 0 && (size_t)wanted < sizeof(older) && file_exists(older)) TRY(read_file(older, why, preview));
    return read_file(path, why, preview);
}

/* ---- collateral ---- */

static enum status add_collateral(const char *folder, const struct trust_roots *roots, struct refusal *why,
                                  struct preview *preview)
{
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    if (preview->collateral_count == PREVIEW_COLLATERAL_MAX_COUNT)
        return refuse(why, ERR_USAGE, "--collateral", "at most 256 platform models", "more");
    TRY(collateral_files_read(folder, why, &files));
    const struct collateral_texts texts = collateral_files_texts(&files);
    struct preview_collateral *const added = &preview->collaterals[preview->collateral_count];
    TRY(collateral_new(&texts, roots, why, &added->collateral));
    collateral_facts(added->collateral, &added->facts);
    preview->collateral_count++;
    return OK;
}

static bool holds_collateral(const char *folder)
{
    char path[PATH_MAX];
    const int wanted = snprintf(path, sizeof(path), "%s/tcbinfo.json", folder);
    return wanted > 0 && (size_t)wanted < sizeof(path) && file_exists(path);
}

static enum status add_below(const char *folder, const char *name, const struct trust_roots *roots, struct refusal *why,
                             struct preview *preview)
{
    char path[PATH_MAX];
    const int wanted = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (name[0] == '.' || wanted <= 0 || (size_t)wanted >= sizeof(path) || !holds_collateral(path)) return OK;
    return add_collateral(path, roots, why, preview);
}

static void close_folder(DIR **folder)
{
    (void)closedir(*folder);
}

static enum status add_folders(const char *path, const struct trust_roots *roots, struct refusal *why,
                               struct preview *preview)
{
    DIR *const opened = opendir(path);
    if (opened == NULL) return refuse(why, ERR_USAGE, "--collateral", "a folder", "%s: %s", path, strerror(errno));
    CLEANUP(close_folder) DIR *folder = opened;
    const size_t before = preview->collateral_count;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        TRY(add_below(path, entry->d_name, roots, why, preview));
    if (preview->collateral_count > before) return OK;
    return refuse(why, ERR_USAGE, "--collateral", "a folder with tcbinfo.json, or a folder of such folders", "%s",
                  path);
}

enum status preview_read_collateral(const char *folder, const struct trust_roots *roots, struct refusal *why,
                                    struct preview *preview)
{
    return holds_collateral(folder) ? add_collateral(folder, roots, why, preview)
                                    : add_folders(folder, roots, why, preview);
}
