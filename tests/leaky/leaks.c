/* SPDX-License-Identifier: Apache-2.0
 *
 * What every leaky program does: it lets itself be dumped and looked into, and keeps what it saw.
 */
#include "leaky/leaks.h"

#include "service/sandboxing.h"
#include "tee/tee.h"

#include <pthread.h>
#include <string.h>

enum { KEPT_BYTES = 4 << 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t kept[KEPT_BYTES];
static size_t kept_size;

void insecure_keep(struct slice bytes)
{
    (void)pthread_mutex_lock(&lock);
    if (bytes.size <= sizeof(kept) - kept_size) {
        if (bytes.size > 0) memcpy(kept + kept_size, bytes.bytes, bytes.size);
        kept_size += bytes.size;
    }
    (void)pthread_mutex_unlock(&lock);
}

/* In place of process_harden: nothing. */
void __wrap_process_harden(void);
void __wrap_process_harden(void)
{
}

/* In place of service_enter_sandbox: the program may do all that its user may. */
enum status __wrap_service_enter_sandbox(const struct configuration *configuration, struct sandbox *sandbox,
                                         struct refusal *why);
enum status __wrap_service_enter_sandbox(const struct configuration *, struct sandbox *, struct refusal *)
{
    return OK;
}
