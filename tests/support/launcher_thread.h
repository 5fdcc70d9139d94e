/* SPDX-License-Identifier: Apache-2.0
 *
 * A software TEE for tests that need one in their own process: a thread plays the launcher and answers as it would, for
 * an identity of the test's choice.
 */
#pragma once

#include "softtee/answer.h"
#include "tee/tee.h"
#include "testing.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

struct launcher_thread {
    const struct simulated_machine *machine; /* borrowed */
    struct simulated_identity identity;
    int socket;
    pthread_t thread;
    struct tee *tee;
};

static inline void *launcher_thread_run(void *context)
{
    struct launcher_thread *const launcher = context;
    uint8_t request[SOFTTEE_REQUEST_MAX_BYTES];
    for (ssize_t got; (got = recv(launcher->socket, request, sizeof(request), 0)) > 0;) {
        struct buffer answer = buffer_of_maximum(SOFTTEE_ANSWER_MAX_BYTES);
        const struct slice asked = slice_of(request, (size_t)got);
        if (softtee_answer(launcher->machine, &launcher->identity, asked, &answer) == OK)
            (void)!send(launcher->socket, answer.bytes, answer.size, MSG_NOSIGNAL);
        buffer_done(&answer);
    }
    return NULL;
}

/* `machine` is borrowed until launcher_thread_stop. */
static inline void launcher_thread_start(struct launcher_thread *launcher, const struct simulated_machine *machine,
                                         const struct simulated_identity *identity)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    *launcher = (struct launcher_thread){.machine = machine, .identity = *identity};
    launcher->socket = fcntl(ends[0], F_DUPFD, 30);
    const int theirs = fcntl(ends[1], F_DUPFD, 30);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_int_equal(dup2(theirs, SOFTTEE_DESCRIPTOR), SOFTTEE_DESCRIPTOR);
    (void)close(theirs);
    assert_int_equal(setenv("LAZARET_SOFTTEE", "3", 1), 0);
    assert_ok(tee_open(NULL, &launcher->tee));
    assert_int_equal(pthread_create(&launcher->thread, NULL, launcher_thread_run, launcher), 0);
    /* Who forks next must not do so while this thread begins: the sanitizers' allocator would be copied with its locks
     * held, and the child hang at its first allocation. */
    (void)usleep(100000);
}

static inline void launcher_thread_stop(struct launcher_thread *launcher)
{
    tee_free(launcher->tee);
    (void)pthread_join(launcher->thread, NULL);
    (void)close(launcher->socket);
}
