/* SPDX-License-Identifier: Apache-2.0
 *
 * The tunnel: all TLS of Lazaret (architecture section 4). A libevent loop on a thread of its own; TLS (ordinary or
 * attested) on the outer end of each connection, a plain stream (socket pair, Unix socket) on the inner end. Servers
 * put it before their HTTP library, clients behind theirs, and lazaret-gate is this module with a configuration file.
 * Peer verification is written here once; HTTP code asks who is at the other end.
 *
 * TLS 1.3; no tickets, no resumption, no early data. Attested connections are mutual: each side shows a self-signed
 * certificate of its attested TLS key that carries its attestation token (channel/attested_certificate.h). A server
 * that has accepted its client says so with a TLS KeyUpdate, for which the client waits: in TLS 1.3 a client's
 * handshake ends before the server has looked at its certificate, and a refusal would otherwise look like a broken
 * connection.
 *
 * Bytes are read at one end only while the other takes them: at most TUNNEL_WATERMARK_BYTES wait in each direction. The
 * end of a stream is passed on in both directions, each on its own; a connection that ends without TLS's own goodbye is
 * closed at both ends.
 *
 * Nobody is locked out by connections that others hold open. Each listener has a maximum of its own; a newcomer is
 * taken in always, and if there is no room, one of the old goes: first what only lingers, then, while handshakes hold
 * half of all places, the oldest handshake, and otherwise the connection that was quiet longest. So strangers, who
 * never get beyond the handshake of an attested listener, cannot push out those who were let in. What HTTP knows of its
 * connections (who is idle, who is being served) it judges itself (http/server.h), with fewer places.
 *
 * By the client's address only that is counted which a listener's owner asks to be (tunnel_listener_set_pace): behind a
 * load balancer, or a hospital's one outer address, everybody has the same.
 */
#pragma once

#include "base/clock.h"
#include "base/refusal.h"
#include "channel/client_address.h"
#include "crypto/key.h"
#include "token/relying_party.h"

enum {
    TUNNEL_WATERMARK_BYTES = 64 * 1024,
    TUNNEL_DEFAULT_CONNECTIONS = 4096,
    TUNNEL_DIALLED_MAX = 1024, /* connections that this side made: apart, so that no peer can use them up */
    TUNNEL_HANDSHAKE_TIMEOUT_MS = 10000,
    TUNNEL_IDLE_TIMEOUT_MS = 120000,
    TUNNEL_STALL_TIMEOUT_MS = 30000,
    TUNNEL_STALL_MIN_BYTES = 32 * 1024,
    TUNNEL_ADDRESS_MAX_BYTES = 256,
    TUNNEL_BRANCHES_MAX = 63,
    TUNNEL_NEAR_MORE = 4,
    TUNNEL_HELD_MORE = 16,
};

struct tunnel;

/* Each 0: the default above. */
struct tunnel_limits {
    size_t
        connections;  /* of each listener; dialled ones have as many places of their own, at most TUNNEL_DIALLED_MAX */
    int handshake_ms; /* from the first byte of TCP to the end of the peer check */
    int idle_ms;      /* without a byte in either direction */
    int stall_ms; /* in this time a peer takes TUNNEL_STALL_MIN_BYTES of what waits for it, or all of it; and who has
                   * ended its own side gets the next byte of an answer */
};

/* Starts the loop. `clock` is borrowed and must outlive it; `limits` NULL: the defaults. Raises the process's limit of
 * descriptors, within what is allowed, to three for each connection; where that does not suffice, there are fewer
 * places, and the log says so. */
enum status tunnel_new(const struct clock *clock, const struct tunnel_limits *limits, struct tunnel **tunnel_out);
/* Closes everything, also listeners that are left, and joins the thread. Dialers must have been freed, and no other
 * call may be under way. */
void tunnel_free(struct tunnel *tunnel);

/* How many connections each of its listeners may hold: the limit, or as many as there are descriptors for. */
size_t tunnel_connections(const struct tunnel *tunnel);

/* Another loop as a guest on the tunnel's thread: that of a library which waits on one descriptor (its epoll). `run` is
 * called when the descriptor is readable, and twice a second at least; it must not block. True: it has more to do, and
 * is called again when others had their turn. What it works on is safe from on_connection of this tunnel, which is
 * called on the same thread. ERR_NO_MEMORY. */
typedef bool tunnel_guest_run(void *context);
struct tunnel_guest;
enum status tunnel_invite(struct tunnel *tunnel, int descriptor, tunnel_guest_run *run, void *context,
                          struct tunnel_guest **guest_out);
/* Has `run` called soon. From any thread, until tunnel_guest_free. */
void tunnel_guest_wake(struct tunnel_guest *guest);
/* After it, `run` is not called again. Before tunnel_free, and not on the tunnel's thread. */
void tunnel_guest_free(struct tunnel_guest *guest);

/* Waits until everything that listeners' connections were given has been taken by their peers, or been given up, at
 * most `patience_ms`: before tunnel_free, which drops what waits. False if something was left. */
bool tunnel_drain(struct tunnel *tunnel, int64_t patience_ms);

/* What this side shows. Replaced as a whole when a new token arrives; connections made before keep the old one. */
struct tunnel_identity;
enum status tunnel_identity_attested(const struct key *tls_key, struct slice token, int64_t now_s,
                                     struct tunnel_identity **identity_out);
enum status tunnel_identity_web(struct slice certificate_chain_pem, struct slice private_key_pem, struct refusal *why,
                                struct tunnel_identity **identity_out);
void tunnel_identity_free(struct tunnel_identity *identity);

/* Who is accepted at the other end. Copied on use; replaced as a whole when the manifest changes. */
struct tunnel_peer_rule {
    const struct relying_party_rules *rules; /* NULL: ordinary TLS */
    const struct role_rule *roles[4];        /* any of these roles */
    size_t role_count;
    char pinned_key[THUMBPRINT_TEXT_BYTES + 1]; /* if not "": the peer must show this key (T of its TLS key), or it is
                                                 * ERR_PEER_REFUSED: a hop that the caller has named, not another one of
                                                 * the same role */
};

/* What is known of the other end of an attested connection. */
struct tunnel_peer {
    char service[SERVICE_NAME_MAX_BYTES + 1];
    char token_hash[THUMBPRINT_TEXT_BYTES + 1]; /* base64url SHA-256 of its token */
    char key[THUMBPRINT_TEXT_BYTES + 1];        /* T of the TLS key that it showed */
    int64_t valid_until_s;                      /* the tunnel closes the connection then */
};

/* An identity and a rule that can be exchanged while in use; thread-safe. It must outlive its listeners and dialers. An
 * attested identity without a rule refuses everybody; a server without an identity fails every handshake. A web
 * identity with a rule is an ordinary server that lets in attested clients alone. */
struct tunnel_endpoint;
enum status tunnel_endpoint_new(struct tunnel_endpoint **endpoint_out);
void tunnel_endpoint_free(struct tunnel_endpoint *endpoint);
/* Takes the identity over. NULL leaves it as it is. */
void tunnel_endpoint_set_identity(struct tunnel_endpoint *endpoint, struct tunnel_identity *identity);
void tunnel_endpoint_set_rule(struct tunnel_endpoint *endpoint, const struct tunnel_peer_rule *rule);

/* A server: each accepted connection whose handshake and peer check passed gives one inner socket (AF_UNIX stream) to
 * `on_connection`, which owns it then; called on the tunnel's thread, must not block. `client` says where it comes
 * from; `peer`, who it is, is NULL for ordinary TLS. */
typedef void tunnel_on_connection(void *context, int inner_socket, const struct client_address *client,
                                  const struct tunnel_peer *peer);
struct tunnel_listener;
/* `address` "host:port" or "[v6]:port"; port 0 picks a free one. ERR_CONFIG, ERR_IO with the address and errno. */
enum status tunnel_listen(struct tunnel *tunnel, const char *address, struct tunnel_endpoint *endpoint,
                          tunnel_on_connection *on_connection, void *context, struct refusal *why,
                          struct tunnel_listener **listener_out);
uint16_t tunnel_listener_port(const struct tunnel_listener *listener);
/* Stops listening. After it, `on_connection` is not called again; connections that are open stay so. Listeners that are
 * left are freed by tunnel_free. */
void tunnel_listener_free(struct tunnel_listener *listener);

/* Spreads a listener over several loops: of the connections that it accepts from now on, each goes to the listener
 * itself or to a branch, and belongs to that one's tunnel, with its maximum. They take turns, so that those who come
 * together, and may be busy together, are spread evenly; but a loop whose thread keeps to the processor that the
 * network delivers a connection on (SO_INCOMING_CPU) gets it, as long as it is at most TUNNEL_NEAR_MORE ahead, and who
 * holds a quarter and TUNNEL_HELD_MORE more than the one that holds fewest gets none. A branch has the listener's
 * endpoint; what it calls, its pace and its counts are its own. The listener is freed first, then its branches, and
 * then their tunnels. Not for tunnel_forward. ERR_TOO_LARGE beyond TUNNEL_BRANCHES_MAX. */
enum status tunnel_listener_branch(struct tunnel_listener *listener, struct tunnel *tunnel,
                                   tunnel_on_connection *on_connection, void *context,
                                   struct tunnel_listener **branch_out);
/* Tells of each peer that the peer check refused, for the program's log; called on the tunnel's thread. */
typedef void tunnel_on_refusal(void *context, const struct refusal *why);
void tunnel_listener_on_refusal(struct tunnel_listener *listener, tunnel_on_refusal *on_refusal, void *context);

/* Asked of each newcomer when its first byte is there, on the tunnel's thread: 0, its handshake may begin at once;
 * above, so many milliseconds later, before which nothing of it is read; below, its connection is reset. */
typedef int64_t tunnel_pace(void *context, const struct client_address *client);
void tunnel_listener_set_pace(struct tunnel_listener *listener, tunnel_pace *pace, void *context);

/* A server whose inner end is a Unix socket ("unix:PATH") or TCP address that is dialled for each connection, after the
 * peer check: the gate's ingress. The inner address is looked up once, here. */
enum status tunnel_forward(struct tunnel *tunnel, const char *address, struct tunnel_endpoint *endpoint,
                           const char *inner_address, struct refusal *why, struct tunnel_listener **listener_out);

/* Connections accepted, open now, refused (by the peer check), dropped to make room, and made to wait or closed by the
 * pace, for metrics. */
struct tunnel_counts {
    uint64_t accepted, open, refused, dropped, slowed;
};
void tunnel_listener_counts(const struct tunnel_listener *listener, struct tunnel_counts *counts_out);

/* A client: dials, verifies the peer, and gives a connected inner socket (AF_UNIX stream, blocking) that the caller
 * closes. `server_name` is checked against an ordinary certificate (with `ca_pem` as its only anchors); it is not used
 * on attested connections. Waits at most `timeout_ms`. ERR_CONNECT, ERR_TLS, ERR_TIMEOUT, ERR_BUSY, ERR_PEER_REFUSED:
 * `why` then holds the relying party's refusal (its status says which, ERR_TOKEN_...), or, if it was the server that
 * refused this side, the status ERR_PEER_REFUSED and the alert. `peer_out` may be NULL, and is only written for
 * attested peers. Not to be called on the tunnel's thread. */
struct tunnel_target {
    const char *address;              /* "host:port" */
    const char *server_name;          /* ordinary TLS only */
    struct slice ca_pem;              /* ordinary TLS only; empty: the system's anchors */
    struct tunnel_endpoint *endpoint; /* attested TLS; NULL: ordinary */
};
enum status tunnel_connect(struct tunnel *tunnel, const struct tunnel_target *target, int timeout_ms,
                           struct refusal *why, int *inner_socket_out, struct tunnel_peer *peer_out);

/* Dials, verifies the peer and closes again: what a chain check needs. Appends the token that the peer showed to
 * `token`, also when the peer check refused it (if it showed one at all). Errors as of tunnel_connect. */
enum status tunnel_probe(struct tunnel *tunnel, const struct tunnel_target *target, int timeout_ms, struct refusal *why,
                         struct buffer *token, struct tunnel_peer *peer_out);

/* A client for libcurl, which takes only a path: a listening Unix socket in a private 0700 folder; each connection to
 * it by this process is carried to the target. The texts of `target` are copied. The path is removed on free. */
struct tunnel_dialer;
enum status tunnel_dialer_new(struct tunnel *tunnel, const struct tunnel_target *target, struct refusal *why,
                              struct tunnel_dialer **dialer_out);
const char *tunnel_dialer_path(const struct tunnel_dialer *dialer);
/* Why the last connection failed that did since the last call: what tunnel_connect would have returned, and its `why`.
 * OK, and an empty refusal, if none did. */
enum status tunnel_dialer_last_refusal(struct tunnel_dialer *dialer, struct refusal *why_out);
void tunnel_dialer_free(struct tunnel_dialer *dialer);
