/* SPDX-License-Identifier: Apache-2.0
 *
 * Oblivious HTTP encapsulation (RFC 9458), both sides, over HPKE with X25519, HKDF-SHA256 and AES-256-GCM or
 * AES-128-GCM. Single-message form ("message/ohttp-req", "message/ohttp-res").
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "crypto/hpke.h"

enum { OHTTP_HEADER_BYTES = 7, OHTTP_CONFIG_MAX_BYTES = 256, OHTTP_CONFIG_MAX_SUITES = 8 };

/* A key configuration (section 3): what the client seals to. */
struct ohttp_config {
    uint8_t key_id;
    struct key *key;                               /* owned */
    enum hpke_aead aeads[OHTTP_CONFIG_MAX_SUITES]; /* those with HKDF-SHA256, in the order of preference */
    size_t aead_count;
};

/* ERR_OHTTP_FORMAT; ERR_UNSUPPORTED for another KEM, or if no suite is known here. */
enum status ohttp_config_read(struct slice bytes, struct refusal *why, struct ohttp_config *config_out);
void ohttp_config_done(struct ohttp_config *config);
enum status ohttp_config_write(const struct ohttp_config *config, struct buffer *bytes);

/* One exchange: opened by the request, used once for the response. */
struct ohttp_exchange;
void ohttp_exchange_cleanup(struct ohttp_exchange **exchange);

/* Gateway: opens an encapsulated request; appends its content. `encapsulated_key_out` is what the replay window
 * remembers. ERR_OHTTP_KEY: another key id, KEM or suite (the plain 400 of section 5.3). ERR_OHTTP_FORMAT,
 * ERR_AUTHENTICATION. */
enum status ohttp_open_request(const struct key *private_key, uint8_t key_id, struct slice message, struct refusal *why,
                               uint8_t encapsulated_key_out[static HPKE_ENCAPSULATED_KEY_BYTES], struct buffer *content,
                               struct ohttp_exchange **exchange_out);
enum status ohttp_seal_response(const struct ohttp_exchange *exchange, struct slice content, struct buffer *message);

/* Client. */
enum status ohttp_seal_request(const struct ohttp_config *config, struct slice content, struct buffer *message,
                               struct ohttp_exchange **exchange_out);
enum status ohttp_open_response(const struct ohttp_exchange *exchange, struct slice message, struct refusal *why,
                                struct buffer *content);

/* With a given ephemeral key and response nonce (16 bytes with AES-128-GCM, 32 with AES-256-GCM): for the RFC's test
 * vectors only. */
enum status ohttp_seal_request_with(const struct ohttp_config *config, const struct key *ephemeral,
                                    struct slice content, struct buffer *message, struct ohttp_exchange **exchange_out);
enum status ohttp_seal_response_with(const struct ohttp_exchange *exchange, struct slice response_nonce,
                                     struct slice content, struct buffer *message);
