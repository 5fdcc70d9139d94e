/* SPDX-License-Identifier: Apache-2.0 */
#include "requests.h"

#include "base/encoding.h"
#include "tee/tee.h"

#include <stdio.h>
#include <stdlib.h>

enum { SIZE_DIGITS = 8, BODY_MAX_BYTES = 128 * 1024 };

static void stop(const char *what)
{
    (void)fprintf(stderr, "attest-load: %s\n", what);
    exit(1);
}

static char *read_whole(const char *path, size_t *size_out)
{
    FILE *const file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) stop("the requests cannot be read");
    const long size = ftell(file);
    char *const bytes = size > 0 ? malloc((size_t)size + 1) : NULL;
    rewind(file);
    if (bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size) stop("the requests cannot be read");
    (void)fclose(file);
    bytes[size] = '\0';
    *size_out = (size_t)size;
    return bytes;
}

struct requests requests_read(const char *path)
{
    size_t size = 0;
    const char *const bytes = read_whole(path, &size);
    struct requests requests = {};
    for (size_t at = 0; at + SIZE_DIGITS + 1 < size;) {
        const size_t length = strtoul(bytes + at, NULL, 10);
        at += SIZE_DIGITS + 1;
        if (length == 0 || length > size - at) stop("the requests are cut");
        requests.items = realloc(requests.items, (requests.count + 1) * sizeof(*requests.items));
        if (requests.items == NULL) stop("no memory");
        requests.items[requests.count++] = (struct request){.bytes = bytes + at, .size = length};
        at += length;
    }
    if (requests.count == 0) stop("there are no requests");
    return requests;
}

/* As large as that of a program with three keys. */
static enum status write_runtime_data(size_t number, struct buffer *text)
{
    TRY(buffer_append_format(text, "{\"number\":%zu,\"keys\":[", number));
    for (int i = 0; i < 3; i++)
        TRY(buffer_append_format(
            text, "%s{\"crv\":\"P-256\",\"kty\":\"EC\",\"use\":\"sig\",\"x\":\"%043zu\",\"y\":\"%043d\"}",
            i > 0 ? "," : "", number, i));
    return buffer_append_text(text, "]}");
}

static enum status write_body(struct tee *tee, size_t number, struct buffer *body)
{
    CLEANUP(buffer_done) struct buffer data = buffer_of_maximum(BODY_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(TEE_EVIDENCE_MAX_BYTES);
    TRY(write_runtime_data(number, &data));
    TRY(tee_quote_data(tee, buffer_slice(&data), &quote));
    TRY(buffer_append_text(body, "{\"quote\":\""));
    TRY(base64url_encode(buffer_slice(&quote), body));
    TRY(buffer_append_text(body, "\",\"runtimeData\":{\"data\":\""));
    TRY(base64url_encode(buffer_slice(&data), body));
    return buffer_append_text(body, "\",\"dataType\":\"JSON\"}}");
}

static enum status write_request(struct tee *tee, size_t number, const char *host, FILE *file)
{
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(BODY_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer request = buffer_of_maximum(BODY_MAX_BYTES);
    TRY(write_body(tee, number, &body));
    TRY(buffer_append_format(&request,
                             "POST /attest/SgxEnclave?api-version=2022-08-01 HTTP/1.1\r\nHost: %s\r\n"
                             "Accept: application/json\r\nContent-Type: application/json\r\n"
                             "Content-Length: %zu\r\n\r\n",
                             host, body.size));
    TRY(buffer_append(&request, buffer_slice(&body)));
    const bool is_written = fprintf(file, "%0*zu\n", SIZE_DIGITS, request.size) == SIZE_DIGITS + 1 &&
                            fwrite(request.bytes, 1, request.size, file) == request.size;
    return is_written ? OK : ERR_IO;
}

int requests_make(const char *path, size_t count, const char *host)
{
    struct tee *tee = NULL;
    struct refusal why = {};
    if (tee_open(&why, &tee) != OK) stop("requests are made inside the software TEE");
    FILE *const file = fopen(path, "wb");
    if (file == NULL) stop("the requests cannot be written");
    for (size_t i = 0; i < count; i++) {
        if (write_request(tee, i, host, file) != OK) stop("a request cannot be made");
    }
    if (fclose(file) != 0) stop("the requests cannot be written");
    tee_free(tee);
    return 0;
}
