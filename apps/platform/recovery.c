/* SPDX-License-Identifier: Apache-2.0
 *
 * Recovery: the hospital sends the master key, sealed to this enclave by its recovery key (docs/protocols.md, section
 * 12). The endpoint exists only while the store is locked.
 */
#include "base/log.h"
#include "platform/platform.h"
#include "records/key_parcel.h"
#include "records/master_key.h"

static enum status open_parcel(const struct platform *platform, const struct key *recipient, struct slice body,
                               struct refusal *why, struct secret *master_out)
{
    CLEANUP(json_done) json_t *parcel = NULL;
    TRY(json_parse(body, KEY_PARCEL_MAX_BYTES, why, &parcel));
    const struct key_parcel_route route = {
        .purpose = KEY_PARCEL_RECOVERY,
        .deployment = slice_of_text(platform->service->configuration->deployment),
        .recipient = recipient,
        .author = platform->service->manifest->recovery,
    };
    return key_parcel_open(&route, parcel, why, master_out);
}

/* To the key that the hospital was shown. */
static enum status open_for_present_key(struct platform *platform, struct slice body, struct refusal *why,
                                        struct secret *master_out)
{
    char present[THUMBPRINT_TEXT_BYTES + 1];
    struct sealed_key held = {};
    sealed_keys_present(platform->sealed_keys, present);
    TRY(sealed_keys_take(platform->sealed_keys, slice_of_text(present), clock_monotonic_ms(), &held));
    const enum status status = open_parcel(platform, held.key, body, why, master_out);
    sealed_key_release(platform->sealed_keys, &held);
    return status;
}

static enum status recover(struct platform *platform, struct slice body, struct refusal *why)
{
    if (custody_now(platform->custody) != CUSTODY_LOCKED)
        return refuse(why, ERR_NOT_FOUND, "records", "a locked store", "one that is not locked");
    CLEANUP(secret_done) struct secret master = {};
    TRY(open_for_present_key(platform, body, why, &master));
    return records_unlock(platform, secret_slice(&master), NULL, why);
}

static unsigned http_status_of(enum status status)
{
    switch (status) {
    case ERR_NOT_FOUND: return 404;
    case ERR_AUTHENTICATION: return 403;
    case ERR_OHTTP_KEY:
    case ERR_STORE_LOCKED:
    case ERR_STORE_CORRUPT: return 409;
    case ERR_TOO_LARGE: return 413;
    case ERR_BUSY: return 429;
    case ERR_STORE:
    case ERR_STORE_IN_USE:
    case ERR_IO: return 503;
    case ERR_INTERNAL:
    case ERR_CRYPTO:
    case ERR_NO_MEMORY: return 500;
    default: return 400;
    }
}

void handle_recovery(void *context, const struct http_request *request, struct http_response *response)
{
    struct platform *const platform = context;
    struct refusal why = {};
    const enum status status = recover(platform, request->body, &why);
    log_event(status == OK ? LOG_INFO : LOG_WARNING, "records.recovery", log_status(status));
    if (status == OK) {
        http_respond(response, 204, NULL, (struct slice){});
        return;
    }
    if (why.status == OK) (void)!refuse(&why, status, "body", "a master key for this store", "none that fits");
    http_respond_problem(response, http_status_of(status), NULL, &why);
}
