/* SPDX-License-Identifier: Apache-2.0
 *
 * A keyed sum over the rows of the store, kept while rows come and go: each row's HMAC-SHA256, added modulo 2^256. Two
 * sets of rows with equal sums cannot be found without the key, and the sum itself is only ever written sealed, so that
 * no one outside can look for combinations. Pure.
 */
#pragma once

#include "records/sealed.h"

struct state_sum {
    uint8_t bytes[32]; /* little endian */
};

/* What identifies one row and its content: the sealed value's first bytes are different for each sealing. */
struct state_row {
    struct sealed_place place;
    int64_t sequence;
    int64_t expires_s;
    struct slice seal;   /* SEALED_HEAD_BYTES */
    struct slice tokens; /* in their order, one after the other */
};

enum { STATE_ROW_MAX_TOKEN_BYTES = 16 << 10 };

enum status state_sum_add(const struct record_keys *keys, const struct state_row *row, struct state_sum *sum);
enum status state_sum_remove(const struct record_keys *keys, const struct state_row *row, struct state_sum *sum);
