/* SPDX-License-Identifier: Apache-2.0
 *
 * Who a client is to limits: its IPv4 address, or the first 64 bits of its IPv6 address, which is the least that anyone
 * is given. It says nothing about who the client is otherwise, and is never logged.
 */
#pragma once

#include "base/slice.h"

#include <stdbool.h>

struct sockaddr;

enum client_family { CLIENT_UNKNOWN, CLIENT_IPV4, CLIENT_IPV6 }; /* unknown: no TCP peer, whom nothing limits */

struct client_address {
    uint8_t family, bytes[8];
};

/* An IPv4 address in an IPv6 socket is the IPv4 address. */
struct client_address client_address_of(const struct sockaddr *address);

bool client_address_equal(const struct client_address *a, const struct client_address *b);

/* For tables: whoever does not know `seed` cannot choose addresses that fall together. */
uint64_t client_address_hash(const struct client_address *client, uint64_t seed);
