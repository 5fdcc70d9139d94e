/* SPDX-License-Identifier: Apache-2.0
 *
 * Getting evidence and sealing keys from the TEE that this process runs in. One interface; backends: softtee
 * (simulation builds only), later gramine and tsm. The program cannot choose its own measurement.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "base/secret.h"

enum {
    TEE_REPORT_DATA_BYTES = 64,
    TEE_EVIDENCE_MAX_BYTES = 64 * 1024,
    TEE_SEALING_KEY_BYTES = 32,
    TEE_LABEL_MAX_BYTES = 64
};

struct tee; /* thread-safe */

/* Finds the TEE. ERR_TEE_ABSENT with what was looked for and how to start the program inside one. Call first thing in
 * main: it also drops what the launcher handed over, so that no child inherits it. */
enum status tee_open(struct refusal *why, struct tee **tee_out);
void tee_free(struct tee *tee);

const char *tee_name(const struct tee *tee); /* "softtee" */

/* A quote over `report_data`, appended. ERR_TEE_PROTOCOL. */
enum status tee_quote(struct tee *tee, const uint8_t report_data[static TEE_REPORT_DATA_BYTES], struct buffer *quote);

/* The sealing key of this measurement for `label` (the deployment's thumbprint goes into it): the same after restart,
 * on this machine only. */
enum status tee_sealing_key(struct tee *tee, struct slice label, struct secret *key_out);

/* First thing in every program's main: no core dumps of this process, not traceable (PR_SET_DUMPABLE 0), no new
 * privileges. Failure to do so is logged, not fatal (Gramine has none of it). */
void process_harden(void);
