/* SPDX-License-Identifier: Apache-2.0
 * Hits inner_route_find, inner_query, patient_query_tokens: what stands in a sealed request's path. */
#include "fuzz.h"
#include "parts.h"
#include "platform/inner.h"
#include "records/patient_index.h"

static enum status handle(struct platform *, const struct inner_request *, struct refusal *, struct inner_response *)
{
    return OK;
}

static const struct inner_route routes[] = {
    {"POST", "/fhir", INNER_STAFF, false, handle},
    {"GET", "/fhir/{}", INNER_STAFF, false, handle},
    {"GET", "/fhir/{}/{}", INNER_STAFF, false, handle},
    {"GET", "/fhir/Patient/{}/$everything", INNER_STAFF, false, handle},
    {"PUT", "/films/{}/parts/{}", INNER_STAFF, false, handle},
    {"POST", "/{}/{}/{}", INNER_STAFF, false, handle},
};

static bool is_inside(struct slice part, struct slice whole)
{
    return part.bytes >= whole.bytes && part.bytes + part.size <= whole.bytes + whole.size;
}

static void find(struct slice method, struct slice path)
{
    struct slice segments[INNER_SEGMENT_MAX_COUNT] = {};
    bool is_path_known;
    const struct inner_route *const route =
        inner_route_find(routes, sizeof(routes) / sizeof(routes[0]), method, path, segments, &is_path_known);
    if (route == NULL) return;
    if (!is_path_known || !slice_equal_text(method, route->method)) abort();
    for (size_t i = 0; i < INNER_SEGMENT_MAX_COUNT; i++) {
        if (segments[i].size == 0) continue;
        if (segments[i].size > INNER_SEGMENT_MAX_BYTES || !is_inside(segments[i], path)) abort();
    }
}

static void search(struct slice query)
{
    static struct record_keys *keys;
    static const uint8_t master[MASTER_KEY_BYTES] = {7};
    if (keys == NULL) must(record_keys_new(SLICE_ARRAY(master), SLICE_LITERAL("hospital"), &keys));
    const struct inner_request request = {.query = query};
    CLEANUP(buffer_done) struct buffer name = buffer_of_maximum(INNER_QUERY_VALUE_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer date = buffer_of_maximum(INNER_QUERY_VALUE_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer identifier = buffer_of_maximum(INNER_QUERY_VALUE_MAX_BYTES);
    (void)!inner_query(&request, "name", &name);
    (void)!inner_query(&request, "birthdate", &date);
    (void)!inner_query(&request, "identifier", &identifier);
    const struct patient_query asked = {
        .name = buffer_slice(&name), .birth_date = buffer_slice(&date), .identifier = buffer_slice(&identifier)};
    struct lookup_tokens tokens = {};
    struct refusal why = {};
    if (patient_query_tokens(keys, &asked, &why, &tokens) == OK && tokens.count > STORE_QUERY_TOKEN_MAX_COUNT) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice rest = slice_of(bytes, size);
    const struct slice method = take_until(&rest, SLICE_LITERAL(" "));
    const struct slice path = take_until(&rest, SLICE_LITERAL("?"));
    find(method, path);
    search(rest);
    return 0;
}
