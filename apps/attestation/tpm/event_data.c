/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm/event_data.h"

#include "attestation/tpm/text.h"
#include "attestation/tpm/windows.h"
#include "base/encoding.h"
#include "base/reader.h"
#include "crypto/x509.h"

#include <stdio.h>

enum {
    EVENT_ACTION = 0x00000005,
    EVENT_EFI_ACTION = 0x80000007,
    EVENT_VARIABLE_BOOT2 = 0x8000000c,
    EVENT_VARIABLE_AUTHORITY = 0x800000e0,
    GUID_BYTES = 16,
};

const char *event_type_name(uint32_t type)
{
    static const struct {
        uint32_t type;
        const char *name;
    } names[] = {
        {0x00000000, "EV_PREBOOT_CERT"},
        {0x00000001, "EV_POST_CODE"},
        {0x00000002, "EV_UNUSED"},
        {0x00000003, "EV_NO_ACTION"},
        {EVENT_SEPARATOR, "EV_SEPARATOR"},
        {EVENT_ACTION, "EV_ACTION"},
        {EVENT_TAG, "EV_EVENT_TAG"},
        {0x00000007, "EV_S_CRTM_CONTENTS"},
        {0x00000008, "EV_S_CRTM_VERSION"},
        {0x00000009, "EV_CPU_MICROCODE"},
        {0x0000000a, "EV_PLATFORM_CONFIG_FLAGS"},
        {0x0000000b, "EV_TABLE_OF_DEVICES"},
        {0x0000000c, "EV_COMPACT_HASH"},
        {0x0000000d, "EV_IPL"},
        {0x0000000e, "EV_IPL_PARTITION_DATA"},
        {0x0000000f, "EV_NONHOST_CODE"},
        {0x00000010, "EV_NONHOST_CONFIG"},
        {0x00000011, "EV_NONHOST_INFO"},
        {0x00000012, "EV_OMIT_BOOT_DEVICE_EVENTS"},
        {0x00000013, "EV_POST_CODE2"},
        {TPM_EVENT_IMA, "IMA_MEASUREMENT_EVENT"},
        {TPM_EVENT_IMA_BUFFER, "IMA_MEASUREMENT_EVENT"},
        {0x80000000, "EV_EFI_EVENT_BASE"},
        {EVENT_VARIABLE_DRIVER_CONFIG, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
        {EVENT_VARIABLE_BOOT, "EV_EFI_VARIABLE_BOOT"},
        {0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION"},
        {0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER"},
        {0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
        {0x80000006, "EV_EFI_GPT_EVENT"},
        {EVENT_EFI_ACTION, "EV_EFI_ACTION"},
        {0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
        {0x80000009, "EV_EFI_HANDOFF_TABLES"},
        {0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
        {0x8000000b, "EV_EFI_HANDOFF_TABLES2"},
        {EVENT_VARIABLE_BOOT2, "EV_EFI_VARIABLE_BOOT2"},
        {0x80000010, "EV_EFI_HCRTM_EVENT"},
        {EVENT_VARIABLE_AUTHORITY, "EV_EFI_VARIABLE_AUTHORITY"},
        {0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB"},
        {0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].type == type) return names[i].name;
    }
    return NULL;
}

/* ---- UEFI variables ---- */

bool uefi_variable_read(struct slice data, struct uefi_variable *variable_out)
{
    struct reader reader = reader_over(data);
    uint64_t units, size;
    return reader_slice(&reader, GUID_BYTES, &variable_out->guid) == OK && reader_u64_le(&reader, &units) == OK &&
           reader_u64_le(&reader, &size) == OK && units <= data.size && size <= data.size &&
           reader_slice(&reader, (size_t)units * 2, &variable_out->name) == OK &&
           reader_slice(&reader, (size_t)size, &variable_out->data) == OK && reader_end(&reader) == OK;
}

/* The variable of EFI_GLOBAL_VARIABLE, 8be4df61-93ca-11d2-aa0d-00e098032b8c. */
bool uefi_variable_is_secure_boot(const struct uefi_variable *variable)
{
    static const uint8_t guid[GUID_BYTES] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                             0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
    static const uint8_t name[] = {'S', 0, 'e', 0, 'c', 0, 'u', 0, 'r', 0, 'e', 0, 'B', 0, 'o', 0, 'o', 0, 't', 0};
    return slice_equal(variable->guid, SLICE_ARRAY(guid)) && slice_equal(variable->name, SLICE_ARRAY(name));
}

/* The first three numbers of a GUID are little endian; Azure's policies write it in capitals. */
static json_t *text_of_guid(struct slice guid)
{
    const uint8_t *const b = guid.bytes;
    char text[40];
    (void)snprintf(text, sizeof(text), "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", b[3],
                   b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
    return json_string(text);
}

static enum status json_of_variable(struct slice bytes, json_t **json_out)
{
    struct uefi_variable variable;
    if (!uefi_variable_read(bytes, &variable)) return OK;
    CLEANUP(json_done) json_t *object = json_object();
    json_t *name, *data;
    TRY(text_put(object, "VariableGuid", text_of_guid(variable.guid)));
    TRY(text_of_utf16(variable.name, &name));
    TRY(text_put(object, "UnicodeName", name));
    TRY(text_of_base64url(variable.data, &data));
    TRY(text_put(object, "VariableData", data));
    *json_out = json_incref(object);
    return OK;
}

/* ---- others ---- */

static enum status json_of_text(struct slice bytes, json_t **json_out)
{
    if (bytes.size == 0 || !utf8_is_valid(bytes, false)) return OK;
    CLEANUP(json_done) json_t *object = json_object();
    TRY(text_put(object, "String", json_stringn((const char *)bytes.bytes, bytes.size)));
    *json_out = json_incref(object);
    return OK;
}

/* ---- Linux' measurement list ---- */

/* Fields of a template, each behind its size: the digest of what was measured with its algorithm's name and a colon in
 * front, the name of it, and with ima-buf the measured bytes themselves. */
struct ima_fields {
    struct slice digest, name, buffer;
};

static bool read_field(struct reader *reader, struct slice *field_out)
{
    uint32_t size;
    return reader_u32_le(reader, &size) == OK && reader_slice(reader, size, field_out) == OK;
}

static bool read_ima(struct slice data, bool has_buffer, struct ima_fields *fields_out)
{
    struct reader reader = reader_over(data);
    return read_field(&reader, &fields_out->digest) && read_field(&reader, &fields_out->name) &&
           (!has_buffer || read_field(&reader, &fields_out->buffer));
}

static struct slice without_nul(struct slice text)
{
    return text.size > 0 && text.bytes[text.size - 1] == 0 ? slice_part(text, 0, text.size - 1) : text;
}

/* Names and versions that are no text are not told. */
static enum status put_text(json_t *object, const char *name, struct slice text)
{
    if (text.size == 0 || !utf8_is_valid(text, false)) return OK;
    return text_put(object, name, json_stringn((const char *)text.bytes, text.size));
}

/* A key that was added to a keyring, which is what the entry is named by. */
static enum status put_keyring(json_t *object, const struct ima_fields *fields)
{
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    TRY(put_text(object, "Keyring", without_nul(fields->name)));
    const enum status status = certificate_from_der(fields->buffer, &certificate);
    if (status != OK) return status == ERR_NO_MEMORY ? status : OK;
    return put_text(object, "CertificateSubject", slice_of_text(certificate_subject_common_name(certificate)));
}

static enum status put_buffer(json_t *object, const struct ima_fields *fields)
{
    const struct slice name = without_nul(fields->name);
    json_t *raw;
    if (slice_equal_text(name, "kernel_version")) TRY(put_text(object, "KernelVersion", without_nul(fields->buffer)));
    if (slice_starts_with(name, SLICE_LITERAL("."))) TRY(put_keyring(object, fields));
    TRY(text_of_base64url(fields->buffer, &raw));
    return text_put(object, "RawData", raw);
}

static enum status put_digest(json_t *object, struct slice field)
{
    struct slice algorithm, digest;
    json_t *text;
    if (!slice_split(field, 0, &algorithm, &digest)) return OK;
    TRY(text_of_hex(digest, &text));
    TRY(text_put(object, "Digest", text));
    return put_text(object, "HashAlgorithm",
                    algorithm.size > 0 ? slice_part(algorithm, 0, algorithm.size - 1) : algorithm);
}

static enum status json_of_ima(struct slice data, bool has_buffer, json_t **json_out)
{
    struct ima_fields fields = {};
    if (!read_ima(data, has_buffer, &fields)) return OK;
    CLEANUP(json_done) json_t *object = json_object();
    if (object == NULL) return ERR_NO_MEMORY;
    TRY(put_text(object, "Name", without_nul(fields.name)));
    TRY(put_digest(object, fields.digest));
    if (has_buffer) TRY(put_buffer(object, &fields));
    *json_out = json_incref(object);
    return OK;
}

enum status event_data_json(const struct tpm_event *event, bool is_proven, json_t **json_out)
{
    *json_out = NULL;
    if (!is_proven) return OK;
    switch (event->type) {
    case EVENT_TAG: return windows_event_json(event->data, json_out);
    case EVENT_VARIABLE_DRIVER_CONFIG:
    case EVENT_VARIABLE_BOOT:
    case EVENT_VARIABLE_BOOT2:
    case EVENT_VARIABLE_AUTHORITY: return json_of_variable(event->data, json_out);
    case TPM_EVENT_IMA:
    case TPM_EVENT_IMA_BUFFER: return json_of_ima(event->data, event->type == TPM_EVENT_IMA_BUFFER, json_out);
    case EVENT_ACTION:
    case EVENT_EFI_ACTION: return json_of_text(event->data, json_out);
    default: return OK;
    }
}
