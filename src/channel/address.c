/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { LISTEN_BACKLOG = 4096, PORT_MAX_DIGITS = 5, PORT_MAX = 65535 };

static bool parse_port(struct slice text, uint16_t *port_out)
{
    uint32_t port = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9' || i == PORT_MAX_DIGITS) return false;
        port = port * 10 + (uint32_t)(text.bytes[i] - '0');
    }
    *port_out = (uint16_t)port;
    return text.size > 0 && port <= PORT_MAX;
}

static bool keep_text(struct slice text, size_t max_size, char *text_out)
{
    if (text.size == 0 || text.size > max_size) return false;
    memcpy(text_out, text.bytes, text.size);
    text_out[text.size] = '\0';
    return true;
}

static bool is_plain_host(struct slice host)
{
    for (size_t i = 0; i < host.size; i++) {
        const uint8_t c = host.bytes[i];
        if (c <= ' ' || c > '~' || strchr("[]:/", c) != NULL) return false;
    }
    return true;
}

/* "host:port" or "[v6]:port": the colon before the port is the last one. */
static bool parse_host_port(struct slice text, struct address *address)
{
    size_t colon = text.size;
    while (colon > 0 && text.bytes[colon - 1] != ':') colon--;
    if (colon == 0) return false;
    struct slice host = slice_part(text, 0, colon - 1);
    const bool has_brackets = host.size > 2 && host.bytes[0] == '[' && host.bytes[host.size - 1] == ']';
    if (has_brackets) host = slice_part(host, 1, host.size - 2);
    if (!has_brackets && !is_plain_host(host)) return false;
    return keep_text(host, ADDRESS_HOST_MAX_BYTES, address->host) &&
           parse_port(slice_part(text, colon, text.size), &address->port);
}

enum status address_parse(const char *text, struct refusal *why, struct address *address_out)
{
    struct address address = {};
    const struct slice whole = slice_of_text(text), unix_prefix = SLICE_LITERAL("unix:");
    const bool is_unix = slice_starts_with(whole, unix_prefix);
    const bool is_valid =
        is_unix ? keep_text(slice_part(whole, unix_prefix.size, whole.size), ADDRESS_PATH_MAX_BYTES, address.path)
                : parse_host_port(whole, &address);
    if (!is_valid) return refuse(why, ERR_CONFIG, "address", "host:port, [v6]:port or unix:PATH", "%s", text);
    *address_out = address;
    return OK;
}

/* The colons of an IPv6 address stand in brackets; the one before a port stands after them. */
static bool names_port(struct slice authority)
{
    size_t end = authority.size;
    while (end > 0 && authority.bytes[end - 1] != ':' && authority.bytes[end - 1] != ']') end--;
    return end > 0 && authority.bytes[end - 1] == ':';
}

enum status address_of_authority(struct slice text, uint16_t default_port, struct refusal *why,
                                 struct address_authority *authority_out)
{
    struct address_authority authority = {};
    struct address address = {};
    char port[PORT_MAX_DIGITS + 2] = "";
    if (!names_port(text)) (void)snprintf(port, sizeof(port), ":%u", default_port);
    const int size = (int)(text.size < ADDRESS_TEXT_MAX_BYTES ? text.size : ADDRESS_TEXT_MAX_BYTES);
    const char *const characters = size == 0 ? "" : (const char *)text.bytes;
    const int wanted = snprintf(authority.address, sizeof(authority.address), "%.*s%s", size, characters, port);
    const bool fits = text.size <= ADDRESS_TEXT_MAX_BYTES && wanted <= ADDRESS_TEXT_MAX_BYTES;
    if (!fits || memchr(characters, '@', (size_t)size) != NULL ||
        !parse_host_port(slice_of_text(authority.address), &address))
        return refuse(why, ERR_CONFIG, "address", "host[:port] or [v6][:port]", "%.*s", size, characters);
    memcpy(authority.host, address.host, sizeof(authority.host));
    *authority_out = authority;
    return OK;
}

static int look_up(const struct address *address, int flags, struct addrinfo **found_out)
{
    char port[PORT_MAX_DIGITS + 1];
    (void)snprintf(port, sizeof(port), "%u", address->port);
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    return getaddrinfo(address->host, port, &wanted, found_out);
}

static enum status refuse_listen(struct refusal *why, const char *text, const char *reason)
{
    return refuse(why, ERR_IO, text, "an address of this machine that is free", "%s", reason);
}

static int open_listener(const struct addrinfo *found)
{
    const int on = 1;
    const int listener =
        socket(found->ai_family, found->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, found->ai_protocol);
    if (listener < 0) return -1;
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(listener, found->ai_addr, found->ai_addrlen) == 0 && listen(listener, LISTEN_BACKLOG) == 0)
        return listener;
    const int reason = errno;
    (void)close(listener);
    errno = reason;
    return -1;
}

static uint16_t bound_port(int listener)
{
    struct sockaddr_storage bound = {};
    socklen_t size = sizeof(bound);
    if (getsockname(listener, (struct sockaddr *)&bound, &size) != 0) return 0;
    return ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                             : ((struct sockaddr_in *)&bound)->sin_port);
}

enum status address_listen(const char *text, struct refusal *why, int *socket_out, uint16_t *port_out)
{
    struct address address;
    TRY(address_parse(text, why, &address));
    if (address.path[0] != '\0') return refuse(why, ERR_CONFIG, "address", "host:port", "%s", text);
    struct addrinfo *found = NULL;
    const int error = look_up(&address, AI_PASSIVE, &found);
    if (error != 0) return refuse_listen(why, text, gai_strerror(error));
    const int listener = open_listener(found);
    const int reason = errno;
    freeaddrinfo(found);
    if (listener < 0) return refuse_listen(why, text, strerror(reason));
    *socket_out = listener;
    *port_out = bound_port(listener);
    return OK;
}

static struct address_list unix_address(const char *path)
{
    struct address_list list = {.count = 1};
    struct sockaddr_un *const socket = (struct sockaddr_un *)&list.items[0].socket;
    socket->sun_family = AF_UNIX;
    (void)snprintf(socket->sun_path, sizeof(socket->sun_path), "%s", path);
    list.items[0].size = sizeof(*socket);
    return list;
}

enum status address_resolve(const struct address *address, struct refusal *why, struct address_list *list_out)
{
    if (address->path[0] != '\0') {
        *list_out = unix_address(address->path);
        return OK;
    }
    struct addrinfo *found = NULL;
    const int error = look_up(address, 0, &found);
    if (error != 0)
        return refuse(why, ERR_CONNECT, address->host, "a host that can be found", "%s", gai_strerror(error));
    struct address_list list = {};
    for (const struct addrinfo *at = found; at != NULL && list.count < ADDRESS_FOUND_MAX_COUNT; at = at->ai_next) {
        memcpy(&list.items[list.count].socket, at->ai_addr, at->ai_addrlen);
        list.items[list.count++].size = at->ai_addrlen;
    }
    freeaddrinfo(found);
    *list_out = list;
    return OK;
}
