/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/policy/claims_file.h"

#include "base/json.h"

static const char *const value_types[] = {
    [CLAIM_STRING] = "String", [CLAIM_INTEGER] = "Integer", [CLAIM_BOOLEAN] = "Boolean"};
static const char *const issuers[] = {[CLAIM_OF_SERVICE] = "AttestationService",
                                      [CLAIM_OF_POLICY] = "AttestationPolicy",
                                      [CLAIM_OF_CLIENT] = "CustomClaim"};

const char *claims_file_value_type(enum claim_value_type type)
{
    return value_types[type];
}

const char *claims_file_issuer(enum claim_issuer issuer)
{
    return issuers[issuer];
}

/* As the service marks it: a policy reads what is in it, and cannot issue it. */
static bool is_read_only(struct slice type)
{
    return slice_equal_text(type, "pcrs");
}

static enum status add(struct slice type, const json_t *value, enum claim_issuer issuer, const char *path,
                       struct refusal *why, struct claim_set *set)
{
    CLEANUP(buffer_done) struct buffer json = buffer_of_maximum(CLAIM_TEXT_MAX_BYTES);
    struct claim claim = {.type = type, .issuer = issuer, .read_only = is_read_only(type)};
    if (json_is_string(value)) {
        claim.value.text = slice_of(json_string_value(value), json_string_length(value));
    } else if (json_is_integer(value)) {
        claim.value = (struct claim_value){.type = CLAIM_INTEGER, .integer = json_integer_value(value)};
    } else if (json_is_boolean(value)) {
        claim.value = (struct claim_value){.type = CLAIM_BOOLEAN, .boolean = json_is_true(value)};
    } else if (json_is_object(value)) {
        TRY(json_write(value, &json));
        claim.value.text = buffer_slice(&json);
    } else {
        return refuse(why, ERR_FIELD_TYPE, path, "a string, an integer, a boolean or an object", "something else");
    }
    return claim_set_add(set, &claim, why);
}

/* ---- {type: value or values} ---- */

static enum status add_member(const char *name, const json_t *value, struct refusal *why, struct claim_set *set)
{
    const struct slice type = slice_of_text(name);
    if (!json_is_array(value)) return add(type, value, CLAIM_OF_SERVICE, json_path("claims", name).text, why, set);
    for (size_t i = 0; i < json_array_size(value); i++)
        TRY(add(type, json_array_get(value, i), CLAIM_OF_SERVICE, json_path_at("claims", name, i).text, why, set));
    return OK;
}

/* ---- [{type, value, valueType, issuer}] ---- */

/* The place of a member's text among `names`; `index_out` is left as it is if there is no such member. */
static enum status choose(const json_t *claim, const char *path, const char *name, const char *const *names,
                          const char *expected, struct refusal *why, unsigned *index_out)
{
    struct slice text;
    if (!json_has(claim, name)) return OK;
    TRY(json_get_string(claim, path, name, CLAIM_TYPE_MAX_BYTES, why, &text));
    for (unsigned i = 0; i < 3; i++) {
        if (!slice_equal_text(text, names[i])) continue;
        *index_out = i;
        return OK;
    }
    return refuse(why, ERR_FIELD_VALUE, json_path(path, name).text, expected, "%.*s", (int)text.size,
                  (const char *)text.bytes);
}

static bool is_of_type(const json_t *value, enum claim_value_type type)
{
    switch (type) {
    case CLAIM_INTEGER: return json_is_integer(value);
    case CLAIM_BOOLEAN: return json_is_boolean(value);
    case CLAIM_STRING: break;
    }
    return json_is_string(value) || json_is_object(value);
}

static enum status add_claim(const json_t *claim, const char *path, struct refusal *why, struct claim_set *set)
{
    static const char *const members[] = {"type", "value", "valueType", "issuer", NULL};
    enum { NOT_SAID = 3 };
    unsigned type = NOT_SAID, issuer = CLAIM_OF_SERVICE;
    struct slice name;
    if (!json_is_object(claim)) return refuse(why, ERR_FIELD_TYPE, path, "an object", "something else");
    const json_t *const value = json_object_get(claim, "value");
    const struct json_path value_path = json_path(path, "value");
    TRY(json_only(claim, path, members, why));
    TRY(json_get_string(claim, path, "type", CLAIM_TYPE_MAX_BYTES, why, &name));
    TRY(choose(claim, path, "valueType", value_types, "String, Integer or Boolean", why, &type));
    TRY(choose(claim, path, "issuer", issuers, "AttestationService, AttestationPolicy or CustomClaim", why, &issuer));
    if (value == NULL) return refuse(why, ERR_FIELD_MISSING, value_path.text, "the claim's value", "nothing");
    if (type != NOT_SAID && !is_of_type(value, (enum claim_value_type)type))
        return refuse(why, ERR_FIELD_TYPE, value_path.text, "a value of its valueType", "another");
    return add(name, value, (enum claim_issuer)issuer, value_path.text, why, set);
}

enum status claims_file_parse(struct slice text, struct refusal *why, struct claim_set *set)
{
    CLEANUP(json_done) json_t *claims = NULL;
    const char *name;
    json_t *value;
    TRY(json_parse(text, CLAIMS_FILE_MAX_BYTES, why, &claims));
    json_object_foreach (claims, name, value) TRY(add_member(name, value, why, set));
    for (size_t i = 0; i < json_array_size(claims); i++)
        TRY(add_claim(json_array_get(claims, i), json_path_at("", "claims", i).text, why, set));
    return OK;
}
