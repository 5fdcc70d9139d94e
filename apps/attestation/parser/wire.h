/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes between the service and a parser: a question with a stranger's body in it, and the answer of a process that
 * has read such a body. Private to the parser.
 */
#pragma once

#include "attestation/parser/parser.h"

/* What a question of this body takes at most. */
enum { PARSER_QUESTION_MAX_BYTES = ATTEST_BODY_MAX_BYTES + 64, PARSER_ANSWER_MAX_BYTES = LINK_FRAME_MAX_BYTES };

enum status parser_question_write(const struct parser_question *question, struct buffer *bytes);

/* `body` is borrowed from `bytes`. ERR_TRUNCATED, ERR_FIELD_VALUE. */
enum status parser_question_read(struct slice bytes, struct parser_question *question_out);

/* `answer` holds the claims in `outgoing` and the rest as the service will see it. */
enum status parser_answer_write(const struct parser_answer *answer, struct buffer *bytes);

/* Strict. ERR_TRUNCATED, ERR_TRAILING_BYTES, ERR_FIELD_VALUE, ERR_TOO_LARGE. */
enum status parser_answer_read(struct slice bytes, struct parser_answer *answer_out);
