/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/parser/parser.h"

#include "attestation/link/seats.h"
#include "attestation/parser/child.h"
#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The child of a seat: one that died is replaced. Only who has the seat touches it. */
struct place {
    int processor;
    int socket; /* -1: no child yet */
    uint32_t child;
};

struct parsers {
    struct parser_options options;
    struct nursery *nursery;
    struct seats *seats;
    struct place places[];
};

/* ---- children ---- */

static void close_child(struct place *place)
{
    if (place->socket >= 0) (void)close(place->socket);
    place->socket = -1;
}

/* Started at once, so that it is there when the next question comes; if that fails, the next question tries again. */
static void open_child(struct parsers *parsers, struct place *place)
{
    if (nursery_open_numbered(parsers->nursery, place->processor, &place->child, &place->socket) != OK)
        place->socket = -1;
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

static enum status start_all(struct parsers *parsers, const struct processors *processors, struct refusal *why)
{
    const unsigned count = parsers->options.count;
    TRY(seats_new(processors, count, parsers->options.queue, &parsers->seats));
    TRY(start_nursery(parsers, why));
    for (unsigned i = 0; i < count; i++) {
        parsers->places[i].processor = seats_processor(parsers->seats, i);
        open_child(parsers, &parsers->places[i]);
    }
    return OK;
}

enum status parsers_start(const struct parser_options *options, struct refusal *why, struct parsers **parsers_out)
{
    const struct processors processors = processors_allowed();
    const unsigned count = options->count > 0 ? options->count : processors.count;
    struct parsers *const parsers = calloc(1, sizeof(*parsers) + count * sizeof(parsers->places[0]));
    if (parsers == NULL) return ERR_NO_MEMORY;
    parsers->options = *options;
    parsers->options.count = count;
    if (parsers->options.queue == 0) parsers->options.queue = PARSER_QUEUE;
    if (parsers->options.timeout_ms == 0) parsers->options.timeout_ms = PARSER_TIMEOUT_MS;
    for (unsigned i = 0; i < count; i++) parsers->places[i].socket = -1;
    const enum status status = start_all(parsers, &processors, why);
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
    seats_free(parsers->seats);
    free(parsers);
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
    unsigned seat;
    if (seats_take(parsers->seats, ANY_SEAT, deadline_ms, &seat) != OK)
        return refuse(why, ERR_BUSY, "attestation", "fewer requests at a time", "no parser is free");
    const enum status status = ask_in(parsers, &parsers->places[seat], buffer_slice(&bytes), supply, context,
                                      deadline_ms, why, step_out, answer_out);
    seats_give_back(parsers->seats, seat);
    return status;
}
