/* SPDX-License-Identifier: Apache-2.0
 *
 * A real PostgreSQL server of one's own on a socket in a new folder. It does not run as root, so root starts it as the
 * user of Debian's package; without one installed the test is skipped with a line.
 */
#pragma once

#include "testing.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define POSTGRES_PROGRAMS "/usr/lib/postgresql/15/bin"

struct postgres {
    char folder[64];
    char connection[128]; /* for document_options */
    pid_t process;        /* 0: not running */
};

static inline bool postgres_is_installed(void)
{
    if (access(POSTGRES_PROGRAMS "/postgres", X_OK) == 0) return true;
    print_message("SKIP: no " POSTGRES_PROGRAMS "/postgres (make setup installs it)\n");
    return false;
}

static inline pid_t postgres_run(const char *program, const char *const *arguments)
{
    const pid_t process = fork();
    assert_true(process >= 0);
    if (process > 0) return process;
    const struct passwd *const user = getpwnam("postgres");
    const int nothing = open("/dev/null", O_RDWR);
    (void)dup2(nothing, STDOUT_FILENO);
    (void)dup2(nothing, STDERR_FILENO);
    if (geteuid() == 0 && (user == NULL || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) _exit(126);
    (void)execv(program, (char *const *)arguments);
    _exit(127);
}

static inline bool postgres_answers(const struct postgres *postgres)
{
    char host[80];
    (void)snprintf(host, sizeof(host), "%s", postgres->folder);
    const char *const arguments[] = {"pg_isready", "-q", "-h", host, NULL};
    int result = 1;
    (void)waitpid(postgres_run(POSTGRES_PROGRAMS "/pg_isready", arguments), &result, 0);
    return result == 0;
}

static inline void postgres_resume(struct postgres *postgres)
{
    const char *const arguments[] = {"postgres",          "-D", postgres->folder, "-k", postgres->folder, "-c",
                                     "listen_addresses=", "-c", "fsync=off",      NULL};
    postgres->process = postgres_run(POSTGRES_PROGRAMS "/postgres", arguments);
    for (int tries = 0; tries < 300; tries++) {
        if (postgres_answers(postgres)) return;
        const struct timespec pause = {.tv_nsec = 50000000};
        (void)nanosleep(&pause, NULL);
    }
    fail_msg("postgres does not listen");
}

static inline void postgres_start(struct postgres *postgres)
{
    *postgres = (struct postgres){.folder = "/tmp/lazaret-postgres-XXXXXX"};
    if (!postgres_is_installed()) skip();
    assert_non_null(mkdtemp(postgres->folder));
    const struct passwd *const user = getpwnam("postgres");
    if (geteuid() == 0 && user != NULL) assert_int_equal(chown(postgres->folder, user->pw_uid, user->pw_gid), 0);
    const char *const arguments[] = {"initdb", "-D",      postgres->folder, "-A", "trust",
                                     "-U",     "lazaret", "--no-sync",      NULL};
    int result = 1;
    assert_true(waitpid(postgres_run(POSTGRES_PROGRAMS "/initdb", arguments), &result, 0) > 0);
    assert_int_equal(result, 0);
    (void)snprintf(postgres->connection, sizeof(postgres->connection), "host=%s user=lazaret dbname=postgres",
                   postgres->folder);
    postgres_resume(postgres);
}

/* At once, as by a power cut. */
static inline void postgres_kill(struct postgres *postgres)
{
    if (postgres->process <= 0) return;
    (void)kill(postgres->process, SIGQUIT);
    (void)waitpid(postgres->process, NULL, 0);
    postgres->process = 0;
}

static inline void postgres_stop(struct postgres *postgres)
{
    postgres_kill(postgres);
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf %s", postgres->folder);
    assert_int_equal(system(command), 0);
}

/* One statement by another client. */
static inline void postgres_do(const struct postgres *postgres, const char *statement)
{
    const char *const arguments[] = {"psql", "-q", "-d", postgres->connection, "-c", statement, NULL};
    int result = 1;
    assert_true(waitpid(postgres_run(POSTGRES_PROGRAMS "/psql", arguments), &result, 0) > 0);
    assert_int_equal(result, 0);
}
