/* SPDX-License-Identifier: Apache-2.0
 *
 * What an attestation service notes of the Intel platforms that it attested, so that `lazaret tcb preview` can judge
 * them under collateral that does not apply yet: a line of JSON for each platform and hour (docs/protocols.md,
 * "Attested platforms"). Numbers of the hardware alone: nothing of what ran, of who asked, or of any data. Pure.
 */
#pragma once

#include "base/buffer.h"
#include "evidence/verify.h"

enum {
    ATTESTED_LINE_MAX_BYTES = 512,
    ATTESTED_LOG_MAX_BYTES = 8 * 1024 * 1024, /* then the log is set aside, and what was set aside before is dropped */
    ATTESTED_PLATFORM_BYTES = 16,
};

struct attested {
    int64_t time_s;
    struct tcb_numbers numbers;
    bool has_platform; /* only a certificate of the Platform CA tells machines of one model apart */
    uint8_t platform[ATTESTED_PLATFORM_BYTES]; /* of the SHA-256 of its instance id */
    enum tcb_status status;
    int64_t tcb_evaluation;
};

/* ERR_UNSUPPORTED for evidence without an Intel platform, ERR_CRYPTO. */
enum status attested_from_claims(const struct evidence_claims *claims, int64_t now_s, struct attested *attested_out);

/* Appends a line with its line end. */
enum status attested_write(const struct attested *attested, struct buffer *line);

/* Reads a line without its line end. Strict: ERR_TOO_LARGE, ERR_JSON_SYNTAX, ERR_FIELD_*. */
enum status attested_read(struct slice line, struct refusal *why, struct attested *attested_out);

typedef enum status attested_visit(void *context, const struct attested *attested);

/* Reads a whole log and calls `visit` for each line. A last line without its end, which a crash leaves, is passed over
 * and told. A line that is wrong ends it: the refusal's field begins with "line 17.". ERR_TOO_LARGE for more than
 * ATTESTED_LOG_MAX_BYTES, else errors as attested_read's and those of `visit`. */
enum status attested_log_read(struct slice text, attested_visit *visit, void *context, struct refusal *why,
                              bool *is_torn_out);
