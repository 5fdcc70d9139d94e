/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/source_connection.h"

#include <stdio.h>
#include <string.h>

enum { HTTPS_PORT = 443, HTTP_PORT = 80 };

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

enum status source_url_split(const char *text, const char *field, struct refusal *why, struct source_url *url_out)
{
    struct source_url url = {};
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

enum status source_url_split_base(const char *text, const char *field, struct refusal *why, struct source_url *url_out)
{
    TRY(source_url_split(text, field, why, url_out));
    if (url_out->path[0] == '\0') return OK;
    return refuse(why, ERR_CONFIG, field, "http[s]://host[:port] without a path", "%s", text);
}

enum status source_connection_open(const struct source_url *url, struct tunnel *tunnel, struct slice anchors,
                                   struct refusal *why, struct source_connection *connection_out)
{
    CLEANUP(source_connection_done) struct source_connection connection = {};
    if (url->is_tls) {
        const struct tunnel_target target = {
            .address = url->at.address, .server_name = url->at.host, .ca_pem = anchors};
        TRY(tunnel_dialer_new(tunnel, &target, why, &connection.dialer));
    }
    TRY(http_client_new(url->base, connection.dialer, &connection.client));
    *connection_out = connection;
    connection = (struct source_connection){};
    return OK;
}

void source_connection_done(struct source_connection *connection)
{
    http_client_free(connection->client);
    tunnel_dialer_free(connection->dialer);
    *connection = (struct source_connection){};
}
