/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/link/link.h"

#include "attestation/link/frame.h"

/* Buffers that served a large frame are given back: a process is to stay as small as its usual questions. */
enum { KEPT_BYTES = 64 * 1024 };

static void reuse(struct buffer *buffer)
{
    if (buffer->capacity > KEPT_BYTES)
        buffer_done(buffer);
    else
        buffer_clear(buffer);
}

/* ---- the asking side ---- */

/* Those two statuses tell the caller about the socket, which is sound. */
static enum status take_refusal(struct slice bytes, struct refusal *why)
{
    struct refusal refusal;
    TRY(frame_read_refusal(bytes, &refusal));
    if (refusal.status == ERR_CHILD_DIED || refusal.status == ERR_TIMEOUT) refusal.status = ERR_IO;
    if (why != NULL) *why = refusal;
    return refusal.status;
}

static enum status supply_need(int socket, struct frame need, struct slice key, link_supply *supply, void *context,
                               int64_t deadline_ms)
{
    if (supply == NULL || need.detail < LINK_NEED_COLLATERAL || need.detail > LINK_NEED_ENDORSEMENTS)
        return ERR_CHILD_DIED;
    CLEANUP(buffer_done) struct buffer supplied = buffer_of_maximum(LINK_FRAME_MAX_BYTES);
    struct refusal why = {};
    const enum status status = supply(context, (enum link_need)need.detail, key, &why, &supplied);
    if (status != OK)
        return frame_send_refusal(socket, (struct frame){.kind = FRAME_SUPPLY_REFUSED}, status, &why, deadline_ms);
    return frame_send(socket, (struct frame){.kind = FRAME_SUPPLY}, buffer_slice(&supplied), deadline_ms);
}

static enum status ask(int socket, struct slice question, link_supply *supply, void *context, int64_t deadline_ms,
                       struct refusal *why, unsigned *step_out, struct buffer *answer)
{
    CLEANUP(buffer_done) struct buffer aside = buffer_of_maximum(LINK_FRAME_MAX_BYTES);
    TRY(frame_send(socket, (struct frame){.kind = FRAME_QUESTION}, question, deadline_ms));
    for (unsigned needs = 0; needs <= LINK_NEED_MAX_COUNT; needs++) {
        struct frame frame;
        buffer_clear(&aside);
        TRY(frame_receive(socket, deadline_ms, FRAME_ANSWER, &frame, answer, &aside));
        *step_out = frame.detail;
        if (frame.kind == FRAME_ANSWER) return OK;
        if (frame.kind == FRAME_REFUSAL) return take_refusal(buffer_slice(&aside), why);
        if (frame.kind != FRAME_NEED) return ERR_CHILD_DIED;
        TRY(supply_need(socket, frame, buffer_slice(&aside), supply, context, deadline_ms));
    }
    return ERR_CHILD_DIED;
}

enum status link_ask(int socket, struct slice question, link_supply *supply, void *context, int64_t deadline_ms,
                     struct refusal *why, unsigned *step_out, struct buffer *answer)
{
    const size_t from = answer->size;
    unsigned step = 0;
    if (why != NULL) *why = (struct refusal){};
    const enum status status = ask(socket, question, supply, context, deadline_ms, why, &step, answer);
    if (status != OK) buffer_truncate(answer, from);
    if (step_out != NULL) *step_out = step;
    if (status == OK || (why != NULL && why->status == status)) return status;
    return refuse(why, status, "contained process", "an answer of the agreed form in time", "%s", status_name(status));
}

/* ---- the answering side ---- */

struct link {
    int socket;
    struct buffer question, answer;
    bool is_lost; /* the asking side is gone or broke the form: there is nobody to answer */
};

static enum status ask_back(struct link *link, enum link_need need, struct slice key, struct refusal *why,
                            struct buffer *supplied)
{
    CLEANUP(buffer_done) struct buffer aside = buffer_of_maximum(sizeof(struct refusal));
    struct frame frame = {.kind = FRAME_NEED, .detail = (uint8_t)need};
    TRY(frame_send(link->socket, frame, key, FRAME_NO_DEADLINE));
    TRY(frame_receive(link->socket, FRAME_NO_DEADLINE, FRAME_SUPPLY, &frame, supplied, &aside));
    if (frame.kind == FRAME_SUPPLY) return OK;
    struct refusal refusal;
    if (frame.kind != FRAME_SUPPLY_REFUSED) return ERR_CHILD_DIED;
    TRY(frame_read_refusal(buffer_slice(&aside), &refusal));
    if (why != NULL) *why = refusal;
    return refusal.status;
}

enum status link_ask_back(struct link *link, enum link_need need, struct slice key, struct refusal *why,
                          struct buffer *supplied)
{
    const enum status status = ask_back(link, need, key, why, supplied);
    if (status == ERR_CHILD_DIED) link->is_lost = true;
    return status;
}

void link_give_up(struct link *link)
{
    link->is_lost = true;
}

/* False when the other side is gone. */
static bool serve_one(struct link *link, link_handle *handle, void *context)
{
    struct frame frame;
    reuse(&link->question);
    reuse(&link->answer);
    if (frame_receive(link->socket, FRAME_NO_DEADLINE, FRAME_QUESTION, &frame, &link->question, NULL) != OK)
        return false;
    struct refusal why = {};
    unsigned step = 0;
    const enum status status = handle(context, link, buffer_slice(&link->question), &why, &step, &link->answer);
    if (link->is_lost) return false;
    frame = (struct frame){.kind = status == OK ? FRAME_ANSWER : FRAME_REFUSAL, .detail = (uint8_t)step};
    return (status == OK ? frame_send(link->socket, frame, buffer_slice(&link->answer), FRAME_NO_DEADLINE)
                         : frame_send_refusal(link->socket, frame, status, &why, FRAME_NO_DEADLINE)) == OK;
}

void link_serve(int socket, link_handle *handle, void *context)
{
    struct link link = {.socket = socket,
                        .question = buffer_of_maximum(LINK_FRAME_MAX_BYTES),
                        .answer = buffer_of_maximum(LINK_FRAME_MAX_BYTES)};
    while (serve_one(&link, handle, context)) {}
    buffer_done(&link.question);
    buffer_done(&link.answer);
}
