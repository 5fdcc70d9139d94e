/* SPDX-License-Identifier: Apache-2.0
 *
 * An owned run of secret bytes of fixed size: wiped on free, kept out of core dumps where the kernel allows, compared
 * in constant time, never printed. All-zero is a valid empty secret.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

enum { SECRET_MAX_BYTES = 1 << 16 };

struct secret {
    uint8_t *bytes;
    size_t size;
};

/* `size` zero bytes, at most SECRET_MAX_BYTES. ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum status secret_alloc(size_t size, struct secret *secret_out);
enum status secret_copy(struct slice bytes, struct secret *secret_out);
void secret_done(struct secret *secret);

/* Moves out and leaves an empty secret. */
struct secret secret_take(struct secret *secret);
struct slice secret_slice(const struct secret *secret);

/* Wipes memory in a way that the compiler does not remove: for scratch arrays that held key bytes. */
void secret_wipe(void *bytes, size_t size);

/* Frees what malloc gave, after wiping all of it: for libraries that ask whom to free with and keep patients' data in
 * memory of their own. NULL does nothing. */
void secret_free(void *memory);
