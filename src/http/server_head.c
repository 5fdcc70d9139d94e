/* SPDX-License-Identifier: Apache-2.0
 *
 * The checks of a request's head, stricter than the library's: what two readers could understand differently is
 * refused.
 */
#include "http/server_internal.h"

#include <string.h>
#include <strings.h>

/* What the head says, gathered in one pass over its fields. */
struct head {
    size_t field_count, field_bytes, hosts, lengths, encodings;
    bool has_bad_field;
    const char *length, *encoding;
};

static enum MHD_Result gather_field(void *context, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                    const char *value, size_t value_size)
{
    (void)kind;
    struct head *const head = context;
    head->field_count++;
    head->field_bytes += name_size + value_size;
    if (!http_is_token(slice_of(name, name_size)) || !http_is_field_value(slice_of(value, value_size)))
        head->has_bad_field = true;
    if (strcasecmp(name, "host") == 0) head->hosts++;
    if (strcasecmp(name, "content-length") == 0) {
        head->lengths++;
        head->length = value;
    }
    if (strcasecmp(name, "transfer-encoding") == 0) {
        head->encodings++;
        head->encoding = value;
    }
    return MHD_YES;
}

static bool refuse_head(struct exchange *exchange, unsigned http_status, enum status status, const char *field,
                        const char *expected, const char *seen)
{
    struct refusal why = {};
    (void)!refuse(&why, status, field, expected, "%s", seen);
    exchange_refuse(exchange, http_status, &why);
    return false;
}

static bool check_fields(struct exchange *exchange, const struct head *head, const char *version)
{
    if (head->field_count > HTTP_HEADER_MAX_COUNT || head->field_bytes > HTTP_HEADER_MAX_BYTES)
        return refuse_head(exchange, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, ERR_TOO_LARGE, "request.headers",
                           "at most 64 fields and 16 KiB", "more");
    if (head->has_bad_field)
        return refuse_head(exchange, MHD_HTTP_BAD_REQUEST, ERR_HTTP_MALFORMED, "request.headers",
                           "names of token characters, values without controls", "another");
    const bool is_version_1_0 = strcmp(version, "HTTP/1.0") == 0;
    if (head->hosts > 1 || (head->hosts == 0 && !is_version_1_0))
        return refuse_head(exchange, MHD_HTTP_BAD_REQUEST, ERR_HTTP_MALFORMED, "host", "one", "none or several");
    if (head->lengths + head->encodings > 1)
        return refuse_head(exchange, MHD_HTTP_BAD_REQUEST, ERR_HTTP_MALFORMED, "content-length",
                           "one content-length or one transfer-encoding, not both", "several");
    if (head->encoding != NULL && (is_version_1_0 || strcasecmp(head->encoding, "chunked") != 0))
        return refuse_head(exchange, MHD_HTTP_NOT_IMPLEMENTED, ERR_HTTP_MALFORMED, "transfer-encoding", "chunked",
                           "another");
    return true;
}

static bool read_target(struct exchange *exchange)
{
    struct slice path = buffer_slice(&exchange->target), query = {};
    (void)slice_split(path, '?', &path, &query);
    if (exchange->target_too_long || path.size > HTTP_PATH_MAX_BYTES || query.size > HTTP_QUERY_MAX_BYTES)
        return refuse_head(exchange, MHD_HTTP_URI_TOO_LONG, ERR_TOO_LARGE, "request.target",
                           "a path of at most 1024 bytes and a query of at most 2048", "a longer one");
    struct refusal why = {};
    exchange->path = buffer_of_maximum(PATH_TEXT_MAX_BYTES);
    enum status status = http_path_decode(path, &why, &exchange->path);
    if (status == OK) status = http_query_parse(query, &why, &exchange->query);
    if (status == OK) status = buffer_append_u8(&exchange->path, 0);
    if (status == OK) return true;
    exchange_refuse(exchange, MHD_HTTP_BAD_REQUEST, &why);
    return false;
}

static struct slice decoded_path(const struct exchange *exchange)
{
    return slice_of(exchange->path.bytes, exchange->path.size - 1);
}

/* The values borrow from the path that they are appended to, which may move as it grows: so they are copied first. */
static enum status keep_segments(struct exchange *exchange, const struct http_segments *segments)
{
    CLEANUP(buffer_done) struct buffer copies = buffer_of_maximum(PATH_TEXT_MAX_BYTES);
    for (size_t i = 0; i < segments->count; i++) {
        exchange->segments[i].name = segments->items[i].name;
        exchange->segments[i].value = exchange->path.size + copies.size;
        TRY(buffer_append(&copies, segments->items[i].value));
        TRY(buffer_append_u8(&copies, 0));
    }
    TRY(buffer_append(&exchange->path, buffer_slice(&copies)));
    exchange->segment_count = segments->count;
    return OK;
}

static void list_method(struct buffer *methods, const char *method)
{
    if (methods->size > 0) (void)!buffer_append_text(methods, ", ");
    (void)!buffer_append_text(methods, method);
}

/* The methods of the routes that match the path: "GET, HEAD, POST, OPTIONS"; empty if none does. */
static const char *allowed_methods(const struct exchange *exchange, struct buffer *methods)
{
    const struct http_server_options *const options = &exchange->server->options;
    for (size_t i = 0; i < options->route_count; i++) {
        const struct http_route *const route = &options->routes[i];
        struct http_segments segments;
        if (!http_route_matches(route->pattern, decoded_path(exchange), options->case_insensitive_paths, &segments))
            continue;
        list_method(methods, route->method);
        if (strcmp(route->method, "GET") == 0) list_method(methods, "HEAD");
    }
    if (methods->size > 0) list_method(methods, "OPTIONS");
    const char *text = "";
    return buffer_text(methods, &text) == OK ? text : "";
}

/* The Fetch standard's CORS protocol, for exact origins and without credentials. */
const char *exchange_origin(const struct exchange *exchange, bool *are_any_out)
{
    struct http_server *const server = exchange->server;
    const char *const origin = http_request_header(&exchange->request, "origin");
    bool is_allowed = false;
    (void)pthread_mutex_lock(&server->lock);
    for (size_t i = 0; origin != NULL && i < server->origin_count; i++)
        is_allowed = is_allowed || strcmp(origin, server->origins[i]) == 0;
    if (are_any_out != NULL) *are_any_out = server->origin_count > 0;
    (void)pthread_mutex_unlock(&server->lock);
    return is_allowed ? origin : NULL;
}

static void answer_options(struct exchange *exchange, const char *methods)
{
    http_respond(&exchange->response, MHD_HTTP_NO_CONTENT, NULL, (struct slice){});
    http_respond_header(&exchange->response, "allow", methods);
    if (exchange_origin(exchange, NULL) == NULL) return;
    http_respond_header(&exchange->response, "access-control-allow-methods", methods);
    http_respond_header(&exchange->response, "access-control-allow-headers", "content-type");
    http_respond_header(&exchange->response, "access-control-max-age", "600");
}

static bool find_route(struct exchange *exchange, const char *method)
{
    const struct http_server_options *const options = &exchange->server->options;
    const char *const wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (size_t i = 0; i < options->route_count; i++) {
        const struct http_route *const route = &options->routes[i];
        struct http_segments segments;
        if (strcmp(route->method, wanted) != 0 && strcmp(route->method, method) != 0) continue;
        if (!http_route_matches(route->pattern, decoded_path(exchange), options->case_insensitive_paths, &segments))
            continue;
        exchange->route = route;
        return keep_segments(exchange, &segments) == OK;
    }
    return false;
}

static bool choose_route(struct exchange *exchange, const char *method)
{
    if (find_route(exchange, method)) return true;
    CLEANUP(buffer_done) struct buffer methods = buffer_of_maximum(RESPONSE_HEADER_MAX_BYTES / 4);
    const char *const allowed = allowed_methods(exchange, &methods);
    if (allowed[0] == '\0')
        return refuse_head(exchange, MHD_HTTP_NOT_FOUND, ERR_NOT_FOUND, "request.path", "a path of this service",
                           "another");
    if (strcmp(method, "OPTIONS") == 0) {
        answer_options(exchange, allowed);
        return false;
    }
    (void)!refuse_head(exchange, MHD_HTTP_METHOD_NOT_ALLOWED, ERR_HTTP_MALFORMED, "request.method", allowed, "another");
    http_respond_header(&exchange->response, "allow", allowed);
    return false;
}

static bool check_body(struct exchange *exchange, const struct head *head, const char *method)
{
    const struct http_route *const route = exchange->route;
    uint64_t length = 0;
    if (head->length != NULL && http_content_length(slice_of_text(head->length), &length) != OK)
        return refuse_head(exchange, MHD_HTTP_BAD_REQUEST, ERR_HTTP_MALFORMED, "content-length", "a number", "another");
    if (length > route->max_body) {
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "at most %zu bytes", route->max_body);
        return refuse_head(exchange, MHD_HTTP_CONTENT_TOO_LARGE, ERR_TOO_LARGE, "request.body", expected, "more");
    }
    const bool has_body = head->encoding != NULL || length > 0;
    const bool takes_body = strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
    if (takes_body && route->max_body > 0 && head->length == NULL && head->encoding == NULL)
        return refuse_head(exchange, MHD_HTTP_LENGTH_REQUIRED, ERR_HTTP_MALFORMED, "content-length", "a length",
                           "none");
    const char *const type = http_request_header(&exchange->request, "content-type");
    if (has_body && route->content_type != NULL && !http_media_type_is(type, route->content_type))
        return refuse_head(exchange, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, ERR_HTTP_TYPE, "content-type",
                           route->content_type, "another");
    return true;
}

bool exchange_read_head(struct exchange *exchange, const char *method, const char *version)
{
    exchange->request.method = method;
    exchange->request.client = exchange->visit->client;
    exchange->request.peer = exchange->visit->has_peer ? &exchange->visit->peer : NULL;
    struct head head = {};
    (void)MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, gather_field, &head);
    if (!check_fields(exchange, &head, version) || !read_target(exchange)) return false;
    if (!choose_route(exchange, method) || !check_body(exchange, &head, method)) return false;
    exchange->request.path = (const char *)exchange->path.bytes;
    exchange->body = buffer_of_maximum(exchange->route->max_body);
    return true;
}
