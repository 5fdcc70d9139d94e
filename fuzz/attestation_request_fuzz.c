/* SPDX-License-Identifier: Apache-2.0
 * Hits attest_request_parse for every type, attest_request_write, attest_request_read, collateral_chain_decode,
 * collateral_crl_decode, source_url_split.
 */
#include "attestation/appraise/request.h"
#include "attestation/collateral_setup.h"
#include "fuzz.h"

#include <stdlib.h>

static void check_bounds(const struct attest_request *request)
{
    if (request->type != ATTESTATION_TPM && request->evidence.size > QUOTE_MAX_BYTES) abort();
    if (request->evidence.size > ATTEST_EVIDENCE_MAX_BYTES || request->draft.size > POLICY_MAX_BYTES) abort();
    if (request->runtime.bytes.size > ATTESTATION_RUNTIME_MAX_BYTES) abort();
    if (!request->runtime.is_given && request->runtime.bytes.size > 0) abort();
    if (!request->has_draft && request->draft.size > 0) abort();
}

/* What was read goes over to the next process as it is. */
static void pass_on(const struct attest_request *request)
{
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(2 * ATTEST_BODY_MAX_BYTES);
    CLEANUP(attest_request_done) struct attest_request back = {};
    if (attest_request_write(request, &bytes) != OK) abort();
    if (attest_request_read(buffer_slice(&bytes), NULL, &back) != OK) abort();
    if (!slice_equal(buffer_slice(&back.evidence), buffer_slice(&request->evidence))) abort();
}

static void read_request(enum attestation_type type, struct slice body)
{
    CLEANUP(attest_request_done) struct attest_request request = {};
    struct refusal why = {};
    const enum status status = attest_request_parse(type, body, &why, &request);
    if (status != OK && status != ERR_NO_MEMORY && why.field[0] == '\0') abort();
    if (status != OK) return;
    check_bounds(&request);
    pass_on(&request);
}

/* What a collateral service may answer, and what a configuration may name. */
static void read_others(struct slice text)
{
    CLEANUP(buffer_done) struct buffer decoded = buffer_of_maximum(text.size);
    CLEANUP(buffer_done) struct buffer copy = buffer_of_maximum(text.size + 1);
    struct source_url url;
    struct refusal why = {};
    const char *characters;
    (void)!collateral_chain_decode(text, &decoded);
    buffer_clear(&decoded);
    (void)!collateral_crl_decode(text, &decoded);
    if (buffer_append(&copy, text) != OK || buffer_text(&copy, &characters) != OK) return;
    (void)!source_url_split(characters, "url", &why, &url);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    for (unsigned type = 0; type < ATTESTATION_TYPE_COUNT; type++)
        read_request((enum attestation_type)type, slice_of(bytes, size));
    read_others(slice_of(bytes, size));
    return 0;
}
