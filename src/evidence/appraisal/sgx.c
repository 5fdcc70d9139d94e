/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules over SGX enclaves: which code, by measurement or by signer, product and version.
 */
#include "evidence/appraisal/sections.h"

#include <stdio.h>
#include <string.h>

#define ATTRIBUTE_PROVISION_KEY (UINT64_C(1) << 4) /* may derive the platform's provisioning key, which names it */

#define VALUE(member, hint)                                                                                            \
    {                                                                                                                  \
        .name = #member, .offset = offsetof(struct sgx_claims, member),                                                \
        .size = sizeof(((struct sgx_claims *)NULL)->member), .fix = (hint)                                             \
    }

static const struct value_field values[] = {
    VALUE(family_id, "build the enclave with an accepted family id"),
    VALUE(extended_product_id, "build the enclave with an accepted extended product id"),
    VALUE(config_id, "start the enclave with an accepted configuration"),
};

static const struct flag_field flags[] = {
    {.name = INSECURE("allow_debug"),
     .claim = "debug",
     .kind = FLAG_INSECURE,
     .offset = offsetof(struct sgx_claims, debug),
     .fix = "build and start the enclave without debugging: the host reads all that a debug enclave holds"},
    {.name = "allow_provision_key",
     .claim = "provision_key",
     .kind = FLAG_ALLOW,
     .offset = offsetof(struct sgx_claims, attribute_flags),
     .mask = ATTRIBUTE_PROVISION_KEY,
     .fix = "build the enclave without the attribute PROVISIONKEY"},
};

static const char *const others[] = {"identities", "denied", "minimum_config_svn", NULL};

static const struct section_shape shape = {
    .values = values,
    .value_count = sizeof(values) / sizeof(values[0]),
    .flags = flags,
    .flag_count = sizeof(flags) / sizeof(flags[0]),
    .others = others,
};

/* ---- reading ---- */

static enum status read_measurement(const json_t *json, const char *path, const char *name, struct refusal *why,
                                    uint8_t measurement_out[static 32], bool *is_given_out)
{
    *is_given_out = json_object_get(json, name) != NULL;
    if (!*is_given_out) return OK;
    TRY(json_get_hex(json, path, name, 32, why, measurement_out));
    if (!slice_is_zero(slice_of(measurement_out, 32))) return OK;
    return refuse(why, ERR_FIELD_VALUE, json_path(path, name).text, "a value that stands for something", "zeros");
}

static enum status read_number(const json_t *json, const char *path, const char *name, struct refusal *why,
                               uint16_t *number_out, bool *is_given_out)
{
    int64_t number = 0;
    *is_given_out = json_object_get(json, name) != NULL;
    if (*is_given_out) TRY(json_get_integer(json, path, name, 0, UINT16_MAX, why, &number));
    *number_out = (uint16_t)number;
    return OK;
}

static enum status read_identity(const json_t *json, const char *path, const char *svn_name, struct refusal *why,
                                 struct sgx_identity *identity_out)
{
    const char *const names[] = {"mrenclave", "mrsigner", "product_id", svn_name, NULL};
    struct sgx_identity identity = {};
    if (!json_is_object(json)) return refuse(why, ERR_FIELD_TYPE, path, "an object", "another type");
    TRY(json_only(json, path, names, why));
    TRY(read_measurement(json, path, "mrenclave", why, identity.mrenclave, &identity.has_mrenclave));
    TRY(read_measurement(json, path, "mrsigner", why, identity.mrsigner, &identity.has_mrsigner));
    TRY(read_number(json, path, "product_id", why, &identity.product_id, &identity.has_product_id));
    TRY(read_number(json, path, svn_name, why, &identity.svn, &identity.has_svn));
    if (!identity.has_mrenclave && !identity.has_mrsigner)
        return refuse(why, ERR_FIELD_MISSING, path, "mrenclave or mrsigner", "neither");
    *identity_out = identity;
    return OK;
}

/* A signer alone says nothing: it signs other products too, and versions with known faults. */
static enum status check_signer_is_whole(const struct sgx_identity *identity, const char *path, struct refusal *why)
{
    if (!identity->has_mrsigner || (identity->has_product_id && identity->has_svn)) return OK;
    return refuse(why, ERR_FIELD_MISSING, path, "product_id and minimum_svn beside mrsigner", "one or none of them");
}

/* A measurement that is not given is zero, and none that is given is; numbers may be. */
static bool are_equal(const struct sgx_identity *a, const struct sgx_identity *b)
{
    return a->has_product_id == b->has_product_id && a->has_svn == b->has_svn && a->product_id == b->product_id &&
           a->svn == b->svn && slice_equal(SLICE_ARRAY(a->mrenclave), SLICE_ARRAY(b->mrenclave)) &&
           slice_equal(SLICE_ARRAY(a->mrsigner), SLICE_ARRAY(b->mrsigner));
}

static enum status add_identity(const struct sgx_identity *identity, const char *path, struct refusal *why,
                                struct sgx_identities *list)
{
    for (size_t i = list->count; i > 0; i--) {
        if (are_equal(&list->at[i - 1], identity))
            return refuse(why, ERR_FIELD_VALUE, path, "each identity once", "the one at %zu again", i - 1);
    }
    list->at[list->count++] = *identity;
    return OK;
}

static enum status read_identities(const struct section_source *source, struct sgx_identities *list)
{
    json_t *json;
    TRY(rule_list_read(source, "identities", SGX_IDENTITY_MAX_COUNT, &json));
    for (size_t i = 0; i < json_array_size(json); i++) {
        const struct json_path path = json_path_at(source->path, "identities", i);
        struct sgx_identity identity;
        TRY(read_identity(json_array_get(json, i), path.text, "minimum_svn", source->why, &identity));
        TRY(check_signer_is_whole(&identity, path.text, source->why));
        TRY(add_identity(&identity, path.text, source->why, list));
    }
    return OK;
}

static enum status read_denied(const struct section_source *source, struct sgx_identities *list)
{
    json_t *json;
    if (rule_is_word(source->json, "denied", "none")) return OK;
    TRY(rule_list_read(source, "denied", SGX_IDENTITY_MAX_COUNT, &json));
    for (size_t i = 0; i < json_array_size(json); i++) {
        const struct json_path path = json_path_at(source->path, "denied", i);
        struct sgx_identity identity;
        TRY(read_identity(json_array_get(json, i), path.text, "svn", source->why, &identity));
        TRY(add_identity(&identity, path.text, source->why, list));
    }
    return OK;
}

enum status sgx_rules_read(const struct section_source *source, struct sgx_rules *rules_out)
{
    struct sgx_rules rules = {};
    TRY(section_read(&shape, source, &rules.section));
    TRY(read_identities(source, &rules.accepted));
    TRY(read_denied(source, &rules.denied));
    TRY(json_get_integer(source->json, source->path, "minimum_config_svn", 0, UINT16_MAX, source->why,
                         &rules.minimum_config_svn));
    *rules_out = rules;
    return OK;
}

/* ---- checking ---- */

static bool names_code_of(const struct sgx_identity *identity, const struct sgx_claims *claims)
{
    if (identity->has_mrenclave && !slice_equal(SLICE_ARRAY(identity->mrenclave), SLICE_ARRAY(claims->mrenclave)))
        return false;
    if (identity->has_mrsigner && !slice_equal(SLICE_ARRAY(identity->mrsigner), SLICE_ARRAY(claims->mrsigner)))
        return false;
    return !identity->has_product_id || identity->product_id == claims->product_id;
}

static enum status check_accepted(const struct sgx_identities *list, const struct appraisal *appraisal,
                                  const struct sgx_claims *claims)
{
    for (size_t i = 0; i < list->count; i++) {
        if (names_code_of(&list->at[i], claims) && claims->svn >= list->at[i].svn) return OK;
    }
    return disagree(appraisal, "mrenclave", "start an accepted enclave, or add this one to sgx.identities",
                    "an enclave that sgx.identities names", "%s of signer %.16s..., product %u, SVN %u",
                    refusal_hex(SLICE_ARRAY(claims->mrenclave)).text, refusal_hex(SLICE_ARRAY(claims->mrsigner)).text,
                    claims->product_id, claims->svn);
}

static enum status check_denied(const struct sgx_identities *list, const struct appraisal *appraisal,
                                const struct sgx_claims *claims)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct sgx_identity *const denied = &list->at[i];
        if (!names_code_of(denied, claims) || (denied->has_svn && denied->svn != claims->svn)) continue;
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "no enclave of sgx.denied[%zu]", i);
        return disagree(appraisal, "mrenclave", "start a release that is not withdrawn", expected,
                        "%s, product %u, SVN %u", refusal_hex(SLICE_ARRAY(claims->mrenclave)).text, claims->product_id,
                        claims->svn);
    }
    return OK;
}

enum status sgx_rules_check(const struct sgx_rules *rules, const struct appraisal *appraisal,
                            const struct sgx_claims *claims)
{
    TRY(section_check(&shape, &rules->section, appraisal, claims));
    TRY(check_denied(&rules->denied, appraisal, claims));
    TRY(check_accepted(&rules->accepted, appraisal, claims));
    if (claims->config_svn >= rules->minimum_config_svn) return OK;
    char expected[32];
    (void)snprintf(expected, sizeof(expected), "at least %lld", (long long)rules->minimum_config_svn);
    return disagree(appraisal, "config_svn", "start the enclave with a newer configuration", expected, "%u",
                    claims->config_svn);
}
