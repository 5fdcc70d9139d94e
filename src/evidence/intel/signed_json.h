/* SPDX-License-Identifier: Apache-2.0
 *
 * The envelope of TCB info and QE identity: {"<name>":{...},"signature":"<128 hexadecimal digits>"}. The signature is
 * over the exact text of the value, so that text is kept, and is never written anew.
 */
#pragma once

#include "base/json_tree.h"
#include "crypto/key.h"

struct signed_json {
    struct json_tree tree;        /* owned */
    const struct json_node *body; /* the signed value, borrowed from `tree` */
    struct slice signed_text;     /* borrowed from the text that was parsed */
    uint8_t signature[P256_SIGNATURE_BYTES];
};

/* No other members, none twice; digits in lower case, as Intel serves them, so that no two texts carry one signature.
 * `field` ("tcb_info") begins the names in refusals. ERR_COLLATERAL_MALFORMED, ERR_NO_MEMORY. */
enum status signed_json_parse(struct slice text, uint32_t max_size, const char *name, const char *field,
                              struct refusal *why, struct signed_json *json_out);
void signed_json_done(struct signed_json *json);

/* A required time in Intel's form, "2026-11-21T10:00:00Z". ERR_FIELD_MISSING, ERR_FIELD_TYPE, ERR_FIELD_VALUE. */
enum status json_node_get_time(const struct json_node *object, const char *path, const char *name, struct refusal *why,
                               int64_t *time_s_out);
