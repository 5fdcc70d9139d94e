/* SPDX-License-Identifier: Apache-2.0
 * Hits seen_read, seen_check_heads, seen_check_manifest: what a client keeps in a file of what it has seen, then,
 * behind
 * "\n%%\n", the heads that a platform's statement names. */
#include "cli/seen.h"
#include "fuzz.h"
#include "parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct memory_file file;
    static struct manifest manifest;
    if (file.descriptor == 0) {
        file = memory_file_new();
        manifest.version = 3;
    }
    struct slice rest = slice_of(bytes, size);
    memory_file_set(&file, take_until(&rest, SLICE_LITERAL("\n%%\n")));
    CLEANUP(json_done) json_t *seen = NULL, *heads = NULL;
    struct refusal why = {};
    const enum status status = seen_read(file.path, &why, &seen);
    if (status != OK && (why.status == OK || seen != NULL)) abort();
    if (status != OK) return 0;
    (void)!seen_check_manifest(seen, &manifest, &why);
    if (json_parse(rest, SEEN_FILE_MAX_BYTES, NULL, &heads) != OK) return 0;
    const enum status checked = seen_check_heads(seen, heads, &why);
    if (checked != OK && why.status == OK) abort();
    return 0;
}
