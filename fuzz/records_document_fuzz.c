/* SPDX-License-Identifier: Apache-2.0
 * Hits document_open and document_read on a file that its host has changed: the input is a list of changes, each a
 * 24-bit offset and a byte that is put there (the first bit of the offset cuts the file there instead). What is read
 * out of it is what was put in, with its version, or nothing is. */
#include "fuzz.h"
#include "parts.h"
#include "records/document.h"

#include <string.h>

enum { IMAGE_MAX_BYTES = 4 << 20, CHANGE_BYTES = 4, CONTENT_BYTES = 9000, WRITES = 3, KEY_BYTES = 32 };

static char path[128], companion[160];
static struct secret key;
static struct buffer image;
static uint8_t content[CONTENT_BYTES];

static void remove_files(void)
{
    (void)unlink(companion);
    (void)unlink(path);
    *strrchr(path, '/') = '\0';
    (void)rmdir(path);
}

static struct document *open_file(void)
{
    const struct document_options options = {.path = path, .name = "state", .key = &key};
    struct refusal why = {};
    struct document *document = NULL;
    if (document_open(&options, &why, &document) == OK) return document;
    if (why.field[0] == '\0') abort();
    return NULL;
}

static void set_up(void)
{
    char folder[64];
    scratch_folder(folder, sizeof(folder));
    (void)snprintf(path, sizeof(path), "%s/state.db", folder);
    (void)snprintf(companion, sizeof(companion), "%s-wal", path);
    (void)atexit(remove_files);
    must(secret_alloc(KEY_BYTES, &key));
    struct document *const document = open_file();
    struct refusal why = {};
    for (uint64_t version = 0; version < WRITES; version++) {
        memset(content, (int)('a' + version), sizeof(content));
        must(document_write(document, version, SLICE_ARRAY(content), &why));
    }
    document_free(document);
    image = buffer_of_maximum(IMAGE_MAX_BYTES);
    FILE *const file = fopen(path, "rb");
    uint8_t chunk[4096];
    if (file == NULL) abort();
    for (size_t got; (got = fread(chunk, 1, sizeof(chunk), file)) > 0;)
        must(buffer_append(&image, slice_of(chunk, got)));
    (void)fclose(file);
}

static void write_changed(struct slice changes)
{
    CLEANUP(buffer_done) struct buffer copy = buffer_of_maximum(IMAGE_MAX_BYTES);
    must(buffer_append(&copy, buffer_slice(&image)));
    size_t size = copy.size;
    for (; changes.size >= CHANGE_BYTES; changes = slice_part(changes, CHANGE_BYTES, changes.size)) {
        const uint8_t *const c = changes.bytes;
        const size_t at = ((size_t)(c[0] & 0x7f) << 16 | (size_t)c[1] << 8 | c[2]) % copy.size;
        if ((c[0] & 0x80) != 0)
            size = at;
        else
            copy.bytes[at] = c[3];
    }
    (void)unlink(companion);
    FILE *const file = fopen(path, "wb");
    if (file == NULL || fwrite(copy.bytes, 1, size, file) != size || fclose(file) != 0) abort();
}

static void read_file(struct document *document)
{
    CLEANUP(buffer_done) struct buffer seen = buffer_of_maximum(DOCUMENT_MAX_SIZE);
    struct refusal why = {};
    uint64_t version;
    const enum status status = document_read(document, &why, &seen, &version);
    if (status != OK && why.field[0] == '\0') abort();
    if (status == OK && (version != WRITES || !slice_equal(buffer_slice(&seen), SLICE_ARRAY(content)))) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (image.size == 0) set_up();
    write_changed(slice_of(bytes, size));
    struct document *const document = open_file();
    if (document != NULL) read_file(document);
    document_free(document);
    return 0;
}
