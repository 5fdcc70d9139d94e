/* SPDX-License-Identifier: Apache-2.0
 *
 * lazaret-gate: the tunnel with a configuration file.
 */
#include "base/log.h"
#include "gate/gate.h"

/* On the tunnel's thread. */
static void on_refusal(void *context, const struct refusal *why)
{
    (void)context;
    log_refusal(LOG_WARNING, "gate.peer_refused", why);
}

static enum status allow(void *context, const struct configuration *, struct sandbox *sandbox, struct refusal *why)
{
    const struct gate *const gate = context;
    return service_allow_dialling(sandbox, gate->inner, why);
}

static enum status start(void *context, struct service *service, struct refusal *why)
{
    struct gate *const gate = context;
    struct tunnel_peer_rule rule = {};
    TRY(gate_rule(gate, service->manifest, why, &rule));
    tunnel_endpoint_set_rule(service->attested, &rule);
    TRY(tunnel_forward(service->tunnel, service->configuration->listen, service->attested, gate->inner, why,
                       &gate->listener));
    tunnel_listener_on_refusal(gate->listener, on_refusal, NULL);
    return service_listening(service, tunnel_listener_port(gate->listener), why);
}

static void stop(void *context)
{
    struct gate *const gate = context;
    struct tunnel_counts counts = {};
    if (gate->listener == NULL) return;
    tunnel_listener_counts(gate->listener, &counts);
    log_event(LOG_INFO, "gate.accepted", log_number(LOG_COUNT, (int64_t)counts.accepted));
    log_event(LOG_INFO, "gate.refused", log_number(LOG_COUNT, (int64_t)counts.refused));
    tunnel_listener_free(gate->listener);
}

int main(int count, char **arguments)
{
    static const char *const own_names[] = {"inner", "accept", NULL};
    static const struct service_program program = {
        .name = "lazaret-gate",
        .role = "gate",
        .summary = "lets attested callers in to a plain server, such as Redis, and nobody else",
        .configuration_help =
            "  inner         the server behind: \"unix:PATH\" or \"host:port\" (required)\n"
            "  accept        the roles that may enter, as the manifest names them: [\"platform\"] (required)\n",
        .own_names = own_names,
        .configure = gate_configure,
        .allow = allow,
        .start = start,
        .stop = stop,
    };
    struct gate gate = {};
    return service_main(&program, &gate, count, arguments);
}
