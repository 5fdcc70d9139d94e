/* SPDX-License-Identifier: Apache-2.0
 *
 * The peer check: the relying party's routine, applied to the token in the certificate that the peer shows.
 */
#include "base/encoding.h"
#include "channel/attested_certificate.h"
#include "channel/tunnel_internal.h"
#include "token/jws.h"

#include <stdio.h>
#include <string.h>

/* Any of the roles will do. Of several refusals the most telling is kept: one that is not about the role's name. */
static enum status check_roles(const struct peer_rule *rule, const struct attested_certificate *shown, int64_t now_s,
                               struct refusal *why, struct token_claims *claims_out)
{
    enum status answer = OK;
    for (size_t i = 0; i < rule->role_count; i++) {
        const struct token_expectation expected = {
            .role = &rule->roles[i], .use = KEY_USE_TLS, .presented = shown->key, .now_s = now_s};
        struct refusal refusal = {};
        const enum status status =
            relying_party_check(buffer_slice(&shown->token), rule->rules, &expected, &refusal, claims_out);
        if (status == OK) return OK;
        if (answer != OK && answer != ERR_TOKEN_SERVICE) continue;
        answer = status;
        *why = refusal;
    }
    return answer != OK ? answer : refuse(why, ERR_PEER_REFUSED, "rule", "a role that is accepted", "none");
}

static enum status describe_peer(const struct attested_certificate *shown, const struct token_claims *claims,
                                 struct tunnel_peer *peer_out)
{
    uint8_t token_hash[32], thumbprint[KEY_THUMBPRINT_BYTES];
    TRY(jws_hash(buffer_slice(&shown->token), token_hash));
    TRY(key_thumbprint(shown->key, thumbprint));
    struct tunnel_peer peer = {.valid_until_s = claims->valid_until_s};
    (void)snprintf(peer.service, sizeof(peer.service), "%s", claims->runtime.service);
    (void)snprintf(peer.token_hash, sizeof(peer.token_hash), "%s", base64url_of_32(token_hash).text);
    (void)snprintf(peer.key, sizeof(peer.key), "%s", base64url_of_32(thumbprint).text);
    *peer_out = peer;
    return OK;
}

enum status peer_check(const struct peer_rule *rule, struct slice certificate, int64_t now_s, struct refusal *why,
                       struct buffer *token, struct tunnel_peer *peer_out)
{
    CLEANUP(attested_certificate_done) struct attested_certificate shown = {};
    TRY(attested_certificate_read(certificate, why, &shown));
    TRY(buffer_append(token, buffer_slice(&shown.token)));
    if (rule == NULL || rule->rules == NULL) return refuse(why, ERR_PEER_REFUSED, "rule", "a rule for peers", "none");
    CLEANUP(token_claims_done) struct token_claims claims = {};
    TRY(check_roles(rule, &shown, now_s, why, &claims));
    struct tunnel_peer peer = {};
    TRY(describe_peer(&shown, &claims, &peer));
    if (rule->pinned_key[0] != '\0' && strcmp(rule->pinned_key, peer.key) != 0)
        return refuse(why, ERR_PEER_REFUSED, "certificate.key", rule->pinned_key, "%s", peer.key);
    *peer_out = peer;
    return OK;
}
