/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret verify evidence`: an SGX quote, bare or in an Open Enclave report, against collateral in a folder.
 */
#include "cli/verify_evidence.h"

#include "base/clock.h"
#include "base/file.h"
#include "cli/command.h"
#include "crypto/x509.h"
#include "evidence/quote.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { EXIT_GENUINE = 0, EXIT_REFUSED = 1, EXIT_BAD_USAGE = 2 };

static const char usage[] =
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
    "  --json                 print the verdict as JSON\n"
    "\n"
    "Exit status: 0 genuine, 1 refused, 2 the command line is not usable.\n";

struct options {
    const char *tee, *file, *collateral, *at, *simulated_root;
    bool json, allow_zero_padding;
    int64_t at_s;
};

/* ---- the command line ---- */

static enum status refuse_usage(struct refusal *why, const char *field, const char *expected, const char *seen)
{
    (void)refuse(why, ERR_USAGE, field, expected, "%s", seen == NULL ? "nothing" : seen);
    return refuse_fix(why, ERR_USAGE, "see lazaret verify evidence --help");
}

static const char **option_value(struct options *options, const char *name)
{
    const struct {
        const char *name;
        const char **value;
    } known[] = {
        {"--tee", &options->tee},
        {"--file", &options->file},
        {"--collateral", &options->collateral},
        {"--at", &options->at},
#ifdef LAZARET_SIMULATION
        {"--simulated-root", &options->simulated_root},
#endif
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].name, name) == 0) return known[i].value;
    }
    return NULL;
}

static bool *option_flag(struct options *options, const char *name)
{
    if (strcmp(name, "--json") == 0) return &options->json;
    if (strcmp(name, "--allow-zero-padding") == 0) return &options->allow_zero_padding;
    return NULL;
}

static enum status take_options(int count, char **arguments, struct refusal *why, struct options *options)
{
    for (int i = 1; i < count; i++) {
        bool *const flag = option_flag(options, arguments[i]);
        const char **const value = option_value(options, arguments[i]);
        if (flag != NULL)
            *flag = true;
        else if (value == NULL)
            return refuse_usage(why, "command line", "a known option", arguments[i]);
        else if (*value != NULL)
            return refuse_usage(why, arguments[i], "the option once", "it twice");
        else if (i + 1 == count)
            return refuse_usage(why, arguments[i], "a value behind it", NULL);
        else
            *value = arguments[++i];
    }
    return OK;
}

static enum status take_time(struct options *options, struct refusal *why)
{
    static const char expected[] = "Unix seconds, at most 12 digits";
    if (options->at == NULL) {
        CLEANUP(clock_cleanup) struct clock *clock = NULL;
        TRY(clock_new(&clock));
        options->at_s = clock_now_s(clock);
        return OK;
    }
    const size_t size = strlen(options->at);
    if (size == 0 || size > 12 || strspn(options->at, "0123456789") != size)
        return refuse_usage(why, "--at", expected, options->at);
    for (const char *digit = options->at; *digit != '\0'; digit++) options->at_s = options->at_s * 10 + (*digit - '0');
    return OK;
}

static enum status check_options(struct options *options, struct refusal *why)
{
    if (options->tee == NULL || (strcmp(options->tee, "sgx") != 0 && strcmp(options->tee, "oe") != 0))
        return refuse_usage(why, "--tee", "sgx or oe", options->tee);
    if (options->file == NULL) return refuse_usage(why, "--file", "the file that holds the evidence", NULL);
    struct stat found;
    if (options->collateral == NULL || stat(options->collateral, &found) != 0 || !S_ISDIR(found.st_mode))
        return refuse_usage(why, "--collateral", "a folder of collateral", options->collateral);
    return take_time(options, why);
}

/* ---- files ---- */

struct collateral_folder {
    struct buffer tcb_info, tcb_info_chain, qe_identity, qe_identity_chain, pck_crl, pck_crl_chain, root_crl;
};

static void collateral_folder_done(struct collateral_folder *folder)
{
    struct buffer *const parts[] = {&folder->tcb_info,          &folder->tcb_info_chain, &folder->qe_identity,
                                    &folder->qe_identity_chain, &folder->pck_crl,        &folder->pck_crl_chain,
                                    &folder->root_crl};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) buffer_done(parts[i]);
}

static enum status path_in(const char *folder, const char *name, struct refusal *why, char path_out[static PATH_MAX])
{
    const int size = snprintf(path_out, PATH_MAX, "%s/%s", folder, name);
    return size < PATH_MAX ? OK : refuse_usage(why, "--collateral", "a shorter path", folder);
}

static enum status read_part(const char *folder, const char *name, size_t maximum, struct refusal *why,
                             struct buffer *bytes_out)
{
    char path[PATH_MAX];
    TRY(path_in(folder, name, why, path));
    *bytes_out = buffer_of_maximum(maximum);
    if (!file_exists(path)) {
        (void)refuse(why, ERR_COLLATERAL_MISSING, name, "a file of this name in the collateral folder", "nothing");
        return refuse_fix(why, ERR_COLLATERAL_MISSING, "fetch the whole collateral of this platform");
    }
    return file_read(path, why, bytes_out);
}

/* TCB info and QE identity are signed by one certificate, so one chain in the folder serves for both. */
static enum status read_qe_identity_chain(const char *folder, struct refusal *why, struct collateral_folder *parts)
{
    static const char name[] = "qe_identity_issuer_chain.pem";
    char path[PATH_MAX];
    TRY(path_in(folder, name, why, path));
    if (file_exists(path)) return read_part(folder, name, CERTIFICATE_PEM_MAX_BYTES, why, &parts->qe_identity_chain);
    parts->qe_identity_chain = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    return buffer_append(&parts->qe_identity_chain, buffer_slice(&parts->tcb_info_chain));
}

static enum status read_folder(const char *folder, struct refusal *why, struct collateral_folder *parts)
{
    enum { CRL_TEXT_MAX_BYTES = 2 * CRL_MAX_BYTES };
    TRY(read_part(folder, "tcbinfo.json", TCB_INFO_MAX_BYTES, why, &parts->tcb_info));
    TRY(read_part(folder, "tcb_issuer_chain.pem", CERTIFICATE_PEM_MAX_BYTES, why, &parts->tcb_info_chain));
    TRY(read_part(folder, "qe_identity.json", QE_IDENTITY_MAX_BYTES, why, &parts->qe_identity));
    TRY(read_part(folder, "pck.crl", CRL_TEXT_MAX_BYTES, why, &parts->pck_crl));
    TRY(read_part(folder, "pck_crl_issuer_chain.pem", CERTIFICATE_PEM_MAX_BYTES, why, &parts->pck_crl_chain));
    TRY(read_part(folder, "root_ca.crl", CRL_TEXT_MAX_BYTES, why, &parts->root_crl));
    return read_qe_identity_chain(folder, why, parts);
}

static enum status read_collateral(const struct options *options, const struct trust_roots *roots, struct refusal *why,
                                   struct collateral **collateral_out)
{
    CLEANUP(collateral_folder_done) struct collateral_folder parts = {};
    TRY(read_folder(options->collateral, why, &parts));
    const struct collateral_texts texts = {
        .tcb_info = buffer_slice(&parts.tcb_info),
        .tcb_info_issuer_chain = buffer_slice(&parts.tcb_info_chain),
        .qe_identity = buffer_slice(&parts.qe_identity),
        .qe_identity_issuer_chain = buffer_slice(&parts.qe_identity_chain),
        .pck_crl = buffer_slice(&parts.pck_crl),
        .pck_crl_issuer_chain = buffer_slice(&parts.pck_crl_chain),
        .root_ca_crl = buffer_slice(&parts.root_crl),
    };
    return collateral_new(&texts, roots, why, collateral_out);
}

/* ---- the verdict ---- */

static enum status unwrap(const struct options *options, struct slice evidence, struct refusal *why,
                          struct slice *quote_out)
{
    const bool is_report = oe_report_is_likely(evidence);
    if (is_report && strcmp(options->tee, "sgx") == 0) {
        (void)refuse(why, ERR_QUOTE_UNSUPPORTED, "header.version", "3, a bare SGX quote", "1, an Open Enclave report");
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

static enum status read_root(const struct options *options, struct refusal *why, struct key **root_out)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    TRY(file_read(options->simulated_root, why, &pem));
    if (key_from_public_pem(buffer_slice(&pem), root_out) == OK) return OK;
    return refuse_usage(why, "--simulated-root", "a public key in PEM", options->simulated_root);
}

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

static bool is_bad_usage(enum status status)
{
    return status == ERR_USAGE || status == ERR_IO;
}

static int tell(const struct evidence_result *result, bool json)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(64 * 1024);
    const enum status status = json ? evidence_result_json(result, &text) : evidence_result_text(result, &text);
    if (status != OK || fwrite(text.bytes, 1, text.size, stdout) != text.size || fflush(stdout) != 0) {
        (void)fprintf(stderr, "lazaret: the verdict could not be written\n");
        return EXIT_BAD_USAGE;
    }
    if (result->status == OK) return EXIT_GENUINE;
    return is_bad_usage(result->status) ? EXIT_BAD_USAGE : EXIT_REFUSED;
}

static bool asks_for_help(int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0) return true;
    }
    return false;
}

int command_verify_evidence(int count, char **arguments)
{
    if (asks_for_help(count, arguments)) return fputs(usage, stdout) < 0 ? EXIT_BAD_USAGE : EXIT_GENUINE;
    struct options options = {};
    struct evidence_result result = {};
    result.status = run(&options, count, arguments, &result);
    if (result.status != OK && result.why.status == OK) result.why.status = result.status;
    if (is_bad_usage(result.status) && !options.json) {
        char text[1024];
        refusal_text(&result.why, text, sizeof(text));
        (void)fprintf(stderr, "lazaret: %s\n", text);
        return EXIT_BAD_USAGE;
    }
    return tell(&result, options.json);
}
