/* SPDX-License-Identifier: Apache-2.0
 * Hits signer_ask_read, signer_ask_write, signer_may_quote, policy_result_payload: what a service that was taken over
 * may ask of a signer.
 */
#include "attestation/signing/policy_result.h"
#include "attestation/signing/question.h"
#include "base/json.h"
#include "fuzz.h"

#include <stdlib.h>

#define ISSUER "https://localhost:7443"

/* Nothing but what its kind has gets into a payload. */
static void check_payload(const struct buffer *payload)
{
    enum { COMMON = 4, KIND_MAX = 3 };
    CLEANUP(json_done) json_t *json = NULL;
    if (json_parse(buffer_slice(payload), LINK_FRAME_MAX_BYTES, NULL, &json) != OK) abort();
    if (json_object_size(json) > COMMON + KIND_MAX) abort();
    const char *const issuer = json_string_value(json_object_get(json, "iss"));
    if (issuer == NULL || !slice_equal_text(slice_of_text(issuer), ISSUER)) abort();
    if (json_object_get(json, "x-ms-attestation-type") != NULL || json_object_get(json, "x-ms-runtime") != NULL)
        abort();
}

static void make_result(const struct policy_result_question *question)
{
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(LINK_FRAME_MAX_BYTES);
    struct refusal why = {};
    if (policy_result_payload(ISSUER, question, &why, &payload) == OK) check_payload(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct signer_ask ask = {};
    const struct slice question = slice_of(bytes, size);
    if (signer_ask_read(question, &ask) != OK) return 0;
    CLEANUP(buffer_done) struct buffer again = buffer_of_maximum(LINK_FRAME_MAX_BYTES);
    if (signer_ask_write(&ask, &again) != OK || !slice_equal(buffer_slice(&again), question)) abort();
    if (ask.deed == SIGNER_QUOTE && ask.data.bytes[0] != '{') abort();
    if (ask.deed == SIGNER_POLICY_RESULT) make_result(&ask.result);
    return 0;
}
