/* SPDX-License-Identifier: Apache-2.0
 *
 * The token's payload. Names, types and encodings are those of Azure Attestation (reference: azure-attestation sections
 * 2.2 to 2.8): compact JSON, members sorted by name.
 */
#include "attestation/appraise/facts.h"
#include "attestation/appraise/reserved.h"
#include "base/encoding.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is new in each token ---- */

static void add_token_facts(const struct appraiser *appraiser, const struct appraisal_materials *materials,
                            const struct appraised *appraised, const char *jti, struct slice signer,
                            struct facts *facts)
{
    facts_add_text(facts, "iss", appraiser->issuer);
    facts_add_integer(facts, "iat", materials->now_s);
    facts_add_integer(facts, "nbf", materials->now_s - appraised->early_s);
    facts_add_integer(facts, "exp", materials->now_s + appraised->life_s);
    facts_add_text(facts, "jti", jti);
    facts_add_text(facts, "x-ms-ver", "1.0");
    facts_add_text(facts, "x-ms-policy-hash", materials->policy->hash);
    if (signer.size > 0) facts_add(facts, "x-ms-policy-signer", FACT_JSON, signer);
}

/* ---- what the policy issued ---- */

static bool equal_values(const struct claim_value *one, const struct claim_value *other)
{
    if (one->type != other->type) return false;
    switch (one->type) {
    case CLAIM_STRING: return slice_equal(one->text, other->text);
    case CLAIM_INTEGER: return one->integer == other->integer;
    case CLAIM_BOOLEAN: return one->boolean == other->boolean;
    }
    return false;
}

/* Whether the service itself found this of the platform. */
static bool is_found(const struct claim *issued, const struct claim_set *incoming)
{
    for (size_t i = 0; i < claim_set_count(incoming); i++) {
        const struct claim *const claim = claim_set_at(incoming, i);
        if (claim->issuer == CLAIM_OF_SERVICE && slice_equal(claim->type, issued->type) &&
            equal_values(&claim->value, &issued->value))
            return true;
    }
    return false;
}

static bool may_issue(const struct claim *issued, const struct claim_set *incoming)
{
    if (is_level_claim(issued->type)) return is_found(issued, incoming);
    return !is_reserved_claim(issued->type);
}

static struct fact fact_of(const struct claim *claim)
{
    switch (claim->value.type) {
    case CLAIM_STRING: return (struct fact){claim->type, claim->value.text, 0, FACT_TEXT, FACT_FOR_TOKEN};
    case CLAIM_INTEGER: return (struct fact){claim->type, {}, claim->value.integer, FACT_INTEGER, FACT_FOR_TOKEN};
    case CLAIM_BOOLEAN: break;
    }
    return (struct fact){claim->type, {}, claim->value.boolean, FACT_BOOLEAN, FACT_FOR_TOKEN};
}

/* ---- members in order ---- */

struct members {
    struct fact *issued;        /* owned */
    const struct fact **sorted; /* owned */
    size_t count;
};

static void members_done(struct members *members)
{
    free(members->issued);
    free(members->sorted);
}

/* Those of one name stay in the order in which they were issued, which is that of their places. */
static int compare(const void *a, const void *b)
{
    const struct fact *const one = *(const struct fact *const *)a, *const other = *(const struct fact *const *)b;
    const size_t common = one->name.size < other->name.size ? one->name.size : other->name.size;
    const int order = memcmp(one->name.bytes, other->name.bytes, common);
    if (order != 0) return order;
    if (one->name.size != other->name.size) return one->name.size < other->name.size ? -1 : 1;
    return (one > other) - (one < other);
}

static enum status gather(const struct facts *facts, const struct appraised *appraised, struct members *members)
{
    const size_t issued = claim_set_count(appraised->outgoing);
    members->issued = calloc(issued + 1, sizeof(*members->issued));
    members->sorted = calloc(facts->count + issued + 1, sizeof(const struct fact *));
    if (members->issued == NULL || members->sorted == NULL) return ERR_NO_MEMORY;
    for (size_t i = 0; i < facts->count; i++) {
        if ((facts->items[i].use & FACT_FOR_TOKEN) != 0) members->sorted[members->count++] = &facts->items[i];
    }
    for (size_t i = 0; i < issued; i++) {
        const struct claim *const claim = claim_set_at(appraised->outgoing, i);
        if (!may_issue(claim, appraised->incoming)) continue;
        members->issued[i] = fact_of(claim);
        members->sorted[members->count++] = &members->issued[i];
    }
    qsort(members->sorted, members->count, sizeof(members->sorted[0]), compare);
    return OK;
}

/* Those of one name, which are an array if there are several. */
static size_t run_at(const struct members *members, size_t at)
{
    size_t count = 1;
    while (at + count < members->count && slice_equal(members->sorted[at]->name, members->sorted[at + count]->name))
        count++;
    return count;
}

static enum status write_run(const struct fact *const *run, size_t count, struct buffer *payload)
{
    TRY(json_append_string(run[0]->name, payload));
    TRY(buffer_append_text(payload, count > 1 ? ":[" : ":"));
    for (size_t i = 0; i < count; i++) {
        if (i > 0) TRY(buffer_append_u8(payload, ','));
        TRY(fact_write(run[i], payload));
    }
    return count > 1 ? buffer_append_u8(payload, ']') : OK;
}

static enum status write_members(const struct members *members, struct buffer *payload)
{
    TRY(buffer_append_u8(payload, '{'));
    for (size_t at = 0; at < members->count;) {
        const size_t count = run_at(members, at);
        if (at > 0) TRY(buffer_append_u8(payload, ','));
        TRY(write_run(members->sorted + at, count, payload));
        at += count;
    }
    return buffer_append_u8(payload, '}');
}

/* ---- the whole ---- */

static enum status write_signer(const json_t *signer, struct buffer *text)
{
    return signer == NULL ? OK : json_write(signer, text);
}

/* Azure's reports of TPMs have what was issued in one object, "x-ms-policy"; here it stands at the top as well, as in
 * every other token. */
static enum status add_issued(const struct appraised *appraised, struct buffer *json, struct facts *facts)
{
    static const struct facts none = {};
    CLEANUP(members_done) struct members members = {};
    if (appraised->tpm == NULL) return OK;
    TRY(gather(&none, appraised, &members));
    if (members.count == 0) return OK;
    TRY(write_members(&members, json));
    facts_add(facts, "x-ms-policy", FACT_JSON, buffer_slice(json));
    return OK;
}

static enum status refuse_large(enum status status, size_t maximum, struct refusal *why)
{
    if (status != ERR_TOO_LARGE) return status;
    return refuse(why, status, "token", "room for what the policy issues", "more than %zu bytes", maximum);
}

enum status appraised_payload(const struct appraiser *appraiser, const struct attest_request *request,
                              const struct appraisal_materials *materials, const struct appraised *appraised,
                              const char *jti, struct refusal *why, struct buffer *payload)
{
    struct facts facts;
    CLEANUP(members_done) struct members members = {};
    CLEANUP(buffer_done) struct buffer signer = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer issued = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    if (!appraised->is_permitted) return ERR_INTERNAL;
    TRY(write_signer(materials->policy->signer, &signer));
    facts_of(request, appraised, &facts);
    add_token_facts(appraiser, materials, appraised, jti, buffer_slice(&signer), &facts);
    TRY(refuse_large(add_issued(appraised, &issued, &facts), issued.maximum, why));
    TRY(gather(&facts, appraised, &members));
    const size_t before = payload->size;
    const enum status status = write_members(&members, payload);
    const bool is_large = status == OK && payload->size - before > ATTESTATION_PAYLOAD_MAX_BYTES;
    return refuse_large(is_large ? ERR_TOO_LARGE : status, ATTESTATION_PAYLOAD_MAX_BYTES, why);
}

enum status unsecured_token(struct slice payload, struct buffer *token)
{
    TRY(base64url_encode(SLICE_LITERAL("{\"alg\":\"none\",\"typ\":\"JWT\"}"), token));
    TRY(buffer_append_u8(token, '.'));
    TRY(base64url_encode(payload, token));
    return buffer_append_u8(token, '.');
}
