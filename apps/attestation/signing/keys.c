/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signing/keys.h"

#include "attestation/signing/key_documents.h"
#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LOOK_S = 3600,      /* at the latest: the clock may have been set, and retired keys leave the list */
    FAILED_PAUSE_S = 5, /* until what failed is tried again */
};

struct signing_keys {
    struct signing_keys_options options;
    struct rotation_rule rule;
    pthread_mutex_t doing;                   /* one step at a time, by whichever thread; over `used` */
    char used[ATTESTATION_KEY_ID_BYTES + 1]; /* by the signers */
    pthread_mutex_t mutex;                   /* over what follows */
    pthread_cond_t wake;
    bool is_changed, is_stopping;
    struct buffer certs, history, metadata;
    bool is_running;
    pthread_t thread;
};

static bool is_ours(const void *context, const struct signing_key *key)
{
    return signers_own_key(context, key);
}

/* ---- what is told ---- */

static enum status tell(struct signing_keys *keys, const struct state_view *view)
{
    CLEANUP(buffer_done) struct buffer certs = buffer_of_maximum(KEY_CERTS_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer history = buffer_of_maximum(KEY_HISTORY_MAX_BYTES);
    TRY(key_documents_certs(view, clock_now_s(keys->options.clock), &certs));
    TRY(key_documents_history(view, &history));
    (void)pthread_mutex_lock(&keys->mutex);
    const struct buffer old[] = {keys->certs, keys->history};
    keys->certs = buffer_take(&certs);
    keys->history = buffer_take(&history);
    certs = old[0];
    history = old[1];
    (void)pthread_mutex_unlock(&keys->mutex);
    return OK;
}

static enum status append(struct signing_keys *keys, const struct buffer *document, struct buffer *text)
{
    (void)pthread_mutex_lock(&keys->mutex);
    const enum status status = buffer_append(text, buffer_slice(document));
    (void)pthread_mutex_unlock(&keys->mutex);
    return status;
}

enum status signing_keys_certs(struct signing_keys *keys, struct buffer *text)
{
    return append(keys, &keys->certs, text);
}

enum status signing_keys_history(struct signing_keys *keys, struct buffer *text)
{
    return append(keys, &keys->history, text);
}

enum status signing_keys_metadata(struct signing_keys *keys, struct buffer *text)
{
    return append(keys, &keys->metadata, text);
}

/* ---- steps ---- */

struct change {
    const struct signing_keys *keys;
    enum rotation_step step;
    const struct signing_key *made;
};

static enum status change_view(void *context, struct state_view *view, struct refusal *why)
{
    const struct change *const change = context;
    const int64_t now_s = clock_now_s(change->keys->options.clock);
    const enum status status = rotation_apply(&change->keys->rule, change->step, change->made, now_s, view);
    return status == OK ? OK : refuse(why, status, "signing keys", "a state that this step is for", "another");
}

static void drop_view(const struct state_view **view)
{
    if (*view != NULL) state_view_free(*view);
}

static enum status do_step(struct signing_keys *keys, enum rotation_step step, struct refusal *why)
{
    CLEANUP(signing_key_done) struct signing_key made = {};
    struct change change = {.keys = keys, .step = step, .made = &made};
    if (step == ROTATION_MAKE_CURRENT || step == ROTATION_MAKE_NEXT)
        TRY(signers_make_key(keys->options.signers, clock_now_s(keys->options.clock), why, &made));
    const enum status status = state_apply(keys->options.state, change_view, &change, why);
    /* Another replica was faster, and did it for this one too. */
    if (status != ERR_CONFLICT) TRY(status);
    if (step == ROTATION_MAKE_CURRENT || step == ROTATION_ADVANCE)
        log_event(LOG_WARNING, "signing_key.new",
                  log_text(LOG_DETAIL, "relying parties need a manifest that names it"));
    return OK;
}

/* The signers use what the state says is current. */
static enum status follow(struct signing_keys *keys, struct refusal *why)
{
    CLEANUP(drop_view) const struct state_view *view = state_view(keys->options.state);
    const struct state_key *const current = rotation_find(view, &keys->rule, STATE_KEY_CURRENT);
    TRY(tell(keys, view));
    if (current == NULL || strcmp(current->key.kid, keys->used) == 0) return OK;
    TRY(signers_use_key(keys->options.signers, &current->key, why));
    memcpy(keys->used, current->key.kid, sizeof(keys->used));
    return OK;
}

static struct rotation_plan decide(struct signing_keys *keys, bool is_asked)
{
    CLEANUP(drop_view) const struct state_view *view = state_view(keys->options.state);
    return rotation_decide(view, &keys->rule, clock_now_s(keys->options.clock), is_asked);
}

/* Until there is nothing to do, or, with `until_current`, until the signers can sign. */
static enum status catch_up(struct signing_keys *keys, bool until_current, struct refusal *why, int64_t *again_s_out)
{
    for (;;) {
        TRY(follow(keys, why));
        const struct rotation_plan plan = decide(keys, false);
        *again_s_out = plan.again_s;
        if (plan.step == ROTATION_NOTHING || (until_current && keys->used[0] != '\0')) return OK;
        TRY(do_step(keys, plan.step, why));
    }
}

static enum status catch_up_alone(struct signing_keys *keys, bool until_current, struct refusal *why,
                                  int64_t *again_s_out)
{
    (void)pthread_mutex_lock(&keys->doing);
    const enum status status = catch_up(keys, until_current, why, again_s_out);
    (void)pthread_mutex_unlock(&keys->doing);
    return status;
}

static enum status rotate(struct signing_keys *keys, struct refusal *why)
{
    int64_t again_s;
    TRY(catch_up(keys, false, why, &again_s));
    const struct rotation_plan plan = decide(keys, true);
    if (plan.is_full)
        return refuse(why, ERR_TOO_LARGE, "signing keys", "a history with room for another key", "a full one");
    TRY(do_step(keys, plan.step, why));
    return follow(keys, why);
}

enum status signing_keys_rotate(struct signing_keys *keys, struct refusal *why)
{
    (void)pthread_mutex_lock(&keys->doing);
    const enum status status = rotate(keys, why);
    (void)pthread_mutex_unlock(&keys->doing);
    signing_keys_changed(keys); /* the thread makes the key after it */
    return status;
}

/* ---- the thread ---- */

/* False when it is to end. */
static bool wait_for_change(struct signing_keys *keys, int64_t wait_s)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_s;
    (void)pthread_mutex_lock(&keys->mutex);
    int result = 0;
    while (!keys->is_stopping && !keys->is_changed && result == 0)
        result = pthread_cond_timedwait(&keys->wake, &keys->mutex, &until);
    keys->is_changed = false;
    const bool goes_on = !keys->is_stopping;
    (void)pthread_mutex_unlock(&keys->mutex);
    return goes_on;
}

static void *keep(void *context)
{
    struct signing_keys *const keys = context;
    int64_t wait_s = 0;
    while (wait_for_change(keys, wait_s)) {
        struct refusal why = {};
        int64_t again_s = INT64_MAX;
        const enum status status = catch_up_alone(keys, false, &why, &again_s);
        const int64_t left_s = again_s - clock_now_s(keys->options.clock);
        wait_s = left_s < 1 ? 1 : left_s < LOOK_S ? left_s : LOOK_S;
        if (status == OK) continue;
        wait_s = FAILED_PAUSE_S;
        if (why.status == OK) (void)!refuse(&why, status, "signing keys", "a step that can be done", "none");
        log_refusal(LOG_WARNING, "signing_key.not_kept", &why);
    }
    return NULL;
}

void signing_keys_changed(struct signing_keys *keys)
{
    (void)pthread_mutex_lock(&keys->mutex);
    keys->is_changed = true;
    (void)pthread_cond_signal(&keys->wake);
    (void)pthread_mutex_unlock(&keys->mutex);
}

enum status signing_keys_start(struct signing_keys *keys)
{
    keys->is_running = pthread_create(&keys->thread, NULL, keep, keys) == 0;
    return keys->is_running ? OK : ERR_NO_MEMORY;
}

/* ---- open and free ---- */

static enum status open_keys(struct signing_keys *keys, struct refusal *why)
{
    int64_t again_s;
    keys->metadata = buffer_of_maximum(KEY_METADATA_MAX_BYTES);
    TRY(key_documents_metadata(keys->options.issuer, keys->options.algorithm, &keys->metadata));
    return catch_up_alone(keys, true, why, &again_s);
}

enum status signing_keys_open(const struct signing_keys_options *options, struct refusal *why,
                              struct signing_keys **keys_out)
{
    struct signing_keys *const keys = calloc(1, sizeof(*keys));
    if (keys == NULL) return ERR_NO_MEMORY;
    keys->options = *options;
    keys->rule = (struct rotation_rule){.is_ours = is_ours,
                                        .context = options->signers,
                                        .algorithm = options->algorithm,
                                        .interval_s = options->interval_s};
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&keys->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)pthread_mutex_init(&keys->mutex, NULL);
    (void)pthread_mutex_init(&keys->doing, NULL);
    const enum status status = open_keys(keys, why);
    if (status == OK)
        *keys_out = keys;
    else
        signing_keys_free(keys);
    return status;
}

static void stop_thread(struct signing_keys *keys)
{
    (void)pthread_mutex_lock(&keys->mutex);
    keys->is_stopping = true;
    (void)pthread_cond_signal(&keys->wake);
    (void)pthread_mutex_unlock(&keys->mutex);
    (void)pthread_join(keys->thread, NULL);
}

void signing_keys_free(struct signing_keys *keys)
{
    if (keys == NULL) return;
    if (keys->is_running) stop_thread(keys);
    (void)pthread_cond_destroy(&keys->wake);
    (void)pthread_mutex_destroy(&keys->mutex);
    (void)pthread_mutex_destroy(&keys->doing);
    buffer_done(&keys->certs);
    buffer_done(&keys->history);
    buffer_done(&keys->metadata);
    free(keys);
}
