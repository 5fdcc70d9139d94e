/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/collateral_setup.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>

enum { ANCHORS_MAX_BYTES = 1024 * 1024, HTTPS_PORT = 443, HTTP_PORT = 80 };

static enum status read_text(const json_t *object, const char *name, struct refusal *why,
                             char text_out[static URL_MAX_BYTES + 1])
{
    if (!json_has(object, name)) return OK;
    return configuration_text(object, "collateral", name, URL_MAX_BYTES, why, text_out);
}

static enum status read_path(const struct configuration *configuration, const json_t *object, const char *name,
                             struct refusal *why, char path_out[static PATH_MAX])
{
    if (!json_has(object, name)) return OK;
    return configuration_path(configuration, object, "collateral", name, why, path_out);
}

static enum status check(const struct collateral_configuration *own, struct refusal *why)
{
    struct collateral_url url;
    const bool has_folder = own->folder[0] != '\0', has_url = own->url[0] != '\0';
    if (has_folder == has_url)
        return refuse(why, ERR_CONFIG, "collateral", "either folder or url", has_folder ? "both" : "neither");
    if (has_folder) return OK;
    TRY(collateral_url_split(own->url, "collateral.url", why, &url));
    if (url.path[0] != '\0')
        return refuse(why, ERR_CONFIG, "collateral.url", "http[s]://host[:port] without a path", "%s", own->url);
    return own->root_crl_url[0] == '\0' ? OK
                                        : collateral_url_split(own->root_crl_url, "collateral.root_crl_url", why, &url);
}

enum status collateral_configure(const struct configuration *configuration, struct refusal *why,
                                 struct collateral_configuration *own_out)
{
    static const char *const names[] = {"folder", "url", "ca", "root_crl_url", NULL};
    struct collateral_configuration own = {};
    json_t *object;
    TRY(json_get_object(configuration->json, "", "collateral", why, &object));
    TRY(json_only(object, "collateral", names, why));
    TRY(read_path(configuration, object, "folder", why, own.folder));
    TRY(read_path(configuration, object, "ca", why, own.ca));
    TRY(read_text(object, "url", why, own.url));
    TRY(read_text(object, "root_crl_url", why, own.root_crl_url));
    TRY(check(&own, why));
    *own_out = own;
    return OK;
}

static bool take_scheme(const char **text, const char *scheme)
{
    const size_t size = strlen(scheme);
    if (strncmp(*text, scheme, size) != 0) return false;
    *text += size;
    return true;
}

static enum status refuse_url(struct refusal *why, const char *field, const char *text)
{
    return refuse(why, ERR_CONFIG, field, "http[s]://host[:port]", "%s", text);
}

enum status collateral_url_split(const char *text, const char *field, struct refusal *why,
                                 struct collateral_url *url_out)
{
    struct collateral_url url = {};
    const char *authority = text;
    url.is_tls = take_scheme(&authority, "https://");
    if (!url.is_tls && !take_scheme(&authority, "http://")) return refuse_url(why, field, text);
    const size_t size = strcspn(authority, "/?#");
    const uint16_t port = url.is_tls ? HTTPS_PORT : HTTP_PORT;
    if (address_of_authority(slice_of(authority, size), port, NULL, &url.at) != OK) return refuse_url(why, field, text);
    (void)snprintf(url.base, sizeof(url.base), "%s%s", url.is_tls ? "https://" : "http://", url.at.address);
    url.path = authority + size;
    *url_out = url;
    return OK;
}

static enum status open_client(const struct collateral_url *url, struct tunnel *tunnel, struct slice anchors,
                               struct refusal *why, struct tunnel_dialer **dialer_out, struct http_client **client_out)
{
    if (!url->is_tls) return http_client_new(url->base, NULL, client_out);
    const struct tunnel_target target = {.address = url->at.address, .server_name = url->at.host, .ca_pem = anchors};
    TRY(tunnel_dialer_new(tunnel, &target, why, dialer_out));
    return http_client_new(url->base, *dialer_out, client_out);
}

static enum status open_clients(const struct collateral_configuration *own, struct tunnel *tunnel, struct refusal *why,
                                struct collateral_setup *setup)
{
    CLEANUP(buffer_done) struct buffer anchors = buffer_of_maximum(ANCHORS_MAX_BYTES);
    struct collateral_url url;
    if (own->ca[0] != '\0') TRY(file_read(own->ca, why, &anchors));
    TRY(collateral_url_split(own->url, "collateral.url", why, &url));
    TRY(open_client(&url, tunnel, buffer_slice(&anchors), why, &setup->dialer, &setup->service.client));
    if (own->root_crl_url[0] == '\0') return OK;
    TRY(collateral_url_split(own->root_crl_url, "collateral.root_crl_url", why, &url));
    setup->service.root_crl_path = url.path;
    return open_client(&url, tunnel, buffer_slice(&anchors), why, &setup->root_crl_dialer,
                       &setup->service.root_crl_client);
}

enum status collateral_setup_open(const struct collateral_configuration *own, struct tunnel *tunnel,
                                  struct refusal *why, struct collateral_setup *setup_out)
{
    CLEANUP(collateral_setup_done) struct collateral_setup setup = {.is_folder = own->folder[0] != '\0'};
    if (setup.is_folder)
        (void)snprintf(setup.folder, sizeof(setup.folder), "%s", own->folder);
    else
        TRY(open_clients(own, tunnel, why, &setup));
    *setup_out = setup;
    setup = (struct collateral_setup){};
    return OK;
}

void collateral_setup_interrupt(struct collateral_setup *setup)
{
    http_client_interrupt(setup->service.client);
    http_client_interrupt(setup->service.root_crl_client);
}

void collateral_setup_done(struct collateral_setup *setup)
{
    http_client_free(setup->service.client);
    http_client_free(setup->service.root_crl_client);
    tunnel_dialer_free(setup->dialer);
    tunnel_dialer_free(setup->root_crl_dialer);
    *setup = (struct collateral_setup){};
}

collateral_fetch *collateral_setup_fetch(const struct collateral_setup *setup)
{
    return setup->is_folder ? collateral_fetch_folder : collateral_fetch_service;
}

void *collateral_setup_context(struct collateral_setup *setup)
{
    return setup->is_folder ? (void *)setup->folder : (void *)&setup->service;
}
