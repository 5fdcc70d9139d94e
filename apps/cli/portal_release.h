/* SPDX-License-Identifier: Apache-2.0
 *
 * What a release of the portal consists of (portal-release.json, written by portal/scripts/release.mjs), and the page
 * that it makes of one deployment's values. From there a served portal can be compared byte by byte.
 */
#pragma once

#include "base/json.h"

enum {
    PORTAL_FILE_MAX_COUNT = 16,
    PORTAL_NAME_MAX_BYTES = 128,
    PORTAL_INTEGRITY_BYTES = 7 + 64, /* "sha384-" and 64 letters of base64 */
    PORTAL_ADDRESS_MAX_BYTES = 512,
    PORTAL_PAGE_MAX_BYTES = 64 * 1024,
    PORTAL_RELEASE_MAX_BYTES = 256 * 1024,
};

struct portal_text {
    char text[PORTAL_ADDRESS_MAX_BYTES];
};
struct portal_integrity {
    char text[PORTAL_INTEGRITY_BYTES + 1];
};

struct portal_file {
    char name[PORTAL_NAME_MAX_BYTES + 1]; /* letters, digits, '.', '-', '_' */
    struct portal_integrity integrity;
};

struct portal_release {
    struct portal_file files[PORTAL_FILE_MAX_COUNT];
    size_t file_count;
    struct slice page; /* borrowed from `document`: the page, with {{names}} where a deployment's values go */
    json_t *document;
};
void portal_release_done(struct portal_release *release);

/* Reads portal-release.json. ERR_CONFIG with the member. */
enum status portal_release_read(struct slice text, struct refusal *why, struct portal_release *release_out);

/* "sha384-" and the digest in base64, as an integrity attribute has it. */
enum status portal_integrity_of(struct slice bytes, struct portal_integrity *integrity_out);

/* What a page says of its deployment: <meta name="lazaret-trust" content="ASSETStrust.json INTEGRITY">. */
struct portal_pin {
    struct portal_text assets; /* "" or "https://host/path/": where everything but the page comes from */
    struct portal_text source; /* the origin of `assets`, or "'self'" */
    struct portal_integrity trust;
};
/* ERR_FIELD_MISSING, ERR_FIELD_VALUE. */
enum status portal_pin_find(struct slice page, struct refusal *why, struct portal_pin *pin_out);

/* The trust file's values. Addresses are origins and nothing else: they stand in the page's policy. */
struct portal_trust {
    struct portal_text hospital, platform, attestation, deployment, manifest;
};
/* ERR_JSON_SYNTAX, ERR_FIELD_... */
enum status portal_trust_read(struct slice text, struct refusal *why, struct portal_trust *trust_out);

/* The page that the release makes of these values. ERR_CONFIG for a name in the page that is not known here. */
enum status portal_page_fill(const struct portal_release *release, const struct portal_pin *pin,
                             const struct portal_trust *trust, struct refusal *why, struct buffer *page_out);
