/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/housekeeping.h"

#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct housekeeping {
    struct store *store;
    const struct clock *clock;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool is_stopping;
};

static enum status sweep_once(const struct housekeeping *housekeeping, size_t *count_out)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    TRY(store_begin(housekeeping->store, &transaction));
    TRY(store_sweep(transaction, clock_proven_s(housekeeping->clock), HOUSEKEEPING_BATCH, count_out));
    return *count_out == 0 ? OK : store_commit(&transaction);
}

static void sweep(const struct housekeeping *housekeeping)
{
    size_t count = HOUSEKEEPING_BATCH, total = 0;
    enum status status = OK;
    while (status == OK && count == HOUSEKEEPING_BATCH) {
        count = 0;
        status = sweep_once(housekeeping, &count);
        total += count;
    }
    if (status != OK)
        log_event(LOG_WARNING, "store.not_swept", log_status(status));
    else if (total > 0)
        log_event(LOG_INFO, "store.swept", log_number(LOG_COUNT, (int64_t)total));
}

static bool wait_for_next(struct housekeeping *housekeeping)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += HOUSEKEEPING_S;
    (void)pthread_mutex_lock(&housekeeping->mutex);
    int result = 0;
    while (!housekeeping->is_stopping && result == 0)
        result = pthread_cond_timedwait(&housekeeping->wake, &housekeeping->mutex, &until);
    const bool goes_on = !housekeeping->is_stopping;
    (void)pthread_mutex_unlock(&housekeeping->mutex);
    return goes_on;
}

static void *keep_house(void *context)
{
    do sweep(context);
    while (wait_for_next(context));
    return NULL;
}

enum status housekeeping_start(struct store *store, const struct clock *clock, struct housekeeping **housekeeping_out)
{
    struct housekeeping *const housekeeping = calloc(1, sizeof(*housekeeping));
    if (housekeeping == NULL) return ERR_NO_MEMORY;
    housekeeping->store = store;
    housekeeping->clock = clock;
    (void)pthread_mutex_init(&housekeeping->mutex, NULL);
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&housekeeping->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (pthread_create(&housekeeping->thread, NULL, keep_house, housekeeping) != 0) {
        (void)pthread_cond_destroy(&housekeeping->wake);
        (void)pthread_mutex_destroy(&housekeeping->mutex);
        free(housekeeping);
        return ERR_NO_MEMORY;
    }
    *housekeeping_out = housekeeping;
    return OK;
}

void housekeeping_stop(struct housekeeping *housekeeping)
{
    if (housekeeping == NULL) return;
    (void)pthread_mutex_lock(&housekeeping->mutex);
    housekeeping->is_stopping = true;
    (void)pthread_cond_signal(&housekeeping->wake);
    (void)pthread_mutex_unlock(&housekeeping->mutex);
    (void)pthread_join(housekeeping->thread, NULL);
    (void)pthread_cond_destroy(&housekeeping->wake);
    (void)pthread_mutex_destroy(&housekeeping->mutex);
    free(housekeeping);
}
