/* SPDX-License-Identifier: Apache-2.0
 *
 * A program for the launch tests: does what its first argument says and writes what it sees into the file that the
 * second names. Exits 0, unless it was asked for another code.
 */
#include "base/file.h"
#include "tee/tee.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int put(const char *path, struct slice bytes)
{
    return file_write(path, bytes, 0644, NULL) == OK ? 0 : 70;
}

static int environment(const char *path)
{
    struct buffer text = buffer_of_maximum(4096);
    for (char **variable = environ; *variable != NULL; variable++)
        if (buffer_append_format(&text, "%s\n", *variable) != OK) return 71;
    const int result = put(path, buffer_slice(&text));
    buffer_done(&text);
    return result;
}

/* Every open descriptor but the standard streams. */
static int descriptors(const char *path)
{
    struct buffer text = buffer_of_maximum(4096);
    for (int i = 3; i < 1024; i++)
        if (fcntl(i, F_GETFD) >= 0 && buffer_append_format(&text, "%d\n", i) != OK) return 71;
    const int result = put(path, buffer_slice(&text));
    buffer_done(&text);
    return result;
}

static int quote_of(struct tee *tee, const char *path)
{
    static const uint8_t report_data[TEE_REPORT_DATA_BYTES] = {'p', 'r', 'o', 'b', 'e'};
    struct buffer bytes = buffer_of_maximum(TEE_EVIDENCE_MAX_BYTES);
    struct tee_measurement measurement;
    if (tee_measure(tee, &measurement) != OK) return 73;
    if (buffer_append(&bytes, SLICE_ARRAY(measurement.mrenclave)) != OK) return 73;
    if (tee_quote(tee, report_data, &bytes) != OK) return 74;
    const int result = put(path, buffer_slice(&bytes));
    buffer_done(&bytes);
    return result;
}

static int quote(const char *path)
{
    struct tee *tee = NULL;
    if (tee_open(NULL, &tee) != OK) return 72;
    const int result = quote_of(tee, path);
    tee_free(tee);
    return result;
}

static int key(const char *path)
{
    struct tee *tee = NULL;
    struct secret bytes = {};
    if (tee_open(NULL, &tee) != OK) return 72;
    if (tee_sealing_key(tee, SLICE_LITERAL("probe"), &bytes) != OK) return 73;
    const int result = put(path, secret_slice(&bytes));
    secret_done(&bytes);
    tee_free(tee);
    return result;
}

/* A child asks in this program's name, over the socket that it inherited; then the program asks for itself. */
static int child(const char *path)
{
    const pid_t asking = fork();
    if (asking == 0) {
        const uint8_t request = 3;
        const struct timeval limit = {.tv_usec = 300000};
        uint8_t answer[256];
        (void)setsockopt(3, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        if (send(3, &request, 1, 0) != 1) _exit(1);
        _exit(recv(3, answer, sizeof(answer), 0) < 0 && errno == EAGAIN ? 42 : 2);
    }
    int ended = 0;
    if (waitpid(asking, &ended, 0) != asking || WEXITSTATUS(ended) != 42) return 75;
    return quote(path);
}

/* Whoever is not a child cannot be given the TEE. Then a child is, which alone is answered from then on. */
static int hand_over(const char *path)
{
    const struct timeval limit = {.tv_usec = 300000};
    struct tee *tee = NULL;
    struct tee_measurement measurement;
    int go[2], ended = 0;
    uint8_t byte = 0;
    if (tee_open(NULL, &tee) != OK || pipe(go) != 0) return 72;
    const pid_t keeper = fork();
    if (keeper == 0) {
        if (read(go[0], &byte, 1) != 1) _exit(1);
        const int outcome = quote_of(tee, path);
        tee_free(tee);
        _exit(outcome);
    }
    if (keeper < 0 || tee_hand_over(tee, keeper) != OK) return 73;
    if (write(go[1], &byte, 1) != 1 || waitpid(keeper, &ended, 0) != keeper || WEXITSTATUS(ended) != 0) return 74;
    (void)setsockopt(tee_descriptor(tee), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    const bool is_deaf = tee_measure(tee, &measurement) == ERR_TIMEOUT;
    tee_free(tee);
    return is_deaf ? 0 : 75;
}

static int hand_over_to_a_stranger(const char *)
{
    struct tee *tee = NULL;
    if (tee_open(NULL, &tee) != OK) return 72;
    const bool is_refused = tee_hand_over(tee, getppid()) == ERR_TEE_PROTOCOL;
    tee_free(tee);
    return is_refused ? 0 : 73;
}

static int status(const char *path)
{
    struct buffer text = buffer_of_maximum(4096);
    const int no_new_privileges = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    int signal_at_death = 0;
    (void)prctl(PR_GET_PDEATHSIG, &signal_at_death);
    if (buffer_append_format(&text, "%d %d %d %d %u", no_new_privileges, signal_at_death, getpid() == getpgrp() ? 1 : 0,
                             (int)getppid(), (unsigned)getuid()) != OK)
        return 71;
    const int result = put(path, buffer_slice(&text));
    buffer_done(&text);
    return result;
}

static void end_well(int)
{
    _exit(33);
}

/* Waits for a signal, with a child of its own that would live on. */
static int wait_for_signal(const char *path)
{
    (void)signal(SIGTERM, end_well);
    const pid_t left_behind = fork();
    if (left_behind == 0) {
        (void)signal(SIGTERM, SIG_IGN);
        for (;;) (void)pause();
    }
    char text[64];
    (void)snprintf(text, sizeof(text), "%d %d", (int)getpid(), (int)left_behind);
    if (put(path, slice_of(text, strlen(text))) != 0) return 70;
    for (;;) (void)pause();
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        int (*run)(const char *path);
    } deeds[] = {{"environment", environment},
                 {"descriptors", descriptors},
                 {"quote", quote},
                 {"key", key},
                 {"child", child},
                 {"status", status},
                 {"wait", wait_for_signal},
                 {"hand over", hand_over},
                 {"hand over to a stranger", hand_over_to_a_stranger}};
    if (count != 3) return 64;
    if (strcmp(arguments[1], "exit") == 0) return 7;
    if (strcmp(arguments[1], "die") == 0) return raise(SIGKILL);
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
        if (strcmp(deeds[i].name, arguments[1]) == 0) return deeds[i].run(arguments[2]);
    return 64;
}
