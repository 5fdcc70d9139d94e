/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "channel/ohttp.h"
#include "platform/platform.h"

#include <string.h>

enum {
    CONTENT_MAX_BYTES = INNER_BODY_MAX_BYTES + 64 * 1024,
    ANSWER_CONTENT_MAX_BYTES = INNER_ANSWER_MAX_BYTES + 64 * 1024
};

/* A place in a full window is free when the oldest date has left it: within 300 s, on average much sooner. */
#define FULL_WINDOW_RETRY_S "60"

static enum status check_date(struct platform *platform, const struct sealed_key *held,
                              const struct bhttp_request *message,
                              const uint8_t encapsulated_key[static HPKE_ENCAPSULATED_KEY_BYTES], struct refusal *why)
{
    int64_t date_s;
    const struct slice text = bhttp_field(message->fields, message->field_count, "date");
    if (time_parse_http(text, &date_s) != OK)
        return refuse(why, ERR_DATE, "date", "an IMF-fixdate such as Sun, 06 Nov 1994 08:49:37 GMT", "%zu bytes",
                      text.size);
    const int64_t now_s = clock_now_s(platform->service->clock);
    const enum status status = replay_window_admit(held->window, encapsulated_key, date_s, now_s);
    if (status == ERR_DATE) {
        (void)!refuse(why, ERR_DATE, "date", "within 300 s of the platform's clock", "%lld s away",
                      (long long)(date_s - now_s));
        return refuse_fix(why, ERR_DATE, "set this computer's clock; if it is right, the platform's is wrong");
    }
    if (status == ERR_REPLAY)
        return refuse(why, ERR_REPLAY, "encapsulated key", "a request of its own", "one that was seen before");
    if (status != OK) return refuse(why, status, "request", "a free place in the replay window", "none");
    return OK;
}

static void answer_problem(struct inner_response *response, enum status status, const struct refusal *why)
{
    if (status == ERR_REPLAY_FULL) (void)!inner_field(response, "retry-after", FULL_WINDOW_RETRY_S);
    inner_problem(response, status, why, false);
}

/* Opened, so everything from here on is answered inside the seal. */
static void handle_content(struct platform *platform, const struct sealed_key *held, struct slice content,
                           const uint8_t encapsulated_key[static HPKE_ENCAPSULATED_KEY_BYTES],
                           struct inner_response *response)
{
    struct refusal why = {};
    struct bhttp_request message = {};
    enum status status = bhttp_read_request(content, &why, &message);
    if (status == OK) status = check_date(platform, held, &message, encapsulated_key, &why);
    if (status == OK)
        inner_handle(platform, &message, response);
    else
        answer_problem(response, status, &why);
}

static enum status write_answer(const struct inner_response *response, struct buffer *content)
{
    struct bhttp_response message = {.status = response->status, .body = buffer_slice(&response->body)};
    if (response->content_type != NULL) {
        message.fields[message.field_count++] =
            (struct bhttp_field){.name = SLICE_LITERAL("content-type"), .value = slice_of_text(response->content_type)};
    }
    for (size_t i = 0; i < response->field_count; i++) {
        message.fields[message.field_count++] = (struct bhttp_field){.name = slice_of_text(response->fields[i].name),
                                                                     .value = slice_of_text(response->fields[i].value)};
    }
    return bhttp_write_response(&message, content);
}

static enum status refuse_key(struct platform *platform, struct slice key_thumbprint, struct refusal *why)
{
    char present[THUMBPRINT_TEXT_BYTES + 1];
    sealed_keys_present(platform->sealed_keys, present);
    (void)!refuse(why, ERR_OHTTP_KEY, "path", present, "%.*s", (int)key_thumbprint.size,
                  (const char *)key_thumbprint.bytes);
    return refuse_fix(why, ERR_OHTTP_KEY, "verify the platform anew: its keys have changed");
}

/* A retired key still opens, so that the client is told inside the seal to verify anew; nothing else is done. */
static enum status exchange_under(struct platform *platform, const struct sealed_key *held, struct slice message,
                                  struct refusal *why, struct buffer *answer)
{
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(CONTENT_MAX_BYTES);
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *exchange = NULL;
    uint8_t encapsulated_key[HPKE_ENCAPSULATED_KEY_BYTES];
    TRY(ohttp_open_request(held->key, ENCLAVE_OHTTP_KEY_ID, message, why, encapsulated_key, &content, &exchange));
    CLEANUP(inner_response_done) struct inner_response response = {};
    if (held->is_retired)
        platform_answer_chain_changed(platform, &response);
    else
        handle_content(platform, held, buffer_slice(&content), encapsulated_key, &response);
    CLEANUP(buffer_done) struct buffer plain = buffer_of_maximum(ANSWER_CONTENT_MAX_BYTES);
    TRY(write_answer(&response, &plain));
    return ohttp_seal_response(exchange, buffer_slice(&plain), answer);
}

enum status sealed_exchange(struct platform *platform, struct slice key_thumbprint, struct slice message,
                            struct refusal *why, struct buffer *answer)
{
    struct sealed_key held = {};
    if (sealed_keys_take(platform->sealed_keys, key_thumbprint, clock_monotonic_ms(), &held) != OK)
        return refuse_key(platform, key_thumbprint, why);
    const enum status status = exchange_under(platform, &held, message, why, answer);
    sealed_key_release(platform->sealed_keys, &held);
    return status;
}
