/* SPDX-License-Identifier: Apache-2.0
 * Hits claim_set_read, appraised_payload, json_append_string: whatever a policy issues, the payload is one JSON object,
 * and what the service says in it stays the service's.
 */
#include "attestation/appraise/shelf.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#define ISSUER "https://issuer"
#define JTI "id"

static void must(enum status status)
{
    if (status != OK) abort();
}

/* What every token of this evidence says, whatever is issued. */
static const struct {
    const char *name, *value;
} said[] = {{"iss", "\"" ISSUER "\""},
            {"jti", "\"" JTI "\""},
            {"iat", "1000"},
            {"exp", "29800"},
            {"x-ms-ver", "\"1.0\""},
            {"x-ms-policy-hash", "\"hash\""},
            {"x-ms-attestation-type", "\"sgx\""},
            {"x-ms-sgx-is-debuggable", "false"},
            {"x-ms-sgx-svn", "7"},
            {"lazaret-simulated", "true"}};

static void check_member(const json_t *payload, size_t at)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(256);
    const json_t *const value = json_object_get(payload, said[at].name);
    if (value == NULL || json_write(value, &text) != OK) abort();
    if (!slice_equal_text(buffer_slice(&text), said[at].value)) abort();
}

static void check(struct slice text)
{
    CLEANUP(json_done) json_t *payload = NULL;
    CLEANUP(buffer_done) struct buffer again = buffer_of_maximum(2 * ATTESTATION_PAYLOAD_MAX_BYTES);
    if (memchr(text.bytes, 0, text.size) != NULL) abort();
    if (json_parse(text, ATTESTATION_PAYLOAD_MAX_BYTES, NULL, &payload) != OK) {
        /* Our own readers take no NUL, which a policy may write into a text. */
        if (memmem(text.bytes, text.size, "\\u0000", 6) == NULL) abort();
        return;
    }
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) check_member(payload, i);
    must(json_write(payload, &again));
    if (!slice_equal(buffer_slice(&again), text)) abort(); /* compact and sorted */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct appraised *appraised;
    static struct stored_policy policy = {.hash = "hash"};
    static const struct appraiser appraiser = {.issuer = ISSUER};
    static const struct appraisal_materials materials = {.policy = &policy, .now_s = 1000};
    static const struct attest_request request = {.type = ATTESTATION_SGX_ENCLAVE};
    if (appraised == NULL) {
        must(appraised_new(&appraised));
        appraised->evidence = (struct evidence_claims){
            .kind = EVIDENCE_SGX, .sgx = {.svn = 7, .platform = {.simulated = true, .tcb_status = TCB_OUT_OF_DATE}}};
        appraised->life_s = ATTESTATION_TOKEN_LIFE_S;
        appraised->is_permitted = true;
        must(buffer_append_text(&appraised->collateral_json, "{}"));
        must(claim_set_add_text(appraised->incoming, "x-lazaret-tcb-status", SLICE_LITERAL("OutOfDate"),
                                CLAIM_OF_SERVICE, NULL));
    }
    if (claim_set_read(slice_of(bytes, size), NULL, appraised->outgoing) != OK) return 0;
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(2 * ATTESTATION_PAYLOAD_MAX_BYTES);
    const enum status status = appraised_payload(&appraiser, &request, &materials, appraised, JTI, NULL, &payload);
    if (status != OK && status != ERR_TOO_LARGE && status != ERR_NO_MEMORY) abort();
    if (status == OK) check(buffer_slice(&payload));
    return 0;
}
