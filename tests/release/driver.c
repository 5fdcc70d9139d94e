/* SPDX-License-Identifier: Apache-2.0
 *
 * A release build's own modules, met by what a simulation makes. The programs start in a TEE alone; this does, outside
 * one, what they do with a stranger's evidence. It prints the code of the refusal, its field and what it rests on, and
 * exits with 0 if the simulation was refused.
 *
 *   release-driver appraise ATTEST-BODY COLLATERAL-FOLDER ROOT-JWK   as lazaret-attestation appraises a request
 *   release-driver dial ADDRESS ROLE MANIFEST DEPLOYMENT             as lazaret-platform looks at a hop
 *
 * Both are told to accept the simulation, as far as a caller of the modules can.
 */
#include "attestation/appraise/shelf.h"
#include "base/file.h"
#include "channel/tunnel.h"
#include "feeds/collateral.h"
#include "policy/default_policy.h"
#include "policy/manifest.h"
#include "token/jwk.h"

#include <stdio.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1 << 20, WAIT_MS = 10000, EXIT_REFUSED = 0, EXIT_ACCEPTED = 1, EXIT_UNUSABLE = 2 };

static void free_clock(struct clock **clock)
{
    clock_free(*clock);
}

static void free_feed(struct collateral_feed **feed)
{
    collateral_feed_free(*feed);
}

static void free_tunnel(struct tunnel **tunnel)
{
    tunnel_free(*tunnel);
}

static void free_endpoint(struct tunnel_endpoint **endpoint)
{
    tunnel_endpoint_free(*endpoint);
}

/* What was tried, and what came of it. */
struct outcome {
    enum status status;
    struct refusal why;
};

static enum status read_root(const char *path, struct refusal *why, struct key **root_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(FILE_MAX_BYTES);
    CLEANUP(json_done) json_t *jwk = NULL;
    TRY(file_read(path, why, &text));
    TRY(json_parse(buffer_slice(&text), FILE_MAX_BYTES, why, &jwk));
    return jwk_to_key(jwk, "root", why, root_out);
}

static enum status find_collateral(struct collateral_feed *feed, struct slice quote, struct refusal *why,
                                   struct collateral **collateral_out)
{
    struct quote_facts facts;
    TRY(quote_facts_read(quote, why, &facts));
    struct collateral_platform platform = {.tee = facts.tee};
    memcpy(platform.fmspc, facts.fmspc, sizeof(platform.fmspc));
    memcpy(platform.ca, facts.ca, sizeof(platform.ca));
    return collateral_feed_get(feed, &platform, WAIT_MS, why, collateral_out);
}

/* Up to the claims: a token would be one step further than this may come. */
static enum status appraise_with(struct collateral_feed *feed, const struct trust_roots *roots,
                                 const struct clock *clock, const struct attest_request *request, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(POLICY_MAX_BYTES);
    CLEANUP(stored_policy_done) struct stored_policy policy = {};
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    CLEANUP(appraised_cleanup) struct appraised *appraised = NULL;
    const struct appraiser appraiser = {.roots = roots, .issuer = "https://release.example"};
    enum appraisal_step step;
    TRY(buffer_append(&text, default_policy_text("SgxEnclave")));
    TRY(stored_policy_compile(&text, why, &policy));
    TRY(appraised_new(&appraised));
    TRY(find_collateral(feed, buffer_slice(&request->evidence), why, &collateral));
    const struct appraisal_materials materials = {
        .collateral = collateral, .policy = &policy, .now_s = clock_now_s(clock)};
    return appraise(&appraiser, request, &materials, why, &step, appraised);
}

static enum status try_appraising(char **arguments, struct outcome *outcome)
{
    CLEANUP(free_clock) struct clock *clock = NULL;
    CLEANUP(key_cleanup) struct key *root = NULL;
    CLEANUP(attest_request_done) struct attest_request request = {};
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(FILE_MAX_BYTES);
    TRY(file_read(arguments[0], &outcome->why, &body));
    TRY(attest_request_parse(ATTESTATION_SGX_ENCLAVE, buffer_slice(&body), &outcome->why, &request));
    TRY(read_root(arguments[2], &outcome->why, &root));
    TRY(clock_new(&clock));
    const struct key *const simulated[] = {root};
    const struct trust_roots roots = {.simulated = simulated, .simulated_count = 1};
    const struct collateral_feed_options options = {
        .clock = clock, .roots = &roots, .fetch = collateral_fetch_folder, .fetch_context = arguments[1]};
    CLEANUP(free_feed) struct collateral_feed *feed = NULL;
    TRY(collateral_feed_start(&options, &feed));
    outcome->status = appraise_with(feed, &roots, clock, &request, &outcome->why);
    return OK;
}

static enum status try_dialling(char **arguments, struct outcome *outcome)
{
    CLEANUP(free_clock) struct clock *clock = NULL;
    CLEANUP(manifest_done) struct manifest manifest = {};
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(MANIFEST_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    TRY(file_read(arguments[2], &outcome->why, &text));
    struct slice jws = buffer_slice(&text);
    while (jws.size > 0 && jws.bytes[jws.size - 1] == '\n') jws.size--;
    TRY(manifest_verify(jws, slice_of_text(arguments[3]), &outcome->why, &manifest));
    manifest.relying_party.accept_simulated = true;
    const struct role_rule *const role = manifest_role(&manifest, arguments[1]);
    if (role == NULL) return ERR_MANIFEST;
    CLEANUP(free_tunnel) struct tunnel *tunnel = NULL;
    CLEANUP(free_endpoint) struct tunnel_endpoint *endpoint = NULL;
    TRY(clock_new(&clock));
    TRY(tunnel_new(clock, NULL, &tunnel));
    TRY(tunnel_endpoint_new(&endpoint));
    const struct tunnel_peer_rule rule = {.rules = &manifest.relying_party, .roles = {role}, .role_count = 1};
    tunnel_endpoint_set_rule(endpoint, &rule);
    const struct tunnel_target target = {.address = arguments[0], .endpoint = endpoint};
    outcome->status = tunnel_probe(tunnel, &target, WAIT_MS, &outcome->why, &token, NULL);
    return OK;
}

int main(int count, char **arguments)
{
    struct outcome outcome = {};
    enum status tried = ERR_USAGE;
    if (count == 5 && strcmp(arguments[1], "appraise") == 0) tried = try_appraising(arguments + 2, &outcome);
    if (count == 6 && strcmp(arguments[1], "dial") == 0) tried = try_dialling(arguments + 2, &outcome);
    if (tried != OK) {
        (void)fprintf(stderr, "release-driver: %s: %s: %s\n", status_name(tried), outcome.why.field, outcome.why.seen);
        return EXIT_UNUSABLE;
    }
    (void)printf("%s %s %s\n", status_name(outcome.status), outcome.why.field, status_name(outcome.why.status));
    return outcome.status == OK ? EXIT_ACCEPTED : EXIT_REFUSED;
}
