/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/simulation/state.h"

static const struct slice state_tag = {.bytes = (const uint8_t *)"lazaret-softtee", .size = 15};

enum status simulation_state_begin(enum simulation_state_kind kind, struct buffer *state)
{
    TRY(buffer_append(state, state_tag));
    TRY(buffer_append_u16(state, SIMULATION_STATE_VERSION));
    return buffer_append_u8(state, (uint8_t)kind);
}

enum status simulation_state_add(struct buffer *state, struct slice field)
{
    if (field.size > UINT16_MAX) return ERR_TOO_LARGE;
    TRY(buffer_append_u16(state, (uint16_t)field.size));
    return buffer_append(state, field);
}

static enum status read_header(struct reader *reader, enum simulation_state_kind kind, struct refusal *why)
{
    struct slice tag;
    uint16_t version;
    uint8_t seen_kind;
    if (reader_slice(reader, state_tag.size, &tag) != OK || !slice_equal(tag, state_tag))
        return refuse(why, ERR_FIELD_VALUE, "state", "a state file of lazaret-softtee", "another file");
    TRY(reader_u16(reader, &version));
    TRY(reader_u8(reader, &seen_kind));
    if (version != SIMULATION_STATE_VERSION) return refuse(why, ERR_UNSUPPORTED, "state.version", "1", "%u", version);
    if (seen_kind != (uint8_t)kind) {
        const char *const expected = kind == SIMULATION_STATE_AUTHORITY ? "the authority's state" : "a machine's state";
        return refuse(why, ERR_FIELD_VALUE, "state.kind", expected, "kind %u", seen_kind);
    }
    return OK;
}

enum status simulation_state_read(struct slice state, enum simulation_state_kind kind, size_t count,
                                  struct refusal *why, struct slice *fields_out)
{
    struct reader reader = reader_over(state);
    TRY(read_header(&reader, kind, why));
    for (size_t i = 0; i < count; i++) {
        uint16_t size;
        if (reader_u16(&reader, &size) != OK || reader_slice(&reader, size, &fields_out[i]) != OK)
            return refuse(why, ERR_TRUNCATED, "state", "a whole state file", "%zu bytes", state.size);
    }
    if (reader_end(&reader) != OK)
        return refuse(why, ERR_TRAILING_BYTES, "state", "nothing behind the last field", "%zu bytes",
                      reader_left(&reader));
    return OK;
}
