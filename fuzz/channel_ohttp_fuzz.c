/* SPDX-License-Identifier: Apache-2.0
 * Hits ohttp_config_read, ohttp_config_write, ohttp_open_request, ohttp_seal_response, ohttp_open_response. */
#include "channel/ohttp.h"
#include "fuzz.h"

#include <stdlib.h>

static void check_config(struct slice bytes)
{
    struct refusal why;
    CLEANUP(ohttp_config_done) struct ohttp_config config = {}, again = {};
    if (ohttp_config_read(bytes, &why, &config) != OK) return;
    CLEANUP(buffer_done) struct buffer written = buffer_of_maximum(OHTTP_CONFIG_MAX_BYTES);
    if (ohttp_config_write(&config, &written) != OK) abort();
    if (ohttp_config_read(buffer_slice(&written), &why, &again) != OK || !key_equal(config.key, again.key)) abort();
}

static void check_request(struct slice message, const struct key *key)
{
    struct refusal why;
    uint8_t encapsulated[HPKE_ENCAPSULATED_KEY_BYTES];
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(1 << 20), answer = buffer_of_maximum(1 << 20);
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *exchange = NULL;
    if (ohttp_open_request(key, 1, message, &why, encapsulated, &content, &exchange) != OK) return;
    if (ohttp_seal_response(exchange, SLICE_LITERAL("answer"), &answer) != OK) abort();
    buffer_clear(&content);
    if (ohttp_open_response(exchange, buffer_slice(&answer), &why, &content) != OK) abort();
    (void)!ohttp_open_response(exchange, message, &why, &content);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint8_t private_bytes[X25519_BYTES] = {9};
    CLEANUP(key_cleanup) struct key *key = NULL;
    if (key_private_from_x25519(SLICE_ARRAY(private_bytes), &key) != OK) abort();
    check_config(slice_of(bytes, size));
    check_request(slice_of(bytes, size), key);
    return 0;
}
