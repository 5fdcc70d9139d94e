/* SPDX-License-Identifier: Apache-2.0
 *
 * Members of a request's JSON: their names are found in any case of letters, null is absence, base64 is read leniently.
 * A name that is there twice, in two spellings, is refused: two readers could take two values.
 */
#pragma once

#include "base/json_tree.h"

struct request_fields {
    const struct json_node *object;
    const char *path; /* of the object, for refusals */
};

/* Whether the member is there and not null. ERR_FIELD_VALUE if it is there twice. */
enum status request_has(const struct request_fields *fields, const char *name, struct refusal *why, bool *has_out);

/* Whether the member is there with nothing in it: "" or null. */
enum status request_is_empty(const struct request_fields *fields, const char *name, struct refusal *why,
                             bool *is_empty_out);

/* Required members: a string of 1 to `max_size` bytes, borrowed; and base64, whose bytes are appended.
 * ERR_FIELD_MISSING, ERR_FIELD_TYPE, ERR_FIELD_VALUE; ERR_TOO_LARGE for more bytes than fit. */
enum status request_text(const struct request_fields *fields, const char *name, size_t max_size, struct refusal *why,
                         struct slice *text_out);
/* As request_text; of a number, which may be of any size, as it stands in `body`. */
enum status request_text_or_number(const struct request_fields *fields, struct slice body, const char *name,
                                   size_t max_size, struct refusal *why, struct slice *text_out);
enum status request_base64(const struct request_fields *fields, const char *name, struct refusal *why,
                           struct buffer *bytes);

/* An optional object. */
enum status request_object(const struct request_fields *fields, const char *name, struct refusal *why,
                           struct request_fields *object_out, bool *has_out);
