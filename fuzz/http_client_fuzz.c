/* SPDX-License-Identifier: Apache-2.0
 * The whole client with its library: the input is what a server sends, whatever it was asked, before it closes. The
 * dialer's path is a stand-in. */
#include "fuzz.h"
#include "http/client.h"
#include "parts.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { INPUT_MAX_BYTES = 64 * 1024, BODY_MAX_BYTES = 16 * 1024, WAIT_MS = 5000 };

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int listener;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* over what is said next */
static uint8_t prepared[INPUT_MAX_BYTES];
static size_t prepared_size;

const char *__wrap_tunnel_dialer_path(const struct tunnel_dialer *dialer);
const char *__wrap_tunnel_dialer_path(const struct tunnel_dialer *)
{
    return address.sun_path;
}

enum status __wrap_tunnel_dialer_last_refusal(struct tunnel_dialer *dialer, struct refusal *why_out);
enum status __wrap_tunnel_dialer_last_refusal(struct tunnel_dialer *, struct refusal *why_out)
{
    if (why_out != NULL) *why_out = (struct refusal){};
    return OK;
}

/* Reads the request's head, so that closing is no reset, then says what was prepared. */
static void answer_one(int client)
{
    uint8_t request[2048];
    struct pollfd wait = {.fd = client, .events = POLLIN};
    if (poll(&wait, 1, WAIT_MS) == 1) (void)!recv(client, request, sizeof(request), 0);
    (void)pthread_mutex_lock(&lock);
    if (prepared_size > 0) (void)!send(client, prepared, prepared_size, MSG_NOSIGNAL);
    (void)pthread_mutex_unlock(&lock);
    (void)close(client);
}

static void *serve(void *)
{
    for (int client; (client = accept(listener, NULL, NULL)) >= 0;) answer_one(client);
    return NULL;
}

static void remove_socket(void)
{
    (void)unlink(address.sun_path);
    *strrchr(address.sun_path, '/') = '\0';
    (void)rmdir(address.sun_path);
}

static struct http_client *set_up(void)
{
    pthread_t thread;
    struct http_client *client = NULL;
    char folder[64];
    scratch_folder(folder, sizeof(folder));
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
    (void)atexit(remove_socket);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 16) != 0) abort();
    if (pthread_create(&thread, NULL, serve, NULL) != 0) abort();
    (void)pthread_detach(thread);
    /* Only its being there counts: every function that looks into it is a stand-in. */
    must(http_client_new("https://a:1", (struct tunnel_dialer *)&address, &client));
    return client;
}

static void prepare(const uint8_t *bytes, size_t size)
{
    (void)pthread_mutex_lock(&lock);
    prepared_size = size < sizeof(prepared) ? size : sizeof(prepared);
    if (prepared_size > 0) memcpy(prepared, bytes, prepared_size);
    (void)pthread_mutex_unlock(&lock);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct http_client *client;
    if (client == NULL) client = set_up();
    prepare(bytes, size);
    const struct http_exchange exchange = {
        .method = "GET", .path = "/a", .max_answer = BODY_MAX_BYTES, .timeout_ms = WAIT_MS};
    CLEANUP(http_answer_done) struct http_answer answer = {};
    struct refusal why = {};
    const enum status status = http_client_exchange(client, &exchange, &why, &answer);
    if (status == ERR_TIMEOUT) return 0;
    if (status != OK && answer.body.bytes != NULL) abort();
    if (answer.body.size > BODY_MAX_BYTES || answer.headers.size > HTTP_CLIENT_HEADER_MAX_BYTES) abort();
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(HTTP_CLIENT_HEADER_MAX_BYTES);
    if (status == OK) (void)!http_answer_header(&answer, "content-type", &value);
    http_client_forget_connections(client);
    return 0;
}
