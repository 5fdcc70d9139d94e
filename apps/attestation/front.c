/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/front.h"

#include "base/clock.h"
#include "base/file.h"
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

enum status front_open(const struct front_settings *settings, struct http_server_options options,
                       struct service *service, struct refusal *why, struct front *front)
{
    struct tunnel_identity *identity = NULL;
    options.limits = service->configuration->http_limits;
    options.rate_limit = settings->rate_limit;
    list_origins(settings, options.allowed_origins);
    front->tunnel = service->tunnel;
    TRY(http_server_new(&options, &front->server));
    TRY(tunnel_endpoint_new(&front->endpoint));
    TRY(front_read_identity(settings, why, &identity));
    tunnel_endpoint_set_identity(front->endpoint, identity);
    TRY(tunnel_listen(service->tunnel, service->configuration->listen, front->endpoint, http_server_on_connection,
                      front->server, why, &front->listener));
    tunnel_listener_set_pace(front->listener, http_server_pace, front->server);
    return service_listening(service, tunnel_listener_port(front->listener), why);
}

static void close_listener(struct front *front)
{
    tunnel_listener_free(front->listener);
    front->listener = NULL;
}

void front_drain(struct front *front, int64_t patience_ms)
{
    const int64_t end_ms = clock_monotonic_ms() + patience_ms;
    close_listener(front);
    http_server_drain(front->server, patience_ms);
    tunnel_drain(front->tunnel, end_ms - clock_monotonic_ms());
}

void front_close(struct front *front)
{
    close_listener(front);
    http_server_free(front->server);
    tunnel_endpoint_free(front->endpoint);
    *front = (struct front){};
}

/* ---- what may change ---- */

void front_take_up(struct front *front, const struct front_settings *settings, struct tunnel_identity *identity)
{
    const char *origins[HTTP_ORIGIN_MAX_COUNT];
    list_origins(settings, origins);
    tunnel_endpoint_set_identity(front->endpoint, identity);
    http_server_set_rate_limit(front->server, &settings->rate_limit);
    (void)!http_server_set_origins(front->server, origins); /* none is longer than settings hold */
}
