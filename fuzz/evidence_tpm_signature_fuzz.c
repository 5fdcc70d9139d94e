/* SPDX-License-Identifier: Apache-2.0
 * Hits tpm_signature_parse, tpm_signature_verify, tpm_public_key, tpm_public_name. */
#include "evidence/tpm.h"
#include "evidence/tpm/signature.h"
#include "fuzz.h"
#include "parts.h"

const size_t fuzz_allocation_max = 64 * 1024; /* OpenSSL's, for a key */

static void look_at_signature(struct slice input)
{
    static struct key *key;
    if (key == NULL) key = fixed_p256(7);
    struct tpm_signature signature;
    struct refusal why = {};
    if (tpm_signature_parse(input, &why, &signature) != OK) {
        if (why.field[0] == '\0') abort();
        return;
    }
    if (tpm_signature_verify(&signature, key, SLICE_LITERAL("what nobody signed"), &why) == OK) abort();
}

static void look_at_public_area(struct slice input)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    struct refusal why = {};
    uint8_t name[TPM_NAME_MAX_BYTES];
    size_t size = 0;
    const enum status status = tpm_public_key(input, &why, &key);
    if (status != OK && why.field[0] == '\0') abort();
    if (tpm_public_name(input, &why, name, &size) != status) abort();
    if (status == OK && (key_is_private(key) || size < 2 + SHA256_BYTES || size > sizeof(name))) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    look_at_signature(slice_of(bytes, size));
    look_at_public_area(slice_of(bytes, size));
    return 0;
}
