/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules over TPM quotes: whose key, and which PCR values of which bank. SHA-1 banks have no rule: whoever can choose
 * what is measured can make two things of one SHA-1 digest.
 */
#include "evidence/appraisal/sections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct value_field values[] = {
    {.name = "key_thumbprint",
     .offset = offsetof(struct tpm_claims, key_thumbprint),
     .size = sizeof(((struct tpm_claims *)NULL)->key_thumbprint),
     .is_never_zero = true,
     .fix = "use an accepted machine, or add its attestation key's thumbprint to the policy"},
};

static const struct flag_field flags[] = {
    {.name = "require_restricted_key",
     .claim = "is_key_restricted",
     .kind = FLAG_REQUIRE,
     .offset = offsetof(struct tpm_claims, is_key_restricted),
     .fix = "give the public area of a restricted signing key: another signs also what no TPM made"},
    {.name = "require_event_log",
     .claim = "has_event_log",
     .kind = FLAG_REQUIRE,
     .offset = offsetof(struct tpm_claims, has_event_log),
     .fix = "give the event log with the quote"},
};

static const char *const others[] = {"minimum_firmware", "pcrs", NULL};

static const struct section_shape shape = {
    .values = values,
    .value_count = sizeof(values) / sizeof(values[0]),
    .flags = flags,
    .flag_count = sizeof(flags) / sizeof(flags[0]),
    .others = others,
};

/* ---- PCRs ---- */

static const struct {
    const char *name;
    enum tpm_hash hash;
    size_t size;
} banks[PCR_BANK_COUNT] = {
    {"sha256", TPM_HASH_SHA256, 32},
    {"sha384", TPM_HASH_SHA384, 48},
    {"sha512", TPM_HASH_SHA512, 64},
};

/* "0" to "23", as C would print them. */
static bool index_from_name(const char *name, size_t *index_out)
{
    char text[4];
    for (size_t i = 0; i < TPM_PCR_COUNT; i++) {
        (void)snprintf(text, sizeof(text), "%zu", i);
        if (strcmp(name, text) != 0) continue;
        *index_out = i;
        return true;
    }
    return false;
}

static enum status read_bank(const json_t *json, const char *path, size_t bank, const struct section_source *source,
                             struct pcr_rules *rules)
{
    const struct value_field field = {.size = banks[bank].size};
    const char *name;
    json_t *value;
    if (!json_is_object(json)) return refuse(source->why, ERR_FIELD_TYPE, path, "an object", "another type");
    if (json_object_size(json) == 0) return refuse(source->why, ERR_FIELD_VALUE, path, "at least one PCR", "none");
    json_object_foreach ((json_t *)json, name, value) {
        size_t index;
        const struct json_path value_path = json_path(path, name);
        if (!index_from_name(name, &index))
            return refuse(source->why, ERR_FIELD_UNKNOWN, value_path.text, "0 to 23", "%s", name);
        TRY(value_list_read(&field, value, value_path.text, source, &rules->banks[bank].values[index]));
        rules->banks[bank].indexes |= UINT32_C(1) << index;
    }
    return OK;
}

static bool bank_from_name(const char *name, size_t *bank_out)
{
    for (size_t i = 0; i < PCR_BANK_COUNT; i++) {
        if (strcmp(name, banks[i].name) != 0) continue;
        *bank_out = i;
        return true;
    }
    return false;
}

enum status pcr_rules_read(const struct section_source *source, struct pcr_rules *rules_out)
{
    const struct json_path path = json_path(source->path, "pcrs");
    struct pcr_rules rules = {};
    const char *name;
    json_t *json, *value;
    TRY(json_get_object(source->json, source->path, "pcrs", source->why, &json));
    if (json_object_size(json) == 0)
        return refuse(source->why, ERR_FIELD_VALUE, path.text, "at least one bank", "none");
    json_object_foreach (json, name, value) {
        size_t bank;
        const struct json_path bank_path = json_path(path.text, name);
        if (!bank_from_name(name, &bank))
            return refuse(source->why, ERR_FIELD_UNKNOWN, bank_path.text, "sha256, sha384 or sha512", "%s", name);
        TRY(read_bank(value, bank_path.text, bank, source, &rules));
    }
    *rules_out = rules;
    return OK;
}

/* Only what the quote's digest proves counts, in the bank that it is over. */
static enum status check_pcr(const struct value_list *allowed, size_t bank, size_t index,
                             const struct appraisal *appraisal, const struct tpm_claims *claims)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "pcr%zu", index);
    if (claims->pcrs.hash != banks[bank].hash || (claims->pcrs.known & UINT32_C(1) << index) == 0)
        return disagree(appraisal, name, "quote this PCR too, and give its value with the quote",
                        "a value that the quote proves", "none");
    const struct value_field field = {
        .name = name,
        .size = banks[bank].size,
        .fix = "boot what the policy accepts, or add this value to it",
    };
    const struct value_rule rule = {.allowed = *allowed};
    return value_rule_check(&field, &rule, appraisal, claims->pcrs.values[index]);
}

static enum status find_bank(const struct pcr_rules *rules, const struct appraisal *appraisal,
                             const struct tpm_claims *claims, size_t *bank_out)
{
    for (size_t i = 0; i < PCR_BANK_COUNT; i++) {
        if (banks[i].hash != claims->bank || rules->banks[i].indexes == 0) continue;
        *bank_out = i;
        return OK;
    }
    return disagree(appraisal, "bank", "quote a bank for which the policy has values", "a bank of the policy",
                    "TPM_ALG_ID %#06x", (unsigned)claims->bank);
}

enum status pcr_rules_check(const struct pcr_rules *rules, const struct appraisal *appraisal,
                            const struct tpm_claims *claims)
{
    size_t bank = 0;
    TRY(find_bank(rules, appraisal, claims, &bank));
    for (size_t i = 0; i < TPM_PCR_COUNT; i++) {
        if ((rules->banks[bank].indexes & UINT32_C(1) << i) == 0) continue;
        TRY(check_pcr(&rules->banks[bank].values[i], bank, i, appraisal, claims));
    }
    return OK;
}

/* ---- the section ---- */

static enum status read_firmware(const struct section_source *source, uint64_t *firmware_out)
{
    uint8_t bytes[8];
    *firmware_out = 0;
    if (rule_is_word(source->json, "minimum_firmware", "any")) return OK;
    TRY(json_get_hex(source->json, source->path, "minimum_firmware", sizeof(bytes), source->why, bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) *firmware_out = *firmware_out << 8 | bytes[i];
    return OK;
}

enum status tpm_section_read(const struct section_source *source, struct tpm_rules *rules_out)
{
    struct tpm_rules rules = {};
    TRY(section_read(&shape, source, &rules.section));
    TRY(read_firmware(source, &rules.minimum_firmware));
    TRY(pcr_rules_read(source, &rules.pcrs));
    *rules_out = rules;
    return OK;
}

enum status tpm_rules_check(const struct tpm_rules *rules, const struct appraisal *appraisal,
                            const struct tpm_claims *claims)
{
    TRY(section_check(&shape, &rules->section, appraisal, claims));
    if (claims->firmware_version < rules->minimum_firmware) {
        char expected[40];
        (void)snprintf(expected, sizeof(expected), "at least %016llx", (unsigned long long)rules->minimum_firmware);
        return disagree(appraisal, "firmware_version", "update the TPM's firmware", expected, "%016llx",
                        (unsigned long long)claims->firmware_version);
    }
    return pcr_rules_check(&rules->pcrs, appraisal, claims);
}
