/* SPDX-License-Identifier: Apache-2.0
 * Hits claims_file_parse and policy_source_parse: what `lazaret policy` reads. */
#include "cli/policy/claims_file.h"
#include "cli/policy/envelope.h"
#include "cli/policy/source.h"
#include "fuzz.h"
#include "token/jws.h"

#include <stdlib.h>

/* Claims that were read have types of a length that a set takes. */
static void check_claims(struct slice text)
{
    CLEANUP(claim_set_cleanup) struct claim_set *set = NULL;
    struct refusal why = {};
    if (claim_set_new(&set) != OK) return;
    if (claims_file_parse(text, &why, set) != OK) {
        if (why.field[0] == '\0') abort();
        return;
    }
    for (size_t i = 0; i < claim_set_count(set); i++)
        if (claim_set_at(set, i)->type.size > CLAIM_TYPE_MAX_BYTES) abort();
}

/* A policy's text comes out of a JWS around it as it went in. */
static void check_source(struct slice given)
{
    CLEANUP(policy_source_done) struct policy_source source = {}, again = {};
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(JWS_MAX_BYTES);
    struct refusal why = {};
    if (policy_source_parse(given, &why, &source) != OK) {
        if (why.field[0] == '\0') abort();
        return;
    }
    if (source.text.size == 0 || policy_wrap(buffer_slice(&source.text), &jws) != OK) return;
    if (policy_source_parse(buffer_slice(&jws), NULL, &again) != OK) abort();
    if (again.signer != NULL || !slice_equal(buffer_slice(&again.text), buffer_slice(&source.text))) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check_claims(slice_of(bytes, size));
    check_source(slice_of(bytes, size));
    return 0;
}
