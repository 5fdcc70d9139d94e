/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signing/question.h"

#include "base/reader.h"
#include "crypto/x509.h"
#include "token/runtime_data.h"

#include <string.h>

enum { TIME_MAX_S = 253402300799 }; /* the last second of the year 9999 */

bool signer_may_quote(struct slice data)
{
    return data.size <= RUNTIME_DATA_MAX_BYTES && slice_starts_with(data, SLICE_LITERAL("{\"keys\":["));
}

/* ---- writing ---- */

static enum status put_sized(struct buffer *bytes, struct slice part)
{
    if (part.size > LINK_FRAME_MAX_BYTES) return ERR_TOO_LARGE;
    TRY(buffer_append_u32(bytes, (uint32_t)part.size));
    return buffer_append(bytes, part);
}

static enum status put_token(const struct signer_question *question, struct buffer *bytes)
{
    TRY(buffer_append_u64(bytes, question->generation));
    TRY(buffer_append(bytes, SLICE_ARRAY(question->policy)));
    TRY(put_sized(bytes, question->request));
    return buffer_append(bytes, question->outgoing);
}

static enum status put_result(const struct policy_result_question *question, struct buffer *bytes)
{
    if (question->certificate_count > RESULT_CERTIFICATE_MAX_COUNT) return ERR_TOO_LARGE;
    TRY(buffer_append_u8(bytes, (uint8_t)question->kind));
    TRY(buffer_append(bytes, SLICE_ARRAY(question->token_hash)));
    TRY(buffer_append(bytes, SLICE_ARRAY(question->thumbprint)));
    TRY(put_sized(bytes, question->jws));
    TRY(buffer_append_u8(bytes, (uint8_t)question->certificate_count));
    for (size_t i = 0; i < question->certificate_count; i++) TRY(put_sized(bytes, question->certificates[i]));
    return OK;
}

static bool has_time(enum signer_deed deed)
{
    return deed != SIGNER_USE_KEY && deed != SIGNER_QUOTE;
}

enum status signer_ask_write(const struct signer_ask *ask, struct buffer *bytes)
{
    TRY(buffer_append_u8(bytes, (uint8_t)ask->deed));
    if (has_time(ask->deed)) TRY(buffer_append_u64(bytes, (uint64_t)ask->now_s));
    if (ask->deed == SIGNER_USE_KEY) {
        TRY(put_sized(bytes, ask->certificate));
        return buffer_append(bytes, ask->sealed);
    }
    if (ask->deed == SIGNER_QUOTE) return buffer_append(bytes, ask->data);
    if (ask->deed == SIGNER_TOKEN) return put_token(&ask->token, bytes);
    if (ask->deed == SIGNER_POLICY_RESULT) return put_result(&ask->result, bytes);
    return OK;
}

/* ---- reading ---- */

static enum status get_sized(struct reader *reader, size_t maximum, struct slice *part_out)
{
    uint32_t size;
    TRY(reader_u32(reader, &size));
    if (size > maximum) return ERR_TOO_LARGE;
    return reader_slice(reader, size, part_out);
}

static enum status get_rest(struct reader *reader, size_t maximum, struct slice *part_out)
{
    if (reader_left(reader) > maximum) return ERR_TOO_LARGE;
    return reader_slice(reader, reader_left(reader), part_out);
}

static enum status get_token(struct reader *reader, struct signer_question *question)
{
    TRY(reader_u64(reader, &question->generation));
    TRY(reader_copy(reader, sizeof(question->policy), question->policy));
    TRY(get_sized(reader, LINK_FRAME_MAX_BYTES, &question->request));
    return get_rest(reader, LINK_FRAME_MAX_BYTES, &question->outgoing);
}

/* Each kind has its own parts and no others. */
static bool is_whole(const struct policy_result_question *question)
{
    const enum policy_result_kind kind = question->kind;
    return (question->jws.size > 0) == (kind == RESULT_POLICY) &&
           (question->certificate_count == 0 || kind == RESULT_CERTIFICATES || kind == RESULT_POLICY_UPDATED);
}

static enum status get_result(struct reader *reader, struct signer_ask *ask)
{
    struct policy_result_question *const question = &ask->result;
    uint8_t kind, count;
    TRY(reader_u8(reader, &kind));
    if (kind > RESULT_CERTIFICATE_ABSENT) return ERR_FIELD_VALUE;
    question->kind = (enum policy_result_kind)kind;
    TRY(reader_copy(reader, sizeof(question->token_hash), question->token_hash));
    TRY(reader_copy(reader, sizeof(question->thumbprint), question->thumbprint));
    TRY(get_sized(reader, ATTESTATION_TOKEN_MAX_BYTES, &question->jws));
    TRY(reader_u8(reader, &count));
    if (count > RESULT_CERTIFICATE_MAX_COUNT) return ERR_TOO_LARGE;
    for (size_t i = 0; i < count; i++) TRY(get_sized(reader, CERTIFICATE_MAX_BYTES, &ask->certificates[i]));
    question->certificates = ask->certificates;
    question->certificate_count = count;
    question->now_s = ask->now_s;
    return is_whole(question) ? OK : ERR_FIELD_VALUE;
}

static enum status get_time(struct reader *reader, int64_t *time_s_out)
{
    uint64_t time_s;
    TRY(reader_u64(reader, &time_s));
    if (time_s > TIME_MAX_S) return ERR_FIELD_VALUE;
    *time_s_out = (int64_t)time_s;
    return OK;
}

static enum status get_parts(struct reader *reader, struct signer_ask *ask)
{
    switch (ask->deed) {
    case SIGNER_MAKE_KEY:
    case SIGNER_CHALLENGE: return OK;
    case SIGNER_USE_KEY:
        TRY(get_sized(reader, SIGNING_KEY_MAX_BYTES, &ask->certificate));
        return get_rest(reader, SIGNING_KEY_MAX_BYTES, &ask->sealed);
    case SIGNER_QUOTE: return get_rest(reader, RUNTIME_DATA_MAX_BYTES, &ask->data);
    case SIGNER_TOKEN: return get_token(reader, &ask->token);
    case SIGNER_POLICY_RESULT: return get_result(reader, ask);
    }
    return ERR_UNSUPPORTED;
}

enum status signer_ask_read(struct slice bytes, struct signer_ask *ask_out)
{
    struct reader reader = reader_over(bytes);
    uint8_t deed;
    TRY(reader_u8(&reader, &deed));
    if (deed < SIGNER_MAKE_KEY || deed > SIGNER_QUOTE) return ERR_UNSUPPORTED;
    ask_out->deed = (enum signer_deed)deed;
    ask_out->now_s = 0;
    if (has_time(ask_out->deed)) TRY(get_time(&reader, &ask_out->now_s));
    TRY(get_parts(&reader, ask_out));
    ask_out->token.now_s = ask_out->now_s;
    if (ask_out->deed == SIGNER_QUOTE && !signer_may_quote(ask_out->data)) return ERR_FIELD_VALUE;
    return reader_end(&reader);
}
