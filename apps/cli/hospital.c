/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hospital.h"

#include "base/encoding.h"
#include "base/file.h"
#include "channel/address.h"
#include "cli/seen.h"
#include "crypto/random.h"
#include "records/key_parcel.h"
#include "token/jws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NONCE_BYTES = 32, EVIDENCE_MAX_BYTES = 512 * 1024, CA_MAX_BYTES = 256 * 1024, HTTPS_PORT = 443 };

#define UNKNOWN_KEY_TYPE "https://iana.org/assignments/http-problem-types#ohttp-key"

/* An HTTPS origin and the connection to it. */
struct origin {
    struct tunnel_dialer *dialer;
    struct http_client *http;
};

struct hospital {
    struct clock *clock;
    struct tunnel *tunnel;
    struct manifest manifest;
    struct buffer ca;
    struct origin platform, attestation;
    const char *seen_path; /* borrowed; NULL: nothing is kept */
    json_t *seen;
    bool is_accepted;
    struct ohttp_config ohttp;
    char key_thumbprint[THUMBPRINT_TEXT_BYTES + 1];
    char statement_hash[THUMBPRINT_TEXT_BYTES + 1];
};

static void origin_done(struct origin *origin)
{
    http_client_free(origin->http);
    tunnel_dialer_free(origin->dialer);
}

void hospital_cleanup(struct hospital **hospital)
{
    struct hospital *const h = *hospital;
    if (h == NULL) return;
    origin_done(&h->platform);
    origin_done(&h->attestation);
    tunnel_free(h->tunnel);
    ohttp_config_done(&h->ohttp);
    manifest_done(&h->manifest);
    json_done(&h->seen);
    clock_free(h->clock);
    buffer_done(&h->ca);
    free(h);
    *hospital = NULL;
}

const struct manifest *hospital_manifest(const struct hospital *hospital)
{
    return &hospital->manifest;
}

static enum status open_origin(struct hospital *hospital, const char *url, struct refusal *why, struct origin *origin)
{
    static const struct slice scheme = SLICE_LITERAL("https://");
    struct slice rest = slice_of_text(url);
    const bool has_scheme = slice_starts_with(rest, scheme);
    rest = slice_part(rest, scheme.size, rest.size);
    if (rest.size > 0 && rest.bytes[rest.size - 1] == '/') rest.size--;
    struct address_authority authority;
    if (!has_scheme || address_of_authority(rest, HTTPS_PORT, NULL, &authority) != OK)
        return refuse(why, ERR_USAGE, "address", "https://host[:port]", "%s", url);
    const struct tunnel_target target = {
        .address = authority.address, .server_name = authority.host, .ca_pem = buffer_slice(&hospital->ca)};
    TRY(tunnel_dialer_new(hospital->tunnel, &target, why, &origin->dialer));
    char base[ADDRESS_TEXT_MAX_BYTES + 32];
    (void)snprintf(base, sizeof(base), "https://%s", authority.address);
    return http_client_new(base, origin->dialer, &origin->http);
}

static enum status read_manifest(struct hospital *hospital, const char *path, const char *deployment,
                                 struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(MANIFEST_MAX_BYTES + 1);
    TRY(file_read(path, why, &text));
    struct slice jws = buffer_slice(&text);
    while (jws.size > 0 && jws.bytes[jws.size - 1] == '\n') jws.size--;
    return manifest_verify(jws, slice_of_text(deployment), why, &hospital->manifest);
}

static enum status make_clock(const struct hospital_options *options, struct refusal *why, struct clock **clock_out)
{
#ifdef LAZARET_SIMULATION
    const char *const path = options->insecure_clock_path;
    if (path != NULL && clock_new_insecure(path, clock_out) == OK) return OK;
    if (path != NULL) return refuse(why, ERR_IO, path, "a file that can be read", "none");
#endif
    (void)options;
    (void)why;
    return clock_new(clock_out);
}

/* What was seen before this manifest; without a path, nothing was. */
static enum status open_seen(struct hospital *hospital, const char *path, struct refusal *why)
{
    hospital->seen_path = path;
    if (path == NULL) return OK;
    TRY(seen_read(path, why, &hospital->seen));
    return seen_check_manifest(hospital->seen, &hospital->manifest, why);
}

static enum status open_parts(struct hospital *hospital, const struct hospital_options *options, struct refusal *why)
{
    TRY(read_manifest(hospital, options->manifest_path, options->deployment, why));
    TRY(open_seen(hospital, options->seen_path, why));
    TRY(make_clock(options, why, &hospital->clock));
    clock_raise_floor(hospital->clock, hospital->manifest.issued_s);
    hospital->ca = buffer_of_maximum(CA_MAX_BYTES);
    if (options->ca_path != NULL) TRY(file_read(options->ca_path, why, &hospital->ca));
    TRY(tunnel_new(hospital->clock, &(struct tunnel_limits){.connections = 16}, &hospital->tunnel));
    TRY(open_origin(hospital, options->platform_url, why, &hospital->platform));
    const char *url = options->attestation_url;
    if (url == NULL && hospital->manifest.relying_party.issuer_count > 0)
        url = hospital->manifest.relying_party.issuers[0].issuer;
    if (url == NULL) return refuse(why, ERR_MANIFEST, "manifest.issuers", "an attestation service", "none");
    return open_origin(hospital, url, why, &hospital->attestation);
}

enum status hospital_open(const struct hospital_options *options, struct refusal *why, struct hospital **hospital_out)
{
    CLEANUP(hospital_cleanup) struct hospital *hospital = calloc(1, sizeof(*hospital));
    if (hospital == NULL) return ERR_NO_MEMORY;
    TRY(open_parts(hospital, options, why));
    *hospital_out = hospital;
    hospital = NULL;
    return OK;
}

/* What the platform shows at its evidence endpoint. */
struct shown {
    char nonce[NONCE_BYTES * 2];
    json_t *json;
    struct slice token, statement, proof, evidence, runtime_data; /* borrowed from json */
};

static void shown_done(struct shown *shown)
{
    json_done(&shown->json);
}

static enum status new_nonce(char *text_out, size_t size)
{
    uint8_t nonce[NONCE_BYTES];
    TRY(random_bytes(sizeof(nonce), nonce));
    (void)snprintf(text_out, size, "%s", base64url_of_32(nonce).text);
    return OK;
}

/* An answer's JSON, whatever its status; a problem document becomes the refusal. */
static enum status expect_json(const struct http_answer *answer, const char *what, struct refusal *why,
                               json_t **json_out)
{
    CLEANUP(json_done) json_t *json = NULL;
    const enum status status = json_parse(buffer_slice(&answer->body), EVIDENCE_MAX_BYTES, why, &json);
    if (answer->status != 200) {
        const char *title = json_string_value(json_object_get(json, "title"));
        if (title == NULL) title = json_string_value(json_object_get(json_object_get(json, "error"), "message"));
        return refuse(why, ERR_HTTP_STATUS, what, "200", "%u %s", answer->status, title == NULL ? "" : title);
    }
    TRY(status);
    *json_out = json;
    json = NULL;
    return OK;
}

static enum status ask_evidence(struct hospital *hospital, struct refusal *why, struct shown *shown)
{
    TRY(new_nonce(shown->nonce, sizeof(shown->nonce)));
    char path[256];
    (void)snprintf(path, sizeof(path), "/.well-known/lazaret/attestation?nonce=%s", shown->nonce);
    const struct http_exchange exchange = {.method = "GET", .path = path, .max_answer = EVIDENCE_MAX_BYTES};
    CLEANUP(http_answer_done) struct http_answer answer = {};
    TRY(http_client_exchange(hospital->platform.http, &exchange, why, &answer));
    TRY(expect_json(&answer, "platform's evidence", why, &shown->json));
    TRY(json_get_string(shown->json, "evidence", "token", TOKEN_MAX_BYTES, why, &shown->token));
    TRY(json_get_string(shown->json, "evidence", "evidence", EVIDENCE_MAX_BYTES, why, &shown->evidence));
    TRY(json_get_string(shown->json, "evidence", "runtimeData", EVIDENCE_MAX_BYTES, why, &shown->runtime_data));
    TRY(json_get_string(shown->json, "evidence", "proof", JWS_MAX_BYTES, why, &shown->proof));
    return json_get_string(shown->json, "evidence", "statement", JWS_MAX_BYTES, why, &shown->statement);
}

static enum status check_token(const struct hospital *hospital, const char *service, enum key_use use,
                               struct slice token, struct slice nonce, struct refusal *why,
                               struct token_claims *claims_out)
{
    const struct role_rule *const role = manifest_role(&hospital->manifest, service);
    if (role == NULL) return refuse(why, ERR_MANIFEST, "manifest.roles", service, "no rule");
    const struct token_expectation expected = {
        .role = role, .use = use, .nonce = nonce, .now_s = clock_now_s(hospital->clock)};
    return relying_party_check(token, &hospital->manifest.relying_party, &expected, why, claims_out);
}

static enum status expect_member(const json_t *payload, const char *path, const char *name, const char *expected,
                                 struct refusal *why)
{
    struct slice text;
    TRY(json_get_string(payload, path, name, JWS_MAX_BYTES, why, &text));
    if (slice_equal_text(text, expected)) return OK;
    char field[REFUSAL_FIELD_BYTES];
    (void)snprintf(field, sizeof(field), "%s.%s", path, name);
    return refuse(why, ERR_PEER_REFUSED, field, expected, "%.*s", (int)text.size, (const char *)text.bytes);
}

static enum status hash_text(struct slice jws, struct base64url32 *text_out)
{
    uint8_t digest[32];
    TRY(jws_hash(jws, digest));
    *text_out = base64url_of_32(digest);
    return OK;
}

/* The proof shows that whoever answered now holds the attested signing key. */
static enum status check_proof(const struct shown *shown, const struct token_claims *claims, struct refusal *why)
{
    CLEANUP(jws_done) struct jws proof = {};
    TRY(jws_parse(shown->proof, why, &proof));
    TRY(jws_verify(&proof, JWS_TYP_EVIDENCE_PROOF, claims->runtime.keys[KEY_USE_SIGN], why));
    struct base64url32 token_hash, statement_hash;
    TRY(hash_text(shown->token, &token_hash));
    TRY(hash_text(shown->statement, &statement_hash));
    TRY(expect_member(proof.payload, "proof", "nonce", shown->nonce, why));
    TRY(expect_member(proof.payload, "proof", "token_hash", token_hash.text, why));
    return expect_member(proof.payload, "proof", "statement_hash", statement_hash.text, why);
}

/* Both texts are the platform's, which is not trusted yet: a quotation mark in them must not become another member. */
static enum status write_appraisal(const struct shown *shown, const char *nonce, struct buffer *body)
{
    CLEANUP(json_done)
    json_t *request =
        json_pack("{s:s%, s:{s:s%, s:s}, s:s}", "quote", shown->evidence.bytes, shown->evidence.size, "runtimeData",
                  "data", shown->runtime_data.bytes, shown->runtime_data.size, "dataType", "JSON", "nonce", nonce);
    return request == NULL ? ERR_NO_MEMORY : json_write(request, body);
}

/* The evidence is appraised anew under a nonce of ours: the verdict is of now, not of when the platform last asked. */
static enum status appraise_anew(struct hospital *hospital, const struct shown *shown, struct refusal *why,
                                 struct token_claims *claims_out)
{
    char nonce[NONCE_BYTES * 2];
    TRY(new_nonce(nonce, sizeof(nonce)));
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(2 * EVIDENCE_MAX_BYTES);
    TRY(write_appraisal(shown, nonce, &body));
    const struct http_exchange exchange = {
        .method = "POST",
        .path = "/attest/SgxEnclave?api-version=2022-08-01",
        .content_type = "application/json",
        .body = buffer_slice(&body),
        .max_answer = EVIDENCE_MAX_BYTES,
    };
    CLEANUP(http_answer_done) struct http_answer answer = {};
    TRY(http_client_exchange(hospital->attestation.http, &exchange, why, &answer));
    CLEANUP(json_done) json_t *json = NULL;
    TRY(expect_json(&answer, "attestation service's answer", why, &json));
    struct slice token;
    TRY(json_get_string(json, "answer", "token", TOKEN_MAX_BYTES, why, &token));
    return check_token(hospital, "platform", KEY_USE_HPKE, token, slice_of_text(nonce), why, claims_out);
}

static enum status same_keys(const struct token_claims *shown, const struct token_claims *fresh, struct refusal *why)
{
    for (size_t use = 0; use < KEY_USE_COUNT; use++) {
        const struct key *const a = shown->runtime.keys[use], *const b = fresh->runtime.keys[use];
        if (a == NULL || b == NULL || !key_equal(a, b))
            return refuse(why, ERR_TOKEN_KEY_BINDING, "x-ms-runtime.keys", "the keys of the platform's own token",
                          "other keys, or none for a use");
    }
    return OK;
}

static void copy_slice(char *text_out, size_t size, struct slice text)
{
    (void)snprintf(text_out, size, "%.*s", (int)text.size, (const char *)text.bytes);
}

static void report_claims(const struct hospital *hospital, const struct token_claims *claims, struct hop_report *report)
{
    report->is_accepted = true;
    memcpy(report->measurement, hex_of_32(claims->mrenclave).text, sizeof(report->measurement));
    report->is_simulated = claims->simulated;
    report->token_age_s = clock_now_s(hospital->clock) - claims->issued_s;
}

/* The hop's token is verified here as well, and it must be of the key that the platform saw. */
static enum status check_hop_token(const struct hospital *hospital, const json_t *hop, struct refusal *why,
                                   struct hop_report *report)
{
    struct slice token, key;
    TRY(json_get_string(hop, "hop", "token", TOKEN_MAX_BYTES, why, &token));
    TRY(json_get_string(hop, "hop", "key", THUMBPRINT_TEXT_BYTES, why, &key));
    CLEANUP(token_claims_done) struct token_claims claims = {};
    TRY(check_token(hospital, report->service, KEY_USE_TLS, token, (struct slice){}, why, &claims));
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    if (claims.runtime.keys[KEY_USE_TLS] == NULL)
        return refuse(why, ERR_TOKEN_KEY_BINDING, "x-ms-runtime.use.tls", "a key", "none");
    TRY(key_thumbprint(claims.runtime.keys[KEY_USE_TLS], thumbprint));
    if (!slice_equal_text(key, base64url_of_32(thumbprint).text))
        return refuse(why, ERR_TOKEN_KEY_BINDING, "hop.key", base64url_of_32(thumbprint).text, "%.*s", (int)key.size,
                      (const char *)key.bytes);
    report_claims(hospital, &claims, report);
    return OK;
}

static enum status check_hop(const struct hospital *hospital, const json_t *hop, struct refusal *why,
                             struct hop_report *report)
{
    struct slice service, verdict, reason;
    TRY(json_get_string(hop, "hop", "service", SERVICE_NAME_MAX_BYTES, why, &service));
    TRY(json_get_string(hop, "hop", "verdict", 32, why, &verdict));
    TRY(json_get_string(hop, "hop", "reason", 4096, why, &reason));
    copy_slice(report->service, sizeof(report->service), service);
    copy_slice(report->reason, sizeof(report->reason), reason);
    report->is_unreachable = slice_equal_text(verdict, "unreachable");
    if (!slice_equal_text(verdict, "accepted")) return OK;
    struct refusal hop_refusal = {};
    if (check_hop_token(hospital, hop, &hop_refusal, report) != OK)
        refusal_text(&hop_refusal, report->reason, sizeof(report->reason));
    return OK;
}

static enum status check_statement_times(const struct hospital *hospital, const json_t *payload, struct refusal *why)
{
    int64_t issued_s, expires_s;
    TRY(json_get_integer(payload, "statement", "iat", 0, INT64_MAX, why, &issued_s));
    TRY(json_get_integer(payload, "statement", "exp", 0, INT64_MAX, why, &expires_s));
    const int64_t now_s = clock_now_s(hospital->clock);
    if (issued_s > now_s + HOSPITAL_CLOCK_SLACK_S || expires_s <= now_s || expires_s - issued_s > 600)
        return refuse(why, ERR_TOKEN_EXPIRED, "statement.exp", "a statement of the last 10 minutes", "%lld s old",
                      (long long)(now_s - issued_s));
    return OK;
}

/* The platform must run under this very manifest: the version alone could name two. */
static enum status check_statement_manifest(const struct hospital *hospital, const json_t *payload, struct refusal *why)
{
    int64_t version;
    TRY(json_get_integer(payload, "statement", "manifest_version", 0, INT64_MAX, why, &version));
    if (version == hospital->manifest.version)
        return refuse_as(
            why,
            expect_member(payload, "statement", "manifest_hash", base64url_of_32(hospital->manifest.digest).text, why),
            ERR_MANIFEST_OLD);
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "%lld", (long long)hospital->manifest.version);
    (void)!refuse(why, ERR_MANIFEST_OLD, "statement.manifest_version", expected, "%lld", (long long)version);
    return refuse_fix(why, ERR_MANIFEST_OLD,
                      version > hospital->manifest.version ? "use the newer manifest"
                                                           : "restart the platform with the newer manifest");
}

/* Only after everything else holds is it what was seen. */
static enum status hold_to_seen(struct hospital *hospital, const json_t *payload, struct refusal *why)
{
    if (hospital->seen_path == NULL) return OK;
    json_t *heads;
    TRY(json_get_array(payload, "statement", "heads", HOSPITAL_STORE_MAX_COUNT, why, &heads));
    TRY(seen_check_heads(hospital->seen, heads, why));
    return seen_write(hospital->seen_path, hospital->seen, &hospital->manifest, heads, why);
}

static enum status check_statement(struct hospital *hospital, const struct shown *shown,
                                   const struct token_claims *claims, struct refusal *why, struct chain_report *report)
{
    CLEANUP(jws_done) struct jws statement = {};
    TRY(jws_parse(shown->statement, why, &statement));
    TRY(jws_verify(&statement, JWS_TYP_STATEMENT, claims->runtime.keys[KEY_USE_SIGN], why));
    TRY(expect_member(statement.payload, "statement", "aud", "portal", why));
    TRY(expect_member(statement.payload, "statement", "deployment", hospital->manifest.deployment, why));
    TRY(check_statement_times(hospital, statement.payload, why));
    TRY(check_statement_manifest(hospital, statement.payload, why));
    json_t *hops;
    TRY(json_get_array(statement.payload, "statement", "hops", HOSPITAL_HOP_MAX_COUNT - 1, why, &hops));
    for (size_t i = 0; i < json_array_size(hops); i++)
        TRY(check_hop(hospital, json_array_get(hops, i), why, &report->hops[report->hop_count++]));
    return hold_to_seen(hospital, statement.payload, why);
}

/* Both hops of the story must be named, and be accepted; only the gate may be away. */
static bool is_chain_accepted(const struct chain_report *report)
{
    bool has_gate = false, has_diagnosis = false, all = true;
    for (size_t i = 0; i < report->hop_count; i++) {
        const struct hop_report *const hop = &report->hops[i];
        const bool is_gate = strcmp(hop->service, "gate") == 0;
        has_gate = has_gate || is_gate;
        has_diagnosis = has_diagnosis || strcmp(hop->service, "diagnosis") == 0;
        all = all && (hop->is_accepted || (is_gate && hop->is_unreachable));
    }
    return has_gate && has_diagnosis && all;
}

static enum status take_keys(struct hospital *hospital, const struct shown *shown, const struct token_claims *claims,
                             struct refusal *why)
{
    ohttp_config_done(&hospital->ohttp);
    hospital->ohttp = (struct ohttp_config){};
    TRY(ohttp_config_read(buffer_slice(&claims->runtime.ohttp), why, &hospital->ohttp));
    if (!key_equal(hospital->ohttp.key, claims->runtime.keys[KEY_USE_HPKE]))
        return refuse(why, ERR_TOKEN_KEY_BINDING, "x-ms-runtime.lazaret.ohttp", "the attested HPKE key", "another key");
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    TRY(key_thumbprint(hospital->ohttp.key, thumbprint));
    memcpy(hospital->key_thumbprint, base64url_of_32(thumbprint).text, sizeof(hospital->key_thumbprint));
    struct base64url32 hash;
    TRY(hash_text(shown->statement, &hash));
    memcpy(hospital->statement_hash, hash.text, sizeof(hospital->statement_hash));
    return OK;
}

enum status hospital_verify(struct hospital *hospital, struct refusal *why, struct chain_report *report_out)
{
    hospital->is_accepted = false;
    struct chain_report report = {.manifest_version = hospital->manifest.version};
    struct hop_report *const platform = &report.hops[report.hop_count++];
    (void)snprintf(platform->service, sizeof(platform->service), "platform");
    CLEANUP(shown_done) struct shown shown = {};
    TRY(ask_evidence(hospital, why, &shown));
    CLEANUP(token_claims_done) struct token_claims claims = {}, fresh = {};
    TRY(check_token(hospital, "platform", KEY_USE_SIGN, shown.token, (struct slice){}, why, &claims));
    TRY(check_proof(&shown, &claims, why));
    TRY(appraise_anew(hospital, &shown, why, &fresh));
    TRY(same_keys(&claims, &fresh, why));
    clock_raise_floor(hospital->clock, fresh.issued_s);
    report_claims(hospital, &fresh, platform);
    (void)snprintf(platform->reason, sizeof(platform->reason), "appraised now, under this client's own nonce");
    TRY(check_statement(hospital, &shown, &claims, why, &report));
    TRY(take_keys(hospital, &shown, &fresh, why));
    report.is_accepted = is_chain_accepted(&report);
    hospital->is_accepted = report.is_accepted;
    *report_out = report;
    return OK;
}

static enum status read_saved(struct slice evidence, struct refusal *why, struct shown *shown)
{
    TRY(json_parse(evidence, EVIDENCE_MAX_BYTES, why, &shown->json));
    TRY(json_get_string(shown->json, "evidence", "token", TOKEN_MAX_BYTES, why, &shown->token));
    return json_get_string(shown->json, "evidence", "statement", JWS_MAX_BYTES, why, &shown->statement);
}

enum status hospital_verify_saved(const char *manifest_path, const char *deployment, struct slice evidence,
                                  int64_t at_s, struct refusal *why, struct chain_report *report_out)
{
    CLEANUP(hospital_cleanup) struct hospital *hospital = calloc(1, sizeof(*hospital));
    if (hospital == NULL) return ERR_NO_MEMORY;
    TRY(read_manifest(hospital, manifest_path, deployment, why));
    TRY(clock_new_fixed(at_s, &hospital->clock));
    CLEANUP(shown_done) struct shown shown = {};
    TRY(read_saved(evidence, why, &shown));
    struct chain_report report = {.manifest_version = hospital->manifest.version};
    struct hop_report *const platform = &report.hops[report.hop_count++];
    (void)snprintf(platform->service, sizeof(platform->service), "platform");
    (void)snprintf(platform->reason, sizeof(platform->reason), "its token as it was saved; not appraised anew");
    CLEANUP(token_claims_done) struct token_claims claims = {};
    TRY(check_token(hospital, "platform", KEY_USE_SIGN, shown.token, (struct slice){}, why, &claims));
    report_claims(hospital, &claims, platform);
    TRY(check_statement(hospital, &shown, &claims, why, &report));
    report.is_accepted = is_chain_accepted(&report);
    *report_out = report;
    return OK;
}

void hospital_answer_done(struct hospital_answer *answer)
{
    buffer_done(&answer->content);
}

static void add_field(struct bhttp_request *message, const char *name, const char *value)
{
    if (value == NULL) return;
    message->fields[message->field_count++] =
        (struct bhttp_field){.name = slice_of_text(name), .value = slice_of_text(value)};
}

static enum status write_message(const struct hospital *hospital, const struct hospital_request *request,
                                 const char *idempotency_key, struct buffer *content)
{
    char authorization[SESSION_TEXT_MAX_BYTES + 16];
    (void)snprintf(authorization, sizeof(authorization), "Bearer %s", request->session == NULL ? "" : request->session);
    const struct time_text date = time_http(clock_now_s(hospital->clock));
    struct bhttp_request message = {
        .method = slice_of_text(request->method),
        .scheme = SLICE_LITERAL("https"),
        .authority = SLICE_LITERAL("platform"),
        .path = slice_of_text(request->path),
        .body = request->body,
    };
    add_field(&message, "date", date.text);
    add_field(&message, "lazaret-statement", hospital->statement_hash);
    add_field(&message, "content-type", request->content_type);
    add_field(&message, "if-match", request->if_match);
    if (request->session != NULL) add_field(&message, "authorization", authorization);
    if (strcmp(request->method, "GET") != 0) add_field(&message, "idempotency-key", idempotency_key);
    const enum status status = bhttp_write_request(&message, content);
    secret_wipe(authorization, sizeof(authorization));
    return status;
}

/* What the platform says before it could open the seal. */
static enum status refused_in_clear(const struct http_answer *answer, struct refusal *why)
{
    CLEANUP(json_done) json_t *problem = NULL;
    (void)!json_parse(buffer_slice(&answer->body), EVIDENCE_MAX_BYTES, NULL, &problem);
    const char *const title = json_string_value(json_object_get(problem, "title"));
    const char *const field = json_string_value(json_object_get(problem, "field"));
    const char *const type = json_string_value(json_object_get(problem, "type"));
    const bool is_unknown_key = answer->status == 400 && type != NULL && strcmp(type, UNKNOWN_KEY_TYPE) == 0;
    return refuse(why, is_unknown_key ? ERR_OHTTP_KEY : ERR_HTTP_STATUS, field == NULL ? "platform's answer" : field,
                  "a sealed answer", "%u in clear: %s", answer->status, title == NULL ? "no reason" : title);
}

static enum status post_sealed(struct hospital *hospital, struct slice sealed, struct refusal *why,
                               struct http_answer *answer_out)
{
    char path[64 + THUMBPRINT_TEXT_BYTES];
    (void)snprintf(path, sizeof(path), "/sealed/%s", hospital->key_thumbprint);
    const struct http_exchange exchange = {
        .method = "POST",
        .path = path,
        .content_type = "message/ohttp-req",
        .body = sealed,
        .max_answer = HOSPITAL_ANSWER_MAX_BYTES,
        .timeout_ms = HOSPITAL_TIMEOUT_MS,
    };
    CLEANUP(http_answer_done) struct http_answer answer = {};
    TRY(http_client_exchange(hospital->platform.http, &exchange, why, &answer));
    if (answer.status != 200) return refused_in_clear(&answer, why);
    *answer_out = answer;
    answer = (struct http_answer){};
    return OK;
}

static enum status exchange_once(struct hospital *hospital, const struct hospital_request *request,
                                 const char *idempotency_key, struct refusal *why, struct hospital_answer *answer)
{
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(HOSPITAL_BODY_MAX_BYTES + 16 * 1024);
    TRY(write_message(hospital, request, idempotency_key, &content));
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(HOSPITAL_BODY_MAX_BYTES + 32 * 1024);
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *exchange = NULL;
    TRY(ohttp_seal_request(&hospital->ohttp, buffer_slice(&content), &sealed, &exchange));
    CLEANUP(http_answer_done) struct http_answer http = {};
    TRY(post_sealed(hospital, buffer_slice(&sealed), why, &http));
    buffer_done(&answer->content);
    answer->content = buffer_of_maximum(HOSPITAL_ANSWER_MAX_BYTES);
    TRY(ohttp_open_response(exchange, buffer_slice(&http.body), why, &answer->content));
    TRY(bhttp_read_response(buffer_slice(&answer->content), why, &answer->response));
    answer->status = answer->response.status;
    return OK;
}

static bool says_chain_changed(const struct hospital_answer *answer)
{
    if (answer->status != 409) return false;
    CLEANUP(json_done) json_t *problem = NULL;
    if (json_parse(answer->response.body, EVIDENCE_MAX_BYTES, NULL, &problem) != OK) return false;
    const char *const type = json_string_value(json_object_get(problem, "type"));
    return type != NULL && strcmp(type, "urn:lazaret:problem:chain-changed") == 0;
}

enum status hospital_request(struct hospital *hospital, const struct hospital_request *request, struct refusal *why,
                             struct hospital_answer *answer_out)
{
    if (!hospital->is_accepted)
        return refuse(why, ERR_PEER_REFUSED, "chain", "an accepted chain", "none; nothing was sent");
    struct random_id idempotency_key;
    TRY(random_id(&idempotency_key));
    CLEANUP(hospital_answer_done) struct hospital_answer answer = {};
    const enum status status = exchange_once(hospital, request, idempotency_key.text, why, &answer);
    if (status != OK && status != ERR_OHTTP_KEY) return status;
    /* Both say that nothing was done. The second is not sealed, so it is no more than a hint to verify anew. */
    if (status == ERR_OHTTP_KEY || says_chain_changed(&answer)) {
        struct chain_report report;
        TRY(hospital_verify(hospital, why, &report));
        if (!report.is_accepted)
            return refuse(why, ERR_PEER_REFUSED, "chain", "an accepted chain", "one that changed; nothing was sent");
        TRY(exchange_once(hospital, request, idempotency_key.text, why, &answer));
    }
    *answer_out = answer;
    answer = (struct hospital_answer){};
    return OK;
}

/* What the platform says to a request in clear. */
static enum status refused_restore(const struct http_answer *answer, struct refusal *why)
{
    CLEANUP(json_done) json_t *problem = NULL;
    (void)!json_parse(buffer_slice(&answer->body), EVIDENCE_MAX_BYTES, NULL, &problem);
    const char *texts[4] = {"field", "seen", "expected", "fix"};
    for (size_t i = 0; i < 4; i++) {
        const char *const text = json_string_value(json_object_get(problem, texts[i]));
        texts[i] = text == NULL ? "" : text;
    }
    const char *const detail = json_string_value(json_object_get(problem, "detail"));
    (void)!refuse(why, ERR_HTTP_STATUS, texts[0][0] == '\0' ? "platform's answer" : texts[0],
                  texts[2][0] == '\0' ? "204" : texts[2], "%s (%u %s)", texts[1], answer->status,
                  detail == NULL ? "" : detail);
    return texts[3][0] == '\0' ? ERR_HTTP_STATUS : refuse_fix(why, ERR_HTTP_STATUS, texts[3]);
}

enum status hospital_restore(struct hospital *hospital, const struct key *recovery_private, struct slice master,
                             struct refusal *why)
{
    if (hospital->ohttp.key == NULL)
        return refuse(why, ERR_PEER_REFUSED, "platform", "a platform that was verified", "none; nothing was sent");
    const struct key_parcel_route route = {
        .purpose = KEY_PARCEL_RECOVERY,
        .deployment = slice_of_text(hospital->manifest.deployment),
        .recipient = hospital->ohttp.key,
        .author = recovery_private,
    };
    CLEANUP(json_done) json_t *parcel = NULL;
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(KEY_PARCEL_MAX_BYTES);
    TRY(key_parcel_seal(&route, master, &parcel));
    TRY(json_write(parcel, &body));
    const struct http_exchange exchange = {
        .method = "POST",
        .path = "/recovery",
        .content_type = "application/json",
        .body = buffer_slice(&body),
        .max_answer = EVIDENCE_MAX_BYTES,
        .timeout_ms = HOSPITAL_TIMEOUT_MS,
    };
    CLEANUP(http_answer_done) struct http_answer answer = {};
    TRY(http_client_exchange(hospital->platform.http, &exchange, why, &answer));
    return answer.status == 204 ? OK : refused_restore(&answer, why);
}
