/* SPDX-License-Identifier: Apache-2.0
 * Hits cache_get, cache_set, cache_delete, cache_ping over a connection whose other end says the input and hangs up: a
 * cache of the host's. The first byte says which is asked. */
#include "fuzz.h"
#include "parts.h"
#include "records/cache.h"

#include <sys/socket.h>

static struct slice said;

static enum status connect_said(void *, int *socket_out)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) abort();
    if (said.size > 0) (void)!send(pair[1], said.bytes, said.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(pair[1], SHUT_WR);
    *socket_out = pair[0];
    (void)close(pair[1]);
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) return 0;
    const struct cache_options options = {.connect = connect_said, .connections = 1};
    CLEANUP(cache_cleanup) struct cache *cache = NULL;
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(CACHE_VALUE_MAX_BYTES);
    said = slice_of(bytes + 1, size - 1);
    must(cache_new(&options, &cache));
    switch (bytes[0] & 3) {
    case 0: (void)!cache_ping(cache); break;
    case 1: (void)!cache_set(cache, SLICE_LITERAL("key"), SLICE_LITERAL("value"), 60); break;
    case 2: (void)!cache_delete(cache, SLICE_LITERAL("key")); break;
    default:
        if (cache_get(cache, SLICE_LITERAL("key"), &value) != OK && value.size > 0) abort();
    }
    return 0;
}
