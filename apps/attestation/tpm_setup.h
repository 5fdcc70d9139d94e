/* SPDX-License-Identifier: Apache-2.0
 *
 * The authorities that certificates of attestation identity keys are trusted by, if the configuration names them
 * (docs/tpm-attestation.md).
 */
#pragma once

#include "attestation/tpm/tpm.h"
#include "service/configuration.h"

/* The member `tpm_roots`, a PEM file; "" if it is not there. ERR_FIELD_*. */
enum status tpm_setup_configure(const struct configuration *configuration, struct refusal *why,
                                char path_out[static PATH_MAX]);

/* NULL for "": then no certificate is valid. The caller frees. ERR_IO, and those of tpm_roots_from_pem. */
enum status tpm_setup_open(const char *path, struct refusal *why, struct tpm_roots **roots_out);
