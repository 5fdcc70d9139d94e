/* SPDX-License-Identifier: Apache-2.0
 *
 * What Windows measures of its own boot: EV_EVENT_TAG events with SIPA elements in them (Windows SDK, wbcl.h). Private
 * to this room.
 */
#pragma once

#include "base/json.h"
#include "crypto/key.h"

enum { WINDOWS_IDENTITY_KEY_MAX_COUNT = 4 };

/* A Boolean that may have been measured several times. */
struct windows_flag {
    bool was_true, was_false;
};

/* Of the trust boundaries that were measured. */
struct windows_facts {
    bool has_trust_boundary;
    bool has_os_parameters; /* Windows' loader told how it starts the system */
    struct windows_flag boot_debugging, safe_mode, win_pe, vsm_required, vbs_mandatory, iommu_required;
    struct key *identity_keys[WINDOWS_IDENTITY_KEY_MAX_COUNT]; /* that sign enclave reports (IDKS) */
    size_t identity_key_count;
};
void windows_facts_done(struct windows_facts *facts);

/* Adds what this event says. An element that cannot be read says nothing. ERR_NO_MEMORY. */
enum status windows_facts_add(struct slice data, struct windows_facts *facts);

/* Whether data are a trust boundary, whatever type their event is said to have: no digest covers the type. */
bool windows_is_trust_boundary(struct slice data);

/* The elements as Azure's policies know them: {"EVENT_TRUSTBOUNDARY": {"EVENT_BOOTDEBUGGING": false, ...}}. Elements
 * that come more than once in a container are an array; so are always loaded modules and code integrity policies.
 * Bytes of another form are {"RawData": base64url}. ERR_NO_MEMORY. The caller owns it. */
enum status windows_event_json(struct slice data, json_t **json_out);
