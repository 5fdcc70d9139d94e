/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate: attested TLS outside, a plain stream inside (docs/protocols.md, section 10). It looks into no byte of what
 * it carries; who may enter is the manifest's word, applied in the tunnel.
 */
#pragma once

#include "service/service.h"

enum {
    GATE_ROLE_MAX_COUNT = sizeof((struct tunnel_peer_rule){}.roles) / sizeof((struct tunnel_peer_rule){}.roles[0]),
    GATE_INNER_MAX_BYTES = 255,
};

struct gate {
    char inner[PATH_MAX];                                         /* "unix:PATH" or "host:port" */
    char accept[GATE_ROLE_MAX_COUNT][SERVICE_NAME_MAX_BYTES + 1]; /* names of roles in the manifest */
    size_t accept_count;
    struct tunnel_listener *listener;
};

/* The program's own members: "inner", "accept". A relative Unix path is taken from the configuration's folder.
 * ERR_FIELD_*, ERR_CONFIG. */
enum status gate_configure(void *gate, const struct configuration *configuration, struct refusal *why);

/* The rule by which peers are accepted: any of the roles in `accept`, as the manifest describes them. ERR_MANIFEST. */
enum status gate_rule(const struct gate *gate, const struct manifest *manifest, struct refusal *why,
                      struct tunnel_peer_rule *rule_out);
