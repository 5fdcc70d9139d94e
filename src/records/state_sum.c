/* SPDX-License-Identifier: Apache-2.0 */
#include "records/state_sum.h"

enum { ROW_MAX_BYTES = 5 * (2 + SEALED_TEXT_MAX_BYTES) + 3 * 8 + STATE_ROW_MAX_TOKEN_BYTES };

static enum status row_mac(const struct record_keys *keys, const struct state_row *row, struct state_sum *mac_out)
{
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(ROW_MAX_BYTES);
    TRY(append_counted(&bytes, slice_of_text(row->place.type)));
    TRY(append_counted(&bytes, slice_of_text(row->place.owner)));
    TRY(append_counted(&bytes, slice_of_text(row->place.id)));
    TRY(append_counted(&bytes, row->seal));
    TRY(buffer_append_u64(&bytes, row->place.version));
    TRY(buffer_append_u64(&bytes, (uint64_t)row->sequence));
    TRY(buffer_append_u64(&bytes, (uint64_t)row->expires_s));
    TRY(buffer_append(&bytes, row->tokens));
    return record_keys_state_mac(keys, buffer_slice(&bytes), mac_out->bytes);
}

enum status state_sum_add(const struct record_keys *keys, const struct state_row *row, struct state_sum *sum)
{
    struct state_sum mac;
    TRY(row_mac(keys, row, &mac));
    unsigned carry = 0;
    for (size_t i = 0; i < sizeof(sum->bytes); i++) {
        carry += (unsigned)sum->bytes[i] + mac.bytes[i];
        sum->bytes[i] = (uint8_t)carry;
        carry >>= 8;
    }
    return OK;
}

enum status state_sum_remove(const struct record_keys *keys, const struct state_row *row, struct state_sum *sum)
{
    struct state_sum mac;
    TRY(row_mac(keys, row, &mac));
    unsigned borrow = 0;
    for (size_t i = 0; i < sizeof(sum->bytes); i++) {
        const unsigned difference = 0x100u + sum->bytes[i] - mac.bytes[i] - borrow;
        sum->bytes[i] = (uint8_t)difference;
        borrow = difference < 0x100 ? 1 : 0;
    }
    return OK;
}
