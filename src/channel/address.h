/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses as they stand in configurations: "host:port", "[v6]:port", "unix:PATH".
 */
#pragma once

#include "base/refusal.h"

#include <sys/socket.h>

enum {
    ADDRESS_HOST_MAX_BYTES = 253,
    ADDRESS_PATH_MAX_BYTES = 107,
    ADDRESS_FOUND_MAX_COUNT = 4,
    ADDRESS_TEXT_MAX_BYTES = ADDRESS_HOST_MAX_BYTES + 8, /* "[host]:65535" */
};

struct address {
    char host[ADDRESS_HOST_MAX_BYTES + 1]; /* without brackets; "" for a Unix socket */
    uint16_t port;
    char path[ADDRESS_PATH_MAX_BYTES + 1]; /* of a Unix socket, or "" */
};

/* ERR_CONFIG, with the text. */
enum status address_parse(const char *text, struct refusal *why, struct address *address_out);

/* Where the authority of a URL is ("host", "host:port", "[v6]", "[v6]:port"): the text for address_parse, with
 * `default_port` if it names none, and the host, without brackets, that a certificate must name. ERR_CONFIG. */
struct address_authority {
    char address[ADDRESS_TEXT_MAX_BYTES + 1];
    char host[ADDRESS_HOST_MAX_BYTES + 1];
};
enum status address_of_authority(struct slice text, uint16_t default_port, struct refusal *why,
                                 struct address_authority *authority_out);

/* A listening, non-blocking TCP socket at an address, and the port that it got. Names are looked up, which may block.
 * ERR_CONFIG, ERR_IO with the address and the system's reason. */
enum status address_listen(const char *text, struct refusal *why, int *socket_out, uint16_t *port_out);

/* Socket addresses to try in turn. */
struct address_list {
    struct {
        struct sockaddr_storage socket;
        socklen_t size;
    } items[ADDRESS_FOUND_MAX_COUNT];
    size_t count;
};

/* Looks the name up, which may block for seconds. ERR_CONNECT, with the system's reason. */
enum status address_resolve(const struct address *address, struct refusal *why, struct address_list *list_out);
