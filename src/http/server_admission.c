/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may ask: decided when the request's fields are read and before anything of them is looked at. Whoever is over its
 * limit is told so once; a connection that asks on without minding it is held: suspended with its request, so that
 * nothing more is read from it. That costs less than closing it, which a client answers with another handshake.
 */
#include "http/server_internal.h"

#include "base/clock.h"

static bool hold(struct exchange *exchange)
{
    struct visit *const visit = exchange->visit;
    if (exchange->phase == EXCHANGE_HELD || !visit->was_told || exchange->server->is_draining) return false;
    exchange->phase = EXCHANGE_HELD;
    MHD_suspend_connection(exchange->connection);
    visit_is_held(&exchange->server->visits, visit, exchange->connection);
    return true;
}

enum admission exchange_admit(struct exchange *exchange)
{
    struct visit *const visit = exchange->visit;
    const struct rate_verdict verdict =
        rate_limiter_request(exchange->server->rate_limiter, &visit->client, clock_monotonic_ms());
    exchange->is_quiet = verdict.is_quiet;
    if (verdict.wait_ms == 0) {
        visit->was_told = false;
        return ADMITTED;
    }
    if (hold(exchange)) return ADMISSION_HELD;
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
