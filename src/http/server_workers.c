/* SPDX-License-Identifier: Apache-2.0
 *
 * A pool of threads on which handlers may block, and the queue before it.
 */
#include "http/server_internal.h"

#include <stdlib.h>

enum { QUEUE_RETRY_MS = 1000 };

static struct exchange *next_exchange(struct http_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    while (server->queue.count == 0 && !server->is_stopping) (void)pthread_cond_wait(&server->work_came, &server->lock);
    struct exchange *const exchange = (struct exchange *)fair_queue_take(&server->queue);
    (void)pthread_mutex_unlock(&server->lock);
    return exchange;
}

static void give_back(struct http_server *server, struct exchange *exchange)
{
    exchange->phase = EXCHANGE_ANSWERED;
    /* From here on the exchange belongs to the library's thread. */
    connection_resume(server, exchange->connection);
    (void)pthread_mutex_lock(&server->lock);
    server->working--;
    if (server->is_stopping) (void)pthread_cond_broadcast(&server->work_done);
    (void)pthread_mutex_unlock(&server->lock);
}

static void *work(void *argument)
{
    struct http_server *const server = argument;
    for (struct exchange *exchange; (exchange = next_exchange(server)) != NULL;) {
        exchange->route->handle(server->options.context, &exchange->request, &exchange->response);
        give_back(server, exchange);
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
    struct exchange *displaced = NULL;
    (void)pthread_mutex_lock(&server->lock);
    const bool is_open = !server->is_stopping;
    if (is_open) {
        /* Before it can be seen by a worker, which may resume it at once. */
        MHD_suspend_connection(exchange->connection);
        displaced = (struct exchange *)fair_queue_put(&server->queue, &exchange->item, &exchange->visit->client,
                                                      exchange->is_quiet);
        server->working++;
        (void)pthread_cond_signal(&server->work_came);
    }
    (void)pthread_mutex_unlock(&server->lock);
    if (displaced != NULL) {
        exchange_refuse_for_now(displaced, QUEUE_RETRY_MS, "as many as can wait");
        give_back(server, displaced);
    }
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
