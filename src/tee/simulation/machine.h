/* SPDX-License-Identifier: Apache-2.0
 *
 * A simulated machine with SGX and TDX, in simulation builds only: a PCK key with its certificate, quoting enclaves
 * with an attestation key and a machine secret. It makes SGX quotes (DCAP version 3) and TD quotes (version 4, TD
 * report 1.0), both with certification data type 5, and sealing keys for programs that its caller has measured: whoever
 * holds this object can claim anything, so it stays in the launcher.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "base/secret.h"
#include "tee/simulation/authority.h"

enum {
    SIMULATED_QUOTE_MAX_BYTES = 16 * 1024,
    SIMULATED_SIGNED_BYTES = 48 + 384,    /* a quote's header and report body */
    SIMULATED_TD_SIGNED_BYTES = 48 + 584, /* the same of a TD quote */
    SIMULATED_TD_MEASUREMENT_BYTES = 48,
    SIMULATED_SEALING_KEY_BYTES = 32,
};

/* What is known of a measured program. */
struct simulated_identity {
    uint8_t mrenclave[32], mrsigner[32];
    uint16_t product_id, svn;
    bool debug;
};

struct simulated_machine; /* immutable: may be used by several threads */

/* All-zero is a machine that is up to date. The rest lets tests make the other cases. */
struct simulated_machine_options {
    uint8_t tcb_svn, qe_svn; /* 0: SIMULATED_TCB_SVN, SIMULATED_QE_SVN; 1 is out of date */
    uint8_t module_svn;      /* 0: SIMULATED_TDX_MODULE_SVN; 1 is out of date */
    bool foreign_qe;         /* a quoting enclave of another signer */
};

/* `options` may be NULL. */
enum status simulated_machine_new(const struct simulated_authority *authority,
                                  const struct simulated_machine_options *options, int64_t now_s,
                                  struct simulated_machine **machine_out);
void simulated_machine_free(struct simulated_machine *machine);
void simulated_machine_cleanup(struct simulated_machine **machine);

/* Its state as bytes, private keys included. */
enum status simulated_machine_write(const struct simulated_machine *machine, struct buffer *state);
enum status simulated_machine_read(struct slice state, struct refusal *why, struct simulated_machine **machine_out);

/* Borrowed: DER of the PCK certificate, and the key of the root that its chain ends at. */
struct slice simulated_machine_pck(const struct simulated_machine *machine);
const struct key *simulated_machine_root(const struct simulated_machine *machine);

/* Appends a quote. */
enum status simulated_machine_quote(const struct simulated_machine *machine, const struct simulated_identity *identity,
                                    const uint8_t report_data[static 64], struct buffer *quote);

/* The two halves of it, for tests that change what is signed: header and report body, appended; then the signature over
 * any such bytes and all that follows. */
enum status simulated_machine_report(const struct simulated_machine *machine, const struct simulated_identity *identity,
                                     const uint8_t report_data[static 64], struct buffer *signed_part);
enum status simulated_machine_sign(const struct simulated_machine *machine, struct slice signed_part,
                                   struct buffer *quote);

/* What is known of a measured TD. */
struct simulated_domain {
    uint8_t mrtd[SIMULATED_TD_MEASUREMENT_BYTES], rtmr[4][SIMULATED_TD_MEASUREMENT_BYTES];
    bool debug;
};

/* Appends a TD quote, which goes with collateral of TDX. Then the halves of it, as above. */
enum status simulated_machine_td_quote(const struct simulated_machine *machine, const struct simulated_domain *domain,
                                       const uint8_t report_data[static 64], struct buffer *quote);
enum status simulated_machine_td_report(const struct simulated_machine *machine, const struct simulated_domain *domain,
                                        const uint8_t report_data[static 64], struct buffer *signed_part);
enum status simulated_machine_td_sign(const struct simulated_machine *machine, struct slice signed_part,
                                      struct buffer *quote);

/* HKDF(machine secret, MRENCLAVE || MRSIGNER || product id || debug || label): a debug build of the same code gets
 * other keys, as on the real thing. */
enum status simulated_machine_sealing_key(const struct simulated_machine *machine,
                                          const struct simulated_identity *identity, struct slice label,
                                          struct secret *key_out);
