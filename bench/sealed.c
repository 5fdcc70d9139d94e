/* SPDX-License-Identifier: Apache-2.0
 *
 * The sealed channel's own cost: opening an encapsulated request and sealing its response (what the platform does for
 * each request), for contents of 1 KiB and 1 MiB each way, against the limit: one X25519 agreement and AES-256-GCM over
 * the same bytes, once each way, with the same crypto library in the same run.
 */
#include "timing.h"

#include "channel/bhttp.h"
#include "channel/ohttp.h"
#include "crypto/aead.h"
#include "crypto/random.h"

#include <string.h>

enum { LARGE_BYTES = 1 << 20, BUFFER_BYTES = LARGE_BYTES + 4096 };

struct sealed_context {
    struct key *gateway, *peer;
    struct buffer request, content, answer;
    struct slice answer_content;
    uint8_t key[32], nonce[12];
};

static void check(enum status status)
{
    if (status == OK) return;
    (void)fprintf(stderr, "bench: %s\n", status_name(status));
    exit(1);
}

static struct sealed_context *new_context(size_t size)
{
    struct sealed_context *const context = calloc(1, sizeof(*context));
    if (context == NULL) exit(1);
    check(key_generate(KEY_X25519, 0, &context->gateway));
    check(key_generate(KEY_X25519, 0, &context->peer));
    check(random_bytes(sizeof(context->key), context->key));
    context->request = buffer_of_maximum(BUFFER_BYTES);
    context->content = buffer_of_maximum(BUFFER_BYTES);
    context->answer = buffer_of_maximum(BUFFER_BYTES);
    uint8_t *bytes;
    check(buffer_extend(&context->content, size, &bytes));
    const struct bhttp_request message = {
        .method = SLICE_LITERAL("PUT"),
        .scheme = SLICE_LITERAL("https"),
        .authority = SLICE_LITERAL("platform"),
        .path = SLICE_LITERAL("/films/x/parts/0"),
        .body = buffer_slice(&context->content),
    };
    CLEANUP(buffer_done) struct buffer plain = buffer_of_maximum(BUFFER_BYTES);
    check(bhttp_write_request(&message, &plain));
    const struct ohttp_config config = {
        .key_id = 1, .key = context->gateway, .aeads = {HPKE_AEAD_AES_256_GCM}, .aead_count = 1};
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *exchange = NULL;
    check(ohttp_seal_request(&config, buffer_slice(&plain), &context->request, &exchange));
    return context;
}

static bool exchange_once(void *argument)
{
    struct sealed_context *const context = argument;
    CLEANUP(buffer_done) struct buffer plain = buffer_of_maximum(BUFFER_BYTES);
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *exchange = NULL;
    uint8_t encapsulated[HPKE_ENCAPSULATED_KEY_BYTES];
    struct bhttp_request message;
    buffer_clear(&context->answer);
    return ohttp_open_request(context->gateway, 1, buffer_slice(&context->request), NULL, encapsulated, &plain,
                              &exchange) == OK &&
           bhttp_read_request(buffer_slice(&plain), NULL, &message) == OK &&
           ohttp_seal_response(exchange, buffer_slice(&context->content), &context->answer) == OK;
}

static bool limit_once(void *argument)
{
    struct sealed_context *const context = argument;
    CLEANUP(secret_done) struct secret shared = {};
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(BUFFER_BYTES);
    CLEANUP(buffer_done) struct buffer opened = buffer_of_maximum(BUFFER_BYTES);
    const struct slice key = SLICE_ARRAY(context->key), nonce = SLICE_ARRAY(context->nonce);
    return key_agree(context->gateway, context->peer, &shared) == OK &&
           aead_seal(key, nonce, (struct slice){}, buffer_slice(&context->content), &sealed) == OK &&
           aead_open(key, nonce, (struct slice){}, buffer_slice(&sealed), &opened) == OK;
}

static void bench_size(const char *label, size_t size, double seconds)
{
    void *contexts[2] = {new_context(size), new_context(size)};
    for (size_t threads = 1; threads <= 2; threads++) {
        const double sealed = bench_rate(exchange_once, contexts, threads, seconds);
        const double limit = bench_rate(limit_once, contexts, threads, seconds);
        char name[96];
        (void)snprintf(name, sizeof(name), "open and seal, %s each way, %zu thread%s", label, threads,
                       threads == 1 ? "" : "s");
        bench_figure("sealed", name, sealed, "per second");
        (void)snprintf(name, sizeof(name), "time against X25519 and AES-256-GCM alone, %s, %zu thread%s", label,
                       threads, threads == 1 ? "" : "s");
        bench_figure("sealed", name, limit / sealed, "times");
    }
}

int main(int count, char **arguments)
{
    const double seconds = count > 1 ? strtod(arguments[1], NULL) : 1.0;
    bench_size("1 KiB", 1024, seconds);
    bench_size("1 MiB", LARGE_BYTES, seconds);
    return 0;
}
