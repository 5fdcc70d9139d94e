/* SPDX-License-Identifier: Apache-2.0
 *
 * The way to a service that gives out collateral, opened from its URL: plain HTTP, or TLS through the tunnel with the
 * system's anchors or given ones (a PCCS on one's own network signs its certificate itself).
 */
#pragma once

#include "channel/address.h"
#include "http/client.h"

/* An URL in parts. */
struct source_url {
    bool is_tls;
    char base[ADDRESS_TEXT_MAX_BYTES + 16]; /* "https://host:port" */
    struct address_authority at;
    const char *path; /* borrowed from the text: "" or "/..." */
};

/* ERR_CONFIG, naming `field`. */
enum status source_url_split(const char *text, const char *field, struct refusal *why, struct source_url *url_out);

/* As source_url_split, and there must be no path. */
enum status source_url_split_base(const char *text, const char *field, struct refusal *why, struct source_url *url_out);

struct source_connection {
    struct tunnel_dialer *dialer; /* NULL over plain HTTP */
    struct http_client *client;   /* NULL: not opened */
};

/* `tunnel` borrowed for the connection's life; `anchors` PEM, or empty: the system's. Dials at the first exchange.
 * Errors of tunnel_dialer_new and http_client_new. */
enum status source_connection_open(const struct source_url *url, struct tunnel *tunnel, struct slice anchors,
                                   struct refusal *why, struct source_connection *connection_out);
void source_connection_done(struct source_connection *connection);
