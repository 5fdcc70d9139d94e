/* SPDX-License-Identifier: Apache-2.0
 * Hits decoder_decode and nursery_receive_verdict: what a decoder's process says that has met a stranger's picture. */
#include "base/nursery.h"
#include "fuzz.h"
#include "imaging/decoder_child.h"
#include "parts.h"

#include <sys/socket.h>

static struct slice said;

enum status __wrap_nursery_start(const struct nursery_plan *plan, struct refusal *why, struct nursery **nursery_out);
enum status __wrap_nursery_start(const struct nursery_plan *, struct refusal *, struct nursery **)
{
    return OK;
}

void __wrap_nursery_stop(struct nursery *nursery);
void __wrap_nursery_stop(struct nursery *)
{
}

/* The socket's buffer holds what is asked, so nobody needs to read it. */
static int peer = -1;

enum status __wrap_nursery_open(struct nursery *nursery, int *socket_out);
enum status __wrap_nursery_open(struct nursery *, int *socket_out)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) abort();
    if (said.size > 0) (void)!send(pair[1], said.bytes, said.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(pair[1], SHUT_WR);
    *socket_out = pair[0];
    if (peer >= 0) (void)close(peer); /* the decoder tries again with another process */
    peer = pair[1];
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct decoder *decoder;
    if (decoder == NULL) must(decoder_start(NULL, &decoder));
    CLEANUP(film_done) struct film film = {};
    struct refusal why = {};
    said = slice_of(bytes, size);
    const enum status status = decoder_decode(decoder, SLICE_LITERAL("picture"), &why, &film);
    (void)close(peer);
    peer = -1;
    if (status != OK && film.pixels.bytes != NULL) abort();
    if (status == OK && film.pixels.size != (size_t)film.width * film.height) abort();
    return 0;
}
