/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules over the processor below an SEV-SNP guest: which products, and the lowest versions of the parts of their
 * firmware. AMD publishes no list of what is out of date, so these numbers are all that keeps old firmware out.
 */
#include "evidence/appraisal/sections.h"

#include <stdio.h>
#include <string.h>

/* ---- reading ---- */

static const struct tcb_part {
    const char *name;
    size_t offset;
    bool is_turin_only;
} tcb_parts[] = {
    {"boot_loader", offsetof(struct snp_tcb, boot_loader), false},
    {"tee", offsetof(struct snp_tcb, tee), false},
    {"snp", offsetof(struct snp_tcb, snp), false},
    {"microcode", offsetof(struct snp_tcb, microcode), false},
    {"fmc", offsetof(struct snp_tcb, fmc), true},
};
enum { TCB_PART_COUNT = sizeof(tcb_parts) / sizeof(tcb_parts[0]) };

static enum status read_tcb_parts(const json_t *json, const char *path, enum snp_product product, struct refusal *why,
                                  struct snp_tcb *tcb)
{
    const char *names[TCB_PART_COUNT + 1] = {};
    const size_t count = product == SNP_TURIN ? TCB_PART_COUNT : TCB_PART_COUNT - 1;
    for (size_t i = 0; i < count; i++) names[i] = tcb_parts[i].name;
    TRY(json_only(json, path, names, why));
    for (size_t i = 0; i < count; i++) {
        int64_t number;
        TRY(json_get_integer(json, path, names[i], 0, UINT8_MAX, why, &number));
        ((uint8_t *)tcb)[tcb_parts[i].offset] = (uint8_t)number;
    }
    return OK;
}

static enum status read_tcb(const json_t *json, const char *path, const char *name, enum snp_product product,
                            struct refusal *why, struct snp_tcb *tcb_out)
{
    json_t *tcb;
    *tcb_out = (struct snp_tcb){};
    if (rule_is_word(json, name, "any")) return OK;
    TRY(json_get_object(json, path, name, why, &tcb));
    return read_tcb_parts(tcb, json_path(path, name).text, product, why, tcb_out);
}

static enum status read_firmware(const json_t *json, const char *path, struct refusal *why,
                                 struct snp_firmware *firmware_out)
{
    enum { FIRMWARE_MAX_BYTES = 11 };
    unsigned major = 0, minor = 0, build = 0;
    int end = 0;
    struct slice text;
    *firmware_out = (struct snp_firmware){};
    if (rule_is_word(json, "minimum_firmware", "any")) return OK;
    TRY(json_get_string(json, path, "minimum_firmware", FIRMWARE_MAX_BYTES, why, &text));
    const char *const digits = (const char *)text.bytes;
    const bool is_plain = strspn(digits, "0123456789.") == text.size;
    (void)sscanf(digits, "%3u.%3u.%3u%n", &major, &minor, &build, &end); /* `end` is 0 unless all three are there */
    if (!is_plain || (size_t)end != text.size || major > UINT8_MAX || minor > UINT8_MAX || build > UINT8_MAX)
        return refuse(why, ERR_FIELD_VALUE, json_path(path, "minimum_firmware").text, "a version such as 1.55.40", "%s",
                      digits);
    *firmware_out = (struct snp_firmware){(uint8_t)major, (uint8_t)minor, (uint8_t)build};
    return OK;
}

static enum status read_product(const json_t *json, const char *path, enum snp_product product, struct refusal *why,
                                struct snp_product_rules *rules)
{
    static const char *const names[] = {"current", "reported", "committed", "launch", "minimum_firmware", NULL};
    if (!json_is_object(json)) return refuse(why, ERR_FIELD_TYPE, path, "an object", "another type");
    TRY(json_only(json, path, names, why));
    TRY(read_tcb(json, path, "current", product, why, &rules->current));
    TRY(read_tcb(json, path, "reported", product, why, &rules->reported));
    TRY(read_tcb(json, path, "committed", product, why, &rules->committed));
    TRY(read_tcb(json, path, "launch", product, why, &rules->launch));
    TRY(read_firmware(json, path, why, &rules->minimum_firmware));
    if (rule_is_word(json, "reported", "any"))
        return refuse(why, ERR_FIELD_VALUE, json_path(path, "reported").text,
                      "the lowest accepted versions: no list of AMD's says which are out of date", "any");
    rules->is_accepted = true;
    return OK;
}

static bool product_from_name(const char *name, enum snp_product *product_out)
{
    for (enum snp_product product = SNP_MILAN; product <= SNP_TURIN; product++) {
        if (strcmp(name, snp_product_name(product)) != 0) continue;
        *product_out = product;
        return true;
    }
    return false;
}

enum status snp_products_read(const struct section_source *source, struct snp_product_rules *rules)
{
    json_t *products, *json;
    const char *name;
    const struct json_path path = json_path(source->path, "products");
    TRY(json_get_object(source->json, source->path, "products", source->why, &products));
    if (json_object_size(products) == 0)
        return refuse(source->why, ERR_FIELD_VALUE, path.text, "at least one product", "none");
    json_object_foreach (products, name, json) {
        enum snp_product product;
        const struct json_path product_path = json_path(path.text, name);
        if (!product_from_name(name, &product))
            return refuse(source->why, ERR_FIELD_UNKNOWN, product_path.text, "Milan, Genoa or Turin", "%s", name);
        TRY(read_product(json, product_path.text, product, source->why, &rules[product]));
    }
    return OK;
}

/* ---- checking ---- */

static const char *const update = "update the host's firmware (AMD's SEV firmware and microcode)";

static uint8_t part_of(const struct snp_tcb *tcb, size_t i)
{
    return ((const uint8_t *)tcb)[tcb_parts[i].offset];
}

static enum status check_tcb(const struct snp_tcb *minimum, const struct snp_tcb *seen, const char *name,
                             const struct appraisal *appraisal)
{
    for (size_t i = 0; i < TCB_PART_COUNT; i++) {
        if (part_of(seen, i) >= part_of(minimum, i)) continue;
        char expected[32];
        (void)snprintf(expected, sizeof(expected), "at least %u", part_of(minimum, i));
        return disagree(appraisal, json_path(name, tcb_parts[i].name).text, update, expected, "%u", part_of(seen, i));
    }
    return OK;
}

static uint32_t firmware_number(const struct snp_firmware *firmware)
{
    return (uint32_t)firmware->major << 16 | (uint32_t)firmware->minor << 8 | firmware->build;
}

/* The committed firmware: what is loaded now, or newer, can be set back to it. */
static enum status check_firmware(const struct snp_firmware *minimum, const struct snp_firmware *seen,
                                  const struct appraisal *appraisal)
{
    if (firmware_number(seen) >= firmware_number(minimum)) return OK;
    char expected[32];
    (void)snprintf(expected, sizeof(expected), "at least %u.%u.%u", minimum->major, minimum->minor, minimum->build);
    return disagree(appraisal, "committed_firmware", update, expected, "%u.%u.%u", seen->major, seen->minor,
                    seen->build);
}

enum status snp_products_check(const struct snp_product_rules *products, const struct appraisal *appraisal,
                               const struct snp_claims *claims)
{
    const struct snp_product_rules *const rules = &products[claims->product];
    if (!rules->is_accepted)
        return disagree(appraisal, "product", "use an accepted processor, or add its product to the policy",
                        "a product of the policy", "%s", snp_product_name(claims->product));
    TRY(check_tcb(&rules->current, &claims->current, "current_tcb", appraisal));
    TRY(check_tcb(&rules->reported, &claims->reported, "reported_tcb", appraisal));
    TRY(check_tcb(&rules->committed, &claims->committed, "committed_tcb", appraisal));
    TRY(check_tcb(&rules->launch, &claims->launch, "launch_tcb", appraisal));
    return check_firmware(&rules->minimum_firmware, &claims->committed_firmware, appraisal);
}
