/* SPDX-License-Identifier: Apache-2.0
 *
 * Token verifications per second: the relying party's whole check of an attestation token, against the limit: the one
 * RSA-2048 verification that it cannot do without.
 */
#include "timing.h"

#include "base/encoding.h"
#include "token/jws.h"
#include "token/relying_party.h"

#include <string.h>
#include <time.h>

enum { LIFE_S = 28800 };

struct token_context {
    struct key *issuer, *tls;
    struct relying_party_rules rules;
    struct role_rule role;
    struct buffer token, message, signature;
    int64_t now_s;
};

static void check(enum status status)
{
    if (status == OK) return;
    (void)fprintf(stderr, "bench: %s\n", status_name(status));
    exit(1);
}

static json_t *runtime_json(struct token_context *context)
{
    struct runtime_data data = {.service = "gate", .version = "1", .keys = {[KEY_USE_TLS] = context->tls}};
    memset(data.deployment, 'A', THUMBPRINT_TEXT_BYTES);
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(RUNTIME_DATA_MAX_BYTES);
    check(runtime_data_write(&data, &text));
    json_t *json = NULL;
    check(json_parse(buffer_slice(&text), RUNTIME_DATA_MAX_BYTES, NULL, &json));
    return json;
}

static void mint(struct token_context *context)
{
    char hex[65];
    memset(hex, 'a', 64);
    hex[64] = '\0';
    char policy[THUMBPRINT_TEXT_BYTES + 1] = {};
    memset(policy, 'P', THUMBPRINT_TEXT_BYTES);
    char report_data[129];
    memset(report_data, '0', 128);
    report_data[128] = '\0';
    CLEANUP(json_done) json_t *runtime = runtime_json(context);
    CLEANUP(buffer_done) struct buffer runtime_text = buffer_of_maximum(RUNTIME_DATA_MAX_BYTES);
    check(json_write(runtime, &runtime_text));
    uint8_t bound[REPORT_DATA_BYTES];
    check(runtime_data_report_data(buffer_slice(&runtime_text), bound));
    memcpy(report_data, hex_of_32(bound).text, 64);
    CLEANUP(json_done)
    json_t *payload = json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:O, s:b, s:s, s:s, s:i, s:i, s:s}", "iss",
                                "https://bench", "iat", (json_int_t)context->now_s, "nbf", (json_int_t)context->now_s,
                                "exp", (json_int_t)(context->now_s + LIFE_S), "jti", hex, "x-ms-ver", "1.0",
                                "x-ms-attestation-type", "sgx", "x-ms-policy-hash", policy, "x-ms-runtime", runtime,
                                "x-ms-sgx-is-debuggable", false, "x-ms-sgx-mrenclave", hex, "x-ms-sgx-mrsigner", hex,
                                "x-ms-sgx-product-id", 1, "x-ms-sgx-svn", 1, "x-ms-sgx-report-data", report_data);
    context->token = buffer_of_maximum(TOKEN_MAX_BYTES);
    check(jws_sign(JWS_TYP_TOKEN, "bench", NULL, payload, context->issuer, &context->token));
}

static struct token_context *new_context(void)
{
    struct token_context *const context = calloc(1, sizeof(*context));
    if (context == NULL) exit(1);
    context->now_s = (int64_t)time(NULL);
    check(key_generate(KEY_RSA, 2048, &context->issuer));
    check(key_generate(KEY_P256, 0, &context->tls));
    mint(context);
    struct issuer_rule *const issuer = &context->rules.issuers[context->rules.issuer_count++];
    (void)snprintf(issuer->issuer, sizeof(issuer->issuer), "https://bench");
    check(jwk_set_add(&issuer->keys, "bench", context->issuer));
    memset(issuer->policy_hashes[issuer->policy_hash_count++], 'P', THUMBPRINT_TEXT_BYTES);
    context->rules.max_age_s = TOKEN_DEFAULT_MAX_AGE_S;
    (void)snprintf(context->role.service, sizeof(context->role.service), "gate");
    memset(context->role.deployment, 'A', THUMBPRINT_TEXT_BYTES);
    struct identity *const identity = &context->role.identities[context->role.identity_count++];
    identity->has_mrenclave = true;
    memset(identity->mrenclave, 0xaa, sizeof(identity->mrenclave));
    context->message = buffer_of_maximum(TOKEN_MAX_BYTES);
    context->signature = buffer_of_maximum(RSA_MAX_BYTES);
    check(buffer_append(&context->message, buffer_slice(&context->token)));
    check(key_sign(context->issuer, buffer_slice(&context->message), &context->signature));
    return context;
}

static bool verify_token(void *argument)
{
    struct token_context *const context = argument;
    const struct token_expectation expected = {
        .role = &context->role, .use = KEY_USE_TLS, .presented = context->tls, .now_s = context->now_s};
    CLEANUP(token_claims_done) struct token_claims claims = {};
    struct refusal why = {};
    if (relying_party_check(buffer_slice(&context->token), &context->rules, &expected, &why, &claims) == OK)
        return true;
    (void)fprintf(stderr, "bench: %s: seen %s, expected %s\n", why.field, why.seen, why.expected);
    return false;
}

static bool verify_signature(void *argument)
{
    struct token_context *const context = argument;
    return key_verify(context->issuer, buffer_slice(&context->message), buffer_slice(&context->signature)) == OK;
}

int main(int count, char **arguments)
{
    const double seconds = count > 1 ? strtod(arguments[1], NULL) : 1.0;
    void *contexts[2] = {new_context(), new_context()};
    for (size_t threads = 1; threads <= 2; threads++) {
        const double tokens = bench_rate(verify_token, contexts, threads, seconds);
        const double limit = bench_rate(verify_signature, contexts, threads, seconds);
        char name[96];
        (void)snprintf(name, sizeof(name), "token verifications, %zu thread%s", threads, threads == 1 ? "" : "s");
        bench_figure("token", name, tokens, "per second");
        (void)snprintf(name, sizeof(name), "time against one RSA-2048 verification, %zu thread%s", threads,
                       threads == 1 ? "" : "s");
        bench_figure("token", name, limit / tokens, "times");
    }
    return 0;
}
