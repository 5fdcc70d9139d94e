/* SPDX-License-Identifier: Apache-2.0
 *
 * One HTTP exchange with a server on a loopback port, byte by byte, without a client library in between.
 */
#pragma once

#include "testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct plain_answer {
    unsigned status;
    struct buffer bytes; /* head and body */
    const char *head;    /* NUL-terminated at the empty line */
    struct slice body;
};

static inline void plain_answer_done(struct plain_answer *answer)
{
    buffer_done(&answer->bytes);
}

/* `request` is the whole message; it should ask for "Connection: close". */
static inline void plain_exchange(uint16_t port, struct slice request, struct plain_answer *answer_out)
{
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof(address)), 0);
    for (size_t at = 0; at < request.size;) {
        const ssize_t sent = send(client, request.bytes + at, request.size - at, MSG_NOSIGNAL);
        if (sent <= 0) break; /* a server may answer before it has read everything */
        at += (size_t)sent;
    }
    struct plain_answer answer = {.bytes = buffer_of_maximum(4 << 20)};
    uint8_t chunk[4096];
    for (ssize_t got; (got = recv(client, chunk, sizeof(chunk), 0)) > 0;)
        assert_ok(buffer_append(&answer.bytes, slice_of(chunk, (size_t)got)));
    (void)close(client);
    assert_ok(buffer_append_u8(&answer.bytes, 0));
    uint8_t *const end = memmem(answer.bytes.bytes, answer.bytes.size, "\r\n\r\n", 4);
    assert_non_null(end);
    const size_t head = (size_t)(end - answer.bytes.bytes);
    end[0] = '\0';
    answer.head = (const char *)answer.bytes.bytes;
    answer.body = slice_of(end + 4, answer.bytes.size - head - 5);
    assert_int_equal(sscanf(answer.head, "HTTP/1.1 %u", &answer.status), 1);
    *answer_out = answer;
}

/* With further header lines ("Name: value\r\n", or ""). */
static inline void plain_request(uint16_t port, const char *method, const char *target, const char *headers,
                                 struct slice body, struct plain_answer *answer_out)
{
    CLEANUP(buffer_done) struct buffer request = buffer_of_maximum(4 << 20);
    assert_ok(buffer_append_format(&request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method,
                                   target, headers));
    if (body.size > 0) assert_ok(buffer_append_format(&request, "Content-Length: %zu\r\n", body.size));
    assert_ok(buffer_append_text(&request, "\r\n"));
    assert_ok(buffer_append(&request, body));
    plain_exchange(port, buffer_slice(&request), answer_out);
}
