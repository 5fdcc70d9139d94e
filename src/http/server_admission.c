/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may ask: decided when the request's fields are read and before anything of them is looked at. Whoever is over its
 * limit is told so once; a connection that asks on without minding it is held: suspended with its request, so that
 * nothing more is read from it, each time for longer. That costs less than closing it, which a client answers with
 * another handshake.
 */
#include "http/server_internal.h"

#include "base/clock.h"

static int64_t hold_ms(const struct visit *visit)
{
    int64_t ms = HTTP_HOLD_MS;
    for (unsigned i = 1; i < visit->holds && ms < HTTP_HOLD_MAX_MS; i++) ms *= 2;
    return ms;
}

static bool hold(struct exchange *exchange)
{
    struct visit *const visit = exchange->visit;
    if (exchange->phase == EXCHANGE_HELD || exchange->server->is_draining) return false;
    exchange->phase = EXCHANGE_HELD;
    visit->holds++;
    MHD_suspend_connection(exchange->connection);
    visit_is_held(&exchange->server->visits, visit, exchange->connection, hold_ms(visit));
    return true;
}

/* Being held is no waiting of one's own: the request is looked at afterwards, and the next one is to leave time. */
static void admit(struct exchange *exchange, int64_t now_ms)
{
    struct visit *const visit = exchange->visit;
    visit->was_told = false;
    if (exchange->phase == EXCHANGE_HELD)
        visit->held_until_ms = now_ms + hold_ms(visit);
    else
        visit->holds = 0;
}

enum admission exchange_admit(struct exchange *exchange)
{
    struct visit *const visit = exchange->visit;
    const int64_t now_ms = clock_monotonic_ms();
    if (visit->holds > 0 && now_ms < visit->held_until_ms && hold(exchange)) return ADMISSION_HELD;
    const struct rate_verdict verdict = rate_limiter_request(exchange->server->rate_limiter, &visit->client, now_ms);
    exchange->is_quiet = verdict.is_quiet;
    if (verdict.wait_ms == 0) {
        admit(exchange, now_ms);
        return ADMITTED;
    }
    if (visit->was_told && hold(exchange)) return ADMISSION_HELD;
    visit->was_told = true;
    exchange_refuse_for_now(exchange, verdict.wait_ms, "more than its share");
    return ADMISSION_REFUSED;
}

bool exchange_can_go_on(const struct exchange *exchange)
{
    const char *const length = http_request_header(&exchange->request, "content-length");
    uint64_t size = 0;
    if (http_request_header(&exchange->request, "transfer-encoding") != NULL) return false;
    return length == NULL ||
           (http_content_length(slice_of_text(length), &size) == OK && size <= HTTP_REFUSED_BODY_MAX_BYTES);
}
