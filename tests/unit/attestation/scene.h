/* SPDX-License-Identifier: Apache-2.0
 *
 * An attestation service's parts without its sockets: a simulated machine, a source of its collateral, a signing key.
 */
#pragma once

#include "attestation/attest.h"
#include "base/encoding.h"
#include "base/json.h"
#include "simulated_source.h"
#include "tee/simulation/machine.h"
#include "testing.h"
#include "token/jws.h"

enum { SCENE_NOW = 1800000000, SCENE_PATIENCE_MS = 10000 };

struct scene {
    struct simulated_source source;
    struct simulated_machine *machine;
    struct clock *clock;
    struct collateral_feed *feed;
    struct evidence_caches caches;
    struct stored_policy policies[ATTESTATION_TYPE_COUNT];
    struct signer signer;
    struct attest_service attest;
};

static const struct simulated_identity scene_program = {
    .mrenclave = {0xaa, [31] = 1}, .mrsigner = {0xbb, [31] = 2}, .product_id = 3, .svn = 4};

static inline void scene_open(struct scene *scene)
{
    *scene = (struct scene){};
    simulated_source_init(&scene->source, SCENE_NOW);
    assert_ok(simulated_machine_new(scene->source.authority, NULL, SCENE_NOW, &scene->machine));
    assert_ok(clock_new_fixed(SCENE_NOW, &scene->clock));
    const struct collateral_feed_options options = {
        .clock = scene->clock,
        .roots = &scene->source.roots,
        .fetch = simulated_source_fetch,
        .fetch_context = &scene->source,
    };
    assert_ok(collateral_feed_start(&options, &scene->feed));
    assert_ok(verification_cache_new(16, &scene->caches.intel));
    assert_ok(key_generate(KEY_RSA, SIGNER_KEY_BITS, &scene->signer.key));
    assert_ok(attestation_key_id(scene->signer.key, &scene->signer.id));
    scene->signer.certificate = buffer_of_maximum(0);
    assert_ok(attest_default_policies(scene->policies));
    scene->attest = (struct attest_service){
        .appraiser =
            {
                .roots = &scene->source.roots,
                .caches = &scene->caches,
                .issuer = "https://localhost:7443",
                .minimum_tcb_evaluation = SIMULATED_TCB_EVALUATION,
            },
        .policies = scene->policies,
        .clock = scene->clock,
        .collateral = scene->feed,
        .signer = &scene->signer,
    };
}

static inline void scene_close(struct scene *scene)
{
    collateral_feed_free(scene->feed);
    verification_cache_free(scene->caches.intel);
    clock_free(scene->clock);
    simulated_machine_free(scene->machine);
    simulated_source_done(&scene->source);
    for (size_t i = 0; i < ATTESTATION_TYPE_COUNT; i++) stored_policy_done(&scene->policies[i]);
    signer_done(&scene->signer);
}

/* A quote of the program that binds `data` (its digest, then zeros). */
static inline void scene_quote(const struct scene *scene, struct slice data, struct buffer *quote)
{
    uint8_t report_data[64];
    assert_ok(runtime_data_report_data(data, report_data));
    *quote = buffer_of_maximum(QUOTE_MAX_BYTES);
    assert_ok(simulated_machine_quote(scene->machine, &scene_program, report_data, quote));
}

/* The payload of a token that this scene's key has signed. */
static inline json_t *scene_payload(const struct scene *scene, struct slice token)
{
    CLEANUP(jws_done) struct jws jws = {};
    assert_ok(jws_parse(token, NULL, &jws));
    assert_ok(jws_verify(&jws, JWS_TYP_TOKEN, scene->signer.key, NULL));
    assert_true(slice_equal_text(jws.kid, scene->signer.id.text));
    return json_incref(jws.payload);
}
