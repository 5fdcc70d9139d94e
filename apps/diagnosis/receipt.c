/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnosis/receipt.h"

#include "base/encoding.h"
#include "crypto/random.h"
#include "token/jws.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct receipt_book {
    struct key *key;
    const struct clock *clock;
    const struct model_package *package;
    char key_id[THUMBPRINT_TEXT_BYTES + 1];
    char deployment[THUMBPRINT_TEXT_BYTES + 1];
    struct random_id run;
    pthread_mutex_t lock; /* over what follows */
    struct buffer token;
    char policy_hash[THUMBPRINT_TEXT_BYTES + 1];
    int64_t counter;
    struct base64url32 previous; /* "" before the first */
};

void receipt_done(struct receipt *receipt)
{
    buffer_done(&receipt->jws);
    *receipt = (struct receipt){};
}

static enum status fill_book(struct receipt_book *book, const struct key *key, const char *deployment)
{
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    TRY(key_thumbprint(key, thumbprint));
    memcpy(book->key_id, base64url_of_32(thumbprint).text, sizeof(book->key_id));
    (void)snprintf(book->deployment, sizeof(book->deployment), "%s", deployment);
    book->token = buffer_of_maximum(TOKEN_MAX_BYTES);
    TRY(random_id(&book->run));
    book->key = key_share(key);
    return OK;
}

enum status receipt_book_new(const struct key *key, const struct clock *clock, const struct model_package *package,
                             const char *deployment, struct receipt_book **book_out)
{
    struct receipt_book *const book = calloc(1, sizeof(*book));
    if (book == NULL) return ERR_NO_MEMORY;
    book->clock = clock;
    book->package = package;
    (void)pthread_mutex_init(&book->lock, NULL);
    const enum status status = fill_book(book, key, deployment);
    if (status != OK) {
        receipt_book_free(book);
        return status;
    }
    *book_out = book;
    return OK;
}

void receipt_book_free(struct receipt_book *book)
{
    if (book == NULL) return;
    key_free(book->key);
    buffer_done(&book->token);
    (void)pthread_mutex_destroy(&book->lock);
    free(book);
}

enum status receipt_book_set_token(struct receipt_book *book, struct slice token, const char *policy_hash)
{
    struct buffer copy = buffer_of_maximum(TOKEN_MAX_BYTES);
    TRY(buffer_append(&copy, token));
    (void)pthread_mutex_lock(&book->lock);
    buffer_done(&book->token);
    book->token = copy;
    (void)snprintf(book->policy_hash, sizeof(book->policy_hash), "%s", policy_hash);
    (void)pthread_mutex_unlock(&book->lock);
    return OK;
}

bool receipt_book_has_token(struct receipt_book *book)
{
    (void)pthread_mutex_lock(&book->lock);
    const bool has_token = book->token.size > 0;
    (void)pthread_mutex_unlock(&book->lock);
    return has_token;
}

static enum status set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status set_hmac(json_t *payload, const char *name, const uint8_t salt[static RECEIPT_SALT_BYTES],
                            struct slice bytes)
{
    uint8_t mac[SHA256_BYTES];
    TRY(hmac_sha256(slice_of(salt, RECEIPT_SALT_BYTES), bytes, mac));
    return set(payload, name, json_string(base64url_of_32(mac).text));
}

/* All outputs, one after the other. */
static enum status set_output_hmac(json_t *payload, const struct receipt *receipt,
                                   const struct inference_result *result)
{
    CLEANUP(buffer_done)
    struct buffer bytes = buffer_of_maximum(MODEL_MAX_OUTPUTS * MODEL_MAX_BATCH * (size_t)TENSOR_ITEM_MAX_BYTES);
    for (size_t i = 0; i < result->output_count; i++) TRY(buffer_append(&bytes, buffer_slice(&result->outputs[i])));
    return set_hmac(payload, "output_hmac", receipt->output_salt, buffer_slice(&bytes));
}

static json_t *model_facts(const struct model_package *package)
{
    return json_pack("{s:s, s:s, s:s}", "name", package->name, "version", package->version, "digest",
                     hex_of_32(package->sha256).text);
}

/* One hospital's deployment is one tenant, so the tenant's pseudonym is the deployment's. */
static enum status fill_facts(const struct receipt_book *book, const char *caller, json_t *payload)
{
    TRY(set(payload, "caller", json_string(caller)));
    TRY(set(payload, "deployment", json_string(book->deployment)));
    TRY(set(payload, "iat", json_integer(clock_now_s(book->clock))));
    TRY(set(payload, "model", model_facts(book->package)));
    TRY(set(payload, "run", json_string(book->run.text)));
    TRY(set(payload, "tcb", json_string("by policy")));
    return set(payload, "tenant", json_string(book->deployment));
}

/* Under the lock: the receipt's place in the chain, and the signature over it. */
static enum status sign_next(struct receipt_book *book, json_t *payload, struct buffer *jws)
{
    uint8_t hash[SHA256_BYTES];
    if (book->token.size == 0) return ERR_TOKEN_MISSING;
    json_t *const previous = book->counter == 0 ? json_null() : json_string(book->previous.text);
    TRY(set(payload, "previous", previous));
    TRY(set(payload, "counter", json_integer(book->counter + 1)));
    TRY(set(payload, "policy_hash", json_string(book->policy_hash)));
    TRY(set(payload, "token", json_stringn((const char *)book->token.bytes, book->token.size)));
    TRY(jws_sign(JWS_TYP_RECEIPT, book->key_id, NULL, payload, book->key, jws));
    TRY(jws_hash(buffer_slice(jws), hash));
    book->previous = base64url_of_32(hash);
    book->counter++;
    return OK;
}

enum status receipt_issue(struct receipt_book *book, struct slice input, const struct inference_result *result,
                          const char *caller, struct receipt *receipt_out)
{
    CLEANUP(json_done) json_t *payload = json_object();
    CLEANUP(receipt_done) struct receipt receipt = {.jws = buffer_of_maximum(RECEIPT_MAX_BYTES)};
    TRY(random_bytes(RECEIPT_SALT_BYTES, receipt.input_salt));
    TRY(random_bytes(RECEIPT_SALT_BYTES, receipt.output_salt));
    TRY(fill_facts(book, caller, payload));
    TRY(set_hmac(payload, "input_hmac", receipt.input_salt, input));
    TRY(set_output_hmac(payload, &receipt, result));
    (void)pthread_mutex_lock(&book->lock);
    const enum status status = sign_next(book, payload, &receipt.jws);
    (void)pthread_mutex_unlock(&book->lock);
    TRY(status);
    *receipt_out = receipt;
    receipt = (struct receipt){};
    return OK;
}
