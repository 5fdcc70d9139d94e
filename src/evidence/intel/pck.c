/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/pck.h"

#include "crypto/der_read.h"

#include <string.h>

/* Last arc of the elements below 1.2.840.113741.1.13.1, below .2 for the TCB and below .7 for the configuration. */
enum element {
    ELEMENT_PPID = 1,
    ELEMENT_TCB,
    ELEMENT_PCE_ID,
    ELEMENT_FMSPC,
    ELEMENT_SGX_TYPE,
    ELEMENT_INSTANCE_ID,
    ELEMENT_CONFIGURATION,
    ELEMENT_MAX = 31,
};
enum tcb_element { TCB_PCE_SVN = TCB_COMPONENT_COUNT + 1, TCB_CPU_SVN, TCB_ELEMENT_COUNT = TCB_CPU_SVN };
enum configuration_element { CONFIGURATION_DYNAMIC = 1, CONFIGURATION_CACHED_KEYS, CONFIGURATION_SMT };

/* Standard, Scalable, Scalable with Integrity. */
enum { SGX_TYPE_MAX = 2 };

/* 1.2.840.113741.1.13.1, .2 and .7 */
static const uint8_t extension_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
static const uint8_t tcb_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, 0x02};
static const uint8_t configuration_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, 0x07};

/* One { OID, value }: the OID's last arc below `parent`, and a reader at the value. */
struct element_value {
    unsigned number;
    struct reader value;
};

/* Reads the next element and notes its number in `seen`. Numbers of one byte alone can occur. */
static enum status read_element(struct reader *list, struct slice parent, uint32_t *seen, struct element_value *out)
{
    struct reader parts;
    struct slice oid;
    TRY(der_enter(list, DER_TAG_SEQUENCE, &parts));
    TRY(der_content(&parts, DER_TAG_OID, &oid));
    if (oid.size != parent.size + 1 || !slice_starts_with(oid, parent)) return ERR_ENCODING;
    const unsigned number = oid.bytes[parent.size];
    if (number > ELEMENT_MAX || (*seen >> number & 1) != 0) return ERR_ENCODING;
    *seen |= 1U << number;
    *out = (struct element_value){.number = number, .value = parts};
    return OK;
}

static enum status read_octets(struct reader *value, size_t size, uint8_t *bytes_out)
{
    struct slice octets;
    TRY(der_content(value, DER_TAG_OCTET_STRING, &octets));
    if (octets.size != size) return ERR_ENCODING;
    if (bytes_out != NULL) memcpy(bytes_out, octets.bytes, size);
    return reader_end(value);
}

static enum status read_tcb_element(struct element_value *element, struct pck *pck)
{
    uint32_t number;
    if (element->number == TCB_CPU_SVN) return read_octets(&element->value, TCB_COMPONENT_COUNT, NULL);
    if (element->number == TCB_PCE_SVN) {
        TRY(der_number(&element->value, DER_TAG_INTEGER, UINT16_MAX, &number));
        pck->pce_svn = (uint16_t)number;
        return reader_end(&element->value);
    }
    if (element->number < 1 || element->number > TCB_COMPONENT_COUNT) return ERR_ENCODING;
    TRY(der_number(&element->value, DER_TAG_INTEGER, UINT8_MAX, &number));
    pck->components[element->number - 1] = (uint8_t)number;
    return reader_end(&element->value);
}

static enum status read_tcb(struct reader *value, struct pck *pck)
{
    struct reader list;
    uint32_t seen = 0;
    TRY(der_enter(value, DER_TAG_SEQUENCE, &list));
    TRY(reader_end(value));
    while (reader_left(&list) > 0) {
        struct element_value element;
        TRY(read_element(&list, SLICE_ARRAY(tcb_oid), &seen, &element));
        TRY(read_tcb_element(&element, pck));
    }
    const uint32_t all = ((1U << TCB_ELEMENT_COUNT) - 1) << 1;
    return seen == all ? OK : ERR_FIELD_MISSING;
}

static enum status read_flag(struct element_value *element, struct pck *pck)
{
    bool *flag;
    switch (element->number) {
    case CONFIGURATION_DYNAMIC: flag = &pck->is_dynamic; break;
    case CONFIGURATION_CACHED_KEYS: flag = &pck->has_cached_keys; break;
    case CONFIGURATION_SMT: flag = &pck->smt_enabled; break;
    default: return ERR_ENCODING;
    }
    TRY(der_boolean(&element->value, flag));
    return reader_end(&element->value);
}

static enum status read_configuration(struct reader *value, struct pck *pck)
{
    struct reader list;
    uint32_t seen = 0;
    TRY(der_enter(value, DER_TAG_SEQUENCE, &list));
    TRY(reader_end(value));
    while (reader_left(&list) > 0) {
        struct element_value element;
        TRY(read_element(&list, SLICE_ARRAY(configuration_oid), &seen, &element));
        TRY(read_flag(&element, pck));
    }
    const uint32_t all = 1U << CONFIGURATION_DYNAMIC | 1U << CONFIGURATION_CACHED_KEYS | 1U << CONFIGURATION_SMT;
    return seen == all ? OK : ERR_FIELD_MISSING;
}

static enum status read_sgx_type(struct reader *value)
{
    uint32_t type;
    TRY(der_number(value, DER_TAG_ENUMERATED, SGX_TYPE_MAX, &type));
    return reader_end(value);
}

static enum status read_top_element(struct element_value *element, struct pck *pck)
{
    struct reader *const value = &element->value;
    switch (element->number) {
    case ELEMENT_PPID: return read_octets(value, sizeof(pck->ppid), pck->ppid);
    case ELEMENT_TCB: return read_tcb(value, pck);
    case ELEMENT_PCE_ID: return read_octets(value, PCE_ID_BYTES, pck->pce_id);
    case ELEMENT_FMSPC: return read_octets(value, FMSPC_BYTES, pck->fmspc);
    case ELEMENT_SGX_TYPE: return read_sgx_type(value);
    case ELEMENT_INSTANCE_ID: return read_octets(value, sizeof(pck->instance_id), pck->instance_id);
    case ELEMENT_CONFIGURATION: return read_configuration(value, pck);
    default: return ERR_ENCODING;
    }
}

/* Certificates of the Processor CA have the first five elements, those of the Platform CA all seven. */
static enum status check_elements(uint32_t seen, struct pck *pck)
{
    const uint32_t common =
        1U << ELEMENT_PPID | 1U << ELEMENT_TCB | 1U << ELEMENT_PCE_ID | 1U << ELEMENT_FMSPC | 1U << ELEMENT_SGX_TYPE;
    pck->has_instance = seen == (common | 1U << ELEMENT_INSTANCE_ID | 1U << ELEMENT_CONFIGURATION);
    return pck->has_instance || seen == common ? OK : ERR_FIELD_MISSING;
}

static enum status parse(struct slice extension, struct pck *pck)
{
    struct reader outer = reader_over(extension), list;
    uint32_t seen = 0;
    TRY(der_enter(&outer, DER_TAG_SEQUENCE, &list));
    TRY(reader_end(&outer));
    while (reader_left(&list) > 0) {
        struct element_value element;
        TRY(read_element(&list, SLICE_ARRAY(extension_oid), &seen, &element));
        TRY(read_top_element(&element, pck));
    }
    return check_elements(seen, pck);
}

enum status pck_parse(struct slice extension, struct refusal *why, struct pck *pck_out)
{
    struct pck pck = {};
    const enum status status = parse(extension, &pck);
    if (status != OK)
        return refuse(why, ERR_CERTIFICATE_MALFORMED, "pck_certificate.sgx_extension",
                      "PPID, TCB, PCEID, FMSPC and SGX type, or these with instance id and configuration, "
                      "each once and whole, in DER",
                      "%s", status_text(status));
    *pck_out = pck;
    return OK;
}
