/* SPDX-License-Identifier: Apache-2.0
 *
 * Hops that do what a test says, in place of chain.c, gate_client.c, diagnosis_client.c and the cache: so that a hop
 * can be exchanged at an exact moment of a request, which no race with real programs holds still.
 */
#pragma once

#include "platform/platform.h"

#include "testing.h"

#define GOOD_STATEMENT "the statement that holds"

/* At which moment the chain's statement changes under a request. */
enum moment {
    AT_NO_MOMENT,
    WHEN_THE_SESSION_IS_FOUND,
    WHEN_THE_SESSION_IS_KEPT,
    WHEN_THE_HOPS_KEY_IS_TAKEN,
    WHEN_THE_HOPS_ARE_LOOKED_AT,
};

static struct {
    bool holds; /* GOOD_STATEMENT is the present one */
    enum moment swap_at;
    enum chain_verdict diagnosis;
    char gate_key[THUMBPRINT_TEXT_BYTES + 1];
    enum status model_status, cache_status;
    unsigned looks, runs, forgotten;
    void (*during_run)(void);
    char cached_key[CACHE_KEY_MAX_BYTES];
    struct buffer cached;
} hops;

static inline void hops_reset(void)
{
    buffer_done(&hops.cached);
    memset(&hops, 0, sizeof(hops));
    hops.holds = true;
    hops.diagnosis = CHAIN_ACCEPTED;
    (void)snprintf(hops.gate_key, sizeof(hops.gate_key), "gate 1");
    hops.cached = buffer_of_maximum(CACHE_VALUE_MAX_BYTES);
}

/* The records are there. */
static inline void open_custody(struct platform *platform)
{
    assert_ok(custody_new(&platform->custody));
    assert_ok(custody_begin_change(platform->custody, CUSTODY_LOCKED, NULL));
    custody_end_change(platform->custody, CUSTODY_OPEN);
}

static inline void come_to(enum moment moment)
{
    if (hops.swap_at == moment) hops.holds = false;
}

/* ---- chain.h ---- */

bool chain_accepts(struct chain *, struct slice statement_hash)
{
    return hops.holds && slice_equal_text(statement_hash, GOOD_STATEMENT);
}

enum status chain_statement(struct chain *, struct buffer *jws)
{
    return buffer_append_text(jws, "the new statement");
}

enum status chain_hop(struct chain *, enum chain_hop_kind kind, enum chain_verdict *verdict_out,
                      char key_out[static THUMBPRINT_TEXT_BYTES + 1], struct buffer *)
{
    *verdict_out = kind == CHAIN_GATE ? CHAIN_ACCEPTED : hops.diagnosis;
    (void)snprintf(key_out, THUMBPRINT_TEXT_BYTES + 1, "%s", kind == CHAIN_GATE ? hops.gate_key : "diagnosis 1");
    if (kind == CHAIN_DIAGNOSIS) come_to(WHEN_THE_HOPS_KEY_IS_TAKEN);
    return OK;
}

void chain_look_again(struct chain *)
{
    hops.looks++;
    come_to(WHEN_THE_HOPS_ARE_LOOKED_AT);
}

/* ---- gate_client.h ---- */

bool gate_client_hold(struct gate_client *, const char *key)
{
    static char held[THUMBPRINT_TEXT_BYTES + 1];
    const bool is_another = strcmp(held, key) != 0;
    (void)snprintf(held, sizeof(held), "%s", key);
    return is_another;
}

/* ---- diagnosis_client.h ---- */

void diagnosis_result_done(struct diagnosis_result *result)
{
    buffer_done(&result->heatmap);
    buffer_done(&result->receipt);
}

enum status diagnosis_client_run(struct diagnosis_client *, const char *, struct slice, struct slice, struct refusal *,
                                 struct diagnosis_result *result_out)
{
    hops.runs++;
    void (*const during_run)(void) = hops.during_run;
    hops.during_run = NULL;
    if (during_run != NULL) during_run();
    if (hops.model_status != OK) return hops.model_status;
    *result_out = (struct diagnosis_result){
        .model_name = "model", .model_version = "1", .model_digest = "00", .score = 0.25, .threshold = 0.5};
    result_out->receipt = buffer_of_maximum(16);
    return buffer_append_text(&result_out->receipt, "a.b.c");
}

/* ---- records/cache.h: one value ---- */

void cache_forget_connections(struct cache *)
{
    hops.forgotten++;
}

enum status cache_get(struct cache *, struct slice key, struct buffer *value)
{
    come_to(WHEN_THE_SESSION_IS_FOUND);
    if (hops.cache_status != OK) return hops.cache_status;
    if (!slice_equal_text(key, hops.cached_key)) return ERR_NOT_FOUND;
    return buffer_append(value, buffer_slice(&hops.cached));
}

enum status cache_set(struct cache *, struct slice key, struct slice value, int64_t)
{
    come_to(WHEN_THE_SESSION_IS_KEPT);
    if (hops.cache_status != OK) return hops.cache_status;
    (void)snprintf(hops.cached_key, sizeof(hops.cached_key), "%.*s", (int)key.size, (const char *)key.bytes);
    buffer_clear(&hops.cached);
    return buffer_append(&hops.cached, value);
}

enum status cache_delete(struct cache *, struct slice)
{
    hops.cached_key[0] = '\0';
    return hops.cache_status;
}
