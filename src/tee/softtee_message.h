/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages between a program and lazaret-softtee (docs/protocols.md, section 3), in simulation builds only. Each is one
 * packet of a SOCK_SEQPACKET socket pair. Pure: both sides write and read them here.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "tee/tee.h"

enum {
    SOFTTEE_REQUEST_MAX_BYTES = 1 + TEE_REPORT_DATA_BYTES,
    SOFTTEE_ANSWER_MAX_BYTES = 1 + TEE_EVIDENCE_MAX_BYTES,
    SOFTTEE_DESCRIPTOR = 3, /* where a program finds its end */
};

/* Names the descriptor; the only variable in a program's environment. */
#define SOFTTEE_VARIABLE "LAZARET_SOFTTEE"

enum softtee_operation { SOFTTEE_QUOTE = 1, SOFTTEE_KEY = 2, SOFTTEE_MEASURE = 3, SOFTTEE_HAND_OVER = 4 };
enum { SOFTTEE_PROCESS_BYTES = 4 };

struct softtee_request {
    enum softtee_operation operation;
    struct slice operand; /* quote: report_data; key: label; measure: empty; hand over: process id, big endian */
};

/* Operands of another size than the operation's are ERR_FIELD_VALUE, an unknown operation ERR_UNSUPPORTED. */
enum status softtee_request_write(const struct softtee_request *request, struct buffer *message);
enum status softtee_request_read(struct slice message, struct softtee_request *request_out);

/* An answer is a result byte and its payload; a refusal has none. */
enum status softtee_answer_write(struct slice payload, struct buffer *message);
enum status softtee_refusal_write(struct buffer *message);

/* The payload, borrowed. ERR_TEE_PROTOCOL for a refusal or another form. */
enum status softtee_answer_read(struct slice message, struct slice *payload_out);

/* The payload of an answer to SOFTTEE_MEASURE. */
enum status softtee_measurement_write(const struct tee_measurement *measurement, struct buffer *payload);
enum status softtee_measurement_read(struct slice payload, struct tee_measurement *measurement_out);
