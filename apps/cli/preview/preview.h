/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret tcb preview`: the platforms of an attestation service's log, judged under collateral that does not apply
 * yet.
 */
#pragma once

#include "base/buffer.h"
#include "base/json.h"
#include "evidence/appraisal.h"
#include "evidence/attested.h"

enum { PREVIEW_COLLATERAL_MAX_COUNT = 256, PREVIEW_LINE_MAX_COUNT = 128 * 1024 };

enum preview_verdict {
    PREVIEW_PASSES,
    PREVIEW_UNTOUCHED, /* the new collateral is not for its model */
    PREVIEW_FAILS,
};

/* A machine, or machines that nothing tells apart. */
struct preview_platform {
    struct attested last; /* its newest line */
    unsigned hours;       /* in which it attested, of those that are looked at */
    enum preview_verdict verdict;
    enum status refusal_status; /* OK: genuine under the new collateral; `judged` says how up to date */
    struct intel_platform judged;
    struct refusal why; /* of a platform that fails */
};

struct preview_collateral {
    struct collateral *collateral;
    struct collateral_facts facts;
};

struct preview {
    int64_t at_s, since_s;
    struct attested *lines; /* as they were read */
    size_t line_count, line_capacity;
    struct preview_platform *platforms; /* once they are judged */
    size_t platform_count;
    bool is_torn; /* a log ends in the middle of a line */
    struct preview_collateral collaterals[PREVIEW_COLLATERAL_MAX_COUNT];
    size_t collateral_count;
};

void preview_done(struct preview *preview);

/* Adds the lines of a log from `since_s` on, and of the log that was set aside before it (PATH.1), if there is one.
 * ERR_IO, ERR_TOO_LARGE, and attested_log_read's. */
enum status preview_read_log(const char *path, struct refusal *why, struct preview *preview);

/* Adds the collateral of a folder, or of each of its folders. Verified but for the time: it may not apply yet.
 * ERR_COLLATERAL_*, ERR_CRL_*, ERR_CHAIN, ERR_CERTIFICATE_*; ERR_USAGE, ERR_IO. */
enum status preview_read_collateral(const char *folder, const struct trust_roots *roots, struct refusal *why,
                                    struct preview *preview);

/* Merges lines of one platform, judges each platform under its model's collateral, the worst if there are several, and
 * sorts them, the worst first. With a policy a platform fails that it does not accept; without one, one that is refused
 * or gets a worse status than it had. ERR_NO_MEMORY. */
enum status preview_judge(struct preview *preview, const struct appraisal_policy *policy);

size_t preview_failing(const struct preview *preview);

/* One screen for a person; JSON for a program. Appended without a last line end. */
enum status preview_text(const struct preview *preview, struct buffer *text);
enum status preview_json(const struct preview *preview, json_t **json_out);
