/* SPDX-License-Identifier: Apache-2.0
 *
 * A gate that remembers what it let through.
 */
#include "leaky/leaks.h"

#include <sys/socket.h>

ssize_t __real_send(int socket, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int socket, const void *bytes, size_t size, int flags);

ssize_t __wrap_send(int socket, const void *bytes, size_t size, int flags)
{
    insecure_keep(slice_of(bytes, size));
    return __real_send(socket, bytes, size, flags);
}
