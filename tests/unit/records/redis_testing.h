/* SPDX-License-Identifier: Apache-2.0
 *
 * A real redis-server of one's own on a Unix socket in the test's folder; without one installed the test is skipped
 * with a line.
 */
#pragma once

#include "base/clock.h"
#include "records/cache.h"

#include "testing.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

struct redis {
    char socket_path[100];
    pid_t process; /* 0: not running */
    int connects;  /* how often redis_connect was called */
};

/* For cache_options. */
static inline enum status redis_connect(void *context, int *socket_out)
{
    struct redis *const redis = context;
    redis->connects++;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", redis->socket_path);
    const int connected = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connected < 0) return ERR_CONNECT;
    if (connect(connected, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        (void)close(connected);
        return ERR_CONNECT;
    }
    *socket_out = connected;
    return OK;
}

static inline void pause_ms(long milliseconds)
{
    const struct timespec pause = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

static inline void wait_until_it_listens(struct redis *redis)
{
    for (int tries = 0; tries < 200; tries++) {
        int connected;
        if (redis_connect(redis, &connected) == OK) {
            (void)close(connected);
            redis->connects = 0;
            return;
        }
        pause_ms(50);
    }
    fail_msg("redis-server does not listen");
}

/* Says so if not. */
static inline bool redis_is_installed(void)
{
    if (access("/usr/bin/redis-server", X_OK) == 0) return true;
    print_message("SKIP: no /usr/bin/redis-server (make setup installs it)\n");
    return false;
}

static inline void redis_start(struct redis *redis, const char *folder)
{
    (void)snprintf(redis->socket_path, sizeof(redis->socket_path), "%s/redis.socket", folder);
    if (!redis_is_installed()) skip();
    redis->process = fork();
    assert_true(redis->process >= 0);
    if (redis->process == 0) {
        const int nothing = open("/dev/null", O_RDWR);
        (void)dup2(nothing, STDOUT_FILENO);
        (void)dup2(nothing, STDERR_FILENO);
        (void)execl("/usr/bin/redis-server", "redis-server", "--port", "0", "--unixsocket", redis->socket_path,
                    "--save", "", "--appendonly", "no", "--dir", folder, (char *)NULL);
        _exit(127);
    }
    wait_until_it_listens(redis);
}

static inline void redis_stop(struct redis *redis)
{
    if (redis->process <= 0) return;
    (void)kill(redis->process, SIGTERM);
    (void)waitpid(redis->process, NULL, 0);
    (void)unlink(redis->socket_path);
    redis->process = 0;
}
