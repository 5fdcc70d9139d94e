/* SPDX-License-Identifier: Apache-2.0
 * Hits fhir_parse, fhir_validate, fhir_transaction_read, fhir_transaction_response, fhir_outcome, fhir_stamp,
 * fhir_patient_of. */
#include "fuzz.h"
#include "records/fhir_bundle.h"
#include "records/fhir_outcome.h"

#include <stdlib.h>

enum { NOW_S = 1763719200 };

/* What validates once validates again after it was stamped and written. */
static void check_resource(struct slice text)
{
    CLEANUP(json_done) json_t *resource = NULL;
    struct refusal why = {};
    if (fhir_parse(text, &why, &resource) != OK) return;
    struct record_id patient;
    (void)fhir_patient_of(resource, &patient);
    if (fhir_validate(resource, NOW_S, &why) != OK) {
        CLEANUP(json_done) json_t *outcome = NULL;
        if (why.field[0] == '\0' || fhir_outcome(&why, &outcome) != OK) abort();
        return;
    }
    if (fhir_stamp(resource, "0", 1, NOW_S) != OK || fhir_validate(resource, NOW_S, &why) != OK) abort();
}

static void check_bundle(struct slice text)
{
    CLEANUP(fhir_transaction_done) struct fhir_transaction transaction = {};
    struct refusal why = {};
    if (fhir_transaction_read(text, NOW_S, &why, &transaction) != OK) return;
    CLEANUP(json_done) json_t *response = NULL;
    if (fhir_transaction_response(&transaction, NOW_S, &response) != OK) abort();
    for (size_t i = 0; i < transaction.count; i++) {
        if (fhir_validate(transaction.entries[i].resource, NOW_S, &why) != OK) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check_resource(slice_of(bytes, size));
    check_bundle(slice_of(bytes, size));
    return 0;
}
