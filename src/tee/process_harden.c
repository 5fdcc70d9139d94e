/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/sanitized.h"
#include "tee/tee.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void tell(const char *what)
{
    log_event(LOG_WARNING, "process.not_hardened", log_text(LOG_DETAIL, what), log_number(LOG_ERRNO, errno));
}

void process_harden(void)
{
    const struct rlimit no_core = {};
    if (setrlimit(RLIMIT_CORE, &no_core) != 0) tell("core dumps");
    if (UNDER_ADDRESS_SANITIZER == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) tell("tracing");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) tell("new privileges");
}
