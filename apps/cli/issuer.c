/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret manifest issuer`: takes an attestation service's signing keys for the manifest, but only keys whose
 * certificates carry the service's own quote, verified here with collateral and against the manifest's identities.
 */
#include "base/file.h"
#include "channel/address.h"
#include "cli/command.h"
#include "cli/vouching.h"
#include "token/jwk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_MAX_COUNT = 256,
    CA_MAX_BYTES = 256 * 1024,
    HTTPS_PORT = 443,
    EXIT_DONE = 0,
    EXIT_REFUSED_KEYS = 1,
    EXIT_BAD_USAGE = 2
};

struct issuer_options {
    const char *url, *ca, *collateral_url, *collateral_folder, *manifest, *deployment;
};

struct issuer_check {
    const struct issuer_options *options;
    struct clock *clock;
    struct tunnel *tunnel;
    struct tunnel_dialer *dialer;
    struct http_client *service, *source;
    struct buffer ca;
    struct manifest manifest;
    struct refusal why;
};

static void issuer_check_done(struct issuer_check *check)
{
    http_client_free(check->service);
    http_client_free(check->source);
    tunnel_dialer_free(check->dialer);
    tunnel_free(check->tunnel);
    clock_free(check->clock);
    manifest_done(&check->manifest);
    buffer_done(&check->ca);
}

static enum status read_manifest(struct issuer_check *check)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(MANIFEST_MAX_BYTES + 1);
    TRY(file_read(check->options->manifest, &check->why, &text));
    while (text.size > 0 && text.bytes[text.size - 1] == '\n') buffer_truncate(&text, text.size - 1);
    return manifest_verify(buffer_slice(&text), slice_of_text(check->options->deployment), &check->why,
                           &check->manifest);
}

static enum status connect_service(struct issuer_check *check)
{
    static const struct slice scheme = SLICE_LITERAL("https://");
    const struct slice url = slice_of_text(check->options->url), rest = slice_part(url, scheme.size, url.size);
    struct address_authority authority;
    if (!slice_starts_with(url, scheme) || address_of_authority(rest, HTTPS_PORT, NULL, &authority) != OK)
        return refuse(&check->why, ERR_USAGE, "--url", "https://host[:port]", "%s", check->options->url);
    check->ca = buffer_of_maximum(CA_MAX_BYTES);
    if (check->options->ca != NULL) TRY(file_read(check->options->ca, &check->why, &check->ca));
    const struct tunnel_target target = {
        .address = authority.address, .server_name = authority.host, .ca_pem = buffer_slice(&check->ca)};
    TRY(tunnel_dialer_new(check->tunnel, &target, &check->why, &check->dialer));
    return http_client_new(check->options->url, check->dialer, &check->service);
}

static enum status open_parts(struct issuer_check *check)
{
    TRY(read_manifest(check));
    TRY(clock_new(&check->clock));
    TRY(tunnel_new(check->clock, &(struct tunnel_limits){.connections = 8}, &check->tunnel));
    TRY(connect_service(check));
    if (check->options->collateral_url == NULL) return OK;
    return http_client_new(check->options->collateral_url, NULL, &check->source);
}

static enum status ask(struct issuer_check *check, const char *path, struct http_answer *answer)
{
    const struct http_exchange exchange = {.method = "GET", .path = path, .max_answer = VOUCHING_SET_MAX_BYTES};
    return http_client_exchange(check->service, &exchange, &check->why, answer);
}

/* The history, which says which keys are current and next; of a service that has none, its key set. */
static enum status ask_keys(struct issuer_check *check, json_t **set_out)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    TRY(ask(check, "/.well-known/lazaret/keys", &answer));
    if (answer.status == 404) {
        http_answer_done(&answer);
        TRY(ask(check, "/certs", &answer));
    }
    if (answer.status != 200) return refuse(&check->why, ERR_HTTP_STATUS, "GET /certs", "200", "%u", answer.status);
    return json_parse(buffer_slice(&answer.body), VOUCHING_SET_MAX_BYTES, &check->why, set_out);
}

/* A key that signs no more is for those who verify old tokens, not for a manifest. Only the history tells. */
static bool is_retired(const json_t *jwk)
{
    const char *const text = json_string_value(json_object_get(jwk, "status"));
    return text != NULL && strcmp(text, "retired") == 0;
}

static enum status take_key(const struct vouching *vouching, const json_t *jwk, struct refusal *why, json_t *taken)
{
    CLEANUP(vouched_key_done) struct vouched_key key = {};
    CLEANUP(json_done) json_t *entry = NULL;
    TRY(vouching_check(vouching, jwk, why, &key));
    TRY(jwk_from_key(key.key, &entry));
    if (json_object_set_new(entry, "kid", json_string(key.kid)) != 0) return ERR_NO_MEMORY;
    return json_array_append(taken, entry) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status take_all(struct issuer_check *check, const json_t *keys, json_t *taken)
{
    const struct trust_roots roots = {
        .simulated = (const struct key *const *)check->manifest.simulated_roots,
        .simulated_count = check->manifest.simulated_root_count,
    };
    const struct vouching vouching = {
        .folder = check->options->collateral_folder,
        .source = check->source,
        .roots = &roots,
        .manifest = &check->manifest,
        .now_s = clock_now_s(check->clock),
    };
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *const jwk = json_array_get(keys, i);
        if (!is_retired(jwk)) TRY(take_key(&vouching, jwk, &check->why, taken));
    }
    return OK;
}

static enum status take_keys(struct issuer_check *check, struct buffer *text)
{
    TRY(open_parts(check));
    CLEANUP(json_done) json_t *set = NULL;
    TRY(ask_keys(check, &set));
    json_t *keys;
    TRY(json_get_array(set, "certs", "keys", KEY_MAX_COUNT, &check->why, &keys));
    CLEANUP(json_done) json_t *taken = json_array();
    TRY(take_all(check, keys, taken));
    if (json_array_size(taken) == 0) return refuse(&check->why, ERR_FIELD_MISSING, "certs.keys", "a key", "none");
    CLEANUP(json_done) json_t *result = json_pack("{s:O}", "keys", taken);
    return json_write(result, text);
}

static const char help[] =
    "usage: lazaret manifest issuer --url URL --manifest FILE --deployment T [--ca FILE]\n"
    "                               --collateral-url URL | --collateral DIR\n\n"
    "Prints an attestation service's signing keys, current and next, as a JWK set for the manifest's issuers. Each\n"
    "key's certificate must carry the service's own quote, which is verified here: genuine, of an identity that the\n"
    "manifest names for the role attestation, and over that key.\n\n"
    "Exit codes: 0 keys printed, 1 refused, 2 usage.\n";

static bool parse(int count, char **arguments, struct issuer_options *options)
{
    const struct {
        const char *name;
        const char **value;
    } names[] = {
        {"--url", &options->url},
        {"--ca", &options->ca},
        {"--manifest", &options->manifest},
        {"--deployment", &options->deployment},
        {"--collateral-url", &options->collateral_url},
        {"--collateral", &options->collateral_folder},
    };
    for (int i = 1; i + 1 < count; i += 2) {
        size_t known = 0;
        while (known < sizeof(names) / sizeof(names[0]) && strcmp(names[known].name, arguments[i]) != 0) known++;
        if (known == sizeof(names) / sizeof(names[0])) return false;
        *names[known].value = arguments[i + 1];
    }
    return count % 2 == 1 && options->url != NULL && options->manifest != NULL && options->deployment != NULL &&
           (options->collateral_url != NULL) != (options->collateral_folder != NULL);
}

int command_manifest_issuer(int count, char **arguments)
{
    struct issuer_options options = {};
    const bool wants_help = count > 1 && strcmp(arguments[1], "--help") == 0;
    if (wants_help || !parse(count, arguments, &options)) {
        (void)fputs(help, wants_help ? stdout : stderr);
        return wants_help ? EXIT_DONE : EXIT_BAD_USAGE;
    }
    CLEANUP(issuer_check_done) struct issuer_check check = {.options = &options};
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(VOUCHING_SET_MAX_BYTES);
    const enum status status = take_keys(&check, &text);
    if (status == OK) {
        (void)printf("%.*s\n", (int)text.size, (const char *)text.bytes);
        return EXIT_DONE;
    }
    if (check.why.status == OK)
        (void)!refuse(&check.why, status, "attestation service", "keys with evidence", "%s", status_name(status));
    char line[1024];
    refusal_text(&check.why, line, sizeof(line));
    (void)fprintf(stderr, "lazaret manifest issuer: %s\n", line);
    return status == ERR_USAGE ? EXIT_BAD_USAGE : EXIT_REFUSED_KEYS;
}
