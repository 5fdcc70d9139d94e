/* SPDX-License-Identifier: Apache-2.0
 * Hits base64url_decode, base64_decode, base64_decode_lenient, hex_decode, utf8_is_valid, time_parse_iso8601,
 * time_parse_http: what is decoded and encoded again is the same text. */
#include "base/clock.h"
#include "base/encoding.h"
#include "fuzz.h"

#include <stdlib.h>

enum { TEXT_MAX_BYTES = 8192 };

typedef enum status convert(struct slice from, struct buffer *to);

static void check(struct slice text, convert *decode, convert *encode, bool is_canonical)
{
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(TEXT_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer again = buffer_of_maximum(2 * TEXT_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer twice = buffer_of_maximum(TEXT_MAX_BYTES);
    if (decode(text, &bytes) != OK) return;
    if (encode(buffer_slice(&bytes), &again) != OK) abort();
    if (is_canonical && !slice_equal(buffer_slice(&again), text)) abort();
    if (decode(buffer_slice(&again), &twice) != OK || !slice_equal(buffer_slice(&twice), buffer_slice(&bytes))) abort();
}

static void check_times(struct slice text)
{
    int64_t time_s;
    if (time_parse_iso8601(text, &time_s) == OK && !slice_equal_text(text, time_iso8601(time_s).text)) abort();
    if (time_parse_http(text, &time_s) == OK && !slice_equal_text(text, time_http(time_s).text)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct slice text = slice_of(bytes, size);
    uint8_t exact[32];
    check(text, base64url_decode, base64url_encode, true);
    check(text, base64_decode, base64_encode, true);
    check(text, base64_decode_lenient, base64_encode, false);
    check(text, hex_decode, hex_encode, false);
    (void)!hex_decode_exact(text, sizeof(exact), exact);
    (void)!base64url_decode_exact(text, sizeof(exact), exact);
    /* Text without controls is text. */
    if (utf8_is_valid(text, false) && !utf8_is_valid(text, true)) abort();
    check_times(text);
    return 0;
}
