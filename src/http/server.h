/* SPDX-License-Identifier: Apache-2.0
 *
 * A strict HTTP/1.1 server on the inner end of a tunnel, over libmicrohttpd. Requests are read in full (bounded), then
 * handled on a pool of worker threads, where a handler may block.
 *
 * Before a handler sees a request: a content-length together with a transfer-encoding, bad percent escapes, encoded
 * slashes, dot segments, fields that are no tokens are 400; unknown paths 404; other methods 405 with `allow`; a
 * missing length 411; bodies over the route's bound 413; another content type than the route's 415; over-long targets
 * and heads 414 and 431: all as problem documents. HEAD is answered by the GET route, OPTIONS by the server. What
 * libmicrohttpd cannot read as HTTP at all (no request line, a field without a colon, a head of more than 32 KiB) it
 * refuses with the same codes in its own words, and closes the connection. Every answer has `x-content-type-options:
 * nosniff` and, unless the handler sets it, `cache-control: no-store`.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "channel/tunnel.h"
#include "http/rate_limit.h"

enum {
    HTTP_PATH_MAX_BYTES = 1024,
    HTTP_QUERY_MAX_BYTES = 2048,
    HTTP_HEADER_MAX_BYTES = 16 * 1024,
    HTTP_HEADER_MAX_COUNT = 64,
    HTTP_DEFAULT_WORKERS = 4,
    HTTP_DEFAULT_CONNECTIONS = 2048, /* half of a tunnel listener's, so that who is dropped is this server's choice */
    HTTP_DEFAULT_QUEUE = 1024,
    HTTP_HOLD_MS = 1000, /* the first time; twice as long each further time */
    HTTP_HOLD_MAX_MS = 32 * HTTP_HOLD_MS,
    HTTP_REFUSED_BODY_MAX_BYTES =
        64 * 1024, /* of a request over its client's limit: a longer one ends the connection */
    HTTP_ORIGIN_MAX_COUNT = 8,
    HTTP_ORIGIN_MAX_BYTES = 255,
    HTTP_DRAIN_IDLE_MS = 500,
    HTTP_IDLE_TIMEOUT_S = 60,
    HTTP_HEAD_TIMEOUT_S = 10,
    HTTP_BODY_TIMEOUT_S = 20,
    HTTP_BODY_MIN_BYTES_PER_S = 4096,
    HTTP_BODIES_MAX_BYTES = 512 * 1024 * 1024,  /* of all requests that one server reads or handles */
    HTTP_ANSWERS_MAX_BYTES = 512 * 1024 * 1024, /* of all answers that peers have not taken yet, but for the last */
};

/* What a peer may take of time and room; each 0: the default above. A connection that is late is closed without an
 * answer. When all places are taken, or all bytes of bodies or answers, the oldest of those gives way that wait for the
 * peer: idle ones first, then requests that are still being read, then answers that are not taken. Requests that are
 * being handled are never dropped; only if all places are theirs, or all bytes, is a newcomer turned away (a body
 * with 503).
 *
 * Requests wait for a worker in a fair queue (http/fair_queue.h): when it is full, 429 for the client who has most in
 * it. With a rate limit (http/rate_limit.h), a client over its own gets 429 before its request is looked at; whoever
 * asks on all the same, on a connection that was told so, is not read from for HTTP_HOLD_MS; then this one request is
 * looked at, and the next that comes as soon again waits twice as long, up to HTTP_HOLD_MAX_MS, until the connection
 * has been silent for so long itself. Its new connections wait before their handshake (http_server_pace). */
struct http_limits {
    size_t connections;
    int idle_ms; /* from the connection's begin, or its last answer, to the end of the next request line */
    int head_ms; /* from there to the end of the head */
    int body_ms; /* from there to the end of the body; HTTP_BODY_MIN_BYTES_PER_S of it give a second more */
};

struct http_request {
    const char *method; /* "GET" */
    const char *path;   /* percent-decoded, without query; begins with '/' */
    struct slice body;
    struct client_address client;   /* where it comes from */
    const struct tunnel_peer *peer; /* NULL on ordinary TLS */
    const void *internal;
};

/* The header's value, or NULL. Names compare without case. The query parameter's decoded value, or NULL. */
const char *http_request_header(const struct http_request *request, const char *name);
const char *http_request_query(const struct http_request *request, const char *name);

struct http_response;
void http_respond(struct http_response *response, unsigned status, const char *content_type, struct slice body);
void http_respond_header(struct http_response *response, const char *name, const char *value);
/* The largest body that a response may have. */
enum { HTTP_RESPONSE_MAX_BYTES = 96 * 1024 * 1024 };

/* RFC 9457 problem document: {"type","title","status","detail"?,"field"?,"seen"?,"expected"?,"fix"?} from a refusal.
 * `type` NULL gives "about:blank". */
void http_respond_problem(struct http_response *response, unsigned status, const char *type, const struct refusal *why);

struct http_route {
    const char *method;
    const char
        *pattern; /* "/v2/models/{model}/infer": a segment in braces matches any one segment; "*" at the end the rest */
    size_t max_body; /* larger bodies get 413 before they are read */
    void (*handle)(void *context, const struct http_request *request, struct http_response *response);
    const char *content_type; /* if not NULL: a body of another type gets 415; parameters are passed over */
};
/* The segment that matched `name` in the route's pattern ("*": the rest); NULL if the pattern has none. */
const char *http_request_segment(const struct http_request *request, const char *name);

struct http_server_options {
    struct tunnel *tunnel; /* on whose thread the server reads and writes: that of its listener, which costs least;
                              NULL: on a thread of its own */
    unsigned parts; /* of how many servers that share one address this is one: it takes that part of the places, of the
                       queue and of the bytes; 0: 1 */
    const struct http_route *routes; /* borrowed for the server's life, as all texts here */
    size_t route_count;
    void *context;                                      /* for handlers */
    unsigned workers;                                   /* 0: HTTP_DEFAULT_WORKERS */
    bool case_insensitive_paths;                        /* as Azure Attestation routes */
    const char *allowed_origins[HTTP_ORIGIN_MAX_COUNT]; /* CORS: exact origins, NULL after the last one; none: no CORS
                                                           headers */
    const char *server_header;                          /* NULL: none */
    struct http_limits limits;
    struct rate_limit rate_limit;      /* of each client; zeros: none */
    struct rate_limiter *rate_limiter; /* instead: one that is shared with other servers, and borrowed; or NULL */
    size_t queue;                      /* of requests that wait for a worker; 0: HTTP_DEFAULT_QUEUE */
    const char *retry_after_header;    /* beside retry-after, in milliseconds; NULL: none */
    /* Answers what reaches no handler (unknown path or method, a malformed head, too large a body, too many requests)
     * in the service's own form, on any thread; `why` may be NULL, and of `request` only its headers can be asked for.
     * NULL: problem documents. */
    void (*respond_refusal)(void *context, const struct http_request *request, struct http_response *response,
                            unsigned status, const struct refusal *why);
};
struct http_server;
enum status http_server_new(const struct http_server_options *options, struct http_server **server_out);
/* Finishes what is being handled and closes every connection. Free the tunnel's listener first (tunnel_listener_free),
 * and the tunnel after it. */
void http_server_free(struct http_server *server);

/* Pass this as tunnel_on_connection with the server as context: of `tunnel`'s listeners, if the options named one.
 * `client` NULL: not known. */
void http_server_on_connection(void *server, int inner_socket, const struct client_address *client,
                               const struct tunnel_peer *peer);

/* And this as tunnel_pace, if there is a rate limit. */
int64_t http_server_pace(void *server, const struct client_address *client);

/* For requests from now on; of all who share the limiter. Origins as http_server_options.allowed_origins; longer ones
 * than HTTP_ORIGIN_MAX_BYTES are ERR_TOO_LARGE, and nothing changes. */
void http_server_set_rate_limit(struct http_server *server, const struct rate_limit *limit);
enum status http_server_set_origins(struct http_server *server, const char *const origins[HTTP_ORIGIN_MAX_COUNT]);

/* Before a stop, once no new connections come: every answer from now on says that its connection closes, idle
 * connections are closed once they have been quiet for HTTP_DRAIN_IDLE_MS (a request may be on its way), and the call
 * returns when none is left, or after `patience_ms`. */
void http_server_drain(struct http_server *server, int64_t patience_ms);
/* Only begins it: for servers that share one address, all of which are to know before one is waited for. */
void http_server_begin_drain(struct http_server *server);

/* Serves plain HTTP on `address` ("host:port", port 0 picks a free one) as well: for loopback and private use, where
 * what is served is signed by itself (the software TEE's collateral). Once per server. ERR_CONFIG, ERR_IO. */
enum status http_server_listen_plain(struct http_server *server, const char *address, struct refusal *why,
                                     uint16_t *port_out);

/* Requests answered, by class of status (index 1..5: 1xx..5xx), for metrics. */
void http_server_counts(const struct http_server *server, uint64_t counts_out[static 6]);
