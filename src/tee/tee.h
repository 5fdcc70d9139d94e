/* SPDX-License-Identifier: Apache-2.0
 *
 * Getting evidence and sealing keys from the TEE that this process runs in. One interface; backends: softtee
 * (simulation builds only), later gramine and tsm, and the one that another process of the program holds. The program
 * cannot choose its own measurement.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "base/secret.h"

#include <sys/types.h>

enum {
    TEE_REPORT_DATA_BYTES = 64,
    TEE_EVIDENCE_MAX_BYTES = 64 * 1024,
    TEE_SEALING_KEY_BYTES = 32,
    TEE_LABEL_MAX_BYTES = 64
};

struct tee; /* thread-safe */

/* Finds the TEE. ERR_TEE_ABSENT with what was looked for and how to start the program inside one. Call first thing in
 * main: it also drops what the launcher handed over, so that no program that this one executes inherits it. A child
 * that is forked and does not execute must close all descriptors that it does not need, this one's among them. */
enum status tee_open(struct refusal *why, struct tee **tee_out);
void tee_free(struct tee *tee);

const char *tee_name(const struct tee *tee); /* "softtee" */

/* How this program is measured, by the TEE's word. ERR_TEE_PROTOCOL. */
struct tee_measurement {
    uint8_t mrenclave[32], mrsigner[32];
    uint16_t product_id, svn;
};
enum status tee_measure(struct tee *tee, struct tee_measurement *measurement_out);

/* A quote over `report_data`, appended. ERR_TEE_PROTOCOL; ERR_TIMEOUT. After either, the TEE answers no more. */
enum status tee_quote(struct tee *tee, const uint8_t report_data[static TEE_REPORT_DATA_BYTES], struct buffer *quote);

/* A quote whose report_data is SHA-256(data) || zeros, appended. Errors as tee_quote's. */
enum status tee_quote_data(struct tee *tee, struct slice data, struct buffer *quote);

/* The sealing key of this measurement for `label` (the deployment's thumbprint goes into it): the same after restart,
 * on this machine only. `label` is 1 to TEE_LABEL_MAX_BYTES bytes: ERR_FIELD_VALUE. */
enum status tee_sealing_key(struct tee *tee, struct slice label, struct secret *key_out);

/* The descriptor over which this process reaches the TEE, for a child that is to keep it alone; -1 if there is none.
 * What the backends call then is read and write, which every contained process may. */
int tee_descriptor(const struct tee *tee);

/* From now on the TEE answers `process` alone, which this one has forked. ERR_TEE_PROTOCOL; ERR_UNSUPPORTED of a TEE
 * that another process keeps. */
enum status tee_hand_over(struct tee *tee, pid_t process);

/* A TEE that another process keeps, seen from one that may have quotes over data of a kind which that process permits,
 * and nothing else: every other call is ERR_UNSUPPORTED. `quote` and `context` are thread-safe and outlive it. */
typedef enum status tee_remote_quote(void *context, struct slice data, struct buffer *quote);
enum status tee_new_remote(tee_remote_quote *quote, void *context, struct tee **tee_out);

/* First thing in every program's main: no core dumps of this process, not traceable (PR_SET_DUMPABLE 0), no new
 * privileges. Failure to do so is logged, not fatal (Gramine has none of it). */
void process_harden(void);
