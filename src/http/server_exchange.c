/* SPDX-License-Identifier: Apache-2.0
 *
 * One request and its answer, as the library calls us: head, pieces of the body, end of the body, and, once a worker is
 * done, once more for the answer.
 */
#include "http/server_internal.h"

#include <stdlib.h>
#include <string.h>

void *exchange_begin(void *context, const char *target, struct MHD_Connection *connection)
{
    struct http_server *const server = context;
    const union MHD_ConnectionInfo *const info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info == NULL || info->socket_context == NULL) return NULL;
    struct exchange *const exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL) return NULL;
    exchange->server = server;
    exchange->visit = info->socket_context;
    visit_reads_head(&server->visits, exchange->visit);
    exchange->connection = connection;
    exchange->request.internal = exchange;
    exchange->target = buffer_of_maximum(HTTP_PATH_MAX_BYTES + 1 + HTTP_QUERY_MAX_BYTES);
    exchange->target_too_long = buffer_append_text(&exchange->target, target) != OK;
    return exchange;
}

void exchange_end(void *context, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode why)
{
    (void)context;
    (void)connection;
    (void)why;
    struct exchange *const exchange = *slot;
    if (exchange == NULL) return;
    *slot = NULL;
    visit_is_over(&exchange->server->visits, exchange->visit);
    buffer_done(&exchange->target);
    buffer_done(&exchange->path);
    http_query_done(&exchange->query);
    buffer_done(&exchange->body);
    response_done(&exchange->response);
    free(exchange);
}

static void free_body(void *context)
{
    struct buffer *const body = context;
    buffer_done(body);
    free(body);
}

/* Hands the body's memory over, so that it is sent without a copy and wiped when it is sent. */
static struct MHD_Response *response_over(struct buffer *body)
{
    if (body->size == 0) return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    struct buffer *const moved = calloc(1, sizeof(*moved));
    if (moved == NULL) return NULL;
    *moved = buffer_take(body);
    struct MHD_Response *const response =
        MHD_create_response_from_buffer_with_free_callback_cls(moved->size, moved->bytes, free_body, moved);
    if (response == NULL) free_body(moved);
    return response;
}

static void add_headers(struct MHD_Response *message, const struct exchange *exchange)
{
    const struct http_response *const response = &exchange->response;
    const char *text = (const char *)response->texts.bytes;
    for (size_t i = 0; i < response->header_count; i++) {
        const char *const value = text + strlen(text) + 1;
        (void)MHD_add_response_header(message, text, value);
        text = value + strlen(value) + 1;
    }
    (void)MHD_add_response_header(message, "x-content-type-options", "nosniff");
    if (!response->has_cache_control) (void)MHD_add_response_header(message, "cache-control", "no-store");
    bool are_any = false;
    const char *const origin = exchange_origin(exchange, &are_any);
    if (origin != NULL) (void)MHD_add_response_header(message, "access-control-allow-origin", origin);
    if (are_any) (void)MHD_add_response_header(message, "vary", "origin");
    if (exchange->server->is_draining) (void)MHD_add_response_header(message, "connection", "close");
    const char *const server_header = exchange->server->options.server_header;
    if (server_header != NULL) (void)MHD_add_response_header(message, "server", server_header);
}

static enum MHD_Result send_answer(struct exchange *exchange)
{
    struct http_response *const response = &exchange->response;
    if (response->status < 200 || response->status > 599) response->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    visit_is_answered(&exchange->server->visits, exchange->visit, response->body.size);
    struct MHD_Response *const message = response_over(&response->body);
    if (message == NULL) return MHD_NO;
    add_headers(message, exchange);
    exchange->server->counts[response->status / 100]++;
    const enum MHD_Result result = MHD_queue_response(exchange->connection, response->status, message);
    MHD_destroy_response(message);
    return result;
}

static void refuse_body(struct exchange *exchange, unsigned http_status, enum status status, const char *expected)
{
    struct refusal why = {};
    (void)!refuse(&why, status, "request.body", expected, "more");
    exchange_refuse(exchange, http_status, &why);
    buffer_done(&exchange->body);
}

/* Keeps a piece of the body. A refused one is read on, within a bound, because the answer can only follow its end. */
static enum MHD_Result take_piece(struct exchange *exchange, const char *upload, size_t *upload_size)
{
    const size_t size = *upload_size;
    *upload_size = 0;
    struct visits *const visits = &exchange->server->visits;
    if (exchange->response.status != 0) {
        exchange->drained += size;
        return visit_takes(visits, exchange->visit, size, false) && exchange->drained <= DRAIN_MAX_BYTES ? MHD_YES
                                                                                                         : MHD_NO;
    }
    if (!visit_takes(visits, exchange->visit, size, true)) {
        refuse_body(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, ERR_BUSY, "fewer bodies at the same time");
        http_respond_header(&exchange->response, "retry-after", "5");
    } else if (buffer_append(&exchange->body, slice_of(upload, size)) != OK) {
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "at most %zu bytes", exchange->route->max_body);
        refuse_body(exchange, MHD_HTTP_CONTENT_TOO_LARGE, ERR_TOO_LARGE, expected);
    }
    return MHD_YES;
}

static enum MHD_Result hand_over(struct exchange *exchange)
{
    exchange->request.body = buffer_slice(&exchange->body);
    exchange->phase = EXCHANGE_WORKING;
    visit_is_served(&exchange->server->visits, exchange->visit);
    if (workers_take(exchange->server, exchange)) return MHD_YES;
    exchange_refuse(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, NULL);
    return send_answer(exchange);
}

static enum MHD_Result take_head(struct exchange *exchange, const char *method, const char *version)
{
    const enum admission admission = exchange_admit(exchange);
    if (admission == ADMISSION_HELD) return MHD_YES;
    exchange->phase = EXCHANGE_BODY;
    visit_reads_body(&exchange->server->visits, exchange->visit);
    if (admission == ADMISSION_REFUSED) return exchange_can_go_on(exchange) ? MHD_YES : send_answer(exchange);
    return exchange_read_head(exchange, method, version) ? MHD_YES : send_answer(exchange);
}

static enum MHD_Result take_body(struct exchange *exchange, const char *upload, size_t *upload_size)
{
    if (*upload_size > 0) return take_piece(exchange, upload, upload_size);
    return exchange->response.status != 0 ? send_answer(exchange) : hand_over(exchange);
}

enum MHD_Result exchange_step(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **slot)
{
    (void)context;
    (void)connection;
    (void)url;
    struct exchange *const exchange = *slot;
    if (exchange == NULL) return MHD_NO;
    switch (exchange->phase) {
    case EXCHANGE_HEAD:
    case EXCHANGE_HELD: /* the library repeats the call in which a connection was suspended */
        return take_head(exchange, method, version);
    case EXCHANGE_BODY: return take_body(exchange, upload, upload_size);
    case EXCHANGE_WORKING: return MHD_YES;
    case EXCHANGE_ANSWERED: return send_answer(exchange);
    }
    return MHD_NO;
}
