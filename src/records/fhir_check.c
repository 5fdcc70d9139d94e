/* SPDX-License-Identifier: Apache-2.0
 *
 * Walks a resource along the tables. */
#include "records/fhir_primitive.h"
#include "records/fhir_schema.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MEMBER_NAME_MAX_BYTES = 64 };

enum status fhir_refuse(const struct fhir_check *check, const char *expected, const char *seen)
{
    return refuse(check->why, ERR_FHIR, check->path, expected, "%s", seen);
}

/* The path grows and shrinks with the walk; one that is too long for a refusal is cut. */
static size_t enter(struct fhir_check *check, const char *member)
{
    const size_t before = check->path_size;
    const size_t room = sizeof(check->path) - before;
    const int wanted = snprintf(check->path + before, room, ".%s", member);
    check->path_size = before + ((size_t)wanted < room ? (size_t)wanted : room - 1);
    return before;
}

static size_t enter_index(struct fhir_check *check, size_t index)
{
    const size_t before = check->path_size;
    const size_t room = sizeof(check->path) - before;
    const int wanted = snprintf(check->path + before, room, "[%zu]", index);
    check->path_size = before + ((size_t)wanted < room ? (size_t)wanted : room - 1);
    return before;
}

static void leave(struct fhir_check *check, size_t before)
{
    check->path[before] = '\0';
    check->path_size = before;
}

enum status fhir_refuse_member(struct fhir_check *check, const char *member, const char *expected, const char *seen)
{
    const size_t before = enter(check, member);
    const enum status status = fhir_refuse(check, expected, seen);
    leave(check, before);
    return status;
}

static const char *kind_seen(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "a boolean";
    case JSON_NULL: return "null";
    }
    return "something else";
}

struct slice fhir_text_of(const json_t *object, const char *member)
{
    const json_t *const value = json_object_get(object, member);
    return json_is_string(value) ? slice_of(json_string_value(value), json_string_length(value)) : (struct slice){};
}

static bool is_one_of(struct slice text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (slice_equal_text(text, *words)) return true;
    }
    return false;
}

/* --- strings --- */

struct string_rule {
    size_t max_size;
    const char *expected;
};

static struct string_rule string_rule(enum fhir_kind kind)
{
    switch (kind) {
    case FHIR_TEXT: return (struct string_rule){FHIR_TEXT_MAX_BYTES, "text without control characters, not blank"};
    case FHIR_CODE: return (struct string_rule){FHIR_CODE_MAX_BYTES, "a code without spaces around it"};
    case FHIR_URI: return (struct string_rule){FHIR_URI_MAX_BYTES, "a URI without spaces"};
    case FHIR_ID: return (struct string_rule){FHIR_ID_MAX_BYTES, "1 to 64 of A-Z, a-z, 0-9, '-' and '.'"};
    case FHIR_DATE:
    case FHIR_BIRTH_DATE: return (struct string_rule){64, "a date YYYY, YYYY-MM or YYYY-MM-DD"};
    case FHIR_DATETIME: return (struct string_rule){64, "a date, or a date and time with its zone"};
    case FHIR_INSTANT: return (struct string_rule){64, "a date and time with its zone"};
    default: return (struct string_rule){FHIR_STRING_MAX_BYTES, "text in one line without control characters"};
    }
}

static bool string_is_valid(enum fhir_kind kind, struct slice text)
{
    switch (kind) {
    case FHIR_TEXT: return fhir_string_is_valid(text, true);
    case FHIR_CODE: return fhir_code_is_valid(text);
    case FHIR_URI: return fhir_uri_is_valid(text);
    case FHIR_ID: return fhir_id_is_valid(text);
    case FHIR_DATE:
    case FHIR_BIRTH_DATE: return fhir_date_is_valid(text);
    case FHIR_DATETIME: return fhir_datetime_is_valid(text);
    case FHIR_INSTANT: return fhir_instant_is_valid(text);
    default: return fhir_string_is_valid(text, false);
    }
}

static enum status refuse_size(const struct fhir_check *check, size_t max_size, size_t seen_size)
{
    char expected[64], seen[32];
    (void)snprintf(expected, sizeof(expected), "at most %zu bytes", max_size);
    (void)snprintf(seen, sizeof(seen), "%zu bytes", seen_size);
    return fhir_refuse(check, expected, seen);
}

static enum status refuse_code(const struct fhir_check *check, const char *const *codes)
{
    char expected[REFUSAL_TEXT_BYTES] = "one of";
    size_t used = strlen(expected);
    for (; *codes != NULL && used < sizeof(expected); codes++) {
        const int wanted = snprintf(expected + used, sizeof(expected) - used, " %s", *codes);
        used += (size_t)wanted;
    }
    return fhir_refuse(check, expected, "another code");
}

static enum status check_string(struct fhir_check *check, const struct fhir_element *element, const json_t *value)
{
    if (!json_is_string(value)) return fhir_refuse(check, "a string", kind_seen(value));
    const struct slice text = slice_of(json_string_value(value), json_string_length(value));
    const struct string_rule rule = string_rule(element->kind);
    if (text.size == 0) return fhir_refuse(check, rule.expected, "an empty string");
    if (text.size > rule.max_size) return refuse_size(check, rule.max_size, text.size);
    if (!string_is_valid(element->kind, text)) return fhir_refuse(check, rule.expected, "another form");
    if (element->kind == FHIR_BIRTH_DATE && fhir_date_is_future(text, check->now_s))
        return fhir_refuse(check, "a date that is not in the future", "a later date");
    if (element->codes != NULL && !is_one_of(text, element->codes)) return refuse_code(check, element->codes);
    return OK;
}

/* --- numbers and flags --- */

static enum status check_number(const struct fhir_check *check, const struct fhir_element *element, const json_t *value)
{
    if (element->kind == FHIR_BOOLEAN)
        return json_is_boolean(value) ? OK : fhir_refuse(check, "true or false", kind_seen(value));
    if (element->kind == FHIR_DECIMAL)
        return json_is_number(value) && isfinite(json_number_value(value))
                   ? OK
                   : fhir_refuse(check, "a number", kind_seen(value));
    const json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number > INT32_MAX)
        return fhir_refuse(check, "a whole number, not negative",
                           json_is_integer(value) ? "another" : kind_seen(value));
    return OK;
}

/* --- references --- */

static const struct fhir_element reference_elements[] = {
    {"reference", FHIR_STRING},
    {"type", FHIR_URI},
    {"display", FHIR_STRING},
    {},
};

static enum status refuse_reference(struct fhir_check *check, const char *const *targets, const char *seen)
{
    char expected[REFUSAL_TEXT_BYTES];
    (void)snprintf(expected, sizeof(expected), "%s/ID%s", targets[0], targets[1] != NULL ? ", or another type" : "");
    return fhir_refuse_member(check, "reference", expected, seen);
}

static enum status check_reference(struct fhir_check *check, const struct fhir_element *element, const json_t *value)
{
    TRY(fhir_check_object(check, value, reference_elements, NULL));
    const struct slice reference = fhir_text_of(value, "reference");
    struct slice type, id;
    if (reference.size == 0)
        return element->kind == FHIR_PATIENT_REFERENCE || fhir_text_of(value, "display").size == 0
                   ? refuse_reference(check, element->targets, "nothing")
                   : OK;
    if (!slice_split(reference, '/', &type, &id) || !fhir_id_is_valid(id))
        return refuse_reference(check, element->targets, "another form");
    if (!is_one_of(type, element->targets)) return refuse_reference(check, element->targets, "another type");
    return OK;
}

/* --- coded concepts --- */

bool fhir_concept_has(const json_t *concept, const char *code)
{
    size_t index;
    json_t *coding;
    json_array_foreach (json_object_get(concept, "coding"), index, coding) {
        if (slice_equal_text(fhir_text_of(coding, "code"), code)) return true;
    }
    return false;
}

/* A coding without a system is taken for the one that the element is bound to. */
static bool coding_is_bound(const json_t *coding, const struct fhir_element *element)
{
    const struct slice system = fhir_text_of(coding, "system");
    return (system.size == 0 || slice_equal_text(system, element->system)) &&
           is_one_of(fhir_text_of(coding, "code"), element->codes);
}

static enum status check_concept(struct fhir_check *check, const struct fhir_element *element, const json_t *value)
{
    TRY(fhir_check_object(check, value, element->children, NULL));
    size_t index;
    json_t *coding;
    json_array_foreach (json_object_get(value, "coding"), index, coding) {
        if (coding_is_bound(coding, element)) return OK;
    }
    const size_t before = enter(check, "coding");
    const enum status status = refuse_code(check, element->codes);
    leave(check, before);
    return status;
}

/* --- elements and objects --- */

static enum status check_value(struct fhir_check *check, const struct fhir_element *element, const json_t *value)
{
    switch (element->kind) {
    case FHIR_BOOLEAN:
    case FHIR_COUNT:
    case FHIR_DECIMAL: return check_number(check, element, value);
    case FHIR_OBJECT: return fhir_check_object(check, value, element->children, NULL);
    case FHIR_RESOURCE: return json_is_object(value) ? OK : fhir_refuse(check, "a resource", kind_seen(value));
    case FHIR_CONCEPT: return check_concept(check, element, value);
    case FHIR_REFERENCE:
    case FHIR_PATIENT_REFERENCE: return check_reference(check, element, value);
    default: return check_string(check, element, value);
    }
}

static enum status check_array(struct fhir_check *check, const struct fhir_element *element, const json_t *value)
{
    if (!json_is_array(value)) return fhir_refuse(check, "an array", kind_seen(value));
    const size_t count = json_array_size(value);
    if (count == 0) return fhir_refuse(check, "at least one element", "an empty array");
    if (count > FHIR_ARRAY_MAX_COUNT) return fhir_refuse(check, "at most 50 elements", "more");
    for (size_t i = 0; i < count; i++) {
        const size_t before = enter_index(check, i);
        TRY(check_value(check, element, json_array_get(value, i)));
        leave(check, before);
    }
    return OK;
}

static enum status check_element(struct fhir_check *check, const struct fhir_element *element, const json_t *object)
{
    const json_t *const value = json_object_get(object, element->name);
    const bool is_needed = element->cardinality == REQUIRED || element->cardinality == AT_LEAST_ONE;
    if (value == NULL && !is_needed) return OK;
    const size_t before = enter(check, element->name);
    if (value == NULL) return fhir_refuse(check, "this element", "nothing");
    TRY(element->cardinality == MANY || element->cardinality == AT_LEAST_ONE ? check_array(check, element, value)
                                                                             : check_value(check, element, value));
    leave(check, before);
    return OK;
}

static const struct fhir_element *find(const struct fhir_element *elements, const char *name)
{
    for (; elements != NULL && elements->name != NULL; elements++) {
        if (strcmp(elements->name, name) == 0) return elements;
    }
    return NULL;
}

/* A name that is no element name may be anything, a patient's too: it is not repeated. */
static bool is_presentable(const char *name)
{
    const size_t size = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_");
    return size > 0 && size <= MEMBER_NAME_MAX_BYTES && name[size] == '\0';
}

static enum status check_names(struct fhir_check *check, const json_t *object, const struct fhir_element *elements,
                               const struct fhir_element *base)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)object, name, value) {
        if (find(elements, name) != NULL || find(base, name) != NULL) continue;
        if (is_presentable(name))
            return fhir_refuse_member(check, name, "only elements that are known here", "this element");
        return fhir_refuse(check, "only elements that are known here", "another element");
    }
    return OK;
}

static enum status check_choices(struct fhir_check *check, const json_t *object, const struct fhir_element *elements)
{
    for (const struct fhir_element *a = elements; a->name != NULL; a++) {
        if (a->choice == NULL || json_object_get(object, a->name) == NULL) continue;
        for (const struct fhir_element *b = a + 1; b->name != NULL; b++) {
            const bool is_same = b->choice != NULL && strcmp(a->choice, b->choice) == 0;
            if (is_same && json_object_get(object, b->name) != NULL)
                return fhir_refuse_member(check, a->choice, "one of its forms", "two");
        }
    }
    return OK;
}

enum status fhir_check_object(struct fhir_check *check, const json_t *object, const struct fhir_element *elements,
                              const struct fhir_element *base)
{
    if (!json_is_object(object)) return fhir_refuse(check, "an object", kind_seen(object));
    if (json_object_size(object) == 0) return fhir_refuse(check, "at least one element", "an empty object");
    TRY(check_names(check, object, elements, base));
    TRY(check_choices(check, object, elements));
    for (const struct fhir_element *e = base; e != NULL && e->name != NULL; e++) TRY(check_element(check, e, object));
    for (const struct fhir_element *e = elements; e->name != NULL; e++) TRY(check_element(check, e, object));
    return OK;
}
