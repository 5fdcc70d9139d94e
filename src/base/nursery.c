/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nursery.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NURSERY_KNOWN_CHILDREN = 256 }; /* that can be killed at a time */

/* What the program tells the nursery: a socket comes along with it, for a new child, or none, for one to be killed. */
struct order {
    uint32_t child;
    int processor; /* of a new one */
};

struct nursery {
    int socket;
    pid_t process;
    _Atomic uint32_t children; /* forked so far */
};

static void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0) (void)close(*descriptor);
    *descriptor = -1;
}

/* Everything but the standard descriptors and the two named ones: listening sockets and files of the program are none
 * of a child's business. */
static void close_others(int a, int b)
{
    const int low = a < b ? a : b;
    const int high = a < b ? b : a;
    unsigned from = STDERR_FILENO + 1;
    const int kept[] = {low, high};
    for (int i = 0; i < 2; i++) {
        if (kept[i] < (int)from) continue;
        if (kept[i] > (int)from) (void)syscall(SYS_close_range, from, (unsigned)kept[i] - 1, 0);
        from = (unsigned)kept[i] + 1;
    }
    (void)syscall(SYS_close_range, from, ~0U, 0);
}

/* Children must not outlive the process that asked for them, whatever way it ended. */
static bool die_with(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

[[gnu::noreturn]] static void child_main(const struct nursery_plan *plan, int processor, pid_t nursery, int socket)
{
    if (!die_with(nursery)) _exit(1);
    (void)!processors_keep_to(processor); /* contained, it could not */
    close_others(socket, plan->keep_descriptor);
    if (containment_enter(&plan->containment, NULL) != OK) _exit(1);
    plan->work(plan->context, socket);
    /* Not exit(): handlers of the program that was forked are not the child's to run. */
    _exit(0);
}

/* -1 stands for no descriptor. False when the program is gone. */
static bool receive_order(int socket, struct order *order_out, int *descriptor_out)
{
    struct iovec part = {.iov_base = order_out, .iov_len = sizeof(*order_out)};
    union {
        struct cmsghdr header;
        uint8_t space[CMSG_SPACE(sizeof(int))];
    } control = {};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)};
    ssize_t got;
    do got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof(*order_out)) return false;
    const struct cmsghdr *const header = CMSG_FIRSTHDR(&message);
    *descriptor_out = -1;
    if (header != NULL && header->cmsg_type == SCM_RIGHTS) memcpy(descriptor_out, CMSG_DATA(header), sizeof(int));
    return true;
}

/* Ctrl-C reaches the whole group of processes, but it is the program that decides when its children end. */
static void leave_signals_to_the_program(void)
{
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
}

/* ---- children that can be killed ---- */

/* By descriptors of processes, not by their ids, which the kernel gives to others once a child has ended. */
struct known_children {
    struct {
        uint32_t number;
        int process; /* -1: a free place */
    } items[NURSERY_KNOWN_CHILDREN];
};

static void forget_ended(struct known_children *known)
{
    for (size_t i = 0; i < NURSERY_KNOWN_CHILDREN; i++) {
        struct pollfd ended = {.fd = known->items[i].process, .events = POLLIN};
        if (ended.fd >= 0 && poll(&ended, 1, 0) > 0) close_descriptor(&known->items[i].process);
    }
}

static void remember(struct known_children *known, uint32_t number, pid_t child)
{
    forget_ended(known);
    for (size_t i = 0; child > 0 && i < NURSERY_KNOWN_CHILDREN; i++) {
        if (known->items[i].process >= 0) continue;
        known->items[i].number = number;
        known->items[i].process = (int)syscall(SYS_pidfd_open, child, 0);
        return;
    }
}

static void kill_child(const struct known_children *known, uint32_t number)
{
    for (size_t i = 0; i < NURSERY_KNOWN_CHILDREN; i++) {
        if (known->items[i].process >= 0 && known->items[i].number == number)
            (void)syscall(SYS_pidfd_send_signal, known->items[i].process, SIGKILL, NULL, 0);
    }
}

/* ---- the nursery ---- */

[[gnu::noreturn]] static void nursery_main(const struct nursery_plan *plan, pid_t program, int socket)
{
    if (!die_with(program)) _exit(1);
    (void)prctl(PR_SET_NAME, plan->name);
    (void)prctl(PR_SET_DUMPABLE, 0);
    close_others(socket, plan->keep_descriptor);
    leave_signals_to_the_program();
    (void)signal(SIGCHLD, SIG_IGN); /* the kernel reaps */
    const pid_t self = getpid();
    static struct known_children known;
    for (size_t i = 0; i < NURSERY_KNOWN_CHILDREN; i++) known.items[i].process = -1;
    struct order order;
    for (int descriptor; receive_order(socket, &order, &descriptor);) {
        if (descriptor < 0) {
            kill_child(&known, order.child);
            continue;
        }
        const pid_t child = fork();
        if (child == 0) {
            (void)close(socket);
            child_main(plan, order.processor, self, descriptor);
        }
        /* If fork failed, closing tells the program. */
        (void)close(descriptor);
        remember(&known, order.child, child);
    }
    _exit(0);
}

enum status nursery_start(const struct nursery_plan *plan, struct refusal *why, struct nursery **nursery_out)
{
    struct nursery *const nursery = calloc(1, sizeof(*nursery));
    if (nursery == NULL) return ERR_NO_MEMORY;
    int pair[2] = {-1, -1};
    const pid_t program = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0) nursery->process = fork();
    if (pair[0] < 0 || nursery->process < 0) {
        const enum status status = refuse(why, ERR_IO, plan->name, "a contained process", "%s", strerror(errno));
        close_descriptor(&pair[0]);
        close_descriptor(&pair[1]);
        free(nursery);
        return status;
    }
    if (nursery->process == 0) nursery_main(plan, program, pair[1]);
    (void)close(pair[1]);
    nursery->socket = pair[0];
    *nursery_out = nursery;
    return OK;
}

enum status nursery_fork(const struct nursery_plan *plan, int processor, struct refusal *why, pid_t *process_out,
                         int *socket_out)
{
    int pair[2] = {-1, -1};
    const pid_t program = getpid();
    pid_t process = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) process = fork();
    if (process == 0) {
        (void)prctl(PR_SET_NAME, plan->name);
        leave_signals_to_the_program();
        child_main(plan, processor, program, pair[1]);
    }
    close_descriptor(&pair[1]);
    if (process < 0) {
        close_descriptor(&pair[0]);
        return refuse(why, ERR_IO, plan->name, "a contained process", "%s", strerror(errno));
    }
    *process_out = process;
    *socket_out = pair[0];
    return OK;
}

void nursery_stop(struct nursery *nursery)
{
    if (nursery == NULL) return;
    (void)close(nursery->socket);
    (void)kill(nursery->process, SIGKILL);
    while (waitpid(nursery->process, NULL, 0) < 0 && errno == EINTR) {}
    free(nursery);
}

static enum status send_order(int socket, struct order order, int descriptor)
{
    struct iovec part = {.iov_base = &order, .iov_len = sizeof(order)};
    union {
        struct cmsghdr header;
        uint8_t space[CMSG_SPACE(sizeof(int))];
    } control = {};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)};
    struct cmsghdr *const header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    if (descriptor < 0) {
        message.msg_control = NULL;
        message.msg_controllen = 0;
    }
    ssize_t put;
    do put = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    return put == (ssize_t)sizeof(order) ? OK : ERR_CHILD_DIED;
}

enum status nursery_open(struct nursery *nursery, int *socket_out)
{
    uint32_t child;
    return nursery_open_numbered(nursery, ANY_PROCESSOR, &child, socket_out);
}

void nursery_kill(struct nursery *nursery, uint32_t child)
{
    (void)!send_order(nursery->socket, (struct order){.child = child, .processor = ANY_PROCESSOR}, -1);
}

enum status nursery_open_numbered(struct nursery *nursery, int processor, uint32_t *child_out, int *socket_out)
{
    int pair[2];
    const struct order order = {.child = atomic_fetch_add(&nursery->children, 1), .processor = processor};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return ERR_IO;
    const enum status status = send_order(nursery->socket, order, pair[1]);
    (void)close(pair[1]);
    if (status != OK) {
        (void)close(pair[0]);
        return status;
    }
    *child_out = order.child;
    *socket_out = pair[0];
    return OK;
}

/* Waits until the socket is ready for `events`, or closed. */
static enum status wait_ready(int socket, short events, int64_t deadline_ms)
{
    if (deadline_ms == NURSERY_NO_DEADLINE) return OK;
    for (;;) {
        const int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0) return ERR_TIMEOUT;
        struct pollfd waiting = {.fd = socket, .events = events};
        const int ready = poll(&waiting, 1, left_ms > 60000 ? 60000 : (int)left_ms);
        if (ready > 0) return OK;
        if (ready < 0 && errno != EINTR) return ERR_IO;
    }
}

/* The child has a blocking socket and only read and write; the program must not block past its deadline, nor get
 * SIGPIPE. */
static ssize_t put_some(int socket, struct slice bytes, bool wait)
{
    return wait ? write(socket, bytes.bytes, bytes.size)
                : send(socket, bytes.bytes, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static ssize_t get_some(int socket, size_t size, uint8_t *bytes_out, bool wait)
{
    return wait ? read(socket, bytes_out, size) : recv(socket, bytes_out, size, MSG_DONTWAIT);
}

enum status nursery_send(int socket, struct slice bytes, int64_t deadline_ms)
{
    while (bytes.size > 0) {
        TRY(wait_ready(socket, POLLOUT, deadline_ms));
        const ssize_t put = put_some(socket, bytes, deadline_ms == NURSERY_NO_DEADLINE);
        if (put < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (put <= 0) return ERR_CHILD_DIED;
        bytes = slice_of(bytes.bytes + put, bytes.size - (size_t)put);
    }
    return OK;
}

enum status nursery_receive(int socket, size_t size, int64_t deadline_ms, uint8_t *bytes_out)
{
    while (size > 0) {
        TRY(wait_ready(socket, POLLIN, deadline_ms));
        const ssize_t got = get_some(socket, size, bytes_out, deadline_ms == NURSERY_NO_DEADLINE);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got <= 0) return ERR_CHILD_DIED;
        bytes_out += got;
        size -= (size_t)got;
    }
    return OK;
}

struct verdict {
    uint32_t status;
    struct refusal why;
};

enum status nursery_send_verdict(int socket, enum status verdict, const struct refusal *why)
{
    struct verdict message = {.status = (uint32_t)verdict};
    if (verdict != OK && why != NULL) message.why = *why;
    return nursery_send(socket, slice_of(&message, sizeof(message)), NURSERY_NO_DEADLINE);
}

enum status nursery_receive_verdict(int socket, int64_t deadline_ms, struct refusal *why)
{
    struct verdict message;
    TRY(nursery_receive(socket, sizeof(message), deadline_ms, (uint8_t *)&message));
    if (message.status == OK) return OK;
    message.why.status = (enum status)message.status;
    if (!refusal_is_sound(&message.why)) return ERR_CHILD_DIED;
    if (why != NULL) *why = message.why;
    return message.why.status;
}
