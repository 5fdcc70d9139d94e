/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/host_policy.h"

#include "base/file.h"

enum status host_policy_configure(const struct configuration *configuration, struct refusal *why,
                                  char path_out[static PATH_MAX])
{
    path_out[0] = '\0';
    if (json_object_get(configuration->json, "appraisal") == NULL) return OK;
    return configuration_path(configuration, configuration->json, "", "appraisal", why, path_out);
}

enum status host_policy_open(const char *path, struct refusal *why, struct appraisal_policy **policy_out)
{
    *policy_out = NULL;
    if (path[0] == '\0') return OK;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(APPRAISAL_POLICY_MAX_BYTES);
    TRY(file_read(path, why, &text));
    return appraisal_policy_new(buffer_slice(&text), why, policy_out);
}
