/* SPDX-License-Identifier: Apache-2.0
 *
 * Loops of others on the tunnel's thread.
 */
#include "channel/tunnel_internal.h"

#include <stdlib.h>

struct tunnel_guest {
    struct task woken; /* first */
    _Atomic bool is_woken;
    struct tunnel *tunnel;
    struct event *ready;
    tunnel_guest_run *run;
    void *context;
};

static void on_ready(evutil_socket_t unused, short what, void *context)
{
    (void)unused;
    (void)what;
    struct tunnel_guest *const guest = context;
    if (guest->run(guest->context)) event_active(guest->ready, EV_READ, 0);
}

/* Those who wake it before it runs need no further task: the flag falls before `run` looks. */
static void run_woken(struct task *task)
{
    struct tunnel_guest *const guest = (struct tunnel_guest *)task;
    guest->is_woken = false;
    on_ready(-1, 0, guest);
}

void tunnel_guest_wake(struct tunnel_guest *guest)
{
    if (!atomic_exchange(&guest->is_woken, true)) loop_post(guest->tunnel, &guest->woken);
}

struct guest_task {
    struct task task;
    struct tunnel_guest *guest;
    int descriptor;
    enum status status;
};

static void run_invite(struct task *task)
{
    static const struct timeval at_least = {.tv_usec = TUNNEL_TICK_MS * 1000};
    struct guest_task *const wanted = (struct guest_task *)task;
    struct tunnel_guest *const guest = wanted->guest;
    guest->ready = event_new(guest->tunnel->base, wanted->descriptor, EV_READ | EV_PERSIST, on_ready, guest);
    const bool is_there = guest->ready != NULL && event_add(guest->ready, &at_least) == 0;
    wanted->status = is_there ? OK : ERR_NO_MEMORY;
}

static void run_leave(struct task *task)
{
    struct tunnel_guest *const guest = ((struct guest_task *)task)->guest;
    if (guest->ready != NULL) event_free(guest->ready);
}

enum status tunnel_invite(struct tunnel *tunnel, int descriptor, tunnel_guest_run *run, void *context,
                          struct tunnel_guest **guest_out)
{
    struct tunnel_guest *const guest = malloc(sizeof(*guest));
    if (guest == NULL) return ERR_NO_MEMORY;
    *guest = (struct tunnel_guest){.woken.run = run_woken, .tunnel = tunnel, .run = run, .context = context};
    struct guest_task task = {.task.run = run_invite, .guest = guest, .descriptor = descriptor};
    loop_call(tunnel, &task.task);
    if (task.status != OK)
        tunnel_guest_free(guest);
    else
        *guest_out = guest;
    return task.status;
}

void tunnel_guest_free(struct tunnel_guest *guest)
{
    if (guest == NULL) return;
    struct guest_task task = {.task.run = run_leave, .guest = guest};
    loop_call(guest->tunnel, &task.task);
    free(guest);
}
