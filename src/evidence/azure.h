/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifying Azure confidential virtual machines: the hardware report that the paravisor keeps in the vTPM (HCL report,
 * NV index 0x01400001), the runtime data that it commits to, and a quote of the vTPM by the key named there. The
 * hardware report is AMD's, or Intel's TDREPORT together with the TD quote made of it. Pure.
 */
#pragma once

#include "evidence/amd.h"
#include "evidence/intel.h"
#include "evidence/tpm.h"

enum {
    HCL_REPORT_MAX_BYTES = 64 * 1024,
    HCL_RUNTIME_DATA_MAX_BYTES = 32 * 1024,
    AZURE_VM_ID_MAX_BYTES = 64,
    AZURE_USER_DATA_MAX_BYTES = 128,
    AZURE_EVIDENCE_JSON_MAX_BYTES = 256 * 1024,
};

enum azure_isolation { AZURE_SNP, AZURE_TDX };

struct azure_claims {
    enum azure_isolation isolation; /* which of the two below holds */
    struct snp_claims snp;
    struct tdx_claims tdx;
    bool has_tpm; /* a quote of the vTPM was given and holds; without one nothing says that the machine runs now */
    struct tpm_claims tpm;
    uint8_t runtime_data_hash[32];
    uint8_t ak_thumbprint[32];                      /* HCLAkPub, RFC 7638 */
    bool secure_boot, tpm_enabled, console_enabled; /* of vm-configuration; false if it is not said */
    char vm_id[AZURE_VM_ID_MAX_BYTES + 1];
    char user_data[AZURE_USER_DATA_MAX_BYTES + 1]; /* hexadecimal, as the runtime data has it */
    int64_t expires_s;
};

struct azure_evidence {
    struct slice hcl_report;              /* zeros of the NV index may follow */
    struct slice td_quote;                /* TDX alone: of the TDREPORT inside the HCL report; zeros may follow */
    struct snp_endorsements endorsements; /* SNP */
    const struct collateral *collateral;  /* TDX */
    const struct trust_roots *roots;
    struct verification_cache *cache; /* TDX; may be NULL */
    struct snp_cache *snp_cache;      /* SNP; may be NULL */
    bool tpm_required; /* fail if there is no quote: services set it, a command that looks at a report alone does not */
    struct tpm_quote tpm; /* without its key, which is taken from the runtime data; `attest` empty: none */
};

/* The full verification at `now_s`: the hardware's report (AMD's from VMPL 0; Intel's by its TD quote, with which the
 * TDREPORT must agree in every field), that it binds the runtime data by all of its report data, and the quote of the
 * vTPM by the one key that those name. ERR_AZURE_REPORT, ERR_REPORT_DATA, ERR_COLLATERAL_MISSING (TDX without), those
 * of snp_report_verify or tdx_quote_verify and of tpm_quote_verify, ERR_TRAILING_BYTES, ERR_TOO_LARGE. */
enum status azure_vtpm_verify(const struct azure_evidence *evidence, int64_t now_s, struct refusal *why,
                              struct azure_claims *claims_out);

/* What an HCL report holds, read without verifying: whose report it is and what it needs (snp_report_facts). Borrowed
 * from it. ERR_AZURE_REPORT, ERR_TRAILING_BYTES, ERR_TOO_LARGE. */
struct azure_facts {
    enum azure_isolation isolation;
    struct slice hardware_report; /* AMD's, or a TDREPORT */
    struct slice runtime_data;    /* JSON */
};
enum status azure_report_facts(struct slice hcl_report, struct refusal *why, struct azure_facts *facts_out);

/* All of a machine's evidence in one JSON text, in one of these forms (docs/evidence.md):
 *   ours        {"hcl_report", "tpm": {"attest","signature","pcrs","event_log"}, "td_quote", "certificates"}
 *   Trustee 0   {"report","quote":{"message","signature","pcrs"},"vcek"} and {"hcl_report","tpm_quote","td_quote"}, all
 *               bytes as arrays of numbers, the certificate as PEM
 *   Trustee 1, 2  {"version","hcl_report","tpm_quote":{...},"vcek" or "td_quote"}, the quote's bytes in hexadecimal
 *   lunal       {"platform":"az-snp" or "az-tdx","evidence": Trustee 1}
 * (confidential-containers/trustee, deps/verifier; lunal-dev/attestation-rs). `evidence` borrows from the other
 * members, so that the whole must stay where it is; collateral, roots, caches, nonce and further certificates are the
 * caller's to add. ERR_FIELD_*, ERR_JSON_SYNTAX, ERR_TPM_PCR, ERR_TPM_MALFORMED, ERR_TOO_LARGE. */
struct azure_evidence_text {
    struct azure_evidence evidence;
    struct slice certificates; /* the one entry of evidence.endorsements; empty: none */
    struct buffer hcl_report, td_quote, certificate_bytes;
    struct tpm_evidence tpm;
};
enum status azure_evidence_json(struct slice text, struct refusal *why, struct azure_evidence_text *evidence_out);
void azure_evidence_text_done(struct azure_evidence_text *evidence);
