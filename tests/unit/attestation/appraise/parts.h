/* SPDX-License-Identifier: Apache-2.0
 *
 * A simulated machine, the source of its collateral, the feeds and the policies of a service: what parsers and signers
 * are given to work with, without a service.
 */
#pragma once

#include "attestation/management/state_form.h"
#include "attestation/supplies.h"
#include "base/encoding.h"
#include "simulated_source.h"
#include "tee/simulation/machine.h"
#include "testing.h"
#include "token/runtime_data.h"

enum { PARTS_NOW = 1800000000, PARTS_PATIENCE_MS = 10000 };

struct parts {
    struct simulated_source source;
    struct simulated_machine *machine;
    struct clock *clock;
    struct collateral_feed *feed;
    struct supplies supplies;
    struct state_view view;
    struct supply supply;
};

static const struct simulated_identity parts_program = {
    .mrenclave = {0xaa, [31] = 1}, .mrsigner = {0xbb, [31] = 2}, .product_id = 3, .svn = 4};

/* Without threads: who forks does it after this. */
static inline void parts_make(struct parts *parts)
{
    *parts = (struct parts){};
    simulated_source_init(&parts->source, PARTS_NOW);
    assert_ok(simulated_machine_new(parts->source.authority, NULL, PARTS_NOW, &parts->machine));
    assert_ok(clock_new_fixed(PARTS_NOW, &parts->clock));
    assert_ok(state_defaults(&parts->view));
}

static inline void parts_start(struct parts *parts)
{
    const struct collateral_feed_options options = {
        .clock = parts->clock,
        .roots = &parts->source.roots,
        .fetch = simulated_source_fetch,
        .fetch_context = &parts->source,
    };
    assert_ok(collateral_feed_start(&options, &parts->feed));
    parts->supplies = (struct supplies){.collateral = parts->feed};
    parts->supply = (struct supply){.supplies = &parts->supplies, .view = &parts->view, .wait_ms = PARTS_PATIENCE_MS};
}

static inline void parts_open(struct parts *parts)
{
    parts_make(parts);
    parts_start(parts);
}

static inline void parts_close(struct parts *parts)
{
    collateral_feed_free(parts->feed);
    clock_free(parts->clock);
    simulated_machine_free(parts->machine);
    simulated_source_done(&parts->source);
    state_view_clear(&parts->view);
}

/* A quote of the program that binds `data` (its digest, then zeros). */
static inline struct buffer parts_quote(const struct parts *parts, struct slice data)
{
    struct buffer quote = buffer_of_maximum(QUOTE_MAX_BYTES);
    uint8_t report_data[64];
    assert_ok(runtime_data_report_data(data, report_data));
    assert_ok(simulated_machine_quote(parts->machine, &parts_program, report_data, &quote));
    return quote;
}

/* {"quote","nonce","runtimeData"} with `extra` members behind them. */
static inline struct buffer parts_body(const struct parts *parts, const char *runtime, const char *nonce,
                                       const char *extra)
{
    CLEANUP(buffer_done) struct buffer quote = parts_quote(parts, slice_of_text(runtime));
    struct buffer body = buffer_of_maximum(ATTEST_BODY_MAX_BYTES);
    assert_ok(buffer_append_text(&body, "{\"quote\":\""));
    assert_ok(base64url_encode(buffer_slice(&quote), &body));
    assert_ok(buffer_append_format(&body, "\",\"nonce\":\"%s\",\"runtimeData\":{\"data\":\"", nonce));
    assert_ok(base64url_encode(slice_of_text(runtime), &body));
    assert_ok(buffer_append_format(&body, "\",\"dataType\":\"JSON\"}%s}", extra));
    return body;
}
