/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole good evidence of Intel's kinds from which tests derive bad: minted here, and where the shared vectors are at
 * hand genuine of SGX and of TDX 1.0 and 1.5. Every part is a buffer of the world's own, to be changed at will.
 */
#pragma once

#include "evidence_vectors.h"
#include "test_pki.h"

#include "crypto/pem.h"

enum part {
    PART_QUOTE,
    PART_TCB_INFO,
    PART_TCB_INFO_CHAIN,
    PART_QE_IDENTITY,
    PART_QE_IDENTITY_CHAIN,
    PART_PCK_CRL,
    PART_PCK_CRL_CHAIN,
    PART_ROOT_CRL,
    PART_COUNT,
};
static const char *const part_names[PART_COUNT] = {
    "quote",   "TCB info",        "TCB info's chain", "QE identity", "QE identity's chain",
    "PCK CRL", "PCK CRL's chain", "root CRL"};

struct world {
    const char *name;
    bool is_tdx, is_minted;
    struct buffer parts[PART_COUNT];
    int64_t now_s;
    struct test_pki pki; /* of a minted one */
    const struct trust_roots *roots;
};

static inline void world_done(struct world *world)
{
    for (size_t i = 0; i < PART_COUNT; i++) buffer_done(&world->parts[i]);
    if (world->is_minted) pki_done(&world->pki);
}

static inline struct collateral_texts world_texts(const struct world *world)
{
    return (struct collateral_texts){
        .tcb_info = buffer_slice(&world->parts[PART_TCB_INFO]),
        .tcb_info_issuer_chain = buffer_slice(&world->parts[PART_TCB_INFO_CHAIN]),
        .qe_identity = buffer_slice(&world->parts[PART_QE_IDENTITY]),
        .qe_identity_issuer_chain = buffer_slice(&world->parts[PART_QE_IDENTITY_CHAIN]),
        .pck_crl = buffer_slice(&world->parts[PART_PCK_CRL]),
        .pck_crl_issuer_chain = buffer_slice(&world->parts[PART_PCK_CRL_CHAIN]),
        .root_ca_crl = buffer_slice(&world->parts[PART_ROOT_CRL]),
    };
}

/* Its quote as it stands, with collateral that is open already. */
static inline enum status world_verify_quote(const struct world *world, const struct collateral *collateral,
                                             int64_t now_s, struct refusal *why)
{
    const struct intel_evidence evidence = {.quote = buffer_slice(&world->parts[PART_QUOTE])};
    struct sgx_claims sgx;
    struct tdx_claims tdx;
    return world->is_tdx ? tdx_quote_verify(&evidence, collateral, world->roots, now_s, NULL, why, &tdx)
                         : sgx_quote_verify(&evidence, collateral, world->roots, now_s, NULL, why, &sgx);
}

static inline enum status world_verify(const struct world *world, int64_t now_s, struct refusal *why)
{
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    const struct collateral_texts texts = world_texts(world);
    TRY(collateral_new(&texts, world->roots, why, &collateral));
    return world_verify_quote(world, collateral, now_s, why);
}

/* Refused, and the refusal names a field and what was expected of it. */
static inline void assert_refused(enum status status, const struct refusal *why, const struct world *world,
                                  const char *what, size_t at)
{
    if (status != OK && why->status == status && why->field[0] != '\0' && why->expected[0] != '\0') return;
    fail_msg("%s: %s at %zu: %s, field \"%s\"", world->name, what, at, status_name(status), why->field);
}

/* The whole of the world as it is now is refused. */
static inline void assert_world_refused(const struct world *world, const char *what, size_t at)
{
    struct refusal why = {};
    assert_refused(world_verify(world, world->now_s, &why), &why, world, what, at);
}

static inline struct buffer copy_of(struct slice bytes)
{
    struct buffer copy = buffer_of_maximum(2 * bytes.size + 65536);
    assert_ok(buffer_append(&copy, bytes));
    return copy;
}

/* Puts `bytes` in a part's place and takes what was there. */
static inline struct buffer world_exchange(struct world *world, enum part part, struct buffer bytes)
{
    const struct buffer before = world->parts[part];
    world->parts[part] = bytes;
    return before;
}

static inline void world_restore(struct world *world, enum part part, struct buffer before)
{
    buffer_done(&world->parts[part]);
    world->parts[part] = before;
}

static inline void world_take_texts(struct world *world, const struct collateral_texts *texts)
{
    const struct slice slices[PART_COUNT] = {
        [PART_TCB_INFO] = texts->tcb_info,       [PART_TCB_INFO_CHAIN] = texts->tcb_info_issuer_chain,
        [PART_QE_IDENTITY] = texts->qe_identity, [PART_QE_IDENTITY_CHAIN] = texts->qe_identity_issuer_chain,
        [PART_PCK_CRL] = texts->pck_crl,         [PART_PCK_CRL_CHAIN] = texts->pck_crl_issuer_chain,
        [PART_ROOT_CRL] = texts->root_ca_crl,
    };
    for (size_t i = PART_TCB_INFO; i < PART_COUNT; i++) world->parts[i] = copy_of(slices[i]);
}

/* Must stay where it is: its roots borrow from it. */
static inline void world_mint(struct world *world, const struct pki_options *options,
                              const struct minted_quote_options *quote)
{
    const bool is_tdx = quote != NULL && quote->td != NULL;
    *world = (struct world){.name = is_tdx ? "minted TDX" : "minted SGX",
                            .is_tdx = is_tdx,
                            .is_minted = true,
                            .now_s = PKI_NOW_S,
                            .pki = pki_make(options)};
    const struct collateral_texts texts = pki_texts(&world->pki);
    world_take_texts(world, &texts);
    world->parts[PART_QUOTE] = mint_quote(&world->pki, quote);
    world->roots = pki_roots(&world->pki);
}

struct genuine_world {
    const char *name, *quote, *collateral;
    bool is_tdx;
    int64_t now_s;
};
#define TDX_10 "vectors/tdx/tdx10-v4-90c06f000000-cbdb5b2f"
#define TDX_15 "vectors/tdx/tdx15-v5-90c06f000000-cf77a6e9"
static const struct genuine_world genuine_worlds[] = {
    {"genuine SGX", GENUINE_QUOTE, GENUINE_COLLATERAL, false, GENUINE_TIME_S},
    {"genuine TDX 1.0", TDX_10 "/quote.bin", TDX_10 "/collateral-20260325-ev18", true, 1774457881},
    {"genuine TDX 1.5", TDX_15 "/quote.bin", TDX_15 "/collateral-20260325-ev18", true, 1774457881},
};

static inline void world_read(struct world *world, const struct genuine_world *genuine)
{
    struct collateral_files files = collateral_files_read(genuine->collateral);
    const struct collateral_texts texts = collateral_files_texts(&files);
    *world = (struct world){.name = genuine->name, .is_tdx = genuine->is_tdx, .now_s = genuine->now_s};
    world_take_texts(world, &texts);
    world->parts[PART_QUOTE] = read_whole(shared_path(genuine->quote));
    collateral_files_done(&files);
}

static inline bool has_vectors(void)
{
    char path[PATH_MAX];
    const char *const source = getenv("LAZARET_SOURCE"), *const shared = getenv("LAZARET_SHARED");
    if (shared != NULL)
        (void)snprintf(path, sizeof(path), "%s/vectors", shared);
    else
        (void)snprintf(path, sizeof(path), "%s/../shared/vectors", source != NULL ? source : ".");
    if (access(path, R_OK) == 0) return true;
    print_message("no shared vectors at %s: minted evidence alone\n", path);
    return false;
}

/* Calls `check` with each world; whatever it changes it puts back or not, as it likes. */
static inline void each_world(void (*check)(struct world *world))
{
    static const struct pki_options tdx = {.tcb_info_id = "TDX", .qe_identity_id = "TD_QE"};
    static const struct minted_td td = {.is_td15 = true, .fill = 0x3c, .attributes = {0, 0, 0, 0x10}};
    static const struct minted_quote_options quotes[] = {{}, {.td = &td, .version = 5}};
    struct world world;
    for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
        world_mint(&world, quotes[i].td != NULL ? &tdx : NULL, &quotes[i]);
        check(&world);
        world_done(&world);
    }
    for (size_t i = 0; has_vectors() && i < sizeof(genuine_worlds) / sizeof(genuine_worlds[0]); i++) {
        world_read(&world, &genuine_worlds[i]);
        check(&world);
        world_done(&world);
    }
}

/* The PEM in a part: all of a chain, the end of a quote. Where it starts, and all certificates in it. */
static inline size_t world_certificates(const struct world *world, enum part part, struct certificate_list *list_out)
{
    static const struct slice mark = SLICE_LITERAL("-----BEGIN");
    const struct slice whole = buffer_slice(&world->parts[part]);
    size_t at = 0;
    while (!slice_starts_with(slice_part(whole, at, mark.size), mark)) at++;
    assert_ok(certificate_list_from_pem(slice_part(whole, at, whole.size), list_out));
    return at;
}
