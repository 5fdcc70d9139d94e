/* SPDX-License-Identifier: Apache-2.0
 * Hits appraisal_policy_new and appraisal_check: evidence that says nothing is refused by every policy that can be
 * read, and a refusal tells a field. */
#include "evidence/appraisal.h"
#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct evidence_claims claims;
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = NULL;
    struct refusal why = {};
    const enum status status = appraisal_policy_new(slice_of(bytes, size), &why, &policy);
    if (status != OK) {
        if (status != ERR_APPRAISAL_POLICY || why.field[0] == '\0') abort();
        return 0;
    }
    for (enum evidence_kind kind = EVIDENCE_SGX; kind <= EVIDENCE_TPM; kind++) {
        claims.kind = kind;
        why = (struct refusal){};
        if (appraisal_check(policy, &claims, 0, &why) != ERR_APPRAISAL || why.field[0] == '\0') abort();
    }
    return 0;
}
