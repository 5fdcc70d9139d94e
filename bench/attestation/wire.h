/* SPDX-License-Identifier: Apache-2.0
 *
 * A TLS client's connections by the thousand, for load: one thread, epoll, nothing blocks. The server's certificate is
 * not looked at: nothing here is secret, and what is measured is the server.
 */
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { WIRE_ANSWER_MAX_BYTES = 32 * 1024 };

enum wire_state { WIRE_CLOSED, WIRE_DIALLING, WIRE_HANDSHAKE, WIRE_OPEN };

struct wire {
    enum wire_state state;
    int socket;
    SSL *tls;
    /* The answer that comes. */
    char *answer;
    size_t answer_size;
    void *context; /* the caller's */
};

SSL_CTX *wire_context(void);
/* "127.0.0.1:443"; ends the program if it is none. */
struct sockaddr_in wire_address(const char *text);

/* Begins to dial, from `from` (port 0) if it is not NULL, and joins `epoll` with the wire as its data. False: no socket
 * or no place for it. */
bool wire_dial(struct wire *wire, const struct sockaddr_in *to, const struct sockaddr_in *from, SSL_CTX *context,
               int epoll);
/* After an event: goes on with dialling and handshake. Whether it is open; if not, its state says whether it is closed.
 */
bool wire_advance(struct wire *wire);
void wire_close(struct wire *wire);

/* Bytes that were taken or came; 0: not now; -1: it is closed. */
ssize_t wire_put(struct wire *wire, const void *bytes, size_t size);
ssize_t wire_get(struct wire *wire, void *bytes, size_t size);

/* Reads what has come of an answer: its status once it is whole, 0: not yet; -1: the connection was closed, or sends
 * what is no answer. `closes_out`: the server says that it ends the connection. */
int wire_answer(struct wire *wire, bool *closes_out);
