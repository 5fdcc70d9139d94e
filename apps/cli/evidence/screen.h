/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the one screen that tells a person what was verified. A line is a title and a value; a value that goes
 * on has an empty title.
 */
#pragma once

#include "base/buffer.h"
#include "evidence/verify.h"

#define SCREEN_TITLE "  %-14s "

enum status screen_line(struct buffer *text, const char *title, const char *value);
enum status screen_hex(struct buffer *text, const char *title, struct slice bytes);
enum status screen_wide_hex(struct buffer *text, const char *title, struct slice bytes); /* 64 bytes, on two lines */

/* What is wrong: every fault, each on a line of its own. */
struct faults {
    struct buffer *text;
    bool has_any;
};
enum status screen_fault(struct faults *faults, bool is_there, const char *what);

/* Who signed and what ran, by kind; then its faults. */
enum status screen_sgx(const struct sgx_claims *sgx, struct buffer *text);
enum status screen_tdx(const struct tdx_claims *tdx, struct buffer *text);
enum status screen_snp(const struct snp_claims *snp, struct buffer *text);
enum status screen_tpm(const struct tpm_claims *tpm, struct buffer *text);
enum status screen_tpm_state(const struct tpm_claims *tpm, struct buffer *text); /* without who signed */
enum status screen_azure(const struct azure_claims *azure, struct buffer *text);
enum status screen_td_faults(const struct tdx_claims *tdx, struct faults *faults);
enum status screen_snp_faults(const struct snp_claims *snp, struct faults *faults);
enum status screen_tpm_faults(const struct tpm_claims *tpm, struct faults *faults);
enum status screen_azure_faults(const struct azure_claims *azure, struct faults *faults);

/* Intel's status: its date and advisories, what it means (NULL: nothing is wrong), and what to do. */
enum status screen_platform(const struct intel_platform *platform, struct buffer *text);
const char *screen_tcb_fault(enum tcb_status status);
const char *screen_tcb_advice(enum tcb_status status);
