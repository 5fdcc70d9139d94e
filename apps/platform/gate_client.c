/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/gate_client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GATE_TIMEOUT_MS = 2000 };

struct gate_client {
    struct service *service;
    const char *address;
    const struct role_rule *role;
    struct tunnel_endpoint *endpoint;
    pthread_mutex_t mutex; /* over the key and the endpoint's rule for it */
    char key[THUMBPRINT_TEXT_BYTES + 1];
};

enum status gate_client_new(struct service *service, const char *address, struct refusal *why,
                            struct gate_client **client_out)
{
    const struct role_rule *const role = manifest_role(service->manifest, "gate");
    if (role == NULL) return refuse(why, ERR_MANIFEST, "manifest.roles", "gate", "no rule for it");
    struct gate_client *const client = calloc(1, sizeof(*client));
    if (client == NULL) return ERR_NO_MEMORY;
    client->service = service;
    client->address = address;
    client->role = role;
    const enum status status = tunnel_endpoint_new(&client->endpoint);
    if (status != OK) {
        free(client);
        return status;
    }
    (void)pthread_mutex_init(&client->mutex, NULL);
    *client_out = client;
    return OK;
}

void gate_client_free(struct gate_client *client)
{
    if (client == NULL) return;
    tunnel_endpoint_free(client->endpoint);
    (void)pthread_mutex_destroy(&client->mutex);
    free(client);
}

enum status gate_client_token_arrived(struct gate_client *client, struct slice token)
{
    return service_show_token(client->service, token, client->endpoint);
}

static void set_rule(struct gate_client *client)
{
    struct tunnel_peer_rule rule = {
        .rules = &client->service->manifest->relying_party, .roles = {client->role}, .role_count = 1};
    memcpy(rule.pinned_key, client->key, sizeof(rule.pinned_key));
    tunnel_endpoint_set_rule(client->endpoint, &rule);
}

bool gate_client_hold(struct gate_client *client, const char *key)
{
    (void)pthread_mutex_lock(&client->mutex);
    const bool is_another = strcmp(client->key, key) != 0;
    if (is_another) {
        (void)snprintf(client->key, sizeof(client->key), "%s", key);
        if (key[0] != '\0') set_rule(client);
    }
    (void)pthread_mutex_unlock(&client->mutex);
    return is_another;
}

static bool is_held(struct gate_client *client)
{
    (void)pthread_mutex_lock(&client->mutex);
    const bool is_held = client->key[0] != '\0';
    (void)pthread_mutex_unlock(&client->mutex);
    return is_held;
}

enum status gate_client_connect(void *context, int *socket_out)
{
    struct gate_client *const client = context;
    if (!is_held(client)) return ERR_PEER_REFUSED;
    const struct tunnel_target target = {.address = client->address, .endpoint = client->endpoint};
    return tunnel_connect(client->service->tunnel, &target, GATE_TIMEOUT_MS, NULL, socket_out, NULL);
}
