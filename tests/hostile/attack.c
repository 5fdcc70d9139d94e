/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients that mean no good, against a server of one's own:
 *
 *     attack KIND ADDRESS CONNECTIONS SECONDS REQUESTS FROM...
 *
 *     idle       finish the handshake and say nothing
 *     slow       send a request's head a byte a second
 *     oversize   announce a body of gigabytes and send it
 *     endless    send a chunked body without an end
 *     flood      send small requests, hundreds in a piece, as fast as they are taken
 *     appraise   send appraisal requests (the file REQUESTS) one after the other, whatever the answer
 *     reconnect  a new connection for each request
 *
 * Connections that are closed are made again. Prints one JSON object with what was done.
 */
#include "attestation/requests.h"
#include "attestation/wire.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

enum {
    EVENTS = 256,
    PIECE_BYTES = 16 * 1024,
    FROM_MAX = 64,
    TURN_MS = 50,
    DIAL_AGAIN_MS = 100,
    DIALS_PER_TURN = 200,
    SLOW_MS = 1000,
    PIECES_PER_TURN = 4,
};

enum kind { IDLE, SLOW, OVERSIZE, ENDLESS, FLOOD, APPRAISE, RECONNECT, KIND_COUNT };
static const char *const names[KIND_COUNT] = {"idle", "slow", "oversize", "endless", "flood", "appraise", "reconnect"};

static const char small[] = "GET /certs HTTP/1.1\r\nHost: a\r\n\r\n";
static const char head_of_oversize[] = "POST /attest/SgxEnclave?api-version=2022-08-01 HTTP/1.1\r\nHost: a\r\n"
                                       "Content-Type: application/json\r\nContent-Length: 4000000000\r\n\r\n";
static const char head_of_endless[] = "POST /attest/SgxEnclave?api-version=2022-08-01 HTTP/1.1\r\nHost: a\r\n"
                                      "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";

struct attacker {
    struct wire wire;
    struct sockaddr_in from;
    size_t put; /* of its head, or its request */
    double next_s;
};

static struct {
    unsigned long long dialled, opened, closed, requests, bytes, answers, refused;
} done;
static enum kind kind;
static struct requests requests;
static char piece[PIECE_BYTES];
static size_t piece_size, piece_requests;

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What the server sends is read, or it would stop reading; answers are counted by their beginning. */
static void drain(struct attacker *attacker)
{
    char bytes[PIECE_BYTES + 1];
    ssize_t got = 0;
    while (attacker->wire.state == WIRE_OPEN && (got = wire_get(&attacker->wire, bytes, PIECE_BYTES)) > 0) {
        bytes[got] = '\0';
        for (const char *at = bytes; (at = strstr(at, "HTTP/1.1 ")) != NULL; at += 9) {
            done.answers++;
            if (strncmp(at + 9, "429", 3) == 0) done.refused++;
        }
    }
}

static bool put(struct attacker *attacker, const void *bytes, size_t size, size_t *at)
{
    while (*at < size) {
        const ssize_t taken = wire_put(&attacker->wire, (const char *)bytes + *at, size - *at);
        if (taken <= 0) return false;
        *at += (size_t)taken;
        done.bytes += (unsigned long long)taken;
    }
    return true;
}

static void pour(struct attacker *attacker, const char *head, size_t head_size)
{
    if (attacker->put < head_size && !put(attacker, head, head_size, &attacker->put)) return;
    for (int i = 0; i < PIECES_PER_TURN; i++) {
        size_t at = 0;
        if (!put(attacker, piece, piece_size, &at)) return;
    }
}

static void flood(struct attacker *attacker)
{
    for (int i = 0; i < PIECES_PER_TURN; i++) {
        if (!put(attacker, piece, piece_size, &attacker->put)) return;
        attacker->put = 0;
        done.requests += piece_requests;
    }
}

/* One request, and the next when an answer came. */
static void ask(struct attacker *attacker, const char *bytes, size_t size)
{
    const unsigned long long before = done.answers;
    drain(attacker);
    if (attacker->put >= size && done.answers == before) return;
    if (attacker->put >= size) {
        attacker->put = 0;
        if (kind == RECONNECT) {
            wire_close(&attacker->wire);
            attacker->next_s = 0;
            return;
        }
    }
    if (attacker->wire.state == WIRE_OPEN && put(attacker, bytes, size, &attacker->put)) done.requests++;
}

static void act(struct attacker *attacker)
{
    const struct request *const request = &requests.items[done.requests % requests.count];
    switch (kind) {
    case SLOW:
        if (now_s() >= attacker->next_s && attacker->put < sizeof(small) - 3) {
            size_t at = attacker->put;
            if (put(attacker, small, attacker->put + 1, &at)) attacker->put++;
            attacker->next_s = now_s() + SLOW_MS / 1e3;
        }
        break;
    case OVERSIZE: pour(attacker, head_of_oversize, sizeof(head_of_oversize) - 1); break;
    case ENDLESS: pour(attacker, head_of_endless, sizeof(head_of_endless) - 1); break;
    case FLOOD: flood(attacker); break;
    case APPRAISE: ask(attacker, request->bytes, request->size); return;
    case RECONNECT: ask(attacker, small, sizeof(small) - 1); return;
    default: break;
    }
    drain(attacker);
}

static void step(struct attacker *attacker)
{
    const bool was_open = attacker->wire.state == WIRE_OPEN;
    if (wire_advance(&attacker->wire)) {
        if (!was_open) done.opened++;
        act(attacker);
    }
    if (attacker->wire.state != WIRE_CLOSED) return;
    if (attacker->next_s != 0 || was_open) done.closed++;
    attacker->next_s = now_s() + (kind == RECONNECT ? 0 : DIAL_AGAIN_MS / 1e3);
}

static void dial(struct attacker *attacker, const struct sockaddr_in *to, SSL_CTX *context, int epoll)
{
    attacker->wire.context = attacker;
    attacker->put = 0;
    done.dialled++;
    if (!wire_dial(&attacker->wire, to, &attacker->from, context, epoll)) done.closed++;
    attacker->next_s = now_s() + DIAL_AGAIN_MS / 1e3;
}

static void attend(struct attacker *attackers, unsigned count, const struct sockaddr_in *to, SSL_CTX *context,
                   int epoll)
{
    int dials = 0;
    for (unsigned i = 0; i < count; i++) {
        struct attacker *const attacker = &attackers[i];
        if (attacker->wire.state == WIRE_CLOSED && attacker->next_s <= now_s() && dials++ < DIALS_PER_TURN)
            dial(attacker, to, context, epoll);
        else if (attacker->wire.state == WIRE_OPEN && kind != IDLE)
            step(attacker);
    }
}

static void make_piece(void)
{
    if (kind == FLOOD) {
        for (; piece_size + sizeof(small) < PIECE_BYTES; piece_size += sizeof(small) - 1, piece_requests++)
            memcpy(piece + piece_size, small, sizeof(small) - 1);
        return;
    }
    static const char chunk[] = "1000\r\n";
    const size_t begin = kind == ENDLESS ? sizeof(chunk) - 1 : 0;
    memcpy(piece, chunk, begin);
    memset(piece + begin, 'A', 0x1000);
    memcpy(piece + begin + 0x1000, "\r\n", begin > 0 ? 2 : 0);
    piece_size = begin + 0x1000 + (begin > 0 ? 2 : 0);
}

static enum kind kind_of(const char *name)
{
    for (enum kind at = IDLE; at < KIND_COUNT; at++) {
        if (strcmp(names[at], name) == 0) return at;
    }
    return KIND_COUNT;
}

int main(int count, char **arguments)
{
    if (count < 7 || kind_of(arguments[1]) == KIND_COUNT) {
        (void)fprintf(stderr, "usage: attack KIND ADDRESS CONNECTIONS SECONDS REQUESTS FROM...\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    kind = kind_of(arguments[1]);
    const struct sockaddr_in to = wire_address(arguments[2]);
    const unsigned connections = (unsigned)strtoul(arguments[3], NULL, 10);
    const double end_s = now_s() + strtod(arguments[4], NULL);
    requests = requests_read(arguments[5]);
    const struct rlimit limit = {.rlim_cur = connections + 64, .rlim_max = connections + 64};
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    struct attacker *const attackers = calloc(connections, sizeof(*attackers));
    SSL_CTX *const context = wire_context();
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (attackers == NULL || epoll < 0) return 1;
    make_piece();
    for (unsigned i = 0; i < connections; i++) {
        attackers[i].wire.socket = -1;
        attackers[i].from = wire_address(arguments[6 + (int)i % (count - 6)]);
    }
    while (now_s() < end_s) {
        struct epoll_event events[EVENTS];
        attend(attackers, connections, &to, context, epoll);
        const int came = epoll_wait(epoll, events, EVENTS, kind == FLOOD ? 1 : TURN_MS);
        for (int i = 0; i < came; i++) step(((struct wire *)events[i].data.ptr)->context);
    }
    unsigned long long open = 0;
    for (unsigned i = 0; i < connections; i++) open += attackers[i].wire.state == WIRE_OPEN ? 1 : 0;
    (void)printf("{\"kind\":\"%s\",\"dialled\":%llu,\"opened\":%llu,\"open\":%llu,\"closed\":%llu,\"requests\":%llu,"
                 "\"bytes\":%llu,\"answers\":%llu,\"refused\":%llu}\n",
                 arguments[1], done.dialled, done.opened, open, done.closed, done.requests, done.bytes, done.answers,
                 done.refused);
    return 0;
}
