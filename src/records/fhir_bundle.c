/* SPDX-License-Identifier: Apache-2.0 */
#include "records/fhir_bundle.h"

#include "base/clock.h"
#include "records/fhir_schema.h"

#include <stdio.h>
#include <string.h>

/* The address under which the sealed requests' inner side knows resources (docs/protocols.md, section 7). */
#define FHIR_BASE "https://platform/fhir/"

enum { UUID_BYTES = 36 };

static const struct fhir_element request_elements[] = {
    {"method", FHIR_CODE, REQUIRED, .codes = (const char *const[]){"POST", NULL}},
    {"url", FHIR_URI, REQUIRED},
    {},
};

static const struct fhir_element entry_elements[] = {
    {"fullUrl", FHIR_URI},
    {"resource", FHIR_RESOURCE, REQUIRED},
    {"request", FHIR_OBJECT, REQUIRED, .children = request_elements},
    {},
};

static const struct fhir_element bundle_elements[] = {
    {"type", FHIR_CODE, REQUIRED, .codes = (const char *const[]){"transaction", NULL}},
    {"timestamp", FHIR_INSTANT},
    {"entry", FHIR_OBJECT, AT_LEAST_ONE, .children = entry_elements},
    {},
};
_Static_assert((int)FHIR_TRANSACTION_MAX_ENTRIES == (int)FHIR_ARRAY_MAX_COUNT, "the table bounds the entries");

void fhir_transaction_done(struct fhir_transaction *transaction)
{
    json_done(&transaction->bundle);
    *transaction = (struct fhir_transaction){};
}

/* "urn:uuid:" and 8-4-4-4-12 hexadecimal digits. */
static bool is_uuid_urn(struct slice text)
{
    const struct slice prefix = SLICE_LITERAL("urn:uuid:");
    if (!slice_starts_with(text, prefix) || text.size != prefix.size + UUID_BYTES) return false;
    for (size_t i = 0; i < UUID_BYTES; i++) {
        const uint8_t c = text.bytes[prefix.size + i];
        const bool is_dash_place = i == 8 || i == 13 || i == 18 || i == 23;
        const bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (is_dash_place ? c != '-' : !is_hex) return false;
    }
    return true;
}

struct entry_path {
    char text[64];
};

static struct entry_path entry_path(size_t index, const char *member)
{
    struct entry_path path;
    (void)snprintf(path.text, sizeof(path.text), "Bundle.entry[%zu].%s", index, member);
    return path;
}

static json_t *entry_at(const struct fhir_transaction *transaction, size_t index)
{
    return json_array_get(json_object_get(transaction->bundle, "entry"), index);
}

static enum status read_entry(struct fhir_transaction *transaction, size_t index, struct refusal *why)
{
    const json_t *const json = entry_at(transaction, index);
    struct fhir_entry entry = {.resource = json_object_get(json, "resource")};
    struct refusal type_why = {};
    if (fhir_type_of(entry.resource, &type_why, &entry.type) != OK)
        return refuse(why, ERR_FHIR, entry_path(index, "resource.resourceType").text, type_why.expected, "%s",
                      type_why.seen);
    if (!fhir_type_is_clients(entry.type))
        return refuse(why, ERR_FHIR, entry_path(index, "resource").text, "a type that clients write", "another type");
    if (!slice_equal_text(fhir_text_of(json_object_get(json, "request"), "url"), fhir_type_name(entry.type)))
        return refuse(why, ERR_FHIR, entry_path(index, "request.url").text, "the resource's type", "another text");
    const struct slice url = fhir_text_of(json, "fullUrl");
    if (url.size > 0 && !is_uuid_urn(url))
        return refuse(why, ERR_FHIR, entry_path(index, "fullUrl").text, "urn:uuid: and a UUID", "another form");
    for (size_t i = 0; url.size > 0 && i < index; i++) {
        if (slice_equal(url, fhir_text_of(entry_at(transaction, i), "fullUrl")))
            return refuse(why, ERR_FHIR, entry_path(index, "fullUrl").text, "another name for each entry",
                          "the same twice");
    }
    TRY(record_id_new(&entry.id));
    transaction->entries[index] = entry;
    return OK;
}

/* Replaces one reference if it names an entry. Others stay, and validation refuses what is no "Type/ID". */
static enum status rewrite_reference(const struct fhir_transaction *transaction, json_t *object)
{
    const struct slice reference = fhir_text_of(object, "reference");
    if (!slice_starts_with(reference, SLICE_LITERAL("urn:"))) return OK;
    for (size_t i = 0; i < transaction->count; i++) {
        if (!slice_equal(reference, fhir_text_of(entry_at(transaction, i), "fullUrl"))) continue;
        const struct fhir_entry *const entry = &transaction->entries[i];
        json_t *const name = json_sprintf("%s/%s", fhir_type_name(entry->type), entry->id.text);
        return json_object_set_new(object, "reference", name) == 0 ? OK : ERR_NO_MEMORY;
    }
    return OK;
}

/* Depth is bounded by JSON_MAX_DEPTH. */
static enum status rewrite_references(const struct fhir_transaction *transaction, json_t *value)
{
    const char *name;
    size_t index;
    json_t *member;
    if (json_is_object(value)) TRY(rewrite_reference(transaction, value));
    json_object_foreach (value, name, member) TRY(rewrite_references(transaction, member));
    json_array_foreach (value, index, member) TRY(rewrite_references(transaction, member));
    return OK;
}

static enum status check_envelope(const json_t *bundle, int64_t now_s, struct refusal *why)
{
    struct fhir_check check = {.why = why, .now_s = now_s, .path = "Bundle", .path_size = strlen("Bundle")};
    if (!slice_equal_text(fhir_text_of(bundle, "resourceType"), "Bundle"))
        return refuse(why, ERR_FHIR, "resourceType", "Bundle", "another type");
    return fhir_check_object(&check, bundle, bundle_elements, fhir_base_elements);
}

static enum status read_entries(struct fhir_transaction *transaction, int64_t now_s, struct refusal *why)
{
    const size_t count = json_array_size(json_object_get(transaction->bundle, "entry"));
    for (size_t i = 0; i < count; i++) TRY(read_entry(transaction, i, why));
    transaction->count = count;
    for (size_t i = 0; i < count; i++) {
        json_t *const resource = transaction->entries[i].resource;
        TRY(rewrite_references(transaction, resource));
        TRY(fhir_validate_at(resource, entry_path(i, "resource").text, now_s, why));
    }
    return OK;
}

enum status fhir_transaction_read(struct slice text, int64_t now_s, struct refusal *why,
                                  struct fhir_transaction *transaction_out)
{
    CLEANUP(fhir_transaction_done) struct fhir_transaction transaction = {};
    TRY(json_parse(text, FHIR_TRANSACTION_MAX_BYTES, why, &transaction.bundle));
    TRY(check_envelope(transaction.bundle, now_s, why));
    TRY(read_entries(&transaction, now_s, why));
    *transaction_out = transaction;
    transaction = (struct fhir_transaction){};
    return OK;
}

static json_t *response_entry(const struct fhir_entry *entry, int64_t now_s)
{
    return json_pack("{s:O, s:{s:s, s:o, s:s, s:s}}", "resource", entry->resource, "response", "status", "201 Created",
                     "location", json_sprintf("%s/%s/_history/1", fhir_type_name(entry->type), entry->id.text), "etag",
                     "W/\"1\"", "lastModified", time_iso8601(now_s).text);
}

enum status fhir_transaction_response(const struct fhir_transaction *transaction, int64_t now_s, json_t **bundle_out)
{
    json_t *const entries = json_array();
    CLEANUP(json_done)
    json_t *bundle =
        json_pack("{s:s, s:s, s:o}", "resourceType", "Bundle", "type", "transaction-response", "entry", entries);
    if (bundle == NULL) return ERR_NO_MEMORY;
    for (size_t i = 0; i < transaction->count; i++) {
        if (json_array_append_new(entries, response_entry(&transaction->entries[i], now_s)) != 0) return ERR_NO_MEMORY;
    }
    *bundle_out = bundle;
    bundle = NULL;
    return OK;
}

enum status fhir_searchset_new(json_t **bundle_out)
{
    json_t *const bundle = json_pack("{s:s, s:s, s:i}", "resourceType", "Bundle", "type", "searchset", "total", 0);
    if (bundle == NULL) return ERR_NO_MEMORY;
    *bundle_out = bundle;
    return OK;
}

enum status fhir_searchset_add(json_t *bundle, json_t *resource)
{
    /* R4 does not allow an empty array, so the first entry makes it. */
    if (json_object_get(bundle, "entry") == NULL && json_object_set_new(bundle, "entry", json_array()) != 0)
        return ERR_NO_MEMORY;
    json_t *const url = json_sprintf(FHIR_BASE "%s/%s", json_string_value(json_object_get(resource, "resourceType")),
                                     json_string_value(json_object_get(resource, "id")));
    json_t *const entry =
        json_pack("{s:o, s:O, s:{s:s}}", "fullUrl", url, "resource", resource, "search", "mode", "match");
    if (json_array_append_new(json_object_get(bundle, "entry"), entry) != 0) return ERR_NO_MEMORY;
    const json_int_t total = (json_int_t)fhir_searchset_count(bundle);
    return json_object_set_new(bundle, "total", json_integer(total)) == 0 ? OK : ERR_NO_MEMORY;
}

size_t fhir_searchset_count(const json_t *bundle)
{
    return json_array_size(json_object_get(bundle, "entry"));
}
