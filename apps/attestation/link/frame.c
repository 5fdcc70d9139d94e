/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/link/frame.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct head {
    uint8_t kind, detail;
    uint16_t zero;
    uint32_t size;
};

/* What arrives with the head in one call. Larger frames take one call more. */
enum { FIRST_BYTES = 16 * 1024 };

/* ---- sending ---- */

/* The contained side has a blocking socket and no other call; the service must neither block past its deadline nor get
 * SIGPIPE. */
static ssize_t put_some(int socket, struct iovec *parts, int count, bool wait)
{
    if (wait) return writev(socket, parts, count);
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static enum status wait_for_room(int socket, int64_t deadline_ms)
{
    const int64_t left_ms = deadline_ms - clock_monotonic_ms();
    if (left_ms <= 0) return ERR_TIMEOUT;
    struct pollfd waiting = {.fd = socket, .events = POLLOUT};
    return poll(&waiting, 1, left_ms > 60000 ? 60000 : (int)left_ms) < 0 && errno != EINTR ? ERR_IO : OK;
}

/* Moves past the bytes that have gone. */
static void advance(struct iovec *parts, size_t gone)
{
    for (int i = 0; i < 2; i++) {
        const size_t part = gone < parts[i].iov_len ? gone : parts[i].iov_len;
        parts[i].iov_base = (uint8_t *)parts[i].iov_base + part;
        parts[i].iov_len -= part;
        gone -= part;
    }
}

enum status frame_send(int socket, struct frame frame, struct slice bytes, int64_t deadline_ms)
{
    if (bytes.size > LINK_FRAME_MAX_BYTES) return ERR_TOO_LARGE;
    struct head head = {.kind = (uint8_t)frame.kind, .detail = frame.detail, .size = (uint32_t)bytes.size};
    /* The kernel's vectors are for both directions; nothing is written through this one. */
    union {
        const uint8_t *read_only;
        void *any;
    } body = {.read_only = bytes.bytes};
    struct iovec parts[2] = {{.iov_base = &head, .iov_len = sizeof(head)},
                             {.iov_base = body.any, .iov_len = bytes.size}};
    const bool wait = deadline_ms == FRAME_NO_DEADLINE;
    for (size_t left = sizeof(head) + bytes.size; left > 0;) {
        const ssize_t put = put_some(socket, parts, bytes.size > 0 ? 2 : 1, wait);
        if (put > 0) {
            left -= (size_t)put;
            advance(parts, (size_t)put);
        } else if (put < 0 && errno == EAGAIN && !wait) {
            TRY(wait_for_room(socket, deadline_ms));
        } else if (put >= 0 || errno != EINTR) {
            return ERR_CHILD_DIED;
        }
    }
    return OK;
}

/* ---- receiving ---- */

/* Lets the next call that receives wait as long as there is time. */
static enum status limit_waiting(int socket, int64_t deadline_ms)
{
    const int64_t left_ms = deadline_ms - clock_monotonic_ms();
    if (left_ms <= 0) return ERR_TIMEOUT;
    const struct timeval left = {.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000};
    return setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &left, sizeof(left)) == 0 ? OK : ERR_IO;
}

/* One call's worth. A side that sends byte by byte wins no time: each call waits only until the same deadline. */
static enum status get_some(int socket, int64_t deadline_ms, size_t size, uint8_t *bytes_out, size_t *got_out)
{
    for (;;) {
        if (deadline_ms != FRAME_NO_DEADLINE) TRY(limit_waiting(socket, deadline_ms));
        const ssize_t got = read(socket, bytes_out, size);
        if (got > 0) {
            *got_out = (size_t)got;
            return OK;
        }
        if (got == 0 || (errno != EINTR && errno != EAGAIN)) return ERR_CHILD_DIED;
    }
}

static enum status get_whole(int socket, int64_t deadline_ms, size_t size, uint8_t *bytes_out)
{
    for (size_t have = 0; have < size;) {
        size_t got;
        TRY(get_some(socket, deadline_ms, size - have, bytes_out + have, &got));
        have += got;
    }
    return OK;
}

/* What follows the head, of which `have` bytes are here already. */
static enum status get_body(int socket, int64_t deadline_ms, size_t size, struct slice have, struct buffer *bytes)
{
    if (size > LINK_FRAME_MAX_BYTES || size < have.size || size > bytes->maximum - bytes->size) return ERR_CHILD_DIED;
    uint8_t *place;
    TRY(buffer_extend(bytes, size, &place));
    if (have.size > 0) memcpy(place, have.bytes, have.size);
    return get_whole(socket, deadline_ms, size - have.size, place + have.size);
}

enum status frame_receive(int socket, int64_t deadline_ms, enum frame_kind wanted, struct frame *frame_out,
                          struct buffer *bytes, struct buffer *aside)
{
    __attribute__((uninitialized)) uint8_t first[FIRST_BYTES]; /* most of it is never read */
    size_t have = 0;
    while (have < sizeof(struct head)) {
        size_t got;
        TRY(get_some(socket, deadline_ms, sizeof(first) - have, first + have, &got));
        have += got;
    }
    struct head head;
    /* cppcheck-suppress uninitvar ; get_some wrote it */
    memcpy(&head, first, sizeof(head));
    struct buffer *const place = head.kind == wanted ? bytes : aside;
    if (head.zero != 0 || place == NULL) return ERR_CHILD_DIED;
    TRY(get_body(socket, deadline_ms, head.size, slice_of(first + sizeof(head), have - sizeof(head)), place));
    *frame_out = (struct frame){.kind = (enum frame_kind)head.kind, .detail = head.detail};
    return OK;
}

/* ---- refusals ---- */

enum status frame_send_refusal(int socket, struct frame frame, enum status status, const struct refusal *why,
                               int64_t deadline_ms)
{
    struct refusal refusal = {};
    if (why != NULL) refusal = *why;
    refusal.status = status;
    return frame_send(socket, frame, slice_of(&refusal, sizeof(refusal)), deadline_ms);
}

enum status frame_read_refusal(struct slice bytes, struct refusal *why_out)
{
    struct refusal refusal;
    if (bytes.size != sizeof(refusal)) return ERR_CHILD_DIED;
    memcpy(&refusal, bytes.bytes, sizeof(refusal));
    if (!refusal_is_sound(&refusal)) return ERR_CHILD_DIED;
    *why_out = refusal;
    return OK;
}
