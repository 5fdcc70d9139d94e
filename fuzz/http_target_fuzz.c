/* SPDX-License-Identifier: Apache-2.0
 * Hits http_path_decode, http_query_parse, http_query_value, http_route_matches, http_content_length, http_is_token,
 * http_is_field_value, http_media_type_is. */
#include "fuzz.h"
#include "http/route.h"
#include "http/target.h"

#include <stdlib.h>
#include <string.h>

static void read_path(struct slice raw)
{
    CLEANUP(buffer_done) struct buffer path = buffer_of_maximum(1024);
    if (http_path_decode(raw, NULL, &path) != OK) return;
    /* What was accepted has no NUL and no more segments than the text that came. */
    if (memchr(path.bytes, 0, path.size) != NULL || path.size > raw.size) abort();
    struct http_segments segments;
    (void)http_route_matches("/fhir/{type}/{id}", buffer_slice(&path), false, &segments);
    (void)http_route_matches("/fhir/*", buffer_slice(&path), true, &segments);
}

static void read_query(struct slice raw)
{
    CLEANUP(http_query_done) struct http_query query = {};
    if (http_query_parse(raw, NULL, &query) == OK) (void)http_query_value(&query, "name");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct slice text = slice_of(bytes, size);
    struct slice path = text, query = {};
    (void)slice_split(text, '?', &path, &query);
    read_path(path);
    read_query(query);
    uint64_t length;
    (void)!http_content_length(text, &length);
    (void)http_is_token(text);
    (void)http_is_field_value(text);
    CLEANUP(buffer_done) struct buffer copy = buffer_of_maximum(size);
    const char *field;
    if (buffer_append(&copy, text) == OK && buffer_text(&copy, &field) == OK)
        (void)http_media_type_is(field, "application/json");
    return 0;
}
