/* SPDX-License-Identifier: Apache-2.0
 *
 * Identity and rule of an endpoint. Handshakes take a view of both when they begin and keep it, so an exchange never
 * waits for one and never changes one under way.
 */
#include "channel/tunnel_internal.h"

#include <stdlib.h>
#include <string.h>

struct tunnel_endpoint {
    pthread_mutex_t lock;
    struct tunnel_identity *identity;
    struct peer_rule *rule;
};

enum status tunnel_endpoint_new(struct tunnel_endpoint **endpoint_out)
{
    struct tunnel_endpoint *const endpoint = calloc(1, sizeof(*endpoint));
    if (endpoint == NULL) return ERR_NO_MEMORY;
    (void)pthread_mutex_init(&endpoint->lock, NULL);
    *endpoint_out = endpoint;
    return OK;
}

void tunnel_endpoint_free(struct tunnel_endpoint *endpoint)
{
    if (endpoint == NULL) return;
    tunnel_identity_free(endpoint->identity);
    peer_rule_release(endpoint->rule);
    (void)pthread_mutex_destroy(&endpoint->lock);
    free(endpoint);
}

void tunnel_endpoint_set_identity(struct tunnel_endpoint *endpoint, struct tunnel_identity *identity)
{
    if (identity == NULL) return;
    (void)pthread_mutex_lock(&endpoint->lock);
    struct tunnel_identity *const before = endpoint->identity;
    endpoint->identity = identity;
    (void)pthread_mutex_unlock(&endpoint->lock);
    tunnel_identity_free(before);
}

void peer_rule_release(struct peer_rule *rule)
{
    if (rule == NULL || --rule->owners > 0) return;
    for (size_t i = 0; rule->rules != NULL && i < rule->rules->issuer_count; i++)
        jwk_set_done(&rule->rules->issuers[i].keys);
    free(rule->rules);
    free(rule->roles);
    free(rule);
}

/* The keys of the copy are owners of their own. */
static struct relying_party_rules *copy_rules(const struct relying_party_rules *rules)
{
    struct relying_party_rules *const copy = malloc(sizeof(*copy));
    if (copy == NULL) return NULL;
    *copy = *rules;
    for (size_t i = 0; i < copy->issuer_count; i++) {
        struct jwk_set *const keys = &copy->issuers[i].keys;
        for (size_t k = 0; k < keys->count; k++) keys->items[k].key = key_share(keys->items[k].key);
    }
    return copy;
}

static struct peer_rule *copy_rule(const struct tunnel_peer_rule *rule)
{
    struct peer_rule *const copy = calloc(1, sizeof(*copy));
    if (copy == NULL) return NULL;
    copy->owners = 1;
    memcpy(copy->pinned_key, rule->pinned_key, sizeof(copy->pinned_key));
    copy->pinned_key[THUMBPRINT_TEXT_BYTES] = '\0';
    if (rule->rules == NULL) return copy;
    copy->rules = copy_rules(rule->rules);
    copy->roles = calloc(sizeof(rule->roles) / sizeof(rule->roles[0]), sizeof(*copy->roles));
    if (copy->rules == NULL || copy->roles == NULL) {
        peer_rule_release(copy);
        return NULL;
    }
    for (size_t i = 0; i < rule->role_count; i++) copy->roles[i] = *rule->roles[i];
    copy->role_count = rule->role_count;
    return copy;
}

void tunnel_endpoint_set_rule(struct tunnel_endpoint *endpoint, const struct tunnel_peer_rule *rule)
{
    /* Without memory for the new rule the endpoint has none, and accepts nobody. */
    struct peer_rule *const copy = copy_rule(rule);
    (void)pthread_mutex_lock(&endpoint->lock);
    struct peer_rule *const before = endpoint->rule;
    endpoint->rule = copy;
    (void)pthread_mutex_unlock(&endpoint->lock);
    peer_rule_release(before);
}

struct endpoint_view endpoint_view(struct tunnel_endpoint *endpoint)
{
    (void)pthread_mutex_lock(&endpoint->lock);
    const struct endpoint_view view = {.identity = endpoint->identity, .rule = endpoint->rule};
    if (view.identity != NULL) view.identity->owners++;
    if (view.rule != NULL) view.rule->owners++;
    (void)pthread_mutex_unlock(&endpoint->lock);
    return view;
}

void endpoint_view_done(struct endpoint_view *view)
{
    tunnel_identity_free(view->identity);
    peer_rule_release(view->rule);
    *view = (struct endpoint_view){};
}
