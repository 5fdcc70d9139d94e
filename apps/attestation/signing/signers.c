/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signing/signers.h"

#include "attestation/link/seats.h"
#include "attestation/signing/question.h"
#include "attestation/signing/signer_process.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/nursery.h"
#include "base/reader.h"
#include "crypto/random.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    COUNT_MAX = 64,
    QUEUE_DEFAULT = 64,
    MEMORY_BYTES = 512 * 1024 * 1024, /* of address space, in which the program's libraries count too */
    PATIENCE_MS = 30000,              /* with one question, the wait for a signer included */
    FIRST = 0,                        /* of the seats: it has the TEE */
};

/* The process of a seat. Only who has the seat touches socket and question. */
struct slot {
    pid_t process;          /* 0: it is gone, and reaped */
    int socket;             /* -1: it is gone */
    struct buffer question; /* reused */
};

struct signers {
    struct seats *seats;
    pthread_mutex_t mutex; /* over the slots' processes */
    unsigned count;
    uint8_t tag[SIGNING_TAG_BYTES];
    struct slot slots[COUNT_MAX];
};

/* ---- taking turns ---- */

static enum status take_seat(struct signers *signers, int wanted, int64_t deadline_ms, struct refusal *why,
                             unsigned *seat_out)
{
    const enum status status = seats_take(signers->seats, wanted, deadline_ms, seat_out);
    if (status == OK) return OK;
    return refuse(why, status, "signers", status == ERR_BUSY ? "one that is free in time" : "one that lives", "none");
}

/* What did not answer in its form or in time is not asked again: its late answer could be taken for another's. */
static void dismiss(struct signers *signers, unsigned seat)
{
    struct slot *const slot = &signers->slots[seat];
    (void)close(slot->socket);
    slot->socket = -1;
    (void)pthread_mutex_lock(&signers->mutex);
    if (slot->process > 0) (void)kill(slot->process, SIGKILL);
    (void)pthread_mutex_unlock(&signers->mutex);
    log_event(LOG_ERROR, "signer.lost", log_number(LOG_COUNT, seat));
    seats_remove(signers->seats, seat);
}

/* ---- asking ---- */

struct supplier {
    link_supply *supply;
    void *context;
};

static enum status ask(struct signers *signers, int wanted, const struct signer_ask *question,
                       const struct supplier *supplier, struct refusal *why, unsigned *step_out, struct buffer *answer)
{
    const int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
    unsigned seat;
    TRY(take_seat(signers, wanted, deadline_ms, why, &seat));
    struct slot *const slot = &signers->slots[seat];
    buffer_clear(&slot->question);
    enum status status = signer_ask_write(question, &slot->question);
    if (status == OK) {
        status = link_ask(slot->socket, buffer_slice(&slot->question), supplier != NULL ? supplier->supply : NULL,
                          supplier != NULL ? supplier->context : NULL, deadline_ms, why, step_out, answer);
        if (status == ERR_CHILD_DIED || status == ERR_TIMEOUT) dismiss(signers, seat);
    }
    seats_give_back(signers->seats, seat);
    return status;
}

static enum status read_key(struct slice answer, struct signing_key *key)
{
    struct reader reader = reader_over(answer);
    struct slice certificate;
    uint32_t size;
    TRY(reader_copy(&reader, ATTESTATION_KEY_ID_BYTES, (uint8_t *)key->kid));
    TRY(reader_u32(&reader, &size));
    TRY(reader_slice(&reader, size, &certificate));
    TRY(buffer_append(&key->certificate, certificate));
    return buffer_append(&key->sealed, reader.rest);
}

enum status signers_make_key(struct signers *signers, int64_t now_s, struct refusal *why, struct signing_key *key_out)
{
    const struct signer_ask question = {.deed = SIGNER_MAKE_KEY, .now_s = now_s};
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(LINK_FRAME_MAX_BYTES);
    CLEANUP(signing_key_done)
    struct signing_key key = {.certificate = buffer_of_maximum(SIGNING_KEY_MAX_BYTES),
                              .sealed = buffer_of_maximum(SIGNING_KEY_MAX_BYTES)};
    TRY(ask(signers, FIRST, &question, NULL, why, NULL, &answer));
    TRY(read_key(buffer_slice(&answer), &key));
    *key_out = key;
    key = (struct signing_key){};
    return OK;
}

bool signers_own_key(const struct signers *signers, const struct signing_key *key)
{
    return signing_key_is_tagged(buffer_slice(&key->sealed), signers->tag);
}

static enum status use_key(struct signers *signers, int index, const struct signing_key *key, struct refusal *why)
{
    const struct signer_ask question = {
        .deed = SIGNER_USE_KEY, .certificate = buffer_slice(&key->certificate), .sealed = buffer_slice(&key->sealed)};
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(ATTESTATION_KEY_ID_BYTES);
    TRY(ask(signers, index, &question, NULL, why, NULL, &answer));
    if (slice_equal_text(buffer_slice(&answer), key->kid)) return OK;
    return refuse(why, ERR_AUTHENTICATION, "signing key", key->kid, "%.*s", (int)answer.size, answer.bytes);
}

/* A signer that is gone signs no more, so the others are enough. */
enum status signers_use_key(struct signers *signers, const struct signing_key *key, struct refusal *why)
{
    bool is_used = false;
    for (unsigned i = 0; i < signers->count; i++) {
        const enum status status = use_key(signers, (int)i, key, why);
        if (status == ERR_CHILD_DIED || status == ERR_TIMEOUT) continue;
        TRY(status);
        is_used = true;
    }
    return is_used ? OK : ERR_CHILD_DIED;
}

enum status signers_token(struct signers *signers, const struct signer_question *question, link_supply *supply,
                          void *context, struct refusal *why, enum appraisal_step *step_out, struct buffer *token)
{
    const struct signer_ask asked = {.deed = SIGNER_TOKEN, .now_s = question->now_s, .token = *question};
    const struct supplier supplier = {.supply = supply, .context = context};
    unsigned step = APPRAISAL_SIGNING;
    const enum status status = ask(signers, ANY_SEAT, &asked, &supplier, why, &step, token);
    const bool is_told = status != ERR_CHILD_DIED && status != ERR_TIMEOUT && step <= APPRAISAL_SIGNING;
    *step_out = is_told ? (enum appraisal_step)step : APPRAISAL_SIGNING;
    return status;
}

enum status signers_policy_result(struct signers *signers, const struct policy_result_question *question,
                                  struct refusal *why, struct buffer *token)
{
    const struct signer_ask asked = {.deed = SIGNER_POLICY_RESULT, .now_s = question->now_s, .result = *question};
    return ask(signers, ANY_SEAT, &asked, NULL, why, NULL, token);
}

enum status signers_challenge(struct signers *signers, int64_t now_s, struct refusal *why, struct buffer *challenge,
                              struct buffer *context)
{
    const struct signer_ask asked = {.deed = SIGNER_CHALLENGE, .now_s = now_s};
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(LINK_FRAME_MAX_BYTES);
    TRY(ask(signers, ANY_SEAT, &asked, NULL, why, NULL, &answer));
    struct reader reader = reader_over(buffer_slice(&answer));
    struct slice part;
    uint16_t size;
    TRY(reader_u16(&reader, &size));
    TRY(reader_slice(&reader, size, &part));
    TRY(buffer_append(challenge, part));
    return buffer_append(context, reader.rest);
}

static enum status quote(void *context, struct slice data, struct buffer *quote)
{
    const struct signer_ask asked = {.deed = SIGNER_QUOTE, .data = data};
    /* The first signer would end, and the service with it. */
    if (!signer_may_quote(data)) return ERR_FIELD_VALUE;
    return ask(context, FIRST, &asked, NULL, NULL, NULL, quote);
}

enum status signers_tee(struct signers *signers, struct tee **tee_out)
{
    return tee_new_remote(quote, signers, tee_out);
}

/* Reaped: its number may be somebody else's soon. Whoever waits for its answer notices by the socket; no other question
 * is to be lost with it. */
bool signers_outlive(struct signers *signers, pid_t process)
{
    unsigned other = 1;
    (void)pthread_mutex_lock(&signers->mutex);
    while (other < signers->count && signers->slots[other].process != process) other++;
    if (other < signers->count) signers->slots[other].process = 0;
    (void)pthread_mutex_unlock(&signers->mutex);
    if (other >= signers->count) return false;
    seats_remove(signers->seats, other);
    return true;
}

/* ---- start and end ---- */

static enum status derive(struct tee *tee, const char *use, const char *deployment, struct secret *key_out)
{
    CLEANUP(buffer_done) struct buffer label = buffer_of_maximum(TEE_LABEL_MAX_BYTES);
    TRY(buffer_append_format(&label, "%s:%s", use, deployment));
    return tee_sealing_key(tee, buffer_slice(&label), key_out);
}

static enum status fork_one(struct signers *signers, const struct signer_options *options, struct signer_plan *plan,
                            struct refusal *why)
{
    struct slot *const slot = &signers->slots[signers->count];
    const bool is_first = signers->count == FIRST;
    plan->place.tee = is_first ? options->tee : NULL;
    const struct nursery_plan nursery = {
        .name = is_first ? "signer-with-tee" : "signer",
        .work = signer_process,
        .context = plan,
        .containment = {.level = CONTAINED_COMPUTE, .memory_bytes = MEMORY_BYTES},
        .keep_descriptor = is_first ? tee_descriptor(options->tee) : -1,
    };
    const int processor = seats_processor(signers->seats, signers->count);
    TRY(nursery_fork(&nursery, processor, why, &slot->process, &slot->socket));
    slot->question = buffer_of_maximum(LINK_FRAME_MAX_BYTES);
    signers->count++;
    return OK;
}

static enum status fork_all(struct signers *signers, const struct signer_options *options, unsigned count,
                            struct refusal *why)
{
    CLEANUP(secret_done) struct secret sealing_key = {}, challenge_key = {};
    TRY(derive(options->tee, "signing-key", options->deployment, &sealing_key));
    TRY(derive(options->tee, "tpm-challenge", options->deployment, &challenge_key));
    TRY(signing_key_tag(secret_slice(&sealing_key), signers->tag));
    struct signer_plan plan = {
        .appraiser = options->appraiser,
        .place = {.sealing_key = secret_slice(&sealing_key),
                  .issuer = options->appraiser.issuer,
                  .algorithm = options->algorithm},
        .challenge_key = secret_slice(&challenge_key),
    };
    while (signers->count < count) TRY(fork_one(signers, options, &plan, why));
    return tee_hand_over(options->tee, signers->slots[0].process);
}

/* What libraries open files for when they are first used: a contained process could not. */
static enum status use_libraries(void)
{
    uint8_t byte;
    json_decref(json_object()); /* jansson seeds its tables */
    tzset();                    /* the C library reads the time zone, even where a time has none */
    return random_bytes(sizeof(byte), &byte);
}

static enum status start_all(struct signers *signers, const struct signer_options *options, struct refusal *why)
{
    const struct processors processors = processors_allowed();
    const unsigned wanted = options->count > 0 ? options->count : processors.count;
    const unsigned count = wanted < COUNT_MAX ? wanted : COUNT_MAX;
    TRY(use_libraries());
    TRY(seats_new(&processors, count, options->queue > 0 ? options->queue : QUEUE_DEFAULT, &signers->seats));
    return fork_all(signers, options, count, why);
}

enum status signers_start(const struct signer_options *options, struct refusal *why, struct signers **signers_out)
{
    struct signers *const signers = calloc(1, sizeof(*signers));
    if (signers == NULL) return ERR_NO_MEMORY;
    (void)pthread_mutex_init(&signers->mutex, NULL);
    const enum status status = start_all(signers, options, why);
    if (status != OK) {
        signers_free(signers);
        return status;
    }
    tee_free(options->tee);
    *signers_out = signers;
    return OK;
}

void signers_free(struct signers *signers)
{
    if (signers == NULL) return;
    for (unsigned i = 0; i < signers->count; i++) {
        struct slot *const slot = &signers->slots[i];
        if (slot->socket >= 0) (void)close(slot->socket);
        buffer_done(&slot->question);
        if (slot->process <= 0) continue;
        (void)kill(slot->process, SIGKILL);
        while (waitpid(slot->process, NULL, 0) < 0 && errno == EINTR) {}
    }
    seats_free(signers->seats);
    (void)pthread_mutex_destroy(&signers->mutex);
    free(signers);
}
