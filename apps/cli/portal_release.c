/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/portal_release.h"

#include "base/encoding.h"
#include "crypto/hash.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char format_name[] = "lazaret-portal-release/1";
static const char trust_file[] = "trust.json";

void portal_release_done(struct portal_release *release)
{
    json_done(&release->document);
}

/* ---- texts ---- */

static bool has_only(struct slice text, const char *others)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!isalnum(text.bytes[i]) && (text.bytes[i] == 0 || strchr(others, text.bytes[i]) == NULL)) return false;
    }
    return text.size > 0;
}

/* "https://host:port" or "http://...": returns the length of the origin at the start of `text`, 0 if there is none. */
static size_t origin_length(struct slice text)
{
    const struct slice https = SLICE_LITERAL("https://"), http = SLICE_LITERAL("http://");
    const size_t scheme = slice_starts_with(text, https) ? https.size : slice_starts_with(text, http) ? http.size : 0;
    if (scheme == 0) return 0;
    size_t end = scheme;
    while (end < text.size && text.bytes[end] != '/') end++;
    return has_only(slice_part(text, scheme, end - scheme), ".-:[]") ? end : 0;
}

static enum status keep(struct slice text, const char *field, struct refusal *why, struct portal_text *kept_out)
{
    if (text.size >= sizeof(kept_out->text))
        return refuse(why, ERR_TOO_LARGE, field, "a shorter text", "%zu bytes", text.size);
    memcpy(kept_out->text, text.bytes, text.size);
    kept_out->text[text.size] = '\0';
    return OK;
}

static enum status keep_integrity(struct slice text, const char *field, enum status failure, struct refusal *why,
                                  struct portal_integrity *integrity_out)
{
    const struct slice prefix = SLICE_LITERAL("sha384-");
    if (text.size != PORTAL_INTEGRITY_BYTES || !slice_starts_with(text, prefix) ||
        !has_only(slice_part(text, prefix.size, text.size), "+/"))
        return refuse(why, failure, field, "sha384- and 64 letters of base64", "%.*s", (int)text.size, text.bytes);
    memcpy(integrity_out->text, text.bytes, text.size);
    integrity_out->text[text.size] = '\0';
    return OK;
}

enum status portal_integrity_of(struct slice bytes, struct portal_integrity *integrity_out)
{
    uint8_t digest[SHA384_BYTES];
    TRY(sha384(bytes, digest));
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(PORTAL_INTEGRITY_BYTES);
    TRY(buffer_append_text(&text, "sha384-"));
    TRY(base64_encode(SLICE_ARRAY(digest), &text));
    memcpy(integrity_out->text, text.bytes, PORTAL_INTEGRITY_BYTES);
    integrity_out->text[PORTAL_INTEGRITY_BYTES] = '\0';
    return OK;
}

/* ---- the release ---- */

static enum status read_file_entry(const json_t *entry, size_t index, struct refusal *why, struct portal_file *file_out)
{
    const struct json_path path = json_path_at("", "files", index);
    struct slice name, integrity;
    TRY(json_get_string(entry, path.text, "name", PORTAL_NAME_MAX_BYTES, why, &name));
    TRY(json_get_string(entry, path.text, "integrity", PORTAL_INTEGRITY_BYTES, why, &integrity));
    if (!has_only(name, ".-_"))
        return refuse(why, ERR_CONFIG, path.text, "a file's name", "%.*s", (int)name.size, name.bytes);
    memcpy(file_out->name, name.bytes, name.size);
    file_out->name[name.size] = '\0';
    return keep_integrity(integrity, path.text, ERR_CONFIG, why, &file_out->integrity);
}

static enum status read_release(struct refusal *why, struct portal_release *release)
{
    const json_t *const document = release->document;
    struct slice format;
    json_t *files;
    TRY(json_get_string(document, "", "format", 64, why, &format));
    if (!slice_equal_text(format, format_name))
        return refuse(why, ERR_CONFIG, "format", format_name, "%.*s", (int)format.size, format.bytes);
    TRY(json_get_string(document, "", "page", PORTAL_PAGE_MAX_BYTES, why, &release->page));
    TRY(json_get_array(document, "", "files", PORTAL_FILE_MAX_COUNT, why, &files));
    release->file_count = json_array_size(files);
    for (size_t i = 0; i < release->file_count; i++)
        TRY(read_file_entry(json_array_get(files, i), i, why, &release->files[i]));
    return OK;
}

enum status portal_release_read(struct slice text, struct refusal *why, struct portal_release *release_out)
{
    CLEANUP(portal_release_done) struct portal_release release = {};
    TRY(refuse_as(why, json_parse(text, PORTAL_RELEASE_MAX_BYTES, why, &release.document), ERR_CONFIG));
    TRY(refuse_as(why, read_release(why, &release), ERR_CONFIG));
    *release_out = release;
    release.document = NULL;
    return OK;
}

/* ---- a deployment's values ---- */

/* "" or an address that ends in '/'. */
static enum status keep_assets(struct slice assets, struct refusal *why, struct portal_pin *pin)
{
    static const char field[] = "lazaret-trust";
    const size_t origin = origin_length(assets);
    if (assets.size == 0) return keep(SLICE_LITERAL("'self'"), field, why, &pin->source);
    if (origin == 0 || assets.bytes[assets.size - 1] != '/' || !has_only(assets, ":/._~-"))
        return refuse(why, ERR_FIELD_VALUE, field, "an address that ends in /, or none", "%.*s", (int)assets.size,
                      assets.bytes);
    TRY(keep(assets, field, why, &pin->assets));
    return keep(slice_part(assets, 0, origin), field, why, &pin->source);
}

enum status portal_pin_find(struct slice page, struct refusal *why, struct portal_pin *pin_out)
{
    static const char field[] = "lazaret-trust", before[] = "<meta name=\"lazaret-trust\" content=\"";
    const uint8_t *const found = memmem(page.bytes, page.size, before, sizeof(before) - 1);
    if (found == NULL) return refuse(why, ERR_FIELD_MISSING, field, "a meta element of this name", "none");
    const size_t start = (size_t)(found - page.bytes) + sizeof(before) - 1;
    struct slice content, rest, address, integrity;
    if (!slice_split(slice_part(page, start, PORTAL_ADDRESS_MAX_BYTES), '"', &content, &rest) ||
        !slice_split(content, ' ', &address, &integrity))
        return refuse(why, ERR_FIELD_VALUE, field, "an address and a digest", "something else");
    const size_t name = sizeof(trust_file) - 1;
    if (address.size < name || !slice_equal_text(slice_part(address, address.size - name, name), trust_file))
        return refuse(why, ERR_FIELD_VALUE, field, trust_file, "%.*s", (int)address.size, address.bytes);
    struct portal_pin pin = {};
    TRY(keep_integrity(integrity, field, ERR_FIELD_VALUE, why, &pin.trust));
    TRY(keep_assets(slice_part(address, 0, address.size - name), why, &pin));
    *pin_out = pin;
    return OK;
}

static enum status get_origin(const json_t *document, const char *name, struct refusal *why, struct portal_text *out)
{
    struct slice text;
    TRY(json_get_string(document, "", name, PORTAL_ADDRESS_MAX_BYTES - 1, why, &text));
    if (origin_length(text) != text.size)
        return refuse(why, ERR_FIELD_VALUE, name, "https://host:port", "%.*s", (int)text.size, text.bytes);
    return keep(text, name, why, out);
}

static enum status get_name(const json_t *document, const char *name, struct refusal *why, struct portal_text *out)
{
    struct slice text;
    TRY(json_get_string(document, "", name, PORTAL_NAME_MAX_BYTES, why, &text));
    if (!has_only(text, ".-_"))
        return refuse(why, ERR_FIELD_VALUE, name, "letters, digits, '.', '-', '_'", "%.*s", (int)text.size, text.bytes);
    return keep(text, name, why, out);
}

enum status portal_trust_read(struct slice text, struct refusal *why, struct portal_trust *trust_out)
{
    CLEANUP(json_done) json_t *document = NULL;
    struct portal_trust trust;
    struct slice hospital;
    TRY(json_parse(text, PORTAL_PAGE_MAX_BYTES, why, &document));
    TRY(json_get_string(document, "", "hospital", PORTAL_ADDRESS_MAX_BYTES - 1, why, &hospital));
    TRY(keep(hospital, "hospital", why, &trust.hospital));
    TRY(get_origin(document, "platform", why, &trust.platform));
    TRY(get_origin(document, "attestation", why, &trust.attestation));
    TRY(get_name(document, "deployment", why, &trust.deployment));
    TRY(get_name(document, "manifest", why, &trust.manifest));
    *trust_out = trust;
    return OK;
}

/* ---- the page ---- */

static enum status append_escaped(const char *text, struct buffer *page)
{
    for (; *text != '\0'; text++) {
        char letter[8];
        (void)snprintf(letter, sizeof(letter), strchr("&<>\"", *text) != NULL ? "&#%d;" : "%c", *text);
        TRY(buffer_append_text(page, letter));
    }
    return OK;
}

static enum status append_value(struct slice name, const struct portal_pin *pin, const struct portal_trust *trust,
                                struct refusal *why, struct buffer *page)
{
    const struct {
        const char *name, *value;
    } values[] = {
        {"assets", pin->assets.text},
        {"source", pin->source.text},
        {"trust", pin->trust.text},
        {"platform", trust->platform.text},
        {"attestation", trust->attestation.text},
    };
    if (slice_equal_text(name, "hospital")) return append_escaped(trust->hospital.text, page);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (slice_equal_text(name, values[i].name)) return buffer_append_text(page, values[i].value);
    }
    return refuse(why, ERR_CONFIG, "page", "the names that this program knows", "{{%.*s}}", (int)name.size, name.bytes);
}

enum status portal_page_fill(const struct portal_release *release, const struct portal_pin *pin,
                             const struct portal_trust *trust, struct refusal *why, struct buffer *page_out)
{
    CLEANUP(buffer_done) struct buffer page = buffer_of_maximum(2 * PORTAL_PAGE_MAX_BYTES);
    struct slice rest = release->page;
    for (;;) {
        const uint8_t *const open = memmem(rest.bytes, rest.size, "{{", 2);
        const size_t before = open == NULL ? rest.size : (size_t)(open - rest.bytes);
        TRY(buffer_append(&page, slice_part(rest, 0, before)));
        if (open == NULL) break;
        rest = slice_part(rest, before + 2, rest.size);
        const uint8_t *const close = memmem(rest.bytes, rest.size, "}}", 2);
        if (close == NULL) return refuse(why, ERR_CONFIG, "page", "}} behind each {{", "none");
        const size_t length = (size_t)(close - rest.bytes);
        TRY(append_value(slice_part(rest, 0, length), pin, trust, why, &page));
        rest = slice_part(rest, length + 2, rest.size);
    }
    *page_out = buffer_take(&page);
    return OK;
}
