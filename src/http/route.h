/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns of paths: "/v2/models/{model}/infer", where a segment in braces matches any one segment that is not empty,
 * and a last segment "*" matches the rest, also an empty one. Pure.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

enum { HTTP_SEGMENT_MAX_COUNT = 4 };

struct http_segments {
    struct {
        struct slice name;  /* borrowed from the pattern, without braces; "*" for the rest */
        struct slice value; /* borrowed from the path */
    } items[HTTP_SEGMENT_MAX_COUNT];
    size_t count;
};

/* Whether the decoded path matches; `segments_out` is written only then. Fixed segments compare without case if asked
 * for. */
bool http_route_matches(const char *pattern, struct slice path, bool ignore_case, struct http_segments *segments_out);
