/* SPDX-License-Identifier: Apache-2.0
 * Hits elf_interpreter and library_from_line: what a program and the loader's list say before a launch.
 */
#include "fuzz.h"
#include "softtee/elf.h"
#include "softtee/libraries.h"

#include <stdlib.h>

static bool is_inside(struct slice part, struct slice whole)
{
    if (part.size == 0) return true;
    return part.bytes >= whole.bytes && part.bytes + part.size <= whole.bytes + whole.size;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct slice text = slice_of(bytes, size);
    struct refusal why = {};
    struct slice path;
    if (elf_interpreter(text, &why, &path) == OK && !is_inside(path, text)) abort();
    if (library_from_line(text, &why, &path) == OK && !is_inside(path, text)) abort();
    return 0;
}
