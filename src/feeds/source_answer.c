/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/source_answer.h"

#include "base/clock.h"
#include "base/encoding.h"

#include <stdio.h>

/* A chain's header when every byte is escaped. */
enum { CHAIN_HEADER_MAX_BYTES = HTTP_CLIENT_HEADER_MAX_BYTES, SHORT_HEADER_MAX_BYTES = 64 };

enum http_status {
    HTTP_OK = 200,
    HTTP_UNAUTHORIZED = 401,
    HTTP_FORBIDDEN = 403,
    HTTP_NOT_FOUND = 404,
    HTTP_GONE = 410,
    HTTP_TOO_MANY = 429,
    HTTP_UNAVAILABLE = 503,
};

/* By the service's own clock, if it says what that shows. */
static int64_t date_of(const struct http_answer *answer)
{
    CLEANUP(buffer_done) struct buffer date = buffer_of_maximum(SHORT_HEADER_MAX_BYTES);
    int64_t time_s;
    if (http_answer_header(answer, "Date", &date) != OK || time_parse_http(buffer_slice(&date), &time_s) != OK)
        return INT64_MAX;
    return time_s;
}

static void read_hint(const struct http_answer *answer, struct pacing_hint *hint)
{
    CLEANUP(buffer_done) struct buffer after = buffer_of_maximum(SHORT_HEADER_MAX_BYTES);
    hint->is_limited = answer->status == HTTP_TOO_MANY || answer->status == HTTP_UNAVAILABLE;
    if (http_answer_header(answer, "Retry-After", &after) != OK) return;
    (void)!pacing_retry_after(buffer_slice(&after), date_of(answer), &hint->retry_after_s);
}

static enum status refuse_status(const char *path, unsigned status, struct refusal *why)
{
    static const char expected[] = "200 from the collateral service";
    if (status == HTTP_NOT_FOUND) return refuse(why, ERR_NOT_FOUND, path, expected, "%u", status);
    (void)!refuse(why, ERR_HTTP_STATUS, path, expected, "%u%s", status, status == HTTP_GONE ? " Gone" : "");
    switch (status) {
    case HTTP_UNAUTHORIZED:
    case HTTP_FORBIDDEN: return refuse_fix(why, ERR_HTTP_STATUS, "give the key of your subscription to the service");
    case HTTP_GONE:
        return refuse_fix(why, ERR_HTTP_STATUS, "this evaluation number is no longer served: ask for a newer one");
    case HTTP_TOO_MANY:
        return refuse_fix(why, ERR_HTTP_STATUS, "the service had too many calls: it is asked again later");
    default: return ERR_HTTP_STATUS;
    }
}

enum status source_get(struct http_client *client, const char *path, const char *const *headers, size_t max_answer,
                       struct refusal *why, struct pacing_hint *hint, struct http_answer *answer_out)
{
    const struct http_exchange exchange = {.method = "GET", .path = path, .headers = headers, .max_answer = max_answer};
    TRY(http_client_exchange(client, &exchange, why, answer_out));
    if (answer_out->status == HTTP_OK) return OK;
    read_hint(answer_out, hint);
    return refuse_status(path, answer_out->status, why);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

enum status collateral_chain_decode(struct slice header, struct buffer *pem)
{
    for (size_t i = 0; i < header.size; i++) {
        if (header.bytes[i] != '%') {
            TRY(buffer_append_u8(pem, header.bytes[i]));
            continue;
        }
        const int high = i + 2 < header.size ? hex_digit(header.bytes[i + 1]) : -1;
        const int low = i + 2 < header.size ? hex_digit(header.bytes[i + 2]) : -1;
        if (high < 0 || low < 0) return ERR_HTTP_MALFORMED;
        TRY(buffer_append_u8(pem, (uint8_t)(high << 4 | low)));
        i += 2;
    }
    return OK;
}

enum status source_chain(const struct http_answer *answer, const char *header, struct refusal *why, struct buffer *pem)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(CHAIN_HEADER_MAX_BYTES);
    if (http_answer_header(answer, header, &value) == OK && collateral_chain_decode(buffer_slice(&value), pem) == OK)
        return OK;
    return refuse(why, ERR_HTTP_MALFORMED, header, "an issuer chain, percent-encoded", "none");
}

static struct slice trim(struct slice text)
{
    while (text.size > 0 && (text.bytes[text.size - 1] == '\n' || text.bytes[text.size - 1] == '\r')) text.size--;
    return text;
}

static bool is_hexadecimal(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (hex_digit(text.bytes[i]) < 0) return false;
    }
    return text.size > 0;
}

enum status collateral_crl_decode(struct slice body, struct buffer *crl)
{
    const struct slice text = trim(body);
    return is_hexadecimal(text) ? hex_decode(text, crl) : buffer_append(crl, body);
}
