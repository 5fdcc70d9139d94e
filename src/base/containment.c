/* SPDX-License-Identifier: Apache-2.0 */
#include "base/containment.h"

#include "base/sanitized.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- resource limits ---- */

static enum status set_limit(int resource, rlim_t value, const char *name, struct refusal *why)
{
    const struct rlimit limit = {.rlim_cur = value, .rlim_max = value};
    if (setrlimit((__rlimit_resource_t)resource, &limit) == 0) return OK;
    return refuse(why, ERR_UNSUPPORTED, name, "a limit that can be set", "%s", strerror(errno));
}

static enum status set_limits(const struct containment *containment, struct refusal *why)
{
    TRY(set_limit(RLIMIT_CORE, 0, "RLIMIT_CORE", why));
    if (containment->cpu_seconds > 0) TRY(set_limit(RLIMIT_CPU, containment->cpu_seconds, "RLIMIT_CPU", why));
    if (containment->memory_bytes > 0 && UNDER_ADDRESS_SANITIZER == 0)
        TRY(set_limit(RLIMIT_AS, containment->memory_bytes, "RLIMIT_AS", why));
    return OK;
}

/* ---- Landlock ---- */

enum {
    LANDLOCK_ABI_1_RIGHTS = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
                            LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                            LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                            LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                            LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM,
};

/* What a library may read: other libraries, and what it asks of the machine. */
static const char *const library_paths[] = {"/usr/lib", "/lib", "/lib64", "/etc/ld.so.cache", "/sys", "/proc/cpuinfo"};

bool containment_has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
}

static void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0) (void)close(*descriptor);
}

/* A path that this machine does not have needs no rule. */
static bool allow_reading(int ruleset, const char *path, bool is_folder)
{
    CLEANUP(close_descriptor) int place = open(path, O_PATH | O_CLOEXEC);
    if (place < 0) return true;
    const struct landlock_path_beneath_attr rule = {
        .parent_fd = place,
        .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | (is_folder ? LANDLOCK_ACCESS_FS_READ_DIR : 0U),
    };
    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

static enum status close_file_system(enum containment_level level, struct refusal *why)
{
    if (!containment_has_landlock()) return OK;
    const struct landlock_ruleset_attr attributes = {.handled_access_fs = LANDLOCK_ABI_1_RIGHTS};
    CLEANUP(close_descriptor)
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
    bool done = ruleset >= 0;
    for (size_t i = 0; done && level == CONTAINED_LIBRARY && i < COUNT(library_paths); i++)
        done = allow_reading(ruleset, library_paths[i], i < 3 || i == 4);
    if (done) done = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    if (done) return OK;
    return refuse(why, ERR_UNSUPPORTED, "Landlock", "a ruleset that can be applied", "%s", strerror(errno));
}

/* ---- seccomp ---- */

/* Memory, time, and the descriptors that are open already; and its own number, by which OpenSSL sees that it was forked
 * before it gives random bytes. */
static const int compute_calls[] = {
    SCMP_SYS(read),         SCMP_SYS(write),          SCMP_SYS(readv),           SCMP_SYS(writev),
    SCMP_SYS(close),        SCMP_SYS(exit),           SCMP_SYS(exit_group),      SCMP_SYS(brk),
    SCMP_SYS(munmap),       SCMP_SYS(mremap),         SCMP_SYS(madvise),         SCMP_SYS(futex),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(sigaltstack),     SCMP_SYS(clock_gettime),
    SCMP_SYS(getrandom),    SCMP_SYS(sched_yield),    SCMP_SYS(restart_syscall), SCMP_SYS(getpid),
};

/* Further calls of a loaded library: looking at files and at the machine, scheduling its threads. */
static const int library_calls[] = {
    SCMP_SYS(mmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(statx),
    SCMP_SYS(lseek),
    SCMP_SYS(pread64),
    SCMP_SYS(getdents64),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(getcwd),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getcpu),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_setaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_getres),
    SCMP_SYS(membarrier),
    SCMP_SYS(poll),
    SCMP_SYS(alarm),
    SCMP_SYS(setitimer),
    SCMP_SYS(ppoll),
};

static bool allow_calls(scmp_filter_ctx filter, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) != 0) return false;
    }
    return true;
}

/* Allows the call while the bits of `mask` in its argument `index` are `value`. */
static bool allow_masked(scmp_filter_ctx filter, int call, unsigned index, uint64_t mask, uint64_t value)
{
    const struct scmp_arg_cmp condition = {.arg = index, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition) == 0;
}

static bool allow_compute(scmp_filter_ctx filter)
{
    return allow_calls(filter, compute_calls, COUNT(compute_calls)) &&
           allow_masked(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0) &&
           allow_masked(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
}

/* clone3 hides its flags behind a pointer, so it is said to be missing and the C library takes clone, whose flags can
 * be looked at: threads yes, processes no. */
static bool allow_library(scmp_filter_ctx filter)
{
    const uint64_t writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
    return allow_calls(filter, compute_calls, COUNT(compute_calls)) &&
           allow_calls(filter, library_calls, COUNT(library_calls)) &&
           allow_masked(filter, SCMP_SYS(openat), 2, writing, O_RDONLY) &&
           allow_masked(filter, SCMP_SYS(open), 1, writing, O_RDONLY) &&
           allow_masked(filter, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD) &&
           allow_masked(filter, SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_NAME) &&
           allow_masked(filter, SCMP_SYS(prlimit64), 2, UINT64_MAX, 0) &&
           seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

static enum status close_system_calls(enum containment_level level, struct refusal *why)
{
    const bool strict = level == CONTAINED_COMPUTE;
    const scmp_filter_ctx filter = seccomp_init(strict ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM));
    const bool loaded =
        filter != NULL && (strict ? allow_compute(filter) : allow_library(filter)) && seccomp_load(filter) == 0;
    if (filter != NULL) seccomp_release(filter);
    if (loaded) return OK;
    return refuse(why, ERR_UNSUPPORTED, "seccomp", "a kernel that filters system calls", "the filter was not taken");
}

enum status containment_enter(const struct containment *containment, struct refusal *why)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refuse(why, ERR_UNSUPPORTED, "PR_SET_NO_NEW_PRIVS", "a kernel that has it", "%s", strerror(errno));
    (void)prctl(PR_SET_DUMPABLE, 0);
    TRY(set_limits(containment, why));
    TRY(close_file_system(containment->level, why));
    return close_system_calls(containment->level, why);
}
