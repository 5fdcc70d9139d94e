/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading DER (ITU-T X.690 section 10): one-byte tags, definite lengths in their shortest form, nothing else. Each call
 * reads one value and moves past it, or fails and leaves the reader and the outputs as they were.
 * Errors of all calls: ERR_TRUNCATED, ERR_ENCODING (not DER, or another tag or value than asked for).
 */
#pragma once

#include "base/reader.h"

enum der_read_tag {
    DER_TAG_BOOLEAN = 0x01,
    DER_TAG_INTEGER = 0x02,
    DER_TAG_BIT_STRING = 0x03,
    DER_TAG_OCTET_STRING = 0x04,
    DER_TAG_NULL = 0x05,
    DER_TAG_OID = 0x06,
    DER_TAG_ENUMERATED = 0x0a,
    DER_TAG_UTF8_STRING = 0x0c,
    DER_TAG_PRINTABLE_STRING = 0x13,
    DER_TAG_UTC_TIME = 0x17,
    DER_TAG_GENERALIZED_TIME = 0x18,
    DER_TAG_SEQUENCE = 0x30,
    DER_TAG_SET = 0x31,
};

/* [number] EXPLICIT, or IMPLICIT of a constructed type. */
static inline uint8_t der_context_tag(unsigned number)
{
    return (uint8_t)(0xa0 | number);
}

struct der_value {
    uint8_t tag;
    struct slice content;
    struct slice whole; /* tag, length and content */
};

bool der_is_next(const struct reader *reader, uint8_t tag);

enum status der_read(struct reader *reader, struct der_value *value_out); /* of any tag */
enum status der_content(struct reader *reader, uint8_t tag, struct slice *content_out);
enum status der_whole(struct reader *reader, uint8_t tag, struct slice *whole_out);
enum status der_enter(struct reader *reader, uint8_t tag, struct reader *content_out);

/* A non-negative INTEGER or ENUMERATED of at most `maximum`. */
enum status der_number(struct reader *reader, uint8_t tag, uint32_t maximum, uint32_t *value_out);

/* A non-negative INTEGER of at most `max_size` bytes: big endian, without leading zeros; zero is empty. */
enum status der_big_number(struct reader *reader, size_t max_size, struct slice *bytes_out);

enum status der_boolean(struct reader *reader, bool *value_out);

/* A BIT STRING of whole bytes. */
enum status der_bit_string(struct reader *reader, struct slice *bytes_out);

/* A BIT STRING of named bits: bit 0 of the standard is bit 0 here. At most 16 bits. Zeros may stand at the end although
 * DER leaves them away (X.690 section 11.2.2): the keyUsage of AMD's own authorities has one. Unused bits are zero. */
enum status der_named_bits(struct reader *reader, uint32_t *bits_out);

/* UTCTime or GeneralizedTime as RFC 5280 section 4.1.2.5 restricts them, in Unix seconds. */
enum status der_time(struct reader *reader, int64_t *time_s_out);

/* The content of an OBJECT IDENTIFIER from dotted text ("2.25.2559..."): arcs of any size, as UUID arcs need.
 * ERR_ENCODING for other text or more than OID_MAX_BYTES. */
enum { OID_MAX_BYTES = 64 };
struct oid {
    uint8_t bytes[OID_MAX_BYTES];
    size_t size;
};
enum status oid_from_text(const char *dotted, struct oid *oid_out);
