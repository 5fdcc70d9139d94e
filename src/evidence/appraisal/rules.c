/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/appraisal/rules.h"

#include "base/encoding.h"
#include "evidence/appraisal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { UUID_TEXT_BYTES = 36 };

/* ---- refusing ---- */

enum status disagree(const struct appraisal *appraisal, const char *claim, const char *fix, const char *expected,
                     const char *seen_format, ...)
{
    char seen[REFUSAL_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, seen_format);
    (void)vsnprintf(seen, sizeof(seen), seen_format, arguments);
    va_end(arguments);
    (void)!refuse(appraisal->why, ERR_APPRAISAL, json_path(appraisal->path, claim).text, expected, "%s", seen);
    return refuse_fix(appraisal->why, ERR_APPRAISAL, fix);
}

/* ---- reading values ---- */

static bool list_holds(struct slice values, const struct value_list *list, struct slice value)
{
    for (size_t i = 0; i < list->count; i++) {
        if (slice_equal(slice_part(values, list->at + i * value.size, value.size), value)) return true;
    }
    return false;
}

enum status uuid_decode(struct slice text, uint8_t bytes_out[static UUID_BYTES])
{
    char digits[2 * UUID_BYTES];
    size_t count = 0;
    if (text.size != UUID_TEXT_BYTES) return ERR_ENCODING;
    for (size_t i = 0; i < UUID_TEXT_BYTES; i++) {
        const bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_hyphen != (text.bytes[i] == '-')) return ERR_ENCODING;
        if (!is_hyphen) digits[count++] = (char)text.bytes[i];
    }
    return hex_decode_exact(SLICE_ARRAY(digits), UUID_BYTES, bytes_out);
}

static enum status decode(const struct value_field *field, const json_t *value, const char *path, struct refusal *why,
                          uint8_t *bytes_out)
{
    char expected[64] = "a UUID";
    if (!field->is_uuid) (void)snprintf(expected, sizeof(expected), "%zu hexadecimal digits", 2 * field->size);
    if (!json_is_string(value)) return refuse(why, ERR_FIELD_TYPE, path, expected, "another type");
    const struct slice text = slice_of(json_string_value(value), json_string_length(value));
    const enum status status =
        field->is_uuid ? uuid_decode(text, bytes_out) : hex_decode_exact(text, field->size, bytes_out);
    if (status != OK)
        return refuse(why, ERR_FIELD_VALUE, path, expected, "%.*s", (int)text.size, (const char *)text.bytes);
    if (field->is_never_zero && slice_is_zero(slice_of(bytes_out, field->size)))
        return refuse(why, ERR_FIELD_VALUE, path, "a value that stands for something", "zeros");
    return OK;
}

static enum status add_value(const struct value_field *field, const json_t *value, const char *path,
                             const struct section_source *source, struct value_list *list)
{
    uint8_t bytes[APPRAISAL_VALUE_MAX_BYTES];
    const struct slice decoded = slice_of(bytes, field->size);
    TRY(decode(field, value, path, source->why, bytes));
    if (list_holds(buffer_slice(source->values), list, decoded))
        return refuse(source->why, ERR_FIELD_VALUE, path, "each value once", "%s twice", refusal_hex(decoded).text);
    TRY(buffer_append(source->values, decoded));
    list->count++;
    return OK;
}

static enum status check_count(const json_t *list, const char *path, size_t max_count, struct refusal *why)
{
    if (!json_is_array(list)) return refuse(why, ERR_FIELD_TYPE, path, "a list", "another type or word");
    const size_t count = json_array_size(list);
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "1 to %zu elements", max_count);
    return count == 0 || count > max_count ? refuse(why, ERR_FIELD_VALUE, path, expected, "%zu", count) : OK;
}

enum status value_list_read(const struct value_field *field, const json_t *list, const char *path,
                            const struct section_source *source, struct value_list *list_out)
{
    struct value_list read = {.at = source->values->size};
    TRY(check_count(list, path, APPRAISAL_LIST_MAX_COUNT, source->why));
    for (size_t i = 0; i < json_array_size(list); i++)
        TRY(add_value(field, json_array_get(list, i), json_path_at("", path, i).text, source, &read));
    *list_out = read;
    return OK;
}

/* ---- reading rules ---- */

static bool is_word(const json_t *value, const char *word)
{
    return json_is_string(value) && strcmp(json_string_value(value), word) == 0;
}

bool rule_is_word(const json_t *object, const char *name, const char *word)
{
    return is_word(json_object_get(object, name), word);
}

static enum status check_no_contradiction(const struct value_field *field, const struct value_rule *rule,
                                          const char *path, const struct section_source *source)
{
    const struct slice values = buffer_slice(source->values);
    for (size_t i = 0; i < rule->denied.count; i++) {
        const struct slice value = slice_part(values, rule->denied.at + i * field->size, field->size);
        if (list_holds(values, &rule->allowed, value))
            return refuse(source->why, ERR_FIELD_VALUE, path, "no value both allowed and denied", "%s",
                          refusal_hex(value).text);
    }
    return OK;
}

static enum status read_allow_and_deny(const struct value_field *field, const json_t *object, const char *path,
                                       const struct section_source *source, struct value_rule *rule)
{
    static const char *const names[] = {"allow", "deny", NULL};
    TRY(json_only(object, path, names, source->why));
    rule->any = rule_is_word(object, "allow", "any");
    if (!rule->any)
        TRY(value_list_read(field, json_object_get(object, "allow"), json_path(path, "allow").text, source,
                            &rule->allowed));
    if (!rule_is_word(object, "deny", "none"))
        TRY(value_list_read(field, json_object_get(object, "deny"), json_path(path, "deny").text, source,
                            &rule->denied));
    return check_no_contradiction(field, rule, path, source);
}

static enum status allow_zero(const struct value_field *field, const char *path, const struct section_source *source,
                              struct value_rule *rule)
{
    uint8_t *zeros;
    if (field->is_never_zero)
        return refuse(source->why, ERR_FIELD_VALUE, path, "values, or \"any\"",
                      "\"zero\", which says that it has none");
    rule->allowed = (struct value_list){.at = source->values->size, .count = 1};
    return buffer_extend(source->values, field->size, &zeros);
}

enum status value_rule_read(const struct value_field *field, const struct section_source *source,
                            struct value_rule *rule_out)
{
    const json_t *const value = json_object_get(source->json, field->name);
    const struct json_path path = json_path(source->path, field->name);
    struct value_rule rule = {};
    if (value == NULL && !field->zero_by_default)
        return refuse(source->why, ERR_FIELD_MISSING, path.text, "values, or \"any\"", "nothing");
    if (value == NULL || is_word(value, "zero"))
        TRY(allow_zero(field, path.text, source, &rule));
    else if (is_word(value, "any"))
        rule.any = true;
    else if (json_is_object(value))
        TRY(read_allow_and_deny(field, value, path.text, source, &rule));
    else
        TRY(value_list_read(field, value, path.text, source, &rule.allowed));
    *rule_out = rule;
    return OK;
}

static enum status read_insecure(const struct flag_field *field, const struct section_source *source, bool *value_out)
{
    *value_out = false;
    if (json_object_get(source->json, field->name) == NULL) return OK;
#ifdef LAZARET_SIMULATION
    return json_get_bool(source->json, source->path, field->name, source->why, value_out);
#else
    return refuse(source->why, ERR_FIELD_UNKNOWN, json_path(source->path, field->name).text,
                  "nothing in a release build", "%s", field->name);
#endif
}

static enum status read_flags(const struct section_shape *shape, const struct section_source *source, uint32_t *flags)
{
    for (size_t i = 0; i < shape->flag_count; i++) {
        const struct flag_field *const field = &shape->flags[i];
        bool value;
        TRY(field->kind == FLAG_INSECURE ? read_insecure(field, source, &value)
                                         : json_get_bool(source->json, source->path, field->name, source->why, &value));
        *flags |= value ? UINT32_C(1) << i : 0;
    }
    return OK;
}

static bool is_known(const struct section_shape *shape, const char *member)
{
    for (const char *const *name = shape->others; *name != NULL; name++) {
        if (strcmp(*name, member) == 0) return true;
    }
    for (size_t i = 0; i < shape->value_count; i++) {
        if (strcmp(shape->values[i].name, member) == 0) return true;
    }
    for (size_t i = 0; i < shape->flag_count; i++) {
        if (strcmp(shape->flags[i].name, member) == 0) return true;
    }
    return false;
}

static enum status check_members(const struct section_shape *shape, const struct section_source *source)
{
    const char *member;
    json_t *value;
    if (!json_is_object(source->json))
        return refuse(source->why, ERR_FIELD_TYPE, source->path, "an object", "another type");
    json_object_foreach ((json_t *)source->json, member, value) {
        if (!is_known(shape, member))
            return refuse(source->why, ERR_FIELD_UNKNOWN, json_path(source->path, member).text, "a known rule", "%s",
                          member);
    }
    return OK;
}

enum status section_read(const struct section_shape *shape, const struct section_source *source,
                         struct section_rules *rules_out)
{
    struct section_rules rules = {};
    TRY(check_members(shape, source));
    for (size_t i = 0; i < shape->value_count; i++) TRY(value_rule_read(&shape->values[i], source, &rules.values[i]));
    TRY(read_flags(shape, source, &rules.flags));
    *rules_out = rules;
    return OK;
}

/* ---- reading what is no table's ---- */

static enum status add_name(const json_t *value, const char *const *names, size_t count, const char *path,
                            struct refusal *why, uint32_t *mask)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_word(value, names[i])) continue;
        if ((*mask & UINT32_C(1) << i) != 0)
            return refuse(why, ERR_FIELD_VALUE, path, "each name once", "%s twice", names[i]);
        *mask |= UINT32_C(1) << i;
        return OK;
    }
    const char *const seen = json_string_value(value);
    return refuse(why, ERR_FIELD_VALUE, path, "a name that this rule knows", "%s", seen != NULL ? seen : "no text");
}

enum status rule_list_read(const struct section_source *source, const char *name, size_t max_count, json_t **list_out)
{
    const struct json_path path = json_path(source->path, name);
    json_t *const list = json_object_get(source->json, name);
    if (list == NULL) return refuse(source->why, ERR_FIELD_MISSING, path.text, "a list", "nothing");
    TRY(check_count(list, path.text, max_count, source->why));
    *list_out = list;
    return OK;
}

enum status rule_names_read(const struct section_source *source, const char *name, const char *const *names,
                            size_t count, uint32_t *mask_out)
{
    json_t *list;
    uint32_t mask = 0;
    TRY(rule_list_read(source, name, APPRAISAL_LIST_MAX_COUNT, &list));
    for (size_t i = 0; i < json_array_size(list); i++)
        TRY(add_name(json_array_get(list, i), names, count, json_path_at(source->path, name, i).text, source->why,
                     &mask));
    *mask_out = mask;
    return OK;
}

enum status rule_number_read(const struct section_source *source, const char *name, int64_t minimum, int64_t maximum,
                             int64_t any, int64_t *number_out)
{
    if (!rule_is_word(source->json, name, "any"))
        return json_get_integer(source->json, source->path, name, minimum, maximum, source->why, number_out);
    *number_out = any;
    return OK;
}

/* ---- checking ---- */

static enum status check_allowed(const struct value_field *field, const struct value_rule *rule,
                                 const struct appraisal *appraisal, struct slice seen)
{
    if (list_holds(appraisal->values, &rule->allowed, seen)) return OK;
    char expected[REFUSAL_TEXT_BYTES];
    if (rule->allowed.count == 1)
        (void)snprintf(expected, sizeof(expected), "%s",
                       refusal_hex(slice_part(appraisal->values, rule->allowed.at, seen.size)).text);
    else
        (void)snprintf(expected, sizeof(expected), "one of the %zu values of the policy", rule->allowed.count);
    return disagree(appraisal, field->name, field->fix, expected, "%s", refusal_hex(seen).text);
}

enum status value_rule_check(const struct value_field *field, const struct value_rule *rule,
                             const struct appraisal *appraisal, const uint8_t *bytes)
{
    const struct slice seen = slice_of(bytes, field->size);
    if (rule->any && rule->denied.count == 0) return OK;
    if (field->is_never_zero && slice_is_zero(seen))
        return disagree(appraisal, field->name, field->fix, "a value, for which the policy has a rule", "none");
    if (list_holds(appraisal->values, &rule->denied, seen))
        return disagree(appraisal, field->name, field->fix, "no value that the policy denies", "%s",
                        refusal_hex(seen).text);
    return rule->any ? OK : check_allowed(field, rule, appraisal, seen);
}

static bool is_set(const struct flag_field *field, const uint8_t *claims)
{
    if (field->mask == 0) return claims[field->offset] != 0; /* a bool */
    uint64_t bits;
    memcpy(&bits, claims + field->offset, sizeof(bits));
    return (bits & field->mask) != 0;
}

static enum status check_flag(const struct flag_field *field, bool rule, const struct appraisal *appraisal,
                              const uint8_t *claims)
{
    if (rule == (field->kind != FLAG_REQUIRE)) return OK; /* allowed, or not required */
    const bool wanted = field->kind == FLAG_REQUIRE;
    if (is_set(field, claims) == wanted) return OK;
    return disagree(appraisal, field->claim, field->fix, wanted ? "yes" : "no", "%s", wanted ? "no" : "yes");
}

enum status section_check(const struct section_shape *shape, const struct section_rules *rules,
                          const struct appraisal *appraisal, const void *claims)
{
    const uint8_t *const bytes = claims;
    for (size_t i = 0; i < shape->flag_count; i++)
        TRY(check_flag(&shape->flags[i], (rules->flags & UINT32_C(1) << i) != 0, appraisal, bytes));
    for (size_t i = 0; i < shape->value_count; i++)
        TRY(value_rule_check(&shape->values[i], &rules->values[i], appraisal, bytes + shape->values[i].offset));
    return OK;
}
