/* SPDX-License-Identifier: Apache-2.0
 * Hits tpm_message_kind, tpm_roots_from_pem, tpm_aik_check, windows_event_json, windows_facts_add, uefi_variable_read
 * and event_data_json. The first byte says what the rest is: 0 a message, 1 a PEM file of authorities, 2 a certificate
 * of an attestation identity key, 3 an event's data, of each type in turn. */
#include "attestation/tpm/event_data.h"
#include "attestation/tpm/roots.h"
#include "attestation/tpm/windows.h"
#include "fuzz.h"
#include "parts.h"

const size_t fuzz_allocation_max = FUZZ_JSON_GROWTH * (TPM_REQUEST_MAX_BYTES + 4096);

static void read_message(struct slice bytes)
{
    struct refusal why = {};
    enum tpm_message_kind kind;
    const enum status status = tpm_message_kind(bytes, &why, &kind);
    if (status != OK && status != ERR_NO_MEMORY && why.field[0] == '\0') abort();
}

static void read_authorities(struct slice bytes)
{
    CLEANUP(tpm_roots_cleanup) struct tpm_roots *roots = NULL;
    struct refusal why = {};
    const enum status status = tpm_roots_from_pem(bytes, &why, &roots);
    if (status != OK && status != ERR_NO_MEMORY && why.field[0] == '\0') abort();
}

/* No certificate of a fuzzer's leads to an authority of its choice but the ones that it is given. */
static void read_certificate(struct slice bytes)
{
    CLEANUP(tpm_roots_cleanup) struct tpm_roots *roots = NULL;
    CLEANUP(key_cleanup) struct key *aik = fixed_p256(7);
    struct refusal why = {};
    if (tpm_roots_from_pem(bytes, NULL, &roots) == OK)
        (void)!tpm_aik_check(roots, bytes, aik, 1790000000, &why);
    else if (tpm_aik_check(NULL, bytes, aik, 1790000000, &why) == OK)
        abort();
}

static void read_data(struct slice bytes)
{
    static const uint32_t types[] = {EVENT_TAG, EVENT_VARIABLE_DRIVER_CONFIG, 0x80000007, 0x800000e0};
    struct windows_facts facts = {};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        CLEANUP(json_done) json_t *json = NULL, *hidden = NULL;
        const struct tpm_event event = {.pcr = 12, .type = types[i], .data = bytes};
        must(event_data_json(&event, true, &json));
        must(event_data_json(&event, false, &hidden));
        if (hidden != NULL) abort();
    }
    must(windows_facts_add(bytes, &facts));
    if (facts.identity_key_count > WINDOWS_IDENTITY_KEY_MAX_COUNT) abort();
    if (facts.has_os_parameters && !windows_is_trust_boundary(bytes)) abort();
    windows_facts_done(&facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) return 0;
    const struct slice rest = slice_of(bytes + 1, size - 1);
    switch (bytes[0] % 4) {
    case 0: read_message(rest); break;
    case 1: read_authorities(rest); break;
    case 2: read_certificate(rest); break;
    default: read_data(rest); break;
    }
    return 0;
}
