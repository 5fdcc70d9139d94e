/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/softtee.h"

#include "tee/softtee_message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The descriptor moves out of the way of those that programs hand to their own children by number. */
enum { FIRST_DESCRIPTOR = 20, ANSWER_TIMEOUT_S = 10 };

static enum status refuse_absent(struct refusal *why, const char *seen)
{
    (void)!refuse(why, ERR_TEE_ABSENT, SOFTTEE_VARIABLE, "3, a socket of lazaret-softtee", "%s", seen);
    return refuse_fix(why, ERR_TEE_ABSENT,
                      "start it with: lazaret-softtee launch --state DIR -- PROGRAM --config FILE");
}

static bool is_packet_socket(int descriptor)
{
    int type = 0;
    socklen_t size = sizeof(type);
    return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

enum status softtee_open(struct refusal *why, int *socket_out)
{
    const char *const value = getenv(SOFTTEE_VARIABLE);
    if (value == NULL) return refuse_absent(why, "nothing");
    if (strcmp(value, "3") != 0) return refuse_absent(why, "another value");
    if (!is_packet_socket(SOFTTEE_DESCRIPTOR)) return refuse_absent(why, "no such socket");
    const int taken = fcntl(SOFTTEE_DESCRIPTOR, F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR);
    if (taken < 0) return refuse_absent(why, strerror(errno));
    (void)close(SOFTTEE_DESCRIPTOR);
    (void)unsetenv(SOFTTEE_VARIABLE);
    const struct timeval limit = {.tv_sec = ANSWER_TIMEOUT_S};
    (void)setsockopt(taken, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    *socket_out = taken;
    return OK;
}

/* The calls are read and write: the process that keeps the TEE may be a contained one, which has no others. Programs
 * ignore SIGPIPE. */
static enum status send_request(int socket, const struct softtee_request *request)
{
    CLEANUP(buffer_done) struct buffer message = buffer_of_maximum(SOFTTEE_REQUEST_MAX_BYTES);
    TRY(softtee_request_write(request, &message));
    ssize_t sent;
    do sent = write(socket, message.bytes, message.size);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)message.size ? OK : ERR_TEE_PROTOCOL;
}

static enum status receive_answer(int socket, struct buffer *message)
{
    uint8_t *at;
    /* A packet that is too large is cut off, and shows by the byte more. */
    TRY(buffer_extend(message, SOFTTEE_ANSWER_MAX_BYTES + 1, &at));
    ssize_t got;
    do got = read(socket, at, SOFTTEE_ANSWER_MAX_BYTES + 1);
    while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return ERR_TIMEOUT;
    if (got <= 0 || got > SOFTTEE_ANSWER_MAX_BYTES) return ERR_TEE_PROTOCOL;
    buffer_truncate(message, (size_t)got);
    return OK;
}

enum status softtee_call(int socket, int operation, struct slice operand, struct buffer *payload)
{
    const struct softtee_request request = {.operation = (enum softtee_operation)operation, .operand = operand};
    CLEANUP(buffer_done) struct buffer message = buffer_of_maximum(SOFTTEE_ANSWER_MAX_BYTES + 1);
    struct slice seen;
    TRY(send_request(socket, &request));
    TRY(receive_answer(socket, &message));
    TRY(softtee_answer_read(buffer_slice(&message), &seen));
    return buffer_append(payload, seen);
}
