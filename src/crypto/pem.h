/* SPDX-License-Identifier: Apache-2.0
 *
 * PEM text (RFC 7468, strict form): blocks one after the other, only blank space between them, standard base64 in its
 * one spelling, so that no two texts stand for the same bytes.
 */
#pragma once

#include "base/buffer.h"

/* Reads the block at the start of `text`, which must have this label ("CERTIFICATE"), appends its bytes to `der` and
 * moves `text` past it and the blank space behind it. ERR_ENCODING; ERR_TOO_LARGE of the buffer. */
enum status pem_read(struct slice *text, const char *label, struct buffer *der);

/* Whether the text starts like PEM: "-----BEGIN ", blank space before it allowed. */
bool pem_is_likely(struct slice text);
