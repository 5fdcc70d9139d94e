/* SPDX-License-Identifier: Apache-2.0
 *
 * Films: uploaded part by part into sealed staging, visible once complete. The film's facts are one record (owner: the
 * patient), each part of FILM_PART_BYTES another (owner: the film), and pictures made from it others.
 *
 * Pictures are kept for each side that film_keep_image is given: round the sides that clients ask for, so that they
 * are few. A staged film that is not completed is swept after FILM_STAGING_S (store_sweep). Errors beside those of the
 * store are named at each call.
 */
#pragma once

#include "base/json.h"
#include "records/store.h"

enum {
    FILM_PART_BYTES = 1024 * 1024,
    FILM_MAX_BYTES = 64 * 1024 * 1024,
    FILM_MAX_PARTS = FILM_MAX_BYTES / FILM_PART_BYTES,
    FILM_STAGING_S = 24 * 3600,
    FILM_STAGED_MAX_COUNT = 8, /* of one account at a time */
    FILM_NAME_MAX_BYTES = 128,
    FILM_TEXT_MAX_BYTES = 32, /* format, modality, body part */
    FILM_IMAGE_MIN_SIDE = 64,
    FILM_IMAGE_MAX_SIDE = 2048,
};

struct film {
    struct record_id id;
    struct record_id patient;
    char account[RECORD_ID_BYTES + 1];  /* who uploads it */
    char name[FILM_NAME_MAX_BYTES + 1]; /* "" if none was given */
    uint32_t size;
    uint32_t part_count;
    bool is_complete;
    /* known once complete */
    struct record_id study;
    char format[FILM_TEXT_MAX_BYTES + 1];
    char modality[FILM_TEXT_MAX_BYTES + 1];  /* "" if not told */
    char body_part[FILM_TEXT_MAX_BYTES + 1]; /* "" if not told */
    uint32_t width;
    uint32_t height;
};

/* Begins a staged film: fills id and part_count. ERR_FIELD_VALUE for a size of 0 or over FILM_MAX_BYTES; ERR_NOT_FOUND
 * if there is no such patient; ERR_BUSY if the account has FILM_STAGED_MAX_COUNT staged. */
struct film_form {
    struct record_id patient;
    const char *account;
    struct slice name;
    uint64_t size;
};
enum status film_begin(struct store_transaction *transaction, const struct film_form *form, int64_t now_s,
                       struct refusal *why, struct film *film_out);

/* ERR_NOT_FOUND, also for a staged film whose time is over. */
enum status film_get(struct store_transaction *transaction, const struct record_id *id, int64_t now_s,
                     struct film *film_out);

/* Stores part `number` (from 0), again if it is sent again. ERR_NOT_FOUND for a number beyond, ERR_FIELD_VALUE for
 * another size than the part has, ERR_CONFLICT once the film is complete. */
enum status film_put_part(struct store_transaction *transaction, const struct film *film, uint32_t number,
                          struct slice bytes, struct refusal *why);

/* Which parts are there: `received_out[number]`. */
enum status film_received(struct store_transaction *transaction, const struct film *film,
                          bool received_out[static FILM_MAX_PARTS]);

/* Appends the whole content. ERR_TRUNCATED if a part is missing. */
enum status film_read(struct store_transaction *transaction, const struct film *film, struct buffer *content);

/* Makes it visible: `film` as film_get gave it, with study, format, modality, body_part, width and height filled in.
 * ERR_CONFLICT if it is complete already. */
enum status film_complete(struct store_transaction *transaction, const struct film *film);

/* Forgets a staged film and its parts. ERR_CONFLICT once complete. */
enum status film_forget(struct store_transaction *transaction, const struct film *film);

/* A picture made from it, kept for the next who asks. `film_image`: ERR_NOT_FOUND if none of that side was kept. */
enum status film_keep_image(struct store_transaction *transaction, const struct film *film, unsigned side,
                            struct slice png);
enum status film_image(struct store_transaction *transaction, const struct film *film, unsigned side,
                       struct buffer *png);

/* Finds the film of a study. ERR_NOT_FOUND. */
enum status film_of_study(struct store_transaction *transaction, const struct record_id *study, struct film *film_out);
