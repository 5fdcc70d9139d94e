/* SPDX-License-Identifier: Apache-2.0
 *
 * What this hospital has seen of a deployment before: the newest manifest, and the furthest generation of each store
 * with its head. Kept in a file of its own, out of the host's reach, so that a manifest or store that was set back is
 * noticed (architecture 5.9); the portal keeps the same in the browser.
 *
 *     {"heads":{STORE:{"generation":n,"head":B64U},...},"manifest_hash":B64U,"manifest_version":n}
 */
#pragma once

#include "base/json.h"
#include "policy/manifest.h"

enum { SEEN_STORES_MAX_COUNT = 16, SEEN_FILE_MAX_BYTES = 64 * 1024 };

/* A file that is not there: nothing was seen, an object without members. Anything else that is not of the form above
 * is refused: ERR_FIELD_*, ERR_JSON_SYNTAX, ERR_IO. */
enum status seen_read(const char *path, struct refusal *why, json_t **seen_out);

/* ERR_MANIFEST_OLD: an older version than the newest seen, or another manifest under the same version. */
enum status seen_check_manifest(const json_t *seen, const struct manifest *manifest, struct refusal *why);

/* `heads` as in a chain statement. ERR_STORE_ROLLBACK: a store that was seen is missing or older, or has another head
 * at the same generation. ERR_FIELD_*. */
enum status seen_check_heads(const json_t *seen, json_t *heads, struct refusal *why);

/* Both were checked: from now on this is what was seen. */
enum status seen_write(const char *path, json_t *seen, const struct manifest *manifest, json_t *heads,
                       struct refusal *why);
