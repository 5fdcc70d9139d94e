/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing DER (ITU-T X.690): what certificate extensions of our own making need, and no more. A nested value is written
 * into a buffer of its own first and then appended as the content of the outer one.
 * Errors: those of buffer_append.
 */
#pragma once

#include "base/buffer.h"

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_OCTET_STRING = 0x04,
    DER_OBJECT_IDENTIFIER = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_SEQUENCE = 0x30,
};

/* Tag, length, content. */
enum status der_append(struct buffer *der, enum der_tag tag, struct slice content);

/* A non-negative INTEGER or ENUMERATED in its shortest form. */
enum status der_append_number(struct buffer *der, enum der_tag tag, uint64_t value);

enum status der_append_boolean(struct buffer *der, bool value);

/* An OBJECT IDENTIFIER from dotted text ("1.2.840.113741"); arcs up to 2^64 - 1. ERR_FIELD_VALUE for other text. */
enum status der_append_oid(struct buffer *der, const char *dotted);
