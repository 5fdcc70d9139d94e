/* SPDX-License-Identifier: Apache-2.0
 *
 * FHIR R4 Bundles: the transaction that a client sends, the answer to it, and search results. Pure but for fresh ids.
 *
 * A transaction holds 1 to 50 entries, each a POST of a resource of a type that clients write, with `request.url` the
 * type. An entry may have a `fullUrl` "urn:uuid:..."; references to it become "Type/ID" of the record that it will be.
 * Order does not matter. Conditional requests are refused. Every resource is validated; nothing is kept unless all
 * hold.
 */
#pragma once

#include "records/fhir.h"

enum { FHIR_TRANSACTION_MAX_BYTES = 1024 * 1024, FHIR_TRANSACTION_MAX_ENTRIES = 50 };

struct fhir_entry {
    enum fhir_type type;
    struct record_id id; /* fresh */
    json_t *resource;    /* borrowed from the bundle; references are rewritten, not stamped yet */
};

struct fhir_transaction {
    json_t *bundle;
    struct fhir_entry entries[FHIR_TRANSACTION_MAX_ENTRIES];
    size_t count;
};

/* Parses, gives ids, rewrites references, validates. ERR_FHIR with the path ("Bundle.entry[2].resource.birthDate"),
 * ERR_JSON_SYNTAX, ERR_TOO_LARGE, ERR_CRYPTO. */
enum status fhir_transaction_read(struct slice text, int64_t now_s, struct refusal *why,
                                  struct fhir_transaction *transaction_out);
void fhir_transaction_done(struct fhir_transaction *transaction);

/* The Bundle `transaction-response`, in the order of the entries; each resource as it stands in the transaction. */
enum status fhir_transaction_response(const struct fhir_transaction *transaction, int64_t now_s, json_t **bundle_out);

/* A searchset Bundle: begun empty, then grown; `total` counts along. `resource` is shared, not copied. */
enum status fhir_searchset_new(json_t **bundle_out);
enum status fhir_searchset_add(json_t *bundle, json_t *resource);
size_t fhir_searchset_count(const json_t *bundle);
