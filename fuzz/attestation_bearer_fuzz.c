/* SPDX-License-Identifier: Apache-2.0
 * Hits administrators_check: the first byte chooses whether the rest is the header's value, or a JWT's header and
 * payload (with a zero between them) that are encoded and signed by a trusted key. And administrators_configure. */
#include "attestation/management/administrators.h"
#include "base/encoding.h"
#include "fuzz.h"
#include "parts.h"

#include <stdlib.h>
#include <string.h>

#define OWN_NAME "https://attest.example"

enum { NOW_S = 1790000000, MADE_MAX_BYTES = 1 << 18 };

static struct administrators administrators = {.issuer = OWN_NAME};

static void set_up(void)
{
    struct administrator *const local = &administrators.items[administrators.count++];
    local->key = fixed_p256(7);
    local->is_reader_only = true;
}

static void check(const char *authorization, bool is_signed)
{
    struct refusal why = {};
    const enum status reads = administrators_check(&administrators, authorization, RIGHT_READ, NOW_S, &why);
    if (reads != OK && why.field[0] == '\0') abort();
    if (reads == OK && !is_signed) abort();
    /* The only administrator may not. */
    if (administrators_check(&administrators, authorization, RIGHT_CHANGE, NOW_S, &why) == OK) abort();
}

static void check_made(struct slice parts)
{
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(MADE_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer authorization = buffer_of_maximum(2 * MADE_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(P256_SIGNATURE_BYTES);
    struct slice header, payload;
    const char *text;
    if (!slice_split(parts, 0, &header, &payload)) return;
    must(base64url_encode(header, &jws));
    must(buffer_append_u8(&jws, '.'));
    must(base64url_encode(payload, &jws));
    must(key_sign(administrators.items[0].key, buffer_slice(&jws), &signature));
    must(buffer_append_text(&authorization, "Bearer "));
    must(buffer_append(&authorization, buffer_slice(&jws)));
    must(buffer_append_u8(&authorization, '.'));
    must(base64url_encode(buffer_slice(&signature), &authorization));
    must(buffer_text(&authorization, &text));
    check(text, true);
}

static void check_given(struct slice value)
{
    CLEANUP(buffer_done) struct buffer authorization = buffer_of_maximum(value.size + 1);
    const char *text;
    must(buffer_append(&authorization, value));
    must(buffer_text(&authorization, &text));
    check(text, false);
}

static void configure(struct slice text)
{
    static const struct configuration configuration = {.folder = "."};
    CLEANUP(json_done) json_t *json = NULL;
    CLEANUP(administrators_done) struct administrators configured = {};
    struct refusal why = {};
    if (json_parse(text, CONFIGURATION_MAX_BYTES, &why, &json) != OK || !json_is_object(json)) return;
    const enum status status = administrators_configure(&configuration, json, &why, &configured);
    if (status != OK && status != ERR_NO_MEMORY && why.field[0] == '\0') abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (administrators.count == 0) set_up();
    if (size == 0) return 0;
    const struct slice rest = slice_of(bytes + 1, size - 1);
    switch (bytes[0] % 3) {
    case 0: check_given(rest); break;
    case 1: check_made(rest); break;
    default: configure(rest); break;
    }
    return 0;
}
