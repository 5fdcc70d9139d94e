/* SPDX-License-Identifier: Apache-2.0
 * Hits frame_receive, frame_read_refusal, link_ask, link_ask_back, link_serve: what either side of a link may send that
 * was taken over.
 */
#include "attestation/link/frame.h"
#include "base/clock.h"
#include "fuzz.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEADLINE_MS = 20000, ANSWER_MAX_BYTES = 4096 };

/* One end, from which the input can be read, and then nothing more. */
static int end_with(struct slice input, int *other_out)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) abort();
    if (input.size > 0 && write(pair[1], input.bytes, input.size) != (ssize_t)input.size) abort();
    (void)shutdown(pair[1], SHUT_WR);
    *other_out = pair[1];
    return pair[0];
}

static enum status supply(void *, enum link_need need, struct slice, struct refusal *why, struct buffer *)
{
    if (need < LINK_NEED_COLLATERAL || need > LINK_NEED_ENDORSEMENTS) abort();
    return refuse(why, ERR_NOT_FOUND, "supply", "something", "nothing");
}

static void ask(struct slice input)
{
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(ANSWER_MAX_BYTES);
    struct refusal why = {};
    unsigned step;
    int other;
    const int socket = end_with(input, &other);
    const enum status status = link_ask(socket, SLICE_LITERAL("question"), supply, NULL,
                                        clock_monotonic_ms() + DEADLINE_MS, &why, &step, &answer);
    if (status == ERR_TIMEOUT || (status != OK && (answer.size > 0 || !refusal_is_sound(&why)))) abort();
    (void)close(socket);
    (void)close(other);
}

static enum status handle(void *, struct link *link, struct slice question, struct refusal *why, unsigned *step_out,
                          struct buffer *answer)
{
    *step_out = 1;
    if (question.size > 0 && question.bytes[0] == 'b')
        return link_ask_back(link, LINK_NEED_POLICY, question, why, answer);
    if (question.size > 0 && question.bytes[0] == 'g') link_give_up(link);
    return buffer_append(answer, question);
}

static void serve(struct slice input)
{
    int other;
    const int socket = end_with(input, &other);
    (void)fcntl(socket, F_SETFL,
                O_NONBLOCK); /* nobody takes the answers: the serving ends when there is no more room */
    link_serve(socket, handle, NULL);
    (void)close(socket);
    (void)close(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    (void)signal(SIGPIPE, SIG_IGN);
    ask(slice_of(bytes, size));
    serve(slice_of(bytes, size));
    return 0;
}
