/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/decoder_child.h"

#include "base/clock.h"
#include "base/nursery.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A child that is there says so with a verdict. The request is the file's size and its bytes. The answer is a verdict
 * and, on OK, this head and the pixels. Both sides are the same program, so the structure goes over as it is; but each
 * field is checked. */
struct film_head {
    uint32_t width, height;
    struct film_facts facts;
};

struct decoder {
    struct nursery *nursery;
};

/* ---- in the child ---- */

static enum status receive_file(int socket, struct buffer *file)
{
    uint64_t size;
    uint8_t *place;
    TRY(nursery_receive(socket, sizeof(size), NURSERY_NO_DEADLINE, (uint8_t *)&size));
    TRY(buffer_extend(file, size, &place));
    return nursery_receive(socket, size, NURSERY_NO_DEADLINE, place);
}

static void decode_one(const void *context, int socket)
{
    (void)context;
    CLEANUP(buffer_done) struct buffer file = buffer_of_maximum(FILM_FILE_MAX_BYTES);
    CLEANUP(film_done) struct film film = {};
    if (nursery_send_verdict(socket, OK, NULL) != OK || receive_file(socket, &file) != OK) return;
    struct refusal why = {};
    const enum status verdict = image_decode(buffer_slice(&file), &why, &film);
    if (nursery_send_verdict(socket, verdict, &why) != OK || verdict != OK) return;
    const struct film_head head = {.width = film.width, .height = film.height, .facts = film.facts};
    if (nursery_send(socket, slice_of(&head, sizeof(head)), NURSERY_NO_DEADLINE) != OK) return;
    (void)nursery_send(socket, buffer_slice(&film.pixels), NURSERY_NO_DEADLINE);
}

/* ---- in the program ---- */

static bool is_text(const char *text, size_t size)
{
    const char *const end = memchr(text, '\0', size);
    if (end == NULL) return false;
    for (const char *c = text; c < end; c++) {
        if (*c < ' ' || *c > '~') return false;
    }
    return true;
}

static bool is_bool(const bool *value)
{
    uint8_t byte;
    memcpy(&byte, value, 1);
    return byte <= 1;
}

static bool is_facts(const struct film_facts *facts)
{
    return facts->format >= FILM_PNG && facts->format <= FILM_DICOM && is_bool(&facts->is_colour) &&
           is_bool(&facts->was_inverted) && facts->bits_stored <= 16 && facts->age_days >= FILM_AGE_UNKNOWN &&
           is_text(facts->modality, sizeof(facts->modality)) && is_text(facts->body_part, sizeof(facts->body_part)) &&
           is_text(facts->view_position, sizeof(facts->view_position)) &&
           is_text(facts->photometric, sizeof(facts->photometric)) &&
           is_text(facts->transfer_syntax, sizeof(facts->transfer_syntax));
}

static enum status receive_film(int socket, int64_t deadline_ms, struct refusal *why, struct film *film)
{
    struct film_head head;
    uint8_t *place;
    TRY(nursery_receive_verdict(socket, deadline_ms, why));
    TRY(nursery_receive(socket, sizeof(head), deadline_ms, (uint8_t *)&head));
    if (film_check_size(head.width, head.height, NULL) != OK || !is_facts(&head.facts)) return ERR_CHILD_DIED;
    film->width = head.width;
    film->height = head.height;
    film->facts = head.facts;
    film->pixels = buffer_of_maximum(FILM_PIXELS_MAX);
    TRY(buffer_extend(&film->pixels, (size_t)head.width * head.height, &place));
    return nursery_receive(socket, film->pixels.size, deadline_ms, place);
}

/* ERR_IO before the child is there: then whatever became of it is not of the picture's making. */
static enum status exchange(int socket, struct slice file, struct refusal *why, struct film *film)
{
    const uint64_t size = file.size;
    const int64_t deadline_ms = clock_monotonic_ms() + DECODER_TIMEOUT_MS;
    if (nursery_receive_verdict(socket, deadline_ms, NULL) != OK) return ERR_IO;
    TRY(nursery_send(socket, slice_of(&size, sizeof(size)), deadline_ms));
    TRY(nursery_send(socket, file, deadline_ms));
    return receive_film(socket, deadline_ms, why, film);
}

/* In a child of its own. */
static enum status decode_in_child(struct decoder *decoder, struct slice file, struct refusal *why,
                                   struct film *film_out)
{
    int socket;
    CLEANUP(film_done) struct film film = {};
    if (nursery_open(decoder->nursery, &socket) != OK) return ERR_IO;
    const enum status status = exchange(socket, file, why, &film);
    (void)close(socket);
    TRY(status);
    *film_out = film;
    film = (struct film){};
    return OK;
}

enum status decoder_start(struct refusal *why, struct decoder **decoder_out)
{
    struct decoder *const decoder = calloc(1, sizeof(*decoder));
    if (decoder == NULL) return ERR_NO_MEMORY;
    const struct nursery_plan plan = {
        .name = "lazaret-decoder",
        .work = decode_one,
        .containment = {.level = CONTAINED_COMPUTE,
                        .memory_bytes = DECODER_MEMORY_BYTES,
                        .cpu_seconds = DECODER_CPU_SECONDS},
        .keep_descriptor = -1,
    };
    const enum status status = nursery_start(&plan, why, &decoder->nursery);
    if (status != OK) {
        free(decoder);
        return status;
    }
    *decoder_out = decoder;
    return OK;
}

void decoder_stop(struct decoder *decoder)
{
    if (decoder == NULL) return;
    nursery_stop(decoder->nursery);
    free(decoder);
}

enum status decoder_decode(struct decoder *decoder, struct slice file, struct refusal *why, struct film *film_out)
{
    if (file.size > FILM_FILE_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "file", "at most 67108864 bytes", "%zu bytes", file.size);
    enum status status = decode_in_child(decoder, file, why, film_out);
    /* A process may die of something else than its picture, so another one has a try. */
    if (status == ERR_CHILD_DIED || status == ERR_IO) status = decode_in_child(decoder, file, why, film_out);
    if (status == ERR_IO) return refuse(why, status, "decoder", "a contained process", "none");
    if (status == ERR_CHILD_DIED || status == ERR_TIMEOUT)
        return refuse(why, status, "picture", "a picture that can be decoded within the limits", "none came back");
    return status;
}
