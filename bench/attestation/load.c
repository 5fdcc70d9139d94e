/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include "wire.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

enum { EVENTS = 256, SAMPLES_MAX = 4000000, DIAL_AGAIN_MS = 5 };

/* One connection. */
struct client {
    struct wire wire;
    struct sockaddr_in from;
    const struct request *request; /* under way, or NULL */
    size_t put;
    double sent_s, dial_again_s;
};

struct run {
    const struct load *load;
    const struct requests *requests;
    struct load_result *result;
    struct client *clients;
    struct sockaddr_in to;
    SSL_CTX *context;
    int epoll;
    size_t next;
    float *samples; /* milliseconds */
    size_t sample_count;
};

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double processor_s(void)
{
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void lose(struct run *run, struct client *client)
{
    if (client->request != NULL) run->result->lost++;
    client->request = NULL;
    client->dial_again_s = now_s() + DIAL_AGAIN_MS / 1e3;
}

static void dial(struct run *run, struct client *client)
{
    run->result->dialled++;
    client->wire.context = client;
    if (wire_dial(&client->wire, &run->to, run->load->from != NULL ? &client->from : NULL, run->context, run->epoll))
        return;
    run->result->failed++;
    client->dial_again_s = now_s() + DIAL_AGAIN_MS / 1e3;
}

static bool send_rest(struct run *run, struct client *client)
{
    while (client->put < client->request->size) {
        const ssize_t put =
            wire_put(&client->wire, client->request->bytes + client->put, client->request->size - client->put);
        if (put < 0) lose(run, client);
        if (put <= 0) return false;
        client->put += (size_t)put;
    }
    return true;
}

static void send_next(struct run *run, struct client *client)
{
    client->request = &run->requests->items[run->next++ % run->requests->count];
    client->put = 0;
    client->sent_s = now_s();
    (void)send_rest(run, client);
}

static void take_answer(struct run *run, struct client *client, int status)
{
    run->result->answers++;
    if (status > 0 && status < LOAD_STATUS_MAX) run->result->statuses[status]++;
    if (status == 200 && run->sample_count < SAMPLES_MAX)
        run->samples[run->sample_count++] = (float)((now_s() - client->sent_s) * 1e3);
    client->request = NULL;
}

static void serve(struct run *run, struct client *client)
{
    if (client->wire.state != WIRE_OPEN && !wire_advance(&client->wire)) {
        if (client->wire.state == WIRE_CLOSED) {
            run->result->failed++;
            client->dial_again_s = now_s() + DIAL_AGAIN_MS / 1e3;
        }
        return;
    }
    if (client->request == NULL) send_next(run, client);
    if (client->request == NULL || !send_rest(run, client)) return;
    bool closes = false;
    const int status = wire_answer(&client->wire, &closes);
    if (status < 0) lose(run, client);
    if (status <= 0) return;
    take_answer(run, client, status);
    if (closes) {
        wire_close(&client->wire);
        dial(run, client);
        return;
    }
    /* Its answer is another event: on one processor with the server it might be there at once, and the next one, and
     * this connection would keep all others waiting. */
    send_next(run, client);
}

static void dial_again(struct run *run)
{
    const double now = now_s();
    for (unsigned i = 0; i < run->load->connections; i++) {
        struct client *const client = &run->clients[i];
        if (client->wire.state == WIRE_CLOSED && client->dial_again_s <= now) dial(run, client);
    }
}

static int compare(const void *a, const void *b)
{
    const float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

static double percentile(const struct run *run, double part)
{
    if (run->sample_count == 0) return 0;
    const size_t at = (size_t)(part * (double)run->sample_count);
    return (double)run->samples[at < run->sample_count ? at : run->sample_count - 1];
}

static void summarize(struct run *run, double begin_s, double processor_begin_s)
{
    struct load_result *const result = run->result;
    result->seconds = now_s() - begin_s;
    result->processor_s = processor_s() - processor_begin_s;
    qsort(run->samples, run->sample_count, sizeof(*run->samples), compare);
    result->p50_ms = percentile(run, 0.5);
    result->p90_ms = percentile(run, 0.9);
    result->p99_ms = percentile(run, 0.99);
    result->max_ms = percentile(run, 1);
}

static void open_run(struct run *run)
{
    run->clients = calloc(run->load->connections, sizeof(*run->clients));
    run->samples = malloc(SAMPLES_MAX * sizeof(*run->samples));
    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    run->context = wire_context();
    run->to = wire_address(run->load->address);
    if (run->clients == NULL || run->samples == NULL || run->epoll < 0) abort();
    size_t sources = 0;
    while (run->load->from != NULL && run->load->from[sources] != NULL) sources++;
    for (unsigned i = 0; i < run->load->connections; i++) {
        run->clients[i].wire.socket = -1;
        if (sources > 0) run->clients[i].from = wire_address(run->load->from[i % sources]);
    }
}

static void close_run(struct run *run)
{
    for (unsigned i = 0; i < run->load->connections; i++) wire_close(&run->clients[i].wire);
    SSL_CTX_free(run->context);
    free(run->clients);
    free(run->samples);
}

void load_run(const struct load *load, const struct requests *requests, struct load_result *result_out)
{
    *result_out = (struct load_result){};
    struct run run = {.load = load, .requests = requests, .result = result_out};
    open_run(&run);
    const double begin_s = now_s(), processor_begin_s = processor_s();
    while ((load->seconds <= 0 || now_s() - begin_s < load->seconds) &&
           (load->count == 0 || result_out->answers < load->count)) {
        struct epoll_event events[EVENTS];
        dial_again(&run);
        const int count = epoll_wait(run.epoll, events, EVENTS, DIAL_AGAIN_MS);
        for (int i = 0; i < count; i++) serve(&run, ((struct wire *)events[i].data.ptr)->context);
    }
    summarize(&run, begin_s, processor_begin_s);
    close_run(&run);
}
