/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/management/state.h"

#include "attestation/management/state_form.h"
#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    TRIES_MAX = 64,        /* of a change, while other replicas are faster */
    WATCH_MS = 60 * 1000,  /* of one wait; changes end it */
    FAILED_PAUSE_MS = 500, /* until a document that could not be read is read again */
};

/* A view with its owners. The view is first, so that a pointer to it is one to this. */
struct shared_view {
    struct state_view view;
    _Atomic unsigned owners;
};

struct state {
    struct state_options options;
    pthread_mutex_t change; /* one change of this process at a time */
    pthread_mutex_t mutex;  /* over `newest`, and over telling of it, so that views are told in their order */
    struct shared_view *newest;
    pthread_t watcher;
    bool is_watched;
    _Atomic bool is_stopping;
};

/* ---- views ---- */

void state_view_free(const struct state_view *view)
{
    struct shared_view *const shared = (struct shared_view *)view;
    if (shared == NULL || atomic_fetch_sub(&shared->owners, 1) > 1) return;
    state_view_clear(&shared->view);
    free(shared);
}

static void drop(struct shared_view **shared)
{
    if (*shared != NULL) state_view_free(&(*shared)->view);
    *shared = NULL;
}

static enum status new_view(struct shared_view **shared_out)
{
    struct shared_view *const shared = calloc(1, sizeof(*shared));
    if (shared == NULL) return ERR_NO_MEMORY;
    shared->owners = 1;
    *shared_out = shared;
    return OK;
}

const struct state_view *state_view(struct state *state)
{
    (void)pthread_mutex_lock(&state->mutex);
    (void)atomic_fetch_add(&state->newest->owners, 1);
    const struct state_view *const view = &state->newest->view;
    (void)pthread_mutex_unlock(&state->mutex);
    return view;
}

/* Takes the view over. An older one than is known (another thread was faster) is let go. */
static void publish(struct state *state, struct shared_view **shared)
{
    (void)pthread_mutex_lock(&state->mutex);
    if (state->newest == NULL || (*shared)->view.version > state->newest->view.version) {
        drop(&state->newest);
        state->newest = *shared;
        *shared = NULL;
        if (state->options.changed != NULL) state->options.changed(state->options.context, &state->newest->view);
    }
    (void)pthread_mutex_unlock(&state->mutex);
}

static uint64_t newest_version(struct state *state)
{
    (void)pthread_mutex_lock(&state->mutex);
    const uint64_t version = state->newest->view.version;
    (void)pthread_mutex_unlock(&state->mutex);
    return version;
}

/* ---- the document ---- */

static enum status load(struct state *state, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(STATE_MAX_BYTES);
    CLEANUP(drop) struct shared_view *shared = NULL;
    uint64_t version;
    TRY(document_read(state->options.document, why, &bytes, &version));
    TRY(new_view(&shared));
    TRY(state_read(buffer_slice(&bytes), why, &shared->view));
    shared->view.version = version;
    publish(state, &shared);
    return OK;
}

static enum status store(struct state *state, const struct state_view *view, uint64_t version, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(STATE_MAX_BYTES);
    const enum status status = state_write(view, &bytes);
    if (status == ERR_TOO_LARGE)
        return refuse(why, status, "state", "policies, certificates and keys of at most 4194304 bytes in all", "more");
    TRY(status);
    return document_write(state->options.document, version, buffer_slice(&bytes), why);
}

/* Replicas may make the first one at the same moment: then one of them does. */
static enum status make_first(struct state *state, struct refusal *why)
{
    CLEANUP(drop) struct shared_view *shared = NULL;
    TRY(new_view(&shared));
    TRY(state_defaults(&shared->view));
    const enum status status = store(state, &shared->view, 0, why);
    return status == ERR_CONFLICT ? OK : status;
}

static enum status load_or_make(struct state *state, struct refusal *why)
{
    const enum status status = load(state, why);
    if (status != ERR_NOT_FOUND) return status;
    TRY(make_first(state, why));
    return load(state, why);
}

/* ---- changes ---- */

/* One try on the newest view. */
static enum status try_change(struct state *state, state_change *change, void *context, struct refusal *why)
{
    CLEANUP(drop) struct shared_view *shared = NULL;
    TRY(new_view(&shared));
    const struct state_view *const before = state_view(state);
    const enum status copied = state_view_copy(before, &shared->view);
    state_view_free(before);
    TRY(copied);
    TRY(change(context, &shared->view, why));
    TRY(store(state, &shared->view, shared->view.version, why));
    shared->view.version++;
    publish(state, &shared);
    return OK;
}

static enum status apply(struct state *state, state_change *change, void *context, struct refusal *why)
{
    enum status status = ERR_CONFLICT;
    for (int tries = 0; tries < TRIES_MAX && status == ERR_CONFLICT; tries++) {
        status = try_change(state, change, context, why);
        if (status == ERR_CONFLICT) TRY(load(state, why));
    }
    return status;
}

enum status state_apply(struct state *state, state_change *change, void *context, struct refusal *why)
{
    (void)pthread_mutex_lock(&state->change);
    const enum status status = apply(state, change, context, why);
    (void)pthread_mutex_unlock(&state->change);
    return status;
}

/* ---- watching what replicas change ---- */

static void *watch(void *context)
{
    struct state *const state = context;
    while (!atomic_load(&state->is_stopping)) {
        struct refusal why = {};
        if (!document_wait(state->options.document, newest_version(state), WATCH_MS)) continue;
        if (load(state, &why) == OK) continue;
        log_refusal(LOG_ERROR, "state.not_read", &why);
        (void)document_wait(state->options.document, UINT64_MAX, FAILED_PAUSE_MS);
    }
    return NULL;
}

enum status state_open(const struct state_options *options, struct refusal *why, struct state **state_out)
{
    struct state *const state = calloc(1, sizeof(*state));
    if (state == NULL) return ERR_NO_MEMORY;
    state->options = *options;
    (void)pthread_mutex_init(&state->change, NULL);
    (void)pthread_mutex_init(&state->mutex, NULL);
    enum status status = load_or_make(state, why);
    if (status == OK) {
        state->is_watched = pthread_create(&state->watcher, NULL, watch, state) == 0;
        if (!state->is_watched) status = ERR_NO_MEMORY;
    }
    if (status == OK)
        *state_out = state;
    else
        state_free(state);
    return status;
}

void state_free(struct state *state)
{
    if (state == NULL) return;
    atomic_store(&state->is_stopping, true);
    if (state->is_watched) {
        document_interrupt(state->options.document);
        (void)pthread_join(state->watcher, NULL);
    }
    drop(&state->newest);
    (void)pthread_mutex_destroy(&state->mutex);
    (void)pthread_mutex_destroy(&state->change);
    free(state);
}
