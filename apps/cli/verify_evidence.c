/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret verify evidence`: an SGX quote, bare or in an Open Enclave report, against collateral in a folder.
 */
#include "cli/verify_evidence.h"

#include "base/file.h"
#include "cli/command.h"
#include "evidence/intel/quote.h"
#include "feeds/collateral_files.h"

#include <string.h>
#include <sys/stat.h>

static const char help[] =
    "Usage: lazaret verify evidence --tee sgx|oe --file QUOTE --collateral DIR [--at UNIX_SECONDS] [--json]\n"
    "\n"
    "Verifies an Intel SGX quote (version 3, ECDSA) as Intel's algorithm does, with Intel's root pinned in this "
    "program.\n"
    "\n"
    "  --tee sgx              QUOTE is a bare quote\n"
    "  --tee oe               QUOTE is an Open Enclave report, or a bare quote\n"
    "  --collateral DIR       tcbinfo.json, tcb_issuer_chain.pem, qe_identity.json, pck.crl, "
    "pck_crl_issuer_chain.pem,\n"
    "                         root_ca.crl, and qe_identity_issuer_chain.pem if it is another chain\n"
    "  --at UNIX_SECONDS      the time to judge by (default: now)\n"
    "  --allow-zero-padding   accept zeros behind the quote, as some stacks hand out\n"
#ifdef LAZARET_SIMULATION
    "  --simulated-root PEM   public key of a software TEE's root to accept as well (simulation build)\n"
#endif
    "  --json                 print the verdict as JSON: genuine, status, advisories, reason, code, claims\n"
    "\n"
    "Exit codes: 0 genuine, 1 refused, 2 the command line is not usable.\n";

struct options {
    const char *tee, *file, *collateral, *at, *simulated_root;
    bool json, allow_zero_padding;
    int64_t at_s;
};

/* ---- the command line ---- */

static enum status take_options(int count, char **arguments, struct refusal *why, struct options *options)
{
    const struct command_option known[] = {
        {.name = "--tee", .value = &options->tee},
        {.name = "--file", .value = &options->file},
        {.name = "--collateral", .value = &options->collateral},
        {.name = "--at", .value = &options->at},
#ifdef LAZARET_SIMULATION
        {.name = "--simulated-root", .value = &options->simulated_root},
#endif
        {.name = "--allow-zero-padding", .flag = &options->allow_zero_padding},
        {.name = "--json", .flag = &options->json},
    };
    return command_options(count, arguments, known, sizeof(known) / sizeof(known[0]), NULL, why);
}

static enum status refuse_usage(struct refusal *why, const char *field, const char *expected, const char *seen)
{
    (void)!refuse(why, ERR_USAGE, field, expected, "%s", seen);
    return refuse_fix(why, ERR_USAGE, "see --help of this command");
}

static enum status check_options(struct options *options, struct refusal *why)
{
    struct stat found;
    if (options->tee == NULL) return command_needs("--tee", "sgx or oe", why);
    if (strcmp(options->tee, "sgx") != 0 && strcmp(options->tee, "oe") != 0)
        return refuse_usage(why, "--tee", "sgx or oe", options->tee);
    if (options->file == NULL) return command_needs("--file", "the file that holds the evidence", why);
    if (options->collateral == NULL) return command_needs("--collateral", "a folder of collateral", why);
    if (stat(options->collateral, &found) != 0 || !S_ISDIR(found.st_mode))
        return refuse_usage(why, "--collateral", "a folder of collateral", options->collateral);
    return command_time(options->at, "--at", why, &options->at_s);
}

static enum status read_collateral(const struct options *options, const struct trust_roots *roots, struct refusal *why,
                                   struct collateral **collateral_out)
{
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    TRY(collateral_files_read(options->collateral, why, &files));
    const struct collateral_texts texts = collateral_files_texts(&files);
    return collateral_new(&texts, roots, why, collateral_out);
}

/* ---- the verdict ---- */

static enum status unwrap(const struct options *options, struct slice evidence, struct refusal *why,
                          struct slice *quote_out)
{
    const bool is_report = oe_report_is_likely(evidence);
    if (is_report && strcmp(options->tee, "sgx") == 0) {
        (void)!refuse(why, ERR_QUOTE_UNSUPPORTED, "header.version", "3, a bare SGX quote", "1, an Open Enclave report");
        return refuse_fix(why, ERR_QUOTE_UNSUPPORTED, "use --tee oe");
    }
    if (is_report) TRY(oe_report_quote(evidence, why, &evidence));
    if (options->allow_zero_padding) return quote_without_padding(evidence, why, quote_out);
    *quote_out = evidence;
    return OK;
}

static enum status judge(const struct options *options, struct slice evidence, const struct trust_roots *roots,
                         struct refusal *why, struct sgx_claims *claims_out)
{
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    struct slice quote;
    TRY(unwrap(options, evidence, why, &quote));
    TRY(read_collateral(options, roots, why, &collateral));
    return sgx_quote_verify(quote, collateral, roots, options->at_s, NULL, why, claims_out);
}

#ifdef LAZARET_SIMULATION
static enum status read_root(const struct options *options, struct refusal *why, struct key **root_out)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    TRY(file_read(options->simulated_root, why, &pem));
    if (key_from_public_pem(buffer_slice(&pem), root_out) == OK) return OK;
    return refuse_usage(why, "--simulated-root", "a public key in PEM", options->simulated_root);
}
#else
static enum status read_root(const struct options *, struct refusal *, struct key **)
{
    return ERR_UNSUPPORTED; /* nothing sets the option */
}
#endif

/* An unreadable file that the command line names is bad usage; evidence that is too large is refused evidence. */
static enum status read_evidence(const struct options *options, struct refusal *why, struct buffer *evidence)
{
    enum { OE_HEADER_BYTES = 16 };
    *evidence = buffer_of_maximum(QUOTE_MAX_BYTES + OE_HEADER_BYTES);
    return file_read(options->file, why, evidence);
}

static enum status run(struct options *options, int count, char **arguments, struct evidence_result *result)
{
    TRY(take_options(count, arguments, &result->why, options));
    TRY(check_options(options, &result->why));
    result->tee = options->tee;
    result->at_s = options->at_s;
    CLEANUP(key_cleanup) struct key *root = NULL;
    if (options->simulated_root != NULL) TRY(read_root(options, &result->why, &root));
    const struct key *const simulated[] = {root};
    const struct trust_roots roots = {.simulated = simulated, .simulated_count = root != NULL ? 1 : 0};
    CLEANUP(buffer_done) struct buffer evidence = {};
    TRY(read_evidence(options, &result->why, &evidence));
    return judge(options, buffer_slice(&evidence), &roots, &result->why, &result->claims);
}

/* Bad usage has no verdict to tell on standard output, unless a program reads it. */
static enum status tell(const struct evidence_result *result, const struct options *options, struct refusal *why)
{
    const bool is_verdict = result->status != ERR_USAGE && result->status != ERR_IO;
    if (!options->json && !is_verdict) return OK;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(64 * 1024);
    TRY(options->json ? evidence_result_json(result, &text) : evidence_result_text(result, &text));
    return command_print(buffer_slice(&text), why);
}

int command_verify_evidence(int count, char **arguments)
{
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    struct options options = {};
    struct evidence_result result = {};
    result.status = run(&options, count, arguments, &result);
    if (result.why.status == OK) result.why.status = result.status;
    const enum status told = tell(&result, &options, &result.why);
    return command_exit("verify evidence", told != OK ? told : result.status, &result.why);
}
