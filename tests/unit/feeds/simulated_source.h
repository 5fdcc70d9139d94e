/* SPDX-License-Identifier: Apache-2.0
 *
 * A collateral source for tests: a simulated authority behind a collateral_fetch, which can fail, wait or serve older
 * texts.
 */
#pragma once

#include "feeds/collateral_source.h"
#include "tee/simulation/authority.h"
#include "testing.h"

#include <pthread.h>

struct simulated_source {
    struct simulated_authority *authority;
    const struct key *root;
    struct trust_roots roots;
    pthread_mutex_t mutex; /* what follows is changed under it */
    enum status fails_with;
    int64_t signed_s;
    unsigned calls;
};

static inline void simulated_source_init(struct simulated_source *source, int64_t now_s)
{
    *source = (struct simulated_source){.signed_s = now_s};
    (void)pthread_mutex_init(&source->mutex, NULL);
    assert_ok(simulated_authority_new(now_s, &source->authority));
    source->root = simulated_authority_root(source->authority);
    source->roots = (struct trust_roots){.simulated = &source->root, .simulated_count = 1};
}

static inline void simulated_source_done(struct simulated_source *source)
{
    simulated_authority_free(source->authority);
    (void)pthread_mutex_destroy(&source->mutex);
}

static inline struct collateral_platform simulated_platform(void)
{
    struct collateral_platform platform = {.ca = "platform"};
    memcpy(platform.fmspc, simulated_fmspc, sizeof(platform.fmspc));
    return platform;
}

/* The buffers move; the chain is that of TCB info and QE identity both. */
static inline enum status simulated_files(const struct simulated_authority *authority, int64_t now_s,
                                          struct collateral_files *files_out)
{
    struct simulated_collateral made = {};
    const struct simulated_collateral_options options = {.now_s = now_s};
    TRY(simulated_authority_collateral(authority, &options, &made));
    struct buffer chain = buffer_of_maximum(made.tcb_issuer_chain.size);
    TRY(buffer_append(&chain, buffer_slice(&made.tcb_issuer_chain)));
    *files_out = (struct collateral_files){
        .tcb_info = made.tcb_info,
        .tcb_info_issuer_chain = made.tcb_issuer_chain,
        .qe_identity = made.qe_identity,
        .qe_identity_issuer_chain = chain,
        .pck_crl = made.pck_crl,
        .pck_crl_issuer_chain = made.pck_crl_issuer_chain,
        .root_ca_crl = made.root_ca_crl,
    };
    return OK;
}

static inline enum status simulated_source_fetch(void *context, const struct collateral_platform *, struct refusal *why,
                                                 struct pacing_hint *, struct collateral_files *files_out)
{
    struct simulated_source *const source = context;
    (void)pthread_mutex_lock(&source->mutex);
    source->calls++;
    const enum status fails_with = source->fails_with;
    const int64_t signed_s = source->signed_s;
    (void)pthread_mutex_unlock(&source->mutex);
    if (fails_with != OK) return refuse(why, fails_with, "source", "an answer", "none");
    return simulated_files(source->authority, signed_s, files_out);
}

static inline unsigned simulated_source_calls(struct simulated_source *source)
{
    (void)pthread_mutex_lock(&source->mutex);
    const unsigned calls = source->calls;
    (void)pthread_mutex_unlock(&source->mutex);
    return calls;
}
