/* SPDX-License-Identifier: Apache-2.0 */
#include "softtee/launch.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"
#include "base/reader.h"
#include "softtee/answer.h"
#include "softtee/measure.h"
#include "softtee/signature.h"
#include "softtee/state.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_DESCRIPTOR = 20, EXIT_NOT_STARTED = 127, EXIT_BY_SIGNAL = 128, BUFFER_BYTES = 256 * 1024 };

/* Passed on to the program, which decides what they mean. */
static const int forwarded_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

struct user {
    uid_t user;
    gid_t group;
};

/* A running program and what answers it. */
struct session {
    struct simulated_machine *machine;
    struct simulated_identity identity;
    pid_t child;
    pid_t keeper; /* whose messages are answered: the child, or whom it handed its TEE to */
    int socket;   /* our end; -1 once the program has closed its own */
    int signals;  /* signalfd */
};

static void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0) (void)close(*descriptor);
    *descriptor = -1;
}

static void session_done(struct session *session)
{
    simulated_machine_free(session->machine);
    close_descriptor(&session->socket);
    close_descriptor(&session->signals);
}

static enum status refuse_errno(struct refusal *why, const char *field, const char *expected)
{
    return refuse(why, ERR_IO, field, expected, "%s", strerror(errno));
}

/* "61000", or "61000:61001" with another group: numbers that need no account on this machine. False: a name. */
static bool numbered_user(const char *text, struct user *user_out)
{
    unsigned user, group;
    int end = 0;
    if (strspn(text, "0123456789:") != strlen(text)) return false;
    if (sscanf(text, "%9u%n", &user, &end) != 1 || end == 0) return false;
    group = user;
    if (text[end] != '\0') {
        int group_end = 0;
        if (sscanf(text + end, ":%9u%n", &group, &group_end) != 1 || text[end + group_end] != '\0') return false;
    }
    *user_out = (struct user){.user = user, .group = group};
    return true;
}

static enum status find_user(const char *text, struct refusal *why, struct user *user_out)
{
    struct user user;
    if (!numbered_user(text, &user)) {
        const struct passwd *const entry = getpwnam(text);
        if (entry == NULL)
            return refuse(why, ERR_USAGE, "--user", "a user of this machine, or numbers UID[:GID]", "%s", text);
        user = (struct user){.user = entry->pw_uid, .group = entry->pw_gid};
    }
    if (geteuid() != 0 && user.user != geteuid()) {
        (void)!refuse(why, ERR_USAGE, "--user", "the right to become another user", "user %u", (unsigned)geteuid());
        return refuse_fix(why, ERR_USAGE, "start the launcher as root, or leave --user out");
    }
    *user_out = user;
    return OK;
}

/* The identity that the program is given: what its signature says, if that names this measurement. */
static enum status identify(const struct launch_options *options, const uint8_t mrenclave[static 32],
                            struct refusal *why, struct simulated_identity *identity_out)
{
    struct simulated_identity identity = {};
    bool is_signed = false;
    if (options->signature != NULL) {
        CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SIGNATURE_MAX_BYTES);
        TRY(file_read(options->signature, why, &text));
        TRY(signature_read(buffer_slice(&text), why, &identity));
        is_signed = slice_equal(SLICE_ARRAY(identity.mrenclave), slice_of(mrenclave, 32));
    }
    if (!is_signed && options->require_signature) {
        (void)!refuse(why, ERR_SIGNATURE, "mrenclave", "a program that its signature names", "%s",
                      options->signature == NULL ? "no signature" : hex_of_32(mrenclave).text);
        return refuse_fix(why, ERR_SIGNATURE, "sign the program anew with lazaret-softtee sign");
    }
    if (!is_signed) identity = (struct simulated_identity){};
    memcpy(identity.mrenclave, mrenclave, sizeof(identity.mrenclave));
    *identity_out = identity;
    return OK;
}

/* Our end tells the sender's process of each message. */
static enum status make_sockets(struct refusal *why, int *ours_out, int *theirs_out)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return refuse_errno(why, "socket", "a socket pair");
    CLEANUP(close_descriptor) int ours = ends[0];
    CLEANUP(close_descriptor) int theirs = ends[1];
    const int on = 1, size = BUFFER_BYTES;
    if (setsockopt(ours, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0)
        return refuse_errno(why, "socket", "the kernel's word for who sends");
    (void)setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    const int moved = fcntl(theirs, F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR);
    if (moved < 0) return refuse_errno(why, "socket", "a free descriptor");
    *ours_out = ours;
    *theirs_out = moved;
    ours = -1;
    return OK;
}

static enum status watch_signals(struct refusal *why, sigset_t *before_out, int *signals_out)
{
    sigset_t watched;
    (void)sigemptyset(&watched);
    (void)sigaddset(&watched, SIGCHLD);
    for (size_t i = 0; i < sizeof(forwarded_signals) / sizeof(forwarded_signals[0]); i++)
        (void)sigaddset(&watched, forwarded_signals[i]);
    (void)sigprocmask(SIG_BLOCK, &watched, before_out);
    *signals_out = signalfd(-1, &watched, SFD_CLOEXEC);
    return *signals_out >= 0 ? OK : refuse_errno(why, "signals", "a signal descriptor");
}

/* What the child needs; filled before the fork, because only simple calls are safe after it. */
struct start {
    int program, socket, failed; /* `failed`: pipe to the launcher; close-on-exec, so silent if all goes well */
    pid_t launcher;
    const struct user *user; /* NULL: unchanged */
    const sigset_t *signals;
    char *const *arguments;
};

static bool become(const struct user *user)
{
    if (user == NULL) return true;
    if (geteuid() == 0 && setgroups(0, NULL) != 0) return false;
    return setresgid(user->group, user->group, user->group) == 0 && setresuid(user->user, user->user, user->user) == 0;
}

/* After the change of user, which would reset it. If the launcher died before, no signal will come. */
static bool follow(pid_t launcher)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == launcher;
}

static bool arrange_descriptors(int socket)
{
    return dup2(socket, SOFTTEE_DESCRIPTOR) == SOFTTEE_DESCRIPTOR &&
           close_range(SOFTTEE_DESCRIPTOR + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

/* In the child. Returns only by exit: the program has taken over, or the launcher is told the error. */
[[gnu::noreturn]] static void become_program(const struct start *start)
{
    static char variable[] = SOFTTEE_VARIABLE "=3";
    char *const environment[] = {variable, NULL};
    if (setpgid(0, 0) == 0 && become(start->user) && follow(start->launcher) &&
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && arrange_descriptors(start->socket) &&
        sigprocmask(SIG_SETMASK, start->signals, NULL) == 0)
        (void)fexecve(start->program, start->arguments, environment);
    const int error = errno;
    (void)!write(start->failed, &error, sizeof(error));
    _exit(EXIT_NOT_STARTED);
}

/* Waits until the program has taken over or has told why not. */
static enum status await_start(int told, const char *program, struct refusal *why)
{
    int error = 0;
    ssize_t got;
    do got = read(told, &error, sizeof(error));
    while (got < 0 && errno == EINTR);
    if (got == 0) return OK;
    return refuse(why, ERR_IO, program, "a program that starts", "%s", strerror(error));
}

static enum status start_child(struct start *start, const char *program, struct refusal *why, pid_t *child_out)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return refuse_errno(why, "pipe", "a free descriptor");
    CLEANUP(close_descriptor) int told = ends[0];
    CLEANUP(close_descriptor) int failed = fcntl(ends[1], F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR);
    (void)close(ends[1]);
    start->failed = failed;
    start->launcher = getpid();
    const pid_t child = fork();
    if (child < 0) return refuse_errno(why, "process", "a process that can be started");
    if (child == 0) become_program(start);
    close_descriptor(&failed);
    const enum status status = await_start(told, program, why);
    if (status != OK) (void)waitpid(child, NULL, 0);
    TRY(status);
    *child_out = child;
    return OK;
}

static pid_t sender_of(struct msghdr *header)
{
    for (const struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL;
         part = CMSG_NXTHDR(header, (struct cmsghdr *)part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS) continue;
        struct ucred sender;
        memcpy(&sender, CMSG_DATA(part), sizeof(sender));
        return sender.pid;
    }
    return -1;
}

/* The process that forked it: the first number behind the name in parentheses and the state; -1 if it has ended. */
static pid_t parent_of(pid_t process)
{
    enum { STATUS_MAX_BYTES = 4096 };
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(STATUS_MAX_BYTES);
    char path[64];
    const char *line;
    int parent = -1;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)process);
    if (file_read(path, NULL, &text) != OK || buffer_text(&text, &line) != OK) return -1;
    const char *const name_end = strrchr(line, ')');
    if (name_end == NULL || sscanf(name_end, ") %*c %d", &parent) != 1) return -1;
    return parent;
}

/* The process that has the program's TEE may give it to one that the program forked, and is not heard any more. */
static bool hands_over(struct session *session, struct slice message)
{
    struct softtee_request request;
    if (softtee_request_read(message, &request) != OK || request.operation != SOFTTEE_HAND_OVER) return true;
    struct reader reader = reader_over(request.operand);
    uint32_t process;
    if (reader_u32(&reader, &process) != OK || parent_of((pid_t)process) != session->child) return false;
    session->keeper = (pid_t)process;
    return true;
}

static void send_answer(struct session *session, struct slice request)
{
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(SOFTTEE_ANSWER_MAX_BYTES);
    if (!hands_over(session, request)) request = (struct slice){}; /* which is refused */
    if (softtee_answer(session->machine, &session->identity, request, &answer) != OK) return;
    if (answer.bytes[0] != 0) log_event(LOG_WARNING, "softtee.refused", log_status(ERR_TEE_PROTOCOL));
    (void)!send(session->socket, answer.bytes, answer.size, MSG_NOSIGNAL);
}

/* A message of another process is dropped without an answer: that would reach the program in place of its own. */
static void serve_message(struct session *session)
{
    uint8_t bytes[SOFTTEE_REQUEST_MAX_BYTES];
    /* Room for the credentials alone, which come first: descriptors that somebody sends along are discarded. */
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec part = {.iov_base = bytes, .iov_len = sizeof(bytes)};
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    const ssize_t got = recvmsg(session->socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0) return;
    /* The end, unlike an empty message, has no sender. */
    if (got == 0 && header.msg_controllen == 0) {
        close_descriptor(&session->socket);
        return;
    }
    if (sender_of(&header) != session->keeper) {
        log_event(LOG_WARNING, "softtee.foreign_message", log_number(LOG_BYTES, got));
        return;
    }
    const bool is_whole = (header.msg_flags & MSG_TRUNC) == 0;
    send_answer(session, is_whole ? slice_of(bytes, (size_t)got) : (struct slice){});
}

static int exit_code_of(int ended)
{
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : EXIT_BY_SIGNAL + WTERMSIG(ended);
}

/* True once the program has ended. */
static bool serve_signal(struct session *session, int *exit_code_out)
{
    struct signalfd_siginfo seen;
    if (read(session->signals, &seen, sizeof(seen)) != sizeof(seen)) return false;
    if (seen.ssi_signo != SIGCHLD) {
        (void)kill(session->child, (int)seen.ssi_signo);
        return false;
    }
    int ended = 0;
    if (waitpid(session->child, &ended, WNOHANG) != session->child) return false;
    *exit_code_out = exit_code_of(ended);
    return true;
}

static int serve(struct session *session)
{
    int exit_code = EXIT_NOT_STARTED;
    while (true) {
        struct pollfd watched[] = {{.fd = session->signals, .events = POLLIN},
                                   {.fd = session->socket, .events = POLLIN}};
        if (poll(watched, 2, -1) < 0) continue;
        if ((watched[1].revents & POLLIN) != 0)
            serve_message(session);
        else if (watched[1].revents != 0)
            close_descriptor(&session->socket);
        if ((watched[0].revents & POLLIN) != 0 && serve_signal(session, &exit_code)) break;
    }
    /* Children of the program that it left behind. */
    (void)kill(-session->child, SIGKILL);
    return exit_code;
}

static enum status start_session(const struct launch_options *options, const struct loaded_program *program,
                                 struct refusal *why, struct session *session)
{
    struct user user;
    sigset_t signals_before;
    CLEANUP(close_descriptor) int theirs = -1;
    if (options->user != NULL) TRY(find_user(options->user, why, &user));
    TRY(make_sockets(why, &session->socket, &theirs));
    TRY(watch_signals(why, &signals_before, &session->signals));
    struct start start = {
        .program = program->descriptor,
        .socket = theirs,
        .user = options->user != NULL ? &user : NULL,
        .signals = &signals_before,
        .arguments = options->arguments,
    };
    TRY(start_child(&start, options->arguments[0], why, &session->child));
    session->keeper = session->child;
    return OK;
}

enum status launch(const struct launch_options *options, struct refusal *why, int *exit_code_out)
{
    CLEANUP(session_done) struct session session = {.socket = -1, .signals = -1};
    CLEANUP(program_unload) struct loaded_program program = {.descriptor = -1};
    TRY(state_machine(options->state, why, &session.machine));
    TRY(program_load(options->arguments[0], why, &program));
    TRY(identify(options, program.mrenclave, why, &session.identity));
    TRY(start_session(options, &program, why, &session));
    log_event(LOG_INFO, "softtee.started", log_text(LOG_DIGEST, hex_of_32(session.identity.mrenclave).text));
    *exit_code_out = serve(&session);
    return OK;
}
