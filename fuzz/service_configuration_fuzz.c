/* SPDX-License-Identifier: Apache-2.0
 * Hits configuration_read, collateral_configure and management_configure: the file that the host gives a program. */
#include "attestation/collateral_setup.h"
#include "attestation/management/setup.h"
#include "fuzz.h"
#include "parts.h"
#include "service/configuration.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const own_names[] = {"collateral", "management", "rate_limit", NULL};
    static const struct configuration_defaults defaults = {.own_names = own_names};
    static struct memory_file file;
    if (file.descriptor == 0) file = memory_file_new();
    memory_file_set(&file, slice_of(bytes, size));
    CLEANUP(configuration_done) struct configuration configuration = {};
    struct refusal why = {};
    if (configuration_read(file.path, &defaults, &why, &configuration) != OK) {
        if (configuration.json != NULL) abort();
        return 0;
    }
    if (strlen(configuration.deployment) != THUMBPRINT_TEXT_BYTES || configuration.manifest[0] == '\0') abort();
    CLEANUP(management_configuration_done) struct management_configuration management = {};
    if (management_configure(&configuration, &why, &management) == OK &&
        management.is_isolated != (management.policy_signers[0] != '\0'))
        abort();
    struct collateral_configuration own;
    if (collateral_configure(&configuration, &why, &own) != OK) return 0;
    if ((own.folder[0] == '\0') == (own.url[0] == '\0')) abort();
    return 0;
}
