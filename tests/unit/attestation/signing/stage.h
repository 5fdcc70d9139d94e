/* SPDX-License-Identifier: Apache-2.0
 *
 * Signers over a simulated machine: the launcher is a thread of the test, as in production it is another process.
 */
#pragma once

#include "attestation/signing/signers.h"
#include "launcher_thread.h"
#include "tee/simulation/machine.h"
#include "testing.h"
#include "token/jws.h"

#include <signal.h>
#include <sys/wait.h>

enum { STAGE_NOW = 1800000000 };

#define STAGE_DEPLOYMENT "abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE"
#define STAGE_ISSUER "https://localhost:7443"

static const struct simulated_identity stage_service = {
    .mrenclave = {0xaa}, .mrsigner = {0xbb}, .product_id = 1, .svn = 1};

struct stage {
    struct simulated_authority *authority;
    struct simulated_machine *machine;
    struct launcher_thread launcher;
    struct signer_options options;
    struct signers *signers;
};

static inline void stage_set(struct stage *stage)
{
    *stage = (struct stage){};
    assert_ok(simulated_authority_new(STAGE_NOW, &stage->authority));
    assert_ok(simulated_machine_new(stage->authority, NULL, STAGE_NOW, &stage->machine));
    launcher_thread_start(&stage->launcher, stage->machine, &stage_service);
    stage->options = (struct signer_options){
        .appraiser = {.issuer = STAGE_ISSUER},
        .tee = stage->launcher.tee,
        .deployment = STAGE_DEPLOYMENT,
        .count = 2,
    };
}

static inline void stage_start(struct stage *stage)
{
    struct refusal why = {};
    const enum status status = signers_start(&stage->options, &why, &stage->signers);
    if (status != OK) fail_msg("%s: %s %s", status_name(status), why.field, why.seen);
    stage->launcher.tee = NULL; /* taken over */
}

static inline void stage_clear(struct stage *stage)
{
    signers_free(stage->signers);
    launcher_thread_stop(&stage->launcher);
    simulated_machine_free(stage->machine);
    simulated_authority_free(stage->authority);
}
