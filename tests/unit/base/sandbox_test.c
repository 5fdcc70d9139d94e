/* SPDX-License-Identifier: Apache-2.0
 *
 * Each deed is done by a child of the test, outside the sandbox first, where it succeeds, and then inside: so that a
 * refusal is the sandbox's and not the machine's.
 */
#include "base/sandbox.h"

#include "base/sanitized.h"
#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { DID = 10, COULD_NOT = 11, NOT_ENTERED = 12, KILLED = 1000 };

/* A folder of the program, one of a stranger, and two listening ports, one of which the sandbox names. */
static struct scene {
    char own[64], strange[64], meeting[64], strange_file[96], read_file[96];
    int listening[2];
    uint16_t ports[2];
} scene;

static bool could_open(const char *path, int flags)
{
    const int file = open(path, flags | O_CLOEXEC, 0600);
    if (file >= 0) (void)close(file);
    return file >= 0;
}

static bool open_stranger_to_read(void)
{
    return could_open(scene.strange_file, O_RDONLY);
}
static bool open_stranger_to_write(void)
{
    return could_open(scene.strange_file, O_WRONLY);
}
static bool make_file_at_stranger(void)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/made-%d", scene.strange, (int)getpid());
    return could_open(path, O_WRONLY | O_CREAT);
}
static bool truncate_stranger(void)
{
    return truncate(scene.strange_file, 0) == 0;
}
static bool list_stranger(void)
{
    return could_open(scene.strange, O_RDONLY | O_DIRECTORY);
}
static bool remove_stranger(void)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/removed", scene.strange);
    (void)unlink(path);
    return could_open(path, O_WRONLY | O_CREAT) && unlink(path) == 0;
}
static bool write_readable(void)
{
    return could_open(scene.read_file, O_WRONLY);
}
static bool read_readable(void)
{
    return could_open(scene.read_file, O_RDONLY);
}
static bool use_own_folder(void)
{
    char path[128], renamed[128], folder[128];
    (void)snprintf(path, sizeof(path), "%s/made", scene.own);
    (void)snprintf(renamed, sizeof(renamed), "%s/renamed", scene.own);
    (void)snprintf(folder, sizeof(folder), "%s/folder", scene.own);
    return could_open(path, O_RDWR | O_CREAT | O_TRUNC) && rename(path, renamed) == 0 &&
           could_open(renamed, O_RDONLY) && unlink(renamed) == 0 && mkdir(folder, 0700) == 0 && rmdir(folder) == 0 &&
           could_open(scene.own, O_RDONLY | O_DIRECTORY);
}

static bool meet(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", scene.meeting);
    const int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool done =
        bind(listening, (const struct sockaddr *)&address, sizeof(address)) == 0 && unlink(address.sun_path) == 0;
    (void)close(listening);
    return done;
}
static bool make_file_at_meeting(void)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/file", scene.meeting);
    return could_open(path, O_WRONLY | O_CREAT) && unlink(path) == 0;
}

static bool could_connect(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool done = connect(client, (const struct sockaddr *)&address, sizeof(address)) == 0;
    (void)close(client);
    return done;
}
static bool connect_named(void)
{
    return could_connect(scene.ports[0]);
}
static bool connect_other(void)
{
    return could_connect(scene.ports[1]);
}

static bool could_listen(uint32_t host, uint16_t port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host)};
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool done = bind(server, (const struct sockaddr *)&address, sizeof(address)) == 0 && listen(server, 1) == 0;
    (void)close(server);
    return done;
}
static bool listen_free(void)
{
    return could_listen(INADDR_LOOPBACK, 0);
}

/* The same port at another loopback address is free. */
static bool listen_other(void)
{
    return could_listen(INADDR_LOOPBACK + 1, scene.ports[1]);
}

static bool open_vsock(void)
{
    const int vsock = socket(AF_VSOCK, SOCK_STREAM, 0);
    return vsock >= 0 || errno != EPERM;
}

static bool execute(void)
{
    char program[] = "/bin/true", *const arguments[] = {program, NULL};
    const pid_t child = vfork();
    if (child == 0) {
        (void)execve(program, arguments, NULL);
        _exit(1);
    }
    int ended = 1;
    return child > 0 && waitpid(child, &ended, 0) == child && ended == 0;
}
/* Without a fork, so that it is this process that asks. */
static bool execute_in_place(void)
{
    char program[] = "/bin/sh", option[] = "-c",
         command[] = "exit 10", *const arguments[] = {program, option, command, NULL};
    (void)execve(program, arguments, NULL);
    return false;
}
static bool execute_descriptor(void)
{
    char program[] = "sh", option[] = "-c",
         command[] = "exit 10", *const arguments[] = {program, option, command, NULL};
    char *const environment[] = {NULL};
    const int shell = open("/bin/sh", O_PATH);
    (void)syscall(SYS_execveat, shell, "", arguments, environment, AT_EMPTY_PATH);
    return false;
}
static bool make_process(void)
{
    const pid_t child = fork();
    if (child == 0) _exit(0);
    return child > 0 && waitpid(child, NULL, 0) == child;
}
static void *nothing(void *argument)
{
    return argument;
}
static bool make_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
}
static bool trace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}
static bool read_process(void)
{
    char from[8] = "secret", to[8];
    const struct iovec ours = {to, sizeof(to)}, theirs = {from, sizeof(from)};
    return process_vm_readv(getpid(), &ours, 1, &theirs, 1, 0) == sizeof(to);
}
/* These may be refused outside too, by the machine: what counts is that the kernel looks at them there. */
static bool mount_something(void)
{
    (void)mount("none", "/nonexistent", "tmpfs", 0, NULL);
    return true;
}
static bool ask_io_uring(void)
{
    (void)syscall(SYS_io_uring_setup, 0, NULL);
    return true;
}
static bool ask_bpf(void)
{
    (void)syscall(SYS_bpf, 0, NULL, 0);
    return true;
}
static bool ask_userfaultfd(void)
{
    (void)syscall(SYS_userfaultfd, -1);
    return true;
}
static bool ask_keyctl(void)
{
    (void)syscall(SYS_keyctl, -1);
    return true;
}
static bool ask_unshare(void)
{
    (void)syscall(SYS_unshare, 0);
    return true;
}
static bool become_root(void)
{
    (void)syscall(SYS_setresuid, 0, 0, 0);
    return true;
}

static bool make_executable_memory(void)
{
    void *const memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED;
}
static bool make_memory_executable(void)
{
    void *const memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED && mprotect(memory, 4096, PROT_READ | PROT_EXEC) == 0;
}
static bool signal_another(void)
{
    return kill(getppid(), 0) == 0;
}
static bool become_dumpable(void)
{
    return prctl(PR_SET_DUMPABLE, 1) == 0;
}
static bool make_memory_file(void)
{
    return memfd_create("made", 0) >= 0;
}
static bool ask_unlisted(void)
{
    return syscall(SYS_personality, 0xffffffff) >= 0;
}
static bool set_limit(int resource)
{
    struct rlimit limit;
    return getrlimit((__rlimit_resource_t)resource, &limit) == 0 &&
           setrlimit((__rlimit_resource_t)resource, &limit) == 0;
}
static bool allow_descriptors(void)
{
    return set_limit(RLIMIT_NOFILE);
}
static bool allow_core(void)
{
    return set_limit(RLIMIT_CORE);
}
static bool choose_own_processor(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 && sched_setaffinity(0, sizeof(set), &set) == 0;
}
static bool choose_another_processor(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 && sched_setaffinity(getppid(), sizeof(set), &set) == 0;
}
static bool do_nothing(void)
{
    return true;
}

static enum status fill(struct sandbox *sandbox)
{
    TRY(sandbox_allow(sandbox, SANDBOX_CHANGE, scene.own));
    TRY(sandbox_allow(sandbox, SANDBOX_READ, scene.read_file));
    TRY(sandbox_allow(sandbox, SANDBOX_READ, "/nonexistent/place"));
    TRY(sandbox_allow(sandbox, SANDBOX_MEET, scene.meeting));
    TRY(sandbox_allow_listening(sandbox, 0));
    return sandbox_allow_connecting(sandbox, scene.ports[0]);
}

enum depth { OUTSIDE, FORBIDDEN, ENTERED };

static int do_in_child(bool (*deed)(void), enum depth depth)
{
    const pid_t child = fork();
    if (child == 0) {
        static struct sandbox sandbox;
        struct sandbox_report report;
        (void)alarm(30);
        if (depth >= FORBIDDEN && sandbox_forbid(NULL) != OK) _exit(NOT_ENTERED);
        if (depth == ENTERED && (fill(&sandbox) != OK || sandbox_enter(&sandbox, NULL, &report) != OK))
            _exit(NOT_ENTERED);
        _exit(deed() ? DID : COULD_NOT);
    }
    int ended = 0;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &ended, 0), child);
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : KILLED + WTERMSIG(ended);
}

static void assert_refused(bool (*deed)(void), int how)
{
    assert_int_equal(do_in_child(deed, OUTSIDE), DID);
    assert_int_equal(do_in_child(deed, ENTERED), how);
}

static int landlock_abi(void)
{
    const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    return abi > 0 ? (int)abi : 0;
}

static void need_landlock(int abi)
{
    if (landlock_abi() >= abi) return;
    print_message("SKIP: this kernel's Landlock is not of version %d\n", abi);
    skip();
}

static void test_files_of_strangers_are_closed(void **)
{
    need_landlock(SANDBOX_LANDLOCK_ABI_FILES);
    assert_refused(open_stranger_to_read, COULD_NOT);
    assert_refused(open_stranger_to_write, COULD_NOT);
    assert_refused(make_file_at_stranger, COULD_NOT);
    assert_refused(list_stranger, COULD_NOT);
    assert_refused(remove_stranger, COULD_NOT);
    assert_refused(write_readable, COULD_NOT);
    assert_refused(make_file_at_meeting, COULD_NOT);
    assert_refused(truncate_stranger, COULD_NOT); /* also where Landlock has no word for it: the call is not listed */
}

static void test_ports_that_are_not_named_are_closed(void **)
{
    need_landlock(SANDBOX_LANDLOCK_ABI_PORTS);
    assert_refused(connect_other, COULD_NOT);
    assert_refused(listen_other, COULD_NOT);
}

static void test_what_is_named_works(void **)
{
    static bool (*const deeds[])(void) = {use_own_folder,    read_readable,        meet,
                                          connect_named,     listen_free,          make_thread,
                                          allow_descriptors, choose_own_processor, do_nothing};
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) assert_int_equal(do_in_child(deeds[i], ENTERED), DID);
}

static void test_the_forbidden_kills(void **)
{
    static bool (*const deeds[])(void) = {
        execute_in_place, execute_descriptor, read_process, mount_something, ask_io_uring,
        ask_bpf,          ask_userfaultfd,    ask_keyctl,   ask_unshare,     become_root};
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        assert_int_equal(do_in_child(deeds[i], OUTSIDE), DID);
        /* From the first step on, so in the children too that are forked between both. */
        assert_int_equal(do_in_child(deeds[i], FORBIDDEN), KILLED + SIGSYS);
        assert_int_equal(do_in_child(deeds[i], ENTERED), KILLED + SIGSYS);
    }
    assert_int_equal(do_in_child(execute, OUTSIDE), DID);
    assert_int_equal(do_in_child(execute, FORBIDDEN), COULD_NOT);
}

static void test_what_is_not_listed_is_refused(void **)
{
    assert_refused(make_memory_file, COULD_NOT);
    assert_refused(ask_unlisted, COULD_NOT);
    assert_refused(open_vsock, COULD_NOT);
    assert_refused(choose_another_processor, COULD_NOT);
}

static void test_processes_memory_and_tracing_are_closed(void **)
{
    if (UNDER_ADDRESS_SANITIZER != 0) {
        print_message("SKIP: the leak checker of a sanitizer build needs them; the product's build is tested too\n");
        skip();
    }
    assert_refused(trace, KILLED + SIGSYS);
    assert_refused(make_process, COULD_NOT);
    assert_refused(make_executable_memory, COULD_NOT);
    assert_refused(make_memory_executable, COULD_NOT);
    assert_refused(signal_another, COULD_NOT);
    assert_refused(become_dumpable, COULD_NOT);
    assert_refused(allow_core, COULD_NOT);
}

static void test_too_much_is_told(void **)
{
    static struct sandbox sandbox;
    for (size_t i = 0; i < SANDBOX_MAX_PLACES; i++) assert_ok(sandbox_allow(&sandbox, SANDBOX_READ, "/etc/hosts"));
    assert_status(sandbox_allow(&sandbox, SANDBOX_READ, "/etc/hosts"), ERR_TOO_LARGE);
    assert_ok(sandbox_allow(&sandbox, SANDBOX_READ, ""));
    for (size_t i = 0; i < SANDBOX_MAX_PORTS; i++) assert_ok(sandbox_allow_connecting(&sandbox, 1));
    assert_status(sandbox_allow_connecting(&sandbox, 1), ERR_TOO_LARGE);
    assert_status(sandbox_allow_listening(&sandbox, 1), ERR_TOO_LARGE);
}

static int listen_at(uint16_t *port_out)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server, 64), 0);
    assert_int_equal(getsockname(server, (struct sockaddr *)&address, &size), 0);
    *port_out = ntohs(address.sin_port);
    return server;
}

static void make_folder(char path[static 64])
{
    (void)snprintf(path, 64, "/tmp/lazaret-sandbox-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static int set_up(void **)
{
    make_folder(scene.own);
    make_folder(scene.strange);
    make_folder(scene.meeting);
    (void)snprintf(scene.strange_file, sizeof(scene.strange_file), "%s/file", scene.strange);
    (void)snprintf(scene.read_file, sizeof(scene.read_file), "%s/readable", scene.strange);
    assert_ok(file_write(scene.strange_file, SLICE_LITERAL("strange"), 0600, NULL));
    assert_ok(file_write(scene.read_file, SLICE_LITERAL("readable"), 0600, NULL));
    for (size_t i = 0; i < 2; i++) scene.listening[i] = listen_at(&scene.ports[i]);
    return 0;
}

static int tear_down(void **)
{
    char command[256];
    for (size_t i = 0; i < 2; i++) (void)close(scene.listening[i]);
    (void)snprintf(command, sizeof(command), "rm -rf %s %s %s", scene.own, scene.strange, scene.meeting);
    return system(command) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_of_strangers_are_closed),
        cmocka_unit_test(test_ports_that_are_not_named_are_closed),
        cmocka_unit_test(test_what_is_named_works),
        cmocka_unit_test(test_the_forbidden_kills),
        cmocka_unit_test(test_what_is_not_listed_is_refused),
        cmocka_unit_test(test_processes_memory_and_tracing_are_closed),
        cmocka_unit_test(test_too_much_is_told),
    };
    return cmocka_run_group_tests_name("base/sandbox", tests, set_up, tear_down);
}
