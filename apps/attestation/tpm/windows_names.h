/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of SIPA elements, their names in Azure's policies, and how their values are written. Private to this room.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    SIPA_AGGREGATION = 0x40000000, /* elements are in it */
    SIPA_CLASS_MASK = 0x00ff0000,
    SIPA_CLASS_CONTAINER = 0x00010000,
    SIPA_CLASS_OS_PARAMETER = 0x00050000,
    SIPA_TRUST_BOUNDARY = 0x40010001,
    SIPA_BOOT_DEBUGGING = 0x00040001,
    SIPA_SAFE_MODE = 0x00050005,
    SIPA_WIN_PE = 0x00050006,
    SIPA_VSM_IDENTITY_KEY = 0x00050023, /* SIPAEVENT_VSM_IDKS_INFO */
    SIPA_VSM_REQUIRED = 0x000a0001,
    SIPA_IOMMU_REQUIRED = 0x000a0003,
    SIPA_VBS_MANDATORY = 0x000a0006,
};

enum sipa_form {
    SIPA_RAW,     /* {"RawData": base64url} */
    SIPA_BOOLEAN, /* true or false */
    SIPA_INTEGER, /* a number */
    SIPA_VALUE,   /* {"Value": number}, with "String" where the value has a name */
    SIPA_TEXT,    /* UTF-16 */
    SIPA_BYTES,   /* base64url */
};

struct sipa_name {
    uint32_t number;
    const char *name;
    enum sipa_form form;
    bool is_list; /* always an array */
};

/* NULL for one that is not known here: its name is then EVENT_0x and eight digits. */
const struct sipa_name *sipa_name(uint32_t number);
