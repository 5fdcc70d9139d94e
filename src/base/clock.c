/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct clock {
    _Atomic int64_t floor_s;
    _Atomic int64_t lead_s; /* how far the floor was above the forward clock, each time it was raised: the highest */
    _Atomic int64_t fixed_s;
    bool is_fixed;
#ifdef LAZARET_SIMULATION
    int offset_file; /* -1: none */
    _Atomic int64_t offset_s;
#endif
};

/* Far below any date, and no sum with one overflows. */
static const int64_t no_lead_s = INT64_MIN / 2;

static enum status new_clock(bool is_fixed, int64_t now_s, struct clock **clock_out)
{
    struct clock *const clock = calloc(1, sizeof(*clock));
    if (clock == NULL) return ERR_NO_MEMORY;
    clock->is_fixed = is_fixed;
    atomic_init(&clock->floor_s, 0);
    atomic_init(&clock->lead_s, no_lead_s);
    atomic_init(&clock->fixed_s, now_s);
#ifdef LAZARET_SIMULATION
    clock->offset_file = -1;
#endif
    *clock_out = clock;
    return OK;
}

enum status clock_new(struct clock **clock_out)
{
    return new_clock(false, 0, clock_out);
}

enum status clock_new_fixed(int64_t now_s, struct clock **clock_out)
{
    return new_clock(true, now_s, clock_out);
}

#ifdef LAZARET_SIMULATION
enum status clock_new_insecure(const char *offset_path, struct clock **clock_out)
{
    const int file = open(offset_path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return ERR_IO;
    const enum status status = new_clock(false, 0, clock_out);
    if (status == OK)
        (*clock_out)->offset_file = file;
    else
        (void)close(file);
    return status;
}

/* Whoever writes the file empties it first: then the last number counts. */
static int64_t insecure_offset_s(const struct clock *clock)
{
    if (clock->offset_file < 0) return 0;
    _Atomic int64_t *const offset_s = (_Atomic int64_t *)&clock->offset_s;
    char text[24] = {};
    const ssize_t size = pread(clock->offset_file, text, sizeof(text) - 1, 0);
    char *end = text;
    const long long number = size > 0 ? strtoll(text, &end, 10) : 0;
    if (*end == '\n') atomic_store(offset_s, number);
    return atomic_load(offset_s);
}
#endif

void clock_free(struct clock *clock)
{
    if (clock == NULL) return;
#ifdef LAZARET_SIMULATION
    if (clock->offset_file >= 0) (void)close(clock->offset_file);
#endif
    free(clock);
}

void clock_cleanup(struct clock **clock)
{
    clock_free(*clock);
    *clock = NULL;
}

void clock_set(struct clock *clock, int64_t now_s)
{
    atomic_store(&clock->fixed_s, now_s);
}

static int64_t host_s(const struct clock *clock)
{
    if (clock->is_fixed) return atomic_load(&clock->fixed_s);
#ifdef LAZARET_SIMULATION
    return (int64_t)time(NULL) + insecure_offset_s(clock);
#else
    return (int64_t)time(NULL);
#endif
}

/* What has passed since some moment that stays the same. */
static int64_t forward_s(const struct clock *clock)
{
    return clock->is_fixed ? 0 : clock_monotonic_ms() / 1000;
}

static int64_t higher(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t clock_proven_s(const struct clock *clock)
{
    return higher(atomic_load(&clock->floor_s), atomic_load(&clock->lead_s) + forward_s(clock));
}

int64_t clock_now_s(const struct clock *clock)
{
    return higher(host_s(clock), clock_proven_s(clock));
}

static void raise_to(_Atomic int64_t *highest, int64_t value)
{
    int64_t seen = atomic_load(highest);
    while (value > seen && !atomic_compare_exchange_weak(highest, &seen, value)) {}
}

void clock_raise_floor(struct clock *clock, int64_t verified_s)
{
    raise_to(&clock->floor_s, verified_s);
    raise_to(&clock->lead_s, verified_s - forward_s(clock));
}

int64_t clock_floor_s(const struct clock *clock)
{
    return atomic_load(&clock->floor_s);
}

int64_t clock_monotonic_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool parse_digits(const uint8_t *text, size_t count, int *value_out)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        value = value * 10 + (text[i] - '0');
    }
    *value_out = value;
    return true;
}

/* timegm accepts the 31st of February; a date is right only if it comes back unchanged. Fills in the day of the week.
 */
static enum status to_seconds(struct tm *fields, int64_t *time_s_out)
{
    struct tm normal = *fields;
    const time_t seconds = timegm(&normal);
    if (normal.tm_year != fields->tm_year || normal.tm_mon != fields->tm_mon || normal.tm_mday != fields->tm_mday ||
        normal.tm_hour != fields->tm_hour || normal.tm_min != fields->tm_min || normal.tm_sec != fields->tm_sec)
        return ERR_ENCODING;
    fields->tm_wday = normal.tm_wday;
    *time_s_out = (int64_t)seconds;
    return OK;
}

enum status time_parse_iso8601(struct slice text, int64_t *time_s_out)
{
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    if (text.size != sizeof(form) - 1) return ERR_ENCODING;
    for (size_t i = 0; i < text.size; i++) {
        if (form[i] != 'd' && text.bytes[i] != (uint8_t)form[i]) return ERR_ENCODING;
    }
    struct tm fields = {};
    int year, month;
    if (!parse_digits(text.bytes, 4, &year) || !parse_digits(text.bytes + 5, 2, &month) ||
        !parse_digits(text.bytes + 8, 2, &fields.tm_mday) || !parse_digits(text.bytes + 11, 2, &fields.tm_hour) ||
        !parse_digits(text.bytes + 14, 2, &fields.tm_min) || !parse_digits(text.bytes + 17, 2, &fields.tm_sec))
        return ERR_ENCODING;
    fields.tm_year = year - 1900;
    fields.tm_mon = month - 1;
    return to_seconds(&fields, time_s_out);
}

static const char *const day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

enum status time_parse_http(struct slice text, int64_t *time_s_out)
{
    static const char form[] = "aaa, dd aaa dddd dd:dd:dd GMT";
    if (text.size != sizeof(form) - 1) return ERR_ENCODING;
    for (size_t i = 0; i < text.size; i++) {
        if (form[i] != 'd' && form[i] != 'a' && text.bytes[i] != (uint8_t)form[i]) return ERR_ENCODING;
    }
    struct tm fields = {.tm_mon = -1};
    int year;
    for (int month = 0; month < 12; month++) {
        if (memcmp(text.bytes + 8, month_names[month], 3) == 0) fields.tm_mon = month;
    }
    if (fields.tm_mon < 0 || !parse_digits(text.bytes + 5, 2, &fields.tm_mday) ||
        !parse_digits(text.bytes + 12, 4, &year) || !parse_digits(text.bytes + 17, 2, &fields.tm_hour) ||
        !parse_digits(text.bytes + 20, 2, &fields.tm_min) || !parse_digits(text.bytes + 23, 2, &fields.tm_sec))
        return ERR_ENCODING;
    fields.tm_year = year - 1900;
    int64_t time_s;
    TRY(to_seconds(&fields, &time_s));
    if (memcmp(text.bytes, day_names[fields.tm_wday], 3) != 0) return ERR_ENCODING;
    *time_s_out = time_s;
    return OK;
}

static struct tm fields_of(int64_t time_s)
{
    const time_t seconds = (time_t)time_s;
    struct tm fields = {};
    (void)gmtime_r(&seconds, &fields);
    return fields;
}

struct time_text time_iso8601(int64_t time_s)
{
    const struct tm fields = fields_of(time_s);
    struct time_text text = {};
    (void)snprintf(text.text, sizeof(text.text), "%04d-%02d-%02dT%02d:%02d:%02dZ", fields.tm_year + 1900,
                   fields.tm_mon + 1, fields.tm_mday, fields.tm_hour, fields.tm_min, fields.tm_sec);
    return text;
}

struct time_text time_http(int64_t time_s)
{
    const struct tm fields = fields_of(time_s);
    struct time_text text = {};
    (void)snprintf(text.text, sizeof(text.text), "%s, %02d %s %04d %02d:%02d:%02d GMT", day_names[fields.tm_wday],
                   fields.tm_mday, month_names[fields.tm_mon], fields.tm_year + 1900, fields.tm_hour, fields.tm_min,
                   fields.tm_sec);
    return text;
}
