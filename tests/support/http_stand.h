/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP server's tests run twice: with a thread of its own, and as a guest on a tunnel's thread.
 */
#pragma once

#include "http/server.h"
#include "testing.h"

#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* On the tunnel's thread, where newcomers are handed over. */
struct http_stand {
    struct clock *clock;
    struct tunnel *tunnel; /* NULL: the server has a thread of its own */
    struct tunnel_guest *door;
    int wake;
    struct http_server *server;
    const struct client_address *client;
    const struct tunnel_peer *peer;
    _Atomic int newcomer; /* -1: none waits */
};
static struct http_stand http_stand = {.newcomer = -1};

static inline bool http_stand_let_in(void *)
{
    const int newcomer = http_stand.newcomer;
    if (newcomer >= 0) http_server_on_connection(http_stand.server, newcomer, http_stand.client, http_stand.peer);
    http_stand.newcomer = -1;
    return false;
}

static inline int http_stand_connect(struct http_server *server, const struct client_address *client,
                                     const struct tunnel_peer *peer)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    if (http_stand.tunnel == NULL) {
        http_server_on_connection(server, pair[1], client, peer);
        return pair[0];
    }
    http_stand.server = server;
    http_stand.client = client;
    http_stand.peer = peer;
    http_stand.newcomer = pair[1];
    tunnel_guest_wake(http_stand.door);
    while (http_stand.newcomer >= 0) (void)usleep(100);
    return pair[0];
}

static inline int http_stand_on_a_tunnel(void **)
{
    assert_ok(clock_new(&http_stand.clock));
    assert_ok(tunnel_new(http_stand.clock, NULL, &http_stand.tunnel));
    http_stand.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_ok(tunnel_invite(http_stand.tunnel, http_stand.wake, http_stand_let_in, NULL, &http_stand.door));
    return 0;
}

static inline int http_stand_close(void **)
{
    tunnel_guest_free(http_stand.door);
    (void)close(http_stand.wake);
    tunnel_free(http_stand.tunnel);
    clock_free(http_stand.clock);
    http_stand = (struct http_stand){.newcomer = -1};
    return 0;
}
