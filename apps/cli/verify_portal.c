/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret verify portal`: is what a hospital's web server serves the portal of a release, and nothing else? Fetches
 * the page and everything that it names, and compares each with the release, the page itself after the deployment's
 * own values are put in. Every check is told, also those after one that fails.
 */
#include "base/clock.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/portal_release.h"
#include "http/client.h"
#include "policy/manifest.h"

#include <stdio.h>
#include <string.h>

enum { FILE_MAX_BYTES = 16 * 1024 * 1024, CA_MAX_BYTES = 256 * 1024, TIMEOUT_MS = 30000, SEEN_BYTES = 160 };

static const char help[] =
    "Usage: lazaret verify portal URL --release FILE [--deployment T] [--ca FILE] [--json]\n\n"
    "URL: where the portal is served (https://, or http:// on this machine).\n"
    "FILE: the release's portal-release.json, from a source that you trust: never from the server that is judged.\n"
    "T: the deployment key's thumbprint that the portal must trust; without it, the one that it names is printed.\n"
    "Compares index.html, script, style sheet and icon with the release, the trust file with the page's pin, the\n"
    "manifest's signature with the deployment key, and looks whether the page may be framed by others.\n"
    "--json prints {\"valid\",\"checks\":[{\"name\",\"address\",\"ok\",\"expected\",\"seen\"}],\"deployment\",...}.\n\n"
    "Exit codes: 0 everything matches, 1 something does not or cannot be fetched, 2 the command line is not usable.\n";

struct portal_options {
    const char *url, *release_path, *deployment, *ca_path;
    bool json;
};

struct portal_check {
    struct portal_options options;
    struct clock *clock;
    struct tunnel *tunnel;
    struct buffer ca, page;
    struct portal_release release;
    struct portal_pin pin;
    struct portal_trust trust;
    char base[PORTAL_ADDRESS_MAX_BYTES]; /* the page's address without its last part */
    json_t *checks;
    size_t failed_count;
    struct refusal first_failure;
};

static void portal_check_done(struct portal_check *check)
{
    tunnel_free(check->tunnel);
    clock_free(check->clock);
    portal_release_done(&check->release);
    buffer_done(&check->ca);
    buffer_done(&check->page);
    json_done(&check->checks);
}

/* ---- what was found ---- */

/* `why->status` is OK where it holds; then `seen` and `expected` may be empty. */
static enum status note(struct portal_check *check, const char *name, const char *address, enum status status,
                        const struct refusal *why)
{
    if (status == ERR_NO_MEMORY) return status;
    const bool ok = status == OK;
    if (!ok && check->failed_count++ == 0) {
        check->first_failure = *why;
        check->first_failure.status = status;
    }
    json_t *const row = json_pack("{s:s, s:s, s:b, s:s, s:s, s:s}", "name", name, "address", address, "ok", ok, "code",
                                  status_name(status), "expected", why->expected, "seen", why->seen);
    if (row == NULL || json_array_append_new(check->checks, row) != 0) return ERR_NO_MEMORY;
    if (check->options.json) return OK;
    (void)printf("%-8s %s\n", ok ? "matches" : "DIFFERS", name);
    if (!ok) (void)printf("         %s: seen %s, expected %s\n", status_name(status), why->seen, why->expected);
    return OK;
}

/* ---- fetching ---- */

static bool is_loopback(struct slice host)
{
    const struct slice names[] = {SLICE_LITERAL("localhost"), SLICE_LITERAL("127.0.0.1"), SLICE_LITERAL("[::1]")};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (slice_starts_with(host, names[i]) && (host.size == names[i].size || host.bytes[names[i].size] == ':'))
            return true;
    }
    return false;
}

static enum status open_secure(struct portal_check *check, struct slice authority, struct refusal *why,
                               struct tunnel_dialer **dialer_out)
{
    char host[PORTAL_ADDRESS_MAX_BYTES], address[PORTAL_ADDRESS_MAX_BYTES + 8];
    (void)snprintf(host, sizeof(host), "%.*s", (int)authority.size, authority.bytes);
    char *const colon = strrchr(host, ':');
    const bool has_port = colon != NULL && strchr(colon, ']') == NULL;
    (void)snprintf(address, sizeof(address), "%s%s", host, has_port ? "" : ":443");
    if (has_port) *colon = '\0';
    const struct tunnel_target target = {.address = address, .server_name = host, .ca_pem = buffer_slice(&check->ca)};
    return tunnel_dialer_new(check->tunnel, &target, why, dialer_out);
}

static void client_cleanup(struct http_client **client)
{
    http_client_free(*client);
}
static void dialer_cleanup(struct tunnel_dialer **dialer)
{
    tunnel_dialer_free(*dialer);
}

/* One GET of `address`, which the caller has made of plain letters. */
static enum status fetch(struct portal_check *check, const char *address, size_t maximum, struct refusal *why,
                         struct http_answer *answer_out)
{
    static const char https[] = "https://", http[] = "http://";
    const bool is_secure = strncmp(address, https, sizeof(https) - 1) == 0;
    const bool is_plain = strncmp(address, http, sizeof(http) - 1) == 0;
    const char *const host = strstr(address, "//") == NULL ? address : strstr(address, "//") + 2;
    const size_t length = strcspn(host, "/");
    const struct slice authority = slice_of(host, length);
    if (length == 0 || !(is_secure || (is_plain && is_loopback(authority))))
        return refuse(why, ERR_USAGE, "address", "https://, or http:// on this machine", "%s", address);
    CLEANUP(dialer_cleanup) struct tunnel_dialer *dialer = NULL;
    CLEANUP(client_cleanup) struct http_client *client = NULL;
    char origin[PORTAL_ADDRESS_MAX_BYTES];
    (void)snprintf(origin, sizeof(origin), "%s%.*s", is_secure ? https : http, (int)length, host);
    if (is_secure) TRY(open_secure(check, authority, why, &dialer));
    TRY(http_client_new(origin, dialer, &client));
    const char *const path = host + length;
    const struct http_exchange exchange = {
        .method = "GET", .path = *path == '\0' ? "/" : path, .max_answer = maximum, .timeout_ms = TIMEOUT_MS};
    CLEANUP(http_answer_done) struct http_answer answer = {};
    const enum status status = http_client_exchange(client, &exchange, why, &answer);
    if (status != OK && why->seen[0] == '\0') return refuse(why, status, "address", "an answer", "%s", address);
    TRY(status);
    if (answer.status != 200) return refuse(why, ERR_HTTP_STATUS, "address", "200", "%u", answer.status);
    *answer_out = answer;
    answer = (struct http_answer){0};
    return OK;
}

/* Both parts are of limited length: this holds the longest. */
struct file_address {
    char text[2 * PORTAL_ADDRESS_MAX_BYTES];
};

static void address_of(const struct portal_check *check, const char *name, struct file_address *address_out)
{
    const bool elsewhere = check->pin.assets.text[0] != '\0';
    (void)snprintf(address_out->text, sizeof(address_out->text), "%s%s",
                   elsewhere ? check->pin.assets.text : check->base, name);
}

/* ---- the checks ---- */

static enum status check_digest(struct slice bytes, const struct portal_integrity *expected, const char *name,
                                struct refusal *why)
{
    struct portal_integrity seen;
    TRY(portal_integrity_of(bytes, &seen));
    if (strcmp(seen.text, expected->text) == 0) return OK;
    return refuse(why, ERR_FILE_DIGEST, name, expected->text, "%s", seen.text);
}

static enum status compare_file(struct portal_check *check, const char *name, const char *address,
                                const struct portal_integrity *expected, struct refusal *why,
                                struct http_answer *answer_out)
{
    TRY(fetch(check, address, FILE_MAX_BYTES, why, answer_out));
    return check_digest(buffer_slice(&answer_out->body), expected, name, why);
}

static enum status check_file(struct portal_check *check, const struct portal_file *file)
{
    struct refusal why = {};
    struct file_address address;
    CLEANUP(http_answer_done) struct http_answer answer = {};
    address_of(check, file->name, &address);
    const enum status status = compare_file(check, file->name, address.text, &file->integrity, &why, &answer);
    return note(check, file->name, address.text, status, &why);
}

static enum status judge_trust(struct portal_check *check, const char *address, struct refusal *why)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    TRY(compare_file(check, "trust.json", address, &check->pin.trust, why, &answer));
    TRY(portal_trust_read(buffer_slice(&answer.body), why, &check->trust));
    const char *const wanted = check->options.deployment;
    if (wanted == NULL || strcmp(wanted, check->trust.deployment.text) == 0) return OK;
    return refuse(why, ERR_TOKEN_DEPLOYMENT, "trust.json: deployment", wanted, "%s", check->trust.deployment.text);
}

static enum status judge_manifest(struct portal_check *check, const char *address, struct refusal *why)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    CLEANUP(manifest_done) struct manifest manifest = {};
    TRY(fetch(check, address, MANIFEST_MAX_BYTES, why, &answer));
    struct slice text = buffer_slice(&answer.body);
    while (text.size > 0 && text.bytes[text.size - 1] == '\n') text.size--;
    return manifest_verify(text, slice_of_text(check->trust.deployment.text), why, &manifest);
}

/* The line in which two texts part, cut to fit. */
static struct slice line_at(struct slice text, size_t position)
{
    size_t start = position < text.size ? position : text.size, end = start;
    while (start > 0 && text.bytes[start - 1] != '\n' && position - start < SEEN_BYTES / 2) start--;
    while (end < text.size && text.bytes[end] != '\n' && end - start < SEEN_BYTES) end++;
    return slice_part(text, start, end - start);
}

static enum status judge_page(struct portal_check *check, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer filled = {};
    TRY(portal_page_fill(&check->release, &check->pin, &check->trust, why, &filled));
    const struct slice expected = buffer_slice(&filled), seen = buffer_slice(&check->page);
    if (slice_equal(expected, seen)) return OK;
    size_t at = 0;
    while (at < expected.size && at < seen.size && expected.bytes[at] == seen.bytes[at]) at++;
    const struct slice seen_line = line_at(seen, at), expected_line = line_at(expected, at);
    char wanted[SEEN_BYTES + 1];
    (void)snprintf(wanted, sizeof(wanted), "%.*s", (int)expected_line.size, expected_line.bytes);
    return refuse(why, ERR_FILE_DIGEST, "index.html", wanted, "%.*s", (int)seen_line.size, seen_line.bytes);
}

/* A meta element cannot forbid framing: only the server can. */
static enum status judge_framing(const struct http_answer *answer, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer frame = buffer_of_maximum(HTTP_CLIENT_HEADER_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer policy = buffer_of_maximum(HTTP_CLIENT_HEADER_MAX_BYTES);
    if (http_answer_header(answer, "x-frame-options", &frame) == OK && slice_equal_text(buffer_slice(&frame), "DENY"))
        return OK;
    static const char wanted[] = "frame-ancestors 'none'";
    if (http_answer_header(answer, "content-security-policy", &policy) == OK &&
        memmem(policy.bytes, policy.size, wanted, sizeof(wanted) - 1) != NULL)
        return OK;
    return refuse(why, ERR_FIELD_MISSING, "headers", "X-Frame-Options: DENY, or a policy with frame-ancestors 'none'",
                  "neither");
}

/* What hangs on the trust file: without it neither the page nor the manifest can be judged. */
static enum status check_deployment(struct portal_check *check)
{
    struct refusal why = {};
    struct file_address address;
    address_of(check, "trust.json", &address);
    enum status status = judge_trust(check, address.text, &why);
    TRY(note(check, "trust.json", address.text, status, &why));
    if (check->trust.manifest.text[0] == '\0') return OK;
    why = (struct refusal){};
    status = judge_page(check, &why);
    TRY(note(check, "index.html", check->base, status, &why));
    why = (struct refusal){};
    address_of(check, check->trust.manifest.text, &address);
    status = judge_manifest(check, address.text, &why);
    return note(check, check->trust.manifest.text, address.text, status, &why);
}

static enum status check_all(struct portal_check *check)
{
    struct refusal why = {};
    CLEANUP(http_answer_done) struct http_answer page = {};
    enum status status = fetch(check, check->options.url, PORTAL_PAGE_MAX_BYTES, &why, &page);
    if (status == OK) status = portal_pin_find(buffer_slice(&page.body), &why, &check->pin);
    if (status != OK) return note(check, "index.html", check->options.url, status, &why);
    check->page = buffer_take(&page.body);
    TRY(check_deployment(check));
    for (size_t i = 0; i < check->release.file_count; i++) TRY(check_file(check, &check->release.files[i]));
    why = (struct refusal){};
    status = judge_framing(&page, &why);
    return note(check, "framing", check->options.url, status, &why);
}

/* ---- in and out ---- */

static enum status read_options(int count, char **arguments, struct refusal *why, struct portal_options *options)
{
    const struct command_option known[] = {
        {.name = "--release", .value = &options->release_path},
        {.name = "--deployment", .value = &options->deployment},
        {.name = "--ca", .value = &options->ca_path},
        {.name = "--json", .flag = &options->json},
    };
    TRY(command_options(count, arguments, known, sizeof(known) / sizeof(known[0]), &options->url, why));
    if (options->url == NULL) return command_needs("URL", "where the portal is served", why);
    if (options->release_path == NULL) return command_needs("--release", "the release's portal-release.json", why);
    return OK;
}

/* Keeps the folder of the page's address: "https://host/a/index.html" gives "https://host/a/". */
static enum status keep_base(struct portal_check *check, struct refusal *why)
{
    const char *const url = check->options.url;
    const char *const host = strstr(url, "://");
    if (host == NULL || strlen(url) > PORTAL_ADDRESS_MAX_BYTES / 2 || strpbrk(url, " ?#\"'\\") != NULL)
        return refuse(why, ERR_USAGE, "URL", "https://host:port/folder/", "%s", url);
    const char *const slash = strrchr(host + 3, '/');
    const size_t length = slash == NULL ? strlen(url) : (size_t)(slash - url);
    (void)snprintf(check->base, sizeof(check->base), "%.*s/", (int)length, url);
    return OK;
}

static enum status open_parts(struct portal_check *check, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer release = buffer_of_maximum(PORTAL_RELEASE_MAX_BYTES);
    TRY(keep_base(check, why));
    TRY(file_read(check->options.release_path, why, &release));
    TRY(portal_release_read(buffer_slice(&release), why, &check->release));
    check->ca = buffer_of_maximum(CA_MAX_BYTES);
    if (check->options.ca_path != NULL) TRY(file_read(check->options.ca_path, why, &check->ca));
    TRY(clock_new(&check->clock));
    TRY(tunnel_new(check->clock, &(struct tunnel_limits){.connections = 4}, &check->tunnel));
    check->checks = json_array();
    return check->checks == NULL ? ERR_NO_MEMORY : OK;
}

static enum status print_json(const struct portal_check *check, struct refusal *why)
{
    const struct portal_trust *const trust = &check->trust;
    CLEANUP(json_done)
    json_t *answer = json_pack("{s:b, s:O, s:s, s:s, s:s, s:s}", "valid", check->failed_count == 0, "checks",
                               check->checks, "deployment", trust->deployment.text, "hospital", trust->hospital.text,
                               "platform", trust->platform.text, "attestation", trust->attestation.text);
    return answer == NULL ? ERR_NO_MEMORY : command_print_json(answer, why);
}

static enum status verify_portal(int count, char **arguments, struct refusal *why)
{
    CLEANUP(portal_check_done) struct portal_check check = {};
    TRY(read_options(count, arguments, why, &check.options));
    TRY(open_parts(&check, why));
    TRY(check_all(&check));
    if (check.options.json)
        TRY(print_json(&check, why));
    else if (check.trust.deployment.text[0] != '\0')
        (void)printf("It trusts deployment %s, platform %s, attestation service %s.\n", check.trust.deployment.text,
                     check.trust.platform.text, check.trust.attestation.text);
    if (check.failed_count == 0) return OK;
    *why = check.first_failure;
    return why->status;
}

int command_verify_portal(int count, char **arguments)
{
    struct refusal why = {};
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    return command_exit("verify portal", verify_portal(count, arguments, &why), &why);
}
