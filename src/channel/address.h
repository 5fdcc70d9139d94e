/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses as they stand in configurations: "host:port", "[v6]:port", "unix:PATH".
 */
#pragma once

#include "base/refusal.h"

enum { ADDRESS_HOST_MAX_BYTES = 253, ADDRESS_PATH_MAX_BYTES = 107 };

struct address {
    char host[ADDRESS_HOST_MAX_BYTES + 1]; /* without brackets; "" for a Unix socket */
    uint16_t port;
    char path[ADDRESS_PATH_MAX_BYTES + 1]; /* of a Unix socket, or "" */
};

/* ERR_CONFIG, with the text. */
enum status address_parse(const char *text, struct refusal *why, struct address *address_out);

/* A listening, non-blocking TCP socket at an address, and the port that it got. Names are looked up, which may block.
 * ERR_CONFIG, ERR_IO with the address and the system's reason. */
enum status address_listen(const char *text, struct refusal *why, int *socket_out, uint16_t *port_out);
