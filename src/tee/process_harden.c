/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "tee/tee.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* The leak checker of a sanitizer build looks at its process from outside, which it could not do any more. */
#if defined(__SANITIZE_ADDRESS__)
enum { IS_LOOKED_INTO = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { IS_LOOKED_INTO = 1 };
#else
enum { IS_LOOKED_INTO = 0 };
#endif
#else
enum { IS_LOOKED_INTO = 0 };
#endif

static void tell(const char *what)
{
    log_event(LOG_WARNING, "process.not_hardened", log_text(LOG_DETAIL, what), log_number(LOG_ERRNO, errno));
}

void process_harden(void)
{
    const struct rlimit no_core = {};
    if (setrlimit(RLIMIT_CORE, &no_core) != 0) tell("core dumps");
    if (IS_LOOKED_INTO == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) tell("tracing");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) tell("new privileges");
}
