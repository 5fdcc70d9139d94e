/* SPDX-License-Identifier: Apache-2.0
 *
 * The frames of a link: eight bytes (kind, detail, two zeros, size as the machine has it: both sides are one program on
 * one machine), then so many bytes. A frame leaves in one call and, if it is not large, arrives in one: only one side
 * speaks at a time, so whatever follows a frame breaks the form.
 */
#pragma once

#include "attestation/link/link.h"

enum frame_kind {
    FRAME_QUESTION = 1,
    FRAME_ANSWER,  /* detail: the step, as the answering side set it */
    FRAME_REFUSAL, /* detail: the step; a struct refusal */
    FRAME_NEED,    /* detail: enum link_need; its key */
    FRAME_SUPPLY,
    FRAME_SUPPLY_REFUSED, /* a struct refusal */
};

struct frame {
    enum frame_kind kind;
    uint8_t detail;
};

enum { FRAME_NO_DEADLINE = -1 };

/* ERR_CHILD_DIED: the other side is gone. ERR_TIMEOUT. ERR_TOO_LARGE: more than LINK_FRAME_MAX_BYTES; nothing was sent.
 * Without a deadline only write, read and their like are called: a contained process may do no more. */
enum status frame_send(int socket, struct frame frame, struct slice bytes, int64_t deadline_ms);

/* Appends the bytes of a frame of the kind that is `wanted` to `bytes`, of any other kind to `aside` (NULL: there must
 * be no other). ERR_CHILD_DIED: the other side is gone, or what it sent is no frame, or more than the buffer takes.
 * ERR_TIMEOUT, ERR_NO_MEMORY. */
enum status frame_receive(int socket, int64_t deadline_ms, enum frame_kind wanted, struct frame *frame_out,
                          struct buffer *bytes, struct buffer *aside);

/* A refusal as a frame's bytes, and back. ERR_CHILD_DIED: the bytes are not a sound refusal. */
enum status frame_send_refusal(int socket, struct frame frame, enum status status, const struct refusal *why,
                               int64_t deadline_ms);
enum status frame_read_refusal(struct slice bytes, struct refusal *why_out);
