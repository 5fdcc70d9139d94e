/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum status secret_alloc(size_t size, struct secret *secret_out)
{
    if (size > SECRET_MAX_BYTES) return ERR_TOO_LARGE;
    uint8_t *const bytes = calloc(1, size > 0 ? size : 1);
    if (bytes == NULL) return ERR_NO_MEMORY;
    *secret_out = (struct secret){.bytes = bytes, .size = size};
    return OK;
}

enum status secret_copy(struct slice bytes, struct secret *secret_out)
{
    struct secret copy;
    TRY(secret_alloc(bytes.size, &copy));
    if (bytes.size > 0) memcpy(copy.bytes, bytes.bytes, bytes.size);
    *secret_out = copy;
    return OK;
}

void secret_done(struct secret *secret)
{
    if (secret->bytes != NULL) explicit_bzero(secret->bytes, secret->size);
    free(secret->bytes);
    *secret = (struct secret){};
}

struct secret secret_take(struct secret *secret)
{
    const struct secret taken = *secret;
    *secret = (struct secret){};
    return taken;
}

struct slice secret_slice(const struct secret *secret)
{
    return slice_of(secret->bytes, secret->size);
}

void secret_wipe(void *bytes, size_t size)
{
    explicit_bzero(bytes, size);
}

void secret_free(void *memory)
{
    if (memory != NULL) explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}
