/* SPDX-License-Identifier: Apache-2.0
 * Hits policy_compile: the input is a policy's text. What compiles runs over claims like those of an enclave and a TPM.
 */
#include "fuzz.h"
#include "policies.h"

#include <stdlib.h>

static const char events[] =
    "{\"Events\":[{\"EventSeq\":1,\"EventTypeString\":\"EV_SEPARATOR\",\"PcrIndex\":7,\"ProcessedData\":{\"Name\":"
    "\"x\"}},"
    "{\"EventSeq\":2,\"EventTypeString\":\"EV_EVENT_TAG\",\"PcrIndex\":12,\"ProcessedData\":{\"SET\":[true,true,1]}}]}";

static void fill(struct claim_set *claims)
{
    must(claim_set_add_boolean(claims, "debug", false, CLAIM_OF_SERVICE, NULL));
    must(claim_set_add_boolean(claims, "$is-debuggable", false, CLAIM_OF_SERVICE, NULL));
    must(claim_set_add_integer(claims, "svn", 3, CLAIM_OF_SERVICE, NULL));
    must(claim_set_add_integer(claims, "svn", 4, CLAIM_OF_SERVICE, NULL));
    must(claim_set_add_text(claims, "name", SLICE_LITERAL("abc"), CLAIM_OF_SERVICE, NULL));
    must(claim_set_add_text(claims, "os", SLICE_LITERAL("abc"), CLAIM_OF_CLIENT, NULL));
    must(claim_set_add_text(claims, "events", slice_of_text(events), CLAIM_OF_SERVICE, NULL));
    struct claim pcrs = {.type = SLICE_LITERAL("pcrs"), .read_only = true};
    pcrs.value.text = SLICE_LITERAL("{\"PCRs\":[{\"Index\":0,\"Digests\":{\"SHA1\":\"aa\"}}]}");
    must(claim_set_add(claims, &pcrs, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct claim_set *claims;
    CLEANUP(policy_cleanup) struct policy *policy = NULL;
    struct refusal why = {};
    if (claims == NULL) {
        must(claim_set_new(&claims));
        fill(claims);
    }
    const enum status status = policy_compile(slice_of(bytes, size), &why, &policy);
    if (status != OK && status != ERR_POLICY_SYNTAX && status != ERR_POLICY_LIMIT) abort();
    if (status != OK && (why.field[0] == '\0' || why.expected[0] == '\0' || policy != NULL)) abort();
    if (status == OK) check_policy(policy, claims);
    return 0;
}
