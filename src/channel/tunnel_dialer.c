/* SPDX-License-Identifier: Apache-2.0
 *
 * The way in for libraries that dial a Unix socket: a thread accepts there, looks the target's name up (which may
 * block), and hands the connection to the loop.
 */
#include "channel/tunnel_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { DIALER_BACKLOG = 64, DESCRIPTOR_PAUSE_US = 100000 };

struct tunnel_dialer {
    struct tunnel *tunnel;
    struct address address;
    struct tunnel_endpoint *endpoint;
    SSL_CTX *ordinary;
    char server_name[ADDRESS_HOST_MAX_BYTES + 1];
    char folder[ADDRESS_PATH_MAX_BYTES + 1];
    char path[ADDRESS_PATH_MAX_BYTES + 1];
    int socket;
    pthread_t thread;
    bool has_thread;
    _Atomic bool is_stopping;
    _Atomic size_t owners; /* the caller's handle, and each connection */
    pthread_mutex_t lock;
    enum status last_status;
    struct refusal last_why;
};

static void release(struct tunnel_dialer *dialer)
{
    if (--dialer->owners > 0) return;
    SSL_CTX_free(dialer->ordinary);
    (void)pthread_mutex_destroy(&dialer->lock);
    free(dialer);
}

static void note_failure(struct tunnel_dialer *dialer, enum status status, const struct refusal *why)
{
    (void)pthread_mutex_lock(&dialer->lock);
    dialer->last_status = status;
    dialer->last_why = *why;
    (void)pthread_mutex_unlock(&dialer->lock);
}

enum status tunnel_dialer_last_refusal(struct tunnel_dialer *dialer, struct refusal *why_out)
{
    (void)pthread_mutex_lock(&dialer->lock);
    const enum status status = dialer->last_status;
    if (why_out != NULL) *why_out = dialer->last_why;
    dialer->last_status = OK;
    dialer->last_why = (struct refusal){};
    (void)pthread_mutex_unlock(&dialer->lock);
    return status;
}

/* ---- on the loop's thread ---- */

/* A connection that came in at the path, from its arrival to its end. */
struct passage {
    struct task task;
    struct tunnel_dialer *dialer;
    struct address_list addresses;
    int inner; /* -1 once the connection owns it */
};

static void passage_free(struct passage *passage)
{
    close_descriptor(&passage->inner);
    release(passage->dialer);
    free(passage);
}

static void on_opened(void *context, struct connection *connection, const struct tunnel_peer *peer)
{
    (void)peer;
    struct passage *const passage = context;
    const int inner = passage->inner;
    passage->inner = -1;
    connection_open(connection, inner);
}

/* The reason is noted before the inner end is closed, so that who sees the end can ask for it. */
static void on_failed(void *context, enum status status, const struct refusal *why, struct slice token)
{
    (void)token;
    struct passage *const passage = context;
    note_failure(passage->dialer, status, why);
}

static void on_closed(void *context, bool was_opened)
{
    (void)was_opened;
    passage_free(context);
}

static void dial(struct task *task)
{
    static const struct connection_owner owner = {.opened = on_opened, .failed = on_failed, .closed = on_closed};
    struct passage *const passage = (struct passage *)task;
    struct tunnel_dialer *const dialer = passage->dialer;
    const struct connection_dial wanted = {.addresses = &passage->addresses,
                                           .endpoint = dialer->endpoint,
                                           .ordinary = dialer->ordinary,
                                           .server_name = dialer->server_name,
                                           .timeout_ms = TUNNEL_HANDSHAKE_TIMEOUT_MS};
    const enum status status = connection_dial(dialer->tunnel, &wanted, &owner, passage);
    if (status == OK) return;
    struct refusal why = {};
    (void)!refuse(&why, status, "tunnel", "a connection", "%s", status_text(status));
    note_failure(dialer, status, &why);
    passage_free(passage);
}

/* ---- on the dialer's thread ---- */

/* The folder's mode keeps other users out; this keeps other programs of the same user out. */
static bool is_own_process(int inner)
{
    struct ucred peer = {};
    socklen_t size = sizeof(peer);
    return getsockopt(inner, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == getpid() &&
           peer.uid == getuid();
}

static void take_in(struct tunnel_dialer *dialer, int inner)
{
    struct passage *const passage = calloc(1, sizeof(*passage));
    if (passage == NULL || !is_own_process(inner)) {
        free(passage);
        (void)close(inner);
        return;
    }
    dialer->owners++;
    *passage = (struct passage){.task.run = dial, .dialer = dialer, .inner = inner};
    struct refusal why = {};
    const enum status status = address_resolve(&dialer->address, &why, &passage->addresses);
    if (status == OK) {
        loop_call(dialer->tunnel, &passage->task);
        return;
    }
    note_failure(dialer, status, &why);
    passage_free(passage);
}

static void *accept_all(void *context)
{
    struct tunnel_dialer *const dialer = context;
    while (!dialer->is_stopping) {
        const int inner = accept4(dialer->socket, NULL, NULL, SOCK_CLOEXEC);
        if (inner >= 0)
            take_in(dialer, inner);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            (void)usleep(DESCRIPTOR_PAUSE_US);
        else if (errno != EINTR && errno != ECONNABORTED)
            return NULL;
    }
    return NULL;
}

/* ---- making and freeing ---- */

static enum status refuse_path(struct refusal *why, const char *path)
{
    return refuse(why, ERR_IO, path, "a private folder for a socket", "%s", strerror(errno));
}

static enum status open_path(struct tunnel_dialer *dialer, struct refusal *why)
{
    char folder[] = "/tmp/lazaret-XXXXXX";
    if (mkdtemp(folder) == NULL) return refuse_path(why, folder);
    (void)snprintf(dialer->folder, sizeof(dialer->folder), "%s", folder);
    (void)snprintf(dialer->path, sizeof(dialer->path), "%s/dialer", folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/dialer", folder);
    dialer->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (dialer->socket < 0 || bind(dialer->socket, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(dialer->socket, DIALER_BACKLOG) != 0)
        return refuse_path(why, dialer->path);
    return OK;
}

static enum status open_dialer(struct tunnel_dialer *dialer, const struct tunnel_target *target, struct refusal *why)
{
    TRY(address_parse(target->address, why, &dialer->address));
    if (target->endpoint == NULL) {
        const int wanted = snprintf(dialer->server_name, sizeof(dialer->server_name), "%s",
                                    target->server_name != NULL ? target->server_name : "");
        if (wanted <= 0 || (size_t)wanted >= sizeof(dialer->server_name))
            return refuse(why, ERR_CONFIG, "server_name", "the server's name", "%d bytes", wanted);
        TRY(tls_client_context(target->ca_pem, why, &dialer->ordinary));
    }
    TRY(open_path(dialer, why));
    dialer->has_thread = pthread_create(&dialer->thread, NULL, accept_all, dialer) == 0;
    return dialer->has_thread ? OK : ERR_NO_MEMORY;
}

enum status tunnel_dialer_new(struct tunnel *tunnel, const struct tunnel_target *target, struct refusal *why,
                              struct tunnel_dialer **dialer_out)
{
    struct tunnel_dialer *const dialer = calloc(1, sizeof(*dialer));
    if (dialer == NULL) return ERR_NO_MEMORY;
    dialer->tunnel = tunnel;
    dialer->endpoint = target->endpoint;
    dialer->socket = -1;
    dialer->owners = 1;
    (void)pthread_mutex_init(&dialer->lock, NULL);
    const enum status status = open_dialer(dialer, target, why);
    if (status != OK)
        tunnel_dialer_free(dialer);
    else
        *dialer_out = dialer;
    return status;
}

const char *tunnel_dialer_path(const struct tunnel_dialer *dialer)
{
    return dialer->path;
}

void tunnel_dialer_free(struct tunnel_dialer *dialer)
{
    if (dialer == NULL) return;
    dialer->is_stopping = true;
    /* Wakes the thread out of accept. */
    if (dialer->socket >= 0) (void)shutdown(dialer->socket, SHUT_RDWR);
    if (dialer->has_thread) (void)pthread_join(dialer->thread, NULL);
    close_descriptor(&dialer->socket);
    if (dialer->path[0] != '\0') (void)unlink(dialer->path);
    if (dialer->folder[0] != '\0') (void)rmdir(dialer->folder);
    release(dialer);
}
