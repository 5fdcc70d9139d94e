/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tunnel's files share.
 *
 *     tunnel_loop.c        the thread, tasks posted to it, the tick
 *     tunnel_tls.c         TLS settings: identities, ordinary clients, what a failed handshake means
 *     tunnel_endpoint.c    identity and rule that can be exchanged while in use
 *     tunnel_peer.c        the peer check
 *     tunnel_connection.c  one connection: made, opened, closed, its inner end
 *     tunnel_handshake.c   how it comes to be open
 *     tunnel_pump.c        its bytes in both directions
 *     tunnel_listener.c    servers
 *     tunnel_client.c      clients that wait: connect, probe
 *     tunnel_dialer.c      clients for libraries that dial a Unix socket
 *     tunnel_guest.c       loops of others on this thread
 *
 * Everything but tasks and endpoints belongs to the loop's thread alone.
 */
#pragma once

#include "channel/address.h"
#include "channel/tunnel.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    TUNNEL_TICK_MS = 500,
    TUNNEL_LINGER_MS = 2000, /* how long bytes of a peer are read and thrown away after the inner end is gone */
    TUNNEL_ACCEPTS_PER_TURN = 16,
    TUNNEL_CHUNKS_PER_TURN = 4, /* of a record, 16 KiB, each: so long others wait for one */
};

/* ---- loop ---- */

struct task {
    void (*run)(struct task *task);
    struct task *next;
};

struct tunnel {
    const struct clock *clock;
    struct tunnel_limits limits; /* none is 0 */
    struct event_base *base;
    struct event *tick, *woken;
    int wake; /* eventfd */
    pthread_t thread;
    bool has_thread;
    int processor;      /* that the thread keeps to, or ANY_PROCESSOR */
    SSL_CTX *anonymous; /* attested clients that have no identity (yet) */

    pthread_mutex_t lock;
    pthread_cond_t task_done;
    struct task *first_task, *last_task;

    struct connection *connections;
    size_t dialled_count;
    struct tunnel_listener *listeners;
    uint8_t *scratch; /* TUNNEL_WATERMARK_BYTES; holds nothing between two calls */
};

/* Runs `task` on the loop's thread, after those posted before it. The task's memory must live until it ran. */
void loop_post(struct tunnel *tunnel, struct task *task);
/* The same, and waits for its end. Must not be called on the loop's thread. */
void loop_call(struct tunnel *tunnel, struct task *task);

/* ---- identities, rules ---- */

struct tunnel_identity {
    SSL_CTX *context;
    bool is_attested;
    _Atomic size_t owners;
};

struct peer_rule {
    struct relying_party_rules *rules; /* owned copy; NULL: ordinary TLS */
    struct role_rule *roles;           /* owned copies */
    size_t role_count;
    char pinned_key[THUMBPRINT_TEXT_BYTES + 1];
    _Atomic size_t owners;
};
void peer_rule_release(struct peer_rule *rule);

/* What an endpoint held at one moment; each may be NULL. */
struct endpoint_view {
    struct tunnel_identity *identity;
    struct peer_rule *rule;
};
struct endpoint_view endpoint_view(struct tunnel_endpoint *endpoint);
void endpoint_view_done(struct endpoint_view *view);

/* The peer check: certificate, token, role, pin. Appends the token that was shown to `token`. */
enum status peer_check(const struct peer_rule *rule, struct slice certificate, int64_t now_s, struct refusal *why,
                       struct buffer *token, struct tunnel_peer *peer_out);

/* ---- TLS ---- */

enum status tls_anonymous_context(SSL_CTX **context_out);
/* An ordinary client's: anchors from `ca_pem`, or the system's if that is empty. */
enum status tls_client_context(struct slice ca_pem, struct refusal *why, SSL_CTX **context_out);
/* The name, or address, that an ordinary server's certificate must have, and the time for its dates. */
enum status tls_expect_server(SSL *tls, const char *server_name, int64_t now_s);
/* What a failed handshake means, from the library's error queue. `asks_acceptance`: this side is an attested client, so
 * an alert about its certificate is the server's refusal. */
enum status tls_failure(const SSL *tls, bool asks_acceptance, struct refusal *why);

/* ---- connections ---- */

struct connection;

/* A listener's connections, by what they are worth, each queue by how long ago something happened. */
struct connection_queue {
    struct connection *oldest, *newest;
    size_t count;
};
struct connection_queues {
    struct connection_queue handshake, open, lingering;
};

/* Who a connection belongs to, and what happens to it. Called on the loop's thread; exactly one of `opened` and
 * `failed` is called, `closed` exactly once and last. */
struct connection_owner {
    /* A paced newcomer's first byte is there: how long it has to wait, as a tunnel_pace says. */
    int64_t (*heard)(void *context, const struct client_address *client);
    /* Handshake and check passed; `peer` is NULL for ordinary TLS. Calls connection_open, connection_dial_inner or
     * connection_close. */
    void (*opened)(void *context, struct connection *connection, const struct tunnel_peer *peer);
    void (*failed)(void *context, enum status status, const struct refusal *why, struct slice token);
    void (*closed)(void *context, bool was_opened);
};

/* What a handshake needs, freed when it is over. */
struct handshake {
    struct endpoint_view view;
    struct address_list addresses; /* those not tried yet begin at `next_address` */
    size_t next_address;
    struct event *timer; /* of the handshake, or of the wait for it */
    struct refusal why;  /* of the peer check */
    struct buffer token; /* that the peer showed */
    struct tunnel_peer peer;
    bool is_peer_known;
    bool is_accepted; /* a server's KeyUpdate came: it accepted this side */
};

enum connection_state {
    CONNECTION_SILENT, /* nothing came yet, and its owner wants to know when */
    CONNECTION_PACED,  /* its handshake may not begin yet */
    CONNECTION_DIALLING,
    CONNECTION_HANDSHAKE,
    CONNECTION_ACCEPTANCE, /* a client waits for the server's word that it accepted this side */
    CONNECTION_INNER,      /* the inner end is dialled */
    CONNECTION_OPEN,
};

/* Bytes that were read at one end and not taken at the other yet; nothing is read while there are any. */
struct flow {
    uint8_t *bytes;
    size_t offset, size;
    bool source_ended, sink_ended;
};

struct connection {
    struct tunnel *tunnel;
    struct connection *next, **place;
    struct connection_queues *queues; /* of its listener; NULL: dialled */
    struct connection_queue *queue;   /* that it stands in, or NULL */
    struct connection *older, *newer; /* in the queue */
    const struct connection_owner *owner;
    void *context;
    enum connection_state state;
    bool is_server, is_attested;
    bool is_opened, is_reported; /* `opened` was called; one of `opened` and `failed` was */
    bool is_broken;              /* TLS failed: nothing more can be said */
    bool is_inner_gone;          /* nobody reads there any more: what the peer still sends is thrown away */
    bool read_wants_write, write_wants_read;
    SSL *tls;
    int outer, inner;
    struct client_address client;
    struct event outer_read, outer_write, inner_read, inner_write;
    struct flow inbound, outbound; /* outer to inner, inner to outer */
    int64_t active_ms, linger_until_ms;
    int64_t stalled_ms;    /* since when something waits for the peer; 0: nothing does */
    size_t taken;          /* bytes that the peer took since then */
    int64_t valid_until_s; /* 0: no end */
    struct handshake *handshake;
};

/* A newcomer at a listener. */
struct connection_arrival {
    int outer;
    struct client_address client;
    struct tunnel_endpoint *endpoint;
    struct connection_queues *queues;
    bool is_paced; /* its owner is asked (`heard`) before its handshake */
};
/* A server's connection on an accepted socket, which is taken over in any case. */
enum status connection_accept(struct tunnel *tunnel, const struct connection_arrival *arrival,
                              const struct connection_owner *owner, void *context);
/* After what the pace asked for. */
void connection_begin(struct connection *connection);

struct connection_dial {
    const struct address_list *addresses;
    struct tunnel_endpoint *endpoint; /* attested, or NULL: then */
    SSL_CTX *ordinary;
    const char *server_name;
    int timeout_ms;
};
/* A client's connection. If the call itself fails the owner hears nothing of it. ERR_BUSY at the limit. */
enum status connection_dial(struct tunnel *tunnel, const struct connection_dial *dial,
                            const struct connection_owner *owner, void *context);

/* The token that the peer showed; borrowed, and only there until the connection carries bytes. */
struct slice connection_token(const struct connection *connection);
/* Begins to carry bytes between the outer end and `inner`, which is taken over. */
void connection_open(struct connection *connection, int inner);
/* Dials a plain inner end first. */
void connection_dial_inner(struct connection *connection, const struct address_list *addresses);
/* Says goodbye where that is possible, reports and frees. */
void connection_close(struct connection *connection);
/* Closes what is over: idle, stalled, lingered, or past the peer's token. */
void connection_tick(struct connection *connection, int64_t now_ms, int64_t now_s);

/* Moves to the end of a queue of its listener. */
void connection_queue_up(struct connection *connection, struct connection_queue *queue);
/* Bytes went through. */
void connection_active(struct connection *connection);

/* Between the two files of connections. `queues` NULL: dialled. */
enum status connection_new(struct tunnel *tunnel, struct connection_queues *queues,
                           const struct connection_owner *owner, void *context, int timeout_ms,
                           struct connection **connection_out);
void connection_free(struct connection *connection); /* without reports */
/* Reports and closes a connection that was not opened. */
void connection_fail(struct connection *connection, enum status status, const struct refusal *why);
/* Carries bytes in the given directions, then waits or closes. */
void connection_carry(struct connection *connection, bool inbound, bool outbound);
/* The next address that takes a connection, at least for now; -1 if none is left, errno says why. */
int handshake_dial_next(struct handshake *handshake);
int socket_error(int descriptor);

void event_want(struct event *event, bool wanted);
void set_nonblocking(int descriptor);
void set_no_delay(int descriptor);
void close_descriptor(int *descriptor);

/* Bytes (tunnel_pump.c). False if the connection is over and must be closed. */
bool pump_inbound(struct connection *connection);
bool pump_outbound(struct connection *connection);
void pump_set_interest(struct connection *connection);
void flow_done(struct flow *flow);

/* Closes every listener that is left: after the loop's end. */
void listener_free_all(struct tunnel *tunnel);
