/* SPDX-License-Identifier: Apache-2.0
 *
 * The data of events (TCG PC Client Platform Firmware Profile, section 10.4). Private to this room.
 */
#pragma once

#include "base/json.h"
#include "evidence/tpm.h"

enum {
    EVENT_SEPARATOR = 0x00000004,
    EVENT_TAG = 0x00000006,
    EVENT_VARIABLE_DRIVER_CONFIG = 0x80000001,
    EVENT_VARIABLE_BOOT = 0x80000002,
};
enum {
    SEPARATOR_BYTES = 4,
    SECURE_BOOT_PCR = 7,
    WINDOWS_PCRS = 1 << 12 | 1 << 13 | 1 << 19 | 1 << 20, /* where Windows measures its trust boundaries */
};

/* "EV_SEPARATOR"; NULL for a type that is not known here. */
const char *event_type_name(uint32_t type);

/* UEFI_VARIABLE_DATA; everything borrowed. */
struct uefi_variable {
    struct slice guid, name, data; /* the name in UTF-16 */
};
bool uefi_variable_read(struct slice data, struct uefi_variable *variable_out);
bool uefi_variable_is_secure_boot(const struct uefi_variable *variable);

/* What policies see as ProcessedData; NULL for data that are not proven or of no known form. ERR_NO_MEMORY. */
enum status event_data_json(const struct tpm_event *event, bool is_proven, json_t **json_out);
