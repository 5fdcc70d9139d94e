/* SPDX-License-Identifier: Apache-2.0
 *
 * The platform's way to the gate before the cache: attested TLS, and only to the gate whose key the present chain
 * statement names. A gate that took its place is refused here before a byte is sent, however good its token is.
 */
#pragma once

#include "service/service.h"

struct gate_client;
/* Everything is borrowed. It is held to no gate yet, so it refuses to connect. */
enum status gate_client_new(struct service *service, const char *address, struct refusal *why,
                            struct gate_client **client_out);
void gate_client_free(struct gate_client *client);

/* Shows a new token of the platform from now on. */
enum status gate_client_token_arrived(struct gate_client *client, struct slice token);

/* From now on only the gate with this TLS key, or none ("") is connected. True if it was another one before: then
 * connections that were made before are no longer to be used. */
bool gate_client_hold(struct gate_client *client, const char *key);

/* A connected stream to the cache behind the gate. `context` is the client: a cache_connect. ERR_PEER_REFUSED, also
 * while no gate is accepted; ERR_CONNECT, ERR_TIMEOUT. */
enum status gate_client_connect(void *context, int *socket_out);
