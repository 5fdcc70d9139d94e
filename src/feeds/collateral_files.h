/* SPDX-License-Identifier: Apache-2.0
 *
 * One platform's collateral as files of a folder, the form in which it is kept, handed on and given by hand:
 * tcbinfo.json, tcb_issuer_chain.pem, qe_identity.json, qe_identity_issuer_chain.pem (the TCB info's if absent),
 * pck.crl, pck_crl_issuer_chain.pem, root_ca.crl. Lists are DER or PEM.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "evidence/intel.h"

struct collateral_files {
    struct buffer tcb_info, tcb_info_issuer_chain;
    struct buffer qe_identity, qe_identity_issuer_chain;
    struct buffer pck_crl, pck_crl_issuer_chain;
    struct buffer root_ca_crl;
};

/* Empty buffers with their maxima. */
struct collateral_files collateral_files_empty(void);
void collateral_files_done(struct collateral_files *files);

/* Borrowed from `files`. */
struct collateral_texts collateral_files_texts(const struct collateral_files *files);

/* ERR_COLLATERAL_MISSING (the refusal names the file that is not there), ERR_IO, ERR_TOO_LARGE. */
enum status collateral_files_read(const char *folder, struct refusal *why, struct collateral_files *files_out);

/* Makes the folder if it is not there; each file is replaced atomically. What a crash leaves half old and half new is
 * still signed text by text. ERR_IO. */
enum status collateral_files_write(const char *folder, const struct collateral_files *files, struct refusal *why);
