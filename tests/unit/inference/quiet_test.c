/* SPDX-License-Identifier: Apache-2.0
 *
 * That ONNX Runtime is silent: making its environment, loading a model and running it opens no socket and no file for
 * writing. The kernel kills the process at the first such call.
 */
#include "inference/session.h"
#include "tiny_model.h"

#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

static bool kill_at(scmp_filter_ctx filter, int call)
{
    return seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, call, 0) == 0;
}

static bool kill_at_flags(scmp_filter_ctx filter, int call, unsigned argument, uint64_t mask, uint64_t flags)
{
    const struct scmp_arg_cmp condition = {
        .arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = flags};
    return seccomp_rule_add_array(filter, SCMP_ACT_KILL_PROCESS, call, 1, &condition) == 0;
}

static bool set_trap(void)
{
    static const int calls[] = {
        SCMP_SYS(socket),  SCMP_SYS(socketpair), SCMP_SYS(connect),   SCMP_SYS(bind),      SCMP_SYS(sendto),
        SCMP_SYS(sendmsg), SCMP_SYS(creat),      SCMP_SYS(openat2),   SCMP_SYS(unlink),    SCMP_SYS(unlinkat),
        SCMP_SYS(rename),  SCMP_SYS(renameat),   SCMP_SYS(renameat2), SCMP_SYS(mkdir),     SCMP_SYS(mkdirat),
        SCMP_SYS(link),    SCMP_SYS(linkat),     SCMP_SYS(symlink),   SCMP_SYS(symlinkat), SCMP_SYS(truncate),
        SCMP_SYS(execve),  SCMP_SYS(execveat),   SCMP_SYS(ptrace),
    };
    static const uint64_t writing[] = {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND};
    const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    bool done = filter != NULL;
    for (size_t i = 0; done && i < sizeof(calls) / sizeof(calls[0]); i++) done = kill_at(filter, calls[i]);
    for (size_t i = 0; done && i < sizeof(writing) / sizeof(writing[0]); i++)
        done = kill_at_flags(filter, SCMP_SYS(openat), 2, writing[i], writing[i]) &&
               kill_at_flags(filter, SCMP_SYS(open), 1, writing[i], writing[i]);
    done = done && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return done;
}

/* Exit codes of the child: 0 it did the whole of it, 2 the trap could not be set, 1 something else. */
static int run_model(int image)
{
    static const float greys[] = {51};
    const struct model_package package = tiny_package("tiny.json");
    struct buffer model = read_whole(tiny_path("tiny.onnx"));
    struct buffer pictures = tiny_pictures(1, greys);
    struct runtime *runtime = NULL;
    struct session *session = NULL;
    struct inference_result result = {};
    if (!set_trap()) return 2;
    if (runtime_load(image, NULL, &runtime) != OK) return 1;
    if (session_new(runtime, &package, buffer_slice(&model), 2, NULL, &session) != OK) return 1;
    return session_run(session, 1, buffer_slice(&pictures), NULL, &result) == OK ? 0 : 1;
}

static int open_socket(int image)
{
    (void)image;
    if (!set_trap()) return 2;
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : 1;
}

static int open_file_for_writing(int image)
{
    (void)image;
    if (!set_trap()) return 2;
    return open("/dev/null", O_RDWR) >= 0 ? 0 : 1;
}

static int status_of_child(int (*work)(int image))
{
    uint8_t digest[SHA256_BYTES];
    int image, status = -1;
    runtime_digest(digest);
    assert_ok(runtime_image_open(runtime_path(), digest, NULL, &image));
    const pid_t child = fork();
    if (child == 0) _exit(work(image));
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(image);
    return status;
}

static void running_a_model_opens_no_socket_and_writes_no_file(void **state)
{
    (void)state;
    const int status = status_of_child(run_model);
    if (WIFSIGNALED(status)) fail_msg("killed by signal %d: a forbidden call was made", WTERMSIG(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void the_trap_catches_what_it_should(void **state)
{
    (void)state;
    int status = status_of_child(open_socket);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
    status = status_of_child(open_file_for_writing);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(running_a_model_opens_no_socket_and_writes_no_file),
        cmocka_unit_test(the_trap_catches_what_it_should),
    };
    return cmocka_run_group_tests_name("inference/quiet", tests, NULL, NULL);
}
