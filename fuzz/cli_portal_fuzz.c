/* SPDX-License-Identifier: Apache-2.0
 * Hits portal_pin_find, portal_trust_read, portal_release_read, portal_page_fill: what a judged web server sends. A
 * page, and a trust file behind a NUL; what is taken from them must not be able to widen the page's policy. */
#include "cli/portal_release.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

static const char release_text[] =
    "{\"format\":\"lazaret-portal-release/1\",\"files\":[],\"page\":\"<title>{{hospital}}</title><meta "
    "content=\\\"connect-src "
    "{{source}} {{platform}} {{attestation}}; end\\\"><meta name=\\\"lazaret-trust\\\" "
    "content=\\\"{{assets}}trust.json "
    "{{trust}}\\\">\"}";

static size_t count(struct slice text, char letter)
{
    size_t found = 0;
    for (size_t i = 0; i < text.size; i++) found += text.bytes[i] == (uint8_t)letter;
    return found;
}

/* The filled page has as many quotes, brackets and semicolons as the template, but for those of escaped letters. */
static void fill(const struct portal_pin *pin, const struct portal_trust *trust)
{
    CLEANUP(portal_release_done) struct portal_release release = {};
    CLEANUP(buffer_done) struct buffer page = {};
    if (portal_release_read(SLICE_LITERAL(release_text), NULL, &release) != OK) abort();
    if (portal_page_fill(&release, pin, trust, NULL, &page) != OK) abort();
    const struct slice filled = buffer_slice(&page);
    for (const char *letter = "<>\""; *letter != '\0'; letter++) {
        if (count(filled, *letter) != count(release.page, *letter)) abort();
    }
    struct slice title, rest;
    /* With the quote before it, which no value can hold: a hospital may be called as it likes. */
    static const char before[] = "content=\"connect-src ";
    const uint8_t *policy = memmem(filled.bytes, filled.size, before, sizeof(before) - 1);
    if (policy == NULL) abort();
    policy += sizeof("content=");
    if (!slice_split(slice_of(policy, filled.size - (size_t)(policy - filled.bytes)), '"', &title, &rest)) abort();
    if (count(title, ';') != 1 || count(title, ' ') != 4) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct slice input = slice_of(bytes, size);
    struct slice page = input, trust_text = input;
    (void)slice_split(input, 0, &page, &trust_text);
    struct portal_pin pin;
    struct portal_trust trust;
    CLEANUP(portal_release_done) struct portal_release release = {};
    if (portal_release_read(trust_text, NULL, &release) == OK && release.file_count > PORTAL_FILE_MAX_COUNT) abort();
    const bool has_pin = portal_pin_find(page, NULL, &pin) == OK;
    const bool has_trust = portal_trust_read(trust_text, NULL, &trust) == OK;
    if (has_pin && has_trust) fill(&pin, &trust);
    return 0;
}
