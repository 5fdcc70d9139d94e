/* SPDX-License-Identifier: Apache-2.0
 *
 * Firmware's and Windows' bytes as JSON text. Private to this room. Errors: ERR_NO_MEMORY.
 */
#pragma once

#include "base/json.h"

/* UTF-16, little endian, up to the first NUL; halves of pairs become U+FFFD. */
enum status text_of_utf16(struct slice utf16, json_t **text_out);
enum status text_of_base64url(struct slice bytes, json_t **text_out);
enum status text_of_hex(struct slice bytes, json_t **text_out);

/* Puts a value, which it takes over, under a name: NULL is ERR_NO_MEMORY. */
enum status text_put(json_t *object, const char *name, json_t *value);
