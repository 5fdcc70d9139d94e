/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret verify evidence`: evidence of every kind against collateral, certificates and a time, and the verdict told.
 */
#include "cli/command.h"
#include "cli/evidence/inputs.h"
#include "cli/evidence/verdict.h"

static const char help[] =
    "Usage: lazaret verify evidence --tee KIND --file EVIDENCE [--collateral DIR] [--certs FILE]... [--at "
    "UNIX_SECONDS]\n"
    "                               [--json] ...\n"
    "\n"
    "Verifies evidence as its maker's own verifier does, with Intel's and AMD's roots pinned in this program.\n"
    "\n"
    "  --tee sgx              EVIDENCE is an Intel SGX quote\n"
    "  --tee oe               EVIDENCE is an Open Enclave report or evidence, or a bare quote\n"
    "  --tee tdx              EVIDENCE is an Intel TDX quote\n"
    "  --tee snp              EVIDENCE is an AMD SEV-SNP report\n"
    "  --tee azure-vtpm       EVIDENCE is an Azure machine's HCL report, or JSON with all parts\n"
    "  --tee tpm              EVIDENCE is a TPM's TPMS_ATTEST, as tpm2_quote -m writes it, or JSON with all parts\n"
    "  --collateral DIR       Intel's: tcbinfo.json, tcb_issuer_chain.pem, qe_identity.json, pck.crl,\n"
    "                         pck_crl_issuer_chain.pem, root_ca.crl, and qe_identity_issuer_chain.pem if it is "
    "another\n"
    "                         chain\n"
    "                         AMD's, in place of --certs and --crl: vcek.der, crl.der, cert_chain.pem\n"
    "  --certs FILE           PEM or DER, repeatable: the PCK chain of a quote that carries none; the VCEK or VLEK, "
    "ASK\n"
    "                         and ARK, or the host's certificate table; the TPM's attestation key, also as "
    "TPM2B_PUBLIC\n"
    "  --crl FILE             AMD's revocation list\n"
    "  --td-quote FILE        beside a binary HCL report with a TDREPORT\n"
    "  --tpm-quote FILE       beside a binary HCL report: the vTPM's TPMS_ATTEST\n"
    "  --signature FILE       the TPM quote's, as tpm2_quote -s writes it, or a bare RSA signature\n"
    "  --pcrs FILE            the TPM's PCR values, as tpm2_quote -o or tpm2_pcrread -o writes them\n"
    "  --event-log FILE       the log that must lead to these values\n"
    "  --nonce HEX            what the TPM quote must be over\n"
    "  --runtime-data FILE    what the evidence must bind: SHA-256 of it in report data or nonce\n"
    "  --policy FILE          the appraisal policy that must accept it (docs/appraisal.md)\n"
    "  --at UNIX_SECONDS      the time to judge by (default: now)\n"
    "  --allow-zero-padding   accept zeros behind the quote, as some stacks hand out\n"
#ifdef LAZARET_SIMULATION
    "  --simulated-root PEM   public key of a software TEE's root to accept as well (simulation build)\n"
#endif
    "  --json                 print the verdict as JSON: genuine, accepted, status, advisories, reason, code,\n"
    "                         claims\n"
    "\n"
    "Exit codes: 0 genuine (and accepted by the policy), 1 refused, 2 the command line is not usable.\n"
    "docs/evidence.md tells the rest.\n";

static enum status run(struct evidence_options *options, int count, char **arguments, struct evidence_inputs *inputs,
                       struct evidence_result *result)
{
    TRY(evidence_options_read(count, arguments, &result->why, options));
    result->tee = options->tee;
    result->at_s = options->at_s;
    TRY(evidence_inputs_read(options, &result->why, inputs));
    result->padding = inputs->padding;
    result->is_nonce_compared = options->nonce != NULL || options->runtime_data != NULL;
    result->quote = inputs->quote;
    result->hcl_report = inputs->evidence.azure.hcl_report;
    TRY(evidence_verify(&inputs->evidence, &inputs->roots, options->at_s, NULL, &result->why, &result->claims));
    result->is_genuine = true;
    result->has_policy = inputs->policy != NULL;
    if (!result->has_policy) return OK;
    return appraisal_check(inputs->policy, &result->claims, options->at_s, &result->why);
}

/* Where nothing was judged there is no verdict: the command line is not usable, nor is a policy that it names. */
static bool is_usage(enum status status)
{
    return status == ERR_USAGE || status == ERR_IO || status == ERR_APPRAISAL_POLICY;
}

/* Bad usage has no verdict to tell on standard output, unless a program reads it. */
static enum status tell(const struct evidence_result *result, const struct evidence_options *options,
                        struct refusal *why)
{
    if (!options->json && is_usage(result->status)) return OK;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(64 * 1024);
    TRY(options->json ? evidence_result_json(result, &text) : evidence_result_text(result, &text));
    return command_print(buffer_slice(&text), why);
}

int command_verify_evidence(int count, char **arguments)
{
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    struct evidence_options options = {};
    struct evidence_result result = {};
    CLEANUP(evidence_inputs_done) struct evidence_inputs inputs = {};
    result.status = run(&options, count, arguments, &inputs, &result);
    if (result.why.status == OK) result.why.status = result.status;
    const enum status told = tell(&result, &options, &result.why);
    const int code = command_exit("verify evidence", told != OK ? told : result.status, &result.why);
    return is_usage(result.status) ? COMMAND_USAGE : code;
}
