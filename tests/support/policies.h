/* SPDX-License-Identifier: Apache-2.0
 *
 * Attestation policies in tests: sets of claims as one line of text ("svn=3 debug=false name='abc' client:os='x'"), and
 * a policy run over them. The prefixes policy:, client: and ro: (of the service, read-only) say the issuer; without one
 * it is the service.
 */
#pragma once

#include "testing.h"

#include "policy/policy.h"

/* A policy of version 1.2 around rules. */
#define AUTHORIZED(rules) "version=1.2; authorizationrules { " rules " };"
#define ISSUED(rules) "version=1.2; authorizationrules { => permit(); }; issuancerules { " rules " };"

struct policy_world {
    struct claim_set *incoming, *outgoing, *properties;
    struct policy *policy;
    struct refusal why;
};

static inline struct policy_result policy_world_result(struct policy_world *world)
{
    return (struct policy_result){.outgoing = world->outgoing, .properties = world->properties};
}

static inline void policy_world_begin(struct policy_world *world)
{
    *world = (struct policy_world){};
    assert_ok(claim_set_new(&world->incoming));
    assert_ok(claim_set_new(&world->outgoing));
    assert_ok(claim_set_new(&world->properties));
}

static inline void policy_world_end(struct policy_world *world)
{
    claim_set_free(world->incoming);
    claim_set_free(world->outgoing);
    claim_set_free(world->properties);
    policy_free(world->policy);
}

static inline bool text_takes(const char **text, const char *prefix)
{
    const size_t size = strlen(prefix);
    if (strncmp(*text, prefix, size) != 0) return false;
    *text += size;
    return true;
}

/* One claim of the line; `text` moves behind it. */
static inline struct claim claim_of_text(const char **text)
{
    struct claim claim = {.issuer = CLAIM_OF_SERVICE};
    if (text_takes(text, "policy:")) claim.issuer = CLAIM_OF_POLICY;
    if (text_takes(text, "client:")) claim.issuer = CLAIM_OF_CLIENT;
    claim.read_only = text_takes(text, "ro:");
    const char *const equals = strchr(*text, '=');
    claim.type = slice_of(*text, (size_t)(equals - *text));
    *text = equals + 1;
    if (text_takes(text, "true")) {
        claim.value = (struct claim_value){.type = CLAIM_BOOLEAN, .boolean = true};
    } else if (text_takes(text, "false")) {
        claim.value.type = CLAIM_BOOLEAN;
    } else if (**text == '\'') {
        const char *const end = strchr(*text + 1, '\'');
        claim.value =
            (struct claim_value){.type = CLAIM_STRING, .text = slice_of(*text + 1, (size_t)(end - *text - 1))};
        *text = end + 1;
    } else {
        char *end;
        claim.value = (struct claim_value){.type = CLAIM_INTEGER, .integer = strtoll(*text, &end, 10)};
        *text = end;
    }
    while (**text == ' ') (*text)++;
    return claim;
}

static inline void claims_of_text(const char *text, struct claim_set *set)
{
    claim_set_clear(set);
    while (*text != '\0') {
        const struct claim claim = claim_of_text(&text);
        assert_ok(claim_set_add(set, &claim, NULL));
    }
}

/* A set as such a line, without issuers. */
struct claims_text {
    char text[4096];
};
static inline struct claims_text text_of_claims(const struct claim_set *set)
{
    struct claims_text text = {};
    size_t at = 0;
    for (size_t i = 0; i < claim_set_count(set) && at < sizeof(text.text); i++) {
        const struct claim *const claim = claim_set_at(set, i);
        const char *const space = i > 0 ? " " : "";
        char *const to = text.text + at;
        const size_t room = sizeof(text.text) - at;
        const int type = (int)claim->type.size;
        const char *const name = (const char *)claim->type.bytes;
        if (claim->value.type == CLAIM_STRING)
            at += (size_t)snprintf(to, room, "%s%.*s='%.*s'", space, type, name, (int)claim->value.text.size,
                                   (const char *)claim->value.text.bytes);
        else if (claim->value.type == CLAIM_INTEGER)
            at += (size_t)snprintf(to, room, "%s%.*s=%lld", space, type, name, (long long)claim->value.integer);
        else
            at += (size_t)snprintf(to, room, "%s%.*s=%s", space, type, name, claim->value.boolean ? "true" : "false");
    }
    return text;
}

static inline void must_compile(struct policy_world *world, const char *text)
{
    policy_free(world->policy);
    world->policy = NULL;
    if (policy_compile(slice_of_text(text), &world->why, &world->policy) == OK) return;
    char line[1024];
    refusal_text(&world->why, line, sizeof(line));
    fail_msg("%s\n%s", text, line);
}

/* Compiles and evaluates; the sets then stand in the world. */
static inline enum status run_policy(struct policy_world *world, const char *text, const char *claims)
{
    must_compile(world, text);
    claims_of_text(claims, world->incoming);
    claim_set_clear(world->properties);
    const struct policy_result result = policy_world_result(world);
    world->why = (struct refusal){};
    return policy_evaluate(world->policy, world->incoming, NULL, &world->why, &result);
}

/* What the policy issues, which must permit. */
static inline void assert_issues(struct policy_world *world, const char *text, const char *claims, const char *issued)
{
    if (run_policy(world, text, claims) != OK) {
        char line[1024];
        refusal_text(&world->why, line, sizeof(line));
        fail_msg("%s\n%s", text, line);
    }
    const struct claims_text seen = text_of_claims(world->outgoing);
    if (strcmp(seen.text, issued) != 0) fail_msg("%s\nissued   %s\nexpected %s", text, seen.text, issued);
}
