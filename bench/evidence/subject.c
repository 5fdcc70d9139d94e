/* SPDX-License-Identifier: Apache-2.0 */
#include "subject.h"

#include "base/file.h"
#include "crypto/x509.h"
#include "stop.h"
#include "tee/simulation/machine.h"

#include <limits.h>

enum {
    MACHINE_COUNT = 512,
    CACHE_COUNT = 64, /* small enough that a machine is forgotten before it comes again */
    KNOWN_QUOTE_COUNT = 64,
    NOW_S = 1790000000,
};

/* ---- verifying ---- */

static void verify_quote(const struct subject *subject, struct slice quote, const struct collateral *collateral,
                         struct verification_cache *cache)
{
    const struct intel_evidence evidence = {.quote = quote};
    struct refusal why = {};
    if (subject->kind == SUBJECT_SGX) {
        struct sgx_claims claims;
        need("SGX", sgx_quote_verify(&evidence, collateral, subject->roots, subject->now_s, cache, &why, &claims),
             &why);
    } else {
        struct tdx_claims claims;
        need("TDX", tdx_quote_verify(&evidence, collateral, subject->roots, subject->now_s, cache, &why, &claims),
             &why);
    }
}

static void verify_report(const struct subject *subject, struct slice report)
{
    const struct snp_endorsements endorsements = {.certificates = &subject->endorsement_key, .certificate_count = 1};
    struct refusal why = {};
    struct snp_claims claims;
    need("SEV-SNP", snp_report_verify(report, &endorsements, subject->now_s, subject->snp_cache, &why, &claims), &why);
}

void subject_verify(const void *context, size_t turn)
{
    const struct subject *const subject = context;
    if (subject->next != NULL) turn = atomic_fetch_add(subject->next, 1);
    const struct slice item = subject->items[turn % subject->count];
    if (subject->kind == SUBJECT_SNP)
        verify_report(subject, item);
    else
        verify_quote(subject, item, subject->collateral, subject->cache);
}

static struct collateral *open_collateral(const struct subject *subject)
{
    struct collateral *collateral = NULL;
    struct refusal why = {};
    need("collateral", collateral_new(&subject->texts, subject->roots, &why, &collateral), &why);
    return collateral;
}

void subject_verify_cold(const void *context, size_t turn)
{
    const struct subject *const subject = context;
    CLEANUP(collateral_cleanup) struct collateral *collateral = open_collateral(subject);
    verify_quote(subject, subject->items[turn % subject->count], collateral, NULL);
}

static struct verification_cache *make_cache(void)
{
    struct verification_cache *cache = NULL;
    need("cache", verification_cache_new(CACHE_COUNT, &cache), NULL);
    return cache;
}

/* ---- simulated ---- */

static struct slice make_quote(const struct simulated_machine *machine, enum subject_kind kind, size_t number)
{
    const struct simulated_identity identity = {.product_id = 1, .svn = 1};
    const struct simulated_domain domain = {.mrtd = {1}};
    const uint8_t report_data[64] = {(uint8_t)number, (uint8_t)(number >> 8)};
    struct buffer quote = buffer_of_maximum(QUOTE_MAX_BYTES);
    need("quote",
         kind == SUBJECT_TDX ? simulated_machine_td_quote(machine, &domain, report_data, &quote)
                             : simulated_machine_quote(machine, &identity, report_data, &quote),
         NULL);
    return buffer_slice(&quote);
}

static struct simulated_machine *make_machine(const struct simulated_authority *authority)
{
    struct simulated_machine *machine = NULL;
    need("machine", simulated_machine_new(authority, NULL, NOW_S, &machine), NULL);
    return machine;
}

static struct slice *make_quotes(const struct simulated_authority *authority, enum subject_kind kind, size_t machines,
                                 size_t per_machine)
{
    struct slice *const quotes = calloc(machines * per_machine, sizeof(*quotes));
    if (quotes == NULL) stop("quotes", ERR_NO_MEMORY, NULL);
    for (size_t i = 0; i < machines; i++) {
        struct simulated_machine *const machine = make_machine(authority);
        for (size_t j = 0; j < per_machine; j++) quotes[i * per_machine + j] = make_quote(machine, kind, j);
        simulated_machine_free(machine);
    }
    return quotes;
}

static struct collateral_texts make_texts(const struct simulated_authority *authority, enum subject_kind kind)
{
    struct simulated_collateral parts = {};
    const struct simulated_collateral_options options = {.now_s = NOW_S, .tdx = kind == SUBJECT_TDX};
    need("collateral", simulated_authority_collateral(authority, &options, &parts), NULL);
    return (struct collateral_texts){
        .tcb_info = buffer_slice(&parts.tcb_info),
        .tcb_info_issuer_chain = buffer_slice(&parts.tcb_issuer_chain),
        .qe_identity = buffer_slice(&parts.qe_identity),
        .qe_identity_issuer_chain = buffer_slice(&parts.tcb_issuer_chain),
        .pck_crl = buffer_slice(&parts.pck_crl),
        .pck_crl_issuer_chain = buffer_slice(&parts.pck_crl_issuer_chain),
        .root_ca_crl = buffer_slice(&parts.root_ca_crl),
    };
}

static struct subject make_subject(const struct simulated_authority *authority, const struct subject *shape,
                                   size_t machines, size_t per_machine)
{
    struct subject subject = *shape;
    subject.items = make_quotes(authority, shape->kind, machines, per_machine);
    subject.count = machines * per_machine;
    subject.cache = make_cache();
    return subject;
}

static void make_simulated(const struct simulated_authority *authority, const struct trust_roots *roots,
                           enum subject_kind kind, struct subject *known, struct subject *fresh)
{
    struct subject shape = {.kind = kind, .is_there = true, .now_s = NOW_S, .roots = roots};
    shape.texts = make_texts(authority, kind);
    shape.collateral = open_collateral(&shape);
    *known = make_subject(authority, &shape, 1, KNOWN_QUOTE_COUNT);
    *fresh = make_subject(authority, &shape, MACHINE_COUNT, 1);
    fresh->next = calloc(1, sizeof(*fresh->next));
    if (fresh->next == NULL) stop("counter", ERR_NO_MEMORY, NULL);
}

static void make_all_simulated(struct subjects *subjects)
{
    static const struct key *root;
    static struct trust_roots roots;
    struct simulated_authority *authority = NULL;
    need("authority", simulated_authority_new(NOW_S, &authority), NULL);
    root = key_share(simulated_authority_root(authority));
    roots = (struct trust_roots){.simulated = &root, .simulated_count = 1};
    make_simulated(authority, &roots, SUBJECT_SGX, &subjects->sgx_known, &subjects->sgx_fresh);
    make_simulated(authority, &roots, SUBJECT_TDX, &subjects->tdx_known, &subjects->tdx_fresh);
    simulated_authority_free(authority);
}

/* ---- genuine: the same files that other verifiers are given ---- */

#define SGX_CASE "vectors/sgx/sgx-v3-00606a000000-268c0681"
#define TDX_CASE "vectors/tdx/tdx10-v4-90c06f000000-cbdb5b2f"
#define SNP_CASE "vectors/snp/genoa-v5-lunal"
enum { SGX_TIME_S = 1750416906, TDX_TIME_S = 1774457881, SNP_TIME_S = 1780000000 };

/* A whole file, kept to the end of the program. */
static struct slice read_part(const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct refusal why = {};
    struct buffer bytes = buffer_of_maximum(CRL_MAX_BYTES);
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    need(path, file_read(path, &why, &bytes), &why);
    return buffer_slice(&bytes);
}

static struct collateral_texts read_texts(const char *folder)
{
    const struct slice tcb_chain = read_part(folder, "tcb_issuer_chain.pem");
    return (struct collateral_texts){
        .tcb_info = read_part(folder, "tcbinfo.json"),
        .tcb_info_issuer_chain = tcb_chain,
        .qe_identity = read_part(folder, "qe_identity.json"),
        .qe_identity_issuer_chain = tcb_chain,
        .pck_crl = read_part(folder, "pck.crl"),
        .pck_crl_issuer_chain = read_part(folder, "pck_crl_issuer_chain.pem"),
        .root_ca_crl = read_part(folder, "root_ca.crl"),
    };
}

static void take_item(struct subject *subject, struct slice item)
{
    subject->items = calloc(1, sizeof(*subject->items));
    if (subject->items == NULL) stop("item", ERR_NO_MEMORY, NULL);
    subject->items[0] = item;
    subject->count = 1;
    subject->is_there = true;
}

static struct subject read_intel(enum subject_kind kind, const char *folder, const char *collateral, int64_t now_s)
{
    char path[PATH_MAX];
    struct subject subject = {.kind = kind, .now_s = now_s, .cache = make_cache()};
    (void)snprintf(path, sizeof(path), "%s/%s", folder, collateral);
    take_item(&subject, read_part(folder, "quote.bin"));
    subject.texts = read_texts(path);
    subject.collateral = open_collateral(&subject);
    return subject;
}

static struct subject read_snp(const char *folder)
{
    struct subject subject = {.kind = SUBJECT_SNP, .now_s = SNP_TIME_S};
    take_item(&subject, read_part(folder, "report.bin"));
    subject.endorsement_key = read_part(folder, "vcek.der");
    need("cache", snp_cache_new(CACHE_COUNT, &subject.snp_cache), NULL);
    return subject;
}

static void read_genuine(struct subjects *subjects)
{
    char sgx[PATH_MAX], tdx[PATH_MAX], snp[PATH_MAX];
    const char *const named = getenv("LAZARET_SHARED");
    const char *const shared = named != NULL ? named : "../shared";
    (void)snprintf(sgx, sizeof(sgx), "%s/" SGX_CASE, shared);
    (void)snprintf(tdx, sizeof(tdx), "%s/" TDX_CASE, shared);
    (void)snprintf(snp, sizeof(snp), "%s/" SNP_CASE, shared);
    if (!file_exists(sgx) || !file_exists(tdx) || !file_exists(snp)) {
        (void)fprintf(stderr, "  no shared vectors at %s: genuine evidence is left out\n", shared);
        return;
    }
    subjects->sgx_genuine = read_intel(SUBJECT_SGX, sgx, "collateral-20250620-ev17", SGX_TIME_S);
    subjects->tdx_genuine = read_intel(SUBJECT_TDX, tdx, "collateral-20260325-ev18", TDX_TIME_S);
    subjects->snp_genuine = subjects->snp_fresh = read_snp(snp);
    subjects->snp_fresh.snp_cache = NULL;
}

void subjects_make(struct subjects *subjects)
{
    make_all_simulated(subjects);
    read_genuine(subjects);
}
