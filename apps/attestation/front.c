/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/front.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/processors.h"
#include "service/reload.h"

#include <stdio.h>
#include <string.h>

enum { TLS_FILE_MAX_BYTES = 64 * 1024, ORIGIN_CONFIGURED_MAX_COUNT = HTTP_ORIGIN_MAX_COUNT - 1 };

/* ---- settings ---- */

/* As browsers write it in Origin: scheme, host, port, and nothing behind them. */
static bool is_origin(const char *text)
{
    const char *const host = strstr(text, "://");
    if (host == NULL || strlen(text) > HTTP_ORIGIN_MAX_BYTES) return false;
    const bool is_web = strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
    return is_web && host[3] != '\0' && strpbrk(host + 3, "/?#@*, ") == NULL;
}

static enum status read_origins(const json_t *json, struct refusal *why, struct front_settings *settings)
{
    if (!json_has(json, "portal_origins")) return OK;
    json_t *origins;
    TRY(json_get_array(json, "", "portal_origins", ORIGIN_CONFIGURED_MAX_COUNT, why, &origins));
    for (size_t i = 0; i < json_array_size(origins); i++) {
        const char *const origin = json_string_value(json_array_get(origins, i));
        if (origin == NULL || !is_origin(origin))
            return refuse(why, ERR_FIELD_VALUE, json_path_at("", "portal_origins", i).text,
                          "an origin such as https://portal.example", "%s", origin == NULL ? "no text" : origin);
        (void)snprintf(settings->origins[settings->origin_count++], HTTP_ORIGIN_MAX_BYTES + 1, "%s", origin);
    }
    return OK;
}

enum status front_configure(const struct configuration *configuration, struct refusal *why,
                            struct front_settings *settings_out)
{
    static const char *const names[] = {"certificate", "key", NULL};
    struct front_settings settings = {.rate_limit = configuration->rate_limit};
    json_t *tls;
    TRY(json_get_object(configuration->json, "", "tls", why, &tls));
    TRY(json_only(tls, "tls", names, why));
    TRY(configuration_path(configuration, tls, "tls", "certificate", why, settings.certificate));
    TRY(configuration_path(configuration, tls, "tls", "key", why, settings.private_key));
    TRY(read_origins(configuration->json, why, &settings));
    *settings_out = settings;
    return OK;
}

enum status front_allow(const struct front_settings *settings, struct sandbox *sandbox)
{
    TRY(reload_allow_file(sandbox, settings->certificate));
    return reload_allow_file(sandbox, settings->private_key);
}

/* ---- opening and closing ---- */

enum status front_read_identity(const struct front_settings *settings, struct refusal *why,
                                struct tunnel_identity **identity_out)
{
    CLEANUP(buffer_done) struct buffer certificate = buffer_of_maximum(TLS_FILE_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer private_key = buffer_of_maximum(TLS_FILE_MAX_BYTES);
    TRY(file_read(settings->certificate, why, &certificate));
    TRY(file_read(settings->private_key, why, &private_key));
    return tunnel_identity_web(buffer_slice(&certificate), buffer_slice(&private_key), why, identity_out);
}

static void list_origins(const struct front_settings *settings, const char *origins_out[HTTP_ORIGIN_MAX_COUNT])
{
    for (size_t i = 0; i < HTTP_ORIGIN_MAX_COUNT; i++)
        origins_out[i] = i < settings->origin_count ? settings->origins[i] : NULL;
}

static enum status fill_lane(struct front_lane *lane, const struct http_server_options *options,
                             const struct service *service)
{
    struct tunnel_limits limits = service->configuration->tunnel_limits;
    limits.connections = (tunnel_connections(service->tunnel) + options->parts - 1) / options->parts;
    TRY(tunnel_new(service->clock, &limits, &lane->tunnel));
    struct http_server_options own = *options;
    own.tunnel = lane->tunnel;
    return http_server_new(&own, &lane->server);
}

/* The lane's threads inherit the processor that this one keeps to while it makes them. */
static enum status open_lanes(const struct http_server_options *options, const struct service *service,
                              struct front *front)
{
    const struct processors processors = processors_allowed();
    struct http_server_options own = *options;
    enum status status = OK;
    own.parts = processors.count < FRONT_LANES_MAX ? processors.count : FRONT_LANES_MAX;
    own.rate_limiter = front->rate_limiter;
    for (; status == OK && front->count < own.parts; front->count++) {
        (void)!processors_keep_to(processors.numbers[front->count]);
        status = fill_lane(&front->lanes[front->count], &own, service);
    }
    (void)!processors_spread(&processors);
    return status;
}

static enum status listen_in_lanes(struct front *front, const char *address, struct refusal *why)
{
    struct front_lane *const first = &front->lanes[0];
    TRY(tunnel_listen(first->tunnel, address, front->endpoint, http_server_on_connection, first->server, why,
                      &first->listener));
    for (unsigned i = 1; i < front->count; i++) {
        struct front_lane *const lane = &front->lanes[i];
        TRY(tunnel_listener_branch(first->listener, lane->tunnel, http_server_on_connection, lane->server,
                                   &lane->listener));
    }
    for (unsigned i = 0; i < front->count; i++)
        tunnel_listener_set_pace(front->lanes[i].listener, http_server_pace, front->lanes[i].server);
    return OK;
}

enum status front_open(const struct front_settings *settings, struct http_server_options options,
                       struct service *service, struct refusal *why, struct front *front)
{
    struct tunnel_identity *identity = NULL;
    options.limits = service->configuration->http_limits;
    list_origins(settings, options.allowed_origins);
    TRY(rate_limiter_new(&settings->rate_limit, &front->rate_limiter));
    TRY(tunnel_endpoint_new(&front->endpoint));
    TRY(front_read_identity(settings, why, &identity));
    tunnel_endpoint_set_identity(front->endpoint, identity);
    TRY(open_lanes(&options, service, front));
    TRY(listen_in_lanes(front, service->configuration->listen, why));
    return service_listening(service, tunnel_listener_port(front->lanes[0].listener), why);
}

/* The first one accepts for all. */
static void close_listeners(struct front *front)
{
    for (unsigned i = 0; i < front->count; i++) {
        tunnel_listener_free(front->lanes[i].listener);
        front->lanes[i].listener = NULL;
    }
}

void front_drain(struct front *front, int64_t patience_ms)
{
    const int64_t end_ms = clock_monotonic_ms() + patience_ms;
    close_listeners(front);
    for (unsigned i = 0; i < front->count; i++) http_server_begin_drain(front->lanes[i].server);
    for (unsigned i = 0; i < front->count; i++)
        http_server_drain(front->lanes[i].server, end_ms - clock_monotonic_ms());
    for (unsigned i = 0; i < front->count; i++)
        (void)tunnel_drain(front->lanes[i].tunnel, end_ms - clock_monotonic_ms());
}

void front_close(struct front *front)
{
    close_listeners(front);
    for (unsigned i = 0; i < front->count; i++) {
        http_server_free(front->lanes[i].server);
        tunnel_free(front->lanes[i].tunnel);
    }
    tunnel_endpoint_free(front->endpoint);
    rate_limiter_free(front->rate_limiter);
    *front = (struct front){};
}

/* ---- what may change ---- */

void front_take_up(struct front *front, const struct front_settings *settings, struct tunnel_identity *identity)
{
    const char *origins[HTTP_ORIGIN_MAX_COUNT];
    list_origins(settings, origins);
    tunnel_endpoint_set_identity(front->endpoint, identity);
    rate_limiter_set(front->rate_limiter, &settings->rate_limit);
    for (unsigned i = 0; i < front->count; i++)
        (void)!http_server_set_origins(front->lanes[i].server, origins); /* none is longer than settings hold */
}
