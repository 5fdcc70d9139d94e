/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of collateral as the commands `lazaret collateral ...` tell it: what it is for, how new each part is, and
 * until when it serves.
 */
#pragma once

#include "base/json.h"
#include "evidence/intel.h"
#include "feeds/endorsement_source.h"

/* Roots accepted beside the pinned ones: a software TEE's, in a simulation build alone. */
struct collateral_roots {
    struct key *simulated;
    const struct key *list[1];
    struct trust_roots roots;
};

/* `path` of a public key in PEM, or NULL. ERR_IO, ERR_USAGE. */
enum status collateral_roots_read(const char *path, struct refusal *why, struct collateral_roots *roots_out);
void collateral_roots_done(struct collateral_roots *roots);

/* What a folder holds, read and verified but for the time. */
struct collateral_folder {
    json_t *statement;                     /* an object; NULL until it was verified */
    struct collateral *collateral;         /* Intel's; NULL: AMD's */
    struct endorsement_files endorsements; /* AMD's */
    const struct key *simulated_root;      /* borrowed from the roots */
};
void collateral_folder_done(struct collateral_folder *folder);

/* `roots` borrowed for the folder's life. ERR_COLLATERAL_*, ERR_CRL_*, ERR_CERTIFICATE_*, ERR_CHAIN, ERR_SNP_*;
 * ERR_IO. */
enum status collateral_folder_open(const char *path, const struct collateral_roots *roots, struct refusal *why,
                                   struct collateral_folder *folder_out);

/* Whether everything in it is current. */
enum status collateral_folder_check(const struct collateral_folder *folder, int64_t at_s, struct refusal *why);

/* Adds the verdict to the statement: "genuine", "current", "at", and on a refusal "status", "field", "seen",
 * "expected", "fix". `status` is that of opening or checking. The statement may be NULL. A new object. */
enum status collateral_verdict(const struct collateral_folder *folder, int64_t at_s, enum status status,
                               const struct refusal *why, json_t **verdict_out);

/* One screen for a person; appends without a last line end. */
enum status collateral_screen(const json_t *verdict, struct buffer *text);
