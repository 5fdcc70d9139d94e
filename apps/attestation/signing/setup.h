/* SPDX-License-Identifier: Apache-2.0
 *
 * Signers and signing keys as the program has them: from its configuration, forked in its hand_over_tee, opened over
 * its state.
 */
#pragma once

#include "attestation/signing/keys.h"
#include "service/service.h"

struct signing_configuration {
    enum signing_algorithm algorithm;
    int64_t interval_s; /* of rotation; 0: never by itself */
};

enum { SIGNING_ROTATION_MAX_DAYS = 3650 };

/* The member `signing_key`, {"algorithm": "RS256" or "ES256", "rotation_days": NUMBER}, both optional: RS256, 0. */
enum status signing_configure(const struct configuration *configuration, struct refusal *why,
                              struct signing_configuration *signing_out);

struct signing_setup {
    struct signers *signers;
    struct signing_keys *keys;
};

/* In hand_over_tee: forks the signers, which take the TEE over; service->tee is what they leave. `appraiser` lives as
 * long as the program. */
enum status signing_setup_fork(const struct signing_configuration *configuration, const struct appraiser *appraiser,
                               struct service *service, struct refusal *why, struct signing_setup *setup_out);

/* After the state is open. From now on signing_setup_changed is to be called for each new view. */
enum status signing_setup_open(const struct signing_configuration *configuration, struct service *service,
                               struct state *state, const char *issuer, struct refusal *why,
                               struct signing_setup *setup);
void signing_setup_changed(struct signing_setup *setup);

/* First the keys, before the state goes; then, when nobody asks any more, the signers. */
void signing_setup_close(struct signing_setup *setup);
void signing_setup_done(struct signing_setup *setup);
