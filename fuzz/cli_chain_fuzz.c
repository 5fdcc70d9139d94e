/* SPDX-License-Identifier: Apache-2.0
 * Hits hospital_verify, hospital_verify_saved and hospital_request: what a platform and an attestation service answer
 * to a hospital that verifies them. The input is a JSON object whose members change what would be accepted: "token",
 * "statement" (each hop's "token" too), "proof" and "fresh" are payloads, which are signed here; "evidence" are further
 * members of the platform's answer. In their texts, "$N" is the nonce that was asked for, "$T" and "$S" the hashes of
 * token and statement, "$K" the thumbprint of the TLS key. "saved" has the answer judged as a saved one; "inner" is the
 * content of the sealed answer to a request, behind an accepted chain. */
#include "base/encoding.h"
#include "channel/bhttp.h"
#include "cli/hospital.h"
#include "fuzz.h"
#include "tokens.h"

enum { INPUT_MAX_BYTES = 64 * 1024, SCALAR_DEPLOYMENT = 6 };

/* ---- stand-ins ---- */

enum status __wrap_clock_new(struct clock **clock_out);
enum status __wrap_clock_new(struct clock **clock_out)
{
    return clock_new_fixed(FUZZ_NOW_S, clock_out);
}

static json_t *told; /* what the input makes of the good answers */

static void answer_json(struct http_answer *answer, const json_t *json)
{
    must(json_write(json, &answer->body));
}

static void replace(json_t *object, const char *name, const char *mark, const char *text)
{
    const char *const value = json_string_value(json_object_get(object, name));
    if (value != NULL && strcmp(value, mark) == 0) (void)json_object_set_new(object, name, json_string(text));
}

static struct base64url32 hash_of(const json_t *text)
{
    uint8_t digest[32] = {};
    if (json_is_string(text)) must(jws_hash(slice_of_text(json_string_value(text)), digest));
    return base64url_of_32(digest);
}

/* The platform's evidence, whole, for the nonce of the path. */
static json_t *evidence_for(const char *path)
{
    const char *const nonce = strstr(path, "nonce=");
    json_t *const evidence = json_deep_copy(json_object_get(told, "evidence"));
    json_t *const proof = json_deep_copy(json_object_get(told, "proof"));
    if (!json_is_object(evidence)) abort();
    (void)json_object_set(evidence, "token", json_object_get(told, "token"));
    (void)json_object_set(evidence, "statement", json_object_get(told, "statement"));
    if (json_is_object(proof)) {
        replace(proof, "nonce", "$N", nonce == NULL ? "" : nonce + strlen("nonce="));
        replace(proof, "token_hash", "$T", hash_of(json_object_get(told, "token")).text);
        replace(proof, "statement_hash", "$S", hash_of(json_object_get(told, "statement")).text);
    }
    (void)json_object_set_new(evidence, "proof", proof);
    fuzz_sign_member(evidence, "proof", JWS_TYP_EVIDENCE_PROOF, SIGN_SCALAR);
    return evidence;
}

static void answer_appraisal(struct slice request, struct http_answer *answer)
{
    CLEANUP(json_done) json_t *asked = NULL;
    must(json_parse(request, 1 << 20, NULL, &asked));
    CLEANUP(json_done) json_t *body = json_object();
    CLEANUP(json_done) json_t *fresh = json_deep_copy(json_object_get(told, "fresh"));
    if (json_is_object(fresh)) replace(fresh, "nonce", "$N", json_string_value(json_object_get(asked, "nonce")));
    (void)json_object_set(body, "token", fresh);
    fuzz_sign_member(body, "token", JWS_TYP_TOKEN, ISSUER_SCALAR);
    answer_json(answer, body);
}

static void answer_sealed(struct slice request, struct http_answer *answer)
{
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(1 << 20);
    CLEANUP(ohttp_exchange_cleanup) struct ohttp_exchange *exchange = NULL;
    CLEANUP(key_cleanup) struct key *key = fixed_x25519(HPKE_FIRST);
    uint8_t encapsulated[HPKE_ENCAPSULATED_KEY_BYTES];
    const json_t *const inner = json_object_get(told, "inner");
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(INPUT_MAX_BYTES);
    if (ohttp_open_request(key, 1, request, NULL, encapsulated, &content, &exchange) != OK) return;
    (void)!hex_decode(slice_of_text(json_string_value(inner)), &bytes);
    must(ohttp_seal_response(exchange, buffer_slice(&bytes), &answer->body));
}

enum status __wrap_http_client_exchange(struct http_client *client, const struct http_exchange *exchange,
                                        struct refusal *why, struct http_answer *answer_out);
enum status __wrap_http_client_exchange(struct http_client *, const struct http_exchange *exchange, struct refusal *,
                                        struct http_answer *answer_out)
{
    const json_int_t status = json_integer_value(json_object_get(told, "status"));
    *answer_out = (struct http_answer){.status = status >= 100 && status < 600 ? (unsigned)status : 200,
                                       .body = buffer_of_maximum(1 << 20),
                                       .headers = buffer_of_maximum(64)};
    if (strncmp(exchange->path, "/sealed/", 8) == 0) {
        answer_sealed(exchange->body, answer_out);
    } else if (strncmp(exchange->path, "/attest/", 8) == 0) {
        answer_appraisal(exchange->body, answer_out);
    } else {
        CLEANUP(json_done) json_t *evidence = evidence_for(exchange->path);
        answer_json(answer_out, evidence);
    }
    return OK;
}

/* ---- what would be accepted ---- */

static struct memory_file manifest;
static struct base64url32 deployment;
static json_t *good;
static struct hospital *hospital;

static struct base64url32 thumbprint_text(const struct key *key)
{
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    must(key_thumbprint(key, thumbprint));
    return base64url_of_32(thumbprint);
}

static void make_manifest(void)
{
    static const char hex[] = "0000000000000000000000000000000000000000000000000000000000000000";
    CLEANUP(key_cleanup) struct key *signer = fixed_p256(SCALAR_DEPLOYMENT), *issuer = fixed_p256(ISSUER_SCALAR);
    CLEANUP(key_cleanup) struct key *recovery = fixed_x25519(11);
    json_t *issuer_jwk = NULL, *recovery_jwk = NULL;
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(MANIFEST_MAX_BYTES);
    struct refusal why = {};
    deployment = thumbprint_text(signer);
    must(jwk_from_key(issuer, &issuer_jwk));
    must(jwk_from_key(recovery, &recovery_jwk));
    (void)json_object_set_new(issuer_jwk, "kid", json_string(FUZZ_KID));
    CLEANUP(json_done) json_t *roles = json_object();
    static const char *const services[] = {"platform", "gate", "diagnosis"};
    for (size_t i = 0; i < 3; i++)
        (void)json_object_set_new(roles, services[i],
                                  json_pack("{s:[{s:s, s:s}]}", "identities", "tee", "sgx", "mrenclave", hex));
    CLEANUP(json_done)
    json_t *payload =
        json_pack("{s:i, s:i, s:s, s:s, s:i, s:i, s:O, s:[{s:s, s:[s], s:{s:[o]}}], s:{s:s, s:s}, s:o}", "version", 2,
                  "issued", FUZZ_NOW_S - 1000, "name", "Hospital", "deployment", deployment.text, "token_max_age", 3600,
                  "minimum_tcb_evaluation", 1, "roles", roles, "issuers", "issuer", FUZZ_ISSUER, "policy_hashes",
                  FUZZ_POLICY, "keys", "keys", issuer_jwk, "administrator", "user", "admin", "password_hash",
                  "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAA", "recovery", recovery_jwk);
    must(manifest_sign(payload, signer, &why, &jws));
    manifest = memory_file_new();
    memory_file_set(&manifest, buffer_slice(&jws));
}

static json_t *good_hop(const char *service)
{
    return json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:i}", "service", service, "token",
                     fuzz_payload(service, deployment.text, (struct slice){}), "key", "$K", "verdict", "accepted",
                     "reason", "accepted", "code", "OK", "checked", FUZZ_NOW_S - 10);
}

static void make_good(void)
{
    static const enum hpke_aead aead = HPKE_AEAD_AES_256_GCM;
    struct ohttp_config config = {.key_id = 1, .key = fixed_x25519(HPKE_FIRST), .aeads = {aead}, .aead_count = 1};
    CLEANUP(buffer_done) struct buffer ohttp = buffer_of_maximum(OHTTP_CONFIG_MAX_BYTES);
    must(ohttp_config_write(&config, &ohttp));
    ohttp_config_done(&config);
    json_t *const token = fuzz_payload("platform", deployment.text, buffer_slice(&ohttp));
    json_t *const fresh = json_deep_copy(token);
    (void)json_object_set_new(fresh, "nonce", json_string("$N"));
    good = json_pack("{s:o, s:o, s:{s:s, s:i, s:i, s:s, s:i, s:[o,o]}, s:{s:s, s:s, s:s}, s:{s:s, s:s}, s:s}", "token",
                     token, "fresh", fresh, "statement", "aud", "portal", "iat", FUZZ_NOW_S - 10, "exp",
                     FUZZ_NOW_S + 500, "deployment", deployment.text, "manifest_version", 2, "hops", good_hop("gate"),
                     good_hop("diagnosis"), "proof", "nonce", "$N", "token_hash", "$T", "statement_hash", "$S",
                     "evidence", "evidence", "AAAA", "runtimeData", "AAAA", "inner", "");
    if (good == NULL) abort();
}

static void open_hospital(void)
{
    const struct hospital_options options = {.platform_url = "https://p:1",
                                             .attestation_url = "https://a:1",
                                             .manifest_path = manifest.path,
                                             .deployment = deployment.text};
    must(hospital_open(&options, NULL, &hospital));
}

/* ---- one input ---- */

static void sign_hops(json_t *statement, const char *thumbprint)
{
    size_t index;
    json_t *hop;
    json_array_foreach (json_object_get(statement, "hops"), index, hop) {
        if (!json_is_object(hop)) continue;
        fuzz_sign_member(hop, "token", JWS_TYP_TOKEN, ISSUER_SCALAR);
        replace(hop, "key", "$K", thumbprint);
    }
}

static void sign_told(void)
{
    CLEANUP(key_cleanup) struct key *tls = fixed_p256(TLS_SCALAR);
    sign_hops(json_object_get(told, "statement"), thumbprint_text(tls).text);
    fuzz_sign_member(told, "statement", JWS_TYP_STATEMENT, SIGN_SCALAR);
    fuzz_sign_member(told, "token", JWS_TYP_TOKEN, ISSUER_SCALAR);
}

static void check_report(const struct chain_report *report)
{
    if (!report->is_accepted) return;
    for (size_t i = 0; i < report->hop_count; i++) {
        const struct hop_report *const hop = &report->hops[i];
        if (!hop->is_accepted && !(hop->is_unreachable && strcmp(hop->service, "gate") == 0)) abort();
    }
    if (report->hop_count < 3) abort();
}

static void verify_saved(struct refusal *why)
{
    CLEANUP(json_done) json_t *evidence = evidence_for("");
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1 << 20);
    struct chain_report report = {};
    must(json_write(evidence, &text));
    if (hospital_verify_saved(manifest.path, deployment.text, buffer_slice(&text), FUZZ_NOW_S, why, &report) == OK)
        check_report(&report);
}

static void verify_live(struct refusal *why)
{
    static const struct hospital_request request = {.method = "GET", .path = "/session"};
    struct chain_report report = {};
    CLEANUP(hospital_answer_done) struct hospital_answer answer = {};
    const enum status status = hospital_verify(hospital, why, &report);
    if (status == OK) check_report(&report);
    const bool is_sent = status == OK && report.is_accepted;
    const char *const inner = json_string_value(json_object_get(told, "inner"));
    /* Nothing leaves before a chain that was accepted. */
    if (!is_sent && hospital_request(hospital, &request, why, &answer) != ERR_PEER_REFUSED) abort();
    if (is_sent && inner != NULL && inner[0] != '\0') (void)!hospital_request(hospital, &request, why, &answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (hospital == NULL) {
        make_manifest();
        make_good();
        open_hospital();
    }
    CLEANUP(json_done) json_t *changes = NULL;
    struct refusal why = {};
    if (json_parse(slice_of(bytes, size), INPUT_MAX_BYTES, NULL, &changes) != OK || !json_is_object(changes)) return 0;
    json_done(&told);
    told = json_deep_copy(good);
    if (json_object_update_recursive(told, changes) != 0 || !json_is_object(json_object_get(told, "evidence")))
        return 0;
    sign_told();
    if (json_has(told, "saved"))
        verify_saved(&why);
    else
        verify_live(&why);
    return 0;
}
