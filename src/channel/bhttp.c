/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/bhttp.h"

#include "base/reader.h"

enum { FRAMING_REQUEST = 0, FRAMING_RESPONSE = 1, STATUS_FIRST = 200, STATUS_LAST = 599 };

/* ---- characters ---- */

static bool is_letter_or_digit(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* RFC 9110 section 5.6.2. */
static bool is_token_character(uint8_t c)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (const char *mark = marks; *mark != '\0'; mark++) {
        if (c == (uint8_t)*mark) return true;
    }
    return is_letter_or_digit(c);
}

static bool is_visible(uint8_t c)
{
    return c > ' ' && c < 0x7f;
}

static bool all_are(struct slice text, bool (*is_allowed)(uint8_t))
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is_allowed(text.bytes[i])) return false;
    }
    return true;
}

static bool is_name_character(uint8_t c)
{
    return is_token_character(c) && !(c >= 'A' && c <= 'Z');
}

static bool is_value_character(uint8_t c)
{
    return is_visible(c) || c == ' ' || c == '\t';
}

/* Fields about one connection have no meaning inside a message that crosses several. */
static bool is_about_the_connection(struct slice name)
{
    static const char *const names[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (slice_equal_text(name, names[i])) return true;
    }
    return false;
}

/* Refusals tell sizes only: what stands in a message may be a patient's. */
static enum status check_field(const struct bhttp_field *field, struct refusal *why)
{
    const struct slice name = field->name, value = field->value;
    if (name.size > BHTTP_FIELD_NAME_MAX_BYTES || value.size > BHTTP_FIELD_VALUE_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "field", "a name of at most 64 bytes, a value of at most 8192",
                      "%zu and %zu bytes", name.size, value.size);
    if (name.size == 0 || !all_are(name, is_name_character))
        return refuse(why, ERR_BHTTP, "field name", "lower-case token characters", "others in %zu bytes", name.size);
    if (is_about_the_connection(name))
        return refuse(why, ERR_BHTTP, "field name", "no field about a connection", "one");
    if (!all_are(value, is_value_character))
        return refuse(why, ERR_BHTTP, "field value", "visible ASCII, spaces and tabs", "others in %zu bytes",
                      value.size);
    if (value.size > 0 && (!is_visible(value.bytes[0]) || !is_visible(value.bytes[value.size - 1])))
        return refuse(why, ERR_BHTTP, "field value", "no space at its ends", "space");
    return OK;
}

static bool is_method(struct slice text)
{
    return text.size > 0 && all_are(text, is_token_character);
}

static bool is_scheme(struct slice text)
{
    return text.size > 0 && all_are(text, is_letter_or_digit);
}

static bool is_authority(struct slice text)
{
    return all_are(text, is_visible);
}

static bool is_path(struct slice text)
{
    return text.size > 0 && text.bytes[0] == '/' && all_are(text, is_visible);
}

static const struct {
    const char *name, *expected;
    bool (*is_valid)(struct slice text);
} controls[] = {
    {"method", "token characters", is_method},
    {"scheme", "letters and digits", is_scheme},
    {"authority", "visible ASCII", is_authority},
    {"path", "visible ASCII that begins with a slash", is_path},
};
enum { CONTROL_COUNT = sizeof(controls) / sizeof(controls[0]) };

static enum status check_control(size_t which, struct slice text, struct refusal *why)
{
    if (text.size > BHTTP_CONTROL_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, controls[which].name, "at most 2048 bytes", "%zu", text.size);
    if (controls[which].is_valid(text)) return OK;
    return refuse(why, ERR_BHTTP, controls[which].name, controls[which].expected, "others in %zu bytes", text.size);
}

/* ---- reading ---- */

/* QUIC's variable-length integer, RFC 9000 section 16: the first two bits give the length. */
static enum status read_number(struct reader *reader, uint64_t *number_out)
{
    struct reader ahead = *reader;
    uint8_t byte;
    TRY(reader_u8(&ahead, &byte));
    uint64_t number = byte & 0x3f;
    for (size_t left = ((size_t)1 << (byte >> 6)) - 1; left > 0; left--) {
        TRY(reader_u8(&ahead, &byte));
        number = number << 8 | byte;
    }
    *reader = ahead;
    *number_out = number;
    return OK;
}

static enum status read_run(struct reader *reader, struct slice *run_out)
{
    struct reader ahead = *reader;
    uint64_t size;
    TRY(read_number(&ahead, &size));
    if (size > reader_left(&ahead)) return ERR_TRUNCATED;
    TRY(reader_slice(&ahead, (size_t)size, run_out));
    *reader = ahead;
    return OK;
}

/* This section and those behind it may be left out where they are empty to the end (section 3.8). */
static enum status read_fields(struct reader *reader, struct refusal *why, struct bhttp_field *fields,
                               size_t *count_out)
{
    struct slice section = {};
    if (reader_left(reader) > 0) TRY(read_run(reader, &section));
    struct reader lines = reader_over(section);
    size_t count = 0;
    while (reader_left(&lines) > 0) {
        if (count == BHTTP_FIELD_MAX_COUNT) return refuse(why, ERR_TOO_LARGE, "fields", "at most 32", "more");
        TRY(read_run(&lines, &fields[count].name));
        TRY(read_run(&lines, &fields[count].value));
        TRY(check_field(&fields[count], why));
        count++;
    }
    *count_out = count;
    return OK;
}

/* Content, trailers and padding. */
static enum status read_rest(struct reader *reader, struct refusal *why, struct slice *body_out)
{
    struct slice body = {}, trailers = {};
    if (reader_left(reader) > 0) TRY(read_run(reader, &body));
    if (reader_left(reader) > 0) TRY(read_run(reader, &trailers));
    if (trailers.size > 0) return refuse(why, ERR_BHTTP, "trailers", "none", "%zu bytes", trailers.size);
    if (!slice_is_zero(reader->rest))
        return refuse(why, ERR_BHTTP, "padding", "zero bytes", "others in %zu bytes", reader_left(reader));
    *body_out = body;
    return OK;
}

static enum status read_framing(struct reader *reader, uint64_t wanted, struct refusal *why)
{
    uint64_t framing;
    TRY(read_number(reader, &framing));
    if (framing == wanted) return OK;
    return refuse(why, ERR_BHTTP, "framing indicator",
                  wanted == FRAMING_REQUEST ? "0, a known-length request" : "1, a known-length response", "%llu",
                  (unsigned long long)framing);
}

static enum status truncated(struct refusal *why, enum status status)
{
    if (status != ERR_TRUNCATED) return status;
    return refuse(why, status, "message", "as many bytes as its lengths say", "fewer");
}

static enum status read_request(struct reader *reader, struct refusal *why, struct bhttp_request *request)
{
    struct slice *const texts[CONTROL_COUNT] = {&request->method, &request->scheme, &request->authority,
                                                &request->path};
    TRY(read_framing(reader, FRAMING_REQUEST, why));
    for (size_t i = 0; i < CONTROL_COUNT; i++) {
        TRY(read_run(reader, texts[i]));
        TRY(check_control(i, *texts[i], why));
    }
    TRY(read_fields(reader, why, request->fields, &request->field_count));
    return read_rest(reader, why, &request->body);
}

enum status bhttp_read_request(struct slice message, struct refusal *why, struct bhttp_request *request_out)
{
    struct reader reader = reader_over(message);
    struct bhttp_request request = {};
    TRY(truncated(why, read_request(&reader, why, &request)));
    *request_out = request;
    return OK;
}

static enum status check_status(uint64_t status, struct refusal *why)
{
    if (status >= STATUS_FIRST && status <= STATUS_LAST) return OK;
    return refuse(why, ERR_BHTTP, "status", "200 to 599", "%llu", (unsigned long long)status);
}

static enum status read_response(struct reader *reader, struct refusal *why, struct bhttp_response *response)
{
    uint64_t status;
    TRY(read_framing(reader, FRAMING_RESPONSE, why));
    TRY(read_number(reader, &status));
    TRY(check_status(status, why));
    response->status = (unsigned)status;
    TRY(read_fields(reader, why, response->fields, &response->field_count));
    return read_rest(reader, why, &response->body);
}

enum status bhttp_read_response(struct slice message, struct refusal *why, struct bhttp_response *response_out)
{
    struct reader reader = reader_over(message);
    struct bhttp_response response = {};
    TRY(truncated(why, read_response(&reader, why, &response)));
    *response_out = response;
    return OK;
}

/* ---- writing ---- */

static size_t number_size(uint64_t number)
{
    return number < 1 << 6 ? 1 : number < 1 << 14 ? 2 : number < 1 << 30 ? 4 : 8;
}

static enum status write_number(uint64_t number, struct buffer *message)
{
    switch (number_size(number)) {
    case 1: return buffer_append_u8(message, (uint8_t)number);
    case 2: return buffer_append_u16(message, (uint16_t)(number | 1 << 14));
    case 4: return buffer_append_u32(message, (uint32_t)(number | UINT32_C(2) << 30));
    default: return buffer_append_u64(message, number | UINT64_C(3) << 62);
    }
}

static enum status write_run(struct slice run, struct buffer *message)
{
    TRY(write_number(run.size, message));
    return buffer_append(message, run);
}

static enum status write_fields(const struct bhttp_field *fields, size_t count, struct buffer *message)
{
    if (count > BHTTP_FIELD_MAX_COUNT) return ERR_BHTTP;
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (check_field(&fields[i], NULL) != OK) return ERR_BHTTP;
        size += number_size(fields[i].name.size) + fields[i].name.size;
        size += number_size(fields[i].value.size) + fields[i].value.size;
    }
    TRY(write_number(size, message));
    for (size_t i = 0; i < count; i++) {
        TRY(write_run(fields[i].name, message));
        TRY(write_run(fields[i].value, message));
    }
    return OK;
}

static enum status write_rest(struct slice body, struct buffer *message)
{
    TRY(write_run(body, message));
    return write_number(0, message); /* no trailers */
}

static enum status write_request(const struct bhttp_request *request, struct buffer *message)
{
    const struct slice texts[CONTROL_COUNT] = {request->method, request->scheme, request->authority, request->path};
    TRY(write_number(FRAMING_REQUEST, message));
    for (size_t i = 0; i < CONTROL_COUNT; i++) {
        if (check_control(i, texts[i], NULL) != OK) return ERR_BHTTP;
        TRY(write_run(texts[i], message));
    }
    TRY(write_fields(request->fields, request->field_count, message));
    return write_rest(request->body, message);
}

static enum status write_response(const struct bhttp_response *response, struct buffer *message)
{
    TRY(write_number(FRAMING_RESPONSE, message));
    TRY(check_status(response->status, NULL));
    TRY(write_number(response->status, message));
    TRY(write_fields(response->fields, response->field_count, message));
    return write_rest(response->body, message);
}

enum status bhttp_write_request(const struct bhttp_request *request, struct buffer *message)
{
    const size_t before = message->size;
    const enum status status = write_request(request, message);
    if (status != OK) buffer_truncate(message, before);
    return status;
}

enum status bhttp_write_response(const struct bhttp_response *response, struct buffer *message)
{
    const size_t before = message->size;
    const enum status status = write_response(response, message);
    if (status != OK) buffer_truncate(message, before);
    return status;
}

struct slice bhttp_field(const struct bhttp_field *fields, size_t count, const char *name)
{
    struct slice value = {};
    bool is_found = false;
    for (size_t i = 0; i < count; i++) {
        if (!slice_equal_text(fields[i].name, name)) continue;
        if (is_found) return (struct slice){};
        is_found = true;
        value = fields[i].value;
    }
    return value;
}
