/* SPDX-License-Identifier: Apache-2.0
 *
 * Small files of our own making that tests and fuzz targets share: fuzz/corpus/ (tests/support/make-pictures draws
 * them).
 */
#pragma once

#include "testing.h"

static inline struct buffer corpus_file(const char *relative)
{
    char path[PATH_MAX];
    const char *const source = getenv("LAZARET_SOURCE");
    (void)snprintf(path, sizeof(path), "%s/fuzz/corpus/%s", source != NULL ? source : ".", relative);
    return read_whole(path);
}

/* The grey of the pattern that make-pictures draws, where the whole range is `top`. */
static inline unsigned corpus_grey(unsigned x, unsigned y, unsigned top)
{
    return (x * 37 + y * 91 + (x * y) % 7 * 13) * top / 255 % (top + 1);
}
