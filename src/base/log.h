/* SPDX-License-Identifier: Apache-2.0
 *
 * One JSON line per event on standard error. A call names an event and typed fields from the list below; there is no
 * way to log free text, so that no patient value can reach a log. `log_text` takes only string literals and texts of
 * this program's own making (status names, addresses from the configuration), never bytes from a request.
 */
#pragma once

#include "base/refusal.h"
#include "base/status.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* The allow-list of field names. */
enum log_field_name {
    LOG_STATUS,      /* enum status, as its name */
    LOG_PROGRAM,     /* text */
    LOG_VERSION,     /* text */
    LOG_ADDRESS,     /* text: a configured address, never a client's */
    LOG_ROLE,        /* text: a service role */
    LOG_ROUTE,       /* text: a route's pattern, never the path with its identifiers */
    LOG_HTTP_STATUS, /* integer */
    LOG_DURATION_US, /* integer */
    LOG_BYTES,       /* integer */
    LOG_COUNT,       /* integer */
    LOG_TIME,        /* integer, Unix seconds */
    LOG_DIGEST,      /* text: hexadecimal digest of public data */
    LOG_FIELD,       /* text: a refusal's field name */
    LOG_DETAIL,      /* text: a literal */
    LOG_ERRNO,       /* integer */
};

struct log_field {
    enum log_field_name name;
    const char *text; /* used if not NULL */
    int64_t number;
};

static inline struct log_field log_status(enum status status)
{
    return (struct log_field){.name = LOG_STATUS, .text = status_name(status)};
}
static inline struct log_field log_text(enum log_field_name name, const char *text)
{
    return (struct log_field){.name = name, .text = text};
}
static inline struct log_field log_number(enum log_field_name name, int64_t number)
{
    return (struct log_field){.name = name, .number = number};
}

/* Lowest level that is written; LOG_INFO at start. Call before threads start. */
void log_set_level(enum log_level level);
void log_set_program(const char *program);

/* Writes one line with a single write(2). `event` is a literal such as "session.refused". */
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count);

/* log_event(LOG_INFO, "gate.peer_refused", log_status(status), log_number(LOG_COUNT, 3)); at least one field. */
#define log_event(level, event, ...)                                                                                   \
    log_write((level), (event), (const struct log_field[]){__VA_ARGS__},                                               \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* The refusal's status and field name; what was seen stays out. */
void log_refusal(enum log_level level, const char *event, const struct refusal *why);
