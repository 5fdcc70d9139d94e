/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/custody.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct custody {
    pthread_mutex_t mutex;
    pthread_cond_t left;
    enum custody_state state;
    bool is_changing;
    size_t inside;
    struct refusal reason; /* while locked */
};

enum status custody_new(struct custody **custody_out)
{
    struct custody *const custody = calloc(1, sizeof(*custody));
    if (custody == NULL) return ERR_NO_MEMORY;
    (void)pthread_mutex_init(&custody->mutex, NULL);
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&custody->left, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    *custody_out = custody;
    return OK;
}

void custody_free(struct custody *custody)
{
    if (custody == NULL) return;
    (void)pthread_cond_destroy(&custody->left);
    (void)pthread_mutex_destroy(&custody->mutex);
    free(custody);
}

enum custody_state custody_now(struct custody *custody)
{
    (void)pthread_mutex_lock(&custody->mutex);
    const enum custody_state state = custody->state;
    (void)pthread_mutex_unlock(&custody->mutex);
    return state;
}

static enum status refuse_entry(const struct custody *custody, struct refusal *why)
{
    if (custody->state == CUSTODY_LOCKED && custody->reason.status != OK) {
        if (why != NULL) *why = custody->reason;
        return ERR_STORE_LOCKED;
    }
    const char *const seen = custody->state == CUSTODY_LOCKED ? "not yet" : "handed over to the successor";
    (void)!refuse(why, ERR_STORE_LOCKED, "records", "open here", "%s", seen);
    return refuse_fix(why, ERR_STORE_LOCKED,
                      custody->state == CUSTODY_LOCKED ? "wait a moment"
                                                       : "verify the platform's successor, and go on there");
}

enum status custody_enter(struct custody *custody, struct refusal *why)
{
    enum status status = OK;
    (void)pthread_mutex_lock(&custody->mutex);
    if (custody->state == CUSTODY_OPEN)
        custody->inside++;
    else
        status = refuse_entry(custody, why);
    (void)pthread_mutex_unlock(&custody->mutex);
    return status;
}

void custody_leave(struct custody *custody)
{
    (void)pthread_mutex_lock(&custody->mutex);
    if (--custody->inside == 0) (void)pthread_cond_broadcast(&custody->left);
    (void)pthread_mutex_unlock(&custody->mutex);
}

void custody_explain(struct custody *custody, const struct refusal *why)
{
    (void)pthread_mutex_lock(&custody->mutex);
    custody->reason = *why;
    custody->reason.status = ERR_STORE_LOCKED;
    (void)pthread_mutex_unlock(&custody->mutex);
}

enum status custody_begin_change(struct custody *custody, enum custody_state from, struct refusal *why)
{
    (void)pthread_mutex_lock(&custody->mutex);
    enum status status = OK;
    if (custody->is_changing)
        status = refuse(why, ERR_BUSY, "records", "one change at a time", "another under way");
    else if (custody->state != from)
        status = refuse(why, ERR_NOT_FOUND, "records", from == CUSTODY_LOCKED ? "a locked store" : "an open store",
                        custody->state == CUSTODY_OPEN ? "an open one" : "one that is not open here");
    custody->is_changing = custody->is_changing || status == OK;
    (void)pthread_mutex_unlock(&custody->mutex);
    return status;
}

void custody_end_change(struct custody *custody, enum custody_state now)
{
    (void)pthread_mutex_lock(&custody->mutex);
    custody->is_changing = false;
    custody->state = now;
    (void)pthread_mutex_unlock(&custody->mutex);
}

enum status custody_drain(struct custody *custody, int timeout_ms, struct refusal *why)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&custody->mutex);
    custody->state = CUSTODY_LEAVING;
    int result = 0;
    while (custody->inside > 0 && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&custody->left, &custody->mutex, &until);
    const size_t inside = custody->inside;
    if (inside > 0) custody->state = CUSTODY_OPEN;
    (void)pthread_mutex_unlock(&custody->mutex);
    if (inside == 0) return OK;
    return refuse(why, ERR_TIMEOUT, "requests", "all finished in time", "%zu under way", inside);
}
