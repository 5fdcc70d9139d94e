/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/pck.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "crypto/x509.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct pck_certificate {
    atomic_uint owners;
    struct buffer chain;
    struct pck_facts facts;
};

struct pck_feed {
    struct pck_feed_options options;
    struct keeper *keeper;
};

/* ---- ownership ---- */

void pck_certificate_free(struct pck_certificate *certificate)
{
    if (certificate == NULL || atomic_fetch_sub(&certificate->owners, 1) != 1) return;
    buffer_done(&certificate->chain);
    free(certificate);
}

void pck_certificate_cleanup(struct pck_certificate **certificate)
{
    pck_certificate_free(*certificate);
    *certificate = NULL;
}

struct slice pck_certificate_chain(const struct pck_certificate *certificate)
{
    return buffer_slice(&certificate->chain);
}

const struct pck_facts *pck_certificate_facts(const struct pck_certificate *certificate)
{
    return &certificate->facts;
}

static void *share(void *object)
{
    struct pck_certificate *const certificate = object;
    atomic_fetch_add(&certificate->owners, 1);
    return certificate;
}

static void drop(void *object)
{
    pck_certificate_free(object);
}

/* ---- what the keeper calls ---- */

/* "pck-" and the digest of what names the certificate. */
struct place_name {
    char text[KEEPER_NAME_MAX_BYTES + 1];
};

static enum status place_of(const struct pck_request *request, struct place_name *name_out)
{
    uint8_t digest[SHA256_BYTES];
    TRY(sha256(slice_of(request, sizeof(*request)), digest));
    (void)snprintf(name_out->text, sizeof(name_out->text), "pck-%s", hex_of_32(digest).text);
    return OK;
}

struct path {
    char text[PATH_MAX];
};

static enum status path_of(const struct pck_feed *feed, const struct pck_request *request, const char *file,
                           struct path *path_out)
{
    struct place_name name;
    if (feed->options.cache == NULL) return ERR_NOT_FOUND;
    TRY(place_of(request, &name));
    const int wanted =
        snprintf(path_out->text, sizeof(path_out->text), "%s/%s%s", feed->options.cache, name.text, file);
    return wanted < 0 || (size_t)wanted >= sizeof(path_out->text) ? ERR_IO : OK;
}

static void keep(const struct pck_feed *feed, const struct pck_request *request, const struct buffer *chain)
{
    struct path folder, file;
    struct refusal why = {};
    if (path_of(feed, request, "", &folder) != OK || path_of(feed, request, "/pck_chain.pem", &file) != OK) return;
    if (mkdir(folder.text, 0700) != 0 && errno != EEXIST)
        (void)!refuse(&why, ERR_IO, folder.text, "a folder that can be made", "%s", strerror(errno));
    else
        (void)!file_write(file.text, buffer_slice(chain), 0600, &why);
    if (why.status != OK) log_refusal(LOG_WARNING, "pck.not_kept", &why);
}

/* The chain moves. */
static enum status make_thing(const struct pck_feed *feed, const struct pck_request *request, struct buffer *chain,
                              struct refusal *why, struct keeper_thing *thing_out)
{
    struct pck_facts facts;
    TRY(pck_check(buffer_slice(chain), request, feed->options.roots, clock_now_s(feed->options.clock), why, &facts));
    struct pck_certificate *const certificate = calloc(1, sizeof(*certificate));
    if (certificate == NULL) return ERR_NO_MEMORY;
    atomic_init(&certificate->owners, 1);
    certificate->chain = buffer_take(chain);
    certificate->facts = facts;
    *thing_out = (struct keeper_thing){.object = certificate, .expires_s = facts.expires_s, .refresh_s = PCK_REFRESH_S};
    return OK;
}

static enum status load(void *context, const void *request, struct keeper_thing *thing_out)
{
    const struct pck_feed *const feed = context;
    CLEANUP(buffer_done) struct buffer chain = buffer_of_maximum(2 * CERTIFICATE_PEM_MAX_BYTES);
    struct path path;
    TRY(path_of(feed, request, "/pck_chain.pem", &path));
    TRY(file_read(path.text, NULL, &chain));
    return make_thing(feed, request, &chain, NULL, thing_out);
}

static enum status fetch(void *context, const void *request, const void *, struct refusal *why,
                         struct pacing_hint *hint, struct keeper_thing *thing_out)
{
    const struct pck_feed *const feed = context;
    CLEANUP(buffer_done) struct buffer chain = buffer_of_maximum(2 * CERTIFICATE_PEM_MAX_BYTES);
    TRY(pck_fetch(&feed->options.service, request, why, hint, &chain));
    TRY(make_thing(feed, request, &chain, why, thing_out));
    const struct pck_certificate *const certificate = thing_out->object;
    keep(feed, request, &certificate->chain);
    return OK;
}

static const struct keeper_kind kind = {
    .what = "PCK certificate",
    .fresh_event = "pck.fresh",
    .failed_event = "pck.not_fetched",
    .request_bytes = sizeof(struct pck_request),
    .max_count = PCK_MAX_COUNT,
    .may_forget = true,
    .load = load,
    .fetch = fetch,
    .share = share,
    .drop = drop,
};

/* ---- the feed ---- */

enum status pck_feed_start(const struct pck_feed_options *options, struct pck_feed **feed_out)
{
    struct pck_feed *const feed = calloc(1, sizeof(*feed));
    if (feed == NULL) return ERR_NO_MEMORY;
    feed->options = *options;
    const struct keeper_options keeper = {
        .kind = &kind, .context = feed, .clock = options->clock, .timing = options->timing};
    const enum status status = keeper_start(&keeper, &feed->keeper);
    if (status != OK)
        pck_feed_free(feed);
    else
        *feed_out = feed;
    return status;
}

void pck_feed_free(struct pck_feed *feed)
{
    if (feed == NULL) return;
    keeper_free(feed->keeper);
    free(feed);
}

enum status pck_feed_get(struct pck_feed *feed, const struct pck_request *request, int wait_ms, struct refusal *why,
                         struct pck_certificate **certificate_out)
{
    struct place_name name;
    void *object = NULL;
    TRY(place_of(request, &name));
    TRY(keeper_get(feed->keeper, name.text, request, wait_ms, why, &object));
    *certificate_out = object;
    return OK;
}

int64_t pck_feed_turn(struct pck_feed *feed)
{
    return keeper_turn(feed->keeper);
}
