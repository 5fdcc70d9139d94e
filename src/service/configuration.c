/* SPDX-License-Identifier: Apache-2.0 */
#include "service/configuration.h"

#include "base/file.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void configuration_done(struct configuration *configuration)
{
    json_done(&configuration->json);
}

enum status configuration_text(const json_t *object, const char *path, const char *name, size_t max_size,
                               struct refusal *why, char *text_out)
{
    struct slice text;
    TRY(json_get_string(object, path, name, max_size, why, &text));
    memcpy(text_out, text.bytes, text.size);
    text_out[text.size] = '\0';
    return OK;
}

enum status configuration_path(const struct configuration *configuration, const json_t *object, const char *path,
                               const char *name, struct refusal *why, char path_out[static PATH_MAX])
{
    struct slice text;
    TRY(json_get_string(object, path, name, PATH_MAX / 2, why, &text));
    const bool is_absolute = text.bytes[0] == '/';
    const int wanted = snprintf(path_out, PATH_MAX, "%s%s%.*s", is_absolute ? "" : configuration->folder,
                                is_absolute ? "" : "/", (int)text.size, (const char *)text.bytes);
    if (wanted < 0 || wanted >= PATH_MAX)
        return refuse(why, ERR_FIELD_VALUE, name, "a shorter path", "%d bytes", wanted);
    return OK;
}

static enum status read_log_level(const json_t *json, struct refusal *why, enum log_level *level_out)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {{"debug", LOG_DEBUG}, {"info", LOG_INFO}, {"warning", LOG_WARNING}, {"error", LOG_ERROR}};
    *level_out = LOG_INFO;
    if (!json_has(json, "log_level")) return OK;
    struct slice text;
    TRY(json_get_string(json, "", "log_level", 16, why, &text));
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (!slice_equal_text(text, levels[i].name)) continue;
        *level_out = levels[i].level;
        return OK;
    }
    return refuse(why, ERR_FIELD_VALUE, "log_level", "debug, info, warning or error", "%.*s", (int)text.size,
                  (const char *)text.bytes);
}

static enum status read_drain(struct configuration *configuration, struct refusal *why)
{
    int64_t drain_s = DRAIN_S;
    if (json_has(configuration->json, "drain_s"))
        TRY(json_get_integer(configuration->json, "", "drain_s", 0, DRAIN_MAX_S, why, &drain_s));
    configuration->drain_s = (int)drain_s;
    return OK;
}

static enum status read_attestation(struct configuration *configuration, struct refusal *why)
{
    if (!json_has(configuration->json, "attestation")) return OK;
    json_t *attestation;
    TRY(json_get_object(configuration->json, "", "attestation", why, &attestation));
    static const char *const names[] = {"url", "ca", NULL};
    TRY(json_only(attestation, "attestation", names, why));
    TRY(configuration_text(attestation, "attestation", "url", URL_MAX_BYTES, why, configuration->attestation_url));
    if (!json_has(attestation, "ca")) return OK;
    return configuration_path(configuration, attestation, "attestation", "ca", why, configuration->attestation_ca);
}

static enum status read_limit(const json_t *limits, const char *name, int64_t minimum, int64_t maximum,
                              struct refusal *why, int64_t *value_out)
{
    return json_has(limits, name) ? json_get_integer(limits, "limits", name, minimum, maximum, why, value_out) : OK;
}

/* The names are the same for all connections, and for those that carry HTTP: these have half of all places, and the
 * tunnel is patient for twice as long, so that it is HTTP that judges (src/http/server.h). */
static enum status read_limits(struct configuration *configuration, struct refusal *why)
{
    enum { MS_PER_S = 1000, TIME_MAX_S = 600, CONNECTIONS_MIN = 4, CONNECTIONS_MAX = 65536 };
    if (!json_has(configuration->json, "limits")) return OK;
    static const char *const names[] = {"connections", "handshake_s", "head_s", "body_s", "idle_s", "stall_s", NULL};
    json_t *limits;
    int64_t connections = 0, handshake_s = 0, head_s = 0, body_s = 0, idle_s = 0, stall_s = 0;
    TRY(json_get_object(configuration->json, "", "limits", why, &limits));
    TRY(json_only(limits, "limits", names, why));
    TRY(read_limit(limits, "connections", CONNECTIONS_MIN, CONNECTIONS_MAX, why, &connections));
    TRY(read_limit(limits, "handshake_s", 1, TIME_MAX_S, why, &handshake_s));
    TRY(read_limit(limits, "head_s", 1, TIME_MAX_S, why, &head_s));
    TRY(read_limit(limits, "body_s", 1, TIME_MAX_S, why, &body_s));
    TRY(read_limit(limits, "idle_s", 1, TIME_MAX_S, why, &idle_s));
    TRY(read_limit(limits, "stall_s", 1, TIME_MAX_S, why, &stall_s));
    configuration->tunnel_limits = (struct tunnel_limits){.connections = (size_t)connections,
                                                          .handshake_ms = (int)handshake_s * MS_PER_S,
                                                          .idle_ms = (int)idle_s * 2 * MS_PER_S,
                                                          .stall_ms = (int)stall_s * MS_PER_S};
    configuration->http_limits = (struct http_limits){.connections = (size_t)connections / 2,
                                                      .idle_ms = (int)idle_s * MS_PER_S,
                                                      .head_ms = (int)head_s * MS_PER_S,
                                                      .body_ms = (int)body_s * MS_PER_S};
    return OK;
}

/* A member of the programs that name it among their own. */
static enum status read_rate_limit(struct configuration *configuration, struct refusal *why)
{
    if (!json_has(configuration->json, "rate_limit")) return OK;
    static const char *const names[] = {"per_second", "burst", NULL};
    json_t *limit;
    int64_t per_second = 0, burst = 0;
    TRY(json_get_object(configuration->json, "", "rate_limit", why, &limit));
    TRY(json_only(limit, "rate_limit", names, why));
    TRY(json_get_integer(limit, "rate_limit", "per_second", 0, RATE_PER_SECOND_MAX, why, &per_second));
    if (json_has(limit, "burst")) TRY(json_get_integer(limit, "rate_limit", "burst", 1, RATE_BURST_MAX, why, &burst));
    configuration->rate_limit = (struct rate_limit){.per_second = (unsigned)per_second, .burst = (unsigned)burst};
    return OK;
}

static enum status check_names(const json_t *json, const char *const *own_names, struct refusal *why)
{
    enum { MAX_NAMES = 32 };
    static const char *const common[] = {
        "manifest",
        "deployment",
        "state",
        "listen",
        "attestation",
        "ready_file",
        "log_level",
        "limits",
        "drain_s",
#ifdef LAZARET_SIMULATION
        "insecure_clock_file",
#endif
    };
    const char *names[MAX_NAMES + 1] = {};
    size_t count = 0;
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) names[count++] = common[i];
    for (; own_names != NULL && *own_names != NULL && count < MAX_NAMES; own_names++) names[count++] = *own_names;
    return json_only(json, "", names, why);
}

static enum status read_members(struct configuration *configuration, struct refusal *why)
{
    const json_t *const json = configuration->json;
    TRY(configuration_path(configuration, json, "", "manifest", why, configuration->manifest));
    TRY(configuration_path(configuration, json, "", "state", why, configuration->state));
    TRY(configuration_text(json, "", "deployment", THUMBPRINT_TEXT_BYTES, why, configuration->deployment));
    if (strlen(configuration->deployment) != THUMBPRINT_TEXT_BYTES)
        return refuse(why, ERR_FIELD_VALUE, "deployment", "the 43 characters that 'lazaret manifest key' printed",
                      "%zu", strlen(configuration->deployment));
    TRY(configuration_text(json, "", "listen", ADDRESS_MAX_BYTES, why, configuration->listen));
    if (json_has(json, "ready_file"))
        TRY(configuration_path(configuration, json, "", "ready_file", why, configuration->ready_file));
#ifdef LAZARET_SIMULATION
    if (json_has(json, "insecure_clock_file"))
        TRY(configuration_path(configuration, json, "", "insecure_clock_file", why,
                               configuration->insecure_clock_file));
#endif
    TRY(read_log_level(json, why, &configuration->log_level));
    TRY(read_drain(configuration, why));
    TRY(read_limits(configuration, why));
    TRY(read_rate_limit(configuration, why));
    return read_attestation(configuration, why);
}

enum status configuration_read(const char *path, const struct configuration_defaults *defaults, struct refusal *why,
                               struct configuration *configuration_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(CONFIGURATION_MAX_BYTES);
    TRY(file_read(path, why, &text));
    CLEANUP(configuration_done) struct configuration configuration = {.rate_limit = defaults->rate_limit};
    char copy[PATH_MAX];
    (void)snprintf(copy, sizeof(copy), "%s", path);
    (void)snprintf(configuration.folder, sizeof(configuration.folder), "%s", dirname(copy));
    TRY(json_parse(buffer_slice(&text), CONFIGURATION_MAX_BYTES, why, &configuration.json));
    TRY(check_names(configuration.json, defaults->own_names, why));
    TRY(read_members(&configuration, why));
    *configuration_out = configuration;
    configuration.json = NULL;
    return OK;
}
