/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/tee.h"

#include "token/runtime_data.h"

#include <stdlib.h>

#ifdef LAZARET_SIMULATION
#include "tee/softtee.h"
#include "tee/softtee_message.h"

#include <pthread.h>
#include <unistd.h>
#endif

_Static_assert((int)TEE_REPORT_DATA_BYTES == (int)REPORT_DATA_BYTES, "one size");

struct tee {
    tee_remote_quote *remote; /* NULL: this process has the TEE itself */
    void *remote_context;
#ifdef LAZARET_SIMULATION
    pthread_mutex_t mutex;
    int socket;
    bool is_broken; /* an answer was missed: what comes next could be that of an earlier request */
#endif
};

/* ---- one that another process keeps ---- */

enum status tee_new_remote(tee_remote_quote *quote, void *context, struct tee **tee_out)
{
    struct tee *const tee = calloc(1, sizeof(*tee));
    if (tee == NULL) return ERR_NO_MEMORY;
    tee->remote = quote;
    tee->remote_context = context;
    *tee_out = tee;
    return OK;
}

enum status tee_quote_data(struct tee *tee, struct slice data, struct buffer *quote)
{
    if (tee->remote != NULL) return tee->remote(tee->remote_context, data, quote);
    uint8_t report_data[TEE_REPORT_DATA_BYTES];
    TRY(runtime_data_report_data(data, report_data));
    return tee_quote(tee, report_data, quote);
}

#ifdef LAZARET_SIMULATION

/* ---- the software TEE ---- */

const char *tee_name(const struct tee *tee)
{
    return tee->remote != NULL ? "remote" : "softtee";
}

int tee_descriptor(const struct tee *tee)
{
    return tee->remote != NULL ? -1 : tee->socket;
}

enum status tee_open(struct refusal *why, struct tee **tee_out)
{
    int socket = -1;
    TRY(softtee_open(why, &socket));
    struct tee *const tee = calloc(1, sizeof(*tee));
    if (tee == NULL) {
        (void)close(socket);
        return ERR_NO_MEMORY;
    }
    tee->socket = socket;
    (void)pthread_mutex_init(&tee->mutex, NULL);
    *tee_out = tee;
    return OK;
}

void tee_free(struct tee *tee)
{
    if (tee != NULL && tee->remote == NULL) {
        (void)close(tee->socket);
        (void)pthread_mutex_destroy(&tee->mutex);
    }
    free(tee);
}

/* One request at a time: answers come in order and carry no number. */
static enum status call(struct tee *tee, enum softtee_operation operation, struct slice operand, struct buffer *payload)
{
    if (tee->remote != NULL) return ERR_UNSUPPORTED;
    (void)pthread_mutex_lock(&tee->mutex);
    enum status status = ERR_TEE_PROTOCOL;
    if (!tee->is_broken) {
        status = softtee_call(tee->socket, (int)operation, operand, payload);
        tee->is_broken = status == ERR_TEE_PROTOCOL || status == ERR_TIMEOUT;
    }
    (void)pthread_mutex_unlock(&tee->mutex);
    return status;
}

enum status tee_quote(struct tee *tee, const uint8_t report_data[static TEE_REPORT_DATA_BYTES], struct buffer *quote)
{
    return call(tee, SOFTTEE_QUOTE, slice_of(report_data, TEE_REPORT_DATA_BYTES), quote);
}

enum status tee_measure(struct tee *tee, struct tee_measurement *measurement_out)
{
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(SOFTTEE_ANSWER_MAX_BYTES);
    TRY(call(tee, SOFTTEE_MEASURE, (struct slice){}, &payload));
    return softtee_measurement_read(buffer_slice(&payload), measurement_out);
}

enum status tee_sealing_key(struct tee *tee, struct slice label, struct secret *key_out)
{
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(SOFTTEE_ANSWER_MAX_BYTES);
    TRY(call(tee, SOFTTEE_KEY, label, &payload));
    if (payload.size != TEE_SEALING_KEY_BYTES) return ERR_TEE_PROTOCOL;
    return secret_copy(buffer_slice(&payload), key_out);
}

enum status tee_hand_over(struct tee *tee, pid_t process)
{
    CLEANUP(buffer_done) struct buffer operand = buffer_of_maximum(SOFTTEE_PROCESS_BYTES);
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(SOFTTEE_ANSWER_MAX_BYTES);
    TRY(buffer_append_u32(&operand, (uint32_t)process));
    return call(tee, SOFTTEE_HAND_OVER, buffer_slice(&operand), &payload);
}

#else

/* ---- a build without a backend: only another process's ---- */

enum status tee_open(struct refusal *why, struct tee **)
{
    (void)!refuse(why, ERR_TEE_ABSENT, "tee", "a TEE that this build knows", "none");
    return refuse_fix(why, ERR_TEE_ABSENT,
                      "this build runs on real hardware only; for a trial on any machine use a simulation build");
}

void tee_free(struct tee *tee)
{
    free(tee);
}

const char *tee_name(const struct tee *)
{
    return "none";
}

int tee_descriptor(const struct tee *)
{
    return -1;
}

enum status tee_quote(struct tee *, const uint8_t[static TEE_REPORT_DATA_BYTES], struct buffer *)
{
    return ERR_TEE_ABSENT;
}

enum status tee_measure(struct tee *, struct tee_measurement *)
{
    return ERR_TEE_ABSENT;
}

enum status tee_sealing_key(struct tee *, struct slice, struct secret *)
{
    return ERR_TEE_ABSENT;
}

enum status tee_hand_over(struct tee *, pid_t)
{
    return ERR_TEE_ABSENT;
}

#endif
