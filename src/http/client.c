/* SPDX-License-Identifier: Apache-2.0 */
#include "http/client.h"

#include "http/target.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BASE_URL_MAX_BYTES = 512, HEADER_LINE_MAX_BYTES = 8192 };

struct http_client {
    pthread_mutex_t lock; /* one exchange at a time */
    CURL *easy;
    struct tunnel_dialer *dialer;
    char base_url[BASE_URL_MAX_BYTES]; /* "http://host:port", whatever the scheme that was given */
    _Atomic bool is_interrupted;
};

void http_answer_done(struct http_answer *answer)
{
    buffer_done(&answer->body);
    buffer_done(&answer->headers);
}

/* TLS is the tunnel's, so the library is only ever told http. Neither path nor query may stand in a base. */
static enum status keep_base_url(const char *base_url, bool has_dialer, char kept_out[static BASE_URL_MAX_BYTES])
{
    const struct slice url = slice_of_text(base_url), https = SLICE_LITERAL("https://"),
                       http = SLICE_LITERAL("http://");
    const struct slice scheme = has_dialer && slice_starts_with(url, https) ? https : http;
    if (!slice_starts_with(url, scheme)) return ERR_CONFIG;
    const struct slice authority = slice_part(url, scheme.size, url.size);
    for (size_t i = 0; i < authority.size; i++) {
        const uint8_t c = authority.bytes[i];
        if (c <= ' ' || c > '~' || strchr("/?#@\\%\"<>", c) != NULL) return ERR_CONFIG;
    }
    const int wanted = snprintf(kept_out, BASE_URL_MAX_BYTES, "http://%.*s", (int)authority.size,
                                authority.size == 0 ? "" : (const char *)authority.bytes);
    return authority.size > 0 && wanted > 0 && wanted < BASE_URL_MAX_BYTES ? OK : ERR_CONFIG;
}

enum status http_client_new(const char *base_url, struct tunnel_dialer *dialer, struct http_client **client_out)
{
    struct http_client *const client = calloc(1, sizeof(*client));
    if (client == NULL) return ERR_NO_MEMORY;
    client->dialer = dialer;
    (void)pthread_mutex_init(&client->lock, NULL);
    enum status status = keep_base_url(base_url, dialer != NULL, client->base_url);
    if (status == OK) {
        client->easy = curl_easy_init();
        status = client->easy != NULL ? OK : ERR_NO_MEMORY;
    }
    if (status != OK)
        http_client_free(client);
    else
        *client_out = client;
    return status;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL) return;
    curl_easy_cleanup(client->easy);
    (void)pthread_mutex_destroy(&client->lock);
    free(client);
}

void http_client_forget_connections(struct http_client *client)
{
    (void)pthread_mutex_lock(&client->lock);
    /* Connections belong to the handle. Without memory for another one, the old connections stay, and the pin on the
     * tunnel's side still refuses every new one. */
    CURL *const fresh = curl_easy_init();
    if (fresh != NULL) {
        curl_easy_cleanup(client->easy);
        client->easy = fresh;
    }
    (void)pthread_mutex_unlock(&client->lock);
}

void http_client_interrupt(struct http_client *client)
{
    if (client != NULL) atomic_store(&client->is_interrupted, true);
}

/* The library asks at least once a second while it waits. */
static int ask_for_end(void *context, curl_off_t, curl_off_t, curl_off_t, curl_off_t)
{
    const struct http_client *const client = context;
    return atomic_load(&client->is_interrupted) ? 1 : 0;
}

/* ---- what comes in ---- */

struct receipt {
    struct http_answer answer;
    enum status status; /* why the rest was not taken */
};

static size_t take_body(char *bytes, size_t one, size_t size, void *context)
{
    struct receipt *const receipt = context;
    receipt->status = buffer_append(&receipt->answer.body, slice_of(bytes, one * size));
    return receipt->status == OK ? one * size : 0;
}

/* A status line begins a new answer: what came before belonged to an interim one (100, 103). */
static size_t take_header(char *bytes, size_t one, size_t size, void *context)
{
    struct receipt *const receipt = context;
    const struct slice line = slice_of(bytes, one * size);
    if (slice_starts_with(line, SLICE_LITERAL("HTTP/"))) buffer_clear(&receipt->answer.headers);
    receipt->status = buffer_append(&receipt->answer.headers, line);
    return receipt->status == OK ? line.size : 0;
}

/* ---- what goes out ---- */

static void headers_cleanup(struct curl_slist **headers)
{
    curl_slist_free_all(*headers);
}

/* A list to which nothing can be added stays as it is, and the caller is told. */
static enum status add_header(struct curl_slist **headers, const char *line)
{
    if (!http_is_field_value(slice_of_text(line))) return ERR_HTTP_MALFORMED;
    struct curl_slist *const longer = curl_slist_append(*headers, line);
    if (longer == NULL) return ERR_NO_MEMORY;
    *headers = longer;
    return OK;
}

static enum status list_headers(const struct http_exchange *exchange, struct curl_slist **headers)
{
    /* An empty value keeps the library from adding its own: no waiting for 100, no type that nobody gave. */
    TRY(add_header(headers, "Expect:"));
    char type[HEADER_LINE_MAX_BYTES];
    const char *const given = exchange->content_type != NULL ? exchange->content_type : "";
    const int wanted = snprintf(type, sizeof(type), "Content-Type:%s%s", given[0] == '\0' ? "" : " ", given);
    if (wanted < 0 || (size_t)wanted >= sizeof(type)) return ERR_TOO_LARGE;
    TRY(add_header(headers, type));
    for (const char *const *line = exchange->headers; line != NULL && *line != NULL; line++)
        TRY(add_header(headers, *line));
    return OK;
}

/* Nothing but HTTP/1.1 to the one place that was configured: no redirect, proxy, netrc, cookie or other protocol. */
static void forbid_detours(CURL *easy)
{
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
    (void)curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "");
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
}

static void set_request(CURL *easy, const struct http_exchange *exchange)
{
    const bool is_head = strcmp(exchange->method, "HEAD") == 0, is_get = strcmp(exchange->method, "GET") == 0;
    if (is_head) {
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (!is_get || exchange->body.size > 0) {
        (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body.size);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                               exchange->body.size > 0 ? exchange->body.bytes : (const void *)"");
        (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->method);
    }
    const long timeout_ms = exchange->timeout_ms > 0 ? exchange->timeout_ms : HTTP_CLIENT_TIMEOUT_MS;
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
}

static CURLcode perform(struct http_client *client, const struct http_exchange *exchange, const char *url,
                        struct curl_slist *headers, struct receipt *receipt)
{
    CURL *const easy = client->easy;
    curl_easy_reset(easy); /* keeps the connection */
    forbid_detours(easy);
    set_request(easy, exchange);
    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, receipt);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, receipt);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, ask_for_end);
    (void)curl_easy_setopt(easy, CURLOPT_XFERINFODATA, client);
    if (client->dialer != NULL)
        (void)curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, tunnel_dialer_path(client->dialer));
    return curl_easy_perform(easy);
}

/* ---- what it means ---- */

static enum status status_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK: return OK;
    case CURLE_OPERATION_TIMEDOUT: return ERR_TIMEOUT;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST: return ERR_CONNECT;
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE: return ERR_CLOSED;
    case CURLE_OUT_OF_MEMORY: return ERR_NO_MEMORY;
    default: return ERR_HTTP_MALFORMED;
    }
}

static enum status explain(struct http_client *client, const struct http_exchange *exchange,
                           const struct receipt *receipt, CURLcode code, struct refusal *why)
{
    if (receipt->status == ERR_TOO_LARGE) {
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "at most %zu bytes", exchange->max_answer);
        return refuse(why, ERR_TOO_LARGE, "answer", expected, "more");
    }
    struct refusal tunnel_why = {};
    const enum status tunnel_status =
        client->dialer != NULL ? tunnel_dialer_last_refusal(client->dialer, &tunnel_why) : OK;
    if (tunnel_status == OK)
        return refuse(why, status_of(code), "http", "an answer from the server", "%s", curl_easy_strerror(code));
    if (why != NULL) *why = tunnel_why;
    return tunnel_status;
}

static enum status exchange_locked(struct http_client *client, const struct http_exchange *exchange, const char *url,
                                   struct refusal *why, struct receipt *receipt)
{
    CLEANUP(headers_cleanup) struct curl_slist *headers = NULL;
    TRY(list_headers(exchange, &headers));
    /* What failed before this exchange is none of its business. */
    if (client->dialer != NULL) (void)!tunnel_dialer_last_refusal(client->dialer, NULL);
    const CURLcode code = perform(client, exchange, url, headers, receipt);
    if (code != CURLE_OK) return explain(client, exchange, receipt, code, why);
    long status = 0;
    (void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
    receipt->answer.status = (unsigned)status;
    return OK;
}

static enum status check_request(const struct http_exchange *exchange, struct refusal *why)
{
    const struct slice path = slice_of_text(exchange->path);
    bool is_visible = path.size > 0 && path.bytes[0] == '/';
    for (size_t i = 0; i < path.size; i++) is_visible = is_visible && path.bytes[i] > ' ' && path.bytes[i] <= '~';
    if (!is_visible || memchr(path.bytes, '#', path.size) != NULL)
        return refuse(why, ERR_HTTP_MALFORMED, "path", "a percent-encoded path", "another text");
    if (!http_is_token(slice_of_text(exchange->method)))
        return refuse(why, ERR_HTTP_MALFORMED, "method", "a method", "another text");
    return OK;
}

static void receipt_done(struct receipt *receipt)
{
    http_answer_done(&receipt->answer);
}

enum status http_client_exchange(struct http_client *client, const struct http_exchange *exchange, struct refusal *why,
                                 struct http_answer *answer_out)
{
    TRY(check_request(exchange, why));
    const size_t path_size = strlen(exchange->path);
    CLEANUP(buffer_done) struct buffer url = buffer_of_maximum(BASE_URL_MAX_BYTES + path_size);
    const char *url_text;
    TRY(buffer_append_text(&url, client->base_url));
    TRY(buffer_append_text(&url, exchange->path));
    TRY(buffer_text(&url, &url_text));
    CLEANUP(receipt_done)
    struct receipt receipt = {.answer = {.body = buffer_of_maximum(exchange->max_answer),
                                         .headers = buffer_of_maximum(HTTP_CLIENT_HEADER_MAX_BYTES)}};
    (void)pthread_mutex_lock(&client->lock);
    const enum status status = exchange_locked(client, exchange, url_text, why, &receipt);
    (void)pthread_mutex_unlock(&client->lock);
    TRY(status);
    *answer_out = receipt.answer;
    receipt.answer = (struct http_answer){};
    return OK;
}

static struct slice trim(struct slice text)
{
    while (text.size > 0 && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) text = slice_part(text, 1, text.size);
    while (text.size > 0 && strchr(" \t\r\n", text.bytes[text.size - 1]) != NULL) text.size--;
    return text;
}

enum status http_answer_header(const struct http_answer *answer, const char *name, struct buffer *value)
{
    struct slice rest = buffer_slice(&answer->headers), line, field, content;
    while (slice_split(rest, '\n', &line, &rest)) {
        if (!slice_split(line, ':', &field, &content) || field.size != strlen(name)) continue;
        if (strncasecmp((const char *)field.bytes, name, field.size) == 0) return buffer_append(value, trim(content));
    }
    return ERR_FIELD_MISSING;
}
