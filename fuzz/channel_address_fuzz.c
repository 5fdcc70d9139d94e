/* SPDX-License-Identifier: Apache-2.0
 * Hits address_parse and address_of_authority. */
#include "base/buffer.h"
#include "channel/address.h"
#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(buffer_done) struct buffer copy = buffer_of_maximum(size);
    const char *text;
    struct address address;
    if (buffer_append(&copy, slice_of(bytes, size)) != OK || buffer_text(&copy, &text) != OK) return 0;
    struct address_authority authority;
    if (address_of_authority(slice_of_text(text), 443, NULL, &authority) == OK &&
        (authority.host[0] == '\0' || address_parse(authority.address, NULL, &address) != OK))
        abort();
    if (address_parse(text, NULL, &address) != OK) return 0;
    if ((address.host[0] == '\0') == (address.path[0] == '\0')) abort();
    return 0;
}
