/* SPDX-License-Identifier: Apache-2.0
 *
 * The shared cases of evidence with their expected.json: what a quote holds, and what becomes of it at which date with
 * which collateral.
 */
#pragma once

#include "evidence_vectors.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "base/json.h"

#include <dirent.h>

static inline json_t *read_expected(const char *folder)
{
    CLEANUP(buffer_done) struct buffer text = read_in(folder, "expected.json");
    json_t *value = NULL;
    assert_ok(json_parse(buffer_slice(&text), 1 << 20, NULL, &value));
    return value;
}

static inline const char *text_at(const json_t *object, const char *name)
{
    const char *const text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

static inline void assert_hex(const json_t *fields, const char *name, struct slice seen)
{
    uint8_t expected[64];
    assert_ok(hex_decode_exact(slice_of_text(text_at(fields, name)), seen.size, expected));
    assert_slice_equal(seen, slice_of(expected, seen.size));
}

static inline int64_t number_at(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* The folder of an evaluation's collateral, below the shared folder. */
static inline void collateral_path(const char *folder, const json_t *evaluation, char path_out[static 2 * PATH_MAX])
{
    const char *const name = text_at(evaluation, "collateral");
    const struct slice shared = SLICE_LITERAL("shared/");
    if (slice_starts_with(slice_of_text(name), shared))
        (void)snprintf(path_out, 2 * PATH_MAX, "%s", name + shared.size);
    else
        (void)snprintf(path_out, 2 * PATH_MAX, "%s/%s", folder, name);
}

/* What `intel_algorithm` says of the platform. */
static inline void check_platform_claims(const json_t *fields, const json_t *intel, const struct intel_platform *seen)
{
    assert_string_equal(tcb_status_name(seen->tcb_status), text_at(intel, "status"));
    assert_hex(fields, "fmspc", SLICE_ARRAY(seen->fmspc));
    assert_int_equal(seen->qe_svn, number_at(fields, "qe_isvsvn"));
    assert_false(seen->simulated);
    assert_true(seen->newest_tcb_date_s >= seen->tcb_date_s);
    const json_t *const advisories = json_object_get(intel, "advisory_ids");
    assert_int_equal(seen->advisory_count, json_array_size(advisories));
    for (size_t i = 0; i < seen->advisory_count; i++)
        assert_string_equal(seen->advisories[i], json_string_value(json_array_get(advisories, i)));
}

/* An evaluation whose lists are stale must fail for that and for nothing else. */
static inline void assert_lists_are_stale(enum status status, const struct refusal *why)
{
    assert_status(status, ERR_CRL_EXPIRED);
    assert_true(strstr(why->field, "crl.thisUpdate") != NULL || strstr(why->field, "crl.nextUpdate") != NULL);
}

/* Calls `check` with each case's folder, such as "vectors/tdx/<name>"; returns how many there were. */
static inline size_t each_case(const char *room, void (*check)(const char *folder))
{
    char root[PATH_MAX];
    (void)snprintf(root, sizeof(root), "%s", shared_path(room));
    DIR *const folder = opendir(root);
    assert_non_null(folder);
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        char relative[PATH_MAX];
        (void)snprintf(relative, sizeof(relative), "%.100s/%.200s", room, entry->d_name);
        check(relative);
        count++;
    }
    (void)closedir(folder);
    return count;
}
