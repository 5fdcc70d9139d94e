/* SPDX-License-Identifier: Apache-2.0
 * Hits sgx_quote_verify, tdx_quote_verify and collateral_new behind their signatures, with a simulated vendor and
 * machine of this run. The first byte says what the rest is: 0 a quote; 1 header and report of a quote, which the
 * machine signs; 2 a tcbInfo, 3 an enclaveIdentity, which the vendor signs; 4 the certification data of a quote; 5 to 9
 * a CRL or an issuer chain; 10 to 13 the same as 0 to 3 for TDX. */
#include "base/json_tree.h"
#include "evidence/intel.h"
#include "fuzz.h"
#include "parts.h"
#include "quick_signatures.h"
#include "tee/simulation/machine.h"

#include <string.h>

const size_t fuzz_allocation_max = JSON_TREE_MAX_NODES * sizeof(struct json_node);

enum { NOW_S = 1800000000, TEXT_MAX_BYTES = 1 << 20 };

static struct simulated_authority *authority;
static struct simulated_machine *machine;
static struct simulated_collateral made, td_made;
static const struct key *root;
static struct trust_roots roots;
static struct collateral *accepted, *td_accepted;
static struct verification_cache *cache;
static struct buffer good_quote, good_td_quote;

static const struct simulated_identity identity = {.mrenclave = {0xaa}, .mrsigner = {0xbb}, .product_id = 3, .svn = 4};
static const struct simulated_domain domain = {.mrtd = {0xcc}};
static const uint8_t report_data[64] = {1, 2, 3};

static struct collateral_texts texts_of(const struct simulated_collateral *from)
{
    return (struct collateral_texts){
        .tcb_info = buffer_slice(&from->tcb_info),
        .tcb_info_issuer_chain = buffer_slice(&from->tcb_issuer_chain),
        .qe_identity = buffer_slice(&from->qe_identity),
        .qe_identity_issuer_chain = buffer_slice(&from->tcb_issuer_chain),
        .pck_crl = buffer_slice(&from->pck_crl),
        .pck_crl_issuer_chain = buffer_slice(&from->pck_crl_issuer_chain),
        .root_ca_crl = buffer_slice(&from->root_ca_crl),
    };
}

static struct collateral_texts good_texts(void)
{
    return texts_of(&made);
}

static void set_up_domain(void)
{
    const struct simulated_collateral_options options = {.now_s = NOW_S, .tdx = true};
    must(simulated_authority_collateral(authority, &options, &td_made));
    const struct collateral_texts texts = texts_of(&td_made);
    must(collateral_new(&texts, &roots, NULL, &td_accepted));
    good_td_quote = buffer_of_maximum(QUOTE_MAX_BYTES);
    must(simulated_machine_td_quote(machine, &domain, report_data, &good_td_quote));
    struct tdx_claims claims;
    must(tdx_quote_verify(&(struct intel_evidence){.quote = buffer_slice(&good_td_quote)}, td_accepted, &roots, NOW_S,
                          cache, NULL, &claims));
}

static void set_up(void)
{
    const struct simulated_collateral_options options = {.now_s = NOW_S};
    must(simulated_authority_new(NOW_S, &authority));
    must(simulated_machine_new(authority, NULL, NOW_S, &machine));
    must(simulated_authority_collateral(authority, &options, &made));
    root = simulated_authority_root(authority);
    roots = (struct trust_roots){.simulated = &root, .simulated_count = 1};
    const struct collateral_texts texts = good_texts();
    must(collateral_new(&texts, &roots, NULL, &accepted));
    must(verification_cache_new(16, &cache));
    good_quote = buffer_of_maximum(QUOTE_MAX_BYTES);
    must(simulated_machine_quote(machine, &identity, report_data, &good_quote));
    struct sgx_claims claims;
    must(sgx_quote_verify(&(struct intel_evidence){.quote = buffer_slice(&good_quote)}, accepted, &roots, NOW_S, cache,
                          NULL, &claims));
}

/* What holds for every verdict: a refusal names its field, claims are whole. */
static void check_outcome(enum status status, const struct refusal *why, const struct intel_platform *platform)
{
    if (status != OK) {
        if (why->status == OK || why->field[0] == '\0') abort();
        return;
    }
    if (!platform->simulated || platform->expires_s <= NOW_S || platform->advisory_count > ADVISORY_MAX_COUNT) abort();
    for (size_t i = 1; i < platform->advisory_count; i++) {
        if (strcmp(platform->advisories[i - 1], platform->advisories[i]) >= 0) abort();
    }
}

static void verify(struct slice quote, const struct collateral *collateral)
{
    const struct intel_evidence evidence = {.quote = quote};
    struct refusal why = {};
    struct sgx_claims claims;
    const enum status status = sgx_quote_verify(&evidence, collateral, &roots, NOW_S, cache, &why, &claims);
    check_outcome(status, &why, &claims.platform);
}

static void verify_domain(struct slice quote, const struct collateral *collateral)
{
    const struct intel_evidence evidence = {.quote = quote};
    struct refusal why = {};
    struct tdx_claims claims;
    const enum status status = tdx_quote_verify(&evidence, collateral, &roots, NOW_S, cache, &why, &claims);
    check_outcome(status, &why, &claims.platform);
}

static void verify_td_report(struct slice report)
{
    CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(QUOTE_MAX_BYTES);
    uint8_t signed_part[SIMULATED_TD_SIGNED_BYTES] = {};
    memcpy(signed_part, good_td_quote.bytes, sizeof(signed_part));
    if (report.size > 0)
        memcpy(signed_part, report.bytes, report.size < sizeof(signed_part) ? report.size : sizeof(signed_part));
    must(simulated_machine_td_sign(machine, SLICE_ARRAY(signed_part), &quote));
    verify_domain(buffer_slice(&quote), td_accepted);
}

static void verify_report(struct slice report)
{
    CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(QUOTE_MAX_BYTES);
    uint8_t signed_part[SIMULATED_SIGNED_BYTES] = {};
    memcpy(signed_part, good_quote.bytes, sizeof(signed_part));
    if (report.size > 0)
        memcpy(signed_part, report.bytes, report.size < sizeof(signed_part) ? report.size : sizeof(signed_part));
    must(simulated_machine_sign(machine, SLICE_ARRAY(signed_part), &quote));
    verify(buffer_slice(&quote), accepted);
}

static void verify_collateral(const struct collateral_texts *texts)
{
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    struct refusal why = {};
    if (collateral_new(texts, &roots, &why, &collateral) != OK) {
        if (why.status == OK || why.field[0] == '\0') abort();
        return;
    }
    struct collateral_facts facts;
    collateral_facts(collateral, &facts);
    if (!facts.simulated || facts.expires_s > NOW_S + (int64_t)200 * 366 * 24 * 3600) abort();
    if (facts.tee == INTEL_TDX)
        verify_domain(buffer_slice(&good_td_quote), collateral);
    else
        verify(buffer_slice(&good_quote), collateral);
}

static void verify_signed(struct collateral_texts texts, struct slice body, bool is_tcb_info)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(TEXT_MAX_BYTES);
    if (simulated_authority_sign(authority, is_tcb_info ? "tcbInfo" : "enclaveIdentity", body, &text) != OK) return;
    *(is_tcb_info ? &texts.tcb_info : &texts.qe_identity) = buffer_slice(&text);
    verify_collateral(&texts);
}

/* Everything up to the certification data as it was, then these bytes in its place. */
static void verify_certification(struct slice data)
{
    static const struct slice pem = SLICE_LITERAL("-----BEGIN");
    CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(QUOTE_MAX_BYTES);
    struct slice rest = buffer_slice(&good_quote);
    const struct slice before = take_until(&rest, pem);
    if (before.size + data.size > QUOTE_MAX_BYTES) return;
    must(buffer_append(&quote, before));
    must(buffer_append(&quote, data));
    verify(buffer_slice(&quote), accepted);
}

static void verify_part(unsigned part, struct slice bytes)
{
    struct collateral_texts texts = good_texts();
    struct slice *const places[] = {&texts.pck_crl, &texts.root_ca_crl, &texts.pck_crl_issuer_chain,
                                    &texts.tcb_info_issuer_chain, &texts.qe_identity_issuer_chain};
    *places[part] = bytes;
    verify_collateral(&texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (authority == NULL) {
        set_up();
        set_up_domain();
    }
    if (size == 0) return 0;
    const struct slice rest = slice_of(bytes + 1, size - 1);
    const unsigned what = bytes[0] % 14;
    switch (what) {
    case 0: verify(rest, accepted); break;
    case 1: verify_report(rest); break;
    case 2: verify_signed(good_texts(), rest, true); break;
    case 3: verify_signed(good_texts(), rest, false); break;
    case 4: verify_certification(rest); break;
    case 10: verify_domain(rest, td_accepted); break;
    case 11: verify_td_report(rest); break;
    case 12: verify_signed(texts_of(&td_made), rest, true); break;
    case 13: verify_signed(texts_of(&td_made), rest, false); break;
    default: verify_part(what - 5, rest);
    }
    return 0;
}
