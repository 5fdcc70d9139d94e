/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/default_policy.h"

#include "crypto/hash.h"

#include <strings.h>

#define PERMIT "version= 1.0;authorizationrules{=> permit();};"
#define ISSUE(incoming, issued) "c:[type==\"" incoming "\"] => issue(type=\"" issued "\", value=c.value);"
#define ISSUE_OLD(name) ISSUE("$" name, name)

static const char sgx_enclave[] =
    PERMIT "issuancerules{" ISSUE("x-ms-sgx-is-debuggable", "is-debuggable") ISSUE("x-ms-sgx-mrsigner", "sgx-mrsigner")
        ISSUE("x-ms-sgx-mrenclave", "sgx-mrenclave") ISSUE("x-ms-sgx-product-id", "product-id")
            ISSUE("x-ms-sgx-svn", "svn") ISSUE("x-ms-attestation-type", "tee") "};";

static const char open_enclave[] =
    "version= 1.0;authorizationrules{c:[type==\"$is-debuggable\"] => permit();};issuancerules{" ISSUE_OLD(
        "is-debuggable") ISSUE_OLD("sgx-mrsigner") ISSUE_OLD("sgx-mrenclave") ISSUE_OLD("product-id") ISSUE_OLD("svn")
        ISSUE_OLD("tee") "};";

struct slice default_policy_text(const char *attestation_type)
{
    static const struct {
        const char *type, *text;
    } defaults[] = {
        {"SgxEnclave", sgx_enclave},
        {"OpenEnclave", open_enclave},
        {"SevSnpVm", PERMIT},
        {"TdxVm", PERMIT},
    };
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        if (strcasecmp(attestation_type, defaults[i].type) == 0) return slice_of_text(defaults[i].text);
    }
    return (struct slice){};
}

enum status policy_text_hash(struct slice text, struct base64url32 *hash_out)
{
    if (text.size > POLICY_TEXT_MAX_BYTES) return ERR_TOO_LARGE;
    CLEANUP(buffer_done) struct buffer encoded = buffer_of_maximum(2 * POLICY_TEXT_MAX_BYTES);
    uint8_t digest[SHA256_BYTES];
    TRY(base64url_encode(text, &encoded));
    TRY(sha256(buffer_slice(&encoded), digest));
    *hash_out = base64url_of_32(digest);
    return OK;
}
