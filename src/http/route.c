/* SPDX-License-Identifier: Apache-2.0 */
#include "http/route.h"

#include <strings.h>

static bool fixed_equal(struct slice a, struct slice b, bool ignore_case)
{
    if (!ignore_case) return slice_equal(a, b);
    return a.size == b.size && (a.size == 0 || strncasecmp((const char *)a.bytes, (const char *)b.bytes, a.size) == 0);
}

static bool is_variable(struct slice segment)
{
    return segment.size > 2 && segment.bytes[0] == '{' && segment.bytes[segment.size - 1] == '}';
}

static bool keep(struct http_segments *segments, struct slice name, struct slice value)
{
    if (segments->count == HTTP_SEGMENT_MAX_COUNT) return false;
    segments->items[segments->count].name = name;
    segments->items[segments->count].value = value;
    segments->count++;
    return true;
}

/* Takes the first segment off; false if it was the last one. */
static bool take_segment(struct slice *rest, struct slice *segment_out)
{
    struct slice after;
    if (slice_split(*rest, '/', segment_out, &after)) {
        *rest = after;
        return true;
    }
    *segment_out = *rest;
    *rest = (struct slice){};
    return false;
}

bool http_route_matches(const char *pattern, struct slice path, bool ignore_case, struct http_segments *segments_out)
{
    struct http_segments segments = {};
    struct slice wanted = slice_of_text(pattern);
    for (;;) {
        if (slice_equal_text(wanted, "*")) {
            if (!keep(&segments, wanted, path)) return false;
            break;
        }
        struct slice segment, seen;
        const bool more_wanted = take_segment(&wanted, &segment);
        const bool more_seen = take_segment(&path, &seen);
        if (is_variable(segment)) {
            if (seen.size == 0 || !keep(&segments, slice_part(segment, 1, segment.size - 2), seen)) return false;
        } else if (!fixed_equal(segment, seen, ignore_case)) {
            return false;
        }
        if (more_wanted != more_seen) return false;
        if (!more_wanted) break;
    }
    *segments_out = segments;
    return true;
}
