/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/seen.h"

#include "base/encoding.h"
#include "base/file.h"

#include <string.h>

enum { HEAD_TEXT_MAX_BYTES = 64, STORE_TEXT_MAX_BYTES = 64 };

static enum status get_mark(const json_t *object, const char *path, struct refusal *why, int64_t *generation_out,
                            struct slice *head_out)
{
    TRY(json_get_integer(object, path, "generation", 0, INT64_MAX, why, generation_out));
    return json_get_string(object, path, "head", HEAD_TEXT_MAX_BYTES, why, head_out);
}

static enum status check_form(json_t *seen, struct refusal *why)
{
    static const char *const names[] = {"heads", "manifest_hash", "manifest_version", NULL};
    json_t *heads, *mark;
    const char *store;
    struct slice text;
    int64_t number;
    TRY(json_only(seen, "seen", names, why));
    TRY(json_get_integer(seen, "seen", "manifest_version", 0, INT64_MAX, why, &number));
    TRY(json_get_string(seen, "seen", "manifest_hash", HEAD_TEXT_MAX_BYTES, why, &text));
    TRY(json_get_object(seen, "seen", "heads", why, &heads));
    json_object_foreach (heads, store, mark) TRY(get_mark(mark, "seen.heads", why, &number, &text));
    return OK;
}

enum status seen_read(const char *path, struct refusal *why, json_t **seen_out)
{
    CLEANUP(json_done) json_t *seen = NULL;
    if (file_exists(path)) {
        CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SEEN_FILE_MAX_BYTES);
        TRY(file_read(path, why, &text));
        TRY(json_parse(buffer_slice(&text), SEEN_FILE_MAX_BYTES, why, &seen));
        TRY(check_form(seen, why));
    } else {
        seen = json_object();
    }
    if (seen == NULL) return ERR_NO_MEMORY;
    *seen_out = seen;
    seen = NULL;
    return OK;
}

enum status seen_check_manifest(const json_t *seen, const struct manifest *manifest, struct refusal *why)
{
    const int64_t newest = json_integer_value(json_object_get(seen, "manifest_version"));
    if (manifest->version < newest) {
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "at least %lld", (long long)newest);
        return refuse(why, ERR_MANIFEST_OLD, "manifest.version", expected, "%lld", (long long)manifest->version);
    }
    const char *const hash = json_string_value(json_object_get(seen, "manifest_hash"));
    const struct base64url32 own = base64url_of_32(manifest->digest);
    if (manifest->version > newest || hash == NULL || strcmp(hash, own.text) == 0) return OK;
    (void)!refuse(why, ERR_MANIFEST_OLD, "manifest", hash, "%s under the same version", own.text);
    return refuse_fix(why, ERR_MANIFEST_OLD, "give each manifest that is signed a version of its own");
}

static const json_t *find_head(json_t *heads, const char *store)
{
    size_t index;
    json_t *head;
    json_array_foreach (heads, index, head) {
        const char *const name = json_string_value(json_object_get(head, "store"));
        if (name != NULL && strcmp(name, store) == 0) return head;
    }
    return NULL;
}

static enum status refuse_rollback(struct refusal *why, int64_t generation, const char *seen)
{
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "generation %lld or a later one", (long long)generation);
    (void)!refuse(why, ERR_STORE_ROLLBACK, "statement.heads", expected, "%s", seen);
    return refuse_fix(why, ERR_STORE_ROLLBACK,
                      "the records were set back: if you restored a backup, remove the file of what was seen");
}

static enum status check_head(const json_t *before, const json_t *head, struct refusal *why)
{
    int64_t generation_before, generation;
    struct slice head_before, text;
    TRY(get_mark(before, "seen.heads", why, &generation_before, &head_before));
    if (head == NULL) return refuse_rollback(why, generation_before, "no such store");
    TRY(get_mark(head, "statement.heads", why, &generation, &text));
    char seen[64];
    (void)snprintf(seen, sizeof(seen), "generation %lld%s", (long long)generation,
                   generation == generation_before ? " with another head" : "");
    if (generation < generation_before) return refuse_rollback(why, generation_before, seen);
    if (generation == generation_before && !slice_equal(head_before, text))
        return refuse_rollback(why, generation_before, seen);
    return OK;
}

enum status seen_check_heads(const json_t *seen, json_t *heads, struct refusal *why)
{
    const char *store;
    json_t *before;
    json_object_foreach (json_object_get(seen, "heads"), store, before)
        TRY(check_head(before, find_head(heads, store), why));
    return OK;
}

static enum status take_heads(json_t *heads, struct refusal *why, json_t *marks)
{
    size_t index;
    json_t *head;
    json_array_foreach (heads, index, head) {
        int64_t generation;
        struct slice text, store;
        TRY(get_mark(head, "statement.heads", why, &generation, &text));
        TRY(json_get_string(head, "statement.heads", "store", STORE_TEXT_MAX_BYTES, why, &store));
        json_t *const mark =
            json_pack("{s:I, s:s%}", "generation", (json_int_t)generation, "head", text.bytes, text.size);
        if (json_object_setn_new(marks, (const char *)store.bytes, store.size, mark) != 0) return ERR_NO_MEMORY;
    }
    return OK;
}

enum status seen_write(const char *path, json_t *seen, const struct manifest *manifest, json_t *heads,
                       struct refusal *why)
{
    CLEANUP(json_done) json_t *marks = json_object();
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SEEN_FILE_MAX_BYTES);
    TRY(take_heads(heads, why, marks));
    if (json_object_set(seen, "heads", marks) != 0 ||
        json_object_set_new(seen, "manifest_version", json_integer(manifest->version)) != 0 ||
        json_object_set_new(seen, "manifest_hash", json_string(base64url_of_32(manifest->digest).text)) != 0)
        return ERR_NO_MEMORY;
    TRY(json_write(seen, &text));
    return file_write(path, buffer_slice(&text), 0600, why);
}
