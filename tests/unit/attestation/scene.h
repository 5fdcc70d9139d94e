/* SPDX-License-Identifier: Apache-2.0
 *
 * An attestation service's way from request to token without its sockets: parsers and signers in processes of their
 * own, over a simulated machine and a source of its collateral, and a state in a file.
 */
#pragma once

#include "appraise/parts.h"
#include "attestation/attest_flow.h"
#include "attestation/signing/keys.h"
#include "base/json.h"
#include "crypto/x509.h"
#include "launcher_thread.h"
#include "token/jws.h"

#include <stdlib.h>

#define SCENE_ISSUER "https://localhost:7443"

struct scene {
    struct parts parts;
    struct launcher_thread launcher;
    struct parsers *parsers;
    struct signers *signers;
    struct secret state_key;
    char folder[64], path[80];
    struct document *document;
    struct state *state;
    struct signing_keys *keys;
    struct attest_flow flow;
};

static inline void scene_open_processes(struct scene *scene, const struct appraisal_policy *operator_policy)
{
    const struct appraiser appraiser = {.roots = &scene->parts.source.roots,
                                        .issuer = SCENE_ISSUER,
                                        .minimum_tcb_evaluation = SIMULATED_TCB_EVALUATION,
                                        .operator_policy = operator_policy};
    const struct parser_options parsers = {.appraiser = appraiser, .count = 2};
    launcher_thread_start(&scene->launcher, scene->parts.machine, &parts_program);
    assert_ok(parsers_start(&parsers, NULL, &scene->parsers));
    const struct signer_options signers = {.appraiser = appraiser,
                                           .tee = scene->launcher.tee,
                                           .deployment = "abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE",
                                           .count = 1};
    assert_ok(signers_start(&signers, NULL, &scene->signers));
    scene->launcher.tee = NULL;
}

static inline void scene_open_state(struct scene *scene)
{
    (void)snprintf(scene->folder, sizeof(scene->folder), "/tmp/lazaret-scene-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    (void)snprintf(scene->path, sizeof(scene->path), "%s/state.db", scene->folder);
    assert_ok(secret_alloc(32, &scene->state_key));
    const struct document_options document = {.path = scene->path, .name = "scene", .key = &scene->state_key};
    assert_ok(document_open(&document, NULL, &scene->document));
    const struct state_options options = {.document = scene->document};
    assert_ok(state_open(&options, NULL, &scene->state));
    const struct signing_keys_options keys = {
        .signers = scene->signers, .state = scene->state, .clock = scene->parts.clock, .issuer = SCENE_ISSUER};
    assert_ok(signing_keys_open(&keys, NULL, &scene->keys));
}

static inline void scene_open_with(struct scene *scene, const struct appraisal_policy *operator_policy)
{
    *scene = (struct scene){};
    parts_make(&scene->parts);
    scene_open_processes(scene, operator_policy);
    parts_start(&scene->parts);
    scene_open_state(scene);
    scene->flow = (struct attest_flow){
        .parsers = scene->parsers,
        .signers = scene->signers,
        .state = scene->state,
        .supplies = scene->parts.supplies,
        .clock = scene->parts.clock,
    };
}

static inline void scene_open(struct scene *scene)
{
    scene_open_with(scene, NULL);
}

static inline void scene_close(struct scene *scene)
{
    char command[128];
    signing_keys_free(scene->keys);
    state_free(scene->state);
    document_free(scene->document);
    secret_done(&scene->state_key);
    signers_free(scene->signers);
    parsers_free(scene->parsers);
    launcher_thread_stop(&scene->launcher);
    parts_close(&scene->parts);
    (void)snprintf(command, sizeof(command), "rm -rf %s", scene->folder);
    assert_int_equal(system(command), 0);
}

/* The payload of a token that this scene's key has signed. */
static inline json_t *scene_payload(const struct scene *scene, struct slice token)
{
    const struct state_view *const view = state_view(scene->state);
    CLEANUP(jws_done) struct jws jws = {};
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_int_equal(view->key_count, 1);
    assert_ok(certificate_from_der(buffer_slice(&view->keys[0].key.certificate), &certificate));
    assert_ok(jws_parse(token, NULL, &jws));
    assert_ok(jws_verify(&jws, JWS_TYP_TOKEN, certificate_key(certificate), NULL));
    assert_true(slice_equal_text(jws.kid, view->keys[0].key.kid));
    state_view_free(view);
    return json_incref(jws.payload);
}
