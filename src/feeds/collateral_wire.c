/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/collateral_wire.h"

#include "base/reader.h"

enum { TEXT_COUNT = 7 };

static void list(struct collateral_texts *texts, struct slice *list_out[static TEXT_COUNT])
{
    list_out[0] = &texts->tcb_info;
    list_out[1] = &texts->tcb_info_issuer_chain;
    list_out[2] = &texts->qe_identity;
    list_out[3] = &texts->qe_identity_issuer_chain;
    list_out[4] = &texts->pck_crl;
    list_out[5] = &texts->pck_crl_issuer_chain;
    list_out[6] = &texts->root_ca_crl;
}

static enum status write_texts(const struct collateral_texts *texts, struct buffer *bytes)
{
    struct collateral_texts copy = *texts;
    struct slice *all[TEXT_COUNT];
    list(&copy, all);
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        TRY(buffer_append_u32(bytes, (uint32_t)all[i]->size));
        TRY(buffer_append(bytes, *all[i]));
    }
    return OK;
}

enum status collateral_wire_write(const struct collateral_texts *texts, struct refusal *why, struct buffer *bytes)
{
    const size_t before = bytes->size;
    const enum status status = write_texts(texts, bytes);
    if (status != OK) buffer_truncate(bytes, before);
    if (status != ERR_TOO_LARGE) return status;
    return refuse(why, status, "collateral", "texts that fit into one message to another process", "larger ones");
}

static enum status read_texts(struct slice bytes, struct collateral_texts *texts)
{
    struct reader reader = reader_over(bytes);
    struct slice *all[TEXT_COUNT];
    list(texts, all);
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        uint32_t size;
        TRY(reader_u32(&reader, &size));
        TRY(reader_slice(&reader, size, all[i]));
    }
    return reader_end(&reader);
}

enum status collateral_wire_read(struct slice bytes, struct refusal *why, struct collateral_texts *texts_out)
{
    struct collateral_texts texts = {};
    const enum status status = read_texts(bytes, &texts);
    if (status != OK) return refuse(why, status, "collateral", "seven texts with their sizes", "%zu bytes", bytes.size);
    *texts_out = texts;
    return OK;
}
