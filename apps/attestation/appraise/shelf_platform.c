/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/appraise/shelf_platform.h"

#include "attestation/appraise/needs.h"
#include "crypto/hash.h"
#include "crypto/x509.h"

#include <stdlib.h>
#include <string.h>

/* What quotes with this certification data are of; the place follows from the digest. */
struct known_platform {
    bool is_known;
    uint8_t digest[SHA256_BYTES], fmspc[6];
    char ca[PLATFORM_CA_MAX_BYTES + 1];
};

struct kept_certificate {
    struct buffer chain; /* empty: a free place */
    uint8_t digest[SHA256_BYTES];
    struct pck_facts facts;
    int64_t kept_s;
    uint64_t used;
};

struct platform_shelf {
    const struct trust_roots *roots;
    uint64_t uses;
    struct known_platform platforms[SHELF_PLATFORM_MAX_COUNT];
    struct kept_certificate certificates[SHELF_PCK_MAX_COUNT];
};

enum status platform_shelf_new(const struct trust_roots *roots, struct platform_shelf **shelf_out)
{
    struct platform_shelf *const shelf = calloc(1, sizeof(*shelf));
    if (shelf == NULL) return ERR_NO_MEMORY;
    shelf->roots = roots;
    *shelf_out = shelf;
    return OK;
}

void platform_shelf_free(struct platform_shelf *shelf)
{
    if (shelf == NULL) return;
    for (size_t i = 0; i < SHELF_PCK_MAX_COUNT; i++) buffer_done(&shelf->certificates[i].chain);
    free(shelf);
}

static struct collateral_platform platform_of(enum intel_tee tee, const uint8_t fmspc[static 6], const char *ca)
{
    struct collateral_platform platform = {.tee = tee};
    memcpy(platform.fmspc, fmspc, sizeof(platform.fmspc));
    memcpy(platform.ca, ca, strnlen(ca, PLATFORM_CA_MAX_BYTES));
    return platform;
}

static void keep_platform(struct known_platform *place, const uint8_t digest[static SHA256_BYTES],
                          const struct quote_facts *facts)
{
    *place = (struct known_platform){.is_known = true};
    memcpy(place->digest, digest, sizeof(place->digest));
    memcpy(place->fmspc, facts->fmspc, sizeof(place->fmspc));
    memcpy(place->ca, facts->ca, strnlen(facts->ca, PLATFORM_CA_MAX_BYTES));
}

/* ---- certificates that the service has ---- */

static struct kept_certificate *place_of(struct platform_shelf *shelf, const uint8_t digest[static SHA256_BYTES])
{
    struct kept_certificate *oldest = &shelf->certificates[0];
    for (size_t i = 0; i < SHELF_PCK_MAX_COUNT; i++) {
        struct kept_certificate *const kept = &shelf->certificates[i];
        if (kept->chain.size > 0 && memcmp(kept->digest, digest, sizeof(kept->digest)) == 0) return kept;
        if (kept->used < oldest->used) oldest = kept;
    }
    return oldest;
}

/* Verified here as well: the service is not believed. */
static enum status renew(const struct platform_shelf *shelf, struct link *link, const struct pck_request *request,
                         struct slice key, int64_t now_s, struct refusal *why, struct kept_certificate *place)
{
    CLEANUP(buffer_done) struct buffer chain = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    struct kept_certificate kept = {.kept_s = now_s};
    TRY(link_ask_back(link, LINK_NEED_PCK, key, why, &chain));
    TRY(pck_check(buffer_slice(&chain), request, shelf->roots, now_s, why, &kept.facts));
    TRY(sha256(key, kept.digest));
    kept.chain = buffer_take(&chain);
    buffer_done(&place->chain);
    *place = kept;
    return OK;
}

static enum status take_certificate(struct platform_shelf *shelf, struct link *link, const struct quote_facts *facts,
                                    int64_t now_s, struct refusal *why, enum appraisal_step *step_out,
                                    const struct kept_certificate **certificate_out)
{
    CLEANUP(buffer_done) struct buffer key = buffer_of_maximum(NEED_KEY_MAX_BYTES);
    struct pck_request request;
    uint8_t digest[SHA256_BYTES];
    TRY(pck_request_of(facts, why, &request));
    TRY(need_pck_write(&request, &key));
    TRY(sha256(buffer_slice(&key), digest));
    struct kept_certificate *const place = place_of(shelf, digest);
    const bool serves = place->chain.size > 0 && memcmp(place->digest, digest, sizeof(digest)) == 0 &&
                        now_s < place->facts.expires_s && now_s - place->kept_s < SHELF_PCK_LIFE_S;
    *step_out = APPRAISAL_COLLATERAL;
    if (!serves) {
        const enum status status = renew(shelf, link, &request, buffer_slice(&key), now_s, why, place);
        /* A service that has no source of such certificates will have none later either. */
        if (status == ERR_UNSUPPORTED) *step_out = APPRAISAL_EVIDENCE;
        TRY(status);
    }
    *step_out = APPRAISAL_EVIDENCE;
    place->used = ++shelf->uses;
    *certificate_out = place;
    return OK;
}

/* ---- by what the quote brings ---- */

static enum status read_quote(struct platform_shelf *shelf, struct link *link, struct slice quote,
                              const uint8_t digest[static SHA256_BYTES], struct known_platform *place, int64_t now_s,
                              struct refusal *why, enum appraisal_step *step_out,
                              struct collateral_platform *platform_out, struct slice *pck_chain_out)
{
    struct quote_facts facts;
    const struct kept_certificate *certificate;
    TRY(quote_facts_read(quote, why, &facts));
    if (facts.has_platform) {
        keep_platform(place, digest, &facts);
        *platform_out = platform_of(facts.tee, facts.fmspc, facts.ca);
        return OK;
    }
    TRY(take_certificate(shelf, link, &facts, now_s, why, step_out, &certificate));
    *platform_out = platform_of(facts.tee, certificate->facts.fmspc, certificate->facts.ca);
    *pck_chain_out = buffer_slice(&certificate->chain);
    return OK;
}

enum status platform_shelf_take(struct platform_shelf *shelf, struct link *link, struct slice quote, int64_t now_s,
                                struct refusal *why, enum appraisal_step *step_out,
                                struct collateral_platform *platform_out, struct slice *pck_chain_out)
{
    struct slice certification;
    uint8_t digest[SHA256_BYTES];
    enum intel_tee tee;
    *step_out = APPRAISAL_EVIDENCE;
    *pck_chain_out = (struct slice){};
    TRY(quote_certification(quote, why, &tee, &certification));
    TRY(sha256(certification, digest));
    struct known_platform *const place =
        &shelf->platforms[(digest[0] | (unsigned)digest[1] << 8) % SHELF_PLATFORM_MAX_COUNT];
    if (!place->is_known || memcmp(place->digest, digest, sizeof(digest)) != 0)
        return read_quote(shelf, link, quote, digest, place, now_s, why, step_out, platform_out, pck_chain_out);
    *platform_out = platform_of(tee, place->fmspc, place->ca);
    return OK;
}
