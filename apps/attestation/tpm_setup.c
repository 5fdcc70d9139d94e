/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm_setup.h"

#include "base/file.h"

enum status tpm_setup_configure(const struct configuration *configuration, struct refusal *why,
                                char path_out[static PATH_MAX])
{
    path_out[0] = '\0';
    if (json_object_get(configuration->json, "tpm_roots") == NULL) return OK;
    return configuration_path(configuration, configuration->json, "", "tpm_roots", why, path_out);
}

enum status tpm_setup_open(const char *path, struct refusal *why, struct tpm_roots **roots_out)
{
    *roots_out = NULL;
    if (path[0] == '\0') return OK;
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(TPM_ROOTS_MAX_BYTES);
    TRY(file_read(path, why, &pem));
    return tpm_roots_from_pem(buffer_slice(&pem), why, roots_out);
}
