/* SPDX-License-Identifier: Apache-2.0
 *
 * A pool of threads on which handlers may block. At most one request of a connection waits here, so the queue is
 * bounded by the number of connections.
 */
#include "http/server_internal.h"

#include <stdlib.h>

static struct exchange *next_exchange(struct http_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    while (server->first == NULL && !server->is_stopping) (void)pthread_cond_wait(&server->work_came, &server->lock);
    struct exchange *const exchange = server->first;
    if (exchange != NULL) server->first = exchange->next;
    if (server->first == NULL) server->last = NULL;
    (void)pthread_mutex_unlock(&server->lock);
    return exchange;
}

static void *work(void *argument)
{
    struct http_server *const server = argument;
    for (struct exchange *exchange; (exchange = next_exchange(server)) != NULL;) {
        exchange->route->handle(server->options.context, &exchange->request, &exchange->response);
        exchange->phase = EXCHANGE_ANSWERED;
        /* From here on the exchange belongs to the library's thread. */
        MHD_resume_connection(exchange->connection);
        (void)pthread_mutex_lock(&server->lock);
        server->working--;
        (void)pthread_cond_broadcast(&server->work_done);
        (void)pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

enum status workers_start(struct http_server *server, unsigned count)
{
    server->workers = calloc(count, sizeof(*server->workers));
    if (server->workers == NULL) return ERR_NO_MEMORY;
    for (; server->worker_count < count; server->worker_count++) {
        if (pthread_create(&server->workers[server->worker_count], NULL, work, server) != 0) return ERR_NO_MEMORY;
    }
    return OK;
}

bool workers_take(struct http_server *server, struct exchange *exchange)
{
    (void)pthread_mutex_lock(&server->lock);
    const bool is_open = !server->is_stopping;
    if (is_open) {
        /* Before it can be seen by a worker, which may resume it at once. */
        MHD_suspend_connection(exchange->connection);
        exchange->next = NULL;
        if (server->last != NULL)
            server->last->next = exchange;
        else
            server->first = exchange;
        server->last = exchange;
        server->working++;
        (void)pthread_cond_signal(&server->work_came);
    }
    (void)pthread_mutex_unlock(&server->lock);
    return is_open;
}

void workers_stop(struct http_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    server->is_stopping = true;
    (void)pthread_cond_broadcast(&server->work_came);
    while (server->working > 0 && server->worker_count > 0) (void)pthread_cond_wait(&server->work_done, &server->lock);
    (void)pthread_mutex_unlock(&server->lock);
    for (unsigned i = 0; i < server->worker_count; i++) (void)pthread_join(server->workers[i], NULL);
    free(server->workers);
    server->workers = NULL;
}
