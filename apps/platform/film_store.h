/* SPDX-License-Identifier: Apache-2.0
 *
 * Films in the sealed store. A film is uploaded in parts; each part is sealed as it arrives and belongs to the film's
 * own record, which says whether the film is complete. A staged film is forgotten after FILM_STAGING_LIFE_S. A complete
 * film keeps its parts (the file as it came), a picture for the screen and the model's tensor.
 */
#pragma once

#include "base/json.h"
#include "imaging/film.h"
#include "records/store.h"

enum {
    FILM_PART_BYTES = 1024 * 1024,
    FILM_PART_MAX_COUNT = FILM_FILE_MAX_BYTES / FILM_PART_BYTES,
    FILM_STAGING_LIFE_S = 24 * 3600,
    FILM_STAGED_MAX_COUNT = 16, /* of one account at once */
    FILM_NAME_MAX_BYTES = 255,
    FILM_SCREEN_SIDE = 2048,
    FILM_RECORD_MAX_BYTES = 8 * 1024,
    FILM_REASON_BYTES = 768,
};

#define FILM_TYPE "film"
#define FILM_PART_TYPE "film-part"
#define FILM_SCREEN_TYPE "film-screen"
#define FILM_TENSOR_TYPE "film-tensor"

struct film_record {
    struct record_id id;
    struct record_id patient;
    struct record_id account; /* who uploads it */
    int64_t size;
    int64_t created_s;
    bool is_complete;
    struct record_id study; /* when complete */
    char format[8];         /* likewise: "png", "jpeg", "dicom" */
    int64_t width, height;
    struct film_facts facts;
    char unsuitable[FILM_REASON_BYTES]; /* why its header says that the model cannot read it; "" if it may */
};

size_t film_part_count(const struct film_record *film);
size_t film_part_size(const struct film_record *film, size_t part); /* 0-based */

/* The film's own record. `version_out` may be NULL. ERR_NOT_FOUND. */
enum status film_get(struct store_transaction *transaction, struct slice id, struct film_record *film_out,
                     uint64_t *version_out);
enum status film_put(struct store_transaction *transaction, const struct film_record *film, uint64_t version);

/* Whether the film's time for staging is over; it is then as if it were not there. */
bool film_is_over(const struct film_record *film, int64_t now_s);

/* How many films an account has staged whose time is not over. */
enum status film_count_staged(struct store_transaction *transaction, const struct record_id *account, int64_t now_s,
                              size_t *count_out);

/* Forgets a film with everything that it owns. */
enum status film_forget(struct store_transaction *transaction, const struct film_record *film);

/* Forgets it only if it is still staged, at this version. ERR_CONFLICT if it is complete or was changed meanwhile. */
enum status film_forget_staged(struct store_transaction *transaction, const struct film_record *film, uint64_t version);

/* Keeps a part and gives the film, which is at `version`, its next one: whoever read the parts before notices. */
enum status film_part_put(struct store_transaction *transaction, const struct film_record *film, uint64_t version,
                          size_t part, struct slice bytes);
/* Which parts are there: `present_out[n]` for n below film_part_count. */
enum status film_parts_present(struct store_transaction *transaction, const struct film_record *film,
                               bool present_out[static FILM_PART_MAX_COUNT]);
/* Appends the whole file. ERR_TRUNCATED if a part is missing. */
enum status film_file(struct store_transaction *transaction, const struct film_record *film, struct buffer *file);

/* One value of a film: FILM_SCREEN_TYPE or FILM_TENSOR_TYPE. */
enum status film_value_put(struct store_transaction *transaction, const struct film_record *film, const char *type,
                           struct slice value);
enum status film_value_get(struct store_transaction *transaction, const struct film_record *film, const char *type,
                           struct buffer *value);
