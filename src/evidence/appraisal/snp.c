/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules over SEV-SNP guests: what runs, on which product with which firmware, signed by which kind of key.
 */
#include "evidence/appraisal/sections.h"

#include <stdio.h>
#include <string.h>

enum { VMPL_COUNT = 4 };

#define VALUE(member, hint)                                                                                            \
    .name = #member, .offset = offsetof(struct snp_claims, member),                                                    \
    .size = sizeof(((struct snp_claims *)NULL)->member), .fix = (hint)

enum { MEASUREMENT, ID_KEY_DIGEST, AUTHOR_KEY_DIGEST };

static const struct value_field values[] = {
    [MEASUREMENT] = {VALUE(measurement, "start an accepted image, or add this one to the policy"),
                     .is_never_zero = true},
    [ID_KEY_DIGEST] = {VALUE(id_key_digest, "start an image with an ID block by an accepted key"),
                       .is_never_zero = true},
    [AUTHOR_KEY_DIGEST] = {VALUE(author_key_digest, "start an image whose ID key an accepted author signed"),
                           .is_never_zero = true},
    {VALUE(family_id, "start an image of an accepted family")},
    {VALUE(image_id, "start an accepted image")},
    {VALUE(host_data, "start the guest with the accepted host data")},
    {VALUE(chip_id, "use an accepted processor that tells its chip id, or change the policy"), .is_never_zero = true},
};

#define POLICY(mask_) .offset = offsetof(struct snp_claims, policy), .mask = (mask_)
#define PLATFORM(mask_) .offset = offsetof(struct snp_claims, platform_info), .mask = (mask_)

static const struct flag_field flags[] = {
    {.name = INSECURE("allow_debug"),
     .claim = "debug",
     .kind = FLAG_INSECURE,
     .offset = offsetof(struct snp_claims, debug),
     .fix = "start the guest with a policy without DEBUG: the host reads all that a debug guest holds"},
    {.name = "allow_migration",
     .claim = "policy.migrate_ma",
     .kind = FLAG_ALLOW,
     POLICY(SNP_POLICY_MIGRATE_MA),
     .fix = "start the guest with a policy without MIGRATE_MA: a migration agent could move it elsewhere"},
    {.name = "require_single_socket",
     .claim = "policy.single_socket",
     .kind = FLAG_REQUIRE,
     POLICY(SNP_POLICY_SINGLE_SOCKET),
     .fix = "start the guest with SINGLE_SOCKET in its policy"},
    {.name = "allow_smt",
     .claim = "platform_info.smt",
     .kind = FLAG_ALLOW,
     PLATFORM(SNP_PLATFORM_SMT),
     .fix = "switch SMT off in the host's firmware"},
    {.name = "require_alias_check",
     .claim = "platform_info.alias_check_complete",
     .kind = FLAG_REQUIRE,
     PLATFORM(SNP_PLATFORM_ALIAS_CHECK_COMPLETE),
     .fix = "update the host's firmware: AMD-SB-3015 (BadRAM)"},
    {.name = "require_revocation_list",
     .claim = "crl_checked",
     .kind = FLAG_REQUIRE,
     .offset = offsetof(struct snp_claims, crl_checked),
     .fix = "give AMD's current revocation list with the evidence"},
};

static const char *const others[] = {"products", "allow_vcek", "vlek_csp_ids", "guest_svn", "vmpl", NULL};

static const struct section_shape shape = {
    .values = values,
    .value_count = sizeof(values) / sizeof(values[0]),
    .flags = flags,
    .flag_count = sizeof(flags) / sizeof(flags[0]),
    .others = others,
};

/* ---- reading ---- */

static enum status add_csp_id(const json_t *value, const char *path, struct refusal *why, struct snp_rules *rules)
{
    const char *const text = json_string_value(value);
    const size_t size = json_string_length(value);
    if (size == 0 || size > SNP_CSP_ID_MAX_BYTES)
        return refuse(why, ERR_FIELD_VALUE, path, "1 to 64 bytes of text", "%zu bytes of text", size);
    for (size_t i = rules->csp_id_count; i > 0; i--) {
        if (strcmp(rules->csp_ids[i - 1], text) == 0)
            return refuse(why, ERR_FIELD_VALUE, path, "each name once", "%s twice", text);
    }
    memcpy(rules->csp_ids[rules->csp_id_count++], text, size + 1);
    return OK;
}

static enum status read_keys(const struct section_source *source, struct snp_rules *rules)
{
    json_t *list;
    TRY(json_get_bool(source->json, source->path, "allow_vcek", source->why, &rules->allow_vcek));
    if (rule_is_word(source->json, "vlek_csp_ids", "none")) {
        if (rules->allow_vcek) return OK;
        return refuse(source->why, ERR_FIELD_VALUE, json_path(source->path, "vlek_csp_ids").text,
                      "a cloud's name, as allow_vcek is false", "none");
    }
    TRY(rule_list_read(source, "vlek_csp_ids", SNP_CSP_MAX_COUNT, &list));
    for (size_t i = 0; i < json_array_size(list); i++)
        TRY(add_csp_id(json_array_get(list, i), json_path_at(source->path, "vlek_csp_ids", i).text, source->why,
                       rules));
    return OK;
}

static bool is_denied_svn(const struct snp_rules *rules, uint32_t svn)
{
    for (size_t i = 0; i < rules->denied_guest_svn_count; i++) {
        if (rules->denied_guest_svns[i] == svn) return true;
    }
    return false;
}

static enum status read_denied_svns(const struct section_source *source, struct snp_rules *rules)
{
    json_t *list;
    if (rule_is_word(source->json, "deny", "none")) return OK;
    TRY(rule_list_read(source, "deny", SNP_DENIED_SVN_MAX_COUNT, &list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *const value = json_array_get(list, i);
        const int64_t svn = json_is_integer(value) ? json_integer_value(value) : -1;
        const struct json_path path = json_path_at(source->path, "deny", i);
        if (svn < rules->minimum_guest_svn || svn > UINT32_MAX)
            return refuse(source->why, ERR_FIELD_VALUE, path.text, "a guest SVN of at least the minimum", "%lld",
                          (long long)svn);
        if (is_denied_svn(rules, (uint32_t)svn))
            return refuse(source->why, ERR_FIELD_VALUE, path.text, "each SVN once", "%lld twice", (long long)svn);
        rules->denied_guest_svns[rules->denied_guest_svn_count++] = (uint32_t)svn;
    }
    return OK;
}

static enum status read_guest_svn(const struct section_source *source, struct snp_rules *rules)
{
    static const char *const names[] = {"minimum", "deny", NULL};
    const struct json_path path = json_path(source->path, "guest_svn");
    json_t *json;
    int64_t minimum;
    TRY(json_get_object(source->json, source->path, "guest_svn", source->why, &json));
    TRY(json_only(json, path.text, names, source->why));
    TRY(json_get_integer(json, path.text, "minimum", 0, UINT32_MAX, source->why, &minimum));
    rules->minimum_guest_svn = (uint32_t)minimum;
    const struct section_source inner = {.json = json, .path = path.text, .why = source->why};
    return read_denied_svns(&inner, rules);
}

static enum status read_vmpls(const struct section_source *source, struct snp_rules *rules)
{
    json_t *list;
    TRY(rule_list_read(source, "vmpl", VMPL_COUNT, &list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *const value = json_array_get(list, i);
        const int64_t vmpl = json_is_integer(value) ? json_integer_value(value) : -1;
        if (vmpl < 0 || vmpl >= VMPL_COUNT || (rules->vmpls & UINT32_C(1) << vmpl) != 0)
            return refuse(source->why, ERR_FIELD_VALUE, json_path_at(source->path, "vmpl", i).text,
                          "0, 1, 2 or 3, each once", "%lld", (long long)vmpl);
        rules->vmpls |= UINT32_C(1) << vmpl;
    }
    return OK;
}

/* An ID block names its image to the firmware, which starts no other: its key's digest stands for the measurement. */
static enum status check_identity_rule(const struct section_rules *rules, const struct section_source *source)
{
    if (!rules->values[MEASUREMENT].any || !rules->values[ID_KEY_DIGEST].any || !rules->values[AUTHOR_KEY_DIGEST].any)
        return OK;
    return refuse(source->why, ERR_FIELD_VALUE, json_path(source->path, "measurement").text,
                  "the accepted measurements, id_key_digest or author_key_digest", "any of all three");
}

enum status snp_rules_read(const struct section_source *source, struct snp_rules *rules_out)
{
    struct snp_rules rules = {};
    TRY(section_read(&shape, source, &rules.section));
    TRY(check_identity_rule(&rules.section, source));
    TRY(snp_products_read(source, rules.products));
    TRY(read_keys(source, &rules));
    TRY(read_guest_svn(source, &rules));
    TRY(read_vmpls(source, &rules));
    *rules_out = rules;
    return OK;
}

/* ---- checking ---- */

static enum status check_key(const struct snp_rules *rules, const struct appraisal *appraisal,
                             const struct snp_claims *claims)
{
    if (!claims->is_vlek && !rules->allow_vcek)
        return disagree(appraisal, "is_vlek", "use a cloud that signs with its own key, or allow_vcek",
                        "a key that an accepted cloud loaded (VLEK)", "the chip's own key (VCEK)");
    if (!claims->is_vlek) return OK;
    for (size_t i = 0; i < rules->csp_id_count; i++) {
        if (strcmp(rules->csp_ids[i], claims->csp_id) == 0) return OK;
    }
    return disagree(appraisal, "csp_id", "use an accepted cloud, or add its name to vlek_csp_ids",
                    rules->csp_id_count == 0 ? "the chip's own key (VCEK)" : "a cloud that vlek_csp_ids names",
                    "a key that \"%s\" loaded (VLEK)", claims->csp_id);
}

static enum status check_guest_svn(const struct snp_rules *rules, const struct appraisal *appraisal,
                                   const struct snp_claims *claims)
{
    static const char fix[] = "start a newer release of the guest's image";
    char expected[32];
    (void)snprintf(expected, sizeof(expected), "at least %u", rules->minimum_guest_svn);
    if (claims->guest_svn < rules->minimum_guest_svn)
        return disagree(appraisal, "guest_svn", fix, expected, "%u", claims->guest_svn);
    if (is_denied_svn(rules, claims->guest_svn))
        return disagree(appraisal, "guest_svn", fix, "no SVN that the policy denies", "%u", claims->guest_svn);
    return OK;
}

static enum status check_vmpl(const struct snp_rules *rules, const struct appraisal *appraisal,
                              const struct snp_claims *claims)
{
    if (claims->vmpl < VMPL_COUNT && (rules->vmpls & UINT32_C(1) << claims->vmpl) != 0) return OK;
    return disagree(appraisal, "vmpl", "ask for the report at a privilege level that the policy lists",
                    "a level of snp.vmpl", claims->vmpl == UINT32_MAX ? "the host's request (%#x)" : "%u",
                    claims->vmpl);
}

enum status snp_rules_check(const struct snp_rules *rules, const struct appraisal *appraisal,
                            const struct snp_claims *claims)
{
    TRY(section_check(&shape, &rules->section, appraisal, claims));
    TRY(snp_products_check(rules->products, appraisal, claims));
    TRY(check_key(rules, appraisal, claims));
    TRY(check_guest_svn(rules, appraisal, claims));
    return check_vmpl(rules, appraisal, claims);
}
