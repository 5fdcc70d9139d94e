/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sandbox.h"

#include "base/sanitized.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- naming what is needed ---- */

enum status sandbox_allow(struct sandbox *sandbox, enum sandbox_use use, const char *path)
{
    if (path[0] == '\0') return OK;
    if (sandbox->place_count == SANDBOX_MAX_PLACES) return ERR_TOO_LARGE;
    struct sandbox_place *const place = &sandbox->places[sandbox->place_count];
    place->use = use;
    const int wanted = snprintf(place->path, sizeof(place->path), "%s", path);
    if (wanted < 0 || (size_t)wanted >= sizeof(place->path)) return ERR_TOO_LARGE;
    sandbox->place_count++;
    return OK;
}

static enum status allow_port(struct sandbox *sandbox, uint16_t number, bool is_listened)
{
    if (sandbox->port_count == SANDBOX_MAX_PORTS) return ERR_TOO_LARGE;
    sandbox->ports[sandbox->port_count++] = (struct sandbox_port){.number = number, .is_listened = is_listened};
    return OK;
}

enum status sandbox_allow_listening(struct sandbox *sandbox, uint16_t port)
{
    return allow_port(sandbox, port, true);
}

enum status sandbox_allow_connecting(struct sandbox *sandbox, uint16_t port)
{
    return allow_port(sandbox, port, false);
}

/* ---- Landlock ---- */

/* From the kernel's linux/landlock.h of later versions than the build's; each stands behind its ABI version. */
struct landlock_rules {
    uint64_t files, ports, scopes;
};
struct landlock_port_rule {
    uint64_t allowed, port;
};
enum { RULE_NET_PORT = 2, ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_DEVICE_IOCTL = 5, ABI_SCOPES = 6 };
static const uint64_t FILE_TRUNCATE = 1ULL << 14, FILE_DEVICE_IOCTL = 1ULL << 15;
static const uint64_t PORT_LISTEN = 1ULL << 0, PORT_CONNECT = 1ULL << 1;
static const uint64_t SCOPE_ABSTRACT_SOCKETS = 1ULL << 0;

static const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t meeting = LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR;
static const uint64_t changing = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                                 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                 LANDLOCK_ACCESS_FS_REMOVE_DIR;

static uint64_t rights_of(enum sandbox_use use, int abi)
{
    switch (use) {
    case SANDBOX_READ: return reading;
    case SANDBOX_MEET: return meeting;
    case SANDBOX_CHANGE:
        return reading | changing | (abi >= ABI_REFER ? LANDLOCK_ACCESS_FS_REFER : 0) |
               (abi >= ABI_TRUNCATE ? FILE_TRUNCATE : 0);
    }
    return 0;
}

/* All that this kernel can hold is held; what is allowed again is named. */
static struct landlock_rules all_rules(int abi)
{
    const uint64_t first_rights =
        (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1; /* those of ABI 1, the last of which is this */
    return (struct landlock_rules){
        .files = first_rights | (abi >= ABI_REFER ? LANDLOCK_ACCESS_FS_REFER : 0) |
                 (abi >= ABI_TRUNCATE ? FILE_TRUNCATE : 0) | (abi >= ABI_DEVICE_IOCTL ? FILE_DEVICE_IOCTL : 0),
        .ports = abi >= SANDBOX_LANDLOCK_ABI_PORTS ? PORT_LISTEN | PORT_CONNECT : 0,
        .scopes = abi >= ABI_SCOPES ? SCOPE_ABSTRACT_SOCKETS : 0,
    };
}

static size_t rules_size(int abi)
{
    if (abi >= ABI_SCOPES) return sizeof(struct landlock_rules);
    return abi >= SANDBOX_LANDLOCK_ABI_PORTS ? offsetof(struct landlock_rules, scopes)
                                             : offsetof(struct landlock_rules, ports);
}

static void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0) (void)close(*descriptor);
}

/* On a file, the rights that only folders have would be refused. */
static bool allow_place(int ruleset, int abi, enum sandbox_use use, const char *path)
{
    struct stat facts;
    CLEANUP(close_descriptor) int place = open(path, O_PATH | O_CLOEXEC);
    if (place < 0) return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    if (fstat(place, &facts) != 0) return false;
    const uint64_t rights = S_ISDIR(facts.st_mode) ? rights_of(use, abi) : LANDLOCK_ACCESS_FS_READ_FILE;
    const struct landlock_path_beneath_attr rule = {.parent_fd = place, .allowed_access = rights};
    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

static bool allow_one_port(int ruleset, const struct sandbox_port *port)
{
    const struct landlock_port_rule rule = {.allowed = port->is_listened ? PORT_LISTEN : PORT_CONNECT,
                                            .port = port->number};
    return syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) == 0;
}

static bool close_files_and_ports(const struct sandbox *sandbox, int abi)
{
    const struct landlock_rules rules = all_rules(abi);
    CLEANUP(close_descriptor) int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, rules_size(abi), 0);
    bool done = ruleset >= 0;
    for (size_t i = 0; done && i < sandbox->place_count; i++)
        done = allow_place(ruleset, abi, sandbox->places[i].use, sandbox->places[i].path);
    for (size_t i = 0; done && abi >= SANDBOX_LANDLOCK_ABI_PORTS && i < sandbox->port_count; i++)
        done = allow_one_port(ruleset, &sandbox->ports[i]);
    if (done && UNDER_ADDRESS_SANITIZER != 0) done = allow_place(ruleset, abi, SANDBOX_READ, "/proc");
    return done && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
}

static int landlock_abi(void)
{
    const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi > 0 ? (int)abi : 0;
}

/* ---- seccomp ---- */

/* What none of our programs has a use for, at any time. */
static const int forbidden_calls[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(bpf),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(syslog),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(capset),
};

/* What a running program does: memory, time, threads, files, sockets, the children that it has. */
static const int allowed_calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(close),
    SCMP_SYS(dup),
    SCMP_SYS(dup3),
    SCMP_SYS(fcntl),
    SCMP_SYS(lseek),
    SCMP_SYS(pipe2),
    SCMP_SYS(eventfd2),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(mlock),
    SCMP_SYS(mlock2),
    SCMP_SYS(munlock),
    /* threads and signals */
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(rseq),
    SCMP_SYS(membarrier),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getcpu),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    /* what it is and what time */
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    /* files, which Landlock narrows */
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(fstatfs),
    SCMP_SYS(statfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(getdents64),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rmdir),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchown), /* SQLite gives a new journal the owner of its database */
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(fadvise64),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(flock),
    SCMP_SYS(umask),
    /* sockets, whose families are narrowed below */
    SCMP_SYS(socketpair),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(connect),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(sendfile),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
};

static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

/* The C library's name look-up asks for the machine's addresses (AF_NETLINK); FIONBIO and FIONREAD are libcurl's. */
static const unsigned long descriptor_controls[] = {FIONBIO, FIONREAD, TCGETS};

/* In place of the narrower rules of allow_own_processes and allow_memory. */
static const int leak_checker_calls[] = {
    SCMP_SYS(clone),    SCMP_SYS(ptrace), SCMP_SYS(tkill),     SCMP_SYS(tgkill),    SCMP_SYS(kill),     SCMP_SYS(prctl),
    SCMP_SYS(getdents), SCMP_SYS(mmap),   SCMP_SYS(prlimit64), SCMP_SYS(getrlimit), SCMP_SYS(mprotect),
};

static bool add_calls(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (seccomp_rule_add(filter, action, calls[i], 0) != 0) return false;
    }
    return true;
}

/* Allows the call while the bits of `mask` in its argument `index` are `value`. */
static bool allow_masked(scmp_filter_ctx filter, int call, unsigned index, uint64_t mask, uint64_t value)
{
    const struct scmp_arg_cmp condition = {.arg = index, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition) == 0;
}

/* The kernel reads only the lower half of an int argument, and so must the filter. */
static bool allow_number(scmp_filter_ctx filter, int call, unsigned index, uint64_t number)
{
    return allow_masked(filter, call, index, UINT32_MAX, number);
}

/* Threads, not processes; names of threads; signals to itself, and the one that ends its children. */
static bool allow_own_processes(scmp_filter_ctx filter)
{
    return allow_masked(filter, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD) &&
           allow_number(filter, SCMP_SYS(prctl), 0, PR_SET_NAME) &&
           allow_number(filter, SCMP_SYS(tgkill), 0, (uint64_t)getpid()) &&
           allow_number(filter, SCMP_SYS(kill), 1, SIGKILL);
}

/* A thread chooses its own processors, nobody else's. */
static bool allow_own_processor(scmp_filter_ctx filter)
{
    return allow_number(filter, SCMP_SYS(sched_setaffinity), 0, 0);
}

/* No memory becomes executable: code is what was loaded at the start. Limits are asked for, not set, but for that of
 * descriptors (base/descriptors.h). */
static bool allow_memory(scmp_filter_ctx filter)
{
    static const struct scmp_arg_cmp own_descriptors[] = {
        {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = 0},
        {.arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = UINT32_MAX, .datum_b = RLIMIT_NOFILE},
    };
    return allow_masked(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0) &&
           allow_masked(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0) &&
           allow_masked(filter, SCMP_SYS(prlimit64), 2, UINT64_MAX, 0) &&
           seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, own_descriptors) == 0;
}

static bool allow_descriptors(scmp_filter_ctx filter)
{
    bool done = true;
    for (size_t i = 0; done && i < COUNT(families); i++)
        done = allow_number(filter, SCMP_SYS(socket), 0, (uint64_t)families[i]);
    for (size_t i = 0; done && i < COUNT(descriptor_controls); i++)
        done = allow_number(filter, SCMP_SYS(ioctl), 1, descriptor_controls[i]);
    return done;
}

/* clone3 hides its flags behind a pointer, so it is said to be missing and the C library takes clone, whose flags can
 * be looked at. */
static bool fill_allowed(scmp_filter_ctx filter)
{
    const bool looked_into = UNDER_ADDRESS_SANITIZER != 0; /* by the leak checker */
    return add_calls(filter, SCMP_ACT_ALLOW, allowed_calls, COUNT(allowed_calls)) && allow_descriptors(filter) &&
           allow_own_processor(filter) &&
           (looked_into ? add_calls(filter, SCMP_ACT_ALLOW, leak_checker_calls, COUNT(leak_checker_calls))
                        : allow_own_processes(filter) && allow_memory(filter)) &&
           seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

static bool fill_forbidden(scmp_filter_ctx filter)
{
    static const int tracing[] = {SCMP_SYS(ptrace)};
    return add_calls(filter, SCMP_ACT_KILL_PROCESS, forbidden_calls, COUNT(forbidden_calls)) &&
           (UNDER_ADDRESS_SANITIZER != 0 || add_calls(filter, SCMP_ACT_KILL_PROCESS, tracing, COUNT(tracing)));
}

static enum status load(uint32_t other_calls, bool (*fill)(scmp_filter_ctx), struct refusal *why)
{
    const scmp_filter_ctx filter = seccomp_init(other_calls);
    const bool loaded = filter != NULL && fill(filter) && seccomp_load(filter) == 0;
    if (filter != NULL) seccomp_release(filter);
    if (loaded) return OK;
    return refuse(why, ERR_UNSUPPORTED, "seccomp", "a filter that the kernel takes", "%s", strerror(errno));
}

/* Asks without changing anything: EFAULT is the answer of a kernel that has filters, to a missing program. */
static bool kernel_filters_calls(void)
{
    return syscall(SYS_seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, 0, NULL) != 0 && errno == EFAULT;
}

/* ---- the two steps ---- */

static enum status take_privileges(struct refusal *why)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) return OK;
    return refuse(why, ERR_UNSUPPORTED, "PR_SET_NO_NEW_PRIVS", "a kernel that has it", "%s", strerror(errno));
}

enum status sandbox_forbid(struct refusal *why)
{
    if (!kernel_filters_calls()) return OK;
    TRY(take_privileges(why));
    return load(SCMP_ACT_ALLOW, fill_forbidden, why);
}

enum status sandbox_enter(const struct sandbox *sandbox, struct refusal *why, struct sandbox_report *report_out)
{
    struct sandbox_report report = {.filters_calls = kernel_filters_calls(), .landlock_abi = landlock_abi()};
    if (report.filters_calls || report.landlock_abi > 0) TRY(take_privileges(why));
    if (report.landlock_abi > 0 && !close_files_and_ports(sandbox, report.landlock_abi))
        return refuse(why, ERR_UNSUPPORTED, "Landlock", "rules that the kernel takes", "%s", strerror(errno));
    if (report.filters_calls) TRY(load(SCMP_ACT_ERRNO(EPERM), fill_allowed, why));
    *report_out = report;
    return OK;
}
