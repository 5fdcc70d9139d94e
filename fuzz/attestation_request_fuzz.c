/* SPDX-License-Identifier: Apache-2.0
 * Hits attest_request_read, collateral_chain_decode, collateral_crl_decode, source_url_split.
 */
#include "attestation/collateral_setup.h"
#include "attestation/request.h"
#include "fuzz.h"

#include <stdlib.h>

static void read_request(struct slice body)
{
    CLEANUP(attest_request_done) struct attest_request request = {};
    struct refusal why = {};
    if (attest_request_read(body, &why, &request) != OK) return;
    if (request.quote.size > QUOTE_MAX_BYTES || request.runtime.bytes.size > ATTESTATION_RUNTIME_MAX_BYTES) abort();
    if (!request.runtime.is_given && request.runtime.bytes.size > 0) abort();
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
    read_request(slice_of(bytes, size));
    read_others(slice_of(bytes, size));
    return 0;
}
