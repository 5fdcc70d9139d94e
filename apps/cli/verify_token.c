/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret verify token`: any attestation token, also Azure's, against a key set on disk. The set is taken as it is
 * (--jwks), or for transport alone (--certs): then the token's key must be vouched for by the quote in its certificate,
 * and, with a manifest, by an enclave that it names. It judges the token alone: whether its claims are those of a
 * certain role is the relying party's question.
 */
#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/vouching.h"
#include "token/jwk.h"
#include "token/jws.h"

#include <stdio.h>
#include <string.h>

struct request {
    const char *token_path, *keys_path, *issuer, *at;
    const char *certs_path, *collateral, *manifest, *deployment, *simulated_root;
    bool json;
    int64_t at_s;
};

struct verdict {
    struct jws jws;
    struct jwk_set keys;
    struct vouched_key vouched; /* with --certs */
    struct manifest manifest;
    struct key *simulated_root;
    struct buffer text; /* which the jws borrows from */
};

static void verdict_done(struct verdict *verdict)
{
    jws_done(&verdict->jws);
    jwk_set_done(&verdict->keys);
    vouched_key_done(&verdict->vouched);
    manifest_done(&verdict->manifest);
    key_free(verdict->simulated_root);
    buffer_done(&verdict->text);
}

/* ---- the checks ---- */

static enum status check_signature(const struct verdict *verdict, struct refusal *why)
{
    TRY(jws_check_header(&verdict->jws, JWS_TYP_TOKEN, why));
    const struct key *const key = jwk_set_find(&verdict->keys, verdict->jws.kid);
    if (key != NULL) return jws_verify(&verdict->jws, JWS_TYP_TOKEN, key, why);
    (void)!refuse(why, ERR_TOKEN_KEY_UNKNOWN, "header.kid", "the kid of a usable key in the key set", "%.*s",
                  (int)verdict->jws.kid.size,
                  verdict->jws.kid.size == 0 ? (const uint8_t *)"" : verdict->jws.kid.bytes);
    return refuse_fix(why, ERR_TOKEN_KEY_UNKNOWN,
                      "fetch the issuer's key set of the token's time; RSA keys under 2048 "
                      "bits are not used");
}

static enum status get_time(const json_t *claims, const char *name, struct refusal *why, int64_t *time_s_out)
{
    return refuse_as(why, json_get_integer(claims, "claims", name, 0, INT64_MAX / 2, why, time_s_out), ERR_TOKEN_CLAIM);
}

static enum status check_times(const json_t *claims, int64_t at_s, struct refusal *why)
{
    int64_t expires_s, not_before_s = 0;
    TRY(get_time(claims, "exp", why, &expires_s));
    if (json_object_get(claims, "nbf") != NULL) TRY(get_time(claims, "nbf", why, &not_before_s));
    char expected[96];
    if (not_before_s > at_s) {
        (void)snprintf(expected, sizeof(expected), "at most %s", time_iso8601(at_s).text);
        return refuse(why, ERR_TOKEN_NOT_YET_VALID, "claims.nbf", expected, "%s", time_iso8601(not_before_s).text);
    }
    if (expires_s > at_s) return OK;
    (void)snprintf(expected, sizeof(expected), "later than %s", time_iso8601(at_s).text);
    (void)!refuse(why, ERR_TOKEN_EXPIRED, "claims.exp", expected, "%s", time_iso8601(expires_s).text);
    return refuse_fix(why, ERR_TOKEN_EXPIRED, "ask for a new token, or judge by another time with --at");
}

static enum status check_issuer(const json_t *claims, const char *issuer, struct refusal *why)
{
    if (issuer == NULL) return OK;
    struct slice seen;
    TRY(refuse_as(why, json_get_string(claims, "claims", "iss", JWS_HEADER_MAX_BYTES, why, &seen), ERR_TOKEN_ISSUER));
    if (slice_equal_text(seen, issuer)) return OK;
    return refuse(why, ERR_TOKEN_ISSUER, "claims.iss", issuer, "%.*s", (int)seen.size, seen.bytes);
}

static enum status read_keys(const char *path, struct refusal *why, struct jwk_set *keys_out)
{
    CLEANUP(buffer_done) struct buffer text = {};
    CLEANUP(json_done) json_t *set = NULL;
    TRY(command_read_text(path, JWK_SET_MAX_BYTES, why, &text));
    TRY(json_parse(buffer_slice(&text), JWK_SET_MAX_BYTES, why, &set));
    return jwk_set_from_json(set, "jwks", why, keys_out);
}

/* ---- a key that is vouched for ---- */

static enum status read_manifest(const struct request *request, struct refusal *why, struct manifest *manifest_out)
{
    CLEANUP(buffer_done) struct buffer text = {};
    TRY(command_read_text(request->manifest, MANIFEST_MAX_BYTES, why, &text));
    return manifest_verify(buffer_slice(&text), slice_of_text(request->deployment), why, manifest_out);
}

#ifdef LAZARET_SIMULATION
static enum status read_root(const struct request *request, struct refusal *why, struct key **root_out)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    TRY(file_read(request->simulated_root, why, &pem));
    if (key_from_public_pem(buffer_slice(&pem), root_out) == OK) return OK;
    return refuse(why, ERR_USAGE, "--simulated-root", "a public key in PEM", "%s", request->simulated_root);
}
#endif

static enum status find_key(const struct request *request, struct slice kid, struct refusal *why, json_t **set_out,
                            const json_t **jwk_out)
{
    CLEANUP(buffer_done) struct buffer text = {};
    json_t *keys;
    TRY(command_read_text(request->certs_path, VOUCHING_SET_MAX_BYTES, why, &text));
    TRY(json_parse(buffer_slice(&text), VOUCHING_SET_MAX_BYTES, why, set_out));
    TRY(json_get_array(*set_out, "certs", "keys", 1024, why, &keys));
    for (size_t i = 0; i < json_array_size(keys); i++) {
        *jwk_out = json_array_get(keys, i);
        if (slice_equal_text(kid, json_string_value(json_object_get(*jwk_out, "kid")))) return OK;
    }
    (void)!refuse(why, ERR_TOKEN_KEY_UNKNOWN, "header.kid", "the kid of a key in the key set", "%.*s", (int)kid.size,
                  kid.size == 0 ? (const uint8_t *)"" : kid.bytes);
    return refuse_fix(why, ERR_TOKEN_KEY_UNKNOWN,
                      "fetch the issuer's key history, which keeps all keys: /.well-known/lazaret/keys");
}

/* The set then holds that key alone. */
static enum status vouch(const struct request *request, struct refusal *why, struct verdict *verdict)
{
    CLEANUP(json_done) json_t *set = NULL;
    const json_t *jwk = NULL;
    const struct key *const root[] = {verdict->simulated_root};
    struct trust_roots roots = {.simulated = root, .simulated_count = verdict->simulated_root == NULL ? 0 : 1};
    if (request->manifest != NULL) {
        TRY(read_manifest(request, why, &verdict->manifest));
        roots = (struct trust_roots){.simulated = (const struct key *const *)verdict->manifest.simulated_roots,
                                     .simulated_count = verdict->manifest.simulated_root_count};
    }
    const struct vouching vouching = {.folder = request->collateral,
                                      .roots = &roots,
                                      .manifest = request->manifest == NULL ? NULL : &verdict->manifest,
                                      .now_s = request->at_s};
    TRY(find_key(request, verdict->jws.kid, why, &set, &jwk));
    TRY(vouching_check(&vouching, jwk, why, &verdict->vouched));
    return jwk_set_add(&verdict->keys, verdict->vouched.kid, verdict->vouched.key);
}

static enum status take_keys(const struct request *request, struct refusal *why, struct verdict *verdict)
{
    if (request->certs_path == NULL) return read_keys(request->keys_path, why, &verdict->keys);
#ifdef LAZARET_SIMULATION
    if (request->simulated_root != NULL) TRY(read_root(request, why, &verdict->simulated_root));
#endif
    return vouch(request, why, verdict);
}

/* A release knows no use for such a token: it is refused whatever it says else. */
static enum status check_hardware([[maybe_unused]] const json_t *claims, [[maybe_unused]] struct refusal *why)
{
#ifndef LAZARET_SIMULATION
    const json_t *const simulated = json_object_get(claims, "lazaret-simulated");
    if (simulated != NULL && !json_is_false(simulated))
        return refuse(why, ERR_TOKEN_SIMULATED, "claims.lazaret-simulated", "evidence from real hardware", "another");
#endif
    return OK;
}

static enum status judge(const struct request *request, struct refusal *why, struct verdict *verdict)
{
    TRY(jws_parse(buffer_slice(&verdict->text), why, &verdict->jws));
    TRY(take_keys(request, why, verdict));
    TRY(check_signature(verdict, why));
    TRY(check_issuer(verdict->jws.payload, request->issuer, why));
    TRY(check_hardware(verdict->jws.payload, why));
    return check_times(verdict->jws.payload, request->at_s, why);
}

/* ---- in and out ---- */

static enum status refuse_together(const char *option, const char *expected, struct refusal *why)
{
    return refuse(why, ERR_USAGE, option, expected, "something else");
}

static enum status check_options(const struct request *request, struct refusal *why)
{
    if (request->token_path == NULL) return command_needs("--token", "the token's file", why);
    if ((request->keys_path == NULL) == (request->certs_path == NULL))
        return refuse_together("--jwks", "a key set that is trusted, or --certs with one that is not", why);
    if (request->certs_path != NULL && request->collateral == NULL)
        return command_needs("--collateral", "the folder of collateral for the quotes in the certificates", why);
    if (request->keys_path != NULL && (request->collateral != NULL || request->manifest != NULL))
        return refuse_together("--collateral", "only with --certs: keys of --jwks are taken as they are", why);
    if ((request->manifest == NULL) != (request->deployment == NULL))
        return refuse_together("--manifest", "together with --deployment", why);
#ifdef LAZARET_SIMULATION
    if (request->manifest != NULL && request->simulated_root != NULL)
        return refuse_together("--simulated-root", "nothing: the manifest says what is accepted", why);
#endif
    return OK;
}

static enum status read_request(int count, char **arguments, struct refusal *why, struct request *request)
{
    const struct command_option options[] = {
        {.name = "--token", .value = &request->token_path},
        {.name = "--jwks", .value = &request->keys_path},
        {.name = "--certs", .value = &request->certs_path},
        {.name = "--collateral", .value = &request->collateral},
        {.name = "--manifest", .value = &request->manifest},
        {.name = "--deployment", .value = &request->deployment},
#ifdef LAZARET_SIMULATION
        {.name = "--simulated-root", .value = &request->simulated_root},
#endif
        {.name = "--issuer", .value = &request->issuer},
        {.name = "--at", .value = &request->at},
        {.name = "--json", .flag = &request->json},
    };
    const char *operand = NULL;
    TRY(command_options(count, arguments, options, sizeof(options) / sizeof(options[0]), &operand, why));
    if (operand != NULL && request->token_path != NULL) return refuse_together("--token", "one token", why);
    if (operand != NULL) request->token_path = operand;
    TRY(check_options(request, why));
    return command_time(request->at, "--at", why, &request->at_s);
}

static enum status print_as_json(const struct verdict *verdict, enum status status, struct refusal *why)
{
    char reason[1024] = "";
    if (status != OK) {
        why->status = status;
        refusal_text(why, reason, sizeof(reason));
    }
    CLEANUP(json_done)
    json_t *answer = json_pack("{s:b, s:s, s:s, s:O?, s:O?}", "valid", status == OK, "code", status_name(status),
                               "reason", reason, "header", verdict->jws.header, "claims", verdict->jws.payload);
    return answer == NULL ? ERR_NO_MEMORY : command_print_json(answer, why);
}

static void print_claim(const json_t *claims, const char *name, const char *label)
{
    const json_t *const value = json_object_get(claims, name);
    /* Control characters could rewrite the lines above. */
    const struct slice text = slice_of_text(json_string_value(value));
    if (json_is_string(value) && utf8_is_valid(text, false))
        (void)printf("  %-12s %s\n", label, json_string_value(value));
    if (json_is_integer(value)) (void)printf("  %-12s %lld\n", label, (long long)json_integer_value(value));
    if (json_is_boolean(value)) (void)printf("  %-12s %s\n", label, json_is_true(value) ? "yes" : "no");
}

static void print_time(const json_t *claims, const char *name, const char *label)
{
    const json_t *const value = json_object_get(claims, name);
    if (json_is_integer(value)) (void)printf("  %-12s %s\n", label, time_iso8601(json_integer_value(value)).text);
}

static void print_signer(const struct verdict *verdict, bool has_manifest)
{
    const struct sgx_claims *const claims = &verdict->vouched.claims;
    (void)printf("The key is vouched for by a genuine enclave%s:\n",
                 has_manifest ? " that the manifest names for the role attestation" : "; is it one that you trust?");
    (void)printf("  %-12s %s\n", "MRENCLAVE", hex_of_32(claims->mrenclave).text);
    (void)printf("  %-12s %s\n", "MRSIGNER", hex_of_32(claims->mrsigner).text);
    (void)printf("  %-12s %u, SVN %u%s\n", "product id", claims->product_id, claims->svn,
                 claims->debug ? ", DEBUG" : "");
}

static enum status print_for_people(const struct request *request, const struct verdict *verdict)
{
    const json_t *const claims = verdict->jws.payload;
    (void)printf("The token is valid: its signature is by a key of the set, and its time is right.\n");
    if (request->certs_path != NULL) print_signer(verdict, request->manifest != NULL);
    print_claim(claims, "iss", "issuer");
    print_time(claims, "iat", "issued");
    print_time(claims, "exp", "expires");
    print_claim(claims, "x-ms-attestation-type", "kind of TEE");
    print_claim(claims, "x-ms-policy-hash", "policy");
    print_claim(claims, "x-ms-sgx-mrenclave", "MRENCLAVE");
    print_claim(claims, "x-ms-sgx-mrsigner", "MRSIGNER");
    print_claim(claims, "x-ms-sgx-product-id", "product id");
    print_claim(claims, "x-ms-sgx-svn", "SVN");
    print_claim(claims, "x-ms-sgx-is-debuggable", "debug");
    print_claim(claims, "lazaret-simulated", "SIMULATED");
    return fflush(stdout) == 0 ? OK : ERR_IO;
}

static enum status verify_token(int count, char **arguments, struct refusal *why)
{
    struct request request = {};
    CLEANUP(verdict_done) struct verdict verdict = {};
    TRY(read_request(count, arguments, why, &request));
    TRY(command_read_text(request.token_path, JWS_MAX_BYTES, why, &verdict.text));
    const enum status status = judge(&request, why, &verdict);
    if (request.json && status != ERR_IO) {
        struct refusal told = *why;
        TRY(print_as_json(&verdict, status, &told));
    }
    TRY(status);
    return request.json ? OK : print_for_people(&request, &verdict);
}

int command_verify_token(int count, char **arguments)
{
    static const char help[] =
        "Usage: lazaret verify token TOKEN --jwks FILE [--issuer URL] [--at UNIX_SECONDS] [--json]\n"
        "       lazaret verify token TOKEN --certs FILE --collateral DIR [--manifest FILE --deployment T] [...]\n\n"
        "Verifies an attestation token of Lazaret or of Azure Attestation: type, algorithm (RS256, ES256), signature "
        "by\n"
        "the key of its kid in the key set, issuer (if given, exactly) and time (now, or --at). It does not say "
        "whether\n"
        "the enclave is one that you trust: that is for a manifest.\n"
        "--jwks names keys that you trust. --certs names keys that you do not: the answer of /certs, or the history "
        "of\n"
        "/.well-known/lazaret/keys. The token's key then counts only if the quote in its certificate vouches for it:\n"
        "genuine by the collateral, over that key, and, with the manifest, of an enclave that it names.\n"
        "--json prints {\"valid\",\"code\",\"reason\",\"header\",\"claims\"}.\n"
        "Exit codes: 0 valid, 1 refused, 2 the command line is not usable.\n";
    struct refusal why = {};
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    return command_exit("verify token", verify_token(count, arguments, &why), &why);
}
