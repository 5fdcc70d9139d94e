/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LOG_LINE_BYTES = 1024 };

/* Set once at start, before threads: the one piece of process-wide state, because a log line must be possible where
 * nothing else is at hand. */
static enum log_level lowest_level = LOG_INFO;
static const char *program_name = "lazaret";

void log_set_level(enum log_level level)
{
    lowest_level = level;
}

void log_set_program(const char *program)
{
    program_name = program;
}

static const char *field_name(enum log_field_name name)
{
    switch (name) {
    case LOG_STATUS: return "status";
    case LOG_PROGRAM: return "program";
    case LOG_VERSION: return "version";
    case LOG_ADDRESS: return "address";
    case LOG_ROLE: return "role";
    case LOG_ROUTE: return "route";
    case LOG_HTTP_STATUS: return "http_status";
    case LOG_DURATION_US: return "duration_us";
    case LOG_BYTES: return "bytes";
    case LOG_COUNT: return "count";
    case LOG_TIME: return "time_s";
    case LOG_DIGEST: return "digest";
    case LOG_FIELD: return "field";
    case LOG_DETAIL: return "detail";
    case LOG_ERRNO: return "errno";
    }
    return "unknown";
}

static const char *level_name(enum log_level level)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    return names[level];
}

struct line {
    char text[LOG_LINE_BYTES];
    size_t size;
};

static void put(struct line *line, char c)
{
    if (line->size < sizeof(line->text) - 2) line->text[line->size++] = c;
}

static void put_text(struct line *line, const char *text)
{
    for (; *text != '\0'; text++) put(line, *text);
}

static void put_quoted(struct line *line, const char *text)
{
    put(line, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') put(line, '\\');
        put(line, *text < ' ' || *text > '~' ? '?' : *text);
    }
    put(line, '"');
}

static void put_member(struct line *line, const char *name, const char *text)
{
    put_quoted(line, name);
    put(line, ':');
    put_quoted(line, text);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
    if (level < lowest_level) return;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct tm utc;
    (void)gmtime_r(&now.tv_sec, &utc);
    char time_text[40];
    const size_t at = strftime(time_text, sizeof(time_text), "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(time_text + at, sizeof(time_text) - at, ".%03ldZ", now.tv_nsec / 1000000);

    struct line line = {};
    put(&line, '{');
    put_member(&line, "time", time_text);
    put(&line, ',');
    put_member(&line, "level", level_name(level));
    put(&line, ',');
    put_member(&line, "program", program_name);
    put(&line, ',');
    put_member(&line, "event", event);
    for (size_t i = 0; i < count; i++) {
        put(&line, ',');
        if (fields[i].text != NULL) {
            put_member(&line, field_name(fields[i].name), fields[i].text);
        } else {
            char number[32];
            (void)snprintf(number, sizeof(number), "%lld", (long long)fields[i].number);
            put_quoted(&line, field_name(fields[i].name));
            put(&line, ':');
            put_text(&line, number);
        }
    }
    put(&line, '}');
    line.text[line.size++] = '\n';
    /* A log that cannot be written must not stop the service. */
    const ssize_t ignored = write(STDERR_FILENO, line.text, line.size);
    (void)ignored;
}

void log_refusal(enum log_level level, const char *event, const struct refusal *why)
{
    log_event(level, event, log_status(why->status), log_text(LOG_FIELD, why->field));
}
