/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/appraise/reserved.h"

#include <stdlib.h>
#include <string.h>

/* Sorted. */
static const char *const names[] = {
    "aas-ehd",
    "attester_tcb_status",
    "cnf",
    "dbgstat",
    "eat_profile",
    "exp",
    "iat",
    "intuse",
    "iss",
    "jti",
    "maa-attestationcollateral",
    "maa-ehd",
    "maa-policyHash",
    "nbf",
    "nonce",
    "policy_hash",
    "policy_signer",
    "rp_data",
    "ver",
    "x-ms-attestation-type",
    "x-ms-compliance-status",
    "x-ms-inittime",
    "x-ms-policy",
    "x-ms-policy-hash",
    "x-ms-policy-signer",
    "x-ms-runtime",
    "x-ms-tpm-other-keys",
    "x-ms-tpm-request-key",
    "x-ms-ver",
};

static const struct slice prefixes[] = {
    {(const uint8_t *)"lazaret-", 8},
    {(const uint8_t *)"tdx_", 4},
    {(const uint8_t *)"x-ms-sevsnpvm-", 14},
    {(const uint8_t *)"x-ms-sgx-", 9},
};

static int compare(const void *key, const void *item)
{
    const struct slice *const name = key;
    const struct slice other = slice_of_text(*(const char *const *)item);
    const size_t common = name->size < other.size ? name->size : other.size;
    const int order = memcmp(name->bytes, other.bytes, common);
    if (order != 0) return order;
    return (name->size > other.size) - (name->size < other.size);
}

bool is_reserved_claim(struct slice name)
{
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (slice_starts_with(name, prefixes[i])) return true;
    }
    return name.size > 0 && bsearch(&name, names, sizeof(names) / sizeof(names[0]), sizeof(names[0]), compare) != NULL;
}

bool is_level_claim(struct slice name)
{
    return slice_starts_with(name, SLICE_LITERAL("x-lazaret-tcb-"));
}
