/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program must not forget over a restart: its clock's floor and the newest manifest that it has seen,
 * sealed to this measurement in a file of its own in the state folder (architecture 5.0, 5.10). The host can delete the
 * file; it cannot lower what stands in it, and peers keep their own record.
 */
#pragma once

#include "base/refusal.h"
#include "base/secret.h"

struct floor {
    int64_t time_s;
    int64_t manifest_version;
    uint8_t manifest_digest[32]; /* of that version, of which there is one; zeros: not known */
};

/* Absent, or sealed by another measurement: zeros. ERR_IO. */
enum status floor_read(const char *path, const struct secret *sealing_key, struct refusal *why,
                       struct floor *floor_out);
enum status floor_write(const char *path, const struct secret *sealing_key, const struct floor *floor,
                        struct refusal *why);
