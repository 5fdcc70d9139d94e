/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/gate.h"

#include "channel/address.h"

#include <stdio.h>
#include <string.h>

static enum status read_inner(const struct configuration *configuration, struct refusal *why, struct gate *gate)
{
    static const struct slice prefix = SLICE_LITERAL("unix:");
    struct slice text;
    TRY(json_get_string(configuration->json, "", "inner", GATE_INNER_MAX_BYTES, why, &text));
    const bool is_unix = slice_starts_with(text, prefix);
    const struct slice rest = is_unix ? slice_part(text, prefix.size, text.size) : text;
    const bool is_relative = is_unix && rest.size > 0 && rest.bytes[0] != '/';
    const int wanted = snprintf(gate->inner, sizeof(gate->inner), "%s%s%s%.*s", is_unix ? "unix:" : "",
                                is_relative ? configuration->folder : "", is_relative ? "/" : "", (int)rest.size,
                                rest.size == 0 ? "" : (const char *)rest.bytes);
    struct address address;
    if (wanted > 0 && (size_t)wanted < sizeof(gate->inner) && address_parse(gate->inner, NULL, &address) == OK)
        return OK;
    return refuse(why, ERR_FIELD_VALUE, "inner", "unix:PATH (at most 107 bytes) or host:port", "%.*s", (int)text.size,
                  (const char *)text.bytes);
}

static enum status read_accept(const struct configuration *configuration, struct refusal *why, struct gate *gate)
{
    json_t *names;
    TRY(json_get_array(configuration->json, "", "accept", GATE_ROLE_MAX_COUNT, why, &names));
    size_t i;
    json_t *name;
    json_array_foreach (names, i, name) {
        const size_t size = json_is_string(name) ? json_string_length(name) : 0;
        if (size == 0 || size > SERVICE_NAME_MAX_BYTES)
            return refuse(why, ERR_FIELD_VALUE, "accept", "names of roles in the manifest", "another value");
        (void)snprintf(gate->accept[i], sizeof(gate->accept[i]), "%s", json_string_value(name));
    }
    gate->accept_count = json_array_size(names);
    if (gate->accept_count == 0) return refuse(why, ERR_FIELD_VALUE, "accept", "at least one role", "none");
    return OK;
}

enum status gate_configure(void *context, const struct configuration *configuration, struct refusal *why)
{
    struct gate *const gate = context;
    TRY(read_inner(configuration, why, gate));
    return read_accept(configuration, why, gate);
}

enum status gate_rule(const struct gate *gate, const struct manifest *manifest, struct refusal *why,
                      struct tunnel_peer_rule *rule_out)
{
    struct tunnel_peer_rule rule = {.rules = &manifest->relying_party};
    for (size_t i = 0; i < gate->accept_count; i++) {
        const struct role_rule *const role = manifest_role(manifest, gate->accept[i]);
        if (role == NULL)
            return refuse(why, ERR_MANIFEST, "manifest.roles", gate->accept[i], "no rule for a role in accept");
        rule.roles[rule.role_count++] = role;
    }
    *rule_out = rule;
    return OK;
}
