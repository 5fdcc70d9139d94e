/* SPDX-License-Identifier: Apache-2.0
 *
 * What the network sees of the service: the HTTPS listener with its certificate, which may be renewed while it runs,
 * the portals whose pages may call, and what each client may ask for. It stands in lanes, one for each processor, and a
 * connection stays in its own: TLS, HTTP and the handlers of its requests keep to one processor. The TLS key is a file
 * of the host: tokens are signed and evidence is public, so it protects neither.
 */
#pragma once

#include "service/service.h"

enum {
    FRONT_REQUESTS_PER_SECOND = 200, /* of a client, unless the configuration says otherwise */
    FRONT_REQUESTS_AT_ONCE = 400,
    FRONT_LANES_MAX = 16,
};

struct front_settings {
    char certificate[PATH_MAX], private_key[PATH_MAX];
    char origins[HTTP_ORIGIN_MAX_COUNT][HTTP_ORIGIN_MAX_BYTES + 1];
    size_t origin_count;
    struct rate_limit rate_limit;
};

/* The members "tls", "portal_origins" and "rate_limit". ERR_FIELD_*. */
enum status front_configure(const struct configuration *configuration, struct refusal *why,
                            struct front_settings *settings_out);

/* The files, and the folders in which they are replaced. ERR_TOO_LARGE. */
enum status front_allow(const struct front_settings *settings, struct sandbox *sandbox);

struct front_lane {
    struct tunnel *tunnel;
    struct http_server *server;
    struct tunnel_listener *listener; /* of the first lane; the others' are its branches */
};

struct front {
    struct front_lane lanes[FRONT_LANES_MAX];
    unsigned count;
    struct rate_limiter *rate_limiter; /* of all lanes */
    struct tunnel_endpoint *endpoint;
};

/* Serves what `options` say, with the limits of the service's configuration, and tells that it listens. What was opened
 * when it fails is closed by front_close. */
enum status front_open(const struct front_settings *settings, struct http_server_options options,
                       struct service *service, struct refusal *why, struct front *front);
void front_close(struct front *front);

/* Takes no new connections and answers what is under way, for at most `patience_ms`. */
void front_drain(struct front *front, int64_t patience_ms);

/* Reads certificate and key. The caller hands the identity to front_take_up or frees it. ERR_IO, ERR_KEY_INVALID,
 * ERR_CERTIFICATE_MALFORMED. */
enum status front_read_identity(const struct front_settings *settings, struct refusal *why,
                                struct tunnel_identity **identity_out);

/* For new handshakes and requests from now on; the identity is taken over. Cannot fail. */
void front_take_up(struct front *front, const struct front_settings *settings, struct tunnel_identity *identity);
