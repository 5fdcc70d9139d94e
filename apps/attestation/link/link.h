/* SPDX-License-Identifier: Apache-2.0
 *
 * How the service talks with the processes that it keeps apart: parsers of strangers' bytes, which hold no key, and
 * signers. One question at a time over a socket pair; while it works, the other side may ask back for what it needs and
 * does not have (collateral of a platform, a policy), and then answers. Frames have a size, which is bounded before a
 * byte of them is kept. Whoever breaks the form is given up: ERR_CHILD_DIED.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"

enum {
    LINK_FRAME_MAX_BYTES = 2 * 1024 * 1024,
    LINK_NEED_MAX_COUNT = 16, /* times that one question is asked back for */
};

/* What is asked back for; the key's form is given with each. */
enum link_need {
    LINK_NEED_COLLATERAL = 1, /* key: need_collateral_write's (appraise/needs.h); supplied: feeds/collateral_wire.h's */
    LINK_NEED_PCK,            /* key: need_pck_write's; supplied: PEM of PCK certificate, its CA and the root */
    LINK_NEED_POLICY,         /* key: SHA-256 of the stored JWS; supplied: the JWS */
    LINK_NEED_ENDORSEMENTS,   /* key: need_endorsements_write's; supplied: PEM certificates of AMD */
};

/* ---- the asking side: the service ---- */

/* Appends what was asked for, or refuses: the refusal goes to the other side, which passes it on as its own. */
typedef enum status link_supply(void *context, enum link_need need, struct slice key, struct refusal *why,
                                struct buffer *supplied);

/* Asks and appends the answer. The other side's refusal comes back as it was made (`why`), with `*step_out` as that
 * side set it; statuses and texts are checked, since it may have been taken over. ERR_CHILD_DIED, ERR_TIMEOUT: close
 * the socket and take another process; the other side's own refusals with these two come back as ERR_IO. `supply` may
 * be NULL for questions that are never asked back for; it keeps to the deadline by itself. `step_out` may be NULL.
 * An answer that is larger than `answer` takes is ERR_CHILD_DIED. */
enum status link_ask(int socket, struct slice question, link_supply *supply, void *context, int64_t deadline_ms,
                     struct refusal *why, unsigned *step_out, struct buffer *answer);

/* ---- the answering side ---- */

struct link; /* of one question */

/* Asks back. The supply is appended. Errors: the other side's refusal; ERR_CHILD_DIED: it is gone, give up. */
enum status link_ask_back(struct link *link, enum link_need need, struct slice key, struct refusal *why,
                          struct buffer *supplied);

/* Answers one question: appends the answer, or refuses, with the step in which. */
typedef enum status link_handle(void *context, struct link *link, struct slice question, struct refusal *why,
                                unsigned *step_out, struct buffer *answer);

/* Serves questions until the other side closes or breaks the form, with no other calls than read, write and their like.
 */
void link_serve(int socket, link_handle *handle, void *context);

/* From a handler: the question breaks the form. There will be no answer, and the serving ends. */
void link_give_up(struct link *link);
