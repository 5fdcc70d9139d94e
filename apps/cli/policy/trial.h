/* SPDX-License-Identifier: Apache-2.0
 *
 * One trial of a policy: what it decided of given claims, what it issued, and rule by rule why; told to people or to
 * programs.
 */
#pragma once

#include "base/json.h"
#include "policy/policy.h"

struct trial {
    struct claim_set *incoming, *issued, *properties;
    json_t *rules; /* what each did, in the order of the text */
    bool is_explained;
    bool is_permitted;
    enum status status;
    struct refusal why;
};
void trial_done(struct trial *trial);

/* `incoming` is empty. ERR_NO_MEMORY. */
enum status trial_new(struct trial *trial_out);

/* Configuration, authorization, issuance. What the policy decides stands in the trial; ERR_POLICY_DENIED and failures
 * of evaluation do too. ERR_NO_MEMORY alone is returned. */
enum status trial_run(const struct policy *policy, struct trial *trial);

/* Appends. */
enum status trial_tell(const struct trial *trial, struct buffer *text);
enum status trial_json(const struct trial *trial, json_t **json_out);
