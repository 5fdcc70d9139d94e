/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm/windows.h"

#include "attestation/tpm/text.h"
#include "attestation/tpm/windows_names.h"
#include "base/reader.h"

#include <stdio.h>

enum { NESTING_MAX = 4 };

void windows_facts_done(struct windows_facts *facts)
{
    for (size_t i = 0; i < facts->identity_key_count; i++) key_free(facts->identity_keys[i]);
}

struct element {
    uint32_t number;
    struct slice data;
};

/* False at the end, and where the rest is no element: then the reader stands before it. */
static bool next_element(struct reader *reader, struct element *element_out)
{
    struct reader ahead = *reader;
    uint32_t size;
    if (reader_u32_le(&ahead, &element_out->number) != OK || reader_u32_le(&ahead, &size) != OK ||
        reader_slice(&ahead, size, &element_out->data) != OK)
        return false;
    *reader = ahead;
    return true;
}

static bool is_container(uint32_t number)
{
    return (number & SIPA_AGGREGATION) != 0 && (number & SIPA_CLASS_MASK) == SIPA_CLASS_CONTAINER;
}

/* Numbers of up to eight bytes; longer ones have no value that could be told. */
static bool read_number(struct slice data, uint64_t *number_out)
{
    if (data.size == 0 || data.size > sizeof(*number_out)) return false;
    *number_out = slice_number_le(data);
    return true;
}

/* ---- facts ---- */

static struct windows_flag *flag_of(struct windows_facts *facts, uint32_t number)
{
    switch (number) {
    case SIPA_BOOT_DEBUGGING: return &facts->boot_debugging;
    case SIPA_SAFE_MODE: return &facts->safe_mode;
    case SIPA_WIN_PE: return &facts->win_pe;
    case SIPA_VSM_REQUIRED: return &facts->vsm_required;
    case SIPA_VBS_MANDATORY: return &facts->vbs_mandatory;
    case SIPA_IOMMU_REQUIRED: return &facts->iommu_required;
    default: return NULL;
    }
}

/* SIPAEVENT_VSM_IDK_INFO_PAYLOAD of an RSA key: kind, bits, sizes of exponent and modulus, and both, big endian. */
static enum status add_identity_key(struct slice data, struct windows_facts *facts)
{
    struct reader reader = reader_over(data);
    uint32_t kind, bits, exponent_size, modulus_size;
    struct slice exponent, modulus;
    struct key *key;
    if (facts->identity_key_count == WINDOWS_IDENTITY_KEY_MAX_COUNT) return OK;
    if (reader_u32_le(&reader, &kind) != OK || reader_u32_le(&reader, &bits) != OK ||
        reader_u32_le(&reader, &exponent_size) != OK || reader_u32_le(&reader, &modulus_size) != OK ||
        reader_slice(&reader, exponent_size, &exponent) != OK || reader_slice(&reader, modulus_size, &modulus) != OK)
        return OK;
    const enum status status = key_from_rsa(modulus, exponent, &key);
    if (status == ERR_NO_MEMORY) return status;
    if (status == OK) facts->identity_keys[facts->identity_key_count++] = key;
    return OK;
}

/* A value that cannot be read counts as the worse of both. */
static void add_flag(struct slice data, struct windows_flag *flag)
{
    uint64_t value;
    const bool is_known = read_number(data, &value);
    if (!is_known || value != 0) flag->was_true = true;
    if (!is_known || value == 0) flag->was_false = true;
}

static enum status add_element(const struct element *element, struct windows_facts *facts)
{
    struct windows_flag *const flag = flag_of(facts, element->number);
    if (flag != NULL) add_flag(element->data, flag);
    if ((element->number & ~(uint32_t)UINT16_MAX) == SIPA_CLASS_OS_PARAMETER) facts->has_os_parameters = true;
    return element->number == SIPA_VSM_IDENTITY_KEY ? add_identity_key(element->data, facts) : OK;
}

enum status windows_facts_add(struct slice data, struct windows_facts *facts)
{
    struct reader reader = reader_over(data);
    struct element outer, inner;
    while (next_element(&reader, &outer)) {
        if (outer.number != SIPA_TRUST_BOUNDARY) continue;
        facts->has_trust_boundary = true;
        struct reader elements = reader_over(outer.data);
        while (next_element(&elements, &inner)) TRY(add_element(&inner, facts));
    }
    return OK;
}

bool windows_is_trust_boundary(struct slice data)
{
    struct reader reader = reader_over(data);
    struct element element;
    while (next_element(&reader, &element)) {
        if (element.number == SIPA_TRUST_BOUNDARY) return true;
    }
    return false;
}

/* ---- JSON ---- */

/* Numbers beyond what JSON readers hold exactly are written in hexadecimal, as text. */
static json_t *json_of_number(uint64_t number)
{
    char text[24];
    if (number <= INT64_MAX) return json_integer((json_int_t)number);
    (void)snprintf(text, sizeof(text), "0x%016llx", (unsigned long long)number);
    return json_string(text);
}

/* The one name of a value that Azure's sample policies ask for. */
static const char *value_name(uint32_t number, uint64_t value)
{
    enum { HVCI_POLICY = 0x000a0007 };
    return number == HVCI_POLICY && value == 1 ? "HypervisorEnforcedCodeIntegrityEnable" : NULL;
}

static enum status json_of_value(uint32_t number, uint64_t value, json_t **json_out)
{
    CLEANUP(json_done) json_t *object = json_object();
    const char *const name = value_name(number, value);
    TRY(text_put(object, "Value", json_of_number(value)));
    if (name != NULL) TRY(text_put(object, "String", json_string(name)));
    *json_out = json_incref(object);
    return OK;
}

static enum status json_of_raw(struct slice data, json_t **json_out)
{
    CLEANUP(json_done) json_t *object = json_object();
    json_t *text;
    TRY(text_of_base64url(data, &text));
    TRY(text_put(object, "RawData", text));
    *json_out = json_incref(object);
    return OK;
}

static enum status json_of_scalar(const struct element *element, enum sipa_form form, json_t **json_out)
{
    uint64_t value;
    if (form == SIPA_TEXT) return text_of_utf16(element->data, json_out);
    if (form == SIPA_BYTES) return text_of_base64url(element->data, json_out);
    if (form == SIPA_RAW || !read_number(element->data, &value)) return json_of_raw(element->data, json_out);
    if (form == SIPA_VALUE) return json_of_value(element->number, value, json_out);
    *json_out = form == SIPA_BOOLEAN ? json_boolean(value != 0) : json_of_number(value);
    return *json_out == NULL ? ERR_NO_MEMORY : OK;
}

/* The first of a name stands alone, unless it is a list by nature; with the second the two become an array. */
static enum status put_element(json_t *object, const char *name, bool is_list, json_t *value)
{
    json_t *const before = json_object_get(object, name);
    if (before == NULL && !is_list) return text_put(object, name, value);
    if (before != NULL && json_is_array(before)) return json_array_append_new(before, value) == 0 ? OK : ERR_NO_MEMORY;
    CLEANUP(json_done) json_t *list = json_array();
    if (before != NULL && json_array_append(list, before) != 0) {
        json_decref(value);
        return ERR_NO_MEMORY;
    }
    if (json_array_append_new(list, value) != 0) return ERR_NO_MEMORY;
    return text_put(object, name, json_incref(list));
}

static enum status json_of_elements(struct slice data, unsigned depth, json_t **json_out);

static enum status json_of_element(const struct element *element, unsigned depth, json_t *object)
{
    char number[24];
    json_t *value;
    const struct sipa_name *const known = sipa_name(element->number);
    (void)snprintf(number, sizeof(number), "EVENT_0x%08X", (unsigned)element->number);
    if (is_container(element->number) && depth < NESTING_MAX)
        TRY(json_of_elements(element->data, depth + 1, &value));
    else
        TRY(json_of_scalar(element, known == NULL ? SIPA_RAW : known->form, &value));
    return put_element(object, known == NULL ? number : known->name, known != NULL && known->is_list, value);
}

/* Bytes that are no elements stand there raw. */
static enum status json_of_elements(struct slice data, unsigned depth, json_t **json_out)
{
    CLEANUP(json_done) json_t *object = json_object();
    struct reader reader = reader_over(data);
    struct element element;
    if (object == NULL) return ERR_NO_MEMORY;
    while (next_element(&reader, &element)) TRY(json_of_element(&element, depth, object));
    if (reader_left(&reader) > 0) return json_of_raw(data, json_out);
    *json_out = json_incref(object);
    return OK;
}

enum status windows_event_json(struct slice data, json_t **json_out)
{
    return json_of_elements(data, 0, json_out);
}
