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

enum status host_policy_read(const char *path, struct refusal *why, struct buffer *text)
{
    *text = buffer_of_maximum(APPRAISAL_POLICY_MAX_BYTES);
    return path[0] == '\0' ? OK : file_read(path, why, text);
}

enum status host_policy_check_same(const char *path, const struct buffer *text, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer now = {};
    TRY(host_policy_read(path, why, &now));
    if (slice_equal(buffer_slice(&now), buffer_slice(text))) return OK;
    (void)!refuse(why, ERR_CONFIG, "appraisal", "the policy that the program started with", "another");
    return refuse_fix(why, ERR_CONFIG, "this needs a new start of the program; or change it back");
}

enum status host_policy_open(const char *path, struct refusal *why, struct appraisal_policy **policy_out)
{
    *policy_out = NULL;
    if (path[0] == '\0') return OK;
    CLEANUP(buffer_done) struct buffer text = {};
    TRY(host_policy_read(path, why, &text));
    return appraisal_policy_new(buffer_slice(&text), why, policy_out);
}
