/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collateral/source.h"

#include "base/clock.h"
#include "base/file.h"

enum { ANCHORS_MAX_BYTES = 1024 * 1024, CONNECTIONS = 4 };

static enum status open_service(const struct collateral_source_options *options, struct refusal *why,
                                struct collateral_source *source)
{
    CLEANUP(buffer_done) struct buffer anchors = buffer_of_maximum(ANCHORS_MAX_BYTES);
    struct source_url url;
    if (options->anchors != NULL) TRY(file_read(options->anchors, why, &anchors));
    TRY(clock_new(&source->clock));
    TRY(tunnel_new(source->clock, &(struct tunnel_limits){.connections = CONNECTIONS}, &source->tunnel));
    TRY(source_url_split_base(options->url, "--url", why, &url));
    TRY(source_connection_open(&url, source->tunnel, buffer_slice(&anchors), why, &source->main));
    source->service =
        (struct collateral_service){.client = source->main.client, .version = options->version, .set = options->set};
    if (options->root_crl_url == NULL) return OK;
    TRY(source_url_split(options->root_crl_url, "--root-crl-url", why, &url));
    TRY(source_connection_open(&url, source->tunnel, buffer_slice(&anchors), why, &source->root_crl));
    source->service.root_crl_client = source->root_crl.client;
    source->service.root_crl_path = url.path;
    return OK;
}

enum status collateral_source_open(const struct collateral_source_options *options, struct refusal *why,
                                   struct collateral_source *source_out)
{
    *source_out = (struct collateral_source){.folder = options->folder};
    return options->folder != NULL ? OK : open_service(options, why, source_out);
}

void collateral_source_done(struct collateral_source *source)
{
    source_connection_done(&source->main);
    source_connection_done(&source->root_crl);
    tunnel_free(source->tunnel);
    clock_free(source->clock);
}

enum status collateral_source_bring(struct collateral_source *source, const struct collateral_platform *platform,
                                    struct refusal *why, struct collateral_files *files_out)
{
    struct pacing_hint hint = {};
    if (source->folder != NULL) return collateral_fetch_folder((void *)source->folder, platform, why, &hint, files_out);
    return collateral_fetch_service(&source->service, platform, why, &hint, files_out);
}
