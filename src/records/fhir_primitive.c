/* SPDX-License-Identifier: Apache-2.0 */
#include "records/fhir_primitive.h"

#include "base/clock.h"
#include "base/encoding.h"

#include <string.h>

enum { YEAR_SIZE = 4, MONTH_SIZE = 7, DAY_SIZE = 10, EARLIEST_ZONE_S = 14 * 3600 };

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Two or four digits at `at` as a number; -1 if they are not there. */
static int digits_at(struct slice text, size_t at, size_t count)
{
    if (text.size < at + count) return -1;
    int number = 0;
    for (size_t i = at; i < at + count; i++) {
        if (!is_digit(text.bytes[i])) return -1;
        number = number * 10 + (text.bytes[i] - '0');
    }
    return number;
}

static bool sign_at(struct slice text, size_t at, char sign)
{
    return at < text.size && text.bytes[at] == (uint8_t)sign;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

bool fhir_date_is_valid(struct slice text)
{
    const int year = digits_at(text, 0, 4);
    if (year < 1) return false;
    if (text.size == YEAR_SIZE) return true;
    const int month = digits_at(text, 5, 2);
    if (!sign_at(text, 4, '-') || month < 1 || month > 12) return false;
    if (text.size == MONTH_SIZE) return true;
    const int day = digits_at(text, 8, 2);
    return text.size == DAY_SIZE && sign_at(text, 7, '-') && day >= 1 && day <= days_of(year, month);
}

/* "Z", or hours and minutes east or west. */
static bool zone_is_valid(struct slice zone)
{
    if (zone.size == 1) return zone.bytes[0] == 'Z';
    const int hours = digits_at(zone, 1, 2), minutes = digits_at(zone, 4, 2);
    return zone.size == 6 && (sign_at(zone, 0, '+') || sign_at(zone, 0, '-')) && sign_at(zone, 3, ':') && hours >= 0 &&
           hours <= 14 && minutes >= 0 && minutes <= 59;
}

/* hh:mm:ss, perhaps a fraction, then the zone. */
static bool time_is_valid(struct slice time)
{
    const int hours = digits_at(time, 0, 2), minutes = digits_at(time, 3, 2), seconds = digits_at(time, 6, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 60) return false;
    if (!sign_at(time, 2, ':') || !sign_at(time, 5, ':')) return false;
    size_t at = 8;
    if (sign_at(time, at, '.')) {
        const size_t first = ++at;
        while (at < time.size && is_digit(time.bytes[at])) at++;
        if (at == first || at - first > 9) return false;
    }
    return zone_is_valid(slice_part(time, at, time.size));
}

bool fhir_instant_is_valid(struct slice text)
{
    return text.size > DAY_SIZE + 1 && fhir_date_is_valid(slice_part(text, 0, DAY_SIZE)) &&
           text.bytes[DAY_SIZE] == 'T' && time_is_valid(slice_part(text, DAY_SIZE + 1, text.size));
}

bool fhir_datetime_is_valid(struct slice text)
{
    return fhir_date_is_valid(text) || fhir_instant_is_valid(text);
}

bool fhir_day_is_after(struct slice first, struct slice second)
{
    size_t common = first.size < second.size ? first.size : second.size;
    if (common > DAY_SIZE) common = DAY_SIZE;
    for (size_t i = 0; i < common; i++) {
        if (first.bytes[i] != second.bytes[i]) return first.bytes[i] > second.bytes[i];
    }
    return false;
}

bool fhir_date_is_future(struct slice date, int64_t now_s)
{
    return fhir_day_is_after(date, slice_of_text(time_iso8601(now_s + EARLIEST_ZONE_S).text));
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool fhir_string_is_valid(struct slice text, bool lines)
{
    if (!utf8_is_valid(text, true)) return false;
    bool is_blank = true;
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.bytes[i];
        const bool is_line_sign = lines && is_space(c);
        if ((c < 0x20 && !is_line_sign) || c == 0x7f) return false;
        /* U+0080 to U+009F: the control characters beyond ASCII. */
        if (c == 0xc2 && text.bytes[i + 1] < 0xa0) return false;
        if (!is_space(c)) is_blank = false;
    }
    return !is_blank;
}

bool fhir_code_is_valid(struct slice text)
{
    if (!fhir_string_is_valid(text, false)) return false;
    if (text.bytes[0] == ' ' || text.bytes[text.size - 1] == ' ') return false;
    for (size_t i = 1; i < text.size; i++) {
        if (text.bytes[i] == ' ' && text.bytes[i - 1] == ' ') return false;
    }
    return true;
}

bool fhir_uri_is_valid(struct slice text)
{
    return fhir_string_is_valid(text, false) && memchr(text.bytes, ' ', text.size) == NULL;
}
