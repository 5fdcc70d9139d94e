/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/endorsements.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "crypto/x509.h"
#include "feeds/collateral_issue.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRODUCT_COUNT = SNP_TURIN + 1 };

struct endorsement {
    atomic_uint owners;
    struct endorsement_files files;
};

/* A product's authorities and list, for all its chips. Of the keeper's thread alone. */
struct authorities {
    struct endorsement_files files;  /* without a chip's certificate */
    int64_t fetched_s;               /* 0: not in this run */
    struct collateral_issue highest; /* the newest list that was seen: root_crl_s and root_crl_number */
    bool is_known;                   /* `highest` was read from disk */
};

struct endorsement_feed {
    struct endorsement_feed_options options;
    struct keeper *keeper;
    struct authorities authorities[PRODUCT_COUNT];
};

/* ---- ownership ---- */

void endorsement_free(struct endorsement *endorsement)
{
    if (endorsement == NULL || atomic_fetch_sub(&endorsement->owners, 1) != 1) return;
    endorsement_files_done(&endorsement->files);
    free(endorsement);
}

void endorsement_cleanup(struct endorsement **endorsement)
{
    endorsement_free(*endorsement);
    *endorsement = NULL;
}

static void *share(void *object)
{
    struct endorsement *const endorsement = object;
    atomic_fetch_add(&endorsement->owners, 1);
    return endorsement;
}

static void drop(void *object)
{
    endorsement_free(object);
}

struct snp_endorsements endorsement_texts(const struct endorsement *endorsement, struct slice certificates[static 2])
{
    return endorsement_files_texts(&endorsement->files, certificates);
}

/* ---- names and places ---- */

struct place_name {
    char text[KEEPER_NAME_MAX_BYTES + 1];
};

static struct place_name place_of_product(enum snp_product product)
{
    struct place_name name;
    (void)snprintf(name.text, sizeof(name.text), "snp-%s", snp_product_name(product));
    return name;
}

/* The chip's id is long, and the service's alone to know: its digest names the place. */
static enum status place_of(const struct endorsement_request *request, struct place_name *name_out)
{
    uint8_t digest[SHA256_BYTES];
    const struct slice parts[] = {SLICE_ARRAY(request->chip_id), slice_of(&request->tcb, sizeof(request->tcb))};
    TRY(sha256_parts(parts, 2, digest));
    (void)snprintf(name_out->text, sizeof(name_out->text), "snp-%s-%s", snp_product_name(request->product),
                   hex_of_32(digest).text);
    return OK;
}

struct path {
    char text[PATH_MAX];
};

static enum status path_of(const struct endorsement_feed *feed, const struct place_name *name, const char *file,
                           struct path *path_out)
{
    if (feed->options.cache == NULL) return ERR_NOT_FOUND;
    const int wanted =
        snprintf(path_out->text, sizeof(path_out->text), "%s/%s%s", feed->options.cache, name->text, file);
    return wanted < 0 || (size_t)wanted >= sizeof(path_out->text) ? ERR_IO : OK;
}

static void tell_not_kept(const struct refusal *why)
{
    log_refusal(LOG_WARNING, "endorsement.not_kept", why);
}

static void keep(const struct endorsement_feed *feed, const struct place_name *name,
                 const struct endorsement_files *files)
{
    struct path path;
    struct refusal why = {};
    if (path_of(feed, name, "", &path) != OK) return;
    if (endorsement_files_write(path.text, files, &why) != OK) tell_not_kept(&why);
}

static enum status read_kept(const struct endorsement_feed *feed, const struct place_name *name, const char *file,
                             struct buffer *bytes)
{
    struct path path;
    TRY(path_of(feed, name, file, &path));
    return file_exists(path.text) ? file_read(path.text, NULL, bytes) : ERR_NOT_FOUND;
}

/* ---- the product's part ---- */

static enum status read_highest(const struct endorsement_feed *feed, enum snp_product product,
                                struct authorities *authorities, struct refusal *why)
{
    const struct place_name name = place_of_product(product);
    struct path path;
    if (authorities->is_known) return OK;
    if (path_of(feed, &name, "/highest.json", &path) == OK && file_exists(path.text)) {
        const enum status status = collateral_issue_read(path.text, why, &authorities->highest);
        if (status != OK) return refuse_as(why, status, ERR_COLLATERAL_OLD);
    }
    authorities->is_known = true;
    return OK;
}

static enum status read_authorities(const struct endorsement_feed *feed, enum snp_product product,
                                    struct endorsement_files *files)
{
    const struct place_name name = place_of_product(product);
    TRY(read_kept(feed, &name, "/cert_chain.pem", &files->cert_chain));
    return read_kept(feed, &name, "/crl.der", &files->crl);
}

static enum status copy(const struct buffer *from, struct buffer *to)
{
    buffer_clear(to);
    return buffer_append(to, buffer_slice(from));
}

static bool is_recent(const struct endorsement_feed *feed, const struct authorities *known)
{
    const int64_t age_s = clock_now_s(feed->options.clock) - known->fetched_s;
    return known->fetched_s != 0 && age_s >= 0 && age_s < ENDORSEMENT_LIST_AGE_S;
}

/* Fetched within the last hours for another chip, or now. */
static enum status bring_authorities(struct endorsement_feed *feed, enum snp_product product, struct refusal *why,
                                     struct pacing_hint *hint, struct endorsement_files *files)
{
    const struct authorities *const known = &feed->authorities[product];
    if (!is_recent(feed, known)) return endorsement_fetch_authorities(feed->options.client, product, why, hint, files);
    TRY(copy(&known->files.cert_chain, &files->cert_chain));
    return copy(&known->files.crl, &files->crl);
}

/* For the product's other chips; the files move. */
static void keep_authorities(struct endorsement_feed *feed, enum snp_product product, struct endorsement_files *files)
{
    struct authorities *const known = &feed->authorities[product];
    const struct place_name name = place_of_product(product);
    endorsement_files_done(&known->files);
    known->files = *files;
    *files = (struct endorsement_files){};
    known->fetched_s = clock_now_s(feed->options.clock);
    keep(feed, &name, &known->files);
}

/* From now on no older list is accepted. */
static void settle(struct endorsement_feed *feed, enum snp_product product, const struct endorsement_files *files,
                   const struct collateral_issue *issue)
{
    struct authorities *const known = &feed->authorities[product];
    const struct place_name name = place_of_product(product);
    struct refusal why = {};
    struct path path;
    CLEANUP(endorsement_files_done) struct endorsement_files copies = endorsement_files_empty();
    if (is_recent(feed, known)) return;
    if (copy(&files->cert_chain, &copies.cert_chain) == OK && copy(&files->crl, &copies.crl) == OK)
        keep_authorities(feed, product, &copies);
    collateral_issue_raise(&known->highest, issue);
    if (path_of(feed, &name, "/highest.json", &path) != OK) return;
    if (collateral_issue_write(path.text, &known->highest, &why) != OK) tell_not_kept(&why);
}

/* ---- one chip ---- */

static enum status check(struct endorsement_feed *feed, const struct endorsement_request *request,
                         const struct endorsement_files *files, struct refusal *why,
                         struct snp_endorsement_facts *facts, struct collateral_issue *issue)
{
    struct authorities *const known = &feed->authorities[request->product];
    TRY(endorsement_check(files, request, feed->options.simulated_root, clock_now_s(feed->options.clock), why, facts));
    clock_raise_floor(feed->options.clock, facts->crl_issued_s);
    *issue = (struct collateral_issue){.root_crl_s = facts->crl_issued_s};
    memcpy(issue->root_crl_number, facts->crl_number, sizeof(issue->root_crl_number));
    TRY(read_highest(feed, request->product, known, why));
    return collateral_issue_check(issue, &known->highest, why);
}

static enum status make_thing(struct endorsement_files *files, const struct snp_endorsement_facts *facts,
                              struct keeper_thing *thing_out)
{
    struct endorsement *const endorsement = calloc(1, sizeof(*endorsement));
    if (endorsement == NULL) return ERR_NO_MEMORY;
    atomic_init(&endorsement->owners, 1);
    endorsement->files = *files;
    *files = (struct endorsement_files){};
    *thing_out =
        (struct keeper_thing){.object = endorsement, .expires_s = facts->expires_s, .refresh_s = ENDORSEMENT_REFRESH_S};
    return OK;
}

static enum status load(void *context, const void *asked, struct keeper_thing *thing_out)
{
    struct endorsement_feed *const feed = context;
    const struct endorsement_request *const request = asked;
    CLEANUP(endorsement_files_done) struct endorsement_files files = endorsement_files_empty();
    struct place_name name;
    struct snp_endorsement_facts facts;
    struct collateral_issue issue;
    TRY(place_of(request, &name));
    TRY(read_kept(feed, &name, "/vcek.der", &files.vcek));
    TRY(read_authorities(feed, request->product, &files));
    TRY(check(feed, request, &files, NULL, &facts, &issue));
    return make_thing(&files, &facts, thing_out);
}

static bool is_current(const struct endorsement_feed *feed, const struct buffer *vcek)
{
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    return certificate_from_der(buffer_slice(vcek), &certificate) == OK &&
           clock_now_s(feed->options.clock) <= certificate_not_after_s(certificate);
}

/* The chip's certificate: what is held or kept on disk serves until it expires. */
static enum status bring_vcek(const struct endorsement_feed *feed, const struct endorsement_request *request,
                              const struct endorsement *held, struct refusal *why, struct pacing_hint *hint,
                              struct buffer *vcek, bool *is_new_out)
{
    struct place_name name;
    TRY(place_of(request, &name));
    const enum status kept = held != NULL ? copy(&held->files.vcek, vcek) : read_kept(feed, &name, "/vcek.der", vcek);
    *is_new_out = kept != OK || !is_current(feed, vcek);
    if (!*is_new_out) return OK;
    buffer_clear(vcek);
    return endorsement_fetch_vcek(feed->options.client, request, why, hint, vcek);
}

static void keep_vcek(const struct endorsement_feed *feed, const struct endorsement_request *request,
                      struct buffer *vcek)
{
    struct place_name name;
    if (place_of(request, &name) == OK) keep(feed, &name, &(struct endorsement_files){.vcek = *vcek});
}

static enum status fetch(void *context, const void *asked, const void *held, struct refusal *why,
                         struct pacing_hint *hint, struct keeper_thing *thing_out)
{
    struct endorsement_feed *const feed = context;
    const struct endorsement_request *const request = asked;
    CLEANUP(endorsement_files_done) struct endorsement_files files = endorsement_files_empty();
    struct snp_endorsement_facts facts;
    struct collateral_issue issue;
    bool is_new;
    TRY(bring_vcek(feed, request, held, why, hint, &files.vcek, &is_new));
    TRY(bring_authorities(feed, request->product, why, hint, &files));
    TRY(check(feed, request, &files, why, &facts, &issue));
    settle(feed, request->product, &files, &issue);
    if (is_new) keep_vcek(feed, request, &files.vcek);
    return make_thing(&files, &facts, thing_out);
}

static const struct keeper_kind kind = {
    .what = "endorsement",
    .fresh_event = "endorsement.fresh",
    .failed_event = "endorsement.not_fetched",
    .request_bytes = sizeof(struct endorsement_request),
    .max_count = ENDORSEMENT_MAX_COUNT,
    .may_forget = true,
    .load = load,
    .fetch = fetch,
    .share = share,
    .drop = drop,
};

/* ---- the feed ---- */

enum status endorsement_feed_start(const struct endorsement_feed_options *options, struct endorsement_feed **feed_out)
{
    struct endorsement_feed *const feed = calloc(1, sizeof(*feed));
    if (feed == NULL) return ERR_NO_MEMORY;
    feed->options = *options;
    const struct keeper_options keeper = {
        .kind = &kind, .context = feed, .clock = options->clock, .timing = options->timing};
    const enum status status = keeper_start(&keeper, &feed->keeper);
    if (status != OK)
        endorsement_feed_free(feed);
    else
        *feed_out = feed;
    return status;
}

void endorsement_feed_free(struct endorsement_feed *feed)
{
    if (feed == NULL) return;
    keeper_free(feed->keeper);
    for (size_t i = 0; i < PRODUCT_COUNT; i++) endorsement_files_done(&feed->authorities[i].files);
    free(feed);
}

enum status endorsement_feed_get(struct endorsement_feed *feed, const struct endorsement_request *request, int wait_ms,
                                 struct refusal *why, struct endorsement **endorsement_out)
{
    struct place_name name;
    void *object = NULL;
    TRY(place_of(request, &name));
    TRY(keeper_get(feed->keeper, name.text, request, wait_ms, why, &object));
    *endorsement_out = object;
    return OK;
}

int64_t endorsement_feed_turn(struct endorsement_feed *feed)
{
    return keeper_turn(feed->keeper);
}
