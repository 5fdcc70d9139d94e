/* SPDX-License-Identifier: Apache-2.0
 * Hits store_open and every read behind it on a file that its host has changed: the input is a list of changes, each a
 * 24-bit offset and a byte that is put there (the first bit of the offset cuts the file there instead). What is read
 * out of a file that opens is what was put in, or ERR_STORE_CORRUPT. */
#include "fuzz.h"
#include "parts.h"
#include "records/store.h"

#include <string.h>

enum { RECORDS = 12, VALUE_BYTES = 700, IMAGE_MAX_BYTES = 4 << 20, CHANGE_BYTES = 4 };

static char path[128], companion[160];
static struct record_keys *keys;
static struct buffer image;

static void value_of(unsigned number, uint8_t value_out[static VALUE_BYTES])
{
    for (size_t i = 0; i < VALUE_BYTES; i++) value_out[i] = (uint8_t)(number * 31 + i);
}

static void put_records(struct store *store)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    must(store_begin(store, &transaction));
    for (unsigned i = 0; i < RECORDS; i++) {
        char id[16];
        uint8_t value[VALUE_BYTES];
        value_of(i, value);
        (void)snprintf(id, sizeof(id), "record-%u", i);
        struct lookup_tokens tokens = {};
        must(lookup_tokens_add(keys, "kind", slice_of_text(i % 2 == 0 ? "even" : "odd"), &tokens));
        const struct store_record record = {
            .type = "thing", .id = id, .owner = i % 3 == 0 ? "somebody" : "", .value = SLICE_ARRAY(value)};
        must(store_put(transaction, &record, &tokens, NULL));
    }
    must(store_commit(&transaction));
}

static void remove_files(void)
{
    (void)unlink(companion);
    (void)unlink(path);
    *strrchr(path, '/') = '\0';
    (void)rmdir(path);
}

static void set_up(void)
{
    static const uint8_t master[MASTER_KEY_BYTES] = {7};
    CLEANUP(store_cleanup) struct store *store = NULL;
    char folder[64];
    scratch_folder(folder, sizeof(folder));
    (void)snprintf(path, sizeof(path), "%s/" STORE_FILE, folder);
    (void)snprintf(companion, sizeof(companion), "%s-wal", path);
    (void)atexit(remove_files);
    must(record_keys_new(SLICE_ARRAY(master), SLICE_LITERAL("hospital"), &keys));
    must(store_open(path, 0, keys, NULL, &store));
    put_records(store);
    store_cleanup(&store);
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

struct seen {
    unsigned count;
};

static enum status check_record(void *context, const struct store_record *record, bool *)
{
    struct seen *const seen = context;
    unsigned number;
    uint8_t expected[VALUE_BYTES];
    if (sscanf(record->id, "record-%u", &number) != 1 || number >= RECORDS) abort();
    value_of(number, expected);
    if (!slice_equal(record->value, SLICE_ARRAY(expected))) abort();
    seen->count++;
    return OK;
}

static void read_all(struct store *store)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    struct seen all = {}, odd = {}, owned = {};
    struct lookup_tokens tokens = {};
    must(lookup_tokens_add(keys, "kind", SLICE_LITERAL("odd"), &tokens));
    if (store_begin(store, &transaction) != OK) return;
    /* A reader that sees no error sees everything. */
    if (store_list(transaction, "thing", check_record, &all) == OK && all.count != RECORDS) abort();
    if (store_search(transaction, "thing", &tokens, check_record, &odd) == OK && odd.count != RECORDS / 2) abort();
    if (store_list_owned(transaction, "somebody", NULL, check_record, &owned) == OK && owned.count != RECORDS / 3)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (keys == NULL) set_up();
    write_changed(slice_of(bytes, size));
    CLEANUP(store_cleanup) struct store *store = NULL;
    struct refusal why = {};
    const enum status status = store_open(path, 0, keys, &why, &store);
    /* A file that was cut to nothing is a new store. */
    if (status == OK && size >= CHANGE_BYTES) {
        struct store_head head;
        if (store_head(store, &head) == OK && head.generation > 0) read_all(store);
    } else if (status == OK) {
        read_all(store);
    }
    return 0;
}
