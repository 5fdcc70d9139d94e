/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/parser/parser.h"

#include "attestation/parser/child.h"
#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* A child's place: one that died is replaced in it. */
struct place {
    int socket; /* -1: no child yet */
    uint32_t child;
    struct place *next; /* in the list of those that are free */
};

/* A question that waits for a place; on its thread's stack. */
struct waiter {
    pthread_cond_t is_served;
    struct place *place; /* NULL: not yet */
    struct waiter *next;
};

struct parsers {
    struct parser_options options;
    struct nursery *nursery;
    pthread_mutex_t mutex;     /* over what follows */
    struct place *free_places; /* none while somebody waits */
    struct waiter *first;
    unsigned waiting;
    struct place places[];
};

static unsigned count_of(const struct parser_options *options)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (options->count > 0) return options->count;
    return processors > 0 ? (unsigned)processors : 1;
}

/* ---- children ---- */

static void close_child(struct place *place)
{
    if (place->socket >= 0) (void)close(place->socket);
    place->socket = -1;
}

/* Started at once, so that it is there when the next question comes; if that fails, the next question tries again. */
static void open_child(struct parsers *parsers, struct place *place)
{
    if (nursery_open_numbered(parsers->nursery, &place->child, &place->socket) != OK) place->socket = -1;
}

/* It may be at work still, and deaf. */
static void replace_child(struct parsers *parsers, struct place *place)
{
    nursery_kill(parsers->nursery, place->child);
    close_child(place);
    open_child(parsers, place);
}

/* ---- start and end ---- */

/* Libraries open files when they are first used, which a child may not: jansson for the seed of its tables, OpenSSL for
 * its configuration, the C library for the time zone, even where a time has none. */
static enum status use_libraries_once(void)
{
    uint8_t digest[SHA256_BYTES];
    json_decref(json_object());
    tzset();
    return sha256((struct slice){}, digest);
}

static enum status start_nursery(struct parsers *parsers, struct refusal *why)
{
    const struct nursery_plan plan = {
        .name = "lazaret-parser",
        .work = parser_child_work,
        .context = &parsers->options,
        .containment = {.level = CONTAINED_COMPUTE, .memory_bytes = PARSER_MEMORY_BYTES},
        .keep_descriptor = -1,
    };
    TRY(use_libraries_once());
    return nursery_start(&plan, why, &parsers->nursery);
}

enum status parsers_start(const struct parser_options *options, struct refusal *why, struct parsers **parsers_out)
{
    const unsigned count = count_of(options);
    struct parsers *const parsers = calloc(1, sizeof(*parsers) + count * sizeof(parsers->places[0]));
    if (parsers == NULL) return ERR_NO_MEMORY;
    parsers->options = *options;
    parsers->options.count = count;
    if (parsers->options.queue == 0) parsers->options.queue = PARSER_QUEUE;
    if (parsers->options.timeout_ms == 0) parsers->options.timeout_ms = PARSER_TIMEOUT_MS;
    (void)pthread_mutex_init(&parsers->mutex, NULL);
    for (unsigned i = 0; i < count; i++) {
        parsers->places[i] = (struct place){.socket = -1, .next = parsers->free_places};
        parsers->free_places = &parsers->places[i];
    }
    const enum status status = start_nursery(parsers, why);
    for (unsigned i = 0; status == OK && i < count; i++) open_child(parsers, &parsers->places[i]);
    if (status != OK)
        parsers_free(parsers);
    else
        *parsers_out = parsers;
    return status;
}

void parsers_free(struct parsers *parsers)
{
    if (parsers == NULL) return;
    for (unsigned i = 0; i < parsers->options.count; i++) close_child(&parsers->places[i]);
    nursery_stop(parsers->nursery);
    (void)pthread_mutex_destroy(&parsers->mutex);
    free(parsers);
}

/* ---- a place for a question ---- */

static struct timespec time_of(int64_t monotonic_ms)
{
    return (struct timespec){.tv_sec = monotonic_ms / 1000, .tv_nsec = monotonic_ms % 1000 * 1000000};
}

/* For a condition that is waited for by the clock that only goes forward. */
static void make_condition(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

static void leave_queue(struct parsers *parsers, struct waiter *waiter)
{
    struct waiter **at = &parsers->first;
    while (*at != NULL && *at != waiter) at = &(*at)->next;
    if (*at == waiter) *at = waiter->next;
}

static void join_queue(struct parsers *parsers, struct waiter *waiter)
{
    struct waiter **at = &parsers->first;
    while (*at != NULL) at = &(*at)->next;
    *at = waiter;
}

/* Under the mutex: whoever comes later does not get before those who wait. */
static struct place *wait_for_place(struct parsers *parsers, int64_t deadline_ms)
{
    const struct timespec deadline = time_of(deadline_ms);
    struct waiter waiter = {};
    int result = 0;
    make_condition(&waiter.is_served);
    join_queue(parsers, &waiter);
    parsers->waiting++;
    while (waiter.place == NULL && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&waiter.is_served, &parsers->mutex, &deadline);
    parsers->waiting--;
    if (waiter.place == NULL) leave_queue(parsers, &waiter);
    (void)pthread_cond_destroy(&waiter.is_served);
    return waiter.place;
}

/* NULL: none is free and the queue is full, or none became free in time. */
static struct place *take_place(struct parsers *parsers, int64_t deadline_ms)
{
    (void)pthread_mutex_lock(&parsers->mutex);
    struct place *place = parsers->free_places;
    if (place != NULL)
        parsers->free_places = place->next;
    else if (parsers->waiting < parsers->options.queue)
        place = wait_for_place(parsers, deadline_ms);
    (void)pthread_mutex_unlock(&parsers->mutex);
    return place;
}

static void give_place_back(struct parsers *parsers, struct place *place)
{
    (void)pthread_mutex_lock(&parsers->mutex);
    struct waiter *const first = parsers->first;
    if (first != NULL) {
        parsers->first = first->next;
        first->place = place;
        (void)pthread_cond_signal(&first->is_served);
    } else {
        place->next = parsers->free_places;
        parsers->free_places = place;
    }
    (void)pthread_mutex_unlock(&parsers->mutex);
}

/* ---- asking ---- */

/* It has read a stranger's bytes: its step and the form of its answer are checked as anybody's. */
static enum status understand(enum status status, unsigned step, struct slice answer, struct refusal *why,
                              enum appraisal_step *step_out, struct parser_answer *answer_out)
{
    *step_out = step <= APPRAISAL_SIGNING ? (enum appraisal_step)step : APPRAISAL_SIGNING;
    if (status != OK) return status;
    const enum status form = parser_answer_read(answer, answer_out);
    if (form == OK || form == ERR_NO_MEMORY) return form;
    return refuse(why, ERR_CHILD_DIED, "parser", "an answer of the agreed form", "%zu bytes", answer.size);
}

static enum status ask_in(struct parsers *parsers, struct place *place, struct slice question, link_supply *supply,
                          void *context, int64_t deadline_ms, struct refusal *why, enum appraisal_step *step_out,
                          struct parser_answer *answer_out)
{
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(PARSER_ANSWER_MAX_BYTES);
    unsigned step = APPRAISAL_SIGNING;
    if (place->socket < 0) open_child(parsers, place);
    if (place->socket < 0) return refuse(why, ERR_CHILD_DIED, "parser", "a contained process", "none to be had");
    enum status status = link_ask(place->socket, question, supply, context, deadline_ms, why, &step, &answer);
    status = understand(status, step, buffer_slice(&answer), why, step_out, answer_out);
    if (status == ERR_CHILD_DIED || status == ERR_TIMEOUT) replace_child(parsers, place);
    return status;
}

enum status parsers_ask(struct parsers *parsers, const struct parser_question *question, link_supply *supply,
                        void *context, struct refusal *why, enum appraisal_step *step_out,
                        struct parser_answer *answer_out)
{
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(PARSER_QUESTION_MAX_BYTES);
    const int64_t deadline_ms = clock_monotonic_ms() + parsers->options.timeout_ms + question->supply_wait_ms;
    *step_out = APPRAISAL_SIGNING;
    TRY(parser_question_write(question, &bytes));
    struct place *const place = take_place(parsers, deadline_ms);
    if (place == NULL) return refuse(why, ERR_BUSY, "attestation", "fewer requests at a time", "no parser is free");
    const enum status status =
        ask_in(parsers, place, buffer_slice(&bytes), supply, context, deadline_ms, why, step_out, answer_out);
    give_place_back(parsers, place);
    return status;
}
