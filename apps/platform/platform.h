/* SPDX-License-Identifier: Apache-2.0
 *
 * The platform: what its files share. Each part has a file of its own; this struct only says which parts there are.
 */
#pragma once

#include "imaging/decoder_child.h"
#include "platform/chain.h"
#include "platform/custody.h"
#include "platform/diagnosis_client.h"
#include "platform/gate_client.h"
#include "platform/hand_over.h"
#include "platform/housekeeping.h"
#include "platform/inner.h"
#include "platform/sealed_keys.h"
#include "platform/successor.h"
#include "records/accounts.h"
#include "records/master_key.h"
#include "records/sessions.h"
#include "records/store.h"
#include "service/service.h"

#include <stdatomic.h>

enum {
    PLATFORM_ORIGIN_MAX_COUNT = 7,
    PLATFORM_WORKERS_AT_HAND = 4, /* for requests that are answered at once, whatever long work there is */
};

struct platform_configuration {
    char certificate[PATH_MAX], private_key[PATH_MAX]; /* of the public HTTPS listener */
    char gate[ADDRESS_MAX_BYTES + 1], diagnosis[ADDRESS_MAX_BYTES + 1];
    char origins[PLATFORM_ORIGIN_MAX_COUNT][ADDRESS_MAX_BYTES + 1]; /* of portals, for CORS */
    size_t origin_count;
    int64_t key_renew_s, key_accept_s, key_hold_s; /* of the HPKE key: sealed_keys.h */
    char hand_over[ADDRESS_MAX_BYTES + 1];         /* where a successor may ask; "" if nowhere */
    struct successor_options predecessor;          /* its `hand_over` is "" if there is none */
};

struct platform {
    struct platform_configuration configuration;
    struct service *service;
    struct decoder *decoder; /* forked before threads */
    struct custody *custody; /* over the records, which are these six: there only while it is open */
    struct record_keys *keys;
    struct store *store;
    struct accounts *accounts;
    struct housekeeping *housekeeping;
    struct cache *cache;
    struct sessions *sessions;
    struct gate_client *gate;
    struct diagnosis_client *diagnosis;
    struct chain *chain;
    struct hand_over *hand_over; /* NULL without a listener for it */
    struct successor *successor; /* NULL without a predecessor, or with the records open from the start */
    struct sealed_keys *sealed_keys;
    struct http_server *server;
    _Atomic int long_work; /* free places for requests that may take seconds */
    struct tunnel_endpoint *public_endpoint;
    struct tunnel_listener *listener;
};

/* The public HTTPS routes: health, evidence, /sealed. */
extern const struct http_route public_routes[];
extern const size_t public_route_count;

void handle_recovery(void *context, const struct http_request *request, struct http_response *response);

/* Opens the records with the enclave's own sealing key, or leaves them locked and says why. Fails only where no other
 * key could help. */
enum status records_start(struct platform *platform, struct refusal *why);

/* Opens locked records with a master key that came from elsewhere, and from a source that was verified. The store must
 * be no older than `at_least` (NULL: as it is). ERR_STORE_LOCKED if it is not the key of this store; ERR_NOT_FOUND if
 * nothing is locked; ERR_BUSY; ERR_STORE_CORRUPT, ERR_STORE, ERR_STORE_IN_USE, ERR_IO. */
enum status records_unlock(struct platform *platform, struct slice master, const struct store_head *at_least,
                           struct refusal *why);
/* Opens locked records with the enclave's own sealing key after all: a successor that stands in the key file by now.
 * Errors as above. */
enum status records_open_own(struct platform *platform, const struct store_head *at_least, struct refusal *why);
void records_close(struct platform *platform);

/* To whom this enclave wraps the master key; `sealing_key_out` must outlive it. */
enum status records_wrapping(const struct platform *platform, struct secret *sealing_key_out,
                             struct master_key_wrapping *wrapping_out);

/* Opens a sealed request, has it handled, and appends the sealed answer. A status other than OK is answered in clear.
 */
enum status sealed_exchange(struct platform *platform, struct slice key_thumbprint, struct slice message,
                            struct refusal *why, struct buffer *answer);

/* Handles an opened request: the table of section 8. Always gives an answer. */
void inner_handle(struct platform *platform, const struct bhttp_request *message, struct inner_response *response);

/* A place for work that may take seconds: a picture that is decoded, a model that is run. There are fewer places than
 * workers, so that a peer or a child that hangs keeps nobody from signing in or reading. ERR_BUSY, with retry-after,
 * when all are taken. */
struct long_work {
    struct platform *platform; /* NULL: none is held */
};
enum status long_work_begin(struct platform *platform, struct refusal *why, struct inner_response *response,
                            struct long_work *work_out);
void long_work_end(struct long_work *work);

/* Handlers, one file per group of routes. */
inner_handler session_create, session_show, session_end;
inner_handler account_create, account_list_all;
inner_handler fhir_transaction, fhir_create, fhir_read, fhir_update, fhir_search, fhir_everything;
inner_handler film_create, film_put_part, film_show, film_complete, film_cancel, film_image;
inner_handler order_create;
inner_handler inbox_list, inbox_acknowledge;

/* Whether the request names a statement under which the platform may serve it now. */
bool statement_is_good(struct platform *platform, const struct bhttp_request *message);

/* The 409 with the new statement, in place of whatever the response held. */
void platform_answer_chain_changed(struct platform *platform, struct inner_response *response);

/* Holds the cache's connections to the gate that the present statement names. */
void platform_hold_gate(struct platform *platform);

/* The session in an `authorization: Bearer SESSION` field. ERR_SESSION if there is none. */
enum status session_in(const struct bhttp_request *message, struct refusal *why, struct slice *session_out);

/* The session of a token; the refusal says what to do while the cache is away. ERR_SESSION, ERR_CACHE. */
enum status session_find(struct platform *platform, struct slice token, int64_t now_s, struct refusal *why,
                         struct session *session_out);

/* The first answer to the request's idempotency key, if there was one. ERR_NOT_FOUND if not; ERR_FIELD_VALUE if the key
 * was used for another request. */
enum status platform_kept_answer(struct platform *platform, const struct inner_request *request, struct refusal *why,
                                 struct inner_response *response);

/* Ends a handler's changes: keeps the answer under the request's idempotency key and commits both together.
 * ERR_CONFLICT if the same key was used meanwhile: the first answer is given instead. */
enum status platform_commit(struct platform *platform, const struct inner_request *request,
                            const struct inner_response *response, struct store_transaction **transaction);
