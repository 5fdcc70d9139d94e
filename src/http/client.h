/* SPDX-License-Identifier: Apache-2.0
 *
 * A small bounded HTTP client over libcurl, always through a tunnel's dialer (all TLS lives there) or, for plain HTTP
 * to a loopback collateral source, directly.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "channel/tunnel.h"

enum { HTTP_CLIENT_TIMEOUT_MS = 10000, HTTP_CLIENT_HEADER_MAX_BYTES = 64 * 1024 };

struct http_client; /* keeps connections alive; one request at a time per client, callers on several threads wait */

/* `dialer` borrowed, or NULL for plain HTTP to `base_url`. `base_url` "https://host:port" (with a dialer only) or
 * "http://host:port", without a path. ERR_CONFIG. */
enum status http_client_new(const char *base_url, struct tunnel_dialer *dialer, struct http_client **client_out);
void http_client_free(struct http_client *client);

struct http_exchange {
    const char *method, *path;  /* path with query, percent-encoded by the caller */
    const char *content_type;   /* of the body; NULL if none */
    const char *const *headers; /* further "Name: value" lines, NULL-terminated; or NULL */
    struct slice body;
    size_t max_answer; /* ERR_TOO_LARGE beyond */
    int timeout_ms;    /* 0: HTTP_CLIENT_TIMEOUT_MS */
};
struct http_answer {
    unsigned status;
    struct buffer body;
    struct buffer headers; /* raw lines of the final answer */
};
void http_answer_done(struct http_answer *answer);

/* OK whenever an HTTP answer arrived, whatever its status: redirects are not followed, and no proxy, cookie or netrc is
 * used. ERR_CONNECT, ERR_TIMEOUT, ERR_PEER_REFUSED, ERR_TLS (as of tunnel_connect), ERR_CLOSED, ERR_TOO_LARGE,
 * ERR_HTTP_MALFORMED. */
enum status http_client_exchange(struct http_client *client, const struct http_exchange *exchange, struct refusal *why,
                                 struct http_answer *answer_out);
/* Ends the exchange that is under way, within a second or so, and every later one at once: ERR_CLOSED. For a program
 * that stops and must not wait for a peer that hangs. NULL is allowed. */
void http_client_interrupt(struct http_client *client);

/* Closes connections that are kept alive, so that the next exchange dials anew and its peer is checked anew. */
void http_client_forget_connections(struct http_client *client);

/* The value of an answer's header, appended; ERR_FIELD_MISSING. */
enum status http_answer_header(const struct http_answer *answer, const char *name, struct buffer *value);
