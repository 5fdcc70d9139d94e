/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret manifest issuer`: takes an attestation service's signing keys for the manifest, but only keys whose
 * certificates carry the service's own quote, verified here with collateral and against the manifest's identities.
 */
#include "base/encoding.h"
#include "base/file.h"
#include "channel/address.h"
#include "cli/command.h"
#include "crypto/hash.h"
#include "crypto/x509.h"
#include "evidence/intel.h"
#include "feeds/collateral_source.h"
#include "policy/manifest.h"
#include "token/jwk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* docs/protocols.md, section 4. */
#define SIGNER_QUOTE_OID "2.25.255985462217562341571262384637716423731"

enum {
    CERTS_MAX_BYTES = 1024 * 1024,
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

static enum status ask_certs(struct issuer_check *check, json_t **set_out)
{
    const struct http_exchange exchange = {.method = "GET", .path = "/certs", .max_answer = CERTS_MAX_BYTES};
    CLEANUP(http_answer_done) struct http_answer answer = {};
    TRY(http_client_exchange(check->service, &exchange, &check->why, &answer));
    if (answer.status != 200) return refuse(&check->why, ERR_HTTP_STATUS, "GET /certs", "200", "%u", answer.status);
    return json_parse(buffer_slice(&answer.body), CERTS_MAX_BYTES, &check->why, set_out);
}

static enum status fetch_collateral(struct issuer_check *check, struct slice quote, const struct trust_roots *roots,
                                    struct collateral **collateral_out)
{
    struct collateral_platform platform = {};
    struct quote_facts facts;
    TRY(quote_facts_read(quote, &check->why, &facts));
    memcpy(platform.fmspc, facts.fmspc, sizeof(platform.fmspc));
    memcpy(platform.ca, facts.ca, sizeof(platform.ca));
    CLEANUP(collateral_files_done) struct collateral_files files = collateral_files_empty();
    struct collateral_service service = {.client = check->source};
    struct pacing_hint hint = {};
    if (check->source != NULL)
        TRY(collateral_fetch_service(&service, &platform, &check->why, &hint, &files));
    else
        TRY(collateral_fetch_folder((void *)check->options->collateral_folder, &platform, &check->why, &hint, &files));
    const struct collateral_texts texts = collateral_files_texts(&files);
    return collateral_new(&texts, roots, &check->why, collateral_out);
}

/* The quote binds the key: report_data is SHA-256 of its PEM text and a NUL, then zeros. */
static enum status check_binding(struct issuer_check *check, const struct key *key, const struct sgx_claims *claims)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    TRY(key_public_pem(key, &pem));
    TRY(buffer_append_u8(&pem, 0));
    uint8_t digest[SHA256_BYTES];
    TRY(sha256(buffer_slice(&pem), digest));
    const struct slice report_data = SLICE_ARRAY(claims->report_data);
    if (slice_equal(slice_part(report_data, 0, sizeof(digest)), SLICE_ARRAY(digest)) &&
        slice_is_zero(slice_part(report_data, sizeof(digest), report_data.size)))
        return OK;
    return refuse(&check->why, ERR_REPORT_DATA, "quote.report_data", refusal_hex(SLICE_ARRAY(digest)).text, "%s",
                  refusal_hex(report_data).text);
}

static bool is_accepted_identity(const struct identity *identity, const struct sgx_claims *claims)
{
    const bool enclave = !identity->has_mrenclave || memcmp(identity->mrenclave, claims->mrenclave, 32) == 0;
    const bool signer =
        !identity->has_mrsigner || (memcmp(identity->mrsigner, claims->mrsigner, 32) == 0 &&
                                    identity->product_id == claims->product_id && claims->svn >= identity->minimum_svn);
    return (identity->has_mrenclave || identity->has_mrsigner) && enclave && signer &&
           (identity->debug || !claims->debug);
}

static enum status check_identity(struct issuer_check *check, const struct sgx_claims *claims)
{
    const struct role_rule *const role = manifest_role(&check->manifest, "attestation");
    for (size_t i = 0; role != NULL && i < role->identity_count; i++) {
        if (is_accepted_identity(&role->identities[i], claims)) return OK;
    }
    return refuse(&check->why, ERR_TOKEN_IDENTITY, "quote.mrenclave", "an identity of the manifest's role attestation",
                  "%s", hex_of_32(claims->mrenclave).text);
}

static enum status check_quote(struct issuer_check *check, struct slice quote, const struct key *key)
{
    const struct trust_roots roots = {
        .simulated = (const struct key *const *)check->manifest.simulated_roots,
        .simulated_count = check->manifest.simulated_root_count,
    };
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    TRY(fetch_collateral(check, quote, &roots, &collateral));
    struct sgx_claims claims;
    const struct intel_evidence evidence = {.quote = quote};
    TRY(sgx_quote_verify(&evidence, collateral, &roots, clock_now_s(check->clock), NULL, &check->why, &claims));
    TRY(check_binding(check, key, &claims));
    return check_identity(check, &claims);
}

/* The key of one JWK, vouched for by the quote in its first certificate. */
static enum status check_jwk(struct issuer_check *check, const json_t *jwk, json_t **entry_out)
{
    const char *const kid = json_string_value(json_object_get(jwk, "kid"));
    const struct slice text = slice_of_text(json_string_value(json_array_get(json_object_get(jwk, "x5c"), 0)));
    if (kid == NULL || text.size == 0)
        return refuse(&check->why, ERR_FIELD_MISSING, "certs.keys", "kid and x5c", "neither or one");
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    TRY(base64_decode(text, &der));
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    TRY(certificate_from_der(buffer_slice(&der), &certificate));
    struct slice quote;
    if (certificate_extension(certificate, SIGNER_QUOTE_OID, &quote) != OK)
        return refuse(&check->why, ERR_FIELD_MISSING, "certs.x5c",
                      "the service's own quote in extension " SIGNER_QUOTE_OID, "none");
    TRY(check_quote(check, quote, certificate_key(certificate)));
    CLEANUP(json_done) json_t *entry = NULL;
    TRY(jwk_from_key(certificate_key(certificate), &entry));
    if (json_object_set_new(entry, "kid", json_string(kid)) != 0) return ERR_NO_MEMORY;
    *entry_out = json_incref(entry);
    return OK;
}

static enum status take_keys(struct issuer_check *check, struct buffer *text)
{
    TRY(open_parts(check));
    CLEANUP(json_done) json_t *set = NULL;
    TRY(ask_certs(check, &set));
    json_t *keys;
    TRY(json_get_array(set, "certs", "keys", JWK_SET_MAX_COUNT, &check->why, &keys));
    CLEANUP(json_done) json_t *taken = json_array();
    for (size_t i = 0; i < json_array_size(keys); i++) {
        json_t *entry = NULL;
        TRY(check_jwk(check, json_array_get(keys, i), &entry));
        if (json_array_append_new(taken, entry) != 0) return ERR_NO_MEMORY;
    }
    if (json_array_size(taken) == 0) return refuse(&check->why, ERR_FIELD_MISSING, "certs.keys", "a key", "none");
    CLEANUP(json_done) json_t *result = json_pack("{s:O}", "keys", taken);
    return json_write(result, text);
}

static const char help[] =
    "usage: lazaret manifest issuer --url URL --manifest FILE --deployment T [--ca FILE]\n"
    "                               --collateral-url URL | --collateral DIR\n\n"
    "Prints an attestation service's signing keys as a JWK set for the manifest's issuers. Each key's certificate must "
    "carry\n"
    "the service's own quote, which is verified here: genuine, of an identity that the manifest names for the role\n"
    "attestation, and over that key.\n\n"
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
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(CERTS_MAX_BYTES);
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
