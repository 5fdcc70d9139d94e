/* SPDX-License-Identifier: Apache-2.0
 *
 * The vendor of the software TEE, in simulation builds only: a root CA, a PCK Platform CA and a TCB signing key, with
 * certificates whose common names are those of Intel's (the verifier looks for them) and whose organization says that
 * they are a simulation. It certifies machines (tee/simulation/machine.h) and signs the collateral that goes with them.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "crypto/key.h"

/* The one platform model that it makes, and the SVN of each TCB component that counts as up to date. */
enum { SIMULATED_FMSPC_BYTES = 6, SIMULATED_TCB_SVN = 2, SIMULATED_QE_SVN = 2, SIMULATED_TCB_EVALUATION = 1 };
enum { SIMULATED_TDX_MODULE_VERSION = 1, SIMULATED_TDX_MODULE_SVN = 2 };
enum { SIMULATED_QE_PRODUCT_ID = 1, SIMULATED_TD_QE_PRODUCT_ID = 2 };
extern const uint8_t simulated_fmspc[SIMULATED_FMSPC_BYTES];

/* How long collateral is valid; whoever serves it signs anew well before. */
enum { SIMULATED_COLLATERAL_LIFE_S = 30 * 24 * 3600 };

struct simulated_authority; /* immutable: may be used by several threads */

/* New keys, certified from an hour before `now_s` on. */
enum status simulated_authority_new(int64_t now_s, struct simulated_authority **authority_out);
void simulated_authority_free(struct simulated_authority *authority);
void simulated_authority_cleanup(struct simulated_authority **authority);

/* Its state as bytes, private keys included. Errors of reading: those of simulation_state_read, and of keys and
 * certificates. */
enum status simulated_authority_write(const struct simulated_authority *authority, struct buffer *state);
enum status simulated_authority_read(struct slice state, struct refusal *why,
                                     struct simulated_authority **authority_out);

/* What a manifest names under `simulation.roots`. Borrowed. */
const struct key *simulated_authority_root(const struct simulated_authority *authority);

/* A PCK certificate for `pck_key` with Intel's extension, all components at `tcb_svn`. Appends DER. */
enum status simulated_authority_certify(const struct simulated_authority *authority, const struct key *pck_key,
                                        uint8_t tcb_svn, int64_t now_s, struct buffer *der);

/* PEM of the Platform CA and the root, as they stand behind the PCK certificate in a quote. */
enum status simulated_authority_platform_chain(const struct simulated_authority *authority, struct buffer *pem);

/* The texts as PCS serves them; issuer chains are PEM, signer first. */
struct simulated_collateral {
    struct buffer tcb_info, qe_identity, tcb_issuer_chain;    /* the chain is that of both */
    struct buffer pck_crl, pck_crl_issuer_chain, root_ca_crl; /* lists in DER */
};
void simulated_collateral_done(struct simulated_collateral *collateral);

/* All-zero but for `now_s`: of SGX, everything up to date and nothing revoked. The rest lets tests make the other
 * cases. */
struct simulated_collateral_options {
    int64_t now_s;
    bool tdx;                  /* of TDX: TCB info with module identities, and the TD quoting enclave's identity */
    const char *module_status; /* of the newest level of the TDX module; NULL: "UpToDate" */
    const char *tcb_status, *qe_status; /* of the newest level; NULL: "UpToDate" */
    struct slice revoked_pck;           /* serial */
    bool revoke_platform_ca, revoke_tcb_signing;
};
enum status simulated_authority_collateral(const struct simulated_authority *authority,
                                           const struct simulated_collateral_options *options,
                                           struct simulated_collateral *collateral_out);

/* {"<member>":<value>,"signature":"<hex>"}: for tests that sign other texts. Appends. */
enum status simulated_authority_sign(const struct simulated_authority *authority, const char *member,
                                     struct slice value, struct buffer *text);

/* The simulated quoting enclave's MRSIGNER, as its QE identity names it. */
enum status simulated_qe_signer(uint8_t mrsigner_out[static 32]);
