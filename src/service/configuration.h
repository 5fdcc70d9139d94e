/* SPDX-License-Identifier: Apache-2.0
 *
 * A service program's configuration file: one JSON object (docs/protocols.md, section 2). It holds addresses, paths and
 * limits; what decides trust stands in the manifest. Relative paths are taken from the file's folder.
 */
#pragma once

#include "base/json.h"
#include "base/log.h"
#include "channel/tunnel.h"
#include "http/rate_limit.h"
#include "http/server.h"
#include "token/runtime_data.h"

#include <limits.h>

enum {
    CONFIGURATION_MAX_BYTES = 64 * 1024,
    ADDRESS_MAX_BYTES = 255,
    URL_MAX_BYTES = 1024,
    DRAIN_S = 10,
    DRAIN_MAX_S = 600
};

struct configuration {
    char folder[PATH_MAX];                      /* of the file; "." if it has none */
    char manifest[PATH_MAX];                    /* path of the manifest */
    char deployment[THUMBPRINT_TEXT_BYTES + 1]; /* thumbprint of the deployment key */
    char state[PATH_MAX];                       /* folder of this program alone */
    char listen[ADDRESS_MAX_BYTES + 1];         /* "host:port" */
    char attestation_url[URL_MAX_BYTES + 1];    /* "" if not given */
    char attestation_ca[PATH_MAX];              /* "" if not given: the system's anchors */
    char ready_file[PATH_MAX]; /* "" if not given: else written with the port once the program listens */
#ifdef LAZARET_SIMULATION
    char insecure_clock_file[PATH_MAX]; /* "" if not given: else clock_new_insecure's file, for tests */
#endif
    enum log_level log_level;
    int drain_s;                        /* how long a stop waits for what is under way */
    struct tunnel_limits tunnel_limits; /* of all connections, 0 where not given */
    struct http_limits http_limits;     /* of those that carry HTTP */
    struct rate_limit rate_limit;       /* of each client, for programs that name it: the defaults' where not given */
    json_t *json;                       /* the whole object, for the program's own members */
};
void configuration_done(struct configuration *configuration);

/* What a program says of the members that all share. */
struct configuration_defaults {
    const char *const *own_names; /* the program's own members, which it reads itself, NULL-terminated; NULL: none */
    struct rate_limit rate_limit; /* for programs that have the member "rate_limit" */
};

/* Reads the members that all programs share; any other than the program's own is refused. ERR_CONFIG, ERR_FIELD_*,
 * ERR_IO. */
enum status configuration_read(const char *path, const struct configuration_defaults *defaults, struct refusal *why,
                               struct configuration *configuration_out);

/* A path member, made absolute or relative to the file's folder. ERR_FIELD_*. */
enum status configuration_path(const struct configuration *configuration, const json_t *object, const char *path,
                               const char *name, struct refusal *why, char path_out[static PATH_MAX]);

/* A text member, copied with its NUL. ERR_FIELD_*. */
enum status configuration_text(const json_t *object, const char *path, const char *name, size_t max_size,
                               struct refusal *why, char *text_out);
