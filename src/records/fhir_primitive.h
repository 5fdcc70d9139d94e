/* SPDX-License-Identifier: Apache-2.0
 *
 * The forms of FHIR R4's primitive types. Pure.
 */
#pragma once

#include "base/slice.h"

#include <stdint.h>

/* YYYY, YYYY-MM or YYYY-MM-DD, a day that the calendar has. */
bool fhir_date_is_valid(struct slice text);

/* A date, or a day with a time of day and its zone: 2026-11-21T10:00:00+01:00. */
bool fhir_datetime_is_valid(struct slice text);
bool fhir_instant_is_valid(struct slice text);

/* Whether the date is after the present day in every time zone (a child born in Kiribati is not yet born in UTC). */
bool fhir_date_is_future(struct slice date, int64_t now_s);

/* Whether both name a day, and the first is later than the second, as far as both are told. */
bool fhir_day_is_after(struct slice first, struct slice second);

/* UTF-8 without control characters (C0, DEL, C1), not blank; `lines` allows tab, CR and LF. */
bool fhir_string_is_valid(struct slice text, bool lines);

/* No white space at the ends and no doubled space. */
bool fhir_code_is_valid(struct slice text);

/* No white space at all. */
bool fhir_uri_is_valid(struct slice text);
