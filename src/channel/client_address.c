/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/client_address.h"

#include <netinet/in.h>
#include <string.h>

enum { IPV4_BYTES = 4, MAPPED_AT = 12 };

struct client_address client_address_of(const struct sockaddr *address)
{
    struct client_address client = {};
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        client.family = CLIENT_IPV4;
        memcpy(client.bytes, &v4.sin_addr, IPV4_BYTES);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof(v6));
        const bool is_mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) != 0;
        client.family = is_mapped ? CLIENT_IPV4 : CLIENT_IPV6;
        memcpy(client.bytes, v6.sin6_addr.s6_addr + (is_mapped ? MAPPED_AT : 0),
               is_mapped ? IPV4_BYTES : sizeof(client.bytes));
    }
    return client;
}

bool client_address_equal(const struct client_address *a, const struct client_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Multiplied in full by a number that nobody outside knows, both halves folded, twice. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    const __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t client_address_hash(const struct client_address *client, uint64_t seed)
{
    uint64_t value;
    memcpy(&value, client->bytes, sizeof(value));
    const uint64_t odd = seed | 1;
    return fold(fold(value ^ seed, odd * 0x9e3779b97f4a7c15U) + client->family, odd);
}
