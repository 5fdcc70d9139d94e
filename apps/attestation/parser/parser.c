/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/parser/parser.h"

#include "attestation/parser/child.h"
#include "base/clock.h"

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

struct parsers {
    struct parser_options options;
    struct nursery *nursery;
    pthread_mutex_t mutex; /* over what follows */
    pthread_cond_t freed;
    struct place *free_places;
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

static enum status start_nursery(struct parsers *parsers, struct refusal *why)
{
    const struct nursery_plan plan = {
        .name = "lazaret-parser",
        .work = parser_child_work,
        .context = &parsers->options,
        .containment = {.level = CONTAINED_COMPUTE, .memory_bytes = PARSER_MEMORY_BYTES},
        .keep_descriptor = -1,
    };
    return nursery_start(&plan, why, &parsers->nursery);
}

static void make_lock(struct parsers *parsers)
{
    pthread_condattr_t monotonic;
    (void)pthread_mutex_init(&parsers->mutex, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&parsers->freed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
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
    make_lock(parsers);
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
    (void)pthread_cond_destroy(&parsers->freed);
    (void)pthread_mutex_destroy(&parsers->mutex);
    free(parsers);
}

/* ---- a place for a question ---- */

static struct timespec time_of(int64_t monotonic_ms)
{
    return (struct timespec){.tv_sec = monotonic_ms / 1000, .tv_nsec = monotonic_ms % 1000 * 1000000};
}

/* Under the mutex. */
static enum status wait_for_place(struct parsers *parsers, int64_t deadline_ms, struct refusal *why)
{
    const struct timespec deadline = time_of(deadline_ms);
    if (parsers->free_places != NULL) return OK;
    if (parsers->waiting == parsers->options.queue)
        return refuse(why, ERR_BUSY, "attestation", "fewer requests at a time", "%u are waiting", parsers->waiting);
    parsers->waiting++;
    int result = 0;
    while (parsers->free_places == NULL && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&parsers->freed, &parsers->mutex, &deadline);
    parsers->waiting--;
    if (parsers->free_places != NULL) return OK;
    return refuse(why, ERR_BUSY, "attestation", "fewer requests at a time", "no process was free in time");
}

static enum status take_place(struct parsers *parsers, int64_t deadline_ms, struct refusal *why,
                              struct place **place_out)
{
    (void)pthread_mutex_lock(&parsers->mutex);
    const enum status status = wait_for_place(parsers, deadline_ms, why);
    if (status == OK) {
        *place_out = parsers->free_places;
        parsers->free_places = parsers->free_places->next;
    }
    (void)pthread_mutex_unlock(&parsers->mutex);
    return status;
}

static void give_place_back(struct parsers *parsers, struct place *place)
{
    (void)pthread_mutex_lock(&parsers->mutex);
    place->next = parsers->free_places;
    parsers->free_places = place;
    (void)pthread_cond_signal(&parsers->freed);
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
    struct place *place;
    *step_out = APPRAISAL_SIGNING;
    TRY(parser_question_write(question, &bytes));
    TRY(take_place(parsers, deadline_ms, why, &place));
    const enum status status =
        ask_in(parsers, place, buffer_slice(&bytes), supply, context, deadline_ms, why, step_out, answer_out);
    give_place_back(parsers, place);
    return status;
}
