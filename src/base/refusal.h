/* SPDX-License-Identifier: Apache-2.0
 *
 * Why something was refused, for the person who must mend it: the field, what was seen, what was expected and the fix.
 * A caller that wants to know passes a `struct refusal`, and anyone may pass NULL. The texts are for operators and
 * clients: they hold values of evidence, tokens, certificates and configuration, never of patients or secrets.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

enum { REFUSAL_FIELD_BYTES = 96, REFUSAL_TEXT_BYTES = 256 };

struct refusal {
    enum status status;
    char field[REFUSAL_FIELD_BYTES];
    char seen[REFUSAL_TEXT_BYTES];
    char expected[REFUSAL_TEXT_BYTES];
    char fix[REFUSAL_TEXT_BYTES];
};

/* Fills `why` (may be NULL) and returns `status`, so that a check is one line:
 *     if (version != 3) return refuse(why, ERR_QUOTE_UNSUPPORTED, "header.version", "3", "%u", version);
 * `seen_format` makes `seen`; characters that are not printable ASCII become '?', long texts end in "...". */
[[gnu::format(printf, 5, 6)]] enum status refuse(struct refusal *why, enum status status, const char *field,
                                                 const char *expected, const char *seen_format, ...);

/* Adds what to do about it. Returns the status of `why`, or `status` if `why` is NULL. */
enum status refuse_fix(struct refusal *why, enum status status, const char *fix);

/* Gives a failure the status of the layer that reports it, and keeps field, seen and expected: a missing member of a
 * token is ERR_TOKEN_CLAIM to its reader. OK and ERR_NO_MEMORY pass through. */
enum status refuse_as(struct refusal *why, enum status failure, enum status status);

/* Whether a refusal that another process made is one that `refuse` could have made: a status that exists and is not OK,
 * and printable texts that end. Whoever hands one on checks it first, because that process may have been taken over. */
bool refusal_is_sound(const struct refusal *why);

/* One line: "<status text>: <field>: seen <seen>, expected <expected>; <fix>". At most `size` bytes with the NUL. */
void refusal_text(const struct refusal *why, char *text_out, size_t size);

/* Shortens bytes to hexadecimal for `seen` and `expected`: at most 32 bytes are shown in full, more in the middle cut.
 */
struct refusal_hex {
    char text[80];
};
struct refusal_hex refusal_hex(struct slice bytes);
